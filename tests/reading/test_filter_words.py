"""The words of filters: one of several, a beginning, a part, ranges of times and numbers, and/or/not everywhere."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from reading_room import Room

from motet.domain.states import MessageState, SimStatus
from tenants import NOW, Tenant


@pytest.fixture
async def fleet(room: Room) -> Tenant:
    tenant = room.demo = await room.tenants.workspace("words")
    for name in ("Pump 1", "pump 2", "Meter 100%"):
        await room.tenants.device(tenant, name)
    await room.tenants.sim(tenant, status=SimStatus.ISSUED)
    for number, sim_id in enumerate(tenant.sims):
        await room.tenants.execute(
            "UPDATE sim SET iccid = $2, imsi = $3, msisdn = $4, eid = $5, activated_at = $6 WHERE id = $1",
            sim_id, f"89{number}777{number}", f"2620{number}", f"4915{number}", f"8904{number}",
            None if number == 3 else NOW + timedelta(days=number),
        )  # fmt: skip
    return tenant


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        ({"iccidIn": ["8907770", "8937773", "x"]}, [0, 3]),
        ({"iccidIn": []}, []),
        ({"iccidStartsWith": "891"}, [1]),
        ({"iccidStartsWith": ""}, [0, 1, 2, 3]),
        ({"iccidStartsWith": "%"}, []),
        ({"iccidContains": "7772"}, [2]),
        ({"eid": "89041"}, [1]),
        ({"eidStartsWith": "8904"}, [0, 1, 2, 3]),
        ({"imsiIn": ["26202"]}, [2]),
        ({"imsiStartsWith": "262"}, [0, 1, 2, 3]),
        ({"msisdnIn": ["+49150", "49151"]}, [0, 1]),
        ({"msisdnStartsWith": "+49153"}, [3]),
        ({"activatedAfter": NOW + timedelta(days=1)}, [1, 2]),
        ({"activatedBefore": NOW + timedelta(days=1)}, [0]),
        ({"not": {"activatedBefore": NOW + timedelta(days=1)}}, [1, 2, 3]),
        ({"or": [{"iccidStartsWith": "890"}, {"iccidContains": "7773"}]}, [0, 3]),
    ],
)
async def test_sims(room: Room, fleet: Tenant, filter_: dict[str, Any], expected: list[int]) -> None:
    page = await room.list("Sim", "msisdn", filter=filter_)
    assert [node["msisdn"] for node in page["nodes"]] == [f"4915{number}" for number in expected]
    assert page["totalCount"] == len(expected)


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        ({"nameIn": ["Pump 1", "Meter 100%"]}, ["Pump 1", "Meter 100%"]),
        ({"nameContains": "UMP"}, ["Pump 1", "pump 2"]),
        ({"nameContains": "0%"}, ["Meter 100%"]),
        ({"nameContains": "00%"}, ["Meter 100%"]),
        ({"nameContains": "%00"}, []),
        ({"nameContains": ""}, ["Pump 1", "pump 2", "Meter 100%"]),
        ({"nameStartsWith": "PUMP"}, ["Pump 1", "pump 2"]),
        ({"nameStartsWith": "ump"}, []),
        ({"imeiIn": ["1"]}, []),
    ],
)
async def test_devices(room: Room, fleet: Tenant, filter_: dict[str, Any], expected: list[str]) -> None:
    page = await room.list("Device", "name", filter=filter_)
    assert [node["name"] for node in page["nodes"]] == expected


async def test_messages(room: Room, fleet: Tenant) -> None:
    texts = {b"one": ("1", "10", MessageState.DELIVERED), b"two": ("2", "20", MessageState.FAILED)}
    for text, (source, destination, state) in texts.items():
        await room.tenants.message(
            fleet, fleet.devices[0], text=text, source=source, destination=destination, state=state
        )
    for filter_, expected in (
        ({"fromIn": ["1", "+2"]}, ["two", "one"]),
        ({"toIn": ["+20"]}, ["two"]),
        ({"partCountAtLeast": 2}, []),
        ({"partCountAtMost": 1}, ["two", "one"]),
        ({"or": [{"from": "1"}, {"status": ["FAILED"]}]}, ["two", "one"]),
        ({"not": {"status": ["FAILED"]}}, ["one"]),
        ({"and": [{"status": ["FAILED"]}, {"to": "20"}]}, ["two"]),
    ):
        page = await room.list("SmsMessage", "text", filter=filter_)
        assert [node["text"] for node in page["nodes"]] == expected, filter_


async def test_deliveries(room: Room) -> None:
    for filter_, expected in (
        ({"eventType": ["sms.received"]}, 2),
        ({"eventType": ["x"]}, 0),
        ({"createdAfter": NOW}, 2),
        ({"createdBefore": NOW}, 0),
        ({"attemptsAtLeast": 1 << 31}, 0),
        ({"attemptsAtMost": 0}, 2),
        ({"not": {"attemptsAtMost": 0}}, 0),
    ):
        assert (await room.list("WebhookDelivery", "id", filter=filter_))["totalCount"] == expected, filter_


async def test_sims_by_activation_put_those_that_never_were_last(room: Room, fleet: Tenant) -> None:
    for direction, expected in (("ASC", [0, 1, 2, 3]), ("DESC", [3, 2, 1, 0])):
        page = await room.list("Sim", "msisdn", orderBy={"field": "ACTIVATED_AT", "direction": direction})
        assert [node["msisdn"] for node in page["nodes"]] == [f"4915{number}" for number in expected]
