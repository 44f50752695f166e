"""The page on which people sign in and look after their account: files of our own, served as they are."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from motet.domain.locales import LOCALES, negotiated
from motet.rest.answers import accept_language_of

PAGES = ("/account", "/account/invitation", "/account/reset")
"""One page, which looks at its own address; the last two are what mails link to."""

FILES = (
    "account.css", "account.js", "api.js", "page.js", "passkeys.js", "settings.js", "words.js",
    *(f"words.{locale}.json" for locale in LOCALES[1:]),
)  # fmt: skip

_FOLDER = Path(__file__).with_name("account")
_TYPES = {
    ".json": "application/json",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
}

# Nothing from elsewhere, nothing inline, and no string becomes markup or script. Pictures are the QR codes.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; base-uri 'none';"
    " form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "publickey-credentials-create=(self), publickey-credentials-get=(self)",
}


def account_routes() -> list[Route]:
    """The page and its files."""
    return [
        *(Route(path, _page, methods=["GET"]) for path in PAGES),
        Route("/account/files/{name}", _file, methods=["GET"]),
    ]


async def _page(request: Request) -> Response:
    """In the language that the browser asks for: its scripts put the words in, and switch them."""
    locale = negotiated(accept_language=accept_language_of(request.headers))
    headers = {**_HEADERS, "cache-control": "no-store", "content-language": locale, "vary": "Accept-Language"}
    html = _read("account.html").replace(b'<html lang="en">', f'<html lang="{locale}">'.encode(), 1)
    return Response(html, headers=headers, media_type="text/html; charset=utf-8")


async def _file(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in FILES:
        return Response(status_code=404)
    headers = {**_HEADERS, "cache-control": "no-cache"}
    return Response(_read(name), headers=headers, media_type=_TYPES[Path(name).suffix])


@cache
def _read(name: str) -> bytes:
    return (_FOLDER / name).read_bytes()
