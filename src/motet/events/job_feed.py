"""What any node does to `job`, heard by this one."""

from __future__ import annotations

import asyncio

from motet.events.bus import Bus
from motet.events.listening import keep_listening
from motet.storage import job
from motet.storage.database import Connection, Database

CHANNEL = "motet_job"
"""What the trigger of `job` notifies."""

CATCH_UP_JOBS = 200
"""Jobs of one workspace that are told of again after a loss, the newest: as many as are kept."""


class JobFeed:
    """Passes ids of jobs to the bus. After a lost connection it tells of all that listeners may have missed."""

    def __init__(self, database: Database, bus: Bus) -> None:
        self._database = database
        self._bus = bus
        self.listening = asyncio.Event()
        """Set while the connection stands."""

    async def run(self) -> None:
        """Listen until cancelled."""
        await keep_listening(
            self._database,
            "job feed",
            CHANNEL,
            heard=self._notified,
            connected=self._catch_up,
            alive=self.listening.set,
            lost=self.listening.clear,
        )

    def _notified(self, payload: str) -> None:
        workspace_id, job_id = map(int, payload.split())
        self._bus.publish(workspace_id, [job_id])

    async def _catch_up(self, connection: Connection) -> None:
        for workspace_id in self._bus.listened:
            self._bus.publish(workspace_id, await job.newest(connection, workspace_id, CATCH_UP_JOBS))
