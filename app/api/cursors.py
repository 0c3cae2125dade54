"""List cursors: opaque for the caller, signed, so that what comes back is what was handed out."""

from __future__ import annotations

from itsdangerous import BadSignature, URLSafeSerializer

from app.domain.errors import InvalidCursor


class Cursors:
    def __init__(self, secret: str) -> None:
        self._secret = secret

    def after(self, place: str, listing: str) -> str:
        """The cursor that continues `listing` behind `place`."""
        text: str = self._signer(listing).dumps(place)
        return text

    def read(self, cursor: str | None, listing: str) -> str | None:
        """The place, None for the first page. Raises `InvalidCursor`, also for a cursor of another listing."""
        if cursor is None:
            return None
        try:
            return str(self._signer(listing).loads(cursor))
        except (BadSignature, ValueError):
            raise InvalidCursor(
                "The cursor was not handed out by this service for this list.",
                "Pass `next` of the page before unchanged; for the first page leave `cursor` out.",
            ) from None

    def _signer(self, listing: str) -> URLSafeSerializer:
        return URLSafeSerializer(self._secret, salt=listing)
