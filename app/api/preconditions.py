"""Whether the caller knows what they are about to change (RFC 9110, If-Match)."""

from __future__ import annotations

from collections.abc import Callable

from app.api.answers import is_held, tag_headers
from app.domain.errors import Conflict, InvalidInput
from app.domain.profile import Profile

_AGAIN = "Read the profile again, look whether the change still makes sense, and send it with the new `ETag`."


def knows(if_match: str | None, optional: bool = False) -> Callable[[Profile | None], None]:
    """Raises InvalidInput `precondition_required` or Conflict `profile_changed`; who is not there yet needs no tag."""

    def check(profile: Profile | None) -> None:
        if if_match is None:
            if profile is None or optional:
                return
            raise InvalidInput(
                "An edit must say which profile it changes.",
                "Send the `ETag` of GET /users/{user_id}/profile as `If-Match`.",
                code="precondition_required",
            )
        if profile is None:
            raise Conflict("There is no profile yet.", "Send the edit without `If-Match`.", code="profile_changed")
        if not is_held(tag_headers(profile)["ETag"], if_match):
            raise Conflict("The profile has changed since it was read.", _AGAIN, code="profile_changed")

    return check
