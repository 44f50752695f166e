"""The second step of signing in: which second factor a user is asked for, and whether what they show is right."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from motet.access.clients import Client
from motet.access.principals import ADMINISTRATIVE
from motet.access.tokens import AuthenticationError
from motet.domain.errors import InvalidError
from motet.domain.letters import Letter
from motet.domain.messages import said
from motet.domain.recovery_codes import code_hash
from motet.identity.lock_out import LockOut
from motet.identity.login import MFA_TTL_S, MULTIPLE, OVER, PASSWORD, Demand, Login
from motet.identity.notices import Notices
from motet.identity.second_factor.passkeys import Asked, Passkeys
from motet.identity.second_factor.totp import TotpCodes
from motet.identity.second_factor.trusted_devices import TrustedDevices
from motet.identity.sessions import Signed
from motet.storage import recovery_code, second_factor, used_challenge
from motet.storage.acting import Actor, ActorKind
from motet.storage.database import Database
from motet.storage.transaction import transaction
from motet.storage.user import UserRow

ONE_TIME = "otp"
PASSKEY = "swk"
"""RFC 8176: proof of possession of a software-secured key; whether it is in hardware we do not ask."""
RECOVERY = "rec"
DEVICE = "device"

_WRONG: Mapping[str, str] = {
    "code": said("This is not the code that your app shows now, or it was used already."),
    "recovery_code": said("This is none of your recovery codes, or it was used already."),
}


class RequiredFactors:
    """What `Login` asks after the password was right."""

    def __init__(self, database: Database, devices: TrustedDevices) -> None:
        self._database = database
        self._devices = devices

    async def needed(self, user: UserRow, trusted_device: str | None) -> Demand:
        """The methods to choose from; none if there is no second factor, or the device is trusted."""
        found = await second_factor.factors(self._database.pool, user.id, ADMINISTRATIVE)
        if found is None or not found.any:
            return Demand()
        if await self._devices.is_trusted(user.id, trusted_device):
            return Demand(shown=(DEVICE, MULTIPLE))
        ways = (("totp", found.totp), ("passkey", found.passkeys), ("recovery_code", found.recovery_codes))
        return Demand(ask=tuple(name for name, there in ways if there))


@dataclass(frozen=True, slots=True)
class Proof:
    """What a user shows after the password: one of the three."""

    code: str | None = None
    recovery_code: str | None = None
    passkey: tuple[str, Mapping[str, Any]] | None = None
    """The challenge's state, and the browser's answer."""


class SecondStep:
    """Ends the sign-ins that `Login` has begun, and those by passkey alone."""

    def __init__(
        self,
        database: Database,
        login: Login,
        lock_out: LockOut,
        codes: TotpCodes,
        passkeys: Passkeys,
        devices: TrustedDevices,
        notices: Notices,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._login = login
        self._lock_out = lock_out
        self._codes = codes
        self._passkeys = passkeys
        self._devices = devices
        self._notices = notices
        self._now = now

    async def ask(self, mfa_token: str) -> Asked:
        """A challenge for a passkey of the user whose password was right. Raises AuthenticationError for a token that
        is over, InvalidError for a user without a passkey."""
        asked = await self._passkeys.ask_for_second(self._login.user_of(mfa_token), _digest(mfa_token).hex())
        if asked is None:
            raise InvalidError("This user has no passkey.", path=("mfa_token",))
        return asked

    async def finish(self, mfa_token: str, proof: Proof, client: Client) -> Signed:
        """The session of who has shown a second factor.

        Raises AuthenticationError for a token that is over or was used, LimitReachedError after too many attempts,
        InvalidError for a factor that is wrong.
        """
        user_id = self._login.user_of(mfa_token)
        if proof.passkey is not None:  # cannot be guessed: not counted, and open while the user is locked out
            await self._passkeys.second(user_id, _digest(mfa_token).hex(), *proof.passkey)
            method = PASSKEY
        else:
            method = await self._finish_by_code(user_id, proof, client)
        over = self._now() + timedelta(seconds=MFA_TTL_S)
        if not await used_challenge.use(self._database.pool, _digest(mfa_token), over, self._now()):
            raise AuthenticationError("this sign-in was finished already: sign in again")
        return await self._login.finish(mfa_token, (PASSWORD, method, MULTIPLE), client)

    def ask_to_sign_in(self) -> Asked:
        """A challenge for whichever passkey the browser has for us: no name, no password."""
        return self._passkeys.ask_to_sign_in()

    async def whose(self, state: str, credential: Mapping[str, Any]) -> int:
        """The user whose passkey has answered. Raises InvalidError."""
        return await self._passkeys.sign_in(state, credential)

    async def sign_in(self, user_id: int, client: Client) -> Signed:
        """Their session: the key in hand and the finger or PIN that opened it are two factors. Raises
        AuthenticationError for a user who may not sign in, DeniedError where single sign-on is enforced."""
        return await self._login.with_passkey(user_id, (PASSKEY, MULTIPLE), client)

    async def actor_of(self, mfa_token: str) -> Actor:
        """Who is signing in, for the audit log. Raises AuthenticationError for a token that is over."""
        return await self.actor(self._login.user_of(mfa_token))

    async def actor(self, user_id: int) -> Actor:
        """A user, as the audit log shows them."""
        found = await second_factor.factors(self._database.pool, user_id, ADMINISTRATIVE)
        return Actor(ActorKind.USER, "" if found is None else found.email, user_id=user_id)

    async def trust(self, user_id: int, client: Client) -> str:
        """The token by which the device at the other end is known again."""
        return await self._devices.trust(user_id, client)

    async def _finish_by_code(self, user_id: int, proof: Proof, client: Client) -> str:
        found = await second_factor.factors(self._database.pool, user_id, ADMINISTRATIVE)
        if found is None:
            raise AuthenticationError(OVER)
        await self._lock_out.claim(found.email_key, client.address)
        if proof.code is not None:
            if not await self._codes.check(user_id, proof.code):
                raise InvalidError(_WRONG["code"], path=("code",))
            await self._lock_out.was_right(client.address)
            return ONE_TIME
        digest = None if proof.recovery_code is None else code_hash(proof.recovery_code)
        if digest is None or not found.any:
            raise InvalidError(_WRONG["recovery_code"], path=("recovery_code",))
        await self._use(user_id, digest, client)
        await self._lock_out.was_right(client.address)
        return RECOVERY

    async def _use(self, user_id: int, digest: bytes, client: Client) -> None:
        """Use up a recovery code; they are told. Raises InvalidError if the user has no such code."""
        async with transaction(self._database, after=self._notices.mailed) as connection:
            if not await recovery_code.use(connection, user_id, digest):
                raise InvalidError(_WRONG["recovery_code"], path=("recovery_code",))
            left = await recovery_code.count(connection, user_id)
            await self._notices.tell(
                connection, user_id, Letter.RECOVERY_CODE_USED, address=client.address, left=str(left)
            )


def _digest(mfa_token: str) -> bytes:
    return hashlib.sha256(mfa_token.encode(errors="surrogatepass")).digest()
