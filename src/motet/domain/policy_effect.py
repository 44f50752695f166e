"""What a change of a policy would do: which fields differ, and which traffic is let through or not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from motet.domain.traffic_rules import Facts, Traffic, refusals_of


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The fields that are not the same, as {field, before, after}, in the order of `after`."""
    return [
        {"field": name, "before": before.get(name), "after": value}
        for name, value in after.items()
        if before.get(name) != value
    ]


@dataclass(slots=True)
class TrafficEffect:
    """What changes for one kind of traffic, counted in devices."""

    kind: Traffic
    newly_refused: Counter[str] = field(default_factory=Counter)
    """By the reason that there would be."""
    newly_allowed: Counter[str] = field(default_factory=Counter)
    """By the reason that there is now."""


@dataclass(slots=True)
class Effect:
    """What changes for the devices of a policy."""

    devices: int = 0
    """That have the policy."""
    hit: int = 0
    """Of which some traffic is newly refused or allowed."""
    device_ids: list[int] = field(default_factory=list)
    """The first of those that are hit."""
    traffic: list[TrafficEffect] = field(default_factory=lambda: [TrafficEffect(kind) for kind in Traffic])


def effect_of(groups: Iterable[tuple[Facts, Facts, int, tuple[int, ...]]], first: int) -> Effect:
    """The effect on groups of devices: the facts as they are and as they would be, how many devices, and their ids."""
    effect = Effect()
    for before, after, devices, device_ids in groups:
        effect.devices += devices
        hit = False
        for kind, (old, new) in enumerate(zip(refusals_of(before), refusals_of(after), strict=True)):
            if (old is None) == (new is None):
                continue
            hit = True
            if new is not None:
                effect.traffic[kind].newly_refused[new.name] += devices
            elif old is not None:
                effect.traffic[kind].newly_allowed[old.name] += devices
        if hit:
            effect.hit += devices
            effect.device_ids += device_ids
    effect.device_ids = sorted(effect.device_ids)[:first]
    return effect
