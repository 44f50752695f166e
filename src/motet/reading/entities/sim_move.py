"""Moves of SIMs between workspaces as they are read: by the workspace that the SIMs left, and by the operator."""

from __future__ import annotations

from typing import Any

from motet.access.principals import Permission
from motet.domain.global_ids import encode_global_id
from motet.reading.makers import column, global_id, made
from motet.reading.model import Entity
from motet.reading.tag_scope import NOTHING


def _results(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "__typename": "SimMoveResult",
            "simId": encode_global_id("Sim", result["sim_id"]),
            "iccid": result["iccid"],
            "from": result["from"],
            "to": result.get("to"),
            "code": result.get("code"),
            "message": result.get("message"),
        }
        for result in results
    ]


SIM_MOVE = Entity(
    name="SimMove",
    table="sim_move",
    permission=Permission.SIM_MOVE,
    fields={
        "id": global_id("SimMove"),
        "workspaceId": global_id("Workspace", "workspace_id"),
        "targetWorkspaceId": global_id("Workspace", "target_id"),
        "dryRun": column("dry_run"),
        "movedCount": column("moved"),
        "refusedCount": column("refused"),
        "results": made(_results, "results"),
        "actor": column("actor"),
        "createdAt": column("at"),
    },
    newest_first=True,
    operator_reads_all=True,
    scope=NOTHING,
)
