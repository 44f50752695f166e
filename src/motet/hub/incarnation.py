"""Which start of which node this is, kept alive by a connection of its own; and who takes over from the dead."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import asyncpg
import structlog

from motet.hub.lane import FencedError
from motet.storage import node
from motet.storage.database import LOST

log = structlog.get_logger(__name__)

KEEPALIVE_S = 2.0
"""A node is known to be dead within this time of its connection's end, and a lost connection is noticed as fast."""

ANSWER_S = 4.0
"""An answer that takes longer means that the connection is lost."""


class Incarnation:
    """Holds this node's place. `number` is the node's part of ids, `incarnation` owns what it accepts."""

    def __init__(self, connect: Callable[[], Awaitable[asyncpg.Connection]], grace: timedelta) -> None:
        self._connect = connect
        self._grace = grace
        self._connection: asyncpg.Connection | None = None
        self.incarnation = 0
        self.number = 0
        self.last_id = 0

    async def join(self) -> None:
        """Start: a number that no living node has."""
        self._connection = await self._connect()
        self.incarnation, self.number, self.last_id = await node.join(self._connection)

    async def succeed_dead(self, now_us: int) -> list[int]:
        """Inherit what dead incarnations owned; it is in `waiting` afterwards."""
        assert self._connection is not None  # noqa: S101 - joined
        heirs = await node.succeed_dead(self._connection, self.incarnation, now_us, self._grace)
        if heirs:
            log.info("took over", incarnations=heirs)
        return heirs

    async def beat(self, low_water: int, last_id: int) -> bool:
        """Note progress and prove that the connection lives. False: it is lost and could not be had back yet.

        Raises FencedError once another node has succeeded this one.
        """
        try:
            async with asyncio.timeout(ANSWER_S):
                if self._connection is None or self._connection.is_closed():
                    self._connection = connection = await self._connect()
                    if not await node.rejoin(connection, self.incarnation):
                        succeeded = await node.is_succeeded(connection, self.incarnation)
                        connection.terminate()
                        if succeeded:
                            raise FencedError(f"incarnation {self.incarnation} has been succeeded")
                        return False
                await node.note_progress(self._connection, self.incarnation, low_water, last_id)
        except LOST as error:
            log.warning("the node's connection is lost", error=repr(error)[:200])
            if self._connection is not None:
                self._connection.terminate()
                self._connection = None
            return False
        return True

    async def leave(self, low_water: int, last_id: int) -> None:
        """End in good order."""
        if self._connection is None or self._connection.is_closed():
            return
        try:
            async with asyncio.timeout(ANSWER_S):
                await node.leave(self._connection, self.incarnation, low_water, last_id)
                await self._connection.close()
        except LOST:
            self._connection.terminate()
