"""Filters and orders of SIMs and devices: null, omitted and empty values, and combinations."""

from __future__ import annotations

from typing import Any

import pytest
from reading_room import Room

from motet.domain.global_ids import encode_global_id
from motet.domain.states import DeviceStatus, SimStatus
from motet.reading.entities import ENTITIES
from motet.reading.errors import ForbiddenError, InvalidRequestError
from motet.reading.filters import filter_condition
from motet.reading.selection import fields
from motet.reading.statement import Statement
from tenants import Tenant


@pytest.fixture
async def fleet(room: Room) -> Tenant:
    tenant = room.demo = await room.tenants.workspace("fleet")
    await room.tenants.device(tenant, "Pump 1", tags=["north", "pump"])
    await room.tenants.device(tenant, "pump_2", tags=["pump"], status=DeviceStatus.DISABLED)
    await room.tenants.device(tenant, "Meter 100%", tags=[], with_sim=False)
    await room.tenants.sim(tenant, status=SimStatus.ISSUED)
    return tenant


DEVICES = ["Pump 1", "pump_2", "Meter 100%"]


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        (None, DEVICES),
        ({}, DEVICES),
        ({"status": None, "tags": None, "name": None, "and": None, "or": None, "not": None}, DEVICES),
        ({"status": ["ENABLED"]}, ["Pump 1", "Meter 100%"]),
        ({"status": ["ENABLED", "DISABLED"]}, DEVICES),
        ({"status": []}, []),
        ({"tags": []}, DEVICES),
        ({"tags": ["pump"]}, ["Pump 1", "pump_2"]),
        ({"tags": ["pump", "north"]}, ["Pump 1"]),
        ({"name": ""}, DEVICES),
        ({"name": "PUMP"}, ["Pump 1", "pump_2"]),
        ({"name": "_"}, ["pump_2"]),
        ({"name": "%"}, ["Meter 100%"]),
        ({"name": "\\"}, []),
        ({"name": "' OR true --"}, []),
        ({"imei": "1"}, []),
        ({"name": "pump", "status": ["DISABLED"]}, ["pump_2"]),
        ({"and": []}, DEVICES),
        ({"or": []}, []),
        ({"or": [{}]}, DEVICES),
        ({"and": [{"name": "pump"}, {"tags": ["north"]}]}, ["Pump 1"]),
        ({"or": [{"name": "meter"}, {"tags": ["north"]}]}, ["Pump 1", "Meter 100%"]),
        ({"or": [{"name": "meter", "status": ["DISABLED"]}, {"tags": ["north"]}]}, ["Pump 1"]),
        ({"not": {"name": "pump"}}, ["Meter 100%"]),
        ({"not": {"imei": "1"}}, DEVICES),
        ({"not": {}}, []),
        ({"not": {"or": [{"name": "meter"}, {"not": {"tags": ["north"]}}]}}, ["Pump 1"]),
        ({"name": "1", "or": [{"tags": ["pump"]}, {"name": "%"}]}, ["Pump 1", "Meter 100%"]),
    ],
)
async def test_devices_are_filtered(
    room: Room, fleet: Tenant, filter_: dict[str, Any] | None, expected: list[str]
) -> None:
    page = await room.list("Device", "name", filter=filter_)
    assert [node["name"] for node in page["nodes"]] == expected
    assert page["totalCount"] == len(expected)


async def test_a_device_is_found_by_the_number_of_its_live_sim(room: Room, fleet: Tenant) -> None:
    numbers = await room.tenants.database.pool.fetch(
        "SELECT msisdn FROM sim WHERE workspace_id = $1 ORDER BY id", fleet.workspace_id
    )
    msisdn = numbers[0]["msisdn"]
    for value in (msisdn, f"+{msisdn}"):
        page = await room.list("Device", "name", filter={"msisdn": value})
        assert [node["name"] for node in page["nodes"]] == ["Pump 1"]
    await room.tenants.execute("UPDATE sim SET status = 4 WHERE msisdn = $1", msisdn)
    assert (await room.list("Device", "name", filter={"msisdn": msisdn}))["nodes"] == []


