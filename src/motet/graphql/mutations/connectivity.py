"""Resetting the connectivity of devices."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.graphql.errors import UserError
from motet.graphql.fields import context_of, done, given, mutation, row_id_of
from motet.graphql.scoping import Scoping
from motet.graphql.types.device import Device
from motet.graphql.types.relay import described


@strawberry.input(description="Which device's connectivity to reset, and what of it.")
class DeviceResetConnectivityInput:
    id: strawberry.ID = strawberry.field(description="The device; it has a SIM.")
    location: bool | None = strawberry.field(
        default=strawberry.UNSET,
        description="Whether the network is to forget where the SIM is, so that it attaches anew; default true.",
    )
    data: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Whether its data sessions are to be cut; default true."
    )


@strawberry.type(description="What came of asking for a reset; `connectivity.lastReset` says how far it is.")
class DeviceResetConnectivityPayload:
    device: Device | None = described("The device.")
    user_errors: list[UserError] = described("Why nothing was asked of the network; empty if it was.")


@strawberry.type
class ConnectivityMutations:
    """The part of Mutation that is about connectivity."""

    @mutation(
        Permission.DEVICE_WRITE,
        "Have the network forget where a device's SIM is, and cut its data sessions: it attaches anew, and whatever"
        " changed in its policies holds from then on. The order is kept until the network has answered. The same asked"
        " again before that is the same reset; 6 in an hour and 24 in a day are LIMIT_REACHED. Ends a factory test.",
        ("device", "Device"),
        scoping=Scoping.IDS,
    )
    async def device_reset_connectivity(
        self,
        info: Info,
        input: Annotated[  # noqa: A002
            DeviceResetConnectivityInput, strawberry.argument(description="Which device, and what of it.")
        ],
    ) -> DeviceResetConnectivityPayload | None:
        context = context_of(info)
        device_id = row_id_of(input.id, "Device", "id")
        await context.services.resets.reset(
            context.workspace_id,
            context.principal.subject,
            device_id,
            location=given(input.location, "location") is not False,
            data=given(input.data, "data") is not False,
        )
        return done(device_id)
