"""Alerts on a real database: what is counted, what is told, what ends."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio

from audit_reading import acts_of
from motet.domain.alerts import AlertGrouping, AlertState
from motet.domain.errors import InvalidError, LimitReachedError, NotFoundError
from motet.domain.ids import IdGenerator
from motet.domain.states import EventSeverity, EventSource
from motet.fleet.alerts.alert_rule import MAX_RULES, AlertRuleChanges, AlertRuleService
from motet.fleet.alerts.alerting import Alerting
from motet.fleet.journal import Journal
from motet.storage.database import Database
from tenants import Tenant, Tenants

NOW = time.time()


@dataclass
class Recorder:
    """An outbox that keeps what webhooks would be told."""

    told: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def wants(self, workspace_id: int, event_type: str) -> bool:
        return True

    def rows_for(
        self, workspace_id: int, event_type: str, at_us: int, data: Mapping[str, Any]
    ) -> list[tuple[Any, ...]]:
        self.told.append((event_type, data))
        return []

    def wake(self) -> None: ...


class Watch:
    """A workspace whose time stands still until it is moved, and its alerts."""

    def __init__(self, database: Database, tenants: Tenants, tenant: Tenant) -> None:
        self.now = NOW
        self.outbox = Recorder()
        self.database, self.tenants, self.tenant = database, tenants, tenant
        self._ids = IdGenerator(7)
        journal = Journal(self._ids, self.outbox, clock=lambda: self.now)
        self.rules = AlertRuleService(database, self._ids, journal, clock=lambda: self.now)
        self.alerting = self.another()

    def another(self) -> Alerting:
        """An evaluator such as another node, or this one after a restart, has."""
        journal = Journal(self._ids, self.outbox, clock=lambda: self.now)
        return Alerting(self.database, self._ids, journal, clock=lambda: self.now)

    async def rule(self, **changes: Any) -> int:
        given = {"name": "refusals", "event_types": ["sms.refused"], **changes}
        return await self.rules.create(self.tenant.workspace_id, AlertRuleChanges(**given))

    async def event(self, event_type: str = "sms.refused", *, seconds: float = 1, **about: Any) -> int:
        """Something happens, so many seconds on; it is not heard yet."""
        self.now += seconds
        event_id = self._ids.next(int(self.now * 1_000))
        values = {"severity": 1, "device_id": None, "sim_id": None, **about}
        await self.tenants.execute(
            "INSERT INTO event (workspace_id, id, type, severity, device_id, sim_id, description)"
            " VALUES ($1, $2, $3, $4, $5, $6, 'why')",
            self.tenant.workspace_id, event_id, event_type, *values.values(),
        )  # fmt: skip
        return event_id

    async def heard(self, event_type: str = "sms.refused", **about: Any) -> int:
        event_id = await self.event(event_type, **about)
        self.alerting.heard(self.tenant.workspace_id, [event_id])
        await self.alerting.work()
        return event_id

    async def alerts(self) -> list[tuple[str, int]]:
        """(state, events) of every alert, oldest first."""
        rows = await self.database.pool.fetch("SELECT state, event_count FROM alert ORDER BY id")
        return [(AlertState(row["state"]).name, row["event_count"]) for row in rows]

    def told(self) -> list[str]:
        return [event_type for event_type, _ in self.outbox.told]


@pytest_asyncio.fixture
async def watch(database: Database) -> Watch:
    tenants = Tenants(database)
    tenant = await tenants.workspace("demo")
    watch = Watch(database, tenants, tenant)
    await watch.alerting.work()  # a first start notes where it begins
    return watch


async def test_the_first_event_of_a_group_is_told_and_the_rest_are_counted(watch: Watch) -> None:
    devices = [await watch.tenants.device(watch.tenant) for _ in range(2)]
    await watch.rule()
    for _ in range(3):
        await watch.heard(device_id=devices[0])
    await watch.heard(device_id=devices[1])
    assert await watch.alerts() == [("OPEN", 3), ("OPEN", 1)]
    assert watch.told() == ["alert.raised", "alert.raised"]
    event_type, data = watch.outbox.told[0]
    assert (event_type, data["severity"]) == ("alert.raised", "WARN")
    assert data["alert"] == {"rule": "refusals", "eventCount": 1}
    row = await watch.database.pool.fetchrow("SELECT * FROM event WHERE type = 'alert.raised' ORDER BY id LIMIT 1")
    assert row is not None
    assert (row["source"], row["actor"], row["device_id"]) == (EventSource.POLICY, None, devices[0])
    assert row["description"] == "An alert was raised: refusals"


async def test_a_rule_with_a_threshold_waits_for_so_many_events_within_its_window(watch: Watch) -> None:
    await watch.rule(threshold=3, window_s=60, group_by=AlertGrouping.WORKSPACE)
    await watch.heard()
    await watch.heard(seconds=50)
    await watch.heard(seconds=50)  # the first is out of the window
    assert await watch.alerts() == []
    await watch.heard(seconds=5)
    assert await watch.alerts() == [("OPEN", 3)]


async def test_an_event_counts_once_however_often_it_is_looked_at(watch: Watch) -> None:
    await watch.rule()
    event_id = await watch.heard()
    for evaluator in (watch.alerting, watch.another()):
        evaluator.heard(watch.tenant.workspace_id, [event_id, event_id])
        await evaluator.work()
    assert await watch.alerts() == [("OPEN", 1)]
    assert watch.told() == ["alert.raised"]


async def test_what_was_not_heard_is_read_after_a_restart(watch: Watch) -> None:
    await watch.rule()
    await watch.alerting.sweep()
    for _ in range(3):
        await watch.event()
    await watch.another().work()
    assert await watch.alerts() == [("OPEN", 3)]


async def test_more_than_memory_holds_is_read_from_the_table(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("motet.fleet.alerts.alerting.PENDING_EVENTS", 2)
    await watch.rule()
    ids = [await watch.event() for _ in range(5)]
    watch.alerting.heard(watch.tenant.workspace_id, ids)
    await watch.alerting.work()
    assert await watch.alerts() == [("OPEN", 5)]


async def test_a_rule_does_not_look_at_what_was_before_it(watch: Watch) -> None:
    event_id = await watch.event()
    watch.now += 1
    await watch.rule()
    watch.alerting.heard(watch.tenant.workspace_id, [event_id])
    await watch.alerting.work()
    assert await watch.alerts() == []


async def test_severity_tags_and_the_switch_narrow_a_rule(watch: Watch) -> None:
    tagged = await watch.tenants.device(watch.tenant, tags=["field", "north"])
    plain = await watch.tenants.device(watch.tenant)
    await watch.rule(name="tagged", device_tags=["field"])
    await watch.rule(name="critical", minimum_severity=EventSeverity.CRITICAL)
    await watch.rule(name="off", enabled=False)
    await watch.heard(device_id=plain)
    assert await watch.alerts() == []
    await watch.heard(device_id=tagged)
    await watch.heard(device_id=plain, severity=2)
    names = [row["rule_name"] for row in await watch.database.pool.fetch("SELECT rule_name FROM alert ORDER BY id")]
    assert names == ["tagged", "critical"]


async def test_a_quiet_alert_ends_and_the_next_event_raises_another(watch: Watch) -> None:
    await watch.rule(quiet_s=600)
    await watch.heard()
    watch.now += 599
    await watch.alerting.sweep()
    assert await watch.alerts() == [("OPEN", 1)]
    watch.now += 2
    await watch.alerting.sweep()
    assert await watch.alerts() == [("RESOLVED", 1)]
    await watch.heard()
    assert await watch.alerts() == [("RESOLVED", 1), ("OPEN", 1)]
    assert watch.told() == ["alert.raised", "alert.resolved", "alert.raised"]


async def test_an_event_that_says_that_all_is_well_ends_the_alert_of_its_group(watch: Watch) -> None:
    devices = [await watch.tenants.device(watch.tenant) for _ in range(2)]
    await watch.rule(event_types=["device.disabled"], resolved_by=["device.enabled"])
    for device_id in devices:
        await watch.heard("device.disabled", device_id=device_id)
    await watch.heard("device.enabled", device_id=devices[0])
    assert await watch.alerts() == [("RESOLVED", 1), ("OPEN", 1)]


async def test_an_older_word_that_all_is_well_ends_nothing(watch: Watch) -> None:
    await watch.rule(event_types=["device.disabled"], resolved_by=["device.enabled"])
    early = await watch.event("device.enabled")
    await watch.heard("device.disabled")
    watch.alerting.heard(watch.tenant.workspace_id, [early])
    await watch.alerting.work()
    assert await watch.alerts() == [("OPEN", 1)]


async def test_it_reminds_while_events_go_on_and_nobody_has_seen_it(watch: Watch) -> None:
    await watch.rule(remind_s=60)
    await watch.heard()
    await watch.heard(seconds=30)
    assert watch.told() == ["alert.raised"]
    await watch.heard(seconds=31)
    assert watch.told() == ["alert.raised", "alert.reminded"]
    alert_id = await watch.database.pool.fetchval("SELECT id FROM alert")
    await watch.rules.acknowledge(watch.tenant.workspace_id, "someone", alert_id)
    await watch.rules.acknowledge(watch.tenant.workspace_id, "someone", alert_id)
    await watch.heard(seconds=120)
    assert watch.told() == ["alert.raised", "alert.reminded", "alert.acknowledged"]
    assert await watch.alerts() == [("ACKNOWLEDGED", 4)]
    await watch.rules.resolve(watch.tenant.workspace_id, "someone", alert_id)
    await watch.rules.acknowledge(watch.tenant.workspace_id, "someone", alert_id)  # it is over: nothing to see
    assert await watch.alerts() == [("RESOLVED", 4)]


async def test_alerts_of_a_rule_that_is_gone_or_off_end(watch: Watch) -> None:
    gone, off = await watch.rule(), await watch.rule(name="off")
    await watch.heard()
    await watch.rules.delete(watch.tenant.workspace_id, gone)
    await watch.rules.update(watch.tenant.workspace_id, off, AlertRuleChanges(enabled=False))
    await watch.alerting.sweep()
    assert await watch.alerts() == [("RESOLVED", 1), ("RESOLVED", 1)]


async def test_alerts_raise_no_alerts(watch: Watch) -> None:
    await watch.rule(event_types=["*"], group_by=AlertGrouping.EVENT_TYPE)
    await watch.heard()
    raised = await watch.database.pool.fetchval("SELECT id FROM event WHERE type = 'alert.raised'")
    watch.alerting.heard(watch.tenant.workspace_id, [raised])
    await watch.alerting.work()
    assert await watch.alerts() == [("OPEN", 1)]


async def test_another_workspaces_events_are_not_looked_at(watch: Watch) -> None:
    other = await watch.tenants.workspace("other")
    await watch.rule()
    event_id = await watch.event()
    watch.alerting.heard(other.workspace_id, [event_id])
    await watch.alerting.work()
    assert await watch.alerts() == []


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"name": ""}, ("name",)),
        ({"name": " x"}, ("name",)),
        ({"event_types": []}, ("event_types",)),
        ({"event_types": ["sms.refused", "nonsense"]}, ("event_types", 1)),
        ({"event_types": ["alert.*"]}, ("event_types", 0)),
        ({"resolved_by": ["alert.raised"]}, ("resolved_by", 0)),
        ({"threshold": 0}, ("threshold",)),
        ({"window_s": 0}, ("window_s",)),
        ({"window_s": 86_401}, ("window_s",)),
        ({"quiet_s": 0}, ("quiet_s",)),
        ({"remind_s": 59}, ("remind_s",)),
        ({"device_tags": [""]}, ("device_tags",)),
        ({"device_tags": ["x"] * 21}, ("device_tags",)),
    ],
)
async def test_a_rule_that_makes_no_sense_is_refused(
    watch: Watch, changes: dict[str, Any], path: tuple[str | int, ...]
) -> None:
    with pytest.raises(InvalidError) as caught:
        await watch.rule(**changes)
    assert caught.value.path == path


async def test_rules_are_bounded_and_those_of_others_are_not_found(watch: Watch) -> None:
    for _ in range(MAX_RULES):
        rule_id = await watch.rule()
    with pytest.raises(LimitReachedError):
        await watch.rule()
    other = await watch.tenants.workspace("other")
    with pytest.raises(NotFoundError):
        await watch.rules.update(other.workspace_id, rule_id, AlertRuleChanges(threshold=2))
    with pytest.raises(NotFoundError):
        await watch.rules.delete(other.workspace_id, rule_id)


async def test_an_alert_that_is_raised_or_ends_is_in_the_audit_log_and_counting_is_not(watch: Watch) -> None:
    await watch.rule(resolved_by=["device.enabled"])
    for _ in range(3):
        await watch.heard()
    assert await acts_of(watch.database, "SYSTEM") == [
        (watch.tenant.workspace_id, "SYSTEM", "alerts", "alerting", {"alert.INSERT": 1})
    ]
