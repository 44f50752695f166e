"""Diagnoses in the shape that was asked for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from strawberry.types import Info

from motet.domain.diagnosis import Decision
from motet.domain.global_ids import decode_global_id
from motet.domain.traffic_rules import Traffic
from motet.graphql.explain import explained, object_of
from motet.graphql.fields import context_of, raw
from motet.graphql.selection import selection_of
from motet.reading.errors import InvalidRequestError
from motet.reading.plan import Failure
from motet.reading.reader import Answer
from motet.reading.selection import Selected

_OUTCOMES = {True: "PASSED", False: "REFUSED", None: "NOT_APPLICABLE"}


async def diagnose_device(info: Info) -> Any:
    """The answer of `deviceDiagnosis`."""
    context = context_of(info)
    selected = selection_of(raw(info))
    device_id = _row_id(selected.arguments["id"], "Device")
    result = None if device_id is None else await context.services.diagnosis.device(context.workspace_id, device_id)
    if result is None:
        return Answer(None)
    known, found = result
    plain = {
        "verdict": found.verdict.value,
        "blocked": _kinds(found.blocked),
        "lastSeenAt": known.last_seen_at,
        "attached": known.attached,
        "attachedSince": known.since,
        "operator": known.operator,
        "__typename": "DeviceDiagnosis",
    }
    values: dict[str, Any] = {}
    failures: list[Failure] = []
    for child in selected.children:
        if child.name == "steps":
            values[child.key] = [_step(child, decision) for decision in found.decisions]
        elif child.name == "cause":
            values[child.key] = None if found.cause is None else _step(child, found.cause)
        elif child.name == "device":
            values[child.key] = await object_of(context, child, "Device", device_id, failures)
        else:
            values[child.key] = plain[child.name]
    return Answer(values, failures)


async def explain_refusal(info: Info) -> Any:
    """The answer of `smsRefusal`."""
    context = context_of(info)
    selected = selection_of(raw(info))
    keys = {name: value for name, value in selected.arguments.items() if value is not None}
    if len(keys) != 1:
        raise InvalidRequestError("Give exactly one of the arguments of `{field}`.", field=selected.name)
    event_id, message_id = _row_id(keys.get("eventId"), "Event"), _row_id(keys.get("smsId"), "SmsMessage")
    if event_id is None and message_id is None:
        return Answer(None)
    found = await context.services.diagnosis.refusal(context.workspace_id, event_id=event_id, message_id=message_id)
    if found is None:
        return Answer(None)
    plain = {
        "at": found.at,
        "fromDevice": found.from_device,
        "reason": found.reason,
        "description": found.description,
        "rule": found.rule,
        "ruleDescription": found.words,
        "__typename": "SmsRefusal",
    }
    objects = {
        "event": ("Event", found.event_id),
        "sms": ("SmsMessage", found.message_id),
        "device": ("Device", found.device_id),
        "sim": ("Sim", found.sim_id),
    }
    values: dict[str, Any] = {}
    failures: list[Failure] = []
    for child in selected.children:
        if child.name in objects:
            values[child.key] = await object_of(context, child, *objects[child.name], failures)
        elif child.name == "now":
            now = None
            if found.device_id is not None:
                now = await context.services.messages.explain(context.workspace_id, device_id=found.device_id)
            answer = Answer(None) if now is None else await explained(context, child, now)
            values[child.key] = answer.value
            failures += [Failure((child.key, *failure.path), failure.error) for failure in answer.failures]
        else:
            values[child.key] = plain[child.name]
    return Answer(values, failures)


def _step(selected: Selected, decision: Decision) -> dict[str, Any]:
    plain = {
        "rule": decision.name,
        "outcome": _OUTCOMES[decision.met],
        "description": decision.words,
        "reason": decision.reason,
        "detail": decision.detail,
        "advice": decision.advice,
        "blocks": _kinds(decision.traffic),
        "__typename": "DiagnosisStep",
    }
    return {child.key: plain[child.name] for child in selected.children}


def _kinds(kinds: Iterable[Traffic]) -> list[str]:
    return [kind.name for kind in sorted(kinds)]


def _row_id(global_id: str | None, type_name: str) -> int | None:
    decoded = None if global_id is None else decode_global_id(global_id)
    return decoded[1] if decoded is not None and decoded[0] == type_name else None
