"""How many attempts may run at once, so that slow targets keep nobody else waiting. Pure: the caller holds the clock.

An attempt begins in a *prompt* place. When it has lasted `PROMPT_S` the caller turns it slow: its prompt place is free
again, and its webhook only begins in *slow* places until one of its attempts is quick. Of each kind a workspace gets at
most half and a webhook a quarter or less.
"""

from dataclasses import dataclass, field

WebhookKey = tuple[int, int]
"""Workspace id and webhook id."""

PROMPT_S = 2.0
"""Seconds after which an attempt counts as slow: most receivers answer within one."""


@dataclass(frozen=True, slots=True)
class PlaceLimits:
    """Bounds on attempts in flight. 100 connections are where the client's rate levels off on one core."""

    prompt: int = 100
    prompt_per_workspace: int = 50
    prompt_per_webhook: int = 25
    slow: int = 100
    slow_per_workspace: int = 50
    slow_per_webhook: int = 8
    total: int = 250
    """Both kinds, with the attempts that turned slow while the slow places were full."""
    known_slow: int = 10_000
    """Webhooks remembered as slow; the longest known is forgotten first."""


@dataclass(slots=True, eq=False)
class Place:
    """One attempt's place."""

    key: WebhookKey
    slow: bool
    turned: bool = False


@dataclass(slots=True)
class _Count:
    total: int = 0
    by_workspace: dict[object, int] = field(default_factory=dict)
    by_webhook: dict[object, int] = field(default_factory=dict)

    def add(self, key: WebhookKey, step: int) -> None:
        self.total += step
        for counter, part in ((self.by_workspace, key[0]), (self.by_webhook, key)):
            counter[part] = counter.get(part, 0) + step
            if not counter[part]:  # no entry outlives its count
                del counter[part]


class Places:
    """The places of one dispatcher."""

    def __init__(self, limits: PlaceLimits | None = None) -> None:
        self._limits = limits or PlaceLimits()
        self._prompt = _Count()
        self._slow = _Count()
        self._slow_webhooks: dict[WebhookKey, None] = {}

    @property
    def in_flight(self) -> int:
        return self._prompt.total + self._slow.total

    def room(self, key: WebhookKey) -> int:
        """How many more attempts the webhook may begin now."""
        limits = self._limits
        room = limits.total - self.in_flight
        if key in self._slow_webhooks:
            count, bounds = self._slow, (limits.slow, limits.slow_per_workspace, limits.slow_per_webhook)
        else:
            count, bounds = self._prompt, (limits.prompt, limits.prompt_per_workspace, limits.prompt_per_webhook)
        taken = (count.total, count.by_workspace.get(key[0], 0), count.by_webhook.get(key, 0))
        return max(0, min(room, *(bound - used for bound, used in zip(bounds, taken, strict=True))))

    def take(self, key: WebhookKey) -> Place:
        """A place for one attempt. The caller has asked for `room`."""
        place = Place(key, slow=key in self._slow_webhooks)
        (self._slow if place.slow else self._prompt).add(key, 1)
        return place

    def turn_slow(self, place: Place) -> None:
        """The attempt has lasted `PROMPT_S`."""
        place.turned = True
        self._slow_webhooks.pop(place.key, None)
        self._slow_webhooks[place.key] = None
        if len(self._slow_webhooks) > self._limits.known_slow:
            del self._slow_webhooks[next(iter(self._slow_webhooks))]
        if not place.slow:
            place.slow = True
            self._prompt.add(place.key, -1)
            self._slow.add(place.key, 1)

    def give_back(self, place: Place, *, answered: bool) -> None:
        """The attempt is over; `answered`: with an HTTP status. A quick answer makes its webhook prompt again."""
        (self._slow if place.slow else self._prompt).add(place.key, -1)
        if answered and not place.turned:
            self._slow_webhooks.pop(place.key, None)
