"""/oauth2/…: tokens for programs, after RFC 6749, 7009 and 7662: web forms in, JSON out, errors as those have them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import parse_qsl, unquote_plus

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from motet.access.api_keys import ApiKeyFormError, ApiKeyText, client_key
from motet.access.principals import Principal
from motet.access.tokens import AuthenticationError
from motet.domain.errors import DomainError
from motet.identity.audit import act_of
from motet.identity.authenticator import WaitError
from motet.identity.key_grants import key_subject
from motet.identity.oauth import OAuthError, invalid_client, waiting
from motet.identity.services import Identity
from motet.rest.answers import client_of, json_answer
from motet.rest.jwks import GRANTS, INTROSPECT_PATH, REVOKE_PATH, TOKEN_PATH
from motet.storage.acting import Act, Actor, ActorKind, Edge, Outcome, acting

FORM_OCTETS = 16 * 1024
MAX_FIELDS = 20
FORM = "application/x-www-form-urlencoded"

_SHOWN = frozenset({"grant_type", "scope", "token_type_hint"})
"""What of a form the audit log shows."""

_Handler = Callable[["Call"], Awaitable[Response]]


class Call:
    """A request that was read: its form, and the credentials in it."""

    def __init__(self, request: Request, form: Mapping[str, str]) -> None:
        self.request = request
        self.form = form
        self.address = client_of(request).address
        self.client_id: str | None = None
        """The client that it says it is, once `key` was asked."""

    def needed(self, name: str) -> str:
        """A field that the form must hold. Raises OAuthError."""
        if not self.form.get(name):
            raise OAuthError("invalid_request", f"The parameter {name} is needed.")
        return self.form[name]

    def key(self) -> ApiKeyText | None:
        """The client's key, by Basic authentication or in the form (RFC 6749 §2.3.1); None for a client without.
        Raises OAuthError."""
        scheme, _, given = self.request.headers.get("authorization", "").partition(" ")
        client_id, client_secret = self.form.get("client_id"), self.form.get("client_secret")
        if scheme.lower() == "basic":
            if client_secret is not None:
                raise OAuthError("invalid_request", "Give the client's credentials once: as a header or in the form.")
            try:
                text = base64.b64decode(given.strip(), validate=True).decode()
            except (binascii.Error, UnicodeDecodeError):
                raise invalid_client("the header is no Basic authentication") from None
            named, colon, secret = text.partition(":")
            if not colon or client_id not in (None, unquote_plus(named)):
                raise invalid_client("the header is no Basic authentication of this client")
            client_id, client_secret = unquote_plus(named), unquote_plus(secret)
        if client_id is None or client_secret is None:
            return None
        try:
            key = client_key(client_id, client_secret)
        except ApiKeyFormError as error:
            raise invalid_client(str(error)) from None
        self.client_id = key_subject(key.prefix)
        return key


def oauth2_routes(identity: Identity) -> list[Route]:
    edge = OAuth2Edge(identity)
    return [
        Route(TOKEN_PATH, _answering(edge.token), methods=["POST"]),
        Route(REVOKE_PATH, _answering(edge.revoke), methods=["POST"]),
        Route(INTROSPECT_PATH, _answering(edge.introspect), methods=["POST"]),
    ]


class OAuth2Edge:
    """The handlers."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    async def token(self, call: Call) -> Response:
        """The grants `client_credentials`, by an API key, and `refresh_token`, of a login session."""
        grant_type = call.needed("grant_type")
        if grant_type not in GRANTS:
            raise OAuthError("unsupported_grant_type", f"Grants are {' and '.join(GRANTS)}.")
        if grant_type == "refresh_token":
            try:
                signed = await self._identity.sessions.refresh(call.needed("refresh_token"), client_of(call.request))
            except AuthenticationError as error:
                raise OAuthError("invalid_grant", str(error)) from None
            except DomainError as error:
                raise OAuthError("invalid_grant", error.message) from None
            return _json(
                {
                    "access_token": signed.access_token,
                    "token_type": "Bearer",
                    "expires_in": signed.expires_in,
                    "refresh_token": signed.refresh_token,
                }
            )
        key = call.key()
        if key is None:
            raise invalid_client("give the API key as the client's credentials")
        try:
            grant = await self._identity.oauth.exchange(key, call.address, call.form.get("scope"))
        except OAuthError as error:
            if error.status == 401:
                act = self._act(call, None, TOKEN_PATH)
                await self._identity.audit.record(act, Outcome.UNAUTHENTICATED, code="UNAUTHENTICATED")
            raise
        return _json(
            {
                "access_token": grant.access_token,
                "token_type": "Bearer",
                "expires_in": grant.expires_in,
                "scope": grant.scope,
            }
        )

    async def revoke(self, call: Call) -> Response:
        """Takes a token back (RFC 7009): 200, whether or not there was anything to take back."""
        key = call.key()
        client = None if key is None else await self._identity.oauth.client(key, call.address)
        token = call.needed("token")
        with acting(self._act(call, client or await self._holder(token), REVOKE_PATH)):
            await self._identity.oauth.revoke(token, client)
        return _json({})

    async def introspect(self, call: Call) -> Response:
        """What a token is (RFC 7662), for whoever proves to be of the same workspace, by an API key as the client's
        credentials or by any token."""
        asker = await self._asker(call)
        return _json(await self._identity.oauth.introspect(call.needed("token"), asker))

    async def _holder(self, token: str) -> Principal | None:
        """Whose access token it is, if it is one."""
        try:
            return await self._identity.authenticator.behind(token)
        except AuthenticationError:
            return None

    def _act(self, call: Call, actor: Principal | None, path: str) -> Act:
        named = {name: value for name, value in call.form.items() if name in _SHOWN}
        someone = actor or Actor(ActorKind.ANONYMOUS, call.client_id or "someone")
        return act_of(someone, client_of(call.request), Edge.REST, f"POST {path}", named)

    async def _asker(self, call: Call) -> Principal:
        key = call.key()
        if key is not None:
            return await self._identity.oauth.client(key, call.address)
        try:
            header = call.request.headers.get("authorization")
            return await self._identity.authenticator.authenticate(header, call.address)
        except WaitError as error:
            raise waiting(error) from None
        except AuthenticationError as error:
            raise invalid_client(str(error)) from None


