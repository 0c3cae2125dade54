"""The strict reader against what must not pass, and against what must pass unchanged."""

import json
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.json_reader import read_entries, read_json, read_lines
from app.domain.errors import MalformedBody, TooLarge
from app.domain.limits import MAX_BEHAVIORS, MAX_DEPTH, MAX_FIELDS, MAX_VALUES

REFUSED = [
    (b"", "empty_body", "empty"),
    (b" \n", "empty_body", "empty"),
    (b"\xef\xbb\xbf{}", "invalid_encoding", "byte order mark"),
    (b'{"a": "\xff"}', "invalid_encoding", "byte 7"),
    (b"\xff\xfe{\x00}\x00", "invalid_encoding", "byte 0"),
    (b'{"a": NaN}', "not_finite", "line 1, column 7"),
    (b'{"a":\n -Infinity}', "not_finite", "line 2, column 2"),
    (b"[Infinity]", "not_finite", "line 1, column 2"),
    (b'{"a": 1e400}', "number_too_large", "line 1, column 7"),
    (b"[-1e999]", "number_too_large", "column 2"),
    (b'{"a": 9223372036854775808}', "number_too_large", "column 7"),
    (b'{"a": ' + b"1" * 5000 + b"}", "number_too_large", "column 7"),
    (b'{"a": 1, "b": {"c": 1, "c": 2}}', "duplicate_key", "line 1, column 24"),
    (b'{"a": "x\\u0000y"}', "invalid_text", "line 1, column 7"),
    (b'{"\\u0000": 1}', "invalid_text", "column 2"),
    (b'{"a": "\\ud800"}', "invalid_text", "column 7"),
    (b'["\\uDC00\\uD800"]', "invalid_text", "column 2"),
    (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "too_deep", f"column {MAX_DEPTH + 1}"),
    (b"[" * 200_000, "too_deep", f"column {MAX_DEPTH + 1}"),
    (b'{"a":' * 100_000, "too_deep", "column"),
    (b"[" * 17 + b"NaN", "too_deep", "column 17"),
    (b"{" + b",".join(b'"%d":0' % n for n in range(MAX_FIELDS + 1)) + b"}", "too_many_fields", "column 7892"),
    (b'{"a": 1,}', "invalid_json", "line 1"),
    (b'{"a": "\x01"}', "invalid_json", "line 1"),
    (b"{'a': 1}", "invalid_json", "line 1, column 2"),
    (b'{"a": 1} {"a": 2}', "invalid_json", "column 10"),
    (b'{"a": 01}', "invalid_json", "line 1"),
    (b"nope", "invalid_json", "line 1, column 1"),
]


@pytest.mark.parametrize(("body", "code", "where"), REFUSED)
def test_what_cannot_be_stored_is_refused_with_its_place(body: bytes, code: str, where: str) -> None:
    with pytest.raises(MalformedBody) as refusal:
        read_json(body)
    (fault,) = refusal.value.faults
    assert fault.code == code
    assert where in fault.detail
    assert fault.hint


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_characters="\x00")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
).filter(lambda value: "\\u0000" not in json.dumps(value))


@given(json_values, st.booleans())
def test_what_is_good_json_reads_back_as_it_was_sent(value: object, escaped: bool) -> None:
    assert read_json(json.dumps([value], ensure_ascii=escaped).encode()) == [value]


def test_a_backslash_before_u0000_is_not_a_nul() -> None:
    assert read_json(rb'["\\u0000", "\\ud800"]') == ["\\u0000", "\\ud800"]


def test_a_surrogate_pair_is_one_character() -> None:
    assert read_json(rb'["\ud83d\ude00"]') == ["\U0001f600"]


def test_bad_entries_of_an_array_fail_alone_and_the_others_keep_their_places() -> None:
    body = b'[{"a": 1},\n {"a": NaN}, {"a": 1e400}, {"a": 2, "a": 3}, {"a": "\\ud800"}, {"a": "\\u0000"} , {"a": 4}]'
    entries = read_entries(body)
    assert entries.raws == [{"a": 1}, {"a": 4}]
    assert entries.places == [0, 6]
    assert [(place, fault.code) for place, fault in entries.faults] == [
        (1, "not_finite"),
        (2, "number_too_large"),
        (3, "duplicate_key"),
        (4, "invalid_text"),
        (5, "invalid_text"),
    ]
    assert entries.faults[0][1].pointer == "/1"
    assert "line 2, column 8" in entries.faults[0][1].detail


def test_an_entry_that_nests_too_deep_fails_alone() -> None:
    deep = b"[" * 30 + b"]" * 30
    entries = read_entries(b'[1, {"a": ' + deep + b"}, 2]")
    assert entries.raws == [1, 2]
    assert entries.faults[0][1].code == "too_deep"


def test_one_object_is_one_entry() -> None:
    assert read_entries(b' {"a": 1} ').raws == [{"a": 1}]
    assert read_entries(b' {"a": NaN} ').faults[0][1].code == "not_finite"


@pytest.mark.parametrize(
    "body",
    [b"[1, 2", b"[1 2]", b"[,]", b"[NaN 1]", b"[NaN,]", b"[NaN", b"[NaN],", b"[1],", b'[{"a": 1}, {"a": 1, "a" 2}]'],
)
def test_a_broken_array_is_refused_whole(body: bytes) -> None:
    with pytest.raises(MalformedBody):
        read_entries(body)


def test_an_unreadably_deep_array_is_refused_whole() -> None:
    with pytest.raises(MalformedBody):
        read_entries(b"[" * 100_000)


def test_one_entry_too_many_is_refused() -> None:
    ok = b"[" + b",".join([b"0"] * MAX_BEHAVIORS) + b"]"
    assert len(read_entries(ok).raws) == MAX_BEHAVIORS
    with pytest.raises(TooLarge):
        read_entries(ok[:-1] + b",0]")
    with pytest.raises(TooLarge):
        read_lines(b"0\n" * (MAX_BEHAVIORS + 1))


@pytest.mark.parametrize("value", [b"0,", b"{},", b"[", b'{"a":'])
def test_more_values_than_are_read_are_refused_unread(value: bytes) -> None:
    started = time.monotonic()
    for reader in (read_json, read_entries, read_lines):
        with pytest.raises(TooLarge) as refusal:
            reader(value * (MAX_VALUES + 1))
        assert refusal.value.code == "too_many_values"
    assert time.monotonic() - started < 1


def test_each_line_of_ndjson_fails_alone() -> None:
    entries = read_lines(b'{"a": 1}\r\n\n{"a": NaN}\nbroken\n{"a": 2}')
    assert entries.raws == [{"a": 1}, {"a": 2}]
    assert entries.places == [0, 3]
    assert [(place, fault.code) for place, fault in entries.faults] == [(1, "not_finite"), (2, "invalid_json")]
    assert "line 3, column 7" in entries.faults[0][1].detail


pieces = st.lists(st.sampled_from([b"[", b"]", b"{", b"}", b",", b":", b"NaN", b"1e400", b'"a"', b'"\\ud800"', b"1"]))


@given(st.binary(max_size=60) | pieces.map(b"".join))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    for reader in (read_json, read_entries, read_lines):
        with suppress(MalformedBody):
            reader(body)


def test_a_huge_hostile_body_is_answered_in_time() -> None:
    started = time.monotonic()
    with pytest.raises(TooLarge):
        read_entries(b"[" + b"0," * 1_000_000 + b"NaN]")
    with pytest.raises(MalformedBody):
        read_json(b"[" + b'"\\u0041",' * (MAX_VALUES - 2) + b"NaN]")
    assert time.monotonic() - started < 10
