"""Binds that failed, on all nodes: what one has judged wrong the others count too, so that guessing at several nodes in
turn is no faster than at one.

A failure is told by NOTIFY once it has been judged, those of a moment together. It has cost a check of a password then,
which bounds how many there are; a bind that is right tells nobody anything.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from ipaddress import ip_address
from typing import TYPE_CHECKING

import structlog

from motet.domain.back_off import BackOff
from motet.domain.cidrs import Address
from motet.storage import failed_bind
from motet.storage.database import LOST

if TYPE_CHECKING:
    from motet.hub.hub import Hub

log = structlog.get_logger(__name__)

TOLD_AT_ONCE = 100
"""Failures in one notice: each takes 70 octets at most, and PostgreSQL takes 8,000."""

UNTOLD = 1_000
"""Failures that wait to be told; further ones count at this node alone."""


class FailedBinds:
    """One per server."""

    def __init__(self, hub: Hub, counts: Mapping[str, BackOff], clock: Callable[[], float]) -> None:
        """`counts` by what they count: the key of each is of numbers and addresses."""
        self._hub = hub
        self._counts = counts
        self._clock = clock
        self._untold: list[str] = []
        self._telling = False

    def failed(self, kind: str, *key: int | Address | None) -> None:
        """An attempt was judged here, and wrong."""
        self._count(kind, key)
        if None in key or len(self._untold) >= UNTOLD:
            return  # None is nobody that another node could meet
        self._untold.append("/".join([kind, *map(str, key)]))
        if not self._telling:
            self._telling = True
            self._hub.spawn(self._tell())

    def heard(self, failures: Sequence[str]) -> None:
        """Attempts were judged at another node, and wrong."""
        for failure in failures:
            kind, *key = failure.split("/")
            if kind in self._counts:  # a newer node may count more
                self._count(kind, tuple(int(part) if part.isdecimal() else ip_address(part) for part in key))

    def _count(self, kind: str, key: tuple[Hashable, ...]) -> None:
        self._counts[kind].failed(key, self._clock())

    async def _tell(self) -> None:
        try:
            while self._untold:
                told, self._untold = self._untold[:TOLD_AT_ONCE], self._untold[TOLD_AT_ONCE:]
                await failed_bind.tell(self._hub.pool(), self._hub.incarnation, told)
        except LOST as error:
            self._untold.clear()
            log.warning("failed binds could not be told to other nodes", error=repr(error)[:200])
        finally:
            self._telling = False
