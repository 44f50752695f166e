"""Private address spaces and name servers as they are read."""

from __future__ import annotations

from typing import Any

from motet.access.principals import Permission
from motet.domain.ip_spaces import Space
from motet.reading.makers import column, global_id, text_of
from motet.reading.model import Entity, ToMany, Value
from motet.reading.tag_scope import SHARED


def _version(name: str) -> Value:
    return Value(("family({t}." + name + ")",), lambda family: f"IPV{family}")


def _capacity(cidr: Any) -> float:
    return float(Space(cidr).capacity)


_USED_IN_SCOPE = """(SELECT count(*) FROM device d WHERE d.workspace_id = {t}.workspace_id
AND d.ip_address_space_id = {t}.id AND d.tags && {tags}::text[])"""

IP_ADDRESS_SPACE = Entity(
    name="IpAddressSpace",
    table="ip_address_space",
    permission=Permission.IP_ADDRESS_SPACE_READ,
    fields={
        "id": global_id("IpAddressSpace"),
        "cidr": text_of("cidr"),
        "version": _version("cidr"),
        "description": column("description"),
        "capacity": Value(("{t}.cidr",), _capacity),
        "usedCount": Value(("{t}.used",), scoped=(_USED_IN_SCOPE,)),
        "createdAt": column("created_at"),
        "devices": ToMany("Device", "ip_address_space_id"),
    },
    scope=SHARED,
)

DNS_CONFIG = Entity(
    name="DnsConfig",
    table="dns_config",
    permission=Permission.DNS_CONFIG_READ,
    fields={
        "id": global_id("DnsConfig"),
        "name": column("name"),
        "primary": text_of("first"),
        "secondary": text_of("second"),
        "version": _version("first"),
        "createdAt": column("created_at"),
    },
    scope=SHARED,
)
