"""The enabled webhooks of every workspace, in memory: who wants which event, and what an attempt needs to know."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

import structlog

from motet.domain.event_types import covers
from motet.storage import webhook
from motet.storage.database import LOST, Database, PooledConnection
from motet.webhooks.places import WebhookKey

log = structlog.get_logger(__name__)

MAX_WEBHOOKS = 50
"""Webhooks of one workspace. An event is copied once for each that wants it."""

REREAD_S = 5.0
"""Seconds between readings of the whole list: how late a node learns of a change made on another."""

_KNOWN_TYPES = 256
"""Event types whose answer is remembered per workspace. Types come from our own code, so there are a few dozen."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """One enabled webhook."""

    workspace_id: int
    id: int
    url: str
    event_types: tuple[str, ...]
    secret_encrypted: bytes

    @property
    def key(self) -> WebhookKey:
        return self.workspace_id, self.id


class Roster:
    """The list, as of its last reading. One per node."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._by_key: dict[WebhookKey, Webhook] = {}
        self._by_workspace: dict[int, tuple[Webhook, ...]] = {}
        self._wanting: dict[int, dict[str, tuple[int, ...]]] = {}
        self._begun = 0
        self._shown = 0

    def get(self, key: WebhookKey) -> Webhook | None:
        """The webhook, None if it is disabled or unknown here."""
        return self._by_key.get(key)

    def wanting(self, workspace_id: int, event_type: str) -> tuple[int, ...]:
        """The ids of the workspace's webhooks that want the type. Two look-ups: made for the hot path."""
        known = self._wanting.get(workspace_id)
        if known is None:
            return ()
        found = known.get(event_type)
        if found is None:
            hooks = self._by_workspace[workspace_id]
            found = tuple(hook.id for hook in hooks if covers(hook.event_types, event_type))
            if len(known) < _KNOWN_TYPES:
                known[event_type] = found
        return found

    async def read(self) -> None:
        """Read the list again: at the start, after each change made on this node, and every `REREAD_S`."""
        async with self._database.pool.acquire() as connection:
            await self.read_by(connection)

    async def read_by(self, connection: PooledConnection) -> None:
        """The same, by a connection that the caller holds. Of overlapping readings the one begun last stays."""
        self._begun += 1
        turn = self._begun
        records = await webhook.list_enabled(connection)
        if turn < self._shown:
            return
        self._shown = turn
        self._replace(
            Webhook(
                record["workspace_id"],
                record["id"],
                record["url"],
                tuple(record["event_types"]),
                record["secret_encrypted"],
            )
            for record in records
        )

    def _replace(self, hooks: Iterable[Webhook]) -> None:
        by_key = {hook.key: hook for hook in hooks}
        if by_key == self._by_key:
            return
        by_workspace: dict[int, list[Webhook]] = {}
        for hook in by_key.values():
            by_workspace.setdefault(hook.workspace_id, []).append(hook)
        self._by_key = by_key
        self._by_workspace = {workspace_id: tuple(own) for workspace_id, own in by_workspace.items()}
        self._wanting = {workspace_id: {} for workspace_id in by_workspace}

    async def keep_reading(self) -> None:
        """Read every `REREAD_S` until cancelled; a failed reading keeps the list as it was."""
        while True:
            await asyncio.sleep(REREAD_S)
            try:
                await self.read()
            except LOST as error:
                log.warning("webhook_list_not_read", error=str(error))
            except Exception:
                log.exception("webhook_list_not_read")
