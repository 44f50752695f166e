"""Leaky buckets: how much each caller may ask for. An operation takes what it may cost before it is run, and gets back
what it did not use."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from motet.access.principals import Principal

BUCKETS = 10_000
"""Callers remembered, about 2 MB. The one that has asked for nothing for longest is forgotten, which fills its
bucket."""

Key = tuple[object, ...]


@dataclass(slots=True)
class _Bucket:
    available: float
    at: float
    """When that was so."""


class Throttle:
    """The buckets of all callers, each with the same capacity and rate."""

    def __init__(self, capacity: int, restore_per_s: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.capacity = capacity
        self.restore_per_s = restore_per_s
        self._clock = clock
        self._buckets: dict[Key, _Bucket] = {}

    def take(self, key: Key, cost: float) -> float:
        """Takes `cost`, if there is so much: 0. If not, the seconds until there will be; nothing is taken."""
        wait_s = self.wait_s(key, cost)
        if not wait_s:
            self._buckets[key].available -= cost
        return wait_s

    def wait_s(self, key: Key, cost: float) -> float:
        """The seconds until `cost` can be taken."""
        lacking = min(cost, self.capacity) - self._bucket(key).available
        return max(0.0, lacking / self.restore_per_s)

    def fine(self, key: Key, cost: float) -> None:
        """Takes `cost`, or what there is."""
        bucket = self._bucket(key)
        bucket.available = max(min(0.0, bucket.available), bucket.available - cost)

    def charge(self, key: Key, cost: float) -> None:
        """Takes `cost` of what was done already, be it more than there is; what is lacking flows back first, at most as
        much as the bucket holds."""
        bucket = self._bucket(key)
        bucket.available = max(-float(self.capacity), bucket.available - cost)

    def put(self, key: Key, cost: float) -> None:
        """Gives back what was not used."""
        bucket = self._bucket(key)
        bucket.available = min(self.capacity, bucket.available + cost)

    def available(self, key: Key) -> int:
        """What the caller can take now."""
        return max(0, int(self._bucket(key).available))

    def status(self, key: Key) -> dict[str, int]:
        """The bucket, as `extensions.cost.throttleStatus` shows it."""
        return {
            "maximumAvailable": self.capacity,
            "currentlyAvailable": self.available(key),
            "restoreRate": self.restore_per_s,
        }

    def headers(self, key: Key) -> dict[str, str]:
        """The same for HTTP, as draft-ietf-httpapi-ratelimit-headers has it: quota and window, what remains, and the
        seconds until the bucket is full."""
        available = self.available(key)
        window = max(1, math.ceil(self.capacity / self.restore_per_s))
        full_in = math.ceil((self.capacity - available) / self.restore_per_s)
        return {
            "ratelimit-policy": f'"cost";q={self.capacity};w={window}',
            "ratelimit": f'"cost";r={available};t={full_in}',
        }

    def _bucket(self, key: Key) -> _Bucket:
        now = self._clock()
        bucket = self._buckets.pop(key, None)
        if bucket is None:
            bucket = _Bucket(float(self.capacity), now)
            if len(self._buckets) >= BUCKETS:
                del self._buckets[next(iter(self._buckets))]
        elif now > bucket.at:
            bucket.available = min(self.capacity, bucket.available + (now - bucket.at) * self.restore_per_s)
            bucket.at = now
        self._buckets[key] = bucket  # the last to be forgotten
        return bucket


def key_of(principal: Principal) -> Key:
    """Whose bucket it is: an API key's own, a user's in the workspace, or that of all tokens with this subject."""
    if principal.api_key_id is not None:
        return ("key", principal.api_key_id)
    if principal.user_id is not None:
        return ("user", principal.workspace_id, principal.user_id)
    return ("subject", principal.workspace_id, principal.subject)


def cost_extension(requested: int, actual: int | None, status: dict[str, int]) -> dict[str, Any]:
    """What an answer says of its cost."""
    return {"cost": {"requestedQueryCost": requested, "actualQueryCost": actual, "throttleStatus": status}}
