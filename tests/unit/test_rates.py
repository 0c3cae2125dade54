"""Buckets of requests."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.api.rates import MANY, WINDOW_S, Bucket, Rates, refusal
from app.domain.access import EVERYBODY, Key

KEY = Key("k", "of a test", ("admin",))


def test_a_minute_s_worth_at_once_and_then_as_fast_as_it_fills() -> None:
    bucket = Rates(6).bucket(KEY, 0.0)
    assert [refusal(bucket, 0.0) for _ in range(6)] == [None] * 6
    refused = refusal(bucket, 0.0)
    assert refused is not None
    assert refused.retry_after_s == 10
    assert refusal(bucket, 9.9) is not None
    assert refusal(bucket, 10.0) is None
    assert refusal(bucket, 10.0) is not None


@given(
    limit=st.integers(1, 1_000),
    gaps=st.lists(st.floats(0, 100, allow_nan=False), min_size=1, max_size=200),
)
def test_never_more_than_the_bucket_and_what_ran_into_it(limit: int, gaps: list[float]) -> None:
    bucket, now, n_taken = Bucket(limit, limit, 0.0), 0.0, 0
    for gap in gaps:
        now += gap
        n_taken += bucket.take(now)
        assert 0 <= bucket.left <= limit
    assert n_taken <= limit + now * limit / WINDOW_S + 1e-6


@given(limit=st.integers(1, 10_000), left=st.floats(0, 0.99))
def test_who_waits_as_long_as_told_may_go_on(limit: int, left: float) -> None:
    bucket = Bucket(limit, left, 0.0)
    refused = refusal(bucket, 0.0)
    assert refused is not None
    assert refusal(bucket, refused.retry_after_s + 1e-6) is None


def test_a_key_has_its_own_limit_and_a_changed_one_counts_from_now() -> None:
    rates = Rates(1)
    other = Key("other", "", (), rate_limit=3)
    for key in (KEY, other):
        bucket = rates.bucket(key, 0.0)
        assert bucket is not None
        while bucket.take(0.0):
            pass
    raised = rates.bucket(Key("k", "", (), rate_limit=5), 0.0)
    assert raised is not None
    assert raised.left == 5


def test_many_subjects_are_forgotten_when_their_buckets_are_full_and_no_sooner() -> None:
    """Tokens may be of any number of people: who waits a minute takes no memory, who is at the limit stays there."""
    rates = Rates(1)
    for number in range(3 * MANY):
        bucket = rates.bucket(Key(f"token-{number}", "", ()), number * WINDOW_S / MANY)
        assert bucket is not None
        assert bucket.take(number * WINDOW_S / MANY)
    assert len(rates._buckets) <= 2 * MANY + 1
    now = 3 * WINDOW_S - 1
    last = rates.bucket(Key(f"token-{3 * MANY - 1}", "", ()), now)
    assert last is not None
    assert not last.take(now)


def test_no_limit_where_none_is_set() -> None:
    assert Rates(0).bucket(KEY, 0.0) is None
    assert Rates(5).bucket(Key("free", "", (), rate_limit=0), 0.0) is None
    assert Rates(5).bucket(EVERYBODY, 0.0) is None


def test_the_headers_say_how_many_are_left_and_when_it_is_full_again() -> None:
    bucket = Bucket(60, 60, 0.0)
    bucket.take(0.0)
    assert bucket.headers() == ((b"ratelimit-policy", b'"key";q=60;w=60'), (b"ratelimit", b'"key";r=59;t=1'))
