"""Events as they are read.

An event's time is that of its id, by which the table is partitioned. Indexes serve the device, the SIM and the time; a
page of any other filter looks at a bounded number of rows, may be short, and then says that there are more.
"""

# ruff: noqa: S608 - text of this module's constants; a caller's values are parameters

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from motet.access.principals import Permission
from motet.domain.event_types import EVENT_TYPES
from motet.domain.identities import imei_body
from motet.domain.ids import first_id_at
from motet.domain.numbering import luhn_digit
from motet.domain.states import DeviceStatus, EventSeverity, EventSource, SimStatus
from motet.reading.errors import InvalidRequestError
from motet.reading.filters import equals, escaped, one_of, refers_to
from motet.reading.makers import column, global_id, made, state, time_of_id
from motet.reading.model import Condition, Entity, Scope, ToOne
from motet.reading.statement import Statement
from motet.reading.tag_scope import of_device_or_sim

_BOUNDING = ("deviceId", "simId", "iccid", "imsi", "msisdn", "imei", "ipAddress", "since", "until")
"""Filters that an index serves: which device, which SIM, when. All others look at rows."""


def scan(arguments: Mapping[str, Any], scope: Scope, statement: Statement, limit: int, *, parent: bool) -> str | None:
    """Where a filtered list of events is read from: see `motet.reading.model.Scan`."""
    given = [name for name, value in arguments.items() if value is not None]
    if all(name in _BOUNDING for name in given):
        return None
    bounds = [_CONDITIONS[name](arguments[name], "e", statement) for name in given if name in _BOUNDING]
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
    families = tuple(each[:-1] for each in value if each.endswith(".*"))
    tokens = [token for token in EVENT_TYPES if token.startswith(families)] if families else []
    return f"{alias}.type = ANY({statement.add([*value, *tokens])}::text[])"


def _one_of_numbers(value: list[int], alias: str, statement: Statement) -> str:
    wanted = set(value)
    return _one_of_types([one.token for one in EVENT_TYPES.values() if one.number in wanted], alias, statement)


def _text(value: str, alias: str, statement: Statement) -> str:
    pattern = statement.add(f"%{escaped(value)}%")
    return f"({alias}.description ILIKE {pattern} OR {alias}.data::text ILIKE {pattern})"


def _of_sim(column_name: str) -> Condition:
    """The one SIM that has the identity now, or had it last: a scalar, so that the events are found by index."""

    def condition(value: str, alias: str, statement: Statement) -> str:
        identity = statement.add(value.removeprefix("+"))
        return (
            f"{alias}.sim_id = (SELECT s.id FROM sim s WHERE s.workspace_id = $1 AND s.{column_name} = {identity}"
            f" ORDER BY s.status = {SimStatus.DELETED:d}, s.id DESC LIMIT 1)"
        )

    return condition


def _of_device(column_name: str, parse: Callable[[str], Any]) -> Condition:
    def condition(value: str, alias: str, statement: Statement) -> str:
        parsed = parse(value)
        if parsed is None:
            return "false"
        return (
            f"{alias}.device_id = (SELECT d.id FROM device d WHERE d.workspace_id = $1"
            f" AND d.{column_name} = {statement.add(parsed)}"
            f" ORDER BY d.status = {DeviceStatus.DELETED:d}, d.id DESC LIMIT 1)"
        )

    return condition


def _whole_imei(value: str) -> str | None:
    body = imei_body(value)
    return None if body is None else body + luhn_digit(body)


def _address(value: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(value)
    except ValueError:
        return None


def _device_tags(value: list[str], alias: str, statement: Statement) -> str:
    return (
        f"EXISTS (SELECT FROM device d WHERE d.workspace_id = $1 AND d.id = {alias}.device_id"
        f" AND d.tags @> {statement.add(value)}::text[])"
    )


def _number(token: str) -> int | None:
    known = EVENT_TYPES.get(token)
    return None if known is None else known.number


_CONDITIONS: dict[str, Condition] = {
    "type": _one_of_types,
    "typeNumber": _one_of_numbers,
    "severity": one_of("severity", EventSeverity),
    "source": one_of("source", EventSource),
    "actor": equals("actor"),
    "text": _text,
    "deviceId": refers_to("device_id", "Device"),
    "deviceTags": _device_tags,
    "imei": _of_device("imei", _whole_imei),
    "ipAddress": _of_device("ip_address", _address),
    "simId": refers_to("sim_id", "Sim"),
    "iccid": _of_sim("iccid"),
    "imsi": _of_sim("imsi"),
    "msisdn": _of_sim("msisdn"),
    "smsId": refers_to("message_id", "SmsMessage"),
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
        "createdAt": time_of_id(),
        "device": ToOne("Device", "device_id"),
        "sim": ToOne("Sim", "sim_id"),
        "sms": ToOne("SmsMessage", "message_id"),
    },
    filters=_CONDITIONS,
    newest_first=True,
    scan=scan,
    scope=of_device_or_sim("device_id", "sim_id", is_rare=True),
)
