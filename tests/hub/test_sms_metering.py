"""SMS against quotas and monthly limits: what the next one meets, what is counted, and what a crash leaves."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from hub_world import CODE, Carrier, Esme, World, phone, turn, until
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from motet.domain.ids import IdGenerator
from motet.domain.refusals import Refusal
from motet.domain.traffic_rules import Traffic
from motet.fleet.journal import Journal
from motet.fleet.usage import counting as counting_module
from motet.fleet.usage.counting import Counting, Progress
from motet.hub.desk import ReplaceRequest
from motet.hub.hub import Hub
from motet.hub.requests import SendRequest

LONG = b"x" * 300
"""Two parts in GSM 7-bit, each of 153 septets."""


class BrokenError(Exception):
    """A fault that the test makes."""


class Counted:
    """A hub with its counting, and the fleet's changes."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.ids = IdGenerator(900)

    def counting(self, hub: Hub) -> Counting:
        return Counting(
            self.world.database,
            Journal(self.ids, clock=self.clock),
            lambda: Progress(hub.incarnation, *hub.committed_to()),
            hub.meters,
            clock=self.clock,
        )

    def clock(self) -> float:
        return self.world.now_us() / 1e6

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), UTC)

    async def device(self, number: int = 1) -> int:
        return int(await self.world.value("SELECT device_id FROM sim WHERE msisdn = $1", phone(number)))

    async def policy(self, **columns: Any) -> None:
        for name, value in columns.items():
            await self.world.database.pool.execute(
                f"UPDATE service_policy SET {name} = $2 WHERE id = $1",  # noqa: S608 - of the test
                self.world.workspace_id, value,
            )  # fmt: skip
        self.changed()

    def changed(self) -> None:
        for hub in self.world.hubs:
            hub.fleet_changed()

    async def quota(self, volume: int, **more: Any) -> int:
        quota_id = self.ids.next(int(self.clock() * 1_000))
        if "pool_id" not in more and "device_id" not in more:
            more["device_id"] = await self.device()
        columns = {
            "workspace_id": self.world.workspace_id, "id": quota_id, "service": 1, "volume": volume,
            "refill_volume": volume, "refill": 0, "status": 0, "status_changed_at": self.now(), "action": 0,
            "period_started_at": self.now(), **more,
        }  # fmt: skip
        names, marks = ", ".join(columns), ", ".join(f"${n}" for n in range(1, len(columns) + 1))
        await self.world.database.pool.execute(
            f"INSERT INTO quota ({names}) VALUES ({marks})",  # noqa: S608
            *columns.values(),
        )
        self.changed()
        return quota_id

    async def used(self, quota_id: int) -> int:
        return int(await self.world.value("SELECT used FROM quota WHERE id = $1", quota_id))

    async def events(self, like: str = "quota.%") -> list[str]:
        return [r["type"] for r in await self.world.rows("SELECT type FROM event WHERE type LIKE $1 ORDER BY id", like)]


@pytest_asyncio.fixture
async def counted(world: World) -> Counted:
    await world.database.pool.execute("DELETE FROM quota; DELETE FROM quota_pool")  # the demo's sample
    return Counted(world)


async def outcome(esme: Esme, text: bytes = b"hello", to: str | None = None) -> Refusal | None:
    """Hand in one message and wait for what comes of it."""
    token = esme.submit(text, to)
    await until(lambda: token in esme.ids or token in esme.refusals)
    return esme.refusals.get(token)


async def outcomes(esme: Esme, count: int) -> list[Refusal | None]:
    """The same of many at once."""
    tokens = [esme.submit() for _ in range(count)]
    await until(lambda: all(token in esme.ids or token in esme.refusals for token in tokens))
    return [esme.refusals.get(token) for token in tokens]


async def check_raw(world: World) -> None:
    """Every hour, day and month is the sum of its messages."""
    for granularity, unit in enumerate(("hour", "day", "month")):
        raw = await world.rows(
            "SELECT workspace_id, device_id, sim_id, date_trunc($1, submitted_at) AS start,"
            " count(*) FILTER (WHERE direction = 0), coalesce(sum(part_count) FILTER (WHERE direction = 0), 0)::bigint,"
            " count(*) FILTER (WHERE direction = 1), coalesce(sum(part_count) FILTER (WHERE direction = 1), 0)::bigint"
            " FROM message WHERE device_id <> 0 AND (direction = 0 OR state = 7) GROUP BY 1, 2, 3, 4"
            " ORDER BY 1, 2, 3, 4",
            unit,
        )
        rolled = await world.rows(
            "SELECT workspace_id, device_id, sim_id, start, sms_mt, sms_mt_parts, sms_mo, sms_mo_parts"
            " FROM device_usage WHERE granularity = $1 ORDER BY 1, 2, 3, 4",
            granularity,
        )
        assert [tuple(row) for row in rolled] == [tuple(row) for row in raw]
        whole = await world.rows(
            "SELECT workspace_id, start, sms_mt_parts, sms_mo_parts FROM workspace_usage WHERE granularity = $1",
            granularity,
        )
        sums: dict[tuple[int, object], list[int]] = {}
        for row in raw:
            both = sums.setdefault((row[0], row[3]), [0, 0])
            both[0] += row[5]
            both[1] += row[7]
        assert {(row[0], row[1]): [row[2], row[3]] for row in whole} == sums


