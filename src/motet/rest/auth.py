"""/auth/…: signing in and out by password, and the next access token. JSON both ways.

A browser asks for its refresh token as a cookie that scripts cannot read (`"cookie": true`); it is sent to /auth alone,
and never from another site.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from motet.access.principals import Principal
from motet.access.tokens import AuthenticationError
from motet.domain.errors import DomainError, InvalidError
from motet.domain.global_ids import encode_global_id
from motet.domain.redaction import REDACTED
from motet.domain.users import EMAIL_CHARACTERS, MAX_PASSWORD_CHARACTERS, email_of
from motet.identity.audit import act_of, actor_of
from motet.identity.login import SecondFactorNeeded
from motet.identity.services import Identity
from motet.identity.sessions import REFRESH_IDLE, Signed
from motet.rest.answers import answering, body_of, client_of, json_answer, optional_text_of, text_of
from motet.storage.acting import Act, Actor, ActorKind, Edge

COOKIE = "motet_refresh"
COOKIE_PATH = "/auth"
DEVICE_COOKIE = "motet_device"
"""A trusted device's token."""

TOKEN_CHARACTERS = 512


def auth_routes(identity: Identity, *, secure: bool) -> list[Route]:
    """`secure`: browsers reach us by https, so cookies go nowhere else."""
    edge = AuthEdge(identity, secure=secure)
    return [
        Route("/auth/login", answering(edge.login), methods=["POST"]),
        Route("/auth/refresh", answering(edge.refresh), methods=["POST"]),
        Route("/auth/logout", answering(edge.logout), methods=["POST"]),
        Route("/auth/invitation", answering(edge.invitation), methods=["POST"]),
        Route("/auth/invitation/accept", answering(edge.accept_invitation), methods=["POST"]),
        Route("/auth/password/forgot", answering(edge.forgot_password), methods=["POST"]),
        Route("/auth/password/reset", answering(edge.reset_password), methods=["POST"]),
    ]


