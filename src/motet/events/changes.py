"""What any node changes of what others keep in memory: numbers, short codes, accounts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from motet.events.listening import keep_listening
from motet.storage.database import Connection, Database

CHANNEL = "motet_change"
"""What the triggers of the tables notify."""


class Memory(Protocol):
    """Whoever keeps in memory what the tables say. No call may block."""

    def forget_numbers(self, msisdns: Sequence[str]) -> None:
        """What is known of these is old."""

    def forget_all_numbers(self) -> None: ...

    def forget_short_codes(self) -> None: ...

    def accounts_changed(self) -> None: ...

    def end_smpp_session(self, session_id: int) -> None:
        """Someone asked for the end of a session, which may be another node's."""

    def binds_failed(self, incarnation: int, failures: Sequence[str]) -> None:
        """Binds of ESMEs were judged, and wrong, by this incarnation of a node."""

    def trust(self, trusted: bool) -> None:
        """Whether changes are heard: while they are not, what is remembered may be old and has to be read again."""


class ChangeFeed:
    """Tells a memory what to forget."""

    def __init__(self, database: Database, memory: Memory) -> None:
        self._database = database
        self._memory = memory
        self.listening = asyncio.Event()
        """Set while the connection stands."""

    async def run(self) -> None:
        """Listen until cancelled."""
        await keep_listening(
            self._database,
            "change feed",
            CHANNEL,
            heard=self._notified,
            connected=self._connected,
            lost=self._lost,
        )

    async def _connected(self, _connection: Connection) -> None:
        self._memory.forget_all_numbers()
        self._memory.forget_short_codes()
        self._memory.accounts_changed()
        self._memory.trust(True)
        self.listening.set()

    def _lost(self) -> None:
        self.listening.clear()
        self._memory.trust(False)

    def _notified(self, payload: str) -> None:
        kind, *values = payload.split()
        if kind == "numbers" and values:
            self._memory.forget_numbers(values)
        elif kind == "numbers":
            self._memory.forget_all_numbers()
        elif kind == "short_code":
            self._memory.forget_short_codes()
        elif kind == "smpp_account":
            self._memory.accounts_changed()
        elif kind == "smpp_session" and values:
            self._memory.end_smpp_session(int(values[0]))
        elif kind == "failed_binds" and values:
            self._memory.binds_failed(int(values[0]), values[1:])