# Quotas -------------------------------------------------------------------------------------------------------------


async def test_a_quota_lets_as_many_parts_pass_as_it_has_and_refuses_the_next_one(
    world: World, counted: Counted
) -> None:
    hub = await world.hub()
    counting, esme = counted.counting(hub), world.esme(hub)
    await counted.policy(apply_sms_quota=True)
    assert await outcome(esme) is Refusal.NO_QUOTA
    quota = await counted.quota(10, thresholds=[50])
    results = await outcomes(esme, 25)
    assert (results.count(None), results.count(Refusal.QUOTA_USED_UP)) == (10, 15)
    await counting.tick()
    assert await counted.used(quota) == 10
    assert await outcome(esme) is Refusal.QUOTA_USED_UP
    assert await counted.events() == ["quota.sms_threshold_reached", "quota.sms_used_up"]
    reasons = {r["data"]["reason"] for r in await world.rows("SELECT data FROM event WHERE type = 'sms.refused'")}
    assert reasons == {"NO_QUOTA", "QUOTA_USED_UP"}
    assert await world.value("SELECT count(*) FROM message") == 10, "a refused submit stores no message"
    await check_raw(world)


async def test_a_top_up_lets_the_next_one_pass_at_once(world: World, counted: Counted) -> None:
    hub = await world.hub()
    counting, esme = counted.counting(hub), world.esme(hub)
    await counted.policy(apply_sms_quota=True)
    quota = await counted.quota(2)
    assert (await outcomes(esme, 3)).count(None) == 2
    for added, ticks in ((1, False), (2, True), (1, False)):
        if ticks:
            await counting.tick()
        await world.database.pool.execute(
            "UPDATE quota SET volume = volume + $2, status = 0 WHERE id = $1", quota, added
        )
        counted.changed()
        assert (await outcomes(esme, 4)).count(None) == added
    await counting.tick()
    assert await counted.used(quota) == 6


async def test_parts_are_charged_and_the_last_message_passes_whole(world: World, counted: Counted) -> None:
    hub = await world.hub()
    counting, esme = counted.counting(hub), world.esme(hub)
    await counted.policy(apply_sms_quota=True)
    quota = await counted.quota(3)
    assert await outcome(esme, LONG) is None
    assert await outcome(esme, LONG) is None
    assert await outcome(esme) is Refusal.QUOTA_USED_UP
    await counting.tick()
    assert await counted.used(quota) == 4


async def test_a_pool_is_shared_and_mo_use_it_up_too(world: World, counted: Counted) -> None:
    hub = await world.hub()
    counting, esme, carrier = counted.counting(hub), world.esme(hub), Carrier(hub).up()
    await counted.policy(apply_sms_quota=True)
    await world.database.pool.execute("UPDATE device SET tags = '{pooled}' WHERE workspace_id = $1", world.workspace_id)
    await world.database.pool.execute(
        "INSERT INTO quota_pool (workspace_id, id, name, tag) VALUES ($1, 1, 'p', 'pooled')", world.workspace_id
    )
    quota = await counted.quota(3, device_id=None, pool_id=1)
    assert [await outcome(esme, to=phone(n)) for n in (1, 2)] == [None, None]
    for token in (carrier.mo(phone(3), CODE, b"a"), carrier.mo(phone(4), CODE, b"b")):
        await until(lambda t=token: t in carrier.acks)
    rows = await world.rows("SELECT state, error FROM message WHERE direction = 1 ORDER BY id")
    assert [tuple(row) for row in rows] == [(7, None), (5, "QUOTA_USED_UP")]
    await counting.tick()
    assert await counted.used(quota) == 3
    await check_raw(world)


async def test_a_throttled_quota_lets_a_minutes_worth_pass(world: World, counted: Counted) -> None:
    hub = await world.hub()
    esme = world.esme(hub)
    await counted.policy(apply_sms_quota=True)
    await counted.quota(1, action=1, throttle_rate=3)
    results = await outcomes(esme, 8)
    assert results == [None] * 4 + [Refusal.QUOTA_THROTTLED] * 4
    world.pass_time(20)
    assert await outcomes(esme, 2) == [None, Refusal.QUOTA_THROTTLED]
    world.pass_time(600)
    assert (await outcomes(esme, 8)).count(None) == 3


