"""Templates become pages: everything is escaped, nothing is kept by a cache, nothing comes from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response

from app.console import words
from app.domain.catalogue import Catalogue
from app.domain.item import Item, label_of, path_of

_HERE = Path(__file__).parent
STATIC = {path.name: path for path in (_HERE / "static").iterdir()}
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
}


def _asset(name: str) -> str:
    """Its address changes with its content, so that a browser may keep it."""
    return f"/console/static/{name}?v={blake2b(STATIC[name].read_bytes(), digest_size=6).hexdigest()}"


_templates = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters |= {
    name: getattr(words, name) for name in ("day", "minute", "ago", "lasted", "percent", "chance", "signed", "widths")
}
_templates.filters |= {"label": label_of, "leaf": lambda category: (path_of(category) or [category])[-1]}
_templates.globals |= {
    "words": words,
    "path_to": words.path_to,
    "api_path": words.api_path,
    "assets": {name: _asset(name) for name in STATIC},
}


def page(request: Request, template: str, status: int = 200, **told: Any) -> Response:
    keys = request.app.state.keys
    return filled(template, status, signed_in=keys.required, **told)


def filled(template: str, status: int, headers: Mapping[str, str] | None = None, **told: Any) -> Response:
    """A page for whoever may read it."""
    html = _templates.get_template(template).render(told)
    return Response(html, status, {**HEADERS, **(headers or {})}, "text/html")


def looks(catalogue: Catalogue) -> dict[str, Any]:
    """For templates: `item_of` an id, None for an unknown one, and `title_of` it, its id where it has none."""

    def item_of(item_id: str) -> Item | None:
        row = catalogue.row_of.get(item_id)
        return None if row is None else catalogue.items[row]

    def title_of(item_id: str) -> str:
        item = item_of(item_id)
        return (item.title if item else "") or item_id

    return {"item_of": item_of, "title_of": title_of}
