"""What came of recommendations: items that were shown, beside what those who got them did with them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from app.domain.attribution import CLICKS, PURCHASES, WITHIN, By, Figures
from app.storage.engine import Connection, Database

_KEYS: dict[By, str] = {
    "scenario": "s.scenario",
    "variant": "s.scenario || ' / ' || coalesce(s.variant, '-')",
    "model": "s.model_version",
    "source": "one.item ->> 2",
}
# Many clients tell times in whole seconds, so a click may seem to come a little before its slate. A robot's slates stay
# out whole: nobody looked at them. The key of a row of sums is NULL, as that of no scenario may be, so GROUPING tells
# which is which; position 0 stands for all positions together.
_FIGURES = """
WITH robots AS MATERIALIZED (
    SELECT DISTINCT user_id FROM behaviors
    WHERE flag = 'robot' AND occurred_at >= %(since)s AND occurred_at < %(until)s::timestamptz + %(within)s
),
slates AS MATERIALIZED (
    SELECT * FROM recommendations
    WHERE generated_at >= %(since)s AND generated_at < %(until)s
        AND NOT EXISTS (SELECT FROM robots WHERE robots.user_id = recommendations.user_id)
),
followed AS MATERIALIZED (
    SELECT s.recommendation_id, b.item_id, bool_or(b.type = ANY(%(clicks)s)) AS clicked,
        bool_or(b.type = ANY(%(purchases)s)) AS purchased
    FROM slates s
    JOIN behaviors b ON b.extra ->> 'recommendation_id' = s.recommendation_id
    JOIN users u ON u.user_id = b.user_id
    WHERE b.item_id IS NOT NULL AND b.flag IS NULL AND u.consent
        AND b.occurred_at >= date_trunc('second', s.generated_at) AND b.occurred_at < s.generated_at + %(within)s
    GROUP BY 1, 2
),
shown AS (
    SELECT {key} AS key, s.recommendation_id, one.item ->> 0 AS item_id, one.position
    FROM slates s CROSS JOIN LATERAL jsonb_array_elements(s.items) WITH ORDINALITY AS one(item, position)
)
SELECT key, CASE WHEN GROUPING(position) = 1 THEN 0 ELSE position END, count(DISTINCT recommendation_id), count(*),
    count(*) FILTER (WHERE clicked), count(*) FILTER (WHERE purchased)
FROM shown LEFT JOIN followed USING (recommendation_id, item_id)
GROUP BY GROUPING SETS ((key), (key, position))
ORDER BY 2
"""


async def load_figures(db: Database, since: datetime, until: datetime, by: By) -> list[Figures]:
    """Of slates made in [since, until): by key, all positions together (0) first, then each."""
    query = _FIGURES.format(key=_KEYS[by])
    arguments: dict[str, Any] = {
        "since": since,
        "until": until,
        "within": WITHIN,
        "clicks": list(CLICKS),
        "purchases": list(PURCHASES),
    }

    async def work(connection: Connection) -> list[Figures]:
        cursor = await connection.execute(query.encode(), arguments)
        return [Figures(*row) for row in await cursor.fetchall()]

    return await db.tried(work)
