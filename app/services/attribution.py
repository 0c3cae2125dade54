"""What came of what was recommended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from app.domain.attribution import Attribution, By, Figures, Outcome
from app.domain.errors import Fault, InvalidInput
from app.evaluation.rates import wilson
from app.services.context import Context
from app.storage.attribution import load_figures

DEFAULT_SPAN = timedelta(days=7)
EARLIEST = datetime.min.replace(tzinfo=UTC)


async def attribute(ctx: Context, since: datetime | None, until: datetime | None, by: By) -> Attribution:
    """Without bounds: the last seven days. Raises InvalidInput where `since` is not before `until`."""
    until = until or ctx.now()
    since = since or max(until, EARLIEST + DEFAULT_SPAN) - DEFAULT_SPAN
    if since >= until:
        raise _reversed()
    await ctx.decisions.flush(ctx.db)
    found = await load_figures(ctx.db, since, until, by)
    whole = sorted((one for one in found if not one.position), key=lambda one: (-one.n_shown, one.key or ""))
    return Attribution(since, until, by, tuple(_outcome(one, found) for one in whole))


def _outcome(figures: Figures, among: list[Figures] | None = None) -> Outcome:
    return Outcome(
        figures,
        wilson(figures.n_clicked, figures.n_shown),
        wilson(figures.n_purchased, figures.n_shown),
        tuple(_outcome(one) for one in among or () if one.key == figures.key and one.position),
    )


def _reversed() -> InvalidInput:
    fault = Fault("invalid_value", "?since", "It is not before `until`.", "Send an earlier moment.")
    return InvalidInput(fault.detail, fault.hint, faults=(fault,))
