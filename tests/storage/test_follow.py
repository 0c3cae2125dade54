import asyncio
import os

import numpy as np
import pytest

from app.domain.catalogue import Catalogue
from app.domain.errors import Unavailable
from app.domain.item import Item
from app.encoders.text_encoder import TextEncoder
from app.index.faiss_space import FaissSpace
from app.registry.store import Store
from app.retrieval.base import World
from app.services.context import Context
from app.services.embed_texts import embed_texts
from app.services.follow import Follower
from app.services.publish_space import publish_space
from app.services.record_behaviors import record_behaviors
from app.services.retrain import retrain
from app.storage.items import delete_item, load_items, patch_item, put_items
from app.storage.models import ROLLED_BACK_TO, live_model, promote

FOOD = ["pizza", "bread", "cheese", "yogurt", "apple", "banana", "coffee", "tea", "soup", "rice"]
HOUSE = ["soap", "sponge", "candle", "towel", "broom", "bucket", "detergent", "bleach", "paper", "battery"]


def shop(n_sizes: int = 3) -> list[Item]:
    return [
        Item(f"{word}-{size}", f"{word.capitalize()} number {size}", categories=(f"Shop > {shelf} > {word}",))
        for shelf, words in (("Food", FOOD), ("House", HOUSE))
        for word in words
        for size in range(n_sizes)
    ]


async def embed_all(ctx: Context) -> None:
    while await embed_texts(ctx):
        pass


async def filled(ctx: Context, items: list[Item] | None = None) -> Follower:
    """A worker that follows a shop whose items all have their vectors."""
    await put_items(ctx.db, items or shop())
    await embed_all(ctx)
    follower = Follower(ctx)
    await follower.start()
    return follower


def another_worker(ctx: Context) -> Context:
    return Context(
        db=ctx.db,
        encoder=ctx.encoder,
        store=Store(ctx.store.root),
        world=World(Catalogue(), FaissSpace(), (), "none"),
        now=ctx.now,
    )


async def nearest(ctx: Context, text: str, k: int = 3) -> list[str]:
    space, catalogue = ctx.world.space, ctx.world.catalogue
    rows, _ = space.search(space.project(await ctx.encoder.encode([text])), k)
    return [catalogue.items[row].item_id for row in rows[0] if row >= 0]


async def test_a_first_start_without_items_or_models_works(context: Context) -> None:
    world = context.world
    assert world.catalogue.n_rows == 0
    assert world.generators
    assert await nearest(context, "pizza") == []
    assert await publish_space(context) is None


async def test_without_a_published_space_items_are_found_by_their_raw_vectors(context: Context) -> None:
    await filled(context)
    assert {item.split("-")[0] for item in await nearest(context, "pizza")} == {"pizza"}
    assert context.world.space.cluster_label(0) == ""


async def test_a_new_item_is_found_after_the_next_step_also_by_other_workers(context: Context) -> None:
    followers = [await filled(context)]
    other = another_worker(context)
    followers.append(Follower(other))
    await followers[1].start()
    await put_items(context.db, [Item("kite", "A kite that flies")])
    await embed_all(context)
    for ctx, follower in zip((context, other), followers, strict=True):
        before = ctx.world
        await follower.step()
        assert ctx.world is not before
        assert await nearest(ctx, "a kite in the sky", 1) == ["kite"]


async def test_a_step_without_changes_keeps_the_world(context: Context) -> None:
    follower = await filled(context)
    before = context.world
    await follower.step()
    assert context.world is before