def _answering(handler: _Handler) -> Callable[[Request], Awaitable[Response]]:
    async def answered(request: Request) -> Response:
        try:
            return await handler(Call(request, await _form(request)))
        except OAuthError as error:
            return _refused(error)
        except DomainError as error:
            return _refused(OAuthError("invalid_request", error.message))
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is left to read it

    return answered


async def _form(request: Request) -> dict[str, str]:
    """The fields of the form, each once. Raises OAuthError."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise OAuthError("invalid_request", f"Send {FORM}.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_OCTETS:
            raise OAuthError("invalid_request", f"A form has at most {FORM_OCTETS} octets.", 413)
    try:
        fields = parse_qsl(bytes(body).decode("ascii"), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        raise OAuthError("invalid_request", f"The body is no form of at most {MAX_FIELDS} fields.") from None
    if len(dict(fields)) != len(fields):
        raise OAuthError("invalid_request", "A parameter is there twice.")
    form = {name: value for name, value in fields if value}  # RFC 6749 §3.2: what has no value is not there
    if any("\0" in value for value in form.values()):
        raise OAuthError("invalid_request", "A parameter holds a NUL character.")
    return form


def _refused(error: OAuthError) -> Response:
    headers = {"www-authenticate": 'Basic realm="motet", charset="UTF-8"'} if error.status == 401 else {}
    if error.retry_after_s is not None:
        headers["retry-after"] = str(error.retry_after_s)
    return _json({"error": error.error, "error_description": error.description}, error.status, headers)


def _json(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return json_answer(value, status, {"pragma": "no-cache", **(headers or {})})
