"""When a device that sleeps can be reached next, from its last uplink and the timers that the network granted it.

Times are Unix milliseconds. A device in power saving mode listens for the active time (T3324) after each uplink and
each periodic tracking area update, and sleeps in between (TS 23.682 §4.5.4); with eDRX it listens once per cycle only
(TS 23.682 §4.5.13). Where in the cycle is between the device and the network, so for us eDRX is a delay, not a window.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from motet.radio.at_commands import EdrxReport, Registration
from motet.radio.edrx import decode_cycle

ORDINARY_PAGING_MS: Final = 2_560
"""The longest paging cycle without eDRX (TS 36.331 `defaultPagingCycle` rf256)."""

CYCLES_PER_WINDOW: Final = 2
"""An active time should hold so many eDRX cycles, or one lost page costs a whole period of sleep."""


class ReachabilityState(StrEnum):
    ALWAYS = "ALWAYS"
    """No power saving mode: whenever it is paged, within `page_within_ms`."""
    OPEN = "OPEN"
    """Now, until `closes_ms`."""
    ASLEEP = "ASLEEP"
    """From `opens_ms` on, or when the device sends of its own accord."""
    UNKNOWN = "UNKNOWN"
    """It sleeps, and was never heard: when it wakes cannot be told."""


@dataclass(frozen=True, slots=True)
class PowerProfile:
    """The timers granted to a device: period (T3412 extended) and active time (T3324) in seconds, eDRX cycle in
    milliseconds. `active_s` None: no power saving mode. `tau_s` None: it updates never. `edrx_cycle_ms` None: no eDRX.
    """

    tau_s: int | None = None
    active_s: int | None = None
    edrx_cycle_ms: int | None = None

    @property
    def page_within_ms(self) -> int:
        """How long a page takes at most while the device listens."""
        return self.edrx_cycle_ms or ORDINARY_PAGING_MS


@dataclass(frozen=True, slots=True)
class Reachability:
    """The window that is open or comes next; `opens_ms` and `closes_ms` None where there is no such time.

    `silent_periods` counts the updates that were due since the last uplink: 0 is what we know, more is reckoned on.
    `is_page_certain` is false if the window is too short for the eDRX cycle, so that a page may miss it.
    """

    state: ReachabilityState
    opens_ms: int | None
    closes_ms: int | None
    page_within_ms: int
    silent_periods: int
    is_page_certain: bool
    reason: str


def next_window(profile: PowerProfile, last_uplink_ms: int | None, now_ms: int) -> Reachability:
    """The window in which the device can be reached now or next; an uplink later than `now_ms` counts as of now."""
    if profile.active_s is None:
        return _always(profile, now_ms, "The device does not use power saving mode.")
    if profile.tau_s is not None and profile.active_s >= profile.tau_s:
        return _always(profile, now_ms, "The active time is not shorter than the period, so the device never sleeps.")
    if last_uplink_ms is None:
        reason = "The device uses power saving mode, and was never heard: it can be reached when it next sends."
        return _window(profile, ReachabilityState.UNKNOWN, None, 0, reason)
    last_ms = min(last_uplink_ms, now_ms)
    elapsed_ms, active_ms = now_ms - last_ms, profile.active_s * 1_000
    if profile.tau_s is None:
        if elapsed_ms < active_ms:
            return _window(profile, ReachabilityState.OPEN, last_ms, 0, _since(profile.active_s))
        reason = "The device sleeps and has no periodic update: it can be reached when it next sends."
        return _window(profile, ReachabilityState.ASLEEP, None, 0, reason)
    periods, phase_ms = divmod(elapsed_ms, profile.tau_s * 1_000)
    started_ms = now_ms - phase_ms
    if phase_ms < active_ms:
        reason = _since(profile.active_s) if periods == 0 else "The device should just have made its periodic update."
        return _window(profile, ReachabilityState.OPEN, started_ms, periods, reason)
    reason = f"The device sleeps until its next update, which it makes every {profile.tau_s} s."
    return _window(profile, ReachabilityState.ASLEEP, started_ms + profile.tau_s * 1_000, periods, reason)


def granted_profile(registration: Registration, edrx: EdrxReport | None = None) -> PowerProfile:
    """The profile in what a modem tells by +CEREG (n = 4 or 5) and +CEDRXP or +CEDRXRDP."""
    cycle_ms = None
    if edrx is not None and edrx.mode is not None and edrx.provided is not None:
        cycle_ms = decode_cycle(edrx.mode, edrx.provided)
    return PowerProfile(registration.tau_s, registration.active_s, cycle_ms)


def profile_warnings(profile: PowerProfile) -> tuple[str, ...]:
    """What is legal in a profile and yet hardly meant, in words."""
    warnings = []
    if profile.active_s is not None:
        if profile.tau_s is None:
            warnings.append("Without a periodic update the device can be reached only after it has sent something.")
        elif profile.active_s >= profile.tau_s:
            warnings.append("The active time (T3324) is not shorter than the period (T3412): the device never sleeps.")
        cycle_ms = profile.edrx_cycle_ms
        if cycle_ms is not None and profile.active_s * 1_000 < CYCLES_PER_WINDOW * cycle_ms:
            warnings.append(
                f"The active time of {profile.active_s} s holds less than {CYCLES_PER_WINDOW} eDRX cycles of "
                f"{cycle_ms / 1_000:.2f} s: a page may miss it."
            )
    return tuple(warnings)


def _since(active_s: int) -> str:
    return f"The device has sent something and listens for {active_s} s."


def _always(profile: PowerProfile, now_ms: int, reason: str) -> Reachability:
    return Reachability(ReachabilityState.ALWAYS, now_ms, None, profile.page_within_ms, 0, True, reason)


def _window(
    profile: PowerProfile, state: ReachabilityState, opens_ms: int | None, silent_periods: int, reason: str
) -> Reachability:
    active_ms = (profile.active_s or 0) * 1_000
    closes_ms = None if opens_ms is None else opens_ms + active_ms
    return Reachability(
        state, opens_ms, closes_ms, profile.page_within_ms, silent_periods, active_ms >= profile.page_within_ms, reason
    )
