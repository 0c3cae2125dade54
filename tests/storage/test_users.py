"""Users are counted, and found by the beginning of their id."""

from __future__ import annotations

from app.storage.engine import Database
from app.storage.users import count_users, list_users_beginning, put_user


async def test_users_are_found_by_the_beginning_of_their_id_taken_literally(db: Database) -> None:
    for user_id in ("anna", "ann", "a_n", "bann", "Ann", "100%", "100a"):
        await put_user(db, "secret", user_id, {})

    async def found(start: str, limit: int = 9) -> list[str]:
        return [user.user_id for user in await list_users_beginning(db, start, limit)]

    assert await found("ann") == ["ann", "anna"]
    assert await found("ann", 1) == ["ann"]
    assert await found("a_") == ["a_n"]
    assert await found("100%") == ["100%"]
    assert await found("\\") == []
    assert len(await found("")) == 7


async def test_users_are_counted(db: Database) -> None:
    assert await count_users(db) == 0
    for user_id in ("ann", "ben"):
        await put_user(db, "secret", user_id, {})
    assert await count_users(db) == 2
