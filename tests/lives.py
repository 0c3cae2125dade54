"""Users with words in every place that keeps some, for the tests of an encrypted database."""

from __future__ import annotations

from app.services.context import Context
from app.services.edit_profile import edit_profile
from app.services.manage_users import put_user
from app.services.plan_edits import Change
from app.services.user_state import LONGEST_TAIL, user_state
from app.storage.narrations import Wanted, save_narration, want_narration
from tests.people import anything, post, view

SOMEBODY = "somebody@example.org"
VISITOR = "visitor-qz9-77"
SECRETS = ("somebody@example.org", "visitor-qz9-77", "xylophone quartet", "zanzibar street", "quokka", "narrated words")


async def live(ctx: Context, user_id: str = SOMEBODY) -> None:
    """A user with words in every place that keeps some."""
    views = (view(user_id, f"b{n}", context={"note": "quokka"}, session_id="quokka-1") for n in range(LONGEST_TAIL + 1))
    await post(ctx, *views, {"user_id": user_id, "type": "search", "text": "xylophone quartet", "behavior_id": "s"})
    await put_user(ctx, user_id, {"address": "zanzibar street"})
    await edit_profile(ctx, user_id, [Change("statement", text="more xylophone quartet, less quokka")], anything)
    await user_state(ctx, user_id)
    await ctx.checkpoints.drain()
    wanted = Wanted(user_id, "first", [("narrated words", "quokka")])
    await want_narration(ctx.db, wanted)
    await save_narration(ctx.db, wanted, "test", "narrated words")
    await want_narration(ctx.db, Wanted(user_id, "next", [("narrated words", None)]))