async def test_a_quota_is_refilled_at_its_time_and_ends_at_its_end(world: World, counted: Counted) -> None:
    hub = await world.hub()
    counting, esme = counted.counting(hub), world.esme(hub)
    await counted.policy(apply_sms_quota=True)
    due = counted.now() + timedelta(hours=2)
    end = counted.now() + timedelta(days=3)
    quota = await counted.quota(2, refill=1, time_zone="Asia/Kolkata", next_refill_at=due, due_at=due, expires_at=end)
    assert (await outcomes(esme, 3)).count(None) == 2
    world.pass_time(2 * 3_600)
    assert (await outcomes(esme, 3)).count(None) == 2, "the counter in memory knows of the refill by itself"
    await counting.tick()
    assert await counted.used(quota) == 2
    world.pass_time(3 * 86_400)
    assert await outcome(esme) is Refusal.QUOTA_EXPIRED
    await counting.tick()
    assert await outcome(esme) is Refusal.QUOTA_EXPIRED
    assert (await counted.events())[-1] == "quota.sms_expired"


async def test_what_is_not_stored_is_given_back(world: World, counted: Counted) -> None:
    hub = await world.hub()
    await counted.policy(apply_sms_quota=True)
    await counted.quota(2)
    request = SendRequest(workspace_id=world.workspace_id, msisdn=phone(), text="once", idempotency_key="k")
    first, second = await asyncio.gather(hub.send(request), hub.send(request))
    assert first == second
    assert await outcomes(world.esme(hub), 2) == [None, Refusal.QUOTA_USED_UP]


async def test_an_explanation_counts_what_is_not_in_the_database_yet(world: World, counted: Counted) -> None:
    hub = await world.hub()
    esme = world.esme(hub)
    await counted.policy(apply_sms_quota=True, sms_mt_limit_per_month=50)

    async def said() -> tuple[str | None, dict[str, bool | None]]:
        found = await hub.explain(world.workspace_id, msisdn=phone())
        assert found is not None
        return found.reason, {d.name: d.met for d in found.decisions if d.name in ("MONTH_LIMIT", "SMS_QUOTA")}

    assert await said() == ("NO_QUOTA", {"MONTH_LIMIT": True, "SMS_QUOTA": False})
    await counted.quota(1)
    assert await said() == (None, {"MONTH_LIMIT": True, "SMS_QUOTA": True})
    await outcome(esme)
    assert await said() == ("QUOTA_USED_UP", {"MONTH_LIMIT": True, "SMS_QUOTA": False})
    await counted.policy(apply_sms_quota=False, sms_mt_limit_per_month=1)
    assert await said() == ("MONTH_LIMIT_REACHED", {"MONTH_LIMIT": False, "SMS_QUOTA": None})


async def test_an_explanation_of_data_looks_at_the_quota_and_limit_of_data(world: World, counted: Counted) -> None:
    hub = await world.hub()

    async def said() -> tuple[str | None, bool | None, bool | None]:
        found = await hub.explain(world.workspace_id, msisdn=phone(), kind=Traffic.DATA)
        assert found is not None
        met = {d.name: d.met for d in found.decisions}
        return found.reason, met["MONTH_LIMIT"], met["DATA_QUOTA"]

    await counted.policy(apply_sms_quota=True)
    assert await said() == (None, None, None)
    await counted.policy(apply_data_quota=True)
    assert await said() == ("NO_QUOTA", None, False)
    await counted.quota(100, service=0)
    assert await said() == (None, None, True)
    await counted.policy(data_limit_per_month_octets=0)
    assert await said() == ("MONTH_LIMIT_REACHED", False, True)


# Monthly limits -----------------------------------------------------------------------------------------------------


async def test_a_monthly_limit_counts_what_passed_before_it_was_set(world: World, counted: Counted) -> None:
    hub = await world.hub()
    counting, esme = counted.counting(hub), world.esme(hub)
    assert await outcomes(esme, 3) == [None] * 3
    await counting.tick()
    await counted.policy(sms_mt_limit_per_month=5, limit_warning_percent=80)
    results = await outcomes(esme, 4)
    assert results == [None, None, Refusal.MONTH_LIMIT_REACHED, Refusal.MONTH_LIMIT_REACHED]
    assert await outcome(esme, to=phone(2)) is None, "each device has a limit of its own"
    await counting.tick()
    await counting.tick()
    assert await counted.events() == ["quota.limit_reached"]
    assert await outcome(esme) is Refusal.MONTH_LIMIT_REACHED
    now = counted.now()
    following = (now.replace(day=1) + timedelta(days=32)).replace(day=1, hour=0, minute=0, second=1)
    world.pass_time((following - now).total_seconds())
    assert await outcome(esme) is None, "another month"


