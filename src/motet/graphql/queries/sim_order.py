"""Orders of SIM cards, batches, and what SIMs are to do later."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.graphql.fields import query
from motet.graphql.lists import root_list
from motet.graphql.reads import read_one
from motet.graphql.types.sim import SimScheduledTransition, SimScheduledTransitionFilter
from motet.graphql.types.sim_move import SimMove
from motet.graphql.types.sim_order import SimBatch, SimBatchFilter, SimPurchaseOrder, SimPurchaseOrderFilter


@strawberry.type
class SimOrderQueries:
    """The part of Query that is about how SIMs come, and what is to become of them."""

    sim_purchase_orders = root_list(
        SimPurchaseOrder,
        Permission.SIM_ORDER_READ,
        "The workspace's orders of SIM cards; to the operator, those of all workspaces.",
        filter_by=SimPurchaseOrderFilter,
    )
    sim_batches = root_list(
        SimBatch,
        Permission.SIM_ORDER_READ,
        "The workspace's batches of SIM cards; to the operator, those of all workspaces.",
        filter_by=SimBatchFilter,
    )
    sim_moves = root_list(
        SimMove,
        Permission.SIM_MOVE,
        "How SIMs were moved out of the workspace, and dry runs of that; to the operator, those of all workspaces.",
    )
    sim_scheduled_transitions = root_list(
        SimScheduledTransition,
        Permission.SIM_READ,
        "What SIMs of the workspace are to do later, and what became of that.",
        filter_by=SimScheduledTransitionFilter,
    )

    @query(Permission.SIM_ORDER_READ, "The order of SIM cards with this id.")
    async def sim_purchase_order(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The global id.")],  # noqa: A002
    ) -> SimPurchaseOrder | None:
        return await read_one(info, "SimPurchaseOrder")

    @query(Permission.SIM_ORDER_READ, "The batch with this id or code: give exactly one.")
    async def sim_batch(
        self,
        info: Info,
        id: Annotated[  # noqa: A002
            strawberry.ID | None, strawberry.argument(description="The global id.")
        ] = strawberry.UNSET,
        bic: Annotated[
            str | None, strawberry.argument(description="The code; blanks, hyphens and dots are let pass.")
        ] = strawberry.UNSET,
    ) -> SimBatch | None:
        return await read_one(info, "SimBatch")
