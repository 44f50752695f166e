"""Resets of the connectivity of many devices, as a job that spreads them."""

from __future__ import annotations

from collections.abc import Mapping

from motet.domain.errors import DomainError, NotFoundError
from motet.domain.jobs import ItemOutcome
from motet.fleet.devices.connectivity_reset import ConnectivityResetService
from motet.fleet.jobs.jobs import UNTOUCHED, Result, Work
from motet.fleet.jobs.selections import failure_of
from motet.storage.database import PooledConnection


class DeviceResetWorker:
    """Orders resets: 10 in a second, so that a network does not bar a fleet that registers all at once."""

    chunk_items = 20
    can_undo = False
    pause_s = 2.0

    def __init__(self, resets: ConnectivityResetService) -> None:
        self._resets = resets

    async def work(self, connection: PooledConnection, work: Work) -> Mapping[int, Result]:
        results: dict[int, Result] = {}
        asked = {"location": bool(work.input["location"]), "data": bool(work.input["data"])}
        for item in sorted(work.items, key=lambda item: item.device_id or 0):  # devices are locked in this order
            try:
                failure = failure_of(item.data)
                if failure is not None:
                    raise failure
                if item.device_id is None:
                    raise NotFoundError("No such device.", path=("id",))
                ordered = await self._resets.order(connection, work.workspace_id, work.actor, item.device_id, **asked)
            except DomainError as error:
                results[item.id] = Result.of_error(error)
            else:
                results[item.id] = Result(ItemOutcome.CHANGED) if ordered.is_new else UNTOUCHED
        return results

    async def committed(self) -> None:
        await self._resets.committed(is_test_over=True)
