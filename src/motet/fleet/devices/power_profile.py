"""How devices save power: as people say, or as modems told; and which devices an ending network hits."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from motet.domain.errors import InvalidError, NotFoundError
from motet.domain.event_types import DEVICE_UPDATED
from motet.fleet.journal import Change, Journal
from motet.radio.at_commands import parse_cereg, parse_edrx_report
from motet.radio.coding import RadioError, Rounding
from motet.radio.edrx import EdrxMode, check_edrx, decode_cycle, decode_window, encode_cycle, encode_window
from motet.radio.psm import Timer, encode_timer, sleep_s
from motet.radio.rats import EDRX_MODE_OF_RAT, Rat
from motet.storage import device, power_profile
from motet.storage.database import Database
from motet.storage.power_profile import StoredProfile
from motet.storage.transaction import transaction

MAX_LINES = 10
"""Lines of a modem's in one request: a registration, an eDRX report, and room for echoes."""
COUNT_LIMIT = 10_001
"""Devices of a network that are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedProfile:
    """What a device is to be taken for. None: not used, or not known."""

    rat: Rat | None = None
    tau_s: int | None = None
    active_s: int | None = None
    cycle_ms: int | None = None
    window_ms: int | None = None
    rounding: Rounding = Rounding.ERROR


class PowerProfileService:
    """The power profiles of all workspaces' devices, each call scoped to one. Errors are domain errors."""

    def __init__(self, database: Database, journal: Journal, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._journal = journal
        self._clock = clock

    async def set(self, workspace_id: int, actor: str, device_id: int, wanted: WantedProfile) -> None:
        """Say how a device saves power. Raises NotFoundError (path `id`), InvalidError with the field at fault."""
        await self._write(workspace_id, actor, device_id, encoded_profile(wanted))

    async def learn(
        self, workspace_id: int, actor: str, device_id: int, lines: Sequence[str], rat: Rat | None = None
    ) -> None:
        """Take it from what the modem told: `+CEREG:` with n = 4 or 5, `+CEDRXP:` or `+CEDRXRDP:`; `rat` says LTE-M
        where the modem says LTE. Raises NotFoundError (path `id`), InvalidError (path `at_lines`)."""
        if not 0 < len(lines) <= MAX_LINES:
            raise InvalidError("Give 1 to {most} lines.", path=("at_lines",), most=MAX_LINES)
        try:
            profile = _told(lines, rat)
        except RadioError as error:
            raise InvalidError(
                "{reason}: {message}", path=("at_lines",), reason=error.reason, message=error.message
            ) from None
        await self._write(workspace_id, actor, device_id, profile)

    async def forget(self, workspace_id: int, actor: str, device_id: int) -> None:
        """Nothing is known of how the device saves power. Raises NotFoundError (path `id`)."""
        await self._write(workspace_id, actor, device_id, StoredProfile())

    async def devices_on(
        self, workspace_id: int, networks: Sequence[tuple[str, Rat]], within: Set[str] | None = None
    ) -> dict[tuple[str, Rat], int]:
        """How many of the workspace's devices, or of those with one of the tags `within`, were last seen on each of
        these networks, up to `COUNT_LIMIT`."""
        operators, rats = [plmn for plmn, _ in networks], [rat.name for _, rat in networks]
        async with self._database.pool.acquire() as connection:
            found = await power_profile.devices_on(connection, workspace_id, operators, rats, COUNT_LIMIT, within)
        return {(plmn, Rat[rat]): count for (plmn, rat), count in found.items()}

    async def _write(self, workspace_id: int, actor: str, device_id: int, profile: StoredProfile) -> None:
        async with transaction(self._database, after=self._journal.committed) as connection:
            locked = await device.lock(connection, workspace_id, device_id)
            if locked is None:
                raise NotFoundError("No such device.", path=("id",))
            known = await power_profile.read(connection, workspace_id, device_id)
            if profile != StoredProfile():
                profile = profile._replace(at=datetime.fromtimestamp(self._clock(), UTC))
            await power_profile.write(connection, workspace_id, device_id, profile)
            if known[:-2] != profile[:-2]:
                detail = {"device": {"name": locked.settings.name}, "changed": ["power_profile"]}
                change = Change(DEVICE_UPDATED, device_id, locked.sim_id, detail | {"power_profile": _shown(profile)})
                await self._journal.write(connection, workspace_id, actor, [change])


def encoded_profile(wanted: WantedProfile) -> StoredProfile:
    """The profile in times that the radio interface can carry. Raises InvalidError with the field at fault."""
    how = wanted.rounding
    tau_s = _timer(Timer.T3412_EXTENDED, wanted.tau_s, how, "tau_seconds")
    active_s = _timer(Timer.T3324, wanted.active_s, how, "active_seconds")
    if tau_s is not None and active_s is not None:
        with_path(lambda: sleep_s(tau_s, active_s), "active_seconds")
    cycle_ms = window_ms = None
    if wanted.cycle_ms is not None:
        mode = _mode(wanted.rat)
        asked_ms = wanted.cycle_ms
        cycle_ms = with_path(lambda: encode_cycle(mode, asked_ms, how), "edrx_cycle_seconds").encoded_ms
        if wanted.window_ms is not None:
            asked_window_ms = wanted.window_ms
            window = with_path(lambda: encode_window(mode, asked_window_ms, how), "paging_time_window_seconds")
            window_ms = window.encoded_ms
            with_path(lambda: check_edrx(mode, cycle_ms, window_ms), "paging_time_window_seconds")
    elif wanted.window_ms is not None:
        raise InvalidError("A paging time window needs an eDRX cycle.", path=("paging_time_window_seconds",))
    rat = None if wanted.rat is None else wanted.rat.name
    return StoredProfile(rat, tau_s, active_s, cycle_ms, window_ms, False)


def with_path(reckon: Callable[[], Any], field: str) -> Any:
    """What `reckon` gives; a RadioError becomes InvalidError with the field."""
    try:
        return reckon()
    except RadioError as error:
        raise InvalidError("{reason}: {message}", path=(field,), reason=error.reason, message=error.message) from None


def _timer(timer: Timer, seconds: int | None, how: Rounding, field: str) -> int | None:
    if seconds is None:
        return None
    encoded: int = with_path(lambda: encode_timer(timer, seconds, how), field).encoded_s
    return encoded


def _mode(rat: Rat | None) -> EdrxMode:
    mode = None if rat is None else EDRX_MODE_OF_RAT.get(rat)
    if mode is None:
        raise InvalidError("An eDRX cycle needs a RAT that has a table of them.", path=("rat",))
    return mode


def _told(lines: Sequence[str], rat: Rat | None) -> StoredProfile:
    profile = StoredProfile(None if rat is None else rat.name, learned=True)
    for line in lines:
        if "CEREG" in line.upper():
            told = parse_cereg(line)
            profile = profile._replace(tau_s=told.tau_s, active_s=told.active_s)
            if rat is None and told.rat is not None:
                profile = profile._replace(rat=told.rat.name)
            continue
        report = parse_edrx_report(line)
        if report.mode is None or report.provided is None:
            profile = profile._replace(cycle_ms=None, window_ms=None)
            continue
        window_ms = None if report.window is None else decode_window(report.mode, report.window)
        profile = profile._replace(cycle_ms=decode_cycle(report.mode, report.provided), window_ms=window_ms)
        if profile.rat is None and report.mode is EdrxMode.NB_S1:
            profile = profile._replace(rat=Rat.NB_IOT.name)
    return profile


def _shown(profile: StoredProfile) -> dict[str, Any] | None:
    if profile.at is None:
        return None
    return {
        "rat": profile.rat,
        "tau_s": profile.tau_s,
        "active_s": profile.active_s,
        "edrx_cycle_ms": profile.cycle_ms,
        "edrx_window_ms": profile.window_ms,
    }
