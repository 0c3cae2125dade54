"""What a call needs, said once beside its route: `@needs("profiles:read")` right above the handler."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from starlette.requests import Request

from app.domain.access import ADMIN, Key, Scope
from app.domain.errors import AccessDenied, ScopeMissing

F = TypeVar("F", bound=Callable[..., Any])

KEY = "portrait.key"  # where the gate puts the key of a request
_MARK = "needed_scopes"
_UNDECLARED = frozenset({ADMIN})


def needs(*scopes: Scope) -> Callable[[F], F]:
    """A key with one of these scopes; none named: nobody needs a key (then the path is open in `app.api.auth` too)."""

    def mark(handler: F) -> F:
        setattr(handler, _MARK, frozenset(scopes))
        return handler

    return mark


def declared(handler: Callable[..., Any]) -> frozenset[str] | None:
    """None where nothing was declared."""
    found: frozenset[str] | None = getattr(handler, _MARK, None)
    return found


def needed_by(handler: Callable[..., Any]) -> frozenset[str]:
    """As declared; without a declaration only an admin may."""
    found = declared(handler)
    return _UNDECLARED if found is None else found


def check_scope(request: Request, needed: frozenset[str]) -> None:
    """Raises ScopeMissing that names what is needed."""
    if not needed:
        return
    key: Key | None = request.scope.get(KEY)
    if key is None:
        raise AccessDenied("The request carries no API key.")
    if not key.may(needed):
        named = " or ".join(f"`{scope}`" for scope in sorted(needed))
        raise ScopeMissing(f"The key or token lacks the scope {named}.", f"Use one with {named}.")
