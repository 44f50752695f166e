"""Why would an SMS to a device be refused now? Each rule's decision, from the database and not from memory."""

from __future__ import annotations

from typing import NamedTuple

from motet.domain.refusals import Refusal
from motet.domain.traffic_rules import RULES_OF, Traffic
from motet.storage import traffic
from motet.storage.database import Executor
from motet.storage.traffic import Line


class Decision(NamedTuple):
    """What one rule says; `met` is null where it has nothing to look at."""

    name: str
    words: str
    refusal: Refusal
    met: bool | None


class Explanation(NamedTuple):
    """Whether an SMS to the SIM or device would be taken now. `reason` is the refusal's name, null if it would be."""

    sim_id: int | None
    device_id: int | None
    reason: str | None
    decisions: tuple[Decision, ...]


async def explain(
    connection: Executor,
    workspace_id: int,
    *,
    device_id: int | None = None,
    msisdn: str | None = None,
    iccid: str | None = None,
    kind: Traffic = Traffic.SMS_MT,
) -> Explanation | None:
    """The decisions for a device or a SIM, by exactly one key; None for one that the workspace has not."""
    line: Line | None
    if device_id is not None:
        line = await traffic.of_device(connection, workspace_id, device_id)
    elif msisdn is not None:
        line = await traffic.of_msisdn(connection, workspace_id, msisdn.removeprefix("+"))
    else:
        line = await traffic.of_iccid(connection, workspace_id, iccid or "")
    if line is None:
        return None
    decisions = tuple(Decision(rule.name, rule.words, rule.refusal, rule.judge(line.facts)) for rule in RULES_OF[kind])
    reason = next((decision.refusal.name for decision in decisions if decision.met is False), None)
    return Explanation(line.sim_id, line.device_id, reason, decisions)
