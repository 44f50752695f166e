"""Orders of SIM cards: what the operator, or the producer in its name, makes of them. Each names the workspace."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.domain.errors import InvalidError
from motet.fleet.sims.sim_batch import CardRange
from motet.fleet.sims.sim_sheet import Layout
from motet.graphql.errors import UserError
from motet.graphql.fields import context_of, done, mutation, or_none, row_id_of
from motet.graphql.mutations.sim_import import SimImportColumns, SimImportRowError, columns_of, row_errors_of
from motet.graphql.types.relay import described
from motet.graphql.types.sim_order import SimBatch, SimPurchaseOrder

_ORDER = ("simPurchaseOrder", "SimPurchaseOrder")


@strawberry.input(description="Cards whose identities count up by one.")
class SimCardRangeInput:
    iccid: str = strawberry.field(description="The first ICCID; what counts up is before the check digit.")
    imsi: str = strawberry.field(description="The first IMSI.")
    msisdn: str = strawberry.field(description="The first MSISDN.")
    quantity: int = strawberry.field(description="How many cards.")


@strawberry.input(description="Cards that were made for an order: `csv` or `range`.")
class SimBatchAttachInput:
    workspace_id: strawberry.ID = strawberry.field(description="The workspace whose order it is.")
    order_id: strawberry.ID = strawberry.field(description="The order; it must be PLACED.")
    package: str | None = strawberry.field(
        default=strawberry.UNSET, description="The package of cards whose line names none."
    )
    csv: str | None = strawberry.field(
        default=strawberry.UNSET, description="The cards as CSV, as `simImport` takes it; pass it as a variable."
    )
    columns: SimImportColumns | None = strawberry.field(
        default=strawberry.UNSET, description="What the columns of `csv` are called, where not as the fields here."
    )
    range: SimCardRangeInput | None = strawberry.field(
        default=strawberry.UNSET, description="The cards as a range of numbers."
    )


@strawberry.type(description="What came of listing cards: all of them were taken, or none.")
class SimBatchAttachPayload:
    sim_batch: SimBatch | None = described("The order's batch.")
    row_count: int | None = described("How many cards were listed.")
    attached_count: int | None = described("How many were taken.")
    row_error_count: int | None = described("How many lines are wrong.")
    row_errors: list[SimImportRowError] | None = described("What is wrong: of the first 1,000 of these lines.")
    user_errors: list[UserError] = described("Why the list was not looked at; empty if it was.")


@strawberry.input(description="Which order's cards are made.")
class SimPurchaseOrderProduceInput:
    workspace_id: strawberry.ID = strawberry.field(description="The workspace whose order it is.")
    id: strawberry.ID = strawberry.field(description="The order.")


@strawberry.type(description="What came of saying that the cards are made.")
class SimPurchaseOrderProducePayload:
    sim_purchase_order: SimPurchaseOrder | None = described("The order, as it is now.")
    user_errors: list[UserError] = described("Why it is not PRODUCED; empty if it is.")


@strawberry.input(description="Which order's cards are on their way.")
class SimPurchaseOrderShipInput:
    workspace_id: strawberry.ID = strawberry.field(description="The workspace whose order it is.")
    id: strawberry.ID = strawberry.field(description="The order.")
    carrier: str | None = strawberry.field(default=strawberry.UNSET, description="Who brings them.")
    tracking: str | None = strawberry.field(
        default=strawberry.UNSET, description="What the carrier knows the parcel by."
    )


@strawberry.type(description="What came of saying that the cards are on their way.")
class SimPurchaseOrderShipPayload:
    sim_purchase_order: SimPurchaseOrder | None = described("The order, as it is now.")
    user_errors: list[UserError] = described("Why it is not SHIPPED; empty if it is.")


@strawberry.input(description="Which order's cards are there.")
class SimPurchaseOrderDeliverInput:
    workspace_id: strawberry.ID = strawberry.field(description="The workspace whose order it is.")
    id: strawberry.ID = strawberry.field(description="The order.")


@strawberry.type(description="What came of saying that the cards are there.")
class SimPurchaseOrderDeliverPayload:
    sim_purchase_order: SimPurchaseOrder | None = described("The order, as it is now.")
    user_errors: list[UserError] = described("Why it is not DELIVERED; empty if it is.")


@strawberry.input(description="Which order not to make.")
class SimPurchaseOrderDeclineInput:
    workspace_id: strawberry.ID = strawberry.field(description="The workspace whose order it is.")
    id: strawberry.ID = strawberry.field(description="The order; PLACED or PRODUCED.")
    reason: str = strawberry.field(description="Why, for the workspace: 1 to 500 characters.")


@strawberry.type(description="What came of declining an order.")
class SimPurchaseOrderDeclinePayload:
    sim_purchase_order: SimPurchaseOrder | None = described("The order, as it is now.")
    user_errors: list[UserError] = described("Why it was not declined; empty if it was.")


@strawberry.type
class SimProductionMutations:
    """The part of Mutation that is about orders of cards as the operator works on them."""

    @mutation(
        Permission.SIM_PRODUCTION_WRITE,
        "List cards that were made for an order; they are its batch. The operator's.",
        ("simBatch", "SimBatch"),
    )
    async def sim_batch_attach(
        self,
        info: Info,
        input: Annotated[SimBatchAttachInput, strawberry.argument(description="The cards.")],  # noqa: A002
    ) -> SimBatchAttachPayload | None:
        batches = context_of(info).services.sim_batches
        workspace_id = row_id_of(input.workspace_id, "Workspace", "workspace_id")
        order_id = row_id_of(input.order_id, "SimPurchaseOrder", "order_id")
        csv, counted, package = or_none(input.csv), or_none(input.range), or_none(input.package)
        if (csv is None) == (counted is None):
            raise InvalidError("Give `csv` or `range`.", path=("csv",))
        if csv is not None:
            layout = Layout(columns_of(input.columns))
            came = await batches.attach_list(workspace_id, order_id, csv, layout, package=package)
        else:
            cards = CardRange(counted.iccid, counted.imsi, counted.msisdn, counted.quantity)
            came = await batches.attach_range(workspace_id, order_id, cards, package=package)
        return done(
            came.batch_id,
            rowCount=came.row_count,
            attachedCount=came.attached_count,
            rowErrorCount=len(came.errors),
            rowErrors=row_errors_of(came.errors),
        )

    @mutation(Permission.SIM_PRODUCTION_WRITE, "Say that all cards of an order are made. The operator's.", _ORDER)
    async def sim_purchase_order_produce(
        self,
        info: Info,
        input: Annotated[SimPurchaseOrderProduceInput, strawberry.argument(description="Which.")],  # noqa: A002
    ) -> SimPurchaseOrderProducePayload | None:
        workspace_id, actor, order_id = _named(info, input)
        await context_of(info).services.sim_orders.produce(workspace_id, actor, order_id)
        return done(order_id)

    @mutation(Permission.SIM_PRODUCTION_WRITE, "Say that the cards of an order are sent. The operator's.", _ORDER)
    async def sim_purchase_order_ship(
        self,
        info: Info,
        input: Annotated[SimPurchaseOrderShipInput, strawberry.argument(description="Which, and how.")],  # noqa: A002
    ) -> SimPurchaseOrderShipPayload | None:
        workspace_id, actor, order_id = _named(info, input)
        await context_of(info).services.sim_orders.ship(
            workspace_id, actor, order_id, or_none(input.carrier), or_none(input.tracking)
        )
        return done(order_id)

    @mutation(
        Permission.SIM_PRODUCTION_WRITE,
        "Say that the cards of an order are there: its batch may be registered. The operator's.",
        _ORDER,
    )
    async def sim_purchase_order_deliver(
        self,
        info: Info,
        input: Annotated[SimPurchaseOrderDeliverInput, strawberry.argument(description="Which.")],  # noqa: A002
    ) -> SimPurchaseOrderDeliverPayload | None:
        workspace_id, actor, order_id = _named(info, input)
        await context_of(info).services.sim_orders.deliver(workspace_id, actor, order_id)
        return done(order_id)

    @mutation(
        Permission.SIM_PRODUCTION_WRITE,
        "Decline an order that is placed or produced; the numbers of its cards are free again. The operator's.",
        _ORDER,
    )
    async def sim_purchase_order_decline(
        self,
        info: Info,
        input: Annotated[SimPurchaseOrderDeclineInput, strawberry.argument(description="Which, and why.")],  # noqa: A002
    ) -> SimPurchaseOrderDeclinePayload | None:
        workspace_id, actor, order_id = _named(info, input)
        await context_of(info).services.sim_orders.decline(workspace_id, actor, order_id, input.reason)
        return done(order_id)


def _named(info: Info, typed: Any) -> tuple[int, str, int]:
    """(workspace, actor, order) of an input."""
    workspace_id = row_id_of(typed.workspace_id, "Workspace", "workspace_id")
    return workspace_id, context_of(info).principal.subject, row_id_of(typed.id, "SimPurchaseOrder", "id")
