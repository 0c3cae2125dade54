"""From a reading to a narrated summary: wanted beside the request, written by the job, shown while the claims stand."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from app.domain.behavior import Behavior
from app.domain.errors import Unavailable
from app.domain.item import Item
from app.encoders.narrator import RemoteNarrator
from app.jobs.beside import Beside
from app.services.context import Context
from app.services.narrations import narrate
from app.services.read_profile import read_profile
from app.storage.engine import Database
from app.storage.narrations import MAX_TRIES, MOST_WANTED, Wanted, load_narration, take_wanted, want_narration
from app.storage.users import patch_user, put_user
from tests.people import append

AT = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Plain:
    """A narrator without a model: the first fact as a sentence, or what it was told to say."""

    says: str = ""
    name: str = "plain"
    n_asked: int = 0

    def write(self, prompt: str) -> str:
        self.n_asked += 1
        fact = re.findall(r"^- (.*)$", prompt, re.M)[0]
        return self.says or f"This person {fact[0].lower()}{fact[1:]}."

    def close(self) -> None:
        """Nothing is open."""


def _bought(user: str, n: int, item_id: str = "pizza") -> Behavior:
    return Behavior(user, f"b{n}-{item_id}", "purchase", AT + timedelta(days=n), item_id=item_id)


@pytest.fixture
async def shop(context: Context) -> Context:
    for name in ("pizza", "cola", "fish"):
        context.world.catalogue.put(Item(name, name.title(), categories=(f"Food > {name}",)))
    await append(context.db, [_bought("u", n) for n in range(6)])
    context.narrator = Plain()
    return context


async def _wanted(db: Database) -> list[tuple[str, int, str | None]]:
    async with db.connection() as connection:
        cursor = await connection.execute(
            "SELECT user_id, n_tries, refused FROM narrations_wanted ORDER BY wanted_at DESC, user_id"
        )
        return [(user_id, n_tries, refused) for user_id, n_tries, refused in await cursor.fetchall()]


async def _make_due(db: Database) -> None:
    async with db.connection() as connection:
        await connection.execute("UPDATE narrations_wanted SET try_at = now()")


async def test_the_template_answers_at_once_and_the_narration_from_then_on(shop: Context) -> None:
    first = await read_profile(shop, "u")
    assert first.summary.generated_by == "template"
    await shop.wishes.drain()
    assert await _wanted(shop.db) == [("u", 0, None)]
    assert await narrate(shop) == 1
    assert await narrate(shop) is None
    told = await read_profile(shop, "u", evidence=True)
    assert told.summary.generated_by == "plain"
    assert told.summary.text == "This person buys “pizza”: 100 % of the attention, 6 purchases."
    assert [claim.text for claim in told.summary.claims] == [claim.text for claim in first.summary.claims]
    assert told.summary.evidence
    assert (told.interests[0].weight, told.version) == (first.interests[0].weight, first.version)
    assert await _wanted(shop.db) == []


async def test_a_new_behavior_brings_the_template_back_until_it_is_narrated_anew(shop: Context) -> None:
    await read_profile(shop, "u")
    await shop.wishes.drain()
    await narrate(shop)
    await append(shop.db, [_bought("u", 9, "cola")])
    assert (await read_profile(shop, "u")).summary.generated_by == "template"
    await shop.wishes.drain()
    assert await narrate(shop) == 1
    assert (await read_profile(shop, "u")).summary.generated_by == "plain"


async def test_what_was_asked_before_and_other_moments_are_not_narrated(shop: Context) -> None:
    for _ in range(3):
        await read_profile(shop, "u")
        await read_profile(shop, "u", AT + timedelta(days=3))
        await shop.wishes.drain()
    assert len(await _wanted(shop.db)) == 1
    shop.narrator = None
    await append(shop.db, [_bought("v", 1)])
    assert (await read_profile(shop, "v")).summary.generated_by == "template"
    await shop.wishes.drain()
    assert len(await _wanted(shop.db)) == 1
    assert await narrate(shop) is None


async def test_a_refused_text_is_never_shown_and_not_tried_in_a_tight_loop(shop: Context) -> None:
    shop.narrator = babbler = Plain("This person is a flamingo and buys pizza.")
    for _ in range(3):
        await read_profile(shop, "u")
        await shop.wishes.drain()
        await narrate(shop)
    assert babbler.n_asked == 1
    ((_, n_tries, refused),) = await _wanted(shop.db)
    assert n_tries == 1
    assert refused == "a word that no fact about this has"
    for _ in range(MAX_TRIES + 2):
        await _make_due(shop.db)
        await narrate(shop)
    assert babbler.n_asked == MAX_TRIES
    assert (await read_profile(shop, "u")).summary.generated_by == "template"


async def test_a_text_changed_behind_our_back_is_checked_again(shop: Context) -> None:
    await read_profile(shop, "u")
    await shop.wishes.drain()
    await narrate(shop)
    async with shop.db.connection() as connection:
        await connection.execute("UPDATE narrations SET text = 'Visit www.flamingo.example for more pizza.'")
    assert (await read_profile(shop, "u")).summary.generated_by == "template"


async def test_a_narrator_that_is_away_costs_no_try_and_fails_the_step(shop: Context) -> None:
    shop.narrator = RemoteNarrator("http://127.0.0.1:9", "small", None)
    await read_profile(shop, "u")
    await shop.wishes.drain()
    for _ in range(2):
        with pytest.raises(Unavailable):
            await narrate(shop)
    assert await _wanted(shop.db) == [("u", 0, None)]


async def test_the_list_is_bounded_and_the_newest_come_first(shop: Context) -> None:
    async with shop.db.connection() as connection:
        await connection.execute(
            "INSERT INTO users (user_id) SELECT 'w' || n FROM generate_series(1, %s) n", [MOST_WANTED]
        )
        await connection.execute(
            "INSERT INTO narrations_wanted (user_id, profile_hash, facts, wanted_at)"
            " SELECT 'w' || n, 'h', '[]', now() - make_interval(secs => n) FROM generate_series(1, %s) n",
            [MOST_WANTED],
        )
    await want_narration(shop.db, Wanted("u", "h", [("Buys tea", "tea")]))
    wanted = await _wanted(shop.db)
    assert len(wanted) == MOST_WANTED
    assert wanted[0][0] == "u"
    assert ("w1000", 0, None) not in wanted
    taken = [await take_wanted(shop.db), await take_wanted(shop.db)]
    assert [one.user_id for one in taken if one] == ["u", "w1"]
    assert taken[0] == Wanted("u", "h", [("Buys tea", "tea")])


async def test_who_does_not_consent_is_neither_wanted_nor_written_of(shop: Context) -> None:
    await read_profile(shop, "u")
    await shop.wishes.drain()
    await patch_user(shop.db, "u", {}, consent=False)
    await narrate(shop)
    assert (await load_narration(shop.db, "u")).text == ""
    await want_narration(shop.db, Wanted("u", "other", []))
    assert await _wanted(shop.db) == []
    assert (await read_profile(shop, "u")).summary.text == "Nothing is known about this user yet."


async def test_narrations_go_with_their_user(shop: Context) -> None:
    await put_user(shop.db, "secret", "x", {})
    await read_profile(shop, "u")
    await shop.wishes.drain()
    await narrate(shop)
    async with shop.db.connection() as connection:
        await connection.execute("DELETE FROM users WHERE user_id = 'u'")
    assert (await load_narration(shop.db, "u")).text == ""


async def test_slow_work_does_not_hold_up_the_steps() -> None:
    begun, end = asyncio.Event(), asyncio.Event()

    async def slow(_: object) -> int | None:
        begun.set()
        await end.wait()
        return 1

    step = Beside(slow)
    assert await step(None) is None
    await begun.wait()
    assert await step(None) is None
    end.set()
    await asyncio.sleep(0.01)
    assert await step(None) == 1


async def test_what_fails_beside_fails_the_step_once() -> None:
    async def away(_: object) -> int | None:
        raise Unavailable("The narrator is away.")

    step = Beside(away)
    assert await step(None) is None
    await asyncio.sleep(0.01)
    with pytest.raises(Unavailable):
        await step(None)
    assert await step(None) is None
