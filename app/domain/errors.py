"""Everything that can go wrong, as one tree.

PortraitError
├── InvalidInput            what was sent cannot be accepted as it is
│   ├── MalformedBody       the body is not the JSON that this service reads
│   ├── TooLarge            more bytes or entries than one request may carry
│   ├── UnsupportedBody     a content type this call does not read
│   └── InvalidCursor       a list cursor that this service did not hand out
├── AccessDenied            no key, or one that is not valid
│   └── ScopeMissing        the key is valid, and not for this call
├── RateLimited             more requests than the key may make
├── NotFound                no such user, item, page or call
├── Conflict                it contradicts what is already stored
├── Unavailable             a part that this answer needs is away; try again
│   └── Overloaded          more requests are on their way than can be answered soon
├── Locked                  what is stored cannot be opened with the master key at hand
├── Cancelled               a job was told to stop
├── ArtifactRefused         a file on disk is not what was published
└── Misconfigured           the settings or the machine do not allow a start

Codes are stable and part of the HTTP contract; a status belongs to `app.api.errors`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with an input. `pointer` is a JSON pointer (RFC 6901) into what was sent."""

    code: str
    pointer: str
    detail: str
    hint: str


class PortraitError(Exception):
    """A failure a caller can act on: `detail` says what happened, `hint` what to do about it."""

    code = "internal"
    title = "Something went wrong inside the service"

    def __init__(self, detail: str, hint: str = "", *, code: str = "", faults: tuple[Fault, ...] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint
        self.code = code or type(self).code
        self.faults = faults


class InvalidInput(PortraitError):
    code = "invalid_input"
    title = "The request cannot be accepted as it is"


class MalformedBody(InvalidInput):
    code = "malformed_body"
    title = "The body is not JSON that this service reads"


class TooLarge(InvalidInput):
    code = "too_large"
    title = "The request carries too much"


class UnsupportedBody(InvalidInput):
    code = "unsupported_body"
    title = "The content type is not read here"


class InvalidCursor(InvalidInput):
    code = "invalid_cursor"
    title = "The cursor was not handed out by this service"


class AccessDenied(PortraitError):
    code = "access_denied"
    title = "A valid key is needed"


class ScopeMissing(AccessDenied):
    code = "scope_missing"
    title = "The key is not for this call"


class RateLimited(PortraitError):
    """`retry_after_s`: seconds until one more request may be made."""

    code = "rate_limited"
    title = "Too many requests with this key"

    def __init__(self, detail: str, hint: str, retry_after_s: int) -> None:
        super().__init__(detail, hint)
        self.retry_after_s = retry_after_s


class NotFound(PortraitError):
    code = "not_found"
    title = "There is no such thing"


class Conflict(PortraitError):
    code = "conflict"
    title = "It contradicts what is already stored"


class Unavailable(PortraitError):
    code = "unavailable"
    title = "A part that this answer needs is away"


class Overloaded(Unavailable):
    code = "overloaded"
    title = "The service has more to do than it can"


class Locked(PortraitError):
    code = "vault_locked"
    title = "What is stored cannot be opened"


class Cancelled(PortraitError):
    code = "job_cancelled"
    title = "The job was told to stop"


class ArtifactRefused(PortraitError):
    code = "artifact_refused"
    title = "A file on disk is not what was published"


class Misconfigured(PortraitError):
    code = "misconfigured"
    title = "The settings or the machine do not allow a start"
