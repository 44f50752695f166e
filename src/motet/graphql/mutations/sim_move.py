"""SIMs into another workspace."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.domain.sim_move import check_number_of_sims
from motet.graphql.errors import UserError
from motet.graphql.fields import context_of, done, idempotency_key, mutation, or_none, row_id_of
from motet.graphql.types.relay import described
from motet.graphql.types.sim_move import SimMove


@strawberry.input(description="Which SIMs go where.")
class SimMoveInput:
    sim_ids: list[strawberry.ID] = strawberry.field(description="The SIMs, 1 to 500.")
    target_workspace_id: strawberry.ID = strawberry.field(description="The workspace that they go to.")
    source_workspace_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET,
        description="The workspace that they are in: the viewer's if not given; the operator has to say.",
    )
    dry_run: bool = strawberry.field(
        default=True, description="Do nothing but say what would become of each SIM. This is so unless it is false."
    )
    auto_detach_devices: bool = strawberry.field(
        default=False, description="Release SIMs from the devices that hold them; without it such SIMs stay."
    )
    idempotency_key: str | None = idempotency_key()


@strawberry.type(description="What came of moving SIMs.")
class SimMovePayload:
    sim_move: SimMove | None = described("What became of each SIM.")
    user_errors: list[UserError] = described("Why nothing was tried; empty if each SIM has a result.")


@strawberry.type
class SimMoveMutations:
    """The part of Mutation that is about moving SIMs."""

    @mutation(
        Permission.SIM_MOVE,
        "Move SIMs to another workspace, for who may write SIMs in both. A SIM keeps its id and identities; one that is"
        " activated becomes suspended. Its messages, usage and events stay where they were made.",
        ("simMove", "SimMove"),
    )
    async def sim_move(
        self,
        info: Info,
        input: Annotated[SimMoveInput, strawberry.argument(description="Which SIMs, and where to.")],  # noqa: A002
    ) -> SimMovePayload | None:
        context = context_of(info)
        check_number_of_sims(len(input.sim_ids))
        source, target = or_none(input.source_workspace_id), input.target_workspace_id
        source_id, target_id = await context.services.identity.workspaces.ends_of_move(
            context.principal,
            None if source is None else row_id_of(source, "Workspace", "source_workspace_id"),
            row_id_of(target, "Workspace", "target_workspace_id"),
        )
        return done(
            await context.services.sim_moves.move(
                source_id,
                target_id,
                context.principal.subject,
                [row_id_of(each, "Sim", "sim_ids") for each in input.sim_ids],
                dry_run=input.dry_run,
                auto_detach=input.auto_detach_devices,
            )
        )