class AuthEdge:
    """The handlers."""

    def __init__(self, identity: Identity, *, secure: bool) -> None:
        self._identity = identity
        self._secure = secure

    async def login(self, request: Request) -> Response:
        """`{email, password, device?, cookie?}` -> tokens, or `{mfa_token, methods}`."""
        body = await body_of(request)
        device = optional_text_of(body, "device", most=TOKEN_CHARACTERS) or request.cookies.get(DEVICE_COOKIE)
        email = text_of(body, "email", most=EMAIL_CHARACTERS)
        password = text_of(body, "password", most=MAX_PASSWORD_CHARACTERS)
        async with self._doing(request, *_named(email)):
            result = await self._identity.login.with_password(
                email, password, client_of(request), trusted_device=device
            )
        return proceeding_answer(result, cookie=body.get("cookie") is True, secure=self._secure)

    async def refresh(self, request: Request) -> Response:
        """`{refresh_token}`, or the cookie -> new tokens, the next refresh token where the last one was."""
        body = await body_of(request)
        given = optional_text_of(body, "refresh_token", most=TOKEN_CHARACTERS)
        token = given or request.cookies.get(COOKIE)
        if token is None:
            raise InvalidError("This is needed, here or as a cookie.", path=("refresh_token",))
        async with self._doing(request, "a refresh token"):
            signed = await self._identity.sessions.refresh(token, client_of(request))
        return signed_answer(signed, cookie=given is None, secure=self._secure)

    async def invitation(self, request: Request) -> Response:
        """`{token}` -> what the invitation is about, for the page that its link opens."""
        body = await body_of(request)
        found = await self._identity.invitations.look(text_of(body, "token", most=TOKEN_CHARACTERS))
        shown = {"email": found.email, "name": found.name, "workspace": found.workspace, "account": found.has_account}
        return json_answer(shown | {"sign_in": found.signs_in})

    async def accept_invitation(self, request: Request) -> Response:
        """`{token, password, name?, cookie?}` -> tokens; for someone who has an account `{token}` -> `{joined}`, with
        their access token if the account is another organisation's."""
        body = await body_of(request)
        header, principal = request.headers.get("authorization"), None
        if header is not None:
            principal = await self._identity.authenticator.authenticate(header, client_of(request).address)
        token, name = text_of(body, "token", most=TOKEN_CHARACTERS), optional_text_of(body, "name")
        async with self._doing(request, principal or "an invitation", {"name": name}):
            result = await self._identity.invitations.accept(
                token, client_of(request), password=optional_text_of(body, "password"), name=name, principal=principal
            )
        if result is None:
            return json_answer({"joined": True})
        return proceeding_answer(result, cookie=body.get("cookie") is True, secure=self._secure)

    async def forgot_password(self, request: Request) -> Response:
        """`{email}` -> 202, whoever it is; the mail is on its way after the answer, so that its time tells nothing."""
        body = await body_of(request)
        email = text_of(body, "email", most=EMAIL_CHARACTERS)

        async def mail() -> None:
            with suppress(DomainError):  # which the audit log has; the answer went out
                async with self._doing(request, *_named(email)):
                    await self._identity.password_changes.forgot(
                        email, client_of(request), request.headers.get("accept-language")
                    )

        response = json_answer({"accepted": True}, 202)
        response.background = BackgroundTask(mail)
        return response

    async def reset_password(self, request: Request) -> Response:
        """`{token, password}` -> 204; then one signs in with it."""
        body = await body_of(request)
        token, password = text_of(body, "token", most=TOKEN_CHARACTERS), text_of(body, "password")
        async with self._doing(request, "a password reset"):
            await self._identity.password_changes.reset(token, password, client_of(request))
        return Response(status_code=204)

    async def logout(self, request: Request) -> Response:
        """Ends the session of the access token."""
        principal = await self._identity.authenticator.authenticate(
            request.headers.get("authorization"), client_of(request).address
        )
        if principal.user_id is None or principal.session_id is None:
            raise AuthenticationError("this token belongs to no login session")
        async with self._doing(request, principal):
            await self._identity.sessions.end(principal.user_id, principal.session_id)
        return without_cookie(Response(status_code=204), secure=self._secure)

    def _doing(
        self, request: Request, who: Principal | str, given: Mapping[str, Any] | None = None
    ) -> AbstractAsyncContextManager[Act]:
        """The act of a principal, or of someone who has not proved yet who they are and is named for the log."""
        actor = Actor(ActorKind.ANONYMOUS, who) if isinstance(who, str) else actor_of(who)
        action = f"{request.method} {request.url.path}"
        return self._identity.audit.doing(act_of(actor, client_of(request), Edge.REST, action, given))


def _named(email: str) -> tuple[str, dict[str, str]]:
    """Who it is and the input for the audit log. People type passwords where the address goes: what is none is not
    kept."""
    try:
        email_of(email)
    except DomainError:
        return "someone", {"email": REDACTED}
    return email, {"email": email}


def proceeding_answer(result: Signed | SecondFactorNeeded, *, cookie: bool, secure: bool) -> Response:
    """The tokens, or what else has to be shown first."""
    if isinstance(result, SecondFactorNeeded):
        return json_answer({"mfa_token": result.mfa_token, "methods": list(result.methods)})
    return signed_answer(result, cookie=cookie, secure=secure)


def without_cookie(response: Response, *, secure: bool) -> Response:
    """The same, and the browser forgets its refresh token."""
    response.delete_cookie(COOKIE, COOKIE_PATH, secure=secure, httponly=True, samesite="strict")
    return response


def signed_answer(signed: Signed, *, cookie: bool, secure: bool) -> Response:
    """The tokens of someone who has signed in; with `cookie` the refresh token is for the browser alone."""
    shown: dict[str, Any] = {
        "access_token": signed.access_token,
        "token_type": "Bearer",
        "expires_in": signed.expires_in,
        "workspace": signed.workspace,
        "workspace_id": None if signed.workspace_id is None else encode_global_id("Workspace", signed.workspace_id),
    }
    if not cookie:
        shown["refresh_token"] = signed.refresh_token
    response = json_answer(shown)
    if cookie:
        response.set_cookie(
            COOKIE,
            signed.refresh_token,
            max_age=int(REFRESH_IDLE.total_seconds()),
            path=COOKIE_PATH,
            secure=secure,
            httponly=True,
            samesite="strict",
        )
    return response
