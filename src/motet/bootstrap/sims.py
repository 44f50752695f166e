"""What a node does for SIMs beside GraphQL: it does what is scheduled, counts factory tests, and takes lists in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import BinaryIO

from motet.bootstrap.node import Node
from motet.domain.sim_lifecycle import FactoryTestLimits
from motet.fleet.journal import Journal
from motet.fleet.sims.factory_test import FactoryTestWatch
from motet.fleet.sims.sim import SimService
from motet.fleet.sims.sim_schedule import SimScheduleService
from motet.fleet.sims.sim_sheet import Layout
from motet.fleet.sims.sim_upload import MAX_OCTETS, SimUploadService
from motet.hub.hub import Hub
from motet.rest.sim_imports import SimImports

PATH = "/sim-imports"
SCHEDULE = "schedule of SIMs"
TESTS = "factory tests"


def sim_service(node: Node) -> SimService:
    """The SIMs of this node's database; it holds nothing, so that there may be several."""
    hub, journal = _hub_and_journal(node)

    async def changed() -> None:
        hub.fleet_changed()

    return SimService(node.database, hub.ids, journal, on_change=changed, test_limits=_test_limits(node))


def sim_schedule(node: Node) -> SimScheduleService:
    """The plans of SIMs; it holds nothing either."""
    hub, journal = _hub_and_journal(node)

    async def changed() -> None:
        hub.fleet_changed()

    return SimScheduleService(node.database, hub.ids, journal, on_change=changed, test_limits=_test_limits(node))


def _factory_tests(node: Node) -> FactoryTestWatch:
    hub, journal = _hub_and_journal(node)

    async def changed() -> None:
        hub.fleet_changed()

    return FactoryTestWatch(node.database, hub.ids, journal, on_change=changed, limits=_test_limits(node))


@asynccontextmanager
async def sims(node: Node) -> AsyncIterator[None]:
    """Runs the schedule and serves /sim-imports. Needs the messaging, metering and jobs components before it."""
    messaging, metering, jobs, identity = node.messaging, node.metering, node.jobs, node.identity
    assert messaging is not None and metering is not None  # noqa: S101, PT018 - components start in order
    assert jobs is not None and identity is not None  # noqa: S101, PT018
    uploads = SimUploadService(sim_service(node), wake=jobs.added)

    async def upload(
        workspace_id: int,
        actor: str,
        file: BinaryIO,
        *,
        columns: Mapping[str, str],
        delimiter: str | None,
        preset: str | None,
        complete_iccid: bool | None,
        dry_run: bool,
    ) -> tuple[int, int]:
        layout = Layout(columns, delimiter, preset, complete_iccid)
        return await uploads.upload(workspace_id, actor, file, layout, dry_run=dry_run)

    node.paths[PATH] = SimImports(upload, identity.authenticator, identity.audit, max_octets=MAX_OCTETS)
    node.supervisor.start(SCHEDULE, sim_schedule(node).run)
    hub, watch = messaging.hub, _factory_tests(node)
    hub.factory_tests = watch
    hub.fleet_listeners.append(watch.wake)
    metering.sessions.on_used = watch.used
    node.supervisor.start(TESTS, watch.run)
    try:
        yield
    finally:
        hub.factory_tests = None
        hub.fleet_listeners.remove(watch.wake)
        await node.supervisor.stop(TESTS)
        await node.supervisor.stop(SCHEDULE)


def _test_limits(node: Node) -> FactoryTestLimits:
    given, usual = dict(node.settings.factory_test), FactoryTestLimits()
    return FactoryTestLimits(
        sms=given.get("sms", usual.sms),
        data_octets=given.get("data_octets", usual.data_octets),
        period=timedelta(days=given["days"]) if "days" in given else usual.period,
    )


def _hub_and_journal(node: Node) -> tuple[Hub, Journal]:
    messaging, network = node.messaging, node.network
    assert messaging is not None and network is not None  # noqa: S101, PT018 - components start in order
    journal = Journal(messaging.hub.ids, messaging.webhooks.outbox, followers=(network.follower,))
    return messaging.hub, journal
