"""Orders of SIM cards and their batches: what the workspace does."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.domain.errors import InvalidError
from motet.domain.sim_cards import PACKAGES, Environment, package_warnings
from motet.domain.sim_ordering import Item
from motet.fleet.rules import UNCHANGED
from motet.fleet.sims.sim_purchase_order import Address
from motet.graphql.errors import UserError
from motet.graphql.fields import context_of, done, given, idempotency_key, mutation, or_none, row_id_of
from motet.graphql.sim_cards import environment_of, warned
from motet.graphql.types.relay import described
from motet.graphql.types.sim_card import SimCardWarning, SimEnvironmentInput
from motet.graphql.types.sim_order import SimBatch, SimPurchaseOrder


@strawberry.input(description="So many cards of a package.")
class SimPurchaseOrderItemInput:
    package: str = strawberry.field(description="The package: a code of `simPackages`; once in an order.")
    quantity: int = strawberry.field(description="How many cards; an order has 10,000 at most.")
    environment: SimEnvironmentInput | None = strawberry.field(
        default=strawberry.UNSET,
        description="Where the devices work: `warnings` then say what of it the cards are not made for.",
    )


@strawberry.input(description="Where SIM cards go.")
class SimAddressInput:
    recipient: str = strawberry.field(description="Who gets them: 1 to 100 characters.")
    lines: list[str] = strawberry.field(description="Street and the like: 1 to 5 lines of up to 100 characters.")
    postal_code: str | None = strawberry.field(
        default=strawberry.UNSET, description="The postal code, where there is one."
    )
    city: str = strawberry.field(description="The city.")
    country: str = strawberry.field(description="The country, ISO 3166-1 alpha-2.")


@strawberry.input(description="A new order of SIM cards.")
class SimPurchaseOrderCreateInput:
    items: list[SimPurchaseOrderItemInput] = strawberry.field(description="What is ordered: 1 to 10 packages.")
    address: SimAddressInput = strawberry.field(description="Where the cards go.")
    reference: str | None = strawberry.field(
        default=strawberry.UNSET, description="Your own words for it, up to 100 characters."
    )
    place: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Whether to place it at once; default false, which leaves a draft."
    )
    idempotency_key: str | None = idempotency_key()


@strawberry.type(description="What came of making an order.")
class SimPurchaseOrderCreatePayload:
    sim_purchase_order: SimPurchaseOrder | None = described("The order.")
    warnings: list[SimCardWarning] | None = described("What does not suit the environments given. It forbids nothing.")
    user_errors: list[UserError] = described("Why it was not made; empty if it was.")


@strawberry.input(description="What to change of a draft; what is left out stays.")
class SimPurchaseOrderUpdateInput:
    id: strawberry.ID = strawberry.field(description="The order.")
    items: list[SimPurchaseOrderItemInput] | None = strawberry.field(
        default=strawberry.UNSET, description="What is ordered, in place of all items that it had."
    )
    address: SimAddressInput | None = strawberry.field(default=strawberry.UNSET, description="Where the cards go.")
    reference: str | None = strawberry.field(default=strawberry.UNSET, description="Your own words for it.")


@strawberry.type(description="What came of changing an order.")
class SimPurchaseOrderUpdatePayload:
    sim_purchase_order: SimPurchaseOrder | None = described("The order, as it is now.")
    warnings: list[SimCardWarning] | None = described("What does not suit the environments given. It forbids nothing.")
    user_errors: list[UserError] = described("Why it was not changed; empty if it was.")


@strawberry.input(description="Which draft to hand to the operator.")
class SimPurchaseOrderPlaceInput:
    id: strawberry.ID = strawberry.field(description="The order.")


@strawberry.type(description="What came of placing an order.")
class SimPurchaseOrderPlacePayload:
    sim_purchase_order: SimPurchaseOrder | None = described("The order, as it is now.")
    user_errors: list[UserError] = described("Why it was not placed; empty if it was.")


@strawberry.input(description="Which order to call off.")
class SimPurchaseOrderCancelInput:
    id: strawberry.ID = strawberry.field(description="The order; a draft, or placed and not yet produced.")


@strawberry.type(description="What came of calling an order off.")
class SimPurchaseOrderCancelPayload:
    sim_purchase_order: SimPurchaseOrder | None = described("The order, as it is now.")
    user_errors: list[UserError] = described("Why it was not called off; empty if it was.")


@strawberry.input(description="Which batch to make SIMs of.")
class SimBatchRegisterInput:
    bic: str = strawberry.field(description="The code on the box: 14 digits; blanks, hyphens and dots are let pass.")


@strawberry.type(description="What came of registering a batch.")
class SimBatchRegisterPayload:
    sim_batch: SimBatch | None = described("The batch, with its SIMs, which are ISSUED.")
    user_errors: list[UserError] = described("Why it was not registered; empty if it was.")


@strawberry.type
class SimOrderMutations:
    """The part of Mutation that is about orders of cards."""

    @mutation(
        Permission.SIM_ORDER_WRITE,
        "Order SIM cards: a draft, or placed at once.",
        ("simPurchaseOrder", "SimPurchaseOrder"),
    )
    async def sim_purchase_order_create(
        self,
        info: Info,
        input: Annotated[SimPurchaseOrderCreateInput, strawberry.argument(description="The order.")],  # noqa: A002
    ) -> SimPurchaseOrderCreatePayload | None:
        context = context_of(info)
        warnings = _warnings(input.items)
        order_id = await context.services.sim_orders.create(
            context.workspace_id,
            context.principal.subject,
            _items(input.items),
            _address(input.address),
            reference=or_none(input.reference) or "",
            place=bool(or_none(input.place)),
        )
        return done(order_id, warnings=warnings)

    @mutation(Permission.SIM_ORDER_WRITE, "Change an order that is a draft.", ("simPurchaseOrder", "SimPurchaseOrder"))
    async def sim_purchase_order_update(
        self,
        info: Info,
        input: Annotated[SimPurchaseOrderUpdateInput, strawberry.argument(description="The changes.")],  # noqa: A002
    ) -> SimPurchaseOrderUpdatePayload | None:
        context = context_of(info)
        order_id = row_id_of(input.id, "SimPurchaseOrder", "id")
        items, address = given(input.items, "items"), given(input.address, "address")
        warnings = [] if items is UNCHANGED else _warnings(items)
        await context.services.sim_orders.update(
            context.workspace_id,
            order_id,
            items=items if items is UNCHANGED else _items(items),
            address=address if address is UNCHANGED else _address(address),
            reference=given(input.reference, "reference"),
        )
        return done(order_id, warnings=warnings)

    @mutation(Permission.SIM_ORDER_WRITE, "Hand a draft to the operator.", ("simPurchaseOrder", "SimPurchaseOrder"))
    async def sim_purchase_order_place(
        self,
        info: Info,
        input: Annotated[SimPurchaseOrderPlaceInput, strawberry.argument(description="Which order.")],  # noqa: A002
    ) -> SimPurchaseOrderPlacePayload | None:
        context = context_of(info)
        order_id = row_id_of(input.id, "SimPurchaseOrder", "id")
        await context.services.sim_orders.place(context.workspace_id, context.principal.subject, order_id)
        return done(order_id)

    @mutation(
        Permission.SIM_ORDER_WRITE,
        "Call off an order that is not produced yet.",
        ("simPurchaseOrder", "SimPurchaseOrder"),
    )
    async def sim_purchase_order_cancel(
        self,
        info: Info,
        input: Annotated[SimPurchaseOrderCancelInput, strawberry.argument(description="Which order.")],  # noqa: A002
    ) -> SimPurchaseOrderCancelPayload | None:
        context = context_of(info)
        order_id = row_id_of(input.id, "SimPurchaseOrder", "id")
        await context.services.sim_orders.cancel(context.workspace_id, context.principal.subject, order_id)
        return done(order_id)

    @mutation(
        Permission.SIM_WRITE,
        "Make SIMs of the cards of a delivered batch, by the code on its box. Once: a second time is a CONFLICT.",
        ("simBatch", "SimBatch"),
    )
    async def sim_batch_register(
        self,
        info: Info,
        input: Annotated[SimBatchRegisterInput, strawberry.argument(description="Which batch.")],  # noqa: A002
    ) -> SimBatchRegisterPayload | None:
        context = context_of(info)
        batches = context.services.sim_batches
        return done(await batches.register(context.workspace_id, context.principal.subject, input.bic))


def _items(typed: list[SimPurchaseOrderItemInput]) -> list[Item]:
    return [Item(item.package, item.quantity) for item in typed]


def _address(typed: SimAddressInput) -> Address:
    return Address(
        recipient=typed.recipient,
        lines=typed.lines,
        postal_code=or_none(typed.postal_code) or "",
        city=typed.city,
        country=typed.country,
    )


def _warnings(typed: list[SimPurchaseOrderItemInput]) -> list[dict[str, Any]]:
    """What the environments of the items say against their packages; unknown packages are the service's to refuse."""
    found: list[dict[str, Any]] = []
    for place, item in enumerate(typed):
        try:
            environment = environment_of(or_none(item.environment), "environment")
        except InvalidError as error:
            raise InvalidError(error.message, path=("items", place, *error.path)) from None
        package = PACKAGES.get(item.package)
        if package is not None and environment != Environment():
            found += warned(package_warnings(package, environment))
    return found
