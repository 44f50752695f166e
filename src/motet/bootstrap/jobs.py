"""The jobs of a node: which kinds there are, and the task that runs them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from motet.bootstrap.node import Node
from motet.domain.jobs import JobKind
from motet.fleet.job_runner import JobRunner
from motet.fleet.jobs import JobService, Worker

NAME = "jobs"


@asynccontextmanager
async def jobs(node: Node) -> AsyncIterator[None]:
    """Runs jobs; `node.jobs` is there while it does. Needs the messaging component before it."""
    messaging = node.messaging
    assert messaging is not None  # noqa: S101 - components start in order
    workers: Mapping[JobKind, Worker] = {}
    runner = JobRunner(node.database, workers)
    node.jobs = JobService(node.database, messaging.hub.ids, workers, wake=runner.wake)
    node.supervisor.start(NAME, runner.run)
    try:
        yield
    finally:
        await node.supervisor.stop(NAME)
        node.jobs = None
