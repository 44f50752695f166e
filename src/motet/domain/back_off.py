"""Who fails again and again has to wait, longer each time: a few failures are free, then each doubles the wait."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

ENTRIES = 10_000
"""Addresses or names that are remembered at once, at most: about 2 MB. The one that failed longest ago goes first."""


@dataclass(slots=True)
class _Entry:
    failures: int
    last: float
    until: float


class BackOff:
    """Counts failures by key. Times are seconds of any clock that does not go back."""

    __slots__ = ("_entries", "_first_s", "_forget_s", "_free", "_limit", "_longest_s")

    def __init__(self, *, free: int, first_s: float, longest_s: float, forget_s: float, limit: int = ENTRIES) -> None:
        """`free` failures cost nothing; the next one `first_s`, then twice that, up to `longest_s`. Who does not fail
        for `forget_s` begins anew."""
        self._free = free
        self._first_s = first_s
        self._longest_s = longest_s
        self._forget_s = forget_s
        self._limit = limit
        self._entries: dict[Hashable, _Entry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def wait_s(self, key: Hashable, now: float) -> float:
        """How long the key has to wait; 0: not at all."""
        entry = self._entries.get(key)
        return 0.0 if entry is None else max(0.0, entry.until - now)

    def failed(self, key: Hashable, now: float) -> None:
        """One more failure."""
        entry = self._entries.pop(key, None)
        failures = 1 if entry is None or now - entry.last >= self._forget_s else entry.failures + 1
        beyond = failures - self._free - 1
        wait_s = 0.0 if beyond < 0 else min(self._longest_s, self._first_s * 2.0 ** min(beyond, 60))
        while len(self._entries) >= self._limit:
            del self._entries[next(iter(self._entries))]
        self._entries[key] = _Entry(failures, now, now + wait_s)

    def succeeded(self, key: Hashable) -> None:
        """It is forgiven."""
        self._entries.pop(key, None)
