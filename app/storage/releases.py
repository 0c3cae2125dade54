"""What was published of the log, and what it cost each user-day: the ledger is debited before anything is released."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from psycopg.types.json import Jsonb

from app.domain.errors import Conflict
from app.storage.behaviors import SOUND
from app.storage.engine import Connection, Database

# Sums of floats: ten times .1 is not 1.
_ROUNDING = 1e-9
_LEFT = """
SELECT day, spent FROM (
    SELECT day, sum(epsilon) AS spent FROM budget WHERE day = ANY(%s) GROUP BY day
) AS known WHERE spent + %s > %s ORDER BY day
"""
_LINES = f"""
COPY (SELECT user_id, item_id, type, extract(epoch FROM occurred_at), value
    FROM behaviors JOIN users USING (user_id)
    WHERE item_id IS NOT NULL AND flag IS NULL AND consent AND {SOUND}
    AND occurred_at >= %s::date::timestamp AT TIME ZONE 'UTC'
    AND occurred_at < (%s::date + 1)::timestamp AT TIME ZONE 'UTC'
    ORDER BY occurred_at, seq) TO STDOUT (FORMAT csv)
"""


@dataclass(frozen=True, slots=True)
class Debit:
    """`epsilon` from the budget of each of the `days` (UTC, ascending, without a gap); `about` is kept beside it."""

    days: Sequence[date]
    epsilon: float
    about: Mapping[str, object]


async def debit_and_read(db: Database, debit: Debit, limit: float) -> bytes:
    """The log of these days as `storage.behaviors.copy_log` gives it, once the budget is debited and committed.

    In one transaction: who fails while reading has spent nothing, and what is read is paid for, also when nothing
    comes of it. Raises Conflict `privacy_budget_spent` when more than `limit` would be spent of a day.
    """
    async with db.connection() as connection, connection.transaction():
        await connection.execute("SET LOCAL statement_timeout = 0")
        await connection.execute("LOCK TABLE budget IN SHARE ROW EXCLUSIVE MODE")
        await _refuse_spent(connection, debit, limit)
        await connection.execute(
            "INSERT INTO budget (day, epsilon, about) SELECT unnest(%s::date[]), %s, %s",
            [list(debit.days), debit.epsilon, Jsonb(debit.about)],
        )
        async with connection.cursor().copy(_LINES, [debit.days[0], debit.days[-1]]) as copy:
            return b"".join([bytes(chunk) async for chunk in copy])


async def spent(db: Database) -> dict[date, float]:
    """Epsilon by day."""

    async def work(connection: Connection) -> dict[date, float]:
        cursor = await connection.execute("SELECT day, sum(epsilon) FROM budget GROUP BY day ORDER BY day")
        return dict(await cursor.fetchall())

    return await db.tried(work)


async def _refuse_spent(connection: Connection, debit: Debit, limit: float) -> None:
    cursor = await connection.execute(_LEFT, [list(debit.days), debit.epsilon, limit + _ROUNDING])
    over = await cursor.fetchall()
    if not over and debit.epsilon <= limit + _ROUNDING:
        return
    told = ", ".join(f"{day} ({limit - used:.3g} left)" for day, used in over[:3]) or f"at most {limit:.3g} a day"
    raise Conflict(
        f"The privacy budget does not allow an epsilon of {debit.epsilon:.3g}: {told}.",
        "Ask for other days or a smaller epsilon. What was released once can be used as often as you like.",
        code="privacy_budget_spent",
    )
