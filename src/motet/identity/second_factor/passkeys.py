"""Passkeys (WebAuthn Level 3): registered by a signed-in user, and shown in place of a password or after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import webauthn
from webauthn.helpers import parse_authentication_credential_json, parse_registration_credential_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from motet.domain.errors import DeniedError, InvalidError, LimitReachedError
from motet.domain.ids import IdGenerator
from motet.identity.second_factor.ceremonies import CHALLENGE_S, Ceremonies
from motet.identity.second_factor.relying_party import SITE_NAME, RelyingParty
from motet.identity.tickets import Tickets
from motet.storage import passkey
from motet.storage.database import Database, Executor, PooledConnection
from motet.storage.passkey import Passkey

MAX_PASSKEYS = 20
"""Of one user: more than anyone has devices. All of them stand in the options that a browser gets."""

MAX_NAME_CHARACTERS = 100
CREDENTIAL_OCTETS = 16_384
"""An answer without attestation has about 1,000."""

_REGISTER = "register"
_SIGN_IN = "sign-in"
_SECOND = "second-factor"
_TRANSPORTS = frozenset(each.value for each in AuthenticatorTransport)
_MALFORMED = (WebAuthnException, ValueError, TypeError, KeyError, AttributeError)
"""What the library raises for an answer that is wrong or none at all."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A challenge for a browser."""

    state: str
    """To be given back with the answer."""
    options: Mapping[str, Any]
    """What `navigator.credentials.create` or `.get` takes, as JSON has it (WebAuthn §5.1.8 and §5.1.9)."""


