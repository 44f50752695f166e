"""Challenges for passkeys: handed out sealed, so that nothing is stored until one is answered; good once, 5 minutes."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from motet.domain.errors import InvalidError
from motet.identity.tickets import TicketError, Tickets
from motet.storage import used_challenge
from motet.storage.database import Executor

CHALLENGE_S = 300
"""How long a challenge is good: time to find the key, too short to be worth keeping."""

CHALLENGE_OCTETS = 32
_TICKET = "passkey"


@dataclass(frozen=True, slots=True)
class Ceremony:
    """A challenge, and what it is bound to: its answer is taken for nothing else."""

    purpose: str
    """`register`, `sign-in` or `second-factor`."""
    challenge: str
    """Base64url."""
    user_id: int | None
    bound_to: str | None
    """The session, or the sign-in under way."""
    expires_at: int
    """Unix seconds."""

    @property
    def challenge_octets(self) -> bytes:
        return base64.urlsafe_b64decode(self.challenge)


class Ceremonies:
    """Seals what a challenge was made for; every node that has the key opens it."""

    __slots__ = ("_tickets",)

    def __init__(self, tickets: Tickets) -> None:
        self._tickets = tickets

    def begin(
        self, purpose: str, now: datetime, *, user_id: int | None = None, bound_to: str | None = None
    ) -> Ceremony:
        """A new challenge."""
        challenge = base64.urlsafe_b64encode(secrets.token_bytes(CHALLENGE_OCTETS)).decode()
        return Ceremony(purpose, challenge, user_id, bound_to, int(now.timestamp()) + CHALLENGE_S)

    def sealed(self, ceremony: Ceremony) -> str:
        """What the caller keeps meanwhile, and gives back with the answer."""
        began = ceremony.expires_at - CHALLENGE_S
        return self._tickets.issue(_TICKET, asdict(ceremony), now=began, ttl_s=CHALLENGE_S)

    def opened(
        self, state: str, purpose: str, now: datetime, *, user_id: int | None = None, bound_to: str | None = None
    ) -> Ceremony:
        """What `sealed` was given. Raises InvalidError (path `state`) for one that is over or meant for another."""
        try:
            ceremony = Ceremony(**self._tickets.read(_TICKET, state, now=int(now.timestamp())))
        except TicketError:
            raise InvalidError("This challenge is none of ours, or over: start again.", path=("state",)) from None
        if (ceremony.purpose, ceremony.user_id, ceremony.bound_to) != (purpose, user_id, bound_to):
            raise InvalidError("This challenge was made for something else.", path=("state",))
        return ceremony

    async def use(self, connection: Executor, ceremony: Ceremony, now: datetime) -> None:
        """Use the challenge up. Raises InvalidError (path `state`) if it was used before, on whichever node."""
        digest = hashlib.sha256(ceremony.challenge_octets).digest()
        if not await used_challenge.use(connection, digest, datetime.fromtimestamp(ceremony.expires_at, UTC), now):
            raise InvalidError("The challenge was answered before: start again.", path=("state",))
