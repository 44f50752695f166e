"""Session records: counted once, answered by the rules, told as events."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metered import PLMN, Metered
from motet.domain.data_session import Decision
from motet.domain.network import OrderKind
from motet.fleet.usage.session import MAX_RECORDS
from motet.fleet.usage.usage_retention import UsageRetention
from motet.storage.database import Database

ALLOW, REFUSE, CUT = Decision.ALLOW, Decision.REFUSE, Decision.CUT
GB = 10**9


@pytest_asyncio.fixture
async def world(database: Database) -> Metered:
    return await Metered.make(database)


async def test_a_session_is_opened_updated_and_closed(world: Metered) -> None:
    told: list[tuple[int, int, dict[str, Any]]] = [
        (0, 0, {"ip_address": "10.1.2.3", "region": "eu-1"}),
        (100, 900, {}),
        (1, 2, {"rat": "2G"}),
        (7, 8, {"closed": True, "cause": "36"}),
    ]
    for sequence, (up, down, more) in enumerate(told):
        (verdict,) = await world.sessions.ingest([await world.record(sequence, up, down, **more)])
        assert verdict == ("s1", sequence, ALLOW, None, None, None, False)
        world.pass_time(seconds=45)
    (row,) = await world.rows("SELECT * FROM data_session")
    assert (row["sim_id"], row["device_id"]) == (world.demo.sims[0], world.demo.devices[0])
    assert (row["status"], row["octets_up"], row["octets_down"], row["record_count"]) == (1, 108, 910, 4)
    assert (row["apn"], str(row["ip_address"]), row["region"], row["operator"]) == ("iot", "10.1.2.3", "eu-1", PLMN)
    assert (row["rat"], row["cause"]) == ("4G", "36")
    assert row["closed_at"] == world.now - timedelta(seconds=45)
    assert [(kind, severity, source) for kind, severity, source, _ in await world.events()] == [
        ("session.created", 0, 0),
        ("session.updated", 0, 0),
        ("session.deleted", 0, 0),
    ]


async def test_a_sim_is_known_by_iccid_imsi_or_msisdn(world: Metered) -> None:
    known = await world.identities(1)
    for n, sim in enumerate((known["iccid"], known["imsi"], known["msisdn"], "+" + known["msisdn"])):
        (verdict,) = await world.sessions.ingest([await world.record(n, 5, sim=sim)])
        assert verdict.decision is ALLOW
    assert await world.value("SELECT octets_up FROM data_session") == 20


async def test_an_unknown_sim_and_a_record_that_is_none_are_refused_and_change_nothing(world: Metered) -> None:
    records = [
        await world.record(0, sim="999999999"),
        await world.record(-1),
        await world.record(1, -5),
        await world.record(1, session_id=""),
        await world.record(1, session_id="x" * 65),
        await world.record(1, ip_address="nonsense"),
        await world.record(1, at=world.now + timedelta(hours=2)),
        await world.record(1, at=world.now - timedelta(days=32)),
        await world.record(1, apn="a\x00b"),
    ]
    verdicts = await world.sessions.ingest(records)
    assert [one.decision for one in verdicts] == [REFUSE] * 9
    assert [one.reason for one in verdicts] == ["UNKNOWN_SUBSCRIBER"] + ["INVALID_RECORD"] * 8
    assert await world.value("SELECT count(*) FROM data_session") == 0
    assert await world.sessions.ingest([]) == []
    with pytest.raises(ValueError, match="1000"):
        await world.sessions.ingest([records[0]] * (MAX_RECORDS + 1))


async def test_sequences_are_counted_once_in_whatever_order_and_batches(world: Metered) -> None:
    records = [await world.record(n, 2**n, 1) for n in range(10)]
    shuffled = records * 3
    random.Random(1).shuffle(shuffled)  # noqa: S311 - an order, no secret
    repeated = 0
    for start in range(0, 30, 7):
        repeated += sum(one.repeated for one in await world.sessions.ingest(shuffled[start : start + 7]))
    assert repeated == 20
    row = (await world.rows("SELECT octets_up, octets_down, record_count, last_sequence FROM data_session"))[0]
    assert tuple(row) == (1023, 10, 10, 9)
    for table in ("device_usage", "workspace_usage"):
        rows = await world.rows(f"SELECT octets_up, octets_down FROM {table}")  # noqa: S608
        assert [tuple(row) for row in rows] == [(1023, 10)] * 3


async def test_the_same_batch_sent_at_once_by_many_is_counted_once(world: Metered) -> None:
    batch = [await world.record(n, 10, number=n % 3) for n in range(30)]
    await asyncio.gather(*(world.sessions.ingest(batch) for _ in range(4)))
    assert await world.value("SELECT sum(octets_up) FROM session_record") == 300
    assert await world.value("SELECT sum(octets_up) FROM device_usage WHERE granularity = 2") == 300
    assert await world.value("SELECT count(*) FROM data_session") == 3


async def test_a_record_after_the_end_is_counted_and_the_session_stays_closed(world: Metered) -> None:
    await world.sessions.ingest([await world.record(2, 1, closed=True), await world.record(1, 10)])
    row = (await world.rows("SELECT status, octets_up FROM data_session"))[0]
    assert tuple(row) == (1, 11)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    batches=st.lists(
        st.lists(
            st.tuples(st.integers(0, 3), st.integers(0, 12), st.integers(0, GB), st.integers(0, 60 * 24 * 29)),
            max_size=12,
        ),
        max_size=6,
    )
)
async def test_roll_ups_are_the_sums_of_the_records(
    world: Metered, batches: list[list[tuple[int, int, int, int]]]
) -> None:
    for batch in batches:
        await world.sessions.ingest(
            [
                await world.record(sequence, octets, sequence, number, at=world.now - timedelta(minutes=ago))
                for number, sequence, octets, ago in batch
            ]
        )
    for granularity, unit in enumerate(("hour", "day", "month")):
        raw = await world.rows(
            "SELECT workspace_id, device_id, sim_id, date_trunc($1, at) AS start, sum(octets_up)::bigint,"
            " sum(octets_down)::bigint FROM session_record WHERE octets_up + octets_down > 0 GROUP BY 1, 2, 3, 4"
            " ORDER BY 1, 2, 3, 4",
            unit,
        )
        rolled = await world.rows(
            "SELECT workspace_id, device_id, sim_id, start, octets_up, octets_down FROM device_usage"
            " WHERE granularity = $1 ORDER BY 1, 2, 3, 4",
            granularity,
        )
        assert rolled == raw
        whole = await world.rows(
            "SELECT start, octets_up FROM workspace_usage WHERE granularity = $1 ORDER BY 1", granularity
        )
        expected: dict[object, int] = {}
        for row in raw:
            expected[row["start"]] = expected.get(row["start"], 0) + row[4]
        assert dict(map(tuple, whole)) == expected
    sums = await world.rows(
        "SELECT s.id FROM data_session s JOIN session_record r ON r.data_session_id = s.id GROUP BY s.id, s.octets_up,"
        " s.record_count HAVING sum(r.octets_up) <> s.octets_up OR count(*) <> s.record_count"
    )
    assert sums == []


# Decisions ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("UPDATE sim SET status = 3", "SIM_NOT_ACTIVE"),
        ("UPDATE device SET status = 1", "DEVICE_DISABLED"),
        ("UPDATE service_policy SET data_enabled = false", "DATA_NOT_ALLOWED"),
        ("UPDATE service_policy SET allowed_rats = '{NB_IOT}'", "RAT_NOT_ALLOWED"),
        ("UPDATE service_policy SET apply_data_quota = true", "NO_QUOTA"),
        ("UPDATE service_policy SET data_limit_per_month_octets = 0", "MONTH_LIMIT_REACHED"),
        ("UPDATE sim SET device_id = NULL", "NO_DEVICE"),
    ],
)
async def test_a_session_that_may_not_be_is_refused_with_an_event_and_cut_if_it_is_open(
    world: Metered, change: str, reason: str
) -> None:
    await world.sessions.ingest([await world.record(0)])
    await world.database.pool.execute(change)
    (verdict,) = await world.sessions.ingest([await world.record(0, session_id="s2")])
    assert (verdict.decision, verdict.reason) == (REFUSE, reason)
    assert verdict.words
    for sequence in (1, 2):
        (verdict,) = await world.sessions.ingest([await world.record(sequence, 5)])
        assert (verdict.decision, verdict.reason) == (CUT, reason)
    assert (await world.events("session.%"))[1:] == [("session.created", 1, 1, reason), ("session.cut", 1, 1, reason)]
    rows = await world.rows("SELECT status, reason, octets_up FROM data_session ORDER BY id")
    assert [tuple(row) for row in rows] == [(0, reason, 10), (2, reason, 0)]


async def test_a_session_that_was_refused_may_come_again(world: Metered) -> None:
    await world.policy(data_enabled=False)
    await world.sessions.ingest([await world.record(0)])
    await world.policy(data_enabled=True)
    (verdict,) = await world.sessions.ingest([await world.record(1, 5)])
    assert verdict.decision is ALLOW
    assert await world.value("SELECT status FROM data_session") == 0


async def test_a_quota_is_charged_tells_its_thresholds_and_cuts(world: Metered) -> None:
    await world.policy(apply_data_quota=True)
    quota = await world.quota(0, 1_000, thresholds=[50, 80])
    sums = []
    for sequence, octets in enumerate((0, 499, 1, 400, 99, 1, 10)):
        (verdict,) = await world.sessions.ingest([await world.record(sequence, octets)])
        sums.append(verdict.decision)
    assert sums == [ALLOW] * 5 + [CUT] * 2
    assert verdict.reason == "QUOTA_USED_UP"
    told = [(kind, severity) for kind, severity, _, _ in await world.events("quota.%")]
    assert told == [
        ("quota.data_threshold_reached", 1),
        ("quota.data_threshold_reached", 1),
        ("quota.data_used_up", 1),
    ]
    assert world.pokes == 1
    assert await world.value("SELECT used FROM quota WHERE id = $1", quota) == 1_010
    detail = await world.value("SELECT data FROM event WHERE type = 'quota.data_threshold_reached' ORDER BY id LIMIT 1")
    assert (detail["threshold_percentage"], detail["threshold_volume"], detail["volume"]) == (50, 500, 1_000)


async def test_an_exhausted_quota_that_throttles_says_at_which_rate(world: Metered) -> None:
    await world.policy(apply_data_quota=True)
    await world.quota(0, 100, action=1, throttle_rate=64)
    (verdict,) = await world.sessions.ingest([await world.record(0, 99)])
    assert (verdict.decision, verdict.throttle_kbit_s) == (ALLOW, None)
    (verdict,) = await world.sessions.ingest([await world.record(1, 1)])
    assert (verdict.decision, verdict.throttle_kbit_s) == (ALLOW, 64)


async def test_a_pool_is_shared_over_its_tag_and_a_quota_of_ones_own_comes_first(world: Metered) -> None:
    await world.policy(apply_data_quota=True)
    await world.tag("meter", 0, 1, 2)
    shared = await world.quota(0, 100, pool=await world.pool("meter"))
    own = await world.quota(0, 100, number=2)
    for number in range(3):
        await world.sessions.ingest([await world.record(0, 40, number=number)])
    assert await world.value("SELECT used FROM quota WHERE id = $1", shared) == 80
    assert await world.value("SELECT used FROM quota WHERE id = $1", own) == 40
    verdicts = await world.sessions.ingest([await world.record(1, 20, number=1), await world.record(1, 20, number=2)])
    assert [one.decision for one in verdicts] == [CUT, ALLOW]
    (verdict,) = await world.sessions.ingest([await world.record(0, number=3)])
    assert verdict.reason == "NO_QUOTA"


async def test_a_quota_that_expired_or_was_refilled_since_counts_as_what_it_is_now(world: Metered) -> None:
    await world.policy(apply_data_quota=True)
    due = world.now + timedelta(hours=1)
    quota = await world.quota(
        0, 100, used=100, told=[100], status=1, refill=1, next_refill_at=due, due_at=due,
        expires_at=world.now + timedelta(days=3),
    )  # fmt: skip
    assert (await world.sessions.ingest([await world.record(0)]))[0].reason == "QUOTA_USED_UP"
    world.pass_time(hours=1)
    assert (await world.sessions.ingest([await world.record(0, session_id="s2")]))[0].decision is ALLOW
    late = await world.record(1, 70, session_id="s2", at=world.now - timedelta(minutes=1))
    await world.sessions.ingest([late, await world.record(2, 7, session_id="s2")])
    assert await world.value("SELECT used FROM quota WHERE id = $1", quota) == 7, "what passed before the refill is not"
    world.pass_time(days=3)
    assert (await world.sessions.ingest([await world.record(3, session_id="s2")]))[0].reason == "QUOTA_EXPIRED"
    told = [kind for kind, *_ in await world.events("quota.%")]
    assert told == ["quota.refilled", "quota.refilled", "quota.data_expired"]


async def test_a_monthly_limit_counts_what_was_used_before_it_was_set_and_warns_once(world: Metered) -> None:
    await world.sessions.ingest([await world.record(0, 500, 100, at=world.now.replace(day=1, hour=1))])
    await world.sessions.ingest([await world.record(1, 50, at=world.now - timedelta(days=31) + timedelta(minutes=1))])
    await world.policy(data_limit_per_month_octets=1_000, limit_warning_percent=80)
    for sequence, octets, decision in ((2, 199, ALLOW), (3, 1, ALLOW), (4, 199, ALLOW), (5, 1, CUT), (6, 1, CUT)):
        (verdict,) = await world.sessions.ingest([await world.record(sequence, octets)])
        assert verdict.decision is decision, sequence
    told = [kind for kind, *_ in await world.events("quota.%")]
    assert told == ["quota.limit_warning", "quota.limit_reached"]
    assert world.pokes == 1


# Cutting ------------------------------------------------------------------------------------------------------------


async def test_a_sweep_cuts_what_may_not_go_on_once(world: Metered) -> None:
    await world.sessions.ingest([await world.record(0, number=number) for number in range(5)])
    assert await world.cutter.sweep() == 0
    await world.tenants.execute("UPDATE device SET status = 1 WHERE id = ANY ($1)", world.demo.devices[:2])
    await world.tenants.execute("UPDATE sim SET status = 3 WHERE id = $1", world.demo.sims[2])
    assert await world.cutter.sweep() == 3
    assert await world.cutter.sweep() == 0
    cut = {sim_id: body["reason"] for kind, sim_id, body in world.orders.orders if kind is OrderKind.CUT_DATA}
    first, second, third = world.demo.sims[:3]
    assert cut == {first: "DEVICE_DISABLED", second: "DEVICE_DISABLED", third: "SIM_NOT_ACTIVE"}
    assert [kind for kind, *_ in await world.events("session.cut")] == ["session.cut"] * 3


async def test_a_sweep_cuts_the_others_of_a_pool_that_one_has_used_up(world: Metered) -> None:
    await world.policy(apply_data_quota=True)
    await world.tag("meter", 0, 1, 2)
    await world.quota(0, 100, pool=await world.pool("meter"))
    await world.sessions.ingest([await world.record(0, number=number) for number in range(3)])
    (verdict,) = await world.sessions.ingest([await world.record(1, 100)])
    assert (verdict.decision, world.pokes) == (CUT, 1)
    assert await world.cutter.sweep() == 2
    assert {body["reason"] for _, _, body in world.orders.orders} == {"QUOTA_USED_UP"}


async def test_a_look_at_one_line_cuts_no_other(world: Metered) -> None:
    await world.sessions.ingest([await world.record(0, number=number) for number in range(2)])
    await world.tenants.execute("UPDATE device SET status = 1 WHERE id = ANY ($1)", world.demo.devices[:2])
    world.cutter.poke_line((await world.identities(1))["msisdn"])
    assert await world.cutter.look() == 1
    assert [sim_id for _, sim_id, _ in world.orders.orders] == [world.demo.sims[1]]
    world.cutter.poke()
    assert await world.cutter.look() == 1
    assert await world.cutter.look() == 0


async def test_a_session_of_which_nothing_is_heard_is_closed(world: Metered) -> None:
    await world.sessions.ingest([await world.record(0)])
    world.pass_time(hours=49)
    await world.cutter.sweep()
    assert await world.value("SELECT status FROM data_session") == 1


async def test_what_is_too_old_is_removed_and_the_rest_stays(world: Metered) -> None:
    await world.sessions.ingest([await world.record(0, 5), await world.record(0, 5, session_id="s2", closed=True)])
    retention = UsageRetention(world.database, clock=world.clock)
    assert await retention.purge() == 0
    world.pass_time(days=93)
    assert await retention.purge() == 2
    assert await world.value("SELECT count(*) FROM data_session") == 1, "one is still open"
    assert await world.value("SELECT count(*) FROM session_record") == 1
    assert [row[0] for row in await world.rows("SELECT granularity FROM device_usage ORDER BY 1")] == [1, 2]
    world.pass_time(days=708)
    await retention.purge()
    assert [row[0] for row in await world.rows("SELECT granularity FROM device_usage")] == [2]
