"""What people did to the fleet, told in the same transaction: as events, and to webhooks that want them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from motet.domain.event_types import EventType
from motet.domain.global_ids import encode_global_id
from motet.domain.ids import IdGenerator
from motet.domain.states import EventSeverity, EventSource
from motet.storage import event, webhook_delivery
from motet.storage.database import PooledConnection


class Outbox(Protocol):
    """What is asked of the webhooks' outbox."""

    def rows_for(
        self, workspace_id: int, event_type: str, at_us: int, data: Mapping[str, Any]
    ) -> list[tuple[Any, ...]]: ...

    def wants(self, workspace_id: int, event_type: str) -> bool: ...

    def wake(self) -> None: ...


class Follower(Protocol):
    """What is to happen with each change, in its own transaction."""

    async def follow(self, connection: PooledConnection, workspace_id: int, changes: Sequence[Change]) -> None: ...

    def committed(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that was done. `detail` holds what JSON takes, and stays readable when the objects are gone."""

    type: EventType
    device_id: int | None = None
    sim_id: int | None = None
    detail: dict[str, Any] = field(default_factory=dict)
    source: EventSource = EventSource.API
    severity: EventSeverity | None = None
    """None: that of the type. emnify tells a failure by severity and source, not by another type."""
    words: str | None = None
    """None: those of the type. Of a refusal, the reason."""
    message_id: int | None = None

    @property
    def description(self) -> str:
        return self.words or self.type.words

    @property
    def how_severe(self) -> EventSeverity:
        return self.type.severity if self.severity is None else self.severity


class Journal:
    """Writes changes. One per node."""

    def __init__(
        self,
        ids: IdGenerator,
        outbox: Outbox | None = None,
        *,
        followers: Sequence[Follower] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock` gives Unix seconds."""
        self._followers = tuple(followers)
        self._ids = ids
        self._outbox = outbox
        self._clock = clock

    async def write(
        self, connection: PooledConnection, workspace_id: int, actor: str | None, changes: Sequence[Change]
    ) -> None:
        """Add the changes to the caller's transaction; `actor` is who did it, None if nobody in person.

        Call `committed` after its end.
        """
        now = self._clock()
        rows: list[tuple[Any, ...]] = []
        deliveries: list[tuple[Any, ...]] = []
        for change in changes:
            kind = change.type
            event_id = self._ids.next(int(now * 1_000))
            rows.append(
                (
                    workspace_id, event_id, kind.token, int(change.how_severe), change.device_id, change.sim_id,
                    change.message_id, change.description, change.detail, int(change.source), actor,
                )
            )  # fmt: skip
            if self._outbox is not None and self._outbox.wants(workspace_id, kind.token):
                data = _told(event_id, change)
                deliveries += self._outbox.rows_for(workspace_id, kind.token, int(now * 1_000_000), data)
        await event.copy_changes(connection, rows)
        if deliveries:
            await webhook_delivery.copy_deliveries_from_edge(connection, deliveries)
        for follower in self._followers:
            await follower.follow(connection, workspace_id, changes)

    def committed(self) -> None:
        """The transaction of `write` has ended well."""
        if self._outbox is not None:
            self._outbox.wake()
        for follower in self._followers:
            follower.committed()


def _told(event_id: int, change: Change) -> dict[str, Any]:
    """The `data` of a webhook's body."""
    told: dict[str, Any] = {
        "id": encode_global_id("Event", event_id),
        "description": change.description,
        "severity": change.how_severe.name,
        **change.detail,
    }
    if change.sim_id is not None:
        told["sim"] = {"id": encode_global_id("Sim", change.sim_id), **change.detail.get("sim", {})}
    if change.device_id is not None:
        told["device"] = {"id": encode_global_id("Device", change.device_id), **change.detail.get("device", {})}
    return told
