"""What happened to the catalogue since a worker last looked."""

from __future__ import annotations

from app.storage.engine import Connection, Database


async def latest_change(db: Database) -> int:
    """The number of the newest change of an item; 0 before the first."""

    async def work(connection: Connection) -> int:
        cursor = await connection.execute("SELECT coalesce(max(change_no), 0) FROM item_changes")
        (newest,) = await cursor.fetchone() or (0,)
        return int(newest)

    return await db.tried(work)


async def changed_items(db: Database, after: int) -> tuple[int, list[str]]:
    """(number of the newest change, ids of the items that changed behind `after`, each once)."""

    async def work(connection: Connection) -> tuple[int, list[str]]:
        cursor = await connection.execute(
            "SELECT item_id, max(change_no) FROM item_changes WHERE change_no > %s GROUP BY item_id", [after]
        )
        found = await cursor.fetchall()
        return max((change_no for _, change_no in found), default=after), [item_id for item_id, _ in found]

    return await db.tried(work)
