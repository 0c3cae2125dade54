"""The history of a stored profile, beside readings of that profile at each of its moments."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from app.domain.behavior import Behavior
from app.domain.errors import InvalidInput, NotFound
from app.domain.history import History
from app.domain.item import Item
from app.services.context import Context
from app.services.read_history import NO_CONSENT, NOTHING_YET, Span, read_history
from app.services.read_profile import read_profile
from app.storage.users import patch_user, put_user
from tests.people import append

AT = datetime(2026, 1, 1, tzinfo=UTC)
ALL = Span()


def _bought(n: int, item_id: str, days: float) -> Behavior:
    return Behavior("u", f"b{n}", "purchase", AT + timedelta(days=days), item_id=item_id)


@pytest.fixture
async def shop(context: Context) -> Context:
    """A user who turns from pizza to cola, in a shop of 40 kinds."""
    for kind in ("pizza", "cola", *(f"kind {n}" for n in range(40))):
        for n in range(10):
            context.world.catalogue.put(Item(f"{kind}-{n}", f"{kind.title()} {n}", categories=(f"Food > {kind}",)))
    log = [_bought(n, f"pizza-{n % 10}", n) for n in range(30)]
    log += [_bought(100 + n, f"cola-{n % 10}", 30 + n) for n in range(30)]
    await append(context.db, log)
    return context


async def test_each_version_is_the_profile_at_its_moment(shop: Context) -> None:
    history = await read_history(shop, "u", ALL, None, 1000)
    assert len(history.versions) > 5
    assert history.versions[0].at == AT + timedelta(days=59)
    for version in history.versions:
        profile = await read_profile(shop, "u", version.at)
        assert profile.version == version.version
        assert profile.updated_at == version.at
        weights = {one.facet: one.weight for one in profile.interests}
        for change in version.changes:
            assert weights.get(change.facet) == pytest.approx(change.after)


async def test_pages_are_the_whole_and_stand_still_while_more_happens(shop: Context) -> None:
    whole = (await read_history(shop, "u", ALL, None, 1000)).versions
    first = await read_history(shop, "u", ALL, None, 3)
    await append(shop.db, [_bought(500, "kind 1-1", 70)])
    paged = list(first.versions)
    page = first
    while page.n_older:
        page = await read_history(shop, "u", ALL, page.n_older, 3)
        paged += page.versions
    assert tuple(paged) == whole
    newest = (await read_history(shop, "u", ALL, None, 1)).versions
    assert newest[0].at == AT + timedelta(days=70)


async def test_until_and_since_bound_the_time(shop: Context) -> None:
    span = Span(AT + timedelta(days=20), AT + timedelta(days=40))
    versions = (await read_history(shop, "u", span, None, 1000)).versions
    assert versions[0].at == span.until
    assert all(span.since < one.at <= span.until for one in versions)
    assert ("appeared", "cola") in [(one.kind, one.label) for version in versions for one in version.changes]
    assert (await read_history(shop, "u", Span(until=AT - timedelta(1)), None, 9)).reason == NOTHING_YET
    with pytest.raises(InvalidInput):
        await read_history(shop, "u", Span(AT, AT), None, 9)


async def test_who_is_unknown_has_no_history_and_who_does_not_consent_has_none_with_the_reason(shop: Context) -> None:
    with pytest.raises(NotFound) as caught:
        await read_history(shop, "nobody", ALL, None, 9)
    assert caught.value.code == "user_unknown"
    await put_user(shop.db, "secret", "silent", {})
    assert (await read_history(shop, "silent", ALL, None, 9)).reason == NOTHING_YET
    await patch_user(shop.db, "u", {}, consent=False)
    assert await read_history(shop, "u", ALL, None, 9) == History("u", reason=NO_CONSENT)


async def test_a_moment_before_the_first_behavior_is_an_empty_profile(shop: Context) -> None:
    before = AT - timedelta(microseconds=1)
    profile = await read_profile(shop, "u", before)
    assert (profile.stage, profile.version, profile.counts, profile.interests) == ("new", 0, {}, ())
    assert profile.summary.text == "Nothing was known about this user yet."
    assert profile.updated_at == before
    assert (await read_profile(shop, "u", before, evidence=True)).summary.claims == ()


async def test_a_behavior_counts_from_its_very_instant(shop: Context) -> None:
    instant = AT + timedelta(days=7)
    assert (await read_profile(shop, "u", instant)).counts == {"purchase": 8}
    assert (await read_profile(shop, "u", instant - timedelta(microseconds=1))).counts == {"purchase": 7}


async def test_a_moment_to_come_is_refused_but_for_what_clocks_differ(shop: Context) -> None:
    with pytest.raises(InvalidInput) as caught:
        await read_profile(shop, "u", datetime.now(UTC) + timedelta(hours=1))
    assert caught.value.faults[0].pointer == "?at"
    assert "leave `at` out" in caught.value.hint
    assert (await read_profile(shop, "u", datetime.now(UTC) + timedelta(seconds=30))).counts == {"purchase": 60}


async def test_five_thousand_behaviors_are_told_in_time(shop: Context) -> None:
    """300 ms on an idle core; here a busy one gets three tries of a second."""
    log = [_bought(1000 + n, f"kind {n % 40}-{n % 10}", -700 + n / 7.3) for n in range(5_000)]
    await append(shop.db, log)
    took = []
    for n in range(3):
        started = time.perf_counter()
        history = await read_history(shop, "u", Span(until=AT + timedelta(days=1000 + n)), None, 50)
        took.append(time.perf_counter() - started)
    assert history.versions
    print(f"history of 5,060 behaviours: {min(took):.3f} s")
    assert min(took) < 1.0
