"""Why would an SMS to a device be refused now? Each rule's decision, from the database and not from memory."""

from __future__ import annotations

from typing import NamedTuple

from motet.hub.rules import RULES, Facts, Rule, refusal_of
from motet.storage import directory
from motet.storage.database import Executor


class Decision(NamedTuple):
    """What one rule says; `met` is null where it has nothing to look at."""

    rule: Rule
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
) -> Explanation | None:
    """The decisions for a device or a SIM, by exactly one key; None for one that the workspace has not."""
    if device_id is not None:
        found = await directory.traffic_of_device(connection, workspace_id, device_id)
    elif msisdn is not None:
        found = await directory.traffic_of_msisdn(connection, workspace_id, msisdn.removeprefix("+"))
    else:
        found = await directory.traffic_of_iccid(connection, workspace_id, iccid or "")
    if found is None:
        return None
    facts = Facts(found["sim_status"], found["device_status"])
    refusal = refusal_of(facts)
    return Explanation(
        found["sim_id"],
        found["device_id"],
        None if refusal is None else refusal.name,
        tuple(Decision(rule, rule.judge(facts)) for rule in RULES),
    )