async def test_edited_and_deleted_items_are_followed(context: Context) -> None:
    follower = await filled(context)
    rows = dict(context.world.catalogue.row_of)
    await patch_item(context.db, "pizza-0", {"title": "A bicycle with two wheels"})
    await patch_item(context.db, "bread-0", {"available": False})
    await delete_item(context.db, "soap-0")
    await embed_all(context)
    await follower.step()
    catalogue, space = context.world.catalogue, context.world.space
    assert await nearest(context, "bicycle", 1) == ["pizza-0"]
    assert catalogue.row_of["pizza-0"] == rows["pizza-0"]
    assert not catalogue.available[rows["bread-0"]]
    assert "soap-0" not in catalogue.row_of
    assert np.isnan(space.vectors(np.array([rows["soap-0"]], dtype=np.int32))).all()
    assert "soap-0" not in await nearest(context, "soap", 60)


async def test_a_published_space_is_swapped_in_and_rows_stay(context: Context) -> None:
    follower = await filled(context)
    before, rows = context.world, dict(context.world.catalogue.row_of)
    version = await publish_space(context)
    assert version is not None
    await follower.step()
    space, catalogue = context.world.space, context.world.catalogue
    assert space is not before.space
    assert space.version != before.space.version
    assert context.world.model_version == f"space-{version}.generators-0"
    assert catalogue.row_of == rows
    assert {item.split("-")[0] for item in await nearest(context, "pizza")} == {"pizza"}
    clusters = space.clusters(catalogue.rows([item.item_id for item in shop()]))
    assert (clusters >= 0).all()
    assert all(space.cluster_label(int(number)) for number in clusters)


async def test_what_changed_after_the_space_was_made_is_right_in_it(context: Context) -> None:
    follower = await filled(context)
    await publish_space(context)
    await put_items(context.db, [Item("kite", "A kite that flies"), Item("pizza-0", "A bicycle with two wheels")])
    await delete_item(context.db, "soap-0")
    await embed_all(context)
    await follower.step()
    late = another_worker(context)
    await Follower(late).start()
    for ctx in (context, late):
        assert await nearest(ctx, "a kite in the sky", 1) == ["kite"]
        assert await nearest(ctx, "bicycle", 1) == ["pizza-0"]
        assert "soap-0" not in await nearest(ctx, "soap", 62)
        assert len(await nearest(ctx, "soap", 62)) == len(shop())


async def test_a_damaged_space_is_refused_and_made_anew(context: Context) -> None:
    follower = await filled(context)
    await publish_space(context)
    await follower.step()
    good = context.world
    live = await live_model(context.db, "space")
    assert live is not None
    arrays = context.store.open(live.manifest) / "arrays.safetensors"
    content = bytearray(arrays.read_bytes())
    content[-100] ^= 1
    arrays.write_bytes(content)
    fresh = another_worker(context)
    late = Follower(fresh)
    await late.start()
    assert "SHA-256" in late.problems["space"]
    assert {item.split("-")[0] for item in await nearest(fresh, "pizza")} == {"pizza"}
    assert context.world is good
    assert await publish_space(fresh) is not None
    await late.step(), await follower.step()
    assert late.problems == follower.problems == {}
    assert fresh.world.space.version == context.world.space.version


async def test_a_refused_model_leaves_the_one_before_serving(context: Context) -> None:
    follower = await filled(context)
    version = await publish_space(context)
    await follower.step()
    live = await live_model(context.db, "space")
    assert live is not None
    await promote(context.db, "space", live.manifest | {"name": "gone"})
    before = context.world
    await follower.step()
    assert "missing" in follower.problems["space"]
    assert context.world is before
    assert context.world.model_version == f"space-{version}.generators-0"


async def test_fitted_generators_are_swapped_in(context: Context) -> None:
    follower = await filled(context)
    behaviors = [
        {"user_id": f"u{n % 5}", "item_id": f"{FOOD[n % 10]}-0", "type": "purchase", "behavior_id": str(n)}
        for n in range(50)
    ]
    await record_behaviors(context, behaviors)
    before = {generator.name for generator in context.world.generators}
    version = await retrain(context)
    await follower.step()
    assert before < {generator.name for generator in context.world.generators}
    assert context.world.model_version == f"space-0.generators-{version}"


