"""A raw JSON value becomes a behaviour, or the faults that keep it from being one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.domain.behavior import Behavior
from app.domain.errors import Fault
from app.domain.limits import MAX_CONTEXT_BYTES, MAX_ERRORS, MAX_ID, MAX_TEXT, MAX_TYPE
from app.ingest.faults import faults_of, nul_fault
from app.ingest.ids import id_fault, is_id
from app.ingest.moments import Moment
from app.ingest.rules import IngestRules
from app.ingest.screen import DAY_S, MINUTE_S
from app.ingest.weigh import RATING

# One more than is accepted, so that an id that is too long gets the fault of an id.
_Id = Annotated[str, Field(max_length=MAX_ID * 8, json_schema_extra={"minLength": 1, "maxLength": MAX_ID})]
_IDS = ("item_id", "behavior_id", "recommendation_id", "session_id", "scenario")
VISITOR = "session:"  # what ids of visitors begin with, behind it comes their session_id


class BehaviorIn(BaseModel):
    """What a user did. One of `item_id` and `text` (a search, comment or review) is needed."""

    model_config = ConfigDict(extra="forbid", strict=True, title="Behavior")

    user_id: Annotated[
        _Id,
        Field(description="Your id of the user; left out: the visitor `session:<session_id>` who has not signed in."),
    ] = ""
    type: Annotated[
        str, Field(min_length=1, max_length=MAX_TYPE, description="What was done; any word: `view`, `purchase`, ...")
    ]
    item_id: Annotated[_Id | None, Field(description="Your id of the item.")] = None
    text: Annotated[
        Annotated[str, Field(max_length=MAX_TEXT)] | None, Field(description="What was searched or said.")
    ] = None
    occurred_at: Annotated[Moment | None, Field(description="With a zone; left out: now.")] = None
    behavior_id: Annotated[_Id | None, Field(description="Makes a repeat harmless; left out: derived.")] = None
    value: Annotated[
        Annotated[float, Field(allow_inf_nan=False)] | None,
        Field(description="Stars of a rating, price of a purchase."),
    ] = None
    recommendation_id: Annotated[_Id | None, Field(description="The answer that led to it.")] = None
    session_id: Annotated[_Id | None, Field(description="Your id of the visit.")] = None
    scenario: Annotated[_Id | None, Field(description="Where it happened.")] = None
    context: Annotated[dict[str, Any] | None, Field(description="Anything worth keeping, up to 4 kB.")] = None


_validate = BehaviorIn.__pydantic_validator__.validate_python  # a third faster than `model_validate`


def clean(
    raw: object, rules: IngestRules, now: datetime, most_faults: int = MAX_ERRORS
) -> Behavior | tuple[Fault, ...]:
    """`raw` is a parsed JSON value (times may be `datetime`); pointers are relative to it.

    `behavior_id` is "" when none was sent and none can be derived: the behaviour is new, whoever stores it names it.
    """
    try:
        sent: BehaviorIn = _validate(raw)
    except ValidationError as error:
        return faults_of(error, BehaviorIn.model_fields, most_faults)
    faults = tuple(_faults(sent, rules, now))
    return faults or _behavior(sent, now)


def derived_id(sent: BehaviorIn) -> str:
    """The same for every repeat of the same behaviour, when the sender named its time."""
    if sent.occurred_at is None:
        return ""
    told = (sent.item_id, sent.type, sent.occurred_at.isoformat(), sent.text)
    return "d-" + hashlib.blake2b(repr(told).encode(), digest_size=16).hexdigest()


def _behavior(sent: BehaviorIn, now: datetime) -> Behavior:
    return Behavior(
        user_id=sent.user_id or VISITOR + (sent.session_id or ""),
        behavior_id=sent.behavior_id or derived_id(sent),
        type=sent.type,
        occurred_at=sent.occurred_at or now,
        timed=sent.occurred_at is not None,
        item_id=sent.item_id,
        text=sent.text,
        value=sent.value,
        recommendation_id=sent.recommendation_id,
        session_id=sent.session_id,
        scenario=sent.scenario,
        context=sent.context,
    )


def _faults(sent: BehaviorIn, rules: IngestRules, now: datetime) -> Iterator[Fault]:
    if "user_id" not in sent.model_fields_set:
        yield from _visitor_faults(sent.session_id)
    elif not is_id(sent.user_id):
        yield from filter(None, [id_fault(sent.user_id, "/user_id")])
    for name in _IDS:
        value = getattr(sent, name)
        if value is not None and not is_id(value):
            yield from filter(None, [id_fault(value, f"/{name}")])
    if "\x00" in sent.type:
        yield nul_fault("/type")
    if sent.text is not None and "\x00" in sent.text:
        yield nul_fault("/text")
    if sent.item_id is None and not (sent.text and sent.text.strip()):
        yield _NOTHING_SAID
    if sent.occurred_at is not None:
        yield from _time_faults(sent.occurred_at, sent.type, rules, now)
    if sent.type == RATING:
        yield from _rating_faults(sent.value, rules.weights.rating_max)
    if sent.context is not None:
        yield from _context_faults(sent.context)


def _visitor_faults(session_id: str | None) -> Iterator[Fault]:
    if session_id is None:
        yield _NOBODY
    elif is_id(session_id) and not is_id(VISITOR + session_id):
        longest = MAX_ID - len(VISITOR)
        yield Fault(
            "invalid_id",
            "/session_id",
            "This id is too long for a visitor without `user_id`.",
            f"Use at most {longest} characters, or send `user_id`.",
        )


_NOBODY = Fault(
    "missing_field", "/user_id", "This field is needed.", "Add it, or `session_id` for a visitor who has not signed in."
)
_NOTHING_SAID = Fault(
    "no_item_or_text",
    "",
    "The behaviour names neither an item nor a text.",
    "Send `item_id`, or `text` for a search, comment or review.",
)


def _time_faults(at: datetime, type_: str, rules: IngestRules, now: datetime) -> Iterator[Fault]:
    age_s = (now - at).total_seconds()
    early = age_s < -rules.future_minutes * MINUTE_S
    if early or age_s > rules.days_of(type_) * DAY_S:
        yield Fault(
            "time_out_of_window",
            "/occurred_at",
            "The time lies in the future." if early else "The time lies before the oldest behaviours that are kept.",
            f"The server's clock says {now:%Y-%m-%dT%H:%M:%SZ}; accepted are the {rules.days_of(type_):g} days before "
            f"and the {rules.future_minutes:g} minutes after it.",
        )


def _rating_faults(value: float | None, rating_max: float) -> Iterator[Fault]:
    if value is None:
        yield Fault("missing_field", "/value", "A rating needs its value.", f"Send 0 to {rating_max:g} as `value`.")
    elif not 0 <= value <= rating_max:
        yield Fault(
            "invalid_value",
            "/value",
            "The rating is not on the scale.",
            f"Ratings go from 0 to {rating_max:g}; settings may name another maximum.",
        )


def _context_faults(context: dict[str, Any]) -> Iterator[Fault]:
    try:
        written = json.dumps(context, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:
        yield nul_fault("/context")
        return
    except (TypeError, ValueError, RecursionError):
        yield Fault("invalid_value", "/context", "This is not JSON.", "Send finite numbers, texts, lists and objects.")
        return
    if rb"\u0000" in written:
        yield nul_fault("/context")
    if len(written) > MAX_CONTEXT_BYTES:
        hint = f"At most {MAX_CONTEXT_BYTES} bytes of JSON are kept with a behaviour."
        yield Fault("invalid_value", "/context", "The context is too large.", hint)
