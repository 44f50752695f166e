"""What networks tell of SIMs: where they are, in what equipment, and what Motet makes of it."""

from __future__ import annotations

from datetime import timedelta

import pytest_asyncio

from audit_reading import acts_of
from motet.domain.network import (
    AttachFailed,
    Detached,
    ImeiSeen,
    LocationUpdated,
    Outcome,
    Place,
    SessionRecord,
    Verdict,
)
from motet.domain.traffic_rules import Traffic, refusals_of
from motet.storage import traffic
from motet.storage.database import Database
from network_world import T0, NetworkWorld, attached, network_world

IMEI, OTHER_IMEI = "490154203237518", "356938035643809"
DONE = Outcome(Verdict.DONE)


@pytest_asyncio.fixture
async def net(database: Database) -> NetworkWorld:
    return await network_world(database)


async def test_attaching_sets_the_place_and_tells_of_it(net: NetworkWorld) -> None:
    device = net.demo.devices[0]
    sim = await net.sim_of(device)
    assert await net.tell(attached(sim["iccid"], cell="262-01-1A2B-0001", imei=IMEI)) == [DONE]
    row = await net.attachment(device)
    assert (row["attached"], row["operator"], row["country"], row["rat"]) == (True, "26201", "DE", "LTE")
    assert (row["since"], row["imei"], row["cell"]) == (T0, IMEI, "262-01-1A2B-0001")
    ((kind, detail),) = await net.events(net.demo)
    assert kind == "device.attached"
    assert detail["network"] == {
        "operator": "26201", "country": "DE", "rat": "LTE", "cell": "262-01-1A2B-0001", "node": None,
    }  # fmt: skip
    assert detail["sim"]["msisdn"] == sim["msisdn"]
    assert net.changed == [sim["msisdn"]]
    assert await net.events(net.other) == []


async def test_a_sim_is_known_by_any_of_its_numbers_and_a_strange_one_is_said_to_be(net: NetworkWorld) -> None:
    sim = await net.sim_of(net.demo.devices[0])
    said = await net.tell(
        attached(sim["iccid"], 0), attached(sim["imsi"], 1), attached(sim["msisdn"], 2), attached("8999911111", 3)
    )
    assert [one.verdict for one in said] == [Verdict.DONE, Verdict.DONE, Verdict.DONE, Verdict.UNKNOWN_SIM]
    assert len(await net.events(net.demo)) == 1


async def test_what_is_told_twice_is_answered_the_same_and_done_once(net: NetworkWorld) -> None:
    sim = await net.sim_of(net.demo.devices[0])
    told = [("a", attached(sim["iccid"])), ("b", attached("8999911111"))]
    first = await net.connectivity.take("network:test", told)
    again = await net.connectivity.take("network:test", told)
    assert [(one.verdict, one.repeated) for one in first] == [(Verdict.DONE, False), (Verdict.UNKNOWN_SIM, False)]
    assert [(one.verdict, one.repeated) for one in again] == [(Verdict.DONE, True), (Verdict.UNKNOWN_SIM, True)]
    assert len(await net.events(net.demo)) == 1
    assert (await net.connectivity.take("network:second", told))[0].repeated is False, "ids are each network's own"


async def test_something_old_changes_nothing(net: NetworkWorld) -> None:
    device = net.demo.devices[0]
    sim = await net.sim_of(device)
    said = await net.tell(attached(sim["iccid"], 5), Detached(T0, sim["iccid"]), attached(sim["iccid"], 1, "22802"))
    assert [one.verdict for one in said] == [Verdict.DONE, Verdict.STALE, Verdict.STALE]
    row = await net.attachment(device)
    assert (row["attached"], row["operator"]) == (True, "26201")


async def test_a_clock_far_ahead_is_refused(net: NetworkWorld) -> None:
    sim = await net.sim_of(net.demo.devices[0])
    (said,) = await net.tell(attached(sim["iccid"], 60))
    assert said.verdict is Verdict.INVALID


