"""What was worked out for a user is kept until there is a newer version of what it was worked out from."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """One value a user, each made from one version; only the `most` users seen last are kept."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[Hashable, tuple[Hashable, T]] = OrderedDict()

    def clear(self) -> None:
        self._values.clear()

    def get(self, user_id: Hashable, version: Hashable, make: Callable[[], T]) -> T:
        """The value of this version, made when it is not there."""
        kept = self._values.get(user_id)
        if kept is None or kept[0] != version:
            return self.put(user_id, version, make())
        self._values.move_to_end(user_id)
        return kept[1]

    def put(self, user_id: Hashable, version: Hashable, value: T) -> T:
        """Instead of what was kept."""
        self._values[user_id] = version, value
        self._values.move_to_end(user_id)
        if len(self._values) > self._most:
            self._values.popitem(last=False)
        return value

    def last(self, user_id: Hashable) -> T | None:
        """The value, of whatever version."""
        kept = self._values.get(user_id)
        return None if kept is None else kept[1]
