"""Sends what is due: claims deliveries, attempts them side by side, writes what became of them.

The queue is webhook_delivery itself. A claim is a lease in the row, so a dispatcher may be killed at any moment and
several may run on one database: a delivery is attempted at least once, and again when its lease runs out unsettled.
"""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import UTC, datetime

import structlog

from motet.access.secrets import SecretBox
from motet.domain.states import DeliveryStatus
from motet.storage import webhook, webhook_delivery
from motet.storage.acting import system_act
from motet.storage.database import LOST, Database, PooledConnection
from motet.storage.transaction import transaction
from motet.webhooks.ladder import retry_at
from motet.webhooks.places import PROMPT_S, Place, PlaceLimits, Places, WebhookKey
from motet.webhooks.posting import ATTEMPT_TIMEOUT_S, GONE, Outcome, Poster
from motet.webhooks.roster import Roster, Webhook

log = structlog.get_logger(__name__)

LEASE_S = ATTEMPT_TIMEOUT_S + 15.0
"""How long a claim holds: an attempt's time-out, and time to write the result."""

POLL_S = 1.0
"""Between rounds without news: how late deliveries committed by another node, or leases run out, are seen."""

AGENDA_LIMIT = 10_000
"""Webhooks with pending deliveries held in memory; more are gone through in turns."""

SWEEP_ROWS = 1_000
"""Deliveries ended by one statement when their webhook was disabled or deleted."""

DATABASE_PAUSE_S = 1.0

WRITE_S = 5.0
"""How long a stop waits for the results to be written; those that are not are made again when their lease is over."""


@dataclass(slots=True)
class Counters:
    """What happened since the start, for /metrics."""

    attempts: int = 0
    delivered: int = 0
    retried: int = 0
    dead: int = 0
    refused: int = 0
    disabled: int = 0

    def as_dict(self) -> dict[str, int]:
        return {item.name: getattr(self, item.name) for item in fields(self)}


_Result = tuple[int, int, int, int, datetime, int | None, str | None]
"""A row of `webhook_delivery.settle`."""


@dataclass(frozen=True, slots=True)
class _Attempted:
    """An attempt that is over, until its result is written. `outcome` None: given up half-way, at our own stop."""

    hook: Webhook
    delivery_id: int
    attempts: int
    place: Place
    ended_at: float
    outcome: Outcome | None

    @property
    def answered(self) -> bool:
        return self.outcome is not None and self.outcome.status is not None


