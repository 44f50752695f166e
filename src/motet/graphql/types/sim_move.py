"""Moves of SIMs between workspaces."""

from __future__ import annotations

from datetime import datetime

import strawberry

from motet.graphql.errors import UserErrorCode
from motet.graphql.types.relay import Node, described
from motet.graphql.types.sim import SimStatus


@strawberry.type(description="What became, or would become, of one SIM of a move.")
class SimMoveResult:
    sim_id: strawberry.ID = described("The SIM, which keeps its id: a workspace finds by it what it has.")
    iccid: str = described("Its ICCID.")
    from_: SimStatus = strawberry.field(name="from", description="Its status before.")
    to: SimStatus | None = described("Its status in the other workspace; null: it stays where it is.")
    code: UserErrorCode | None = described("The kind of reason for which it stays; null: it goes.")
    message: str | None = described("Why it stays; null: it goes.")


@strawberry.type(description="SIMs that were moved from one workspace to another, or a dry run of that.")
class SimMove(Node):
    id: strawberry.ID = described("The global id.")
    workspace_id: strawberry.ID = described("The workspace that they left.")
    target_workspace_id: strawberry.ID = described("The workspace that they went to.")
    dry_run: bool = described("Whether nothing was done but to say what would be. Dry runs are kept for 7 days.")
    moved_count: int = described("How many went, or would go.")
    refused_count: int = described("How many stay.")
    results: list[SimMoveResult] | None = described("What became of each SIM, in the order of their ids.")
    actor: str = described("Who asked for it, as the viewer's `subject` shows them.")
    created_at: datetime = described("When it was.")
