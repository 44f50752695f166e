"""Whose number is this? Answered from memory on the hot path, from the directory otherwise."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import asyncpg

from motet.hub.refusals import Refusal
from motet.hub.rules import Facts, refusal_of
from motet.storage import directory


class Target(NamedTuple):
    """The SIM behind an MSISDN, and whether traffic may pass."""

    workspace_id: int
    device_id: int
    sim_id: int
    refusal: Refusal | None


class Numbers:
    """A bounded memory of targets; the oldest entry makes room. Unknown numbers are not remembered."""

    def __init__(self, pool: Callable[[], asyncpg.Pool], limit: int) -> None:
        self._pool = pool
        self._limit = limit
        self._targets: dict[str, Target] = {}
        self._forgotten = 0
        self.get = self._targets.get
        """The target of an MSISDN, or None if it has to be looked up."""

    async def load(self, msisdns: Sequence[str]) -> dict[str, Target]:
        """Look numbers up and remember those that exist."""
        before = self._forgotten
        found: dict[str, Target] = {}
        for start in range(0, len(msisdns), 5_000):
            for record in await directory.of_msisdns(self._pool(), msisdns[start : start + 5_000]):
                found[record["msisdn"]] = Target(
                    record["workspace_id"],
                    record["device_id"],
                    record["sim_id"],
                    refusal_of(Facts(record["sim_status"], record["device_status"])),
                )
        if before == self._forgotten:  # else what was read may be older than what was changed
            while self._targets and len(self._targets) + len(found) > self._limit:
                del self._targets[next(iter(self._targets))]
            self._targets.update(found)
        return found

    async def target_of(self, msisdn: str) -> Target | None:
        """The target of one number, from memory or the directory."""
        return self.get(msisdn) or (await self.load([msisdn])).get(msisdn)

    def forget(self) -> None:
        """SIMs or devices changed: look all numbers up again."""
        self._forgotten += 1
        self._targets.clear()
