"""Whose number is this? Answered from memory on the hot path, from the database otherwise."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import asyncpg

from motet.domain.refusals import Refusal
from motet.domain.service_policy import ServicePolicy
from motet.domain.traffic_rules import Facts, Meter, Refusals, Traffic, refusals_of
from motet.hub.meters import DeviceMeter
from motet.storage import traffic
from motet.storage.traffic import Line

BATCH = 5_000
"""Numbers looked up by one statement."""


class Target(NamedTuple):
    """The SIM behind an MSISDN, and whether traffic may pass."""

    workspace_id: int
    device_id: int
    """0: the SIM is in no device."""
    sim_id: int
    refusals: Refusals
    """Why a kind of traffic may not pass, or None, by `Traffic`."""
    service: ServicePolicy | None
    meter: Meter | None
    """What is counted for it; asked after the rules."""

    def refusal(self, kind: Traffic, count: int, now_us: int) -> Refusal | None:
        """Why `count` more of the traffic may not pass now; if it may, it is counted."""
        refusal = self.refusals[kind]
        if refusal is None and self.meter is not None:
            return self.meter.admit(kind, count, now_us)
        return refusal


class BothMeters(NamedTuple):
    """Two that both have to admit."""

    counted: DeviceMeter
    other: Meter

    def admit(self, traffic: Traffic, count: int, now_us: int) -> Refusal | None:
        """See motet.domain.traffic_rules.Meter."""
        refusal = self.counted.admit(traffic, count, now_us)
        if refusal is None:
            refusal = self.other.admit(traffic, count, now_us)
            if refusal is not None:
                self.counted.give_back(traffic, count)
        return refusal


class Numbers:
    """A bounded memory of targets; the oldest entry makes room. Unknown numbers are not remembered."""

    def __init__(self, pool: Callable[[], asyncpg.Pool], limit: int) -> None:
        self._pool = pool
        self._limit = limit
        self._targets: dict[str, Target] = {}
        self._forgotten = 0
        self._trusted = True
        self.get = self._targets.get
        """The target of an MSISDN, or None if it has to be looked up."""
        self.meter_of: Callable[[Line], Meter | None] | None = None
        """Gives what is counted for a line, or None. Called when its number is looked up, so cheaply: no I/O."""
        self.load_meters: Callable[[Sequence[Line]], Awaitable[Mapping[int, DeviceMeter]]] | None = None
        """Gives what quotas and limits count, by device. Called when numbers are looked up, for all of them."""

    async def load(self, msisdns: Sequence[str]) -> dict[str, Target]:
        """Look numbers up and remember those that exist."""
        before = self._forgotten
        found: dict[str, Target] = {}
        judged: dict[Facts, Refusals] = {}
        """Thousands of devices share few policies, and few states."""
        for start in range(0, len(msisdns), BATCH):
            lines = await traffic.of_msisdns(self._pool(), msisdns[start : start + BATCH])
            meters = {} if self.load_meters is None else await self.load_meters(lines)
            for line in lines:
                refusals = judged.get(line.facts)
                if refusals is None:
                    refusals = judged[line.facts] = refusals_of(line.facts)
                found[line.msisdn or ""] = Target(
                    line.workspace_id,
                    line.device_id or 0,
                    line.sim_id or 0,
                    refusals,
                    line.facts.service,
                    self._meter(line, meters.get(line.device_id or 0)),
                )
        if before == self._forgotten and self._trusted:  # else what was read may be older than what was changed
            while self._targets and len(self._targets) + len(found) > self._limit:
                del self._targets[next(iter(self._targets))]
            self._targets.update(found)
        return found

    def _meter(self, line: Line, counted: DeviceMeter | None) -> Meter | None:
        other = None if self.meter_of is None else self.meter_of(line)
        if counted is None or other is None:
            return counted or other
        return BothMeters(counted, other)

    async def target_of(self, msisdn: str) -> Target | None:
        """The target of one number, from memory or the database."""
        return self.get(msisdn) or (await self.load([msisdn])).get(msisdn)

    def forget(self) -> None:
        """SIMs, devices or policies changed: look all numbers up again."""
        self._forgotten += 1
        self._targets.clear()

    def forget_these(self, msisdns: Iterable[str]) -> None:
        """The SIMs with these numbers, or their devices, changed."""
        self._forgotten += 1
        for msisdn in msisdns:
            self._targets.pop(msisdn, None)

    def trust(self, trusted: bool) -> None:
        """Whether changes at other nodes are heard: while they are not, nothing is remembered."""
        self._trusted = trusted
        self.forget()

    @property
    def changes(self) -> int:
        """Grows whenever something was forgotten."""
        return self._forgotten

    @property
    def trusted(self) -> bool:
        return self._trusted
