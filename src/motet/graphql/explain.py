"""Explanations in the shape that was asked for."""

from __future__ import annotations

from typing import Any

from strawberry.types import Info

from motet.domain.global_ids import decode_global_id
from motet.domain.traffic_rules import Traffic
from motet.graphql.context import Context
from motet.graphql.fields import context_of, raw
from motet.graphql.selection import selection_of
from motet.hub.explain import Decision, Explanation
from motet.reading.errors import InvalidRequestError, RequestError
from motet.reading.plan import Failure
from motet.reading.reader import READ_ERRORS, Answer
from motet.reading.selection import Selected
from motet.reading.statement import storable

_OUTCOMES = {True: "PASSED", False: "REFUSED", None: "NOT_APPLICABLE"}


async def explain_sms(info: Info) -> Any:
    """The answer of `smsExplain`: an Answer of null for what is not the workspace's."""
    context = context_of(info)
    selected = selection_of(raw(info))
    keys = {name: value for name, value in selected.arguments.items() if value is not None}
    kind = Traffic[keys.pop("traffic", Traffic.SMS_MT.name)]
    if len(keys) != 1:
        raise InvalidRequestError(
            "Give exactly one of the arguments of `{field}` that name a device or SIM.", field=selected.name
        )
    if not all(storable(value) for value in keys.values()):
        return Answer(None)
    device_id = None
    if "deviceId" in keys:
        decoded = decode_global_id(keys["deviceId"])
        if decoded is None or decoded[0] != "Device":
            return Answer(None)
        device_id = decoded[1]
    found = await context.services.messages.explain(
        context.workspace_id, device_id=device_id, msisdn=keys.get("msisdn"), iccid=keys.get("iccid"), kind=kind
    )
    if found is None or not await _is_within(context, found.device_id):
        return Answer(None)
    return await explained(context, selected, found)


async def _is_within(context: Context, device_id: int | None) -> bool:
    """Whether the device is in the scope of a principal that is bound to tags; without a device there is none."""
    if context.principal.tags is None:
        return True
    return device_id is not None and bool(
        await context.services.reader.within(context.principal, "Device", [device_id])
    )


async def explained(context: Context, selected: Selected, found: Explanation) -> Answer:
    """The explanation in the shape that was asked for."""
    plain = {"allowed": found.reason is None, "reason": found.reason, "__typename": "SmsExplanation"}
    objects = {"device": ("Device", found.device_id), "sim": ("Sim", found.sim_id)}
    values: dict[str, Any] = {}
    failures: list[Failure] = []
    for child in selected.children:
        if child.name == "decisions":
            values[child.key] = [_decision(child, decision) for decision in found.decisions]
        elif child.name in objects:
            values[child.key] = await object_of(context, child, *objects[child.name], failures)
        else:
            values[child.key] = plain[child.name]
    return Answer(values, failures)


async def object_of(
    context: Context, child: Selected, type_name: str, row_id: int | None, failures: list[Failure]
) -> Any:
    """The object beside an explanation; null, and a failure more, if it cannot be read."""
    if row_id is None:
        return None
    try:
        answer = await context.services.reader.by_id(context.principal, type_name, child.children, row_id)
    except (RequestError, *READ_ERRORS) as error:
        failures.append(Failure((child.key,), error))
        return None
    failures += [Failure((child.key, *failure.path), failure.error) for failure in answer.failures]
    return answer.value


def _decision(selected: Selected, decision: Decision) -> dict[str, Any]:
    plain = {
        "rule": decision.name,
        "outcome": _OUTCOMES[decision.met],
        "reason": decision.refusal.name if decision.met is False else None,
        "description": decision.words,
        "__typename": "RuleDecision",
    }
    return {child.key: plain[child.name] for child in selected.children}
