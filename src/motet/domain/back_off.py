"""How long who failed has to wait before the next password is looked at: pure counts, the clock is the caller's.

Failures of a peer are forgotten one by one. Beyond a few, each makes the time between two looks longer; whoever asks
earlier waits in turn for a little, and is refused unheard beyond that.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

FORGET_S = 60.0
"""After so long one failure is forgotten."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How a kind of peer is slowed down."""

    free: int
    """Failures without a consequence: people mistype, and old passwords stay in a configuration."""
    first_s: float
    """Between two looks after the first failure beyond those; it doubles with each further one."""
    most_s: float
    """The longest time between two looks."""
    patience_s: float
    """The longest that anyone waits for a turn; further attempts are refused."""

    def interval_s(self, failures: float) -> float:
        """The time between two looks after so many failures."""
        beyond = math.ceil(failures - 1e-9) - self.free
        return 0.0 if beyond <= 0 else min(self.most_s, self.first_s * 2.0 ** min(beyond - 1, 32))


class _Entry:
    __slots__ = ("at", "failures", "next_at")

    def __init__(self, now: float) -> None:
        self.failures = 0.0
        self.at = now
        self.next_at = now


class BackOff:
    """Failures by peer, at most `most` of them: the one that was quiet longest is forgotten first."""

    __slots__ = ("_entries", "_most", "_pace")

    def __init__(self, pace: Pace, most: int) -> None:
        self._pace = pace
        self._most = most
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def turn(self, peer: Hashable, now: float) -> float | None:
        """How long this attempt waits before it is judged; None: it is refused unheard, and costs nobody a turn."""
        entry = self._entry(peer, now)
        if entry is None:
            return 0.0
        interval_s = self._pace.interval_s(entry.failures)
        if not interval_s:
            return 0.0
        begins = max(now, entry.next_at)
        if begins - now > self._pace.patience_s:
            return None
        entry.next_at = begins + interval_s
        return begins - now

    def failed(self, peer: Hashable, now: float) -> None:
        """An attempt was judged, and wrong."""
        entry = self._entry(peer, now)
        if entry is None:
            entry = self._entries[peer] = _Entry(now)
            if len(self._entries) > self._most:
                self._entries.popitem(last=False)
        entry.failures += 1
        entry.next_at = max(entry.next_at, now + self._pace.interval_s(entry.failures))
        self._entries.move_to_end(peer)

    def delay_s(self, peer: Hashable, now: float) -> float:
        """For who shares a name and must not hold each other up: a wait, and no turn is taken."""
        entry = self._entry(peer, now)
        return 0.0 if entry is None else self._pace.interval_s(entry.failures)

    def _entry(self, peer: Hashable, now: float) -> _Entry | None:
        entry = self._entries.get(peer)
        if entry is None:
            return None
        entry.failures = max(0.0, entry.failures - max(0.0, now - entry.at) / FORGET_S)
        entry.at = now
        if entry.failures <= 0.0 and entry.next_at <= now:
            del self._entries[peer]
            return None
        return entry
