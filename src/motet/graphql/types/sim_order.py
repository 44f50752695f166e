"""Orders of SIM cards and the batches that they come in."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import strawberry

from motet.graphql.filters import filter_input
from motet.graphql.lists import listed
from motet.graphql.types.relay import Node, described
from motet.graphql.types.sim import Sim, SimFilter, SimOrder


@strawberry.enum(description="Where an order of SIM cards is.")
class SimPurchaseOrderStatus(Enum):
    DRAFT = strawberry.enum_value("DRAFT", description="It can still be changed; nobody works on it.")
    PLACED = strawberry.enum_value("PLACED", description="The operator has it.")
    PRODUCED = strawberry.enum_value("PRODUCED", description="The cards are made.")
    SHIPPED = strawberry.enum_value("SHIPPED", description="The cards are on their way.")
    DELIVERED = strawberry.enum_value("DELIVERED", description="The cards are there; their batch may be registered.")
    CANCELLED = strawberry.enum_value("CANCELLED", description="It was called off or declined.")


@strawberry.enum(description="Where a batch of SIM cards is.")
class SimBatchStatus(Enum):
    IN_PRODUCTION = strawberry.enum_value("IN_PRODUCTION", description="Its cards are being made or on their way.")
    DELIVERED = strawberry.enum_value("DELIVERED", description="Its cards may be registered.")
    REGISTERED = strawberry.enum_value("REGISTERED", description="Its cards are SIMs of the workspace.")
    CANCELLED = strawberry.enum_value("CANCELLED", description="Its order was declined; its cards are nothing.")


@strawberry.type(description="So many cards of a package.")
class SimPurchaseOrderItem(Node):
    id: strawberry.ID = described("The global id.")
    package: str = described("The package: a code of `simPackages`.")
    quantity: int = described("How many cards.")


@strawberry.type(description="An order of SIM cards.")
class SimPurchaseOrder(Node):
    id: strawberry.ID = described("The global id.")
    workspace_id: strawberry.ID = described("The workspace whose order it is.")
    status: SimPurchaseOrderStatus = described("Where the order is.")
    reference: str = described("The workspace's own words for it; empty if there are none.")
    recipient: str = described("Who gets the cards.")
    address_lines: list[str] = described("Street and the like.")
    postal_code: str = described("The postal code; empty where there is none.")
    city: str = described("The city.")
    country: str = described("The country, ISO 3166-1 alpha-2.")
    carrier: str | None = described("Who brings the cards.")
    tracking: str | None = described("What the carrier knows the parcel by.")
    reason: str | None = described("Why the operator declined it.")
    created_at: datetime = described("When it was made.")
    placed_at: datetime | None = described("When it was placed.")
    produced_at: datetime | None = described("When its cards were made.")
    shipped_at: datetime | None = described("When they were sent.")
    delivered_at: datetime | None = described("When they were there.")
    cancelled_at: datetime | None = described("When it was called off or declined.")
    items = listed(SimPurchaseOrderItem, "What is ordered.")
    batch: SimBatch | None = described("Its cards, once the operator has begun to list them.")


@strawberry.type(description="The cards of an order, known by the code on their box.")
class SimBatch(Node):
    id: strawberry.ID = described("The global id.")
    bic: str = described(
        "The batch's code: 14 digits, the last two of which check the others (ISO/IEC 7064 MOD 97-10)."
    )
    status: SimBatchStatus = described("Where the batch is.")
    quantity: int = described("How many cards it has.")
    created_at: datetime = described("When the operator began to list its cards.")
    delivered_at: datetime | None = described("When it was delivered.")
    registered_at: datetime | None = described("When it was registered.")
    registered_by: str | None = described("Who registered it, as the viewer's `subject` shows them.")
    order: SimPurchaseOrder | None = described("The order.")
    sims = listed(Sim, "The SIMs that were made of its cards; none before.", filter_by=SimFilter, order_by=SimOrder)


@filter_input("Which orders. Conditions side by side must all hold.")
class SimPurchaseOrderFilter:
    status: list[SimPurchaseOrderStatus] | None = strawberry.field(
        default=strawberry.UNSET, description="In one of these states."
    )


@filter_input("Which batches. Conditions side by side must all hold.")
class SimBatchFilter:
    bic: str | None = strawberry.field(default=strawberry.UNSET, description="With this code.")
    status: list[SimBatchStatus] | None = strawberry.field(
        default=strawberry.UNSET, description="In one of these states."
    )
