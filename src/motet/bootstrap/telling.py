"""Events about workspaces and their people, written by the journal of the fleet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from motet.domain.event_types import EventType
from motet.fleet.journal import Change, Journal
from motet.storage.acting import current_act
from motet.storage.database import PooledConnection


class JournalTeller:
    """Stands at the port of the services that know people."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def tell(
        self, connection: PooledConnection, workspace_id: int, kind: EventType, detail: Mapping[str, Any]
    ) -> None:
        """See `motet.identity.telling.Teller`. Whoever acts is named as in all events."""
        act = current_act()
        actor = None if act is None else act.actor.subject
        await self._journal.write(connection, workspace_id, actor, [Change(kind, detail=dict(detail))])

    def committed(self) -> None:
        """See `motet.identity.telling.Teller`."""
        self._journal.committed()
