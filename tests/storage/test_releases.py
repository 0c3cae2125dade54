"""Nothing is released that was not paid for, and nothing is paid twice over the limit."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, time, timedelta

import pytest

from app.domain.behavior import Behavior
from app.domain.catalogue import Catalogue
from app.domain.errors import Conflict
from app.domain.item import Item
from app.ingest.weigh import Weights
from app.privacy.noise import Bounds
from app.services import release_popularity as service
from app.services.release_popularity import Wanted, counted, keys_of, release_popularity
from app.storage.engine import Database
from app.storage.items import put_items
from app.storage.releases import Debit, debit_and_read, spent
from app.storage.users import put_consent
from app.training.dataset import read_log
from tests.people import append

LAST = date(2026, 3, 5)
WEIGHTS = Weights()
ITEMS = [Item(f"i{number}", categories=("Tea",) if number % 2 else ("Tea", "Mugs")) for number in range(4)]


def wanted(epsilon: float = 0.5, n_days: int = 2, most: int = 2, until: date = LAST) -> Wanted:
    return Wanted(until, n_days, "item", Bounds(epsilon, most), 1.0)


async def bought(db: Database, *lines: tuple[str, str, int], flag: str | None = None) -> None:
    """(user, item, days before the last) at noon, one second after the other."""
    noon = datetime.combine(LAST, time(12), UTC)
    behaviors = [
        Behavior(user, f"{user}-{item}-{back}-{place}-{flag}", "purchase", at, True, item, flag=flag)
        for place, (user, item, back) in enumerate(lines)
        for at in [noon - timedelta(days=back) + timedelta(seconds=place)]
    ]
    await append(db, behaviors)


@pytest.fixture
async def shop(db: Database) -> Database:
    await put_items(
        db, [Item(f"i{number}", categories=("Tea",) if number % 2 else ("Tea", "Mugs")) for number in range(4)]
    )
    await bought(db, ("ann", "i0", 0), ("ann", "i0", 0), ("ann", "i1", 0), ("ann", "i2", 0), ("bob", "i0", 1))
    return db


async def true_counts(db: Database, what: Wanted) -> dict[str, list[int]]:
    log = read_log(await debit_and_read(db, Debit(what.days, 0.001, {}), 1.0), WEIGHTS)
    catalogue = Catalogue(ITEMS)
    keys = keys_of(catalogue, "item")
    return dict(zip(keys.names, counted(log, catalogue, keys, what).T.tolist(), strict=True))


async def test_a_user_day_counts_once_an_item_and_for_a_bounded_number_of_them(shop: Database) -> None:
    assert await true_counts(shop, wanted()) == {"i0": [1, 1], "i1": [0, 1], "i2": [0, 0], "i3": [0, 0]}


async def test_robots_and_those_who_do_not_consent_do_not_count(shop: Database) -> None:
    before = await true_counts(shop, wanted())
    await bought(shop, ("robot", "i3", 0), flag="robot")
    await bought(shop, ("eve", "i3", 0))
    await put_consent(shop, "secret", "eve", consent=False)
    assert await true_counts(shop, wanted()) == before


async def test_what_is_released_names_all_keys_and_says_how_it_was_made(shop: Database) -> None:
    told = await release_popularity(shop, WEIGHTS, wanted())
    assert told["counts"].keys() == {"i0", "i1", "i2", "i3"}
    assert all(len(row) == 2 for row in told["counts"].values())
    assert (told["days"], told["scale"]) == (["2026-03-04", "2026-03-05"], pytest.approx(4.0))
    by_category = Wanted(LAST, 1, "category", Bounds(0.4, 2), 1.0)
    assert (await release_popularity(shop, WEIGHTS, by_category))["counts"].keys() == {"Tea", "Mugs"}


async def test_the_ledger_refuses_what_a_day_can_no_longer_pay(shop: Database) -> None:
    await release_popularity(shop, WEIGHTS, wanted(0.6))
    with pytest.raises(Conflict, match=r"2026-03-04 \(0.4 left\)") as refused:
        await release_popularity(shop, WEIGHTS, wanted(0.5))
    assert refused.value.code == "privacy_budget_spent"
    await release_popularity(shop, WEIGHTS, wanted(0.5, until=LAST - timedelta(days=2)))
    await release_popularity(shop, WEIGHTS, wanted(0.4))
    assert (await spent(shop))[LAST] == pytest.approx(1.0)
    with pytest.raises(Conflict):
        await release_popularity(shop, WEIGHTS, wanted(1.5, until=date(2026, 1, 1)))
    assert date(2026, 1, 1) not in await spent(shop)


async def test_two_at_once_cannot_spend_the_same_budget(shop: Database) -> None:
    tries = (release_popularity(shop, WEIGHTS, wanted(0.4)) for _ in range(5))
    done = await asyncio.gather(*tries, return_exceptions=True)
    assert sorted(type(one).__name__ for one in done) == ["Conflict"] * 3 + ["dict"] * 2
    assert (await spent(shop))[LAST] == pytest.approx(0.8)


async def test_who_dies_behind_the_debit_has_spent_it(shop: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(service, "_released", die)
    with pytest.raises(KeyboardInterrupt):
        await release_popularity(shop, WEIGHTS, wanted(0.7))
    assert (await spent(shop))[LAST] == pytest.approx(0.7)


async def test_who_reads_nothing_has_spent_nothing(shop: Database) -> None:
    async with shop.connection() as connection:
        await connection.execute("ALTER TABLE behaviors RENAME TO away")
    with pytest.raises(Exception, match="behaviors"):
        await release_popularity(shop, WEIGHTS, wanted(0.7))
    assert await spent(shop) == {}
