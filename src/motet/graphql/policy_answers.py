"""Dry runs of policies and checks of coverage, in the shape that was asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from strawberry.types import Info

from motet.domain.global_ids import decode_global_id
from motet.fleet.policies.coverage_check import Verdict
from motet.fleet.policies.policies import Preview
from motet.graphql.fields import context_of, raw
from motet.graphql.selection import selection_of
from motet.reading.errors import InvalidRequestError, RequestError
from motet.reading.page import MAX_PAGE
from motet.reading.plan import Failure
from motet.reading.reader import READ_ERRORS, Answer
from motet.reading.selection import Selected, shaped


def id_in(global_id: str, type_name: str) -> int | None:
    """The row id in a global id of the type; None for what is no such id."""
    decoded = decode_global_id(global_id)
    return None if decoded is None or decoded[0] != type_name else decoded[1]


def page_of_devices(first: int | None, after: str | None) -> tuple[int, int]:
    """How many devices a preview shows, and the row id that they come behind. Raises InvalidRequestError."""
    count = 50 if first is None else first
    if not 0 <= count <= MAX_PAGE:
        raise InvalidRequestError("`first` must be 0 to {most}.", most=MAX_PAGE)
    behind = 0 if after is None else id_in(after, "Device")
    if behind is None:
        raise InvalidRequestError("`after` must be the id of a device.")
    return count, behind


async def preview_answer(
    info: Info, preview: Preview | None, told: Callable[[Sequence[Mapping[str, Any]]], list[dict[str, Any]]]
) -> Answer:
    """The answer of a dry run; null for a policy that is not the workspace's."""
    if preview is None:
        return Answer(None)
    context = context_of(info)
    effect = preview.effect
    plain = {
        "__typename": "PolicyPreview",
        "changes": told(preview.changes),
        "deviceCount": effect.devices,
        "hitCount": effect.hit,
        "effects": [
            {
                "__typename": "PolicyEffect",
                "traffic": one.kind.name,
                "newlyRefused": one.newly_refused.total(),
                "newlyAllowed": one.newly_allowed.total(),
                "newlyRefusedReasons": _reasons(one.newly_refused),
                "newlyAllowedReasons": _reasons(one.newly_allowed),
            }
            for one in effect.traffic
        ],
    }
    values: dict[str, Any] = {}
    failures: list[Failure] = []
    for child in selection_of(raw(info)).children:
        if child.name != "devices":
            values[child.key] = shaped(child, plain[child.name])
            continue
        values[child.key] = None
        try:
            answer = await context.services.reader.by_ids(
                context.principal, "Device", child.children, effect.device_ids
            )
        except (RequestError, *READ_ERRORS) as error:
            failures.append(Failure((child.key,), error))
            continue
        found = (answer.value.get(device_id) for device_id in effect.device_ids)
        values[child.key] = [one for one in found if one is not None]
        failures += [Failure((child.key, *failure.path), failure.error) for failure in answer.failures]
    return Answer(values, failures)


def check_answer(selected: Selected, verdict: Verdict | None) -> Answer:
    """The answer of a check; null for what is not the workspace's."""
    if verdict is None:
        return Answer(None)
    country, operator, rat = verdict.network
    plain = {
        "__typename": "CoverageCheck",
        "allowed": verdict.allowed,
        "reason": verdict.reason,
        "description": verdict.words,
        "country": country,
        "operator": operator,
        "rat": rat,
        "weight": verdict.weight,
    }
    return Answer(shaped(selected, plain))


def _reasons(counts: Counter[str]) -> list[dict[str, Any]]:
    return [
        {"__typename": "PolicyEffectReason", "reason": reason, "devices": devices}
        for reason, devices in counts.most_common()
    ]