async def test_a_space_is_made_anew_when_a_tenth_has_changed_and_not_before(context: Context) -> None:
    await filled(context)
    assert await publish_space(context) is not None
    assert await publish_space(context) is None
    await put_items(context.db, [Item(f"new-{n}", f"New thing {n}") for n in range(5)])
    await embed_all(context)
    assert await publish_space(context) is None
    await put_items(context.db, [Item("new-5", "New thing 5")])
    await embed_all(context)
    assert await publish_space(context) is not None


async def test_while_vectors_are_awaited_the_space_is_not_made_again_and_again(context: Context) -> None:
    await filled(context)
    await publish_space(context)
    await put_items(context.db, [Item(f"new-{n}", f"New thing {n}") for n in range(20)])
    assert await publish_space(context) is None
    await embed_all(context)
    assert await publish_space(context) is not None


async def test_old_spaces_are_removed(context: Context) -> None:
    await filled(context)
    for n in range(5):
        await put_items(context.db, [Item(f"new-{n}-{k}", f"New thing {n} {k}") for k in range(20)])
        await embed_all(context)
        for folder in (context.store.root / "space").glob("*"):
            os.utime(folder, (0, 0))  # what was used a moment ago would be spared
        assert await publish_space(context) is not None
    assert len(list((context.store.root / "space").iterdir())) == ROLLED_BACK_TO


async def test_an_encoder_of_another_name_starts_the_vectors_anew(context: Context, encoder: TextEncoder) -> None:
    follower = await filled(context)
    await publish_space(context)
    await follower.step()
    other = TextEncoder()
    other.load()
    other.name = "another@00000000"
    context.encoder = other
    await follower.step()
    assert await nearest(context, "pizza") == []  # vectors of two encoders do not mix
    await embed_all(context)
    await follower.step()
    assert {item.split("-")[0] for item in await nearest(context, "pizza")} == {"pizza"}
    assert await publish_space(context) is not None
    other.close()


async def test_vectors_are_made_once_for_items_and_for_words(context: Context) -> None:
    await put_items(context.db, shop(1))
    assert await embed_texts(context) == 20
    assert await embed_texts(context) == 0
    (stored,) = await load_items(context.db, ["pizza-0"])
    assert stored.embedded_by == context.encoder.name
    assert stored.embedding == (await context.encoder.encode_raw([stored.item.text]))[0]


async def test_an_encoder_that_is_still_loading_is_waited_for(context: Context) -> None:
    await put_items(context.db, shop(1))
    context.encoder = TextEncoder()
    assert await embed_texts(context) == 0
    with pytest.raises(Unavailable):
        await context.encoder.encode(["pizza"])
    await Follower(context).start()
    assert context.world.catalogue.n_rows == 20


async def test_a_start_that_the_database_cuts_short_is_begun_anew(context: Context) -> None:
    await put_items(context.db, shop(1))
    follower = Follower(context)
    before = context.world
    locked = await context.db.connect()
    async with locked.transaction():
        await locked.execute("LOCK TABLE items IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(Unavailable):
            await follower.step()
    await locked.close()
    assert context.world is before
    await follower.step()
    assert context.world.catalogue.n_rows == 20


async def test_artifacts_are_safe_to_read_while_new_ones_come(context: Context) -> None:
    """Every search during twelve swaps is answered from one whole world."""
    follower = await filled(context)
    stop = asyncio.Event()

    async def ask() -> int:
        n = 0
        while not stop.is_set():
            assert {item.split("-")[0] for item in await nearest(context, "pizza")} == {"pizza"}
            await asyncio.sleep(0.005)
            n += 1
        return n

    asking = asyncio.create_task(ask())
    for n in range(12):
        await put_items(context.db, [Item(f"new-{n}-{k}", f"New thing {n} {k}") for k in range(10 + 2 * n)])
        await embed_all(context)
        assert await publish_space(context) is not None
        await follower.step()
    stop.set()
    assert await asking > 12
