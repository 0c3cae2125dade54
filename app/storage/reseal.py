"""The words of one user, sealed anew for another one or with another key, in place."""

from __future__ import annotations

from psycopg.types.json import Jsonb

from app.storage import behaviors, edits
from app.storage.engine import Connection
from app.storage.vault import Seal

_BEHAVIORS = "SELECT behavior_id, text, extra FROM behaviors WHERE user_id = %s AND (text <> '' OR extra IS NOT NULL)"
_EDITS = "SELECT edit_id, text, wish, rules FROM edits WHERE user_id = %s"


async def reseal(connection: Connection, was: Seal, to: Seal) -> None:
    """Behaviours and edits, which stay under `was.name`; nothing to do where neither is encrypted."""
    if was.sealer is None and to.sealer is None:
        return
    rows = await (await connection.execute(_BEHAVIORS, [was.name])).fetchall()
    async with connection.cursor() as cursor:
        await cursor.executemany(
            "UPDATE behaviors SET text = %s, extra = %s WHERE user_id = %s AND behavior_id = %s",
            [
                (to.words(behaviors.TEXT, was.read(behaviors.TEXT, text)), _extra(was, to, extra), was.name, key)
                for key, text, extra in rows
            ],
        )
        rows = await (await connection.execute(_EDITS, [was.name])).fetchall()
        await cursor.executemany(
            "UPDATE edits SET text = %s, wish = %s, rules = %s WHERE user_id = %s AND edit_id = %s",
            [
                (
                    to.words(edits.TEXT, was.read(edits.TEXT, text)),
                    to.words(edits.WISH, was.read(edits.WISH, wish)),
                    Jsonb(to.tree(edits.RULES, was.read_tree(edits.RULES, rules))),
                    was.name,
                    key,
                )
                for key, text, wish, rules in rows
            ],
        )


def _extra(was: Seal, to: Seal, extra: dict[str, object] | None) -> Jsonb | None:
    if extra is None:
        return None
    rest = was.read_tree(behaviors.EXTRA, extra.pop(behaviors.SEALED, {}))
    return Jsonb(behaviors.shut(to, extra | rest))
