"""What is accepted as a behaviour or an item, and what is said about the rest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.behavior import Behavior
from app.domain.errors import Fault
from app.domain.item import Item
from app.domain.limits import MAX_TEXT
from app.ingest.clean import clean
from app.ingest.clean_item import clean_item, clean_item_patch
from app.ingest.ids import id_fault
from app.ingest.rules import IngestRules

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
GOOD: dict[str, Any] = {"user_id": "u1", "item_id": "i1", "type": "view", "occurred_at": "2026-11-24T11:00:00Z"}


def cleaned(raw: object, rules: IngestRules | None = None) -> Behavior | tuple[Fault, ...]:
    return clean(raw, rules or IngestRules(), NOW)


def accepted(raw: object) -> Behavior:
    result = cleaned(raw)
    assert isinstance(result, Behavior), result
    return result


def test_a_good_behaviour_keeps_what_was_sent() -> None:
    sent = {**GOOD, "value": 2, "session_id": "s", "scenario": "home", "context": {"page": 1}, "text": " as sent\n"}
    behavior = accepted(sent)
    assert (behavior.user_id, behavior.item_id, behavior.type) == ("u1", "i1", "view")
    assert (behavior.value, behavior.session_id, behavior.scenario) == (2.0, "s", "home")
    assert (behavior.context, behavior.text) == ({"page": 1}, " as sent\n")
    assert behavior.occurred_at == datetime(2026, 11, 24, 11, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"user_id": ...}, "missing_field", "/user_id"),
        ({"usr_id": "u"}, "unknown_field", "/usr_id"),
        ({"user_id": 5}, "invalid_type", "/user_id"),
        ({"user_id": None}, "invalid_type", "/user_id"),
        ({"user_id": ""}, "invalid_id", "/user_id"),
        ({"item_id": "a/b"}, "invalid_id", "/item_id"),
        ({"item_id": "a\x00b"}, "invalid_id", "/item_id"),
        ({"item_id": "x" * 129}, "invalid_id", "/item_id"),
        ({"behavior_id": " b"}, "invalid_id", "/behavior_id"),
        ({"type": ""}, "invalid_value", "/type"),
        ({"type": "a\x00"}, "invalid_text", "/type"),
        ({"type": "\ud800"}, "invalid_text", "/type"),
        ({"occurred_at": "2026-11-24T11:00:00"}, "invalid_time", "/occurred_at"),
        ({"occurred_at": "2026-11-24"}, "invalid_time", "/occurred_at"),
        ({"occurred_at": 1_700_000_000}, "invalid_time", "/occurred_at"),
        ({"occurred_at": "1700000000"}, "invalid_time", "/occurred_at"),
        ({"occurred_at": "9999-12-31T23:59:59-14:00"}, "invalid_time", "/occurred_at"),
        ({"occurred_at": "0001-01-01T00:00:00+14:00"}, "invalid_time", "/occurred_at"),
        ({"occurred_at": "2026-02-30T00:00:00Z"}, "invalid_time", "/occurred_at"),
        ({"occurred_at": "2026-11-24T12:06:00Z"}, "time_out_of_window", "/occurred_at"),
        ({"occurred_at": "1900-01-01T00:00:00Z"}, "time_out_of_window", "/occurred_at"),
        ({"text": "x" * (MAX_TEXT + 1)}, "text_too_long", "/text"),
        ({"text": "a\x00b"}, "invalid_text", "/text"),
        ({"text": "a\ud800"}, "invalid_text", "/text"),
        ({"value": float("nan")}, "invalid_value", "/value"),
        ({"value": float("inf")}, "invalid_value", "/value"),
        ({"value": False}, "invalid_type", "/value"),
        ({"value": 10**400}, "invalid_type", "/value"),
        ({"item_id": ...}, "no_item_or_text", ""),
        ({"item_id": ..., "text": " \n"}, "no_item_or_text", ""),
        ({"type": "rating"}, "missing_field", "/value"),
        ({"type": "rating", "value": 6}, "invalid_value", "/value"),
        ({"type": "rating", "value": -1}, "invalid_value", "/value"),
        ({"context": {"a": float("nan")}}, "invalid_value", "/context"),
        ({"context": {"a": "\x00"}}, "invalid_text", "/context"),
        ({"context": {"a": "\ud800"}}, "invalid_text", "/context"),
        ({"context": {"a": "x" * 5000}}, "invalid_value", "/context"),
        ({"context": []}, "invalid_type", "/context"),
    ],
)
def test_a_bad_field_is_named_with_its_code(change: dict[str, Any], code: str, pointer: str) -> None:
    raw = {name: value for name, value in {**GOOD, **change}.items() if value is not ...}
    result = cleaned(raw)
    assert isinstance(result, tuple)
    assert [(fault.code, fault.pointer) for fault in result] == [(code, pointer)]
    assert result[0].detail
    assert result[0].hint


@pytest.mark.parametrize("raw", [None, 5, "text", [], [GOOD], True, {5: 6}, {"\ud800": 1}])
def test_what_is_no_object_of_fields_is_refused(raw: object) -> None:
    assert isinstance(cleaned(raw), tuple)


def test_an_unknown_field_gets_the_nearest_name() -> None:
    result = cleaned({**GOOD, "ocurred_at": "x"})
    assert isinstance(result, tuple)
    assert "`occurred_at`" in result[0].hint


def test_faults_never_repeat_values() -> None:
    result = cleaned({**GOOD, "value": "secret-value", "text": 17, "context": "secret-context"})
    assert isinstance(result, tuple)
    assert len(result) == 3
    assert not any("secret" in part for fault in result for part in (fault.detail, fault.hint, fault.pointer))


def test_the_server_clock_is_in_the_hint_of_a_time_out_of_the_window() -> None:
    result = cleaned({**GOOD, "occurred_at": "2030-01-01T00:00:00Z"})
    assert isinstance(result, tuple)
    assert "2026-11-24T12:00:00Z" in result[0].hint


def test_without_a_time_the_clock_is_taken_and_no_id_is_derived() -> None:
    behavior = accepted({name: value for name, value in GOOD.items() if name != "occurred_at"})
    assert (behavior.occurred_at, behavior.timed, behavior.behavior_id) == (NOW, False, "")


def test_the_derived_id_is_the_same_for_a_repeat_in_another_zone_and_differs_by_item_and_text() -> None:
    first = accepted(GOOD).behavior_id
    assert first == accepted({**GOOD, "occurred_at": "2026-11-24T13:00:00+02:00"}).behavior_id
    others = [{**GOOD, "item_id": "i2"}, {**GOOD, "type": "like"}, {**GOOD, "text": "x"}]
    assert len({first, *(accepted(other).behavior_id for other in others)}) == 4


@given(
    st.timedeltas(timedelta(0), timedelta(days=36_000)),
    st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
    st.booleans(),
)
def test_any_time_with_a_zone_is_the_same_moment(age: timedelta, zone: timezone, written: bool) -> None:
    at = (NOW - age).astimezone(zone)
    behavior = accepted({**GOOD, "occurred_at": at.isoformat() if written else at})
    assert behavior.occurred_at == at
    assert behavior.occurred_at.tzinfo is UTC


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda s: st.lists(s) | st.dictionaries(st.text(), s),
    )
)
def test_no_value_anywhere_breaks_the_cleaner(value: object) -> None:
    for name in (*GOOD, "text", "value", "context", "behavior_id"):
        cleaned({**GOOD, name: value})
        clean_item({"item_id": "i", "title": value, "attributes": value, "categories": value, name: value})
    cleaned(value)
    clean_item(value)
    clean_item_patch(value)


@given(st.text())
def test_an_accepted_id_is_clean(value: str) -> None:
    if id_fault(value, "/x") is None:
        assert 1 <= len(value) <= 128
        assert value == value.strip()
        assert not any(mark in value for mark in "/\\\x00\n\x7f")
        value.encode()


def test_ordinary_ids_are_accepted() -> None:
    for value in ("1", "user-7@example.com", "日本 ~ü", "a.b", "...", "%00", "x" * 128):
        assert id_fault(value, "/x") is None, value
    for value in (".", "..", "a/b", "a\\b", "\ud800", "a\u0085b"):
        assert id_fault(value, "/x") is not None, value


def test_retention_is_the_window_of_the_rules() -> None:
    old = {**GOOD, "occurred_at": (NOW - timedelta(days=31)).isoformat()}
    assert isinstance(cleaned(old, IngestRules(retention_days=30)), tuple)
    assert isinstance(cleaned(old, IngestRules(retention_days=32)), Behavior)


def test_a_type_that_is_kept_for_less_long_is_refused_earlier() -> None:
    old = {**GOOD, "occurred_at": (NOW - timedelta(days=31)).isoformat()}
    rules = IngestRules(retention={GOOD["type"]: 30, "impression": 5})
    assert isinstance(cleaned(old, rules), tuple)
    assert isinstance(cleaned(old | {"type": "like"}, rules), Behavior)
    assert IngestRules(retention_days=3, retention={"like": 5}).days_of("like") == 3


def test_an_item_needs_only_its_id() -> None:
    assert clean_item({"item_id": "i"}) == Item("i")
    nulls = dict.fromkeys(("title", "description", "categories", "attributes", "domain", "published_at"))
    assert clean_item({"item_id": "i", **nulls}) == Item("i")


def test_an_item_keeps_types_of_attributes() -> None:
    attributes = {"s": "x", "b": True, "i": 1, "f": 1.5}
    item = clean_item({"item_id": "i", "attributes": attributes})
    assert isinstance(item, Item)
    assert {name: type(value) for name, value in item.attributes.items()} == {"s": str, "b": bool, "i": int, "f": float}


@pytest.mark.parametrize(
    ("field", "value", "code", "pointer"),
    [
        ("title", "x" * 1001, "text_too_long", "/title"),
        ("title", "a\x00", "invalid_text", "/title"),
        ("description", 5, "invalid_type", "/description"),
        ("categories", "Food", "invalid_type", "/categories"),
        ("categories", ["x"] * 33, "invalid_value", "/categories"),
        ("categories", ["ok", ""], "invalid_value", "/categories/1"),
        ("categories", ["a\x00"], "invalid_text", "/categories/0"),
        ("attributes", {"a": {}}, "invalid_type", "/attributes/a"),
        ("attributes", {"a": float("nan")}, "invalid_value", "/attributes/a"),
        ("attributes", {"a": 2**63}, "invalid_value", "/attributes/a"),
        ("attributes", {"a": "\x00"}, "invalid_text", "/attributes/a"),
        ("available", "yes", "invalid_type", "/available"),
        ("available", 1, "invalid_type", "/available"),
        ("published_at", "2026-01-01", "invalid_time", "/published_at"),
        ("titel", "x", "unknown_field", "/titel"),
    ],
)
def test_a_bad_item_field_is_named(field: str, value: object, code: str, pointer: str) -> None:
    result = clean_item({"item_id": "i", field: value})
    assert isinstance(result, tuple)
    assert (result[0].code, result[0].pointer) == (code, pointer)


def test_a_patch_holds_only_what_was_sent_and_null_empties() -> None:
    assert clean_item_patch({"title": "t"}) == {"title": "t"}
    assert clean_item_patch({"title": None, "available": False}) == {"title": "", "available": False}
    assert isinstance(clean_item_patch({"item_id": "i"}), tuple)