async def test_moving_is_an_event_another_cell_only_history_and_the_same_place_neither(net: NetworkWorld) -> None:
    device = net.demo.devices[0]
    sim = (await net.sim_of(device))["iccid"]

    def moved(minute: int, operator: str, cell: str) -> LocationUpdated:
        return LocationUpdated(T0 + timedelta(minutes=minute), sim, Place(operator, None, "LTE", cell))

    await net.tell(attached(sim, cell="1"), moved(1, "26201", "1"), moved(2, "26201", "2"), moved(3, "22802", "9"))
    assert [kind for kind, _ in await net.events(net.demo)] == ["device.attached", "device.location_updated"]
    assert (await net.events(net.demo))[1][1]["before"]["operator"] == "26201"
    rows = await net.database.pool.fetch("SELECT * FROM location ORDER BY id")
    assert [(row["operator"], row["cell"], row["at"], row["updated_at"]) for row in rows] == [
        ("26201", "1", T0, T0 + timedelta(minutes=1)),
        ("26201", "2", T0 + timedelta(minutes=2), T0 + timedelta(minutes=2)),
        ("22802", "9", T0 + timedelta(minutes=3), T0 + timedelta(minutes=3)),
    ]
    assert (await net.attachment(device))["since"] == T0


async def test_the_newest_hundred_places_are_kept(net: NetworkWorld) -> None:
    sim = (await net.sim_of(net.demo.devices[0]))["iccid"]
    await net.tell(*(attached(sim, n / 100, cell=str(n)) for n in range(103)))
    kept = [row[0] for row in await net.database.pool.fetch("SELECT cell FROM location ORDER BY id")]
    assert kept == [str(n) for n in range(3, 103)]


async def test_detaching_and_failing_to_attach_are_told(net: NetworkWorld) -> None:
    device = net.demo.devices[0]
    sim = (await net.sim_of(device))["iccid"]
    minute = timedelta(minutes=1)
    await net.tell(
        attached(sim),
        Detached(T0 + minute, sim, "PURGED"),
        Detached(T0 + 2 * minute, sim),
        AttachFailed(T0 + 3 * minute, sim, "NETWORK_FAILURE", "26201", "LTE"),
    )
    told = await net.events(net.demo)
    assert [kind for kind, _ in told] == ["device.attached", "device.detached", "device.attach_failed"]
    assert told[1][1]["reason"] == "PURGED"
    assert told[2][1]["reason"] == "NETWORK_FAILURE"
    row = await net.attachment(device)
    assert (row["attached"], row["since"]) == (False, T0 + minute)


async def test_a_coverage_policy_keeps_a_device_out_and_says_why_once(net: NetworkWorld) -> None:
    device = net.demo.devices[0]
    sim = await net.sim_of(device)
    await net.tenants.execute(
        "INSERT INTO coverage_policy (workspace_id, id, name, countries_denied) VALUES ($1, 77, 'no CH', '{CH}')",
        net.demo.workspace_id,
    )
    await net.tenants.execute("UPDATE device SET coverage_policy_id = 77 WHERE id = $1", device)
    said = await net.tell(
        attached(sim["iccid"], 0),
        attached(sim["iccid"], 1, "22802"),
        attached(sim["iccid"], 2, "22802"),
        attached(sim["iccid"], 3),
    )
    assert [one.verdict for one in said] == [Verdict.DONE, Verdict.REFUSED, Verdict.REFUSED, Verdict.DONE]
    assert said[1].reason == "NETWORK_NOT_ALLOWED"
    told = await net.events(net.demo)
    assert [kind for kind, _ in told] == ["device.attached", "device.attach_refused", "device.attached"]
    assert told[1][1]["network"]["operator"] == "22802"
    row = await net.attachment(device)
    assert (row["attached"], row["refused"]) == (True, None)


async def test_a_sim_that_is_barred_stays_detached(net: NetworkWorld) -> None:
    device = net.demo.devices[0]
    sim = await net.sim_of(device)
    await net.tenants.execute("UPDATE sim SET status = 3 WHERE id = $1", sim["id"])
    (said,) = await net.tell(attached(sim["iccid"]))
    assert (said.verdict, said.reason) == (Verdict.REFUSED, "SIM_NOT_ACTIVE")
    row = await net.attachment(device)
    assert (row["attached"], row["refused"]) == (False, "SIM_NOT_ACTIVE")


async def lock(net: NetworkWorld, device: int, imei: str | None, *allowed: str) -> None:
    await net.tenants.execute(
        "UPDATE device SET imei_lock = true, imei = $2, imei_allowed = $3 WHERE id = $1", device, imei, list(allowed)
    )


