"""Events as they are read.

An event's time is that of its id, by which the table is partitioned. No index serves a filter on type or severity: such
a page looks at a bounded number of rows, may be short, and then says that there are more.
"""

# ruff: noqa: S608 - text of this module's constants; a caller's values are parameters

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from motet.access.principals import Permission
from motet.domain.event_types import EVENT_TYPES
from motet.domain.ids import first_id_at, unix_ms_of
from motet.domain.states import EventSeverity, EventSource
from motet.reading.errors import InvalidRequestError
from motet.reading.filters import one_of, refers_to
from motet.reading.makers import column, global_id, made, state
from motet.reading.model import Condition, Entity, Scope, ToOne
from motet.reading.statement import Statement

_SPARSE = ("type", "severity")
"""Filters that no index serves."""

_BOUNDING = ("deviceId", "simId", "since", "until")


def scan(arguments: Mapping[str, Any], scope: Scope, statement: Statement, limit: int, *, parent: bool) -> str | None:
    """Where a filtered list of events is read from: see `motet.reading.model.Scan`."""
    if all(arguments.get(name) is None for name in _SPARSE):
        return None
    bounds = [
        _CONDITIONS[name](arguments[name], "{t}", statement) for name in _BOUNDING if arguments.get(name) is not None
    ]
    where = Scope((*scope.conditions, *bounds), scope.descending).where("e")
    return f"(SELECT * FROM event e WHERE {where} ORDER BY id {'DESC' if scope.descending else 'ASC'} LIMIT {limit})"


def _at(comparison: str) -> Condition:
    def condition(value: datetime, alias: str, statement: Statement) -> str:
        try:
            unix_ms = int(value.astimezone(UTC).timestamp() * 1000)
        except OverflowError as error:
            raise InvalidRequestError("This time is out of range.") from error
        return f"{alias}.id {comparison} {statement.add(min(first_id_at(unix_ms), (1 << 63) - 1))}"

    return condition


def _one_of_types(value: list[str], alias: str, statement: Statement) -> str:
    return f"{alias}.type = ANY({statement.add(value)}::text[])"


def _number(token: str) -> int | None:
    known = EVENT_TYPES.get(token)
    return None if known is None else known.number


_CONDITIONS: dict[str, Condition] = {
    "type": _one_of_types,
    "severity": one_of("severity", EventSeverity),
    "deviceId": refers_to("device_id", "Device"),
    "simId": refers_to("sim_id", "Sim"),
    "since": _at(">="),
    "until": _at("<"),
}

EVENT = Entity(
    name="Event",
    table="event",
    permission=Permission.EVENT_READ,
    fields={
        "id": global_id("Event"),
        "type": column("type"),
        "typeNumber": made(_number, "type"),
        "severity": state("severity", EventSeverity),
        "source": state("source", EventSource),
        "description": column("description"),
        "detail": column("data"),
        "actor": column("actor"),
        "createdAt": made(lambda row_id: datetime.fromtimestamp(unix_ms_of(row_id) / 1000, UTC), "id"),
        "device": ToOne("Device", "device_id"),
        "sim": ToOne("Sim", "sim_id"),
        "sms": ToOne("SmsMessage", "message_id"),
    },
    filters=_CONDITIONS,
    newest_first=True,
    scan=scan,
)
