"""What was recommended: written many at a time, read one by one, forgotten after some days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import msgspec

from app.domain.decision import Decision
from app.domain.recommendation import Recommended, Slate, Wish
from app.privacy.pseudonyms import pseudonym
from app.storage.engine import Connection, Database
from app.storage.vault import SealedUser, Vault

_WISH = "recommendations.wish"

# So many go in one statement, so that nobody who waits for a row of them waits long.
_FORGOTTEN_AT_ONCE = 5_000
_encode = msgspec.json.Encoder().encode

_NAMES = tuple(field.name for field in fields(Decision))
_COLUMNS = ", ".join(_NAMES)
_ADD = f"""
INSERT INTO recommendations ({_COLUMNS})
SELECT {_COLUMNS} FROM json_to_recordset(%s::json) AS sent(recommendation_id text, user_id text, scenario text,
    variant text, generated_at timestamptz, asked_at timestamptz, profile_version int8, model_version text,
    space_version text, catalogue_version int8, wish jsonb, degraded bool, fallback_reason text, items jsonb,
    pseudonym text)
WHERE NOT EXISTS (
    SELECT FROM erasures e WHERE e.pseudonym = decode(sent.pseudonym, 'hex') AND (
        sent.generated_at <= e.deleted_at OR NOT EXISTS (SELECT FROM users u WHERE u.user_id = sent.user_id))
)
ON CONFLICT (recommendation_id) DO NOTHING
"""
_FORGET = """
DELETE FROM recommendations WHERE recommendation_id IN (
    SELECT recommendation_id FROM recommendations WHERE generated_at < now() - make_interval(secs => %s) LIMIT %s
)
"""


async def add_decisions(db: Database, slates: Sequence[Slate], secret: str = "") -> None:
    """One statement; those that are there already stay. What was made for somebody who was erased is passed over."""
    vault = await db.vault()
    body = _encode([_row(vault, slate) | _hashed(slate, secret) for slate in slates]).decode()

    async def work(connection: Connection) -> None:
        await connection.execute(_ADD, [body])

    await db.tried(work)


async def get_decision(db: Database, recommendation_id: str) -> Decision | None:
    vault = await db.vault()

    async def work(connection: Connection) -> tuple[Any, ...] | None:
        cursor = await connection.execute(
            f"SELECT sealed_key, sealed_id, {_COLUMNS} FROM recommendations LEFT JOIN users USING (user_id)"
            " WHERE recommendation_id = %s",
            [recommendation_id],
        )
        return await cursor.fetchone()

    row = await db.tried(work)
    return _decision(vault, SealedUser(*row[:2]), row[2:]) if row else None


async def forget_decisions(db: Database, days: float) -> int:
    """Removes some of those that are older; returns how many."""

    async def work(connection: Connection) -> int:
        return (await connection.execute(_FORGET, [days * 86_400, _FORGOTTEN_AT_ONCE])).rowcount

    return await db.tried(work)


def _hashed(slate: Slate, secret: str) -> dict[str, str]:
    return {} if slate.known_as is None else {"pseudonym": pseudonym(secret, slate.known_as).hex()}


def _row(vault: Vault, slate: Slate) -> dict[str, Any]:
    return {
        "recommendation_id": slate.recommendation_id,
        "user_id": None if slate.known_as is None else vault.name(slate.known_as),
        "scenario": slate.scenario,
        "variant": slate.variant,
        "generated_at": slate.generated_at,
        "asked_at": slate.asked_at,
        "profile_version": slate.profile_version,
        "model_version": slate.model_version,
        "space_version": slate.space_version,
        "catalogue_version": slate.catalogue_version,
        "wish": sealed_wish(vault, slate.recommendation_id, slate.known_as, slate.wish),
        "degraded": slate.degraded,
        "fallback_reason": slate.fallback_reason,
        "items": [(one.item_id, one.score, one.source, one.propensity) for one in slate.items],
    }


def sealed_wish(vault: Vault, recommendation_id: str, user_id: str | None, wish: Any) -> Any:
    """Not with the user's own key: visitors have none yet. So what their id was stands beside it."""
    if not vault.seals:
        return wish
    told = {"user_id": user_id, "wish": msgspec.to_builtins(wish)}
    return vault.own(recommendation_id).tree(_WISH, told)


def _decision(vault: Vault, sealed: SealedUser, row: Sequence[Any]) -> Decision:
    told = dict(zip(_NAMES, row, strict=True))
    if vault.seals:
        opened = vault.own(told["recommendation_id"]).read_tree(_WISH, told["wish"])
        known = told["user_id"] is not None and sealed.sealed_key is not None
        told["user_id"] = vault.user_id(told["user_id"], sealed) if known else opened["user_id"]
        told["wish"] = opened["wish"]
    items = told.pop("items")
    shown = tuple(
        Recommended(item_id, rank, score, source, propensity=propensity)
        for rank, (item_id, score, source, propensity) in enumerate(items, 1)
    )
    return Decision(**told | {"wish": msgspec.convert(told["wish"], Wish)}, items=shown)
