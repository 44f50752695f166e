"""Devices as they are read."""

# ruff: noqa: S608 - text of this module's constants; a caller's values are parameters

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from ipaddress import ip_address
from typing import Any

from motet.access.principals import Permission
from motet.domain.identities import imei_body
from motet.domain.numbering import luhn_digit
from motet.domain.search import LEAST_PART
from motet.domain.states import DeviceStatus, SimStatus
from motet.radio.rats import Rat
from motet.radio.reference import sunsets
from motet.reading.entities.power import NEXT_REACHABILITY, POWER_PROFILE
from motet.reading.errors import InvalidRequestError
from motet.reading.filters import any_of, contains, not_null, one_of, refers_to, since, starts_with, until
from motet.reading.makers import column, global_id, state, text_of
from motet.reading.model import Entity, Hidden, SortKey, ToMany, ToOne, Value
from motet.reading.statement import Statement
from motet.reading.tag_scope import TAGGED


def _msisdn(value: str, alias: str, statement: Statement) -> str:
    """The number of the SIM that is in the device; one that was deleted has left its number to others."""
    number = statement.add(value.removeprefix("+"))
    return (
        f"{alias}.sim_id IN (SELECT s.id FROM sim s WHERE s.workspace_id = {alias}.workspace_id"
        f" AND s.msisdn = {number} AND s.status <> {SimStatus.DELETED:d})"
    )


def _imei(value: str, alias: str, statement: Statement) -> str:
    """The equipment: its IMEI with or without check digit, or an IMEISV of it."""
    body = imei_body(value)
    return f"{alias}.imei = {statement.add(value if body is None else body + luhn_digit(body))}"


def _ip_address(value: str, alias: str, statement: Statement) -> str:
    """The address; what is none is no device's."""
    try:
        return f"{alias}.ip_address = {statement.add(ip_address(value))}"
    except ValueError:
        return "false"


def _terms(operator: str, terms: list[str], alias: str, statement: Statement) -> str:
    """By the index on what devices are labelled with; the workspace, which is the first parameter, is in each term."""
    placeholder = statement.add([f"{statement.parameters[0]}:{term}" for term in terms])
    return (
        f"motet_device_terms({alias}.workspace_id, {alias}.tags, {alias}.attributes) {operator} {placeholder}::text[]"
    )


def _tags(value: list[str], alias: str, statement: Statement) -> str:
    return _terms("@>", [f"tag:{tag}" for tag in value], alias, statement) if value else "true"


def _tags_any(value: list[str], alias: str, statement: Statement) -> str:
    return _terms("&&", [f"tag:{tag}" for tag in value], alias, statement) if value else "false"


def _attributes(value: list[Mapping[str, Any]], alias: str, statement: Statement) -> str:
    """All of them hold: the key has this value, is there, or is not."""
    there: list[str] = []
    missing: list[str] = []
    for one in value:
        key, equals, exists = one["key"], one.get("equals"), one.get("exists")
        if equals is None and exists is None:
            raise InvalidRequestError("Say of an attribute what it `equals`, or whether it `exists`.")
        if equals is not None:
            there.append(f"value:{key}={equals}")
        if exists is not None:
            (there if exists else missing).append(f"key:{key}")
    conditions = ["true"]
    if there:
        conditions.append(_terms("@>", there, alias, statement))
    if missing:
        conditions.append("NOT " + _terms("&&", missing, alias, statement))
    return " AND ".join(conditions)


_RATS = "ARRAY[" + ", ".join(f"'{rat.name}'" for rat in Rat) + "]"