async def test_sims_are_filtered(room: Room, fleet: Tenant) -> None:
    sims = (await room.list("Sim", "iccid", "imsi", "msisdn", "status"))["nodes"]
    assert [sim["status"] for sim in sims] == ["ACTIVATED", "ACTIVATED", "ISSUED"]
    for filter_, expected in (
        ({"status": ["ISSUED"]}, [2]),
        ({"iccid": sims[1]["iccid"]}, [1]),
        ({"imsi": sims[1]["imsi"]}, [1]),
        ({"msisdn": sims[1]["msisdn"]}, [1]),
        ({"msisdn": f"+{sims[1]['msisdn']}"}, [1]),
        ({"unassigned": True}, [2]),
        ({"unassigned": False}, [0, 1]),
        ({"unassigned": None}, [0, 1, 2]),
        ({"not": {"unassigned": True}, "status": ["ACTIVATED"]}, [0, 1]),
        ({"iccid": ""}, []),
    ):
        page = await room.list("Sim", "iccid", filter=filter_)
        assert [node["iccid"] for node in page["nodes"]] == [sims[at]["iccid"] for at in expected], filter_


async def test_lists_are_sorted(room: Room, fleet: Tenant) -> None:
    for order_by, expected in (
        (None, DEVICES),
        ({"field": "CREATED_AT"}, DEVICES),
        ({"field": "CREATED_AT", "direction": None}, DEVICES),
        ({"field": "CREATED_AT", "direction": "DESC"}, DEVICES[::-1]),
        ({"field": "NAME", "direction": "ASC"}, sorted(DEVICES)),
        ({"field": "NAME", "direction": "DESC"}, sorted(DEVICES, reverse=True)),
    ):
        page = await room.list("Device", "name", orderBy=order_by)
        assert [node["name"] for node in page["nodes"]] == expected
    sims = await room.list("Sim", "iccid", orderBy={"field": "ICCID", "direction": "DESC"})
    iccids = [node["iccid"] for node in sims["nodes"]]
    assert iccids == sorted(iccids, reverse=True)


def test_filters_have_a_bound_on_terms_depth_and_values() -> None:
    device = ENTITIES["Device"]

    def condition(filter_: dict[str, Any]) -> None:
        filter_condition(device, filter_, "t0", Statement(1))

    deep: dict[str, Any] = {"name": "x"}
    for _ in range(4):
        deep = {"not": deep}
    condition(deep)
    condition({"or": [{"name": "x"}] * 49})
    condition({"tags": ["x"] * 100})
    for bad in ({"not": deep}, {"or": [{"name": "x"}] * 50}, {"tags": ["x"] * 101}):
        with pytest.raises(InvalidRequestError):
            condition(bad)


async def test_what_a_principal_may_not_read_is_forbidden(room: Room) -> None:
    for entity in ("Sim", "Device", "SmsMessage"):
        with pytest.raises(ForbiddenError):
            await room.list(entity, "id", principal=room.operator())
        with pytest.raises(ForbiddenError):
            await room.reader.by_id(room.operator(), entity, fields("id"), 1)
    with pytest.raises(ForbiddenError):
        await room.list("SmscLink", "id")
    workspaces = await room.list("Workspace", "name", principal=room.operator())
    assert [node["name"] for node in workspaces["nodes"]] == ["demo", "other"]
    own = await room.list("Workspace", "name")
    assert [node["name"] for node in own["nodes"]] == ["demo"]


async def test_a_key_that_a_deleted_sim_had_means_the_live_one(room: Room, fleet: Tenant) -> None:
    old, live, gone = fleet.sims
    await room.tenants.execute("UPDATE sim SET msisdn = '1', status = 2 WHERE id = $1", live)
    await room.tenants.execute("UPDATE sim SET msisdn = '1', status = 4 WHERE id = ANY($1)", [old, gone])
    answer = await room.reader.one(room.principal(), "Sim", fields("id", "status"), {"msisdn": "1"})
    assert answer.value == {"id": encode_global_id("Sim", live), "status": "ACTIVATED"}
