"""How many requests a minute a key may make: a bucket a key, filled evenly."""

from __future__ import annotations

import math
from dataclasses import dataclass

from app.domain.access import Key
from app.domain.errors import RateLimited

WINDOW_S = 60
MANY = 10_000


@dataclass(slots=True)
class Bucket:
    """`left` requests at the moment `at`, in seconds of any clock that never goes back."""

    limit: int
    left: float
    at: float

    def take(self, now: float) -> bool:
        """Whether one more request may be made; then it is taken."""
        self.left = min(self.limit, self.left + (now - self.at) * self.limit / WINDOW_S)
        self.at = now
        if self.left < 1:
            return False
        self.left -= 1
        return True

    def wait_s(self, n: float) -> int:
        """Whole seconds until there are `n` again."""
        return max(0, math.ceil((n - self.left) * WINDOW_S / self.limit))

    def headers(self) -> tuple[tuple[bytes, bytes], tuple[bytes, bytes]]:
        told = f'"key";r={int(self.left)};t={self.wait_s(self.limit)}'
        return (b"ratelimit-policy", f'"key";q={self.limit};w={WINDOW_S}'.encode()), (b"ratelimit", told.encode())


class Rates:
    """`per_minute` is for keys that say nothing else; 0: they may make as many as they like."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._buckets: dict[str, Bucket] = {}
        self._most = MANY

    def bucket(self, key: Key, now: float) -> Bucket | None:
        """None where nothing limits the key; a new one after its limit has changed."""
        limit = self._per_minute if key.rate_limit is None else key.rate_limit
        if not limit or not key.key_id:
            return None
        bucket = self._buckets.get(key.key_id)
        if bucket is None or bucket.limit != limit:
            if len(self._buckets) >= self._most:
                self._forget_full(now)
            bucket = self._buckets[key.key_id] = Bucket(limit, limit, now)
        return bucket

    def _forget_full(self, now: float) -> None:
        """Tokens may be of any number of people. A bucket that has filled up is what a new one would be."""
        self._buckets = {name: one for name, one in self._buckets.items() if one.wait_s(one.limit) > now - one.at}
        self._most = max(MANY, 2 * len(self._buckets))


def refusal(bucket: Bucket | None, now: float) -> RateLimited | None:
    """Takes one request; an error where none is left."""
    if bucket is None or bucket.take(now):
        return None
    wait_s = max(1, bucket.wait_s(1))
    return RateLimited(
        f"The key may make {bucket.limit} requests a minute.", f"Go on in {wait_s} s, and more slowly.", wait_s
    )
