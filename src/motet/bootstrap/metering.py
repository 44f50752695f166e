"""Counting what devices use: SMS of the hub, data sessions of networks, and what quotas and limits make of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from motet.bootstrap.node import Node
from motet.fleet.journal import Journal
from motet.fleet.usage.counting import Counting, Progress
from motet.fleet.usage.session import SessionService
from motet.fleet.usage.session_cut import SessionCutter
from motet.fleet.usage.usage_retention import UsageRetention

LAST_COUNT_S = 2.0
"""What the last count of a node that ends may take; what it leaves, the next node counts."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Metering:
    """What the other components need of it. Whoever has a network's queue of orders gives it to `cutter.orders`."""

    sessions: SessionService
    cutter: SessionCutter


@asynccontextmanager
async def metering(node: Node) -> AsyncIterator[None]:
    """Counts while it runs; `node.metering` is there then. Needs the messaging component before it."""
    messaging = node.messaging
    assert messaging is not None  # noqa: S101 - components start in order
    hub = messaging.hub
    journal = Journal(hub.ids, messaging.webhooks.outbox)
    cutter = SessionCutter(node.database, journal)
    counting = Counting(
        node.database,
        journal,
        lambda: Progress(hub.incarnation, *hub.committed_to()),
        hub.meters,
        on_exhausted=cutter.poke,
    )
    sessions = SessionService(node.database, hub.ids, journal, on_exhausted=cutter.poke)
    node.metering = Metering(sessions, cutter)
    hub.fleet_listeners.append(cutter.poke)
    hub.line_listeners.append(cutter.poke_line)
    node.supervisor.start("counting", counting.run)
    node.supervisor.start("session cutter", cutter.run)
    node.supervisor.start("usage retention", UsageRetention(node.database).keep_purging)
    try:
        yield
    finally:
        hub.fleet_listeners.remove(cutter.poke)
        hub.line_listeners.remove(cutter.poke_line)
        await node.supervisor.stop("counting")
        await node.supervisor.stop("session cutter")
        await node.supervisor.stop("usage retention")
        try:
            async with asyncio.timeout(LAST_COUNT_S):
                await counting.tick()
        except Exception as error:  # noqa: BLE001 - the next node counts it
            _log.info("the last count was not made", error=repr(error)[:200])
