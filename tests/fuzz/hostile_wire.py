"""What breaks those who read HTTP: methods, steps of a path, lengths and headers."""

from __future__ import annotations

# Without DELETE: who is erased is chosen with care, what others have put is read back.
METHODS = (*b"HEAD OPTIONS TRACE CONNECT PUT PATCH POST get PROPFIND X".split(), b"")
STEPS = (*b"% %zz %ff %c0%af %ed%a0%80 %00 %2e%2e .. . %2F a;b a,b".split(), b"\xff", b"")
LENGTHS = (*b"0 1 -1 +5 0x10 1e3 99999999999999999999 8388609 abc 05".split(), b"5 5", b"5, 5", b"")
VERSIONS = (*b"HTTP/1.0 HTTP/0.9 HTTP/2.0 HTTP/1.2 HTTP/11 http/1.1 X/1.1".split(), b"")
HEADERS = (
    (b"Transfer-Encoding", b"chunked"),
    (b"Transfer-Encoding", b"gzip, chunked"),
    (b"Transfer-Encoding", b"identity"),
    (b"Transfer-Encoding", b"xchunked"),
    (b"Content-Encoding", b"gzip"),
    (b"Content-Encoding", b"identity"),
    (b"Content-Encoding", b""),
    (b"Expect", b"100-continue"),
    (b"Expect", b"200-ok"),
    (b"Connection", b"close"),
    (b"Connection", b"keep-alive, close"),
    (b"Connection", b"upgrade"),
    (b"Upgrade", b"websocket"),
    (b"Upgrade", b"h2c"),
    (b"Host", b"elsewhere"),
    (b"Host", b""),
    (b"If-None-Match", b"*"),
    (b"If-None-Match", b'"' + b"a" * 3_000),
    (b"If-Match", b'"0"'),
    (b"If-Match", b"*"),
    (b"If-Modified-Since", b"yesterday"),
    (b"Range", b"bytes=0-0,5-"),
    (b"Accept", b"text/html;q=x"),
    (b"Accept-Encoding", b"gzip, \xff"),
    (b"X-API-Key", b"\xff\xfe"),
    (b"X-API-Key", b""),
    (b"Authorization", b"Bearer "),
    (b"Authorization", b"Basic !!!"),
    (b"Cookie", b"portrait=;;==\xff; a"),
    (b"Idempotency-Key", b"a" * 300),
    (b"Last-Event-ID", b"-1"),
    (b"X-Forwarded-For", b"a, b\xff"),
    (b"Forwarded", b"for=;"),
    (b"X-Request-Id", b"\xff" * 200),
    (b"Origin", b"null"),
    (b"Sec-Fetch-Site", b"\xff"),
    (b"X-HTTP-Method-Override", b"DELETE"),
    (b"X-Long", b"a" * 5_000),
    (b"X-Longer", b"a" * 70_000),
    (b"X Space", b"a"),
    (b"", b"a"),
    (b"X-Null", b"a\x00b"),
    (b"X-Fold", b"a\r\n b"),
    (b"X-Bare", b"a\rb"),
    (b"X-\xe9", b"\xe9"),
)
