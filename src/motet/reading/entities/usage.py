"""Usage and data sessions as they are read."""

from __future__ import annotations

from motet.access.principals import Permission
from motet.domain.data_session import SessionStatus
from motet.domain.usage import Granularity
from motet.reading.filters import equals, one_of, refers_to
from motet.reading.makers import column, global_id, state, text_of
from motet.reading.model import Condition, Entity, Field, Hidden, SortKey, SortKind, ToOne, Value
from motet.reading.tag_scope import NOTHING, of_device


def whole(name: str) -> Value:
    """An integer that may need more than 32 bits, as a Float: exact up to 2^53."""
    return Value(("{t}." + name,), float)


def _time(name: str, comparison: str) -> Condition:
    return lambda value, alias, statement: f"{alias}.{name} {comparison} {statement.add(value)}"


_COUNTERS: dict[str, Field] = {
    "granularity": state("granularity", Granularity),
    "start": column("start"),
    "smsMt": whole("sms_mt"),
    "smsMtParts": whole("sms_mt_parts"),
    "smsMo": whole("sms_mo"),
    "smsMoParts": whole("sms_mo_parts"),
    "octetsUp": whole("octets_up"),
    "octetsDown": whole("octets_down"),
}
_FILTERS: dict[str, Condition] = {
    "granularity": one_of("granularity", Granularity),
    "since": _time("start", ">="),
    "until": _time("start", "<"),
}
_ORDERS = {"START": SortKey("start", SortKind.TIME)}
_DAYS = Hidden("granularity", "{t}.granularity = " + str(int(Granularity.DAY)))

USAGE = Entity(
    name="Usage",
    table="device_usage",
    permission=Permission.USAGE_READ,
    fields={
        "id": global_id("Usage"),
        **_COUNTERS,
        "device": ToOne("Device", "device_id"),
        "sim": ToOne("Sim", "sim_id"),
    },
    filters=_FILTERS,
    orders=_ORDERS,
    default_order="START",
    newest_first=True,
    hidden=_DAYS,
    scope=of_device("device_id"),
)

WORKSPACE_USAGE = Entity(
    name="WorkspaceUsage",
    table="workspace_usage",
    permission=Permission.USAGE_READ,
    fields={"id": global_id("WorkspaceUsage"), **_COUNTERS},
    filters=_FILTERS,
    orders=_ORDERS,
    default_order="START",
    newest_first=True,
    hidden=_DAYS,
    scope=NOTHING,
)

DATA_SESSION = Entity(
    name="DataSession",
    table="data_session",
    permission=Permission.USAGE_READ,
    fields={
        "id": global_id("DataSession"),
        "sessionId": column("session_id"),
        "status": state("status", SessionStatus),
        "apn": column("apn"),
        "ipAddress": text_of("ip_address"),
        "region": column("region"),
        "operator": column("operator"),
        "rat": column("rat"),
        "imei": column("imei"),
        "cause": column("cause"),
        "reason": column("reason"),
        "octetsUp": whole("octets_up"),
        "octetsDown": whole("octets_down"),
        "recordCount": column("record_count"),
        "openedAt": column("opened_at"),
        "updatedAt": column("updated_at"),
        "closedAt": column("closed_at"),
        "device": ToOne("Device", "device_id"),
        "sim": ToOne("Sim", "sim_id"),
    },
    filters={
        "status": one_of("status", SessionStatus),
        "deviceId": refers_to("device_id", "Device"),
        "simId": refers_to("sim_id", "Sim"),
        "operator": equals("operator"),
        "since": _time("opened_at", ">="),
        "until": _time("opened_at", "<"),
    },
    newest_first=True,
    scope=of_device("device_id"),
)
