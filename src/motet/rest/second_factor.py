"""/auth/mfa and /auth/passkey/…: the second step of signing in, and passkeys in place of the first. JSON both ways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from motet.domain.errors import InvalidError
from motet.identity.audit import act_of
from motet.identity.second_factor.sign_in import Proof
from motet.identity.second_factor.trusted_devices import TRUSTED_FOR
from motet.identity.services import Identity
from motet.identity.tickets import MAX_TICKET_CHARACTERS
from motet.rest.answers import answering, body_of, client_of, json_answer, optional_text_of, text_of
from motet.rest.auth import COOKIE_PATH, DEVICE_COOKIE, signed_answer
from motet.storage.acting import Act, Actor, ActorKind, Edge

CODE_CHARACTERS = 64
SOMEONE = Actor(ActorKind.ANONYMOUS, "a passkey")
"""Whoever answers a challenge, until it is known whose key that is."""

_PROOFS = ("code", "recovery_code", "passkey")
_FIELDS = (*_PROOFS, "mfa_token", "state", "credential", "remember_device", "cookie")
"""What else a body holds is no concern of the audit log."""


def second_factor_routes(identity: Identity, *, secure: bool) -> list[Route]:
    """`secure`: browsers reach us by https, so cookies go nowhere else."""
    edge = SecondFactorEdge(identity, secure=secure)
    return [
        Route("/auth/mfa", answering(edge.finish), methods=["POST"]),
        Route("/auth/passkey/options", answering(edge.options), methods=["POST"]),
        Route("/auth/passkey/verify", answering(edge.verify), methods=["POST"]),
    ]


class SecondFactorEdge:
    """The handlers."""

    def __init__(self, identity: Identity, *, secure: bool) -> None:
        self._step = identity.second_step
        self._audit = identity.audit
        self._secure = secure

    async def finish(self, request: Request) -> Response:
        """`{mfa_token, code | recovery_code | passkey: {state, credential}, remember_device?, cookie?}` -> tokens."""
        body = await body_of(request)
        mfa_token = text_of(body, "mfa_token", most=MAX_TICKET_CHARACTERS)
        actor = await self._step.actor_of(mfa_token)
        async with self._audit.doing(_act(actor, request, "POST /auth/mfa", body)):
            signed = await self._step.finish(mfa_token, _proof(body), client_of(request))
        cookie = body.get("cookie") is True
        response = signed_answer(signed, cookie=cookie, secure=self._secure)
        if body.get("remember_device") is not True:
            return response
        token = await self._step.trust(signed.user_id, client_of(request))
        if not cookie:
            return json_answer(orjson.loads(bytes(response.body)) | {"device": token})
        response.set_cookie(
            DEVICE_COOKIE,
            token,
            max_age=int(TRUSTED_FOR.total_seconds()),
            path=COOKIE_PATH,
            secure=self._secure,
            httponly=True,
            samesite="strict",
        )
        return response

    async def options(self, request: Request) -> Response:
        """`{mfa_token?}` -> `{state, options}`: a challenge for the browser, as the second step or for signing in."""
        body = await body_of(request)
        mfa_token = optional_text_of(body, "mfa_token", most=MAX_TICKET_CHARACTERS)
        asked = self._step.ask_to_sign_in() if mfa_token is None else await self._step.ask(mfa_token)
        return json_answer({"state": asked.state, "options": asked.options})

    async def verify(self, request: Request) -> Response:
        """`{state, credential, cookie?}` -> tokens."""
        body = await body_of(request)
        async with self._audit.doing(_act(SOMEONE, request, "POST /auth/passkey/verify", body)) as act:
            user_id = await self._step.whose(*_answer(body))
            act.actor = await self._step.actor(user_id)
            signed = await self._step.sign_in(user_id, client_of(request))
        return signed_answer(signed, cookie=body.get("cookie") is True, secure=self._secure)


def _act(actor: Actor, request: Request, action: str, body: Mapping[str, Any]) -> Act:
    given = {name: body[name] for name in _FIELDS if name in body}
    return act_of(actor, client_of(request), Edge.REST, action, given, secrets=("code", "state"))


def _proof(body: Mapping[str, Any]) -> Proof:
    given = [name for name in _PROOFS if body.get(name) is not None]
    if len(given) != 1:
        raise InvalidError("Show exactly one of {known}.", path=("code",), known=_PROOFS)
    if given == ["passkey"]:
        passkey = body["passkey"]
        if not isinstance(passkey, dict):
            raise InvalidError("This must be an object with `state` and `credential`.", path=("passkey",))
        return Proof(passkey=_answer(passkey))
    text = text_of(body, given[0], most=CODE_CHARACTERS)
    return Proof(code=text) if given == ["code"] else Proof(recovery_code=text)


def _answer(body: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    credential = body.get("credential")
    if not isinstance(credential, dict):
        raise InvalidError("This must be the browser's answer, as an object.", path=("credential",))
    return text_of(body, "state", most=MAX_TICKET_CHARACTERS), credential