async def test_a_limit_warns_before_it_is_reached(world: World, counted: Counted) -> None:
    hub = await world.hub()
    counting, esme = counted.counting(hub), world.esme(hub)
    await counted.policy(sms_mt_limit_per_month=5, limit_warning_percent=80)
    for _ in range(2):
        await outcomes(esme, 2)
        await counting.tick()
    assert await counted.events() == ["quota.limit_warning"]


# Counting -----------------------------------------------------------------------------------------------------------


async def test_an_incarnation_that_was_killed_is_counted_by_the_next_one(world: World, counted: Counted) -> None:
    hub = await world.hub()
    esme = world.esme(hub)
    await counted.policy(apply_sms_quota=True)
    quota = await counted.quota(10)
    await counted.counting(hub).tick()
    await outcomes(esme, 3)
    await counted.counting(hub).tick()
    await outcomes(esme, 4)
    await world.kill(hub)
    hub = await world.hub()
    await counted.counting(hub).tick()
    assert await counted.used(quota) == 7
    results = await outcomes(world.esme(hub), 5)
    assert results.count(None) == 3
    await counted.counting(hub).tick()
    await check_raw(world)


async def test_two_nodes_count_the_same_dead_one_once(world: World, counted: Counted) -> None:
    first = await world.hub()
    await outcomes(world.esme(first), 5)
    await world.kill(first)
    hubs = [await world.hub(), await world.hub()]
    await asyncio.gather(*(counted.counting(hub).tick() for hub in hubs for _ in range(3)))
    await check_raw(world)
    assert await world.value("SELECT sum(sms_mt) FROM workspace_usage WHERE granularity = 2") == 5


async def test_a_count_that_fails_is_made_again(
    world: World, counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = await world.hub()
    await outcomes(world.esme(hub), 5)
    counting = counted.counting(hub)

    async def fail(*_: object, **__: object) -> None:
        raise BrokenError

    with monkeypatch.context() as broken:
        broken.setattr(counting_module.usage, "move_mark", fail)
        with pytest.raises(BrokenError):
            await counting.tick()
    assert await world.value("SELECT count(*) FROM device_usage") == 0
    await counting.tick()
    await check_raw(world)


async def test_a_text_that_is_replaced_counts_with_the_parts_that_it_has_then(world: World, counted: Counted) -> None:
    hub = await world.hub()
    counting, esme = counted.counting(hub), world.esme(hub)
    ids = [await esme.send(b"short"), await esme.send(b"short")]
    await counting.tick()
    ids.append(await esme.send(b"short"))
    for message_id in ids[1:]:
        request = ReplaceRequest(LONG, 0, None, None)
        await hub.requests.replace(world.workspace_id, world.account_id, message_id, "", request)
    await counting.tick()
    assert await world.value("SELECT sum(sms_mt_parts) FROM workspace_usage WHERE granularity = 0") == 5
    await check_raw(world)


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(steps=st.lists(st.sampled_from(["send", "long", "mo", "p2p", "tick", "kill", "top up"]), max_size=25))
async def test_roll_ups_are_the_sums_of_the_messages_whatever_happens(
    world: World, counted: Counted, steps: list[str]
) -> None:
    await counted.policy(apply_sms_quota=True)
    await world.database.pool.execute("DELETE FROM quota")
    quota = await counted.quota(8)
    passed = "SELECT coalesce(sum(part_count), 0) FROM message WHERE device_id = $1 AND (direction = 0 OR state = 7)"
    before = int(await world.value(passed, await counted.device()))
    hub = await world.hub()
    esme, carrier = world.esme(hub), Carrier(hub, size=1_000).up()
    allowed = 8
    for step in steps:
        if step in ("send", "long"):
            await outcome(esme, LONG if step == "long" else b"x")
        elif step in ("mo", "p2p"):
            token = carrier.mo(phone(), CODE if step == "mo" else phone(2), b"x")
            await until(lambda t=token, c=carrier: t in c.acks)
        elif step == "tick":
            await counted.counting(hub).tick()
        elif step == "top up":
            allowed += 3
            await world.database.pool.execute("UPDATE quota SET volume = volume + 3 WHERE id = $1", quota)
            counted.changed()
        else:
            await world.kill(hub)
            hub = await world.hub()
            await counted.counting(hub).tick()
            esme, carrier = world.esme(hub), Carrier(hub, size=1_000).up()
    await turn()
    await counted.counting(hub).tick()
    await check_raw(world)
    used = await counted.used(quota)
    assert used == int(await world.value(passed, await counted.device())) - before
    assert used <= allowed + 1, "the last message passes whole"
    await world.kill(hub)
