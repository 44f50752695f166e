"""The jobs of a node: which kinds there are, and the task that runs them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from motet.bootstrap.node import Node
from motet.bootstrap.sims import sim_service
from motet.domain.jobs import JobKind
from motet.events.bus import Bus
from motet.events.job_feed import JobFeed
from motet.fleet.devices.device_workers import DeviceDeleteWorker, DeviceUpdateWorker
from motet.fleet.devices.reset_worker import DeviceResetWorker
from motet.fleet.jobs.jobs import JobService, Worker
from motet.fleet.jobs.runner import JobRunner
from motet.fleet.journal import Journal
from motet.fleet.sims.sim_bulk import SimWorker
from motet.fleet.sims.sim_many_steps import SimManySteps
from motet.fleet.sims.sim_upload import SimImportWorker

NAME, FEED = "jobs", "job feed"


@asynccontextmanager
async def jobs(node: Node) -> AsyncIterator[None]:
    """Runs jobs; `node.jobs` is there while it does. Needs the messaging and network components before it."""
    messaging, network = node.messaging, node.network
    assert messaging is not None and network is not None  # noqa: S101, PT018 - components start in order
    hub = messaging.hub

    async def fleet_changed() -> None:
        hub.fleet_changed()

    journal = Journal(hub.ids, messaging.webhooks.outbox, followers=(network.follower,))
    steps = SimManySteps(hub.ids, journal)
    workers: Mapping[JobKind, Worker] = {
        JobKind.DEVICE_UPDATE: DeviceUpdateWorker(journal, steps, fleet_changed),
        JobKind.DEVICE_DELETE: DeviceDeleteWorker(journal, fleet_changed),
        JobKind.DEVICE_RESET: DeviceResetWorker(network.resets),
        JobKind.SIM_UPDATE: SimWorker(steps, fleet_changed),
        JobKind.SIM_IMPORT: SimImportWorker(sim_service(node)),
    }
    runner = JobRunner(node.database, workers)
    node.jobs = JobService(node.database, hub.ids, workers, wake=runner.wake)
    node.job_bus = Bus()
    node.supervisor.start(NAME, runner.run)
    node.supervisor.start(FEED, JobFeed(node.database, node.job_bus).run)
    try:
        yield
    finally:
        node.job_bus.close()
        await node.supervisor.stop(FEED)
        await node.supervisor.stop(NAME)
        node.jobs = None
