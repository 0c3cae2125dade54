"""Values that break programs: texts, ids, numbers, times, and JSON that is none."""

from __future__ import annotations

TEXTS = (
    "",
    " ",
    "\x00",
    "a\x00b",
    "\x7f",
    "\x1b[31mred",
    "\ufeffmark",
    "\u200b",
    "\u2028",
    "\u202eright to left",
    "\ufffe\uffff",
    "\U0010ffff",
    "e\u0301 is not \u00e9",
    "\u0130stanbul \u1e9e \u01c5 \ufb03",  # lower case is longer, or another letter
    "\ufdfa" * 500,
    "a" + "\u0301" * 2_000,
    "👨‍👩‍👧‍👦" * 40,
    "[CLS] [SEP] [MASK] </s> <|endoftext|>",
    "!" * 1_000,
    "!" * 10_000,
    "x" * 10_001,
    "x" * 200_000,
    "word " * 2_000,
    "A > B > C",
    " > " * 80,
    "a/" * 120,
    "category:",
    ":value",
    "brand:private",
    "%s %d %n {0} {{}} ${x} #{x}",
    "'; DROP TABLE users; --",
    "\\",
    "\\u0000",
    '"',
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "null",
    "NaN",
    "true",
    "0",
    "-1",
    "1e999",
    "٣",
    "²",
    "constructor",
    "__proto__",
    "and or not & | ! <-> :* ( )",  # to_tsquery
    "a" * 3_000 + " " + "b" * 3_000,
    "(a+)+" * 100,
    "\r\nSet-Cookie: a=b\r\n\r\n",
    "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
)
# Words without blanks, then what has to be written with escapes.
_IDS = r"""
. .. ... .a a/b a\b a%2Fb % %00 a?b a#b a;b=c a&b a+b a:b a,b A ' null -1 {user_id}
"""
IDS = (
    *_IDS.split(),
    "a" * 128,
    "a" * 129,
    "\U0001f600" * 128,
    "\U0001f600" * 129,
    "a b",
    "a  b",
    " a",
    "a ",
    "\u3000a",
    "a\xa0",
    "\xe9",
    "e\u0301",
    "\u0130",
    "\u200b",
    "\ufeff",
    "\u2028",
    "\x85",
    "\x1f",
    '"',
    "\U0010ffff",
    "\ufffe",
)
_NUMBERS = """
NaN Infinity -Infinity 1e400 -1e400 1e308 1.7976931348623157e308 1e-400 5e-324 -0 -0.0 0 1 -1 0.5 1.0 1e0 1E+2 201
10001 2147483648 9007199254740993 9223372036854775807 9223372036854775808 -9223372036854775808 -9223372036854775809
18446744073709551616 01 +1 .5 1. 1e 0x10 1_000 --1
"""
NUMBERS = (*_NUMBERS.split(), "1" * 400, "1" * 5_000, "0." + "3" * 5_000, "1e" + "9" * 400, "\u0661")
_TIMES = """
9999-12-31T23:59:59-14:00 9999-12-31T23:59:59.999999Z 9999-12-31T23:59:59+14:00 0001-01-01T00:00:00+14:00
0001-01-01T00:00:00Z 0000-01-01T00:00:00Z -0001-01-01T00:00:00Z 10000-01-01T00:00:00Z 2016-12-31T23:59:60Z
2026-06-30T23:59:60.5Z 2026-02-29T00:00:00Z 2024-02-29T24:00:00Z 2026-01-01T00:00:00 2026-01-01 2026-01-01T00:00Z
2026-01-01T00:00:00z 2026-01-01t00:00:00Z 2026-01-01T00:00:00.1234567890123456789Z 2026-01-01T00:00:00.Z
2026-01-01T00:00:00,5Z 2026-01-01T00:00:00+23:59 2026-01-01T00:00:00-23:59 2026-01-01T00:00:00+24:00
2026-01-01T00:00:00+00:60 2026-01-01T00:00:00+01:30:30 2026-01-01T00:00:00+0100 2026-01-01T00:00:00-00:00
2026-13-01T00:00:00Z 2026-01-32T00:00:00Z 2026-W01-1T00:00:00Z 2026-001T00:00:00Z ٢٠٢٦-01-01T00:00:00Z
1970-01-01T00:00:00Z 1969-12-31T23:59:59.999999Z 1927-01-01T00:00:00Z 1900-01-01T00:00:00Z 2038-01-19T03:14:08Z
2000-01-01T00:00:00.999999+05:45 1800-01-01T00:00:00Z now 1767225600
"""
TIMES = (*_TIMES.split(), "2026-01-01 00:00:00Z")
# Tokens in the place of a JSON value.
RAW = (
    *NUMBERS,
    "nul",
    "None",
    "undefined",
    "True",
    "'single'",
    "unquoted",
    '"open',
    '"\\u0000"',
    '"a\\u0000b"',
    '"\\ud800"',
    '"\\udc00\\ud800"',
    '"\\ud83d\\ude00"',
    '"\\uZZZZ"',
    '"\\x41"',
    '"tab\there"',
    '"line\nbreak"',
    '"\x00"',
    '{"a": 1, "a": 2}',
    '{"a": {"b": 1, "b": 1}}',
    '{"user_id": "a", "user_\\u0069d": "b"}',
    "{a: 1}",
    '{"a": 1,}',
    "[1,]",
    "[,]",
    "[1 2]",
    '{"a"}',
    '{"a" 1}',
    "{1: 1}",
    "/* why */ 1",
    "1 // why",
    "[" * 16 + "]" * 16,
    "[" * 17 + "]" * 17,
    "[" * 5_000,
    "[" * 5_000 + "]" * 5_000,
    '{"a":' * 17 + "1" + "}" * 17,
    '{"a":' * 2_000,
    "{" + ",".join(f'"k{n}":{n}' for n in range(200)) + "}",
    "[" + ",".join(["0"] * 3_000) + "]",
    "",
)
# Beside what a JSON body is called.
CONTENT_TYPES = (
    "application/json; charset=utf-8",
    "application/json; charset=utf-16",
    "application/json;charset=latin-1",
    "APPLICATION/JSON",
    " application/json ",
    "application/json, text/plain",
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/merge-patch+json",
    "application/json-patch+json",
    "application/problem+json",
    "text/plain",
    "text/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "multipart/form-data",
    "application/octet-stream",
    "application/xml",
    "*/*",
    "",
    ";",
    "json",
    "application/json" + ";a=b" * 500,
)