class Passkeys:
    """The passkeys of all users. Errors are domain errors; paths name inputs."""

    def __init__(
        self,
        database: Database,
        tickets: Tickets,
        ids: IdGenerator,
        site: RelyingParty,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._ceremonies = Ceremonies(tickets)
        self._ids = ids
        self._site = site
        self._now = now

    async def of_user(self, user_id: int) -> list[Passkey]:
        """The user's keys, the oldest first."""
        return await passkey.of_user(self._database.pool, user_id)

    async def ask_to_register(self, user_id: int, session_id: int, email: str, name: str) -> Asked:
        """A challenge for a new key. Raises DeniedError where browsers make none."""
        self._check_site()
        ceremony = self._ceremonies.begin(_REGISTER, self._now(), user_id=user_id, bound_to=str(session_id))
        options = webauthn.generate_registration_options(
            rp_id=self._site.id,
            rp_name=SITE_NAME,
            user_id=user_handle(user_id),
            user_name=email,
            user_display_name=name or email,
            challenge=ceremony.challenge_octets,
            timeout=CHALLENGE_S * 1_000,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=_descriptors(await self.of_user(user_id)),
        )
        return Asked(self._ceremonies.sealed(ceremony), orjson.loads(webauthn.options_to_json(options)))

    async def register(
        self,
        connection: PooledConnection,
        user_id: int,
        session_id: int,
        state: str,
        credential: Mapping[str, Any],
        name: str,
    ) -> int:
        """Add the key that answered: its id. Needs a transaction.

        Raises InvalidError, ConflictError for a key that is registered, LimitReachedError at `MAX_PASSKEYS`.
        """
        name = _checked_name(name)
        now = self._now()
        ceremony = self._ceremonies.opened(state, _REGISTER, now, user_id=user_id, bound_to=str(session_id))
        answer = _bounded(credential)
        try:
            parsed = parse_registration_credential_json(answer)
            verified = webauthn.verify_registration_response(
                credential=parsed,
                expected_challenge=ceremony.challenge_octets,
                expected_rp_id=self._site.id,
                expected_origin=self._site.origin,
                require_user_verification=True,
            )
        except _MALFORMED:
            raise _no_answer() from None
        await self._ceremonies.use(connection, ceremony, now)
        passkey_id = self._ids.next_at(now)
        transports = sorted({each.value for each in parsed.response.transports or ()} & _TRANSPORTS)
        added = await passkey.insert(
            connection,
            passkey_id,
            user_id,
            verified.credential_id,
            verified.credential_public_key,
            verified.sign_count,
            name,
            transports,
            verified.credential_backed_up,
            now,
            MAX_PASSKEYS,
        )
        if not added:
            raise LimitReachedError("A user has at most {most} passkeys.", most=MAX_PASSKEYS)
        return passkey_id

    def ask_to_sign_in(self) -> Asked:
        """A challenge for whichever key the browser has for us. Raises DeniedError where browsers make none."""
        self._check_site()
        return self._ask(_SIGN_IN, None, None, ())

    async def ask_for_second(self, user_id: int, bound_to: str) -> Asked | None:
        """A challenge for one of the user's keys, for the sign-in under way; None for a user without one."""
        keys = await self.of_user(user_id) if self._site.takes_passkeys else []
        return self._ask(_SECOND, user_id, bound_to, keys) if keys else None

    async def sign_in(self, state: str, credential: Mapping[str, Any]) -> int:
        """Whose key has answered. Raises InvalidError for whatever is wrong with it."""
        return await self._answered(state, credential, _SIGN_IN, None, None)

    async def second(self, user_id: int, bound_to: str, state: str, credential: Mapping[str, Any]) -> None:
        """Take a key of the user as the second factor. Raises InvalidError for whatever is wrong with it."""
        await self._answered(state, credential, _SECOND, user_id, bound_to)

    async def rename(self, connection: PooledConnection, user_id: int, passkey_id: int, name: str) -> bool:
        """False for a key that is not the user's. Raises InvalidError."""
        return await passkey.rename(connection, user_id, passkey_id, _checked_name(name))

    def _check_site(self) -> None:
        if not self._site.takes_passkeys:
            raise DeniedError(
                "Browsers make passkeys only for a name that is reached over https, or for localhost: "
                "{origin} is neither.",
                origin=self._site.origin,
            )

    def _ask(self, purpose: str, user_id: int | None, bound_to: str | None, keys: Sequence[Passkey]) -> Asked:
        ceremony = self._ceremonies.begin(purpose, self._now(), user_id=user_id, bound_to=bound_to)
        options = webauthn.generate_authentication_options(
            rp_id=self._site.id,
            challenge=ceremony.challenge_octets,
            timeout=CHALLENGE_S * 1_000,
            allow_credentials=_descriptors(keys) or None,
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return Asked(self._ceremonies.sealed(ceremony), orjson.loads(webauthn.options_to_json(options)))

    async def _answered(
        self, state: str, credential: Mapping[str, Any], purpose: str, user_id: int | None, bound_to: str | None
    ) -> int:
        now = self._now()
        ceremony = self._ceremonies.opened(state, purpose, now, user_id=user_id, bound_to=bound_to)
        answer = _bounded(credential)
        try:
            parsed = parse_authentication_credential_json(answer)
        except _MALFORMED:
            raise _no_answer() from None
        pool = self._database.pool
        found = await passkey.by_credential(pool, parsed.raw_id)
        handle = parsed.response.user_handle
        if (
            found is None
            or (user_id is not None and found.user_id != user_id)
            or (handle is not None and handle != user_handle(found.user_id))
            or (handle is None and user_id is None)
        ):
            raise _no_answer()
        try:
            verified = webauthn.verify_authentication_response(
                credential=parsed,
                expected_challenge=ceremony.challenge_octets,
                expected_rp_id=self._site.id,
                expected_origin=self._site.origin,
                credential_public_key=found.public_key,
                credential_current_sign_count=found.sign_count,
                require_user_verification=True,
            )
        except _MALFORMED:
            raise _no_answer() from None
        await self._ceremonies.use(pool, ceremony, now)
        await self._note(pool, found.id, verified.new_sign_count, now)
        return found.user_id

    @staticmethod
    async def _note(connection: Executor, passkey_id: int, sign_count: int, now: datetime) -> None:
        if not await passkey.used(connection, passkey_id, sign_count, now):
            raise _no_answer()


def user_handle(user_id: int) -> bytes:
    """Whose a passkey is, as authenticators keep it: nothing that says who that is. WebAuthn §14.6.1."""
    return user_id.to_bytes(8, "big")


def _checked_name(name: str) -> str:
    name = name.strip()
    if not 1 <= len(name) <= MAX_NAME_CHARACTERS or not name.isprintable():
        raise InvalidError("A name has 1 to {most} characters.", path=("name",), most=MAX_NAME_CHARACTERS)
    return name


def _bounded(credential: Mapping[str, Any]) -> str:
    """The answer as JSON. Raises InvalidError for what can be none."""
    try:
        text = orjson.dumps(credential)
    except (TypeError, ValueError, RecursionError):
        raise _no_answer() from None
    if not isinstance(credential, dict) or len(text) > CREDENTIAL_OCTETS:
        raise _no_answer()
    return text.decode()


def _no_answer() -> InvalidError:
    return InvalidError("This passkey's answer is not valid here.", path=("credential",))


def _descriptors(keys: Sequence[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=key.credential_id,
            transports=[AuthenticatorTransport(each) for each in key.transports if each in _TRANSPORTS] or None,
        )
        for key in keys
    ]