class Dispatcher:
    """One node's sender of webhooks. `start` it, `stop` it once."""

    def __init__(
        self,
        database: Database,
        roster: Roster,
        poster: Poster,
        secret_box: SecretBox,
        woken: asyncio.Event,
        *,
        limits: PlaceLimits | None = None,
        lease_s: float = LEASE_S,
        clock: Callable[[], float] = time.time,
        dice: Callable[[], float] = random.random,
    ) -> None:
        """`woken` is the outbox's event; `clock` gives Unix seconds; `dice` numbers from 0 to 1 for the jitter."""
        self.counters = Counters()
        self._database = database
        self._roster = roster
        self._poster = poster
        self._secret_box = secret_box
        self._woken = woken
        self._lease_s = lease_s
        self._clock = clock
        self._dice = dice
        self._places = Places(limits)
        self._agenda: dict[WebhookKey, float] = {}
        self._scan_after: WebhookKey = (0, 0)
        self._scan_due = 0.0
        self._freed = asyncio.Event()
        self._over: list[_Attempted] = []
        self._over_filled = asyncio.Event()
        self._attempts: set[asyncio.Task[None]] = set()
        self._loops: list[asyncio.Task[None]] = []
        self._stopping = False

    @property
    def in_flight(self) -> int:
        """Attempts under way, with those whose result is not written yet."""
        return self._places.in_flight

    def start(self) -> None:
        self._loops = [asyncio.create_task(self._claim_loop()), asyncio.create_task(self._settle_loop())]

    async def stop(self, grace_s: float = 5.0) -> None:
        """Claim no more, let attempts end for `grace_s`, give up the rest (due again at once), write all results."""
        self._stopping = True
        claiming, *_ = self._loops
        claiming.cancel()
        await asyncio.gather(claiming, return_exceptions=True)
        if self._attempts:
            _, late = await asyncio.wait(self._attempts, timeout=grace_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self._over_filled.set()
        await asyncio.wait(self._loops, timeout=WRITE_S)
        for task in self._loops:
            task.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)

    # Claiming ---------------------------------------------------------------------------------------------------------

    async def _claim_loop(self) -> None:
        while True:
            try:
                pause = await self._round()
            except LOST as error:
                log.warning("webhook_round_failed", error=str(error))
                pause = DATABASE_PAUSE_S
            except Exception:
                log.exception("webhook_round_failed")
                pause = DATABASE_PAUSE_S
            await self._rest(pause)

    async def _rest(self, pause: float) -> None:
        """Until rows were committed, a place was freed, or the time is over."""
        if pause <= 0:
            await asyncio.sleep(0)
            return
        waits = [asyncio.create_task(event.wait()) for event in (self._woken, self._freed)]
        try:
            await asyncio.wait(waits, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _round(self) -> float:
        """Look, claim and begin once; the seconds until the next round if nothing happens."""
        self._freed.clear()
        now = self._clock()
        async with self._database.pool.acquire() as connection:
            if self._woken.is_set() or now >= self._scan_due:
                self._woken.clear()
                await self._scan(connection, now)
            room = await self._allot(connection, now)
            if room:
                await self._claim(connection, room, now)
        pause = self._scan_due - self._clock()
        if self._agenda:
            upcoming = min((due for key, due in self._agenda.items() if self._places.room(key)), default=pause + now)
            pause = min(pause, upcoming - self._clock())
        return pause

    async def _scan(self, connection: PooledConnection, now: float) -> None:
        entries = await webhook_delivery.agenda(connection, self._scan_after, AGENDA_LIMIT)
        self._agenda = {key: due.timestamp() for key, due in entries}
        self._scan_after = entries[-1][0] if len(entries) == AGENDA_LIMIT else (0, 0)
        self._scan_due = now + POLL_S

    async def _allot(self, connection: PooledConnection, now: float) -> list[tuple[int, int, int]]:
        """How many deliveries to take of each webhook with some due, the longest due first."""
        due = sorted((at, key) for key, at in self._agenda.items() if at <= now)
        if any(self._roster.get(key) is None for _, key in due):
            await self._roster.read_by(connection)
        share = max(1, PlaceLimits().prompt // max(1, len(due)))
        room: list[tuple[int, int, int]] = []
        reserved: list[Place] = []
        for _, key in due:
            if self._roster.get(key) is None:
                await self._sweep(connection, key)
                continue
            places = min(share, self._places.room(key))
            if places:
                reserved += [self._places.take(key) for _ in range(places)]
                room.append((*key, places))
        for place in reserved:
            self._places.give_back(place, answered=False)
        return room

    async def _sweep(self, connection: PooledConnection, key: WebhookKey) -> None:
        """End pending deliveries of a webhook that is disabled or gone."""
        killed = await webhook_delivery.kill_pending(connection, *key, "the webhook is disabled", SWEEP_ROWS)
        deleted = await webhook_delivery.delete_orphans(connection, *key, SWEEP_ROWS)
        self.counters.dead += killed
        if killed + deleted < SWEEP_ROWS:
            self._agenda.pop(key, None)

    async def _claim(self, connection: PooledConnection, room: list[tuple[int, int, int]], now: float) -> None:
        rows = await webhook_delivery.claim(connection, room, now=_at(now), lease_until=_at(now + self._lease_s))
        taken: dict[WebhookKey, int] = {}
        for row in rows:
            key = (row["workspace_id"], row["webhook_id"])
            taken[key] = taken.get(key, 0) + 1
            hook = self._roster.get(key)
            if hook is not None:
                self._begin(hook, row["id"], row["attempts"], row["body"])
        for workspace_id, webhook_id, places in room:
            if taken.get((workspace_id, webhook_id), 0) < places:  # nothing more is due: the next scan says when
                self._agenda.pop((workspace_id, webhook_id), None)

    # Attempting -------------------------------------------------------------------------------------------------------

    def _begin(self, hook: Webhook, delivery_id: int, attempts: int, body: bytes) -> None:
        place = self._places.take(hook.key)
        task = asyncio.create_task(self._attempt(hook, delivery_id, attempts, body, place))
        self._attempts.add(task)
        task.add_done_callback(self._attempts.discard)

    async def _attempt(self, hook: Webhook, delivery_id: int, attempts: int, body: bytes, place: Place) -> None:
        self.counters.attempts += 1
        turning = asyncio.get_running_loop().call_later(PROMPT_S, self._turn_slow, place)
        outcome: Outcome | None = None
        try:
            key = self._secret_box.decrypt(hook.secret_encrypted)
            outcome = await self._poster.post(hook.url, key, delivery_id, int(self._clock()), body)
        except Exception:
            log.exception("webhook_attempt_failed", webhook_id=hook.id, delivery_id=delivery_id)
            outcome = Outcome(None, "internal error")
        finally:
            turning.cancel()
            self._over.append(_Attempted(hook, delivery_id, attempts, place, self._clock(), outcome))
            self._over_filled.set()

    def _turn_slow(self, place: Place) -> None:
        self._places.turn_slow(place)
        self._freed.set()

    # Settling ---------------------------------------------------------------------------------------------------------

    async def _settle_loop(self) -> None:
        """Write results in groups: all that came while the group before was written. Bounded by the places."""
        while not (self._stopping and not self._over and not self._attempts):
            await self._over_filled.wait()
            self._over_filled.clear()
            group, self._over = self._over, []
            while group:
                try:
                    await self._settle(group)
                    break
                except LOST as error:
                    log.warning("webhook_results_not_written", error=str(error))
                except Exception:
                    log.exception("webhook_results_not_written")
                await asyncio.sleep(DATABASE_PAUSE_S)

    async def _settle(self, group: list[_Attempted]) -> None:
        results = [self._result(attempted) for attempted in group]
        gone = {attempted.hook.key for attempted in group if attempted.outcome and attempted.outcome.status == GONE}
        async with self._database.pool.acquire() as connection:
            await webhook_delivery.settle(connection, results)
        for key in gone:
            async with transaction(self._database, act=system_act("webhookGone", "webhooks")) as connection:
                await self._disable(connection, key)
        for attempted, result in zip(group, results, strict=True):
            self._count(attempted, result)
            self._places.give_back(attempted.place, answered=attempted.answered)
            if result[3] == DeliveryStatus.PENDING:
                due = result[4].timestamp()
                self._agenda[attempted.hook.key] = min(due, self._agenda.get(attempted.hook.key, due))
        self._freed.set()

    def _result(self, attempted: _Attempted) -> _Result:
        """The row of `webhook_delivery.settle`: the decision of what follows from the outcome."""
        outcome, ended_at = attempted.outcome, attempted.ended_at
        status, next_at = DeliveryStatus.PENDING, ended_at
        if outcome is not None:
            later = retry_at(attempted.attempts, ended_at, self._dice())
            if outcome.delivered:
                status = DeliveryStatus.DELIVERED
            elif outcome.status == GONE or later is None:
                status = DeliveryStatus.DEAD
            else:
                next_at = later
        hook = attempted.hook
        return (
            hook.workspace_id,
            attempted.delivery_id,
            attempted.attempts,
            int(status),
            _at(next_at),
            outcome.status if outcome else None,
            outcome.error if outcome else "given up at a stop of the gateway",
        )

    def _count(self, attempted: _Attempted, result: _Result) -> None:
        counters, status = self.counters, result[3]
        if status == DeliveryStatus.DELIVERED:
            counters.delivered += 1
        elif status == DeliveryStatus.DEAD:
            counters.dead += 1
        else:
            counters.retried += 1
        if attempted.outcome is not None and attempted.outcome.refused:
            counters.refused += 1

    async def _disable(self, connection: PooledConnection, key: WebhookKey) -> None:
        """The target answered 410: it wants nothing more."""
        if await webhook.disable(connection, *key, "the target answered 410 Gone"):
            self.counters.disabled += 1
            log.info("webhook_disabled", workspace_id=key[0], webhook_id=key[1])
        await self._roster.read_by(connection)
        self._agenda[key] = self._clock()  # its pending deliveries are swept in the next round


def _at(unix_s: float) -> datetime:
    return datetime.fromtimestamp(unix_s, UTC)
