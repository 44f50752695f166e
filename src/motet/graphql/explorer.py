"""GraphiQL for browsers, from files of our own: it works without the internet."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from starlette.responses import Response

ASSET_PARAMETER = "graphiql"
"""`GET /graphql?graphiql=NAME` is one of the page's files."""

_FOLDER = Path(__file__).with_name("graphiql")
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
_ASSETS = (
    "explorer.css",
    "explorer.js",
    "graphiql.css.gz",
    "graphiql.js.gz",
    "graphql-ws.js.gz",
    "react-dom.js.gz",
    "react.js.gz",
)
_HEADERS = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}

# Scripts from here only. The editor sets styles on its elements.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " font-src 'self' data:; connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def page() -> Response:
    """The page."""
    headers = {**_HEADERS, "content-security-policy": _POLICY, "cache-control": "no-cache"}
    return Response(_read("explorer.html"), headers=headers, media_type="text/html; charset=utf-8")


def asset(name: str) -> Response:
    """One of the page's files, 404 for any other name."""
    for stored in _ASSETS:
        if stored.removesuffix(".gz") == name:
            headers = {**_HEADERS, "cache-control": "public, max-age=3600"}
            if stored.endswith(".gz"):  # every browser takes gzip
                headers["content-encoding"] = "gzip"
            return Response(_read(stored), headers=headers, media_type=_TYPES[Path(name).suffix])
    return Response(status_code=404)


@cache
def _read(name: str) -> bytes:
    return (_FOLDER / name).read_bytes()
