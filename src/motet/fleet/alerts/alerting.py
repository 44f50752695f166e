"""Raises alerts: looks at each event once for each rule, tells the first of a group and counts the rest with it.

An event is counted in the transaction that raises the alert, under its own id, so neither a second look (after a lost
connection, a restart, or by another node) nor a kill in between counts or tells it twice, or not at all.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import structlog

from motet.domain.alerts import AlertRule, AlertState, EventFacts, findings_of
from motet.domain.event_types import ALERT_RAISED, ALERT_REMINDED, ALERT_RESOLVED
from motet.domain.ids import IdGenerator, first_id_at, unix_ms_of
from motet.fleet.alerts.alert_rule import LONGEST_WINDOW_S, told
from motet.fleet.journal import Change, Journal
from motet.storage import alert, alert_rule
from motet.storage.acting import system_act
from motet.storage.alert import Raised
from motet.storage.database import LOST, Database, PooledConnection
from motet.storage.transaction import transaction

log = structlog.get_logger(__name__)

PENDING_EVENTS = 50_000
"""Ids that wait in memory; past that they are read from the table again."""

BATCH_EVENTS = 500
"""Events of one transaction."""

SWEEP_S = 5.0
"""How often quiet alerts are ended and the progress is noted."""

SLACK_MS = 60_000
"""How long before now the noted progress is: an id is made before its transaction commits."""

ENDED_AT_ONCE = 1_000
PURGED_AT_ONCE = 10_000
RETRY_S = 1.0


class Alerting:
    """Follows the feed of events. Any number of nodes may run it at once."""

    def __init__(
        self, database: Database, ids: IdGenerator, journal: Journal, *, clock: Callable[[], float] = time.time
    ) -> None:
        """`clock` gives Unix seconds."""
        self._database = database
        self._ids = ids
        self._journal = journal
        self._clock = clock
        self._pending: list[tuple[int, int]] = []
        self._behind = True
        """Some were not heard: read them from where the progress was noted."""
        self._wake = asyncio.Event()

    def heard(self, workspace_id: int, event_ids: Sequence[int]) -> None:
        """These were committed."""
        if len(self._pending) + len(event_ids) > PENDING_EVENTS:
            self._behind = True
        else:
            self._pending.extend((workspace_id, event_id) for event_id in event_ids)
        self._wake.set()

    def missed(self) -> None:
        """Some were never heard."""
        self._behind = True
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            try:
                await self.work()
            except LOST as error:
                self._behind = True  # what was taken from memory is read again
                log.warning("alerts are late", error=repr(error)[:200])
                await asyncio.sleep(RETRY_S)
                continue
            self._wake.clear()
            if not self._pending and not self._behind:
                try:
                    await asyncio.wait_for(self._wake.wait(), SWEEP_S)
                except TimeoutError:
                    await self._swept()

    async def _swept(self) -> None:
        try:
            await self.sweep()
        except LOST as error:
            log.warning("quiet alerts were not ended", error=repr(error)[:200])

    async def work(self) -> None:
        """Look at all that was heard, and at what was missed."""
        if self._behind:
            self._behind = False
            await self._catch_up()
        pending, self._pending = self._pending, []
        by_workspace: dict[int, list[int]] = {}
        for workspace_id, event_id in pending:
            by_workspace.setdefault(workspace_id, []).append(event_id)
        for workspace_id, event_ids in by_workspace.items():
            for start in range(0, len(event_ids), BATCH_EVENTS):
                await self._look_at(workspace_id, event_ids[start : start + BATCH_EVENTS])

    async def sweep(self) -> None:
        """End what has been quiet, note how far we are, forget what no window reaches."""
        now = self._now()
        async with transaction(self._database, act=system_act("alerting", "alerts")) as connection:
            ended = await alert.end_quiet(connection, now, ENDED_AT_ONCE)
            for each in ended:
                await self._journal.write(connection, each.workspace_id, None, [told(ALERT_RESOLVED, each)])
            if not self._behind and not self._pending:
                await alert.set_progress(connection, _id_before(now, SLACK_MS))
            await alert.purge_matches(connection, _id_before(now, LONGEST_WINDOW_S * 1_000 + SLACK_MS), PURGED_AT_ONCE)
        if ended:
            self._journal.committed()

    async def _catch_up(self) -> None:
        """Read from the table what was committed since the progress was noted."""
        async with self._database.pool.acquire() as connection:
            since = await alert.progress(connection)
            if since is None:
                await alert.set_progress(connection, _id_before(self._now(), SLACK_MS))
                return
            workspaces = await alert_rule.workspaces(connection)
        since = max(since, _id_before(self._now(), LONGEST_WINDOW_S * 1_000))
        for workspace_id in workspaces:
            after = since
            while True:
                async with transaction(self._database, act=system_act("alerting", "alerts")) as connection:
                    facts = await alert.facts_from(connection, workspace_id, after, BATCH_EVENTS)
                    await self._judge(connection, workspace_id, facts)
                self._journal.committed()
                if len(facts) < BATCH_EVENTS:
                    break
                after = facts[-1].id

    async def _look_at(self, workspace_id: int, event_ids: Sequence[int]) -> None:
        async with transaction(self._database, act=system_act("alerting", "alerts")) as connection:
            if not await alert_rule.enabled(connection, workspace_id):
                return
            facts = await alert.facts(connection, workspace_id, event_ids)
            await self._judge(connection, workspace_id, facts)
        self._journal.committed()

    async def _judge(self, connection: PooledConnection, workspace_id: int, facts: Sequence[EventFacts]) -> None:
        changes: list[Change] = []
        for rule_id, rule in (await alert_rule.enabled(connection, workspace_id)).items():
            made_at = unix_ms_of(rule_id)
            findings = findings_of(rule, [each for each in facts if unix_ms_of(each.id) >= made_at])
            for key, matches in findings.matches.items():
                changes += await self._count(connection, workspace_id, rule_id, rule, key, matches)
            for key, event_id in findings.ends.items():
                ended = await alert.end_group(connection, workspace_id, rule_id, key, event_id, self._now())
                changes += [] if ended is None else [told(ALERT_RESOLVED, ended)]
        if changes:
            await self._journal.write(connection, workspace_id, None, changes)

    async def _count(
        self,
        connection: PooledConnection,
        workspace_id: int,
        rule_id: int,
        rule: AlertRule,
        key: str,
        matches: Sequence[EventFacts],
    ) -> list[Change]:
        """Count the events for their group, and raise its alert or add them to the one that lasts."""
        fresh = await alert.add_matches(connection, workspace_id, rule_id, key, [each.id for each in matches])
        if not fresh:
            return []
        newest = next(each for each in matches if each.id == fresh[-1])
        newest_at, now = _time_of(newest.id), self._now()
        lasting = await alert.add_events(connection, workspace_id, rule_id, key, len(fresh), newest.id, newest_at)
        since = first_id_at(unix_ms_of(newest.id) - rule.window_s * 1_000)
        if lasting is None:
            count = await alert.count_matches(connection, workspace_id, rule_id, key, since, rule.threshold)
            if count < rule.threshold:
                return []
        raised = Raised(
            workspace_id, self._ids.next(int(self._clock() * 1_000)) if lasting is None else lasting.id, rule_id, key,
            rule.severity, rule.name, len(fresh) if lasting is None else lasting.event_count, _time_of(fresh[0]),
            newest_at, newest.id, now, newest.device_id, newest.sim_id,
        )  # fmt: skip
        if lasting is None:
            raised = raised._replace(event_count=max(count, len(fresh)))
            return [told(ALERT_RAISED, raised)] if await alert.insert(connection, raised) else []
        reminds = rule.remind_s is not None and now - lasting.told_at >= timedelta(seconds=rule.remind_s)
        if not reminds or lasting.state != AlertState.OPEN:
            return []
        await alert.tell_again(connection, workspace_id, lasting.id, now)
        return [told(ALERT_REMINDED, raised)]

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)


def _time_of(event_id: int) -> datetime:
    return datetime.fromtimestamp(unix_ms_of(event_id) / 1_000, UTC)


def _id_before(moment: datetime, milliseconds: int) -> int:
    return first_id_at(int(moment.timestamp() * 1_000) - milliseconds)
