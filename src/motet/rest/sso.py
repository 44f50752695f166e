"""/auth/sso/…: signing in by an identity provider. The browser goes by redirects, the rest is JSON.

At the end our own page gets a code behind the `#` of its address, which browsers send nowhere, and exchanges it for
a session; without the cookie that came along the code is worth nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from urllib.parse import parse_qs, urlencode

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from motet.access.tokens import AuthenticationError
from motet.domain.errors import InvalidError, NotFoundError
from motet.domain.global_ids import decode_global_id, encode_global_id
from motet.domain.users import EMAIL_CHARACTERS
from motet.identity.audit import act_of
from motet.identity.services import Identity
from motet.identity.sso.errors import ProtocolError, SignOnError
from motet.identity.sso.id_token import TOKEN_OCTETS
from motet.identity.sso.kinds import ProviderKind
from motet.identity.sso.sign_on import CODE_TTL, FLOW_TTL_S, Departure, Landing
from motet.rest.answers import REQUEST_ID, answering, body_of, client_of, json_answer, text_of
from motet.rest.auth import signed_answer, without_cookie
from motet.storage.acting import Actor, ActorKind, Edge, Outcome, acting

PAGE = "/account"
"""Our own page, which exchanges the code and goes on."""

EXCHANGE_PATH = "/auth/sso/exchange"
CALLBACK = "GET /auth/sso/{provider}/callback"
CODE_CHARACTERS = 100
STATE_IN_NAME = 12
"""Characters of a sign-in's state that name its cookie: enough to tell a browser's tabs apart."""

SOMEONE = Actor(ActorKind.ANONYMOUS, "single sign-on")
"""Until the provider has said who it is."""

QUERY_CHARACTERS = 16_384
"""Of what a provider sends back."""


def sso_routes(identity: Identity, *, secure: bool) -> list[Route]:
    """`secure`: browsers reach us by https, so cookies go nowhere else."""
    edge = SsoEdge(identity, secure=secure)
    return [
        Route("/auth/sso/discover", answering(edge.discover), methods=["GET"]),
        Route(EXCHANGE_PATH, answering(edge.exchange), methods=["POST"]),
        Route("/auth/sso/logout", answering(edge.logout), methods=["POST"]),
        Route("/auth/sso/{provider}/start", answering(edge.start), methods=["GET"]),
        Route("/auth/sso/{provider}/callback", answering(edge.callback), methods=["GET"]),
        Route("/auth/sso/{provider}/backchannel-logout", answering(edge.backchannel_logout), methods=["POST"]),
    ]


class SsoEdge:
    """The handlers."""

    def __init__(self, identity: Identity, *, secure: bool) -> None:
        self._identity = identity
        self._sign_on = identity.sign_on
        self._secure = secure
        # Browsers take a cookie of this name over TLS alone, and from no other host of the domain.
        self._prefix = "__Host-motet_sso_" if secure else "motet_sso_"

    async def discover(self, request: Request) -> Response:
        """`?email=` -> `{provider: {id, name, start} | null}`, by the domain alone."""
        email = request.query_params.get("email", "")
        if not 0 < len(email) <= EMAIL_CHARACTERS:
            raise InvalidError("This must be a mail address.", path=("email",))
        found = await self._sign_on.discover(email)
        if found is None:
            return json_answer({"provider": None})
        global_id = encode_global_id("IdentityProvider", found[0])
        return json_answer({"provider": {"id": global_id, "name": found[1], "start": f"/auth/sso/{global_id}/start"}})

    async def start(self, request: Request) -> Response:
        """`?next=&login_hint=`: to the provider."""
        hint = request.query_params.get("login_hint")
        if hint is not None and (len(hint) > EMAIL_CHARACTERS or not hint.isprintable()):
            hint = None
        try:
            departure = await self._sign_on.start(
                provider_id_of(request), request.query_params.get("next"), login_hint=hint
            )
        except SignOnError as error:
            return refused(request, error)
        return self._depart(departure)

    async def callback(self, request: Request) -> Response:
        """What the provider sends the browser back with."""
        provider_id = provider_id_of(request)
        if len(request.url.query) > QUERY_CHARACTERS:
            return refused(request, ProtocolError("the answer is too long"))
        pairs = request.query_params.multi_items()
        answer = dict(pairs)
        if len(answer) != len(pairs):  # RFC 6749 §3.1 forbids it
            return refused(request, ProtocolError("a parameter came twice"))
        state = answer.get("state", "")
        return await self.land(request, ProviderKind.OIDC, answer, state, CALLBACK, provider_id=provider_id)

    def cookie_of(self, state: str) -> str:
        """The name of the cookie that holds the sign-in under way of this state."""
        return self._prefix + state[:STATE_IN_NAME]

    async def land(
        self,
        request: Request,
        kind: ProviderKind,
        answer: Mapping[str, str],
        state: str,
        action: str,
        *,
        provider_id: int,
    ) -> Response:
        """Someone comes back by a provider's own path, with the sign-in's state. `action` is what the audit log calls
        it."""
        name = self.cookie_of(state)
        act = act_of(SOMEONE, client_of(request), Edge.REST, action)
        try:
            with acting(act):
                landing = await self._sign_on.land(kind, request.cookies.get(name), answer, provider_id=provider_id)
        except SignOnError as error:
            await self._identity.audit.record(act, Outcome.REFUSED, code=error.refusal.name)
            response = refused(request, error)
        else:
            response = self._landed(landing)
        if name in request.cookies:
            response.delete_cookie(name, "/", secure=self._secure, httponly=True, samesite="lax")
        return response

    async def exchange(self, request: Request) -> Response:
        """`{code, cookie?}` and the cookie -> tokens."""
        body = await body_of(request)
        code = text_of(body, "code", most=CODE_CHARACTERS)
        kept = request.cookies.get(self._prefix + "code")
        if kept is None:
            raise AuthenticationError("the code is another browser's, or its time is over: sign in again")
        act = act_of(SOMEONE, client_of(request), Edge.REST, f"POST {EXCHANGE_PATH}", {"code": code}, secrets=("code",))
        async with self._identity.audit.doing(act):
            row = await self._sign_on.redeem(code, kept)
            act.actor = await self._identity.second_step.actor(row.user_id)
            signed = await self._sign_on.enter(row, client_of(request))
        response = signed_answer(signed, cookie=body.get("cookie") is True, secure=self._secure)
        response.delete_cookie(self._prefix + "code", "/", secure=self._secure, httponly=True, samesite="strict")
        return response

    async def logout(self, request: Request) -> Response:
        """Ends the session of the access token -> `{redirect}`: where the one at the provider ends, or null."""
        principal = await self._identity.authenticator.authenticate(
            request.headers.get("authorization"), client_of(request).address
        )
        if principal.user_id is None or principal.session_id is None:
            raise AuthenticationError("this token belongs to no login session")
        act = act_of(principal, client_of(request), Edge.REST, "POST /auth/sso/logout")
        async with self._identity.audit.doing(act):
            where = await self._sign_on.logout(principal.user_id, principal.session_id)
        return without_cookie(json_answer({"redirect": where}), secure=self._secure)

    async def backchannel_logout(self, request: Request) -> Response:
        """The provider ends sessions (OpenID Connect Back-Channel Logout §2.5)."""
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > TOKEN_OCTETS:
                raise InvalidError("A body has at most {most} octets.", most=TOKEN_OCTETS)
        try:
            given = parse_qs(body.decode("ascii", "replace"), max_num_fields=10).get("logout_token", [])
        except ValueError:
            raise InvalidError("A body has at most 10 fields.") from None
        if len(given) != 1:
            raise InvalidError("There must be one logout_token.", path=("logout_token",))
        act = act_of(SOMEONE, client_of(request), Edge.REST, "POST /auth/sso/backchannel-logout")
        async with self._identity.audit.doing(act):
            try:
                await self._sign_on.logout_by_provider(provider_id_of(request), given[0])
            except SignOnError as error:
                raise InvalidError("The logout token is not valid.", path=("logout_token",)) from error
        return Response(status_code=200, headers={"cache-control": "no-store"})

    def _depart(self, departure: Departure) -> Response:
        response = _redirect(departure.url)
        response.set_cookie(
            self.cookie_of(departure.state),
            departure.cookie,
            max_age=FLOW_TTL_S,
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="lax",  # the provider sends the browser back from another site
        )
        return response

    def _landed(self, landing: Landing) -> Response:
        response = _redirect(PAGE + "#" + urlencode({"sso_code": landing.code, "next": landing.next_page}))
        response.set_cookie(
            self._prefix + "code",
            landing.cookie,
            max_age=int(CODE_TTL.total_seconds()),
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="strict",
        )
        return response


def refused(request: Request, error: SignOnError) -> Response:
    """To our page, which says what the person can do. The reference is what the log, and the audit log's entry, have
    the reason under."""
    reference = request.scope.get(REQUEST_ID) or secrets.token_hex(8)
    level = _log.warning if isinstance(error, ProtocolError) else _log.info
    level(
        "single sign-on refused",
        request_id=reference, provider=error.provider_id, refusal=error.refusal.value, why=str(error)[:300],
    )  # fmt: skip
    return _redirect(PAGE + "#" + urlencode({"sso_error": error.refusal.value, "sso_reference": reference}))


def _redirect(url: str) -> Response:
    return Response(
        status_code=303,
        headers={"location": url, "cache-control": "no-store", "referrer-policy": "no-referrer"},
    )


def provider_id_of(request: Request) -> int:
    """The provider in the path. Raises NotFoundError."""
    decoded = decode_global_id(request.path_params["provider"][:CODE_CHARACTERS])
    if decoded is None or decoded[0] != "IdentityProvider":
        raise NotFoundError("There is no such identity provider.")
    return decoded[1]


_log = structlog.get_logger()