def _sunset_before(value: date, alias: str, statement: Statement) -> str:
    """The device's SIM was last seen on a network that the current coverage, or else the packaged one, knows to end."""
    ending = [one for one in sunsets() if one.on < value]
    operators = statement.add([one.plmn for one in ending])
    rats = statement.add([one.rat.name for one in ending])
    return (
        f"{alias}.sim_id IN (SELECT a.sim_id FROM attachment a WHERE a.workspace_id = {alias}.workspace_id"
        " AND (a.operator, a.rat) IN ("
        f"SELECT n.plmn, ({_RATS})[n.rat + 1] FROM coverage_network n"
        f" WHERE n.version = (SELECT max(number) FROM coverage_version) AND n.sunset_on < {statement.add(value)}"
        f" UNION ALL SELECT p.operator, p.rat FROM unnest({operators}::text[], {rats}::text[]) p (operator, rat)"
        " WHERE NOT EXISTS (SELECT FROM coverage_version)))"
    )


_BLOCKED_OPERATORS = """ARRAY (SELECT b.operator FROM device_blocked_operator b
WHERE b.workspace_id = {t}.workspace_id AND b.device_id = {t}.id ORDER BY b.operator)"""


def name_contains(value: str, alias: str, statement: Statement) -> str:
    """The name holds this, whatever the case: found by its trigrams, if it has any."""
    condition = contains("name")(value, alias, statement)
    if len(value) < LEAST_PART:
        return condition
    part = statement.add(value)
    return f"{condition} AND motet_trigrams({alias}.workspace_id, {alias}.name) @> motet_trigrams($1, {part})"


DEVICE = Entity(
    name="Device",
    table="device",
    permission=Permission.DEVICE_READ,
    fields={
        "id": global_id("Device"),
        "name": column("name"),
        "status": state("status", DeviceStatus),
        "tags": column("tags"),
        "attributes": column("attributes"),
        "imei": column("imei"),
        "imeiLock": column("imei_lock"),
        "ipAddress": text_of("ip_address"),
        "ipAddressSpace": ToOne("IpAddressSpace", "ip_address_space_id"),
        "powerProfile": POWER_PROFILE,
        "nextReachability": NEXT_REACHABILITY,
        "createdAt": column("created_at"),
        "sim": ToOne("Sim", "sim_id"),
        "connectivity": ToOne("Connectivity", "id"),
        "imeiAllowed": column("imei_allowed"),
        "locationHistory": ToMany("Location", "device_id"),
        "servicePolicy": ToOne("ServicePolicy", "service_policy_id"),
        "coveragePolicy": ToOne("CoveragePolicy", "coverage_policy_id"),
        "blockedOperators": Value((_BLOCKED_OPERATORS,)),
        "smsMessages": ToMany("SmsMessage", "device_id"),
        "events": ToMany("Event", "device_id"),
        "usage": ToMany("Usage", "device_id"),
        "dataSessions": ToMany("DataSession", "device_id"),
        "quotas": ToMany("Quota", "device_id"),
    },
    filters={
        "status": one_of("status", DeviceStatus),
        "tags": _tags,
        "tagsAny": _tags_any,
        "attributes": _attributes,
        "hasSim": not_null("sim_id"),
        "servicePolicyId": refers_to("service_policy_id", "ServicePolicy"),
        "coveragePolicyId": refers_to("coverage_policy_id", "CoveragePolicy"),
        "createdAfter": since("created_at"),
        "createdBefore": until("created_at"),
        "name": name_contains,
        "nameIn": any_of("name"),
        "nameContains": name_contains,
        "nameStartsWith": starts_with("lower({t}.name)"),
        "imeiIn": any_of("imei"),
        "imei": _imei,
        "msisdn": _msisdn,
        "ipAddress": _ip_address,
        "sunsetBefore": _sunset_before,
        "ipAddressSpaceId": refers_to("ip_address_space_id", "IpAddressSpace"),
    },
    orders={"CREATED_AT": SortKey(), "NAME": SortKey("name")},
    lookup_order=f"t0.status = {DeviceStatus.DELETED:d}, t0.id DESC",
    hidden=Hidden("status", "{t}.status <> " + str(int(DeviceStatus.DELETED))),
    scope=TAGGED,
)