async def refused(net: NetworkWorld, device: int) -> set[str]:
    line = await traffic.of_device(net.database.pool, net.demo.workspace_id, device)
    assert line is not None
    return {
        f"{kind.name} {refusal.name}"
        for kind, refusal in zip(Traffic, refusals_of(line.facts), strict=True)
        if refusal is not None and refusal.name == "IMEI_MISMATCH"
    }


async def test_a_lock_without_imei_binds_to_the_first_equipment_that_is_seen(net: NetworkWorld) -> None:
    device = net.demo.devices[0]
    sim = await net.sim_of(device)
    await lock(net, device, None)
    await net.tell(attached(sim["iccid"], imei=IMEI[:14] + "01"))
    assert await net.database.pool.fetchval("SELECT imei FROM device WHERE id = $1", device) == IMEI
    assert await refused(net, device) == set()
    await net.tell(ImeiSeen(T0 + timedelta(minutes=1), sim["iccid"], OTHER_IMEI))
    told = await net.events(net.demo)
    assert [kind for kind, _ in told] == [
        "device.attached", "device.imei_bound", "device.imei_changed", "device.imei_mismatch",
    ]  # fmt: skip
    assert (told[3][1]["expected"], told[3][1]["seen"]) == (IMEI, OTHER_IMEI)
    assert await refused(net, device) == {"DATA IMEI_MISMATCH"}
    await net.tenants.execute("UPDATE service_policy SET imei_lock_applies_to_sms = true")
    assert {"DATA IMEI_MISMATCH", "SMS_MT IMEI_MISMATCH", "SMS_MO IMEI_MISMATCH"} <= await refused(net, device)
    await net.tenants.execute("UPDATE service_policy SET imei_lock_mode = 'ALERT'")
    assert await refused(net, device) == set()


async def test_the_first_14_digits_count_and_others_may_be_allowed(net: NetworkWorld) -> None:
    device = net.demo.devices[0]
    sim = (await net.sim_of(device))["iccid"]
    await lock(net, device, IMEI)
    await net.tell(ImeiSeen(T0, sim, IMEI[:14] + "77"))
    assert await refused(net, device) == set()
    await net.tell(ImeiSeen(T0, sim, OTHER_IMEI))
    assert await refused(net, device) == {"DATA IMEI_MISMATCH"}
    await lock(net, device, IMEI, OTHER_IMEI[:14])
    assert await refused(net, device) == set()
    await lock(net, device, IMEI, OTHER_IMEI[:8])
    assert await refused(net, device) == set()
    await lock(net, device, None, IMEI[:8])
    assert await refused(net, device) == {"DATA IMEI_MISMATCH"}


async def test_a_session_record_binds_too_and_goes_on_to_those_who_count(net: NetworkWorld) -> None:
    device = net.demo.devices[0]
    sim = (await net.sim_of(device))["iccid"]
    await lock(net, device, None)
    record = SessionRecord(T0, sim, "s1", 0, 10, 20, T0, imei=IMEI)
    assert await net.tell(attached(sim), record, record, Detached(T0 + timedelta(minutes=1), sim)) == [DONE] * 4
    assert net.sessions.records == [record, record]
    assert await net.database.pool.fetchval("SELECT imei FROM device WHERE id = $1", device) == IMEI


async def test_something_that_is_no_imei_is_refused(net: NetworkWorld) -> None:
    sim = (await net.sim_of(net.demo.devices[0]))["iccid"]
    (said,) = await net.tell(ImeiSeen(T0, sim, "123"))
    assert said.verdict is Verdict.INVALID


async def test_what_a_network_changes_is_in_the_audit_log_and_what_it_reports_is_not(
    net: NetworkWorld,
) -> None:
    device = net.demo.devices[0]
    sim = await net.sim_of(device)
    await lock(net, device, None)
    await net.tell(attached(sim["iccid"]))
    await net.tell(ImeiSeen(T0 + timedelta(minutes=1), sim["iccid"], IMEI))
    await net.tell(ImeiSeen(T0 + timedelta(minutes=2), sim["iccid"], OTHER_IMEI))
    assert await acts_of(net.database, "NETWORK") == [
        (net.demo.workspace_id, "NETWORK", "network:test", "ImeiSeen", {"device.UPDATE": 1})
    ]
