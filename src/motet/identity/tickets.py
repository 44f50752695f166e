"""Short-lived notes to ourselves that pass through someone else's hands: sealed, for one purpose, for a while.

Nothing is stored, so a ticket can come twice: what must happen once is held in the database by whoever reads it.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import orjson

from motet.access.secrets import SecretBox, SecretError

MAX_TICKET_CHARACTERS = 4_096


class TicketError(Exception):
    """The ticket is not ours, is for something else, or its time is over."""


class Tickets:
    """Issues and reads tickets. All nodes with the same key file read each other's."""

    __slots__ = ("_box",)

    def __init__(self, box: SecretBox) -> None:
        self._box = box

    def issue(self, purpose: str, content: dict[str, Any], *, now: int, ttl_s: int) -> str:
        """URL-safe text that holds `content` (what JSON takes), unreadable to whoever carries it."""
        plain = orjson.dumps({"purpose": purpose, "expires_at": now + ttl_s, "content": content})
        return base64.urlsafe_b64encode(self._box.encrypt(plain)).rstrip(b"=").decode()

    def read(self, purpose: str, ticket: str, *, now: int) -> dict[str, Any]:
        """The content. Raises TicketError."""
        try:
            if len(ticket) > MAX_TICKET_CHARACTERS or not ticket.isascii():
                raise TicketError
            sealed = base64.urlsafe_b64decode(ticket + "=" * (-len(ticket) % 4))
            found = orjson.loads(self._box.decrypt(sealed))
        except (binascii.Error, SecretError, orjson.JSONDecodeError, ValueError):
            raise TicketError from None
        if not isinstance(found, dict) or found.get("purpose") != purpose or found.get("expires_at", 0) <= now:
            raise TicketError
        content: dict[str, Any] = found["content"]
        return content
