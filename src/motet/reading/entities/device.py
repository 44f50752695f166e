"""Devices as they are read."""

# ruff: noqa: S608 - text of this module's constants; a caller's values are parameters

from ipaddress import ip_address

from motet.access.principals import Permission
from motet.domain.identities import imei_body
from motet.domain.numbering import luhn_digit
from motet.domain.states import DeviceStatus, SimStatus
from motet.reading.filters import contains, has_all, one_of, refers_to
from motet.reading.makers import column, global_id, state, text_of
from motet.reading.model import Entity, Hidden, SortKey, ToMany, ToOne
from motet.reading.statement import Statement


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


DEVICE = Entity(
    name="Device",
    table="device",
    permission=Permission.DEVICE_READ,
    fields={
        "id": global_id("Device"),
        "name": column("name"),
        "status": state("status", DeviceStatus),
        "tags": column("tags"),
        "imei": column("imei"),
        "imeiLock": column("imei_lock"),
        "ipAddress": text_of("ip_address"),
        "ipAddressSpace": ToOne("IpAddressSpace", "ip_address_space_id"),
        "createdAt": column("created_at"),
        "sim": ToOne("Sim", "sim_id"),
        "smsMessages": ToMany("SmsMessage", "device_id"),
        "events": ToMany("Event", "device_id"),
    },
    filters={
        "status": one_of("status", DeviceStatus),
        "tags": has_all("tags"),
        "name": contains("name"),
        "imei": _imei,
        "msisdn": _msisdn,
        "ipAddress": _ip_address,
        "ipAddressSpaceId": refers_to("ip_address_space_id", "IpAddressSpace"),
    },
    orders={"CREATED_AT": SortKey(), "NAME": SortKey("name")},
    lookup_order=f"t0.status = {DeviceStatus.DELETED:d}, t0.id DESC",
    hidden=Hidden("status", "{t}.status <> " + str(int(DeviceStatus.DELETED))),
)
