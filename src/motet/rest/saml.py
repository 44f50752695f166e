"""/auth/sso/{provider}/metadata and …/acs: what SAML takes beside the paths that all providers share.

A provider sends its response by a form that the browser posts from the provider's page to ours. Browsers add no cookie
to such a post (ours are SameSite=Lax), and the response is worth nothing without the cookie of the browser that asked.
So what comes without one is answered by a page that posts the same form once more, from here.
"""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import Final
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from motet.identity.audit import act_of
from motet.identity.services import Identity
from motet.identity.sso.errors import ProtocolError
from motet.identity.sso.kinds import ProviderKind
from motet.identity.sso.saml.sign_in import ENCODED_CHARACTERS
from motet.rest.answers import answering, client_of
from motet.rest.sso import SOMEONE, SsoEdge, provider_id_of, refused
from motet.storage.acting import Edge, Outcome

FORM_OCTETS = ENCODED_CHARACTERS * 3 // 2
"""Signs of base64 take three octets in a form."""

FORM_FIELDS = 10
AGAIN = "again"
"""The form's field that says that it was posted from here."""

ACTION = "POST /auth/sso/{provider}/acs"

_SCRIPT: Final = "document.forms[0].submit()"
_SCRIPT_HASH = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
_PAGE_HEADERS = {
    "content-security-policy": f"default-src 'none'; script-src 'sha256-{_SCRIPT_HASH}'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
}
_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>One moment · Motet</title><link rel="icon" href="data:,"></head>
<body><form method="post" action="{action}">
{fields}
<p>One moment … <button>Continue</button></p>
</form><script>{script}</script></body></html>
"""


def saml_routes(identity: Identity, *, secure: bool) -> list[Route]:
    """`secure` as `sso_routes` has it."""
    edge = SamlEdge(identity, secure=secure)
    return [
        Route("/auth/sso/{provider}/metadata", answering(edge.metadata), methods=["GET"]),
        Route("/auth/sso/{provider}/acs", answering(edge.consume), methods=["POST"]),
    ]


class SamlEdge:
    """The handlers."""

    def __init__(self, identity: Identity, *, secure: bool) -> None:
        self._identity = identity
        self._shared = SsoEdge(identity, secure=secure)

    async def metadata(self, request: Request) -> Response:
        """Ours, for this provider."""
        octets = await self._identity.sign_on.saml_metadata(provider_id_of(request))
        return Response(octets, headers={"cache-control": "no-store"}, media_type="application/samlmetadata+xml")

    async def consume(self, request: Request) -> Response:
        """A response of the provider (HTTP-POST, Bindings §3.5)."""
        provider_id = provider_id_of(request)
        try:
            form = await _form_of(request)
        except ProtocolError as error:
            return refused(request, error)
        state = form.get("RelayState", "")
        if self._shared.cookie_of(state) in request.cookies and state:
            answer = {name: form.get(name, "") for name in ("SAMLResponse", "RelayState")}
            return await self._shared.land(request, ProviderKind.SAML, answer, state, ACTION, provider_id=provider_id)
        if AGAIN not in form:
            return _once_more(request, form)
        unasked = await self._identity.sign_on.land_unasked(provider_id, form)
        act = act_of(SOMEONE, client_of(request), Edge.REST, ACTION)
        await self._identity.audit.record(act, Outcome.REFUSED, code=unasked.refusal.name)
        return refused(request, unasked)


async def _form_of(request: Request) -> dict[str, str]:
    """Each field once. Raises ProtocolError."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise ProtocolError("the response did not come as a form")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_OCTETS:
            raise ProtocolError(f"the response's form has more than {FORM_OCTETS} octets")
    try:
        found = parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=FORM_FIELDS)
    except ValueError:
        raise ProtocolError("the response's form cannot be read") from None
    if any(len(values) > 1 for values in found.values()):
        raise ProtocolError("a field of the response's form came twice")
    if "SAMLResponse" not in found:
        raise ProtocolError("the form holds no SAMLResponse")
    return {name: values[0] for name, values in found.items()}


def _once_more(request: Request, form: dict[str, str]) -> Response:
    kept = {"SAMLResponse": form["SAMLResponse"], "RelayState": form.get("RelayState", ""), AGAIN: "1"}
    fields = "\n".join(f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in kept.items())
    page = _PAGE.format(action=escape(request.url.path), fields=fields, script=_SCRIPT)
    return Response(page, headers=_PAGE_HEADERS, media_type="text/html; charset=utf-8")
