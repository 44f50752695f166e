"""SIMs and devices."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.graphql.diagnose import diagnose_device
from motet.graphql.fields import context_of, query, raw
from motet.graphql.lists import root_list
from motet.graphql.reads import answer, read_one
from motet.graphql.selection import selection_of
from motet.graphql.types.device import Device, DeviceFilter, DeviceOrder, DeviceTag
from motet.graphql.types.diagnosis import DeviceDiagnosis
from motet.graphql.types.sim import Sim, SimFilter, SimOrder


@strawberry.type
class FleetQueries:
    """The part of Query that is about SIMs and devices."""

    sims = root_list(Sim, Permission.SIM_READ, "The SIMs of the workspace.", filter_by=SimFilter, order_by=SimOrder)
    devices = root_list(
        Device, Permission.DEVICE_READ, "The devices of the workspace.", filter_by=DeviceFilter, order_by=DeviceOrder
    )

    @query(Permission.DEVICE_READ, "The tags of the workspace's devices, the commonest first; at most 1,000.")
    async def device_tags(self, info: Info) -> list[DeviceTag] | None:
        context = context_of(info)
        selected = selection_of(raw(info))
        found = await context.services.device_bulk.tags(context.workspace_id, context.principal.tags)
        plain = [{"name": tag, "deviceCount": count, "__typename": "DeviceTag"} for tag, count in found]
        return answer([{child.key: one[child.name] for child in selected.children} for one in plain])

    @query(
        Permission.DEVICE_READ,
        "Why this device is offline, or what of it does not pass: every rule and sign, the likeliest cause, what to do."
        " Null for one that is deleted or not yours.",
    )
    async def device_diagnosis(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The device.")],  # noqa: A002
    ) -> DeviceDiagnosis | None:
        return await diagnose_device(info)

    @query(Permission.SIM_READ, "The SIM with this id, ICCID, IMSI or MSISDN: give exactly one.")
    async def sim(
        self,
        info: Info,
        id: Annotated[  # noqa: A002
            strawberry.ID | None, strawberry.argument(description="The global id.")
        ] = strawberry.UNSET,
        iccid: Annotated[str | None, strawberry.argument(description="The ICCID.")] = strawberry.UNSET,
        imsi: Annotated[str | None, strawberry.argument(description="The IMSI.")] = strawberry.UNSET,
        msisdn: Annotated[str | None, strawberry.argument(description="The MSISDN.")] = strawberry.UNSET,
    ) -> Sim | None:
        return await read_one(info, "Sim")

    @query(Permission.DEVICE_READ, "The device with this id or IMEI, or with the SIM of this MSISDN: give exactly one.")
    async def device(
        self,
        info: Info,
        id: Annotated[  # noqa: A002
            strawberry.ID | None, strawberry.argument(description="The global id.")
        ] = strawberry.UNSET,
        msisdn: Annotated[str | None, strawberry.argument(description="The SIM's MSISDN.")] = strawberry.UNSET,
        imei: Annotated[str | None, strawberry.argument(description="The IMEI.")] = strawberry.UNSET,
    ) -> Device | None:
        return await read_one(info, "Device")
