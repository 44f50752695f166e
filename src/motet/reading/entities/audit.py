"""The audit log as it is read: a workspace's, or by the operator the installation's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from ipaddress import ip_network
from typing import Any

from motet.access.principals import Permission
from motet.domain.global_ids import decode_global_id, encode_global_id
from motet.domain.ids import first_id_at
from motet.reading.errors import InvalidRequestError
from motet.reading.filters import any_of, equals
from motet.reading.makers import column, global_id, made
from motet.reading.model import Condition, Entity, Value
from motet.reading.statement import Statement
from motet.reading.tag_scope import NOTHING
from motet.storage.acting import INSTALLATION


def _of_object(value: str, alias: str, statement: Statement) -> str:
    decoded = decode_global_id(value)
    return "false" if decoded is None else f"{alias}.objects @> ARRAY[{statement.add(decoded[1])}::bigint]"


def _from_address(value: str, alias: str, statement: Statement) -> str:
    try:
        network = ip_network(value, strict=False)
    except ValueError:
        raise InvalidRequestError("This must be an IP address, or a network such as 192.0.2.0/24.") from None
    return f"{alias}.address <<= {statement.add(network)}::inet"


def _at(comparison: str) -> Condition:
    def condition(value: datetime, alias: str, statement: Statement) -> str:
        try:
            unix_ms = int(value.astimezone(UTC).timestamp() * 1000)
        except OverflowError as error:
            raise InvalidRequestError("This time is out of range.") from error
        return f"{alias}.id {comparison} {statement.add(min(first_id_at(unix_ms), (1 << 63) - 1))}"

    return condition


@cache
def _types() -> Mapping[str, str]:
    """The GraphQL type of a table's rows."""
    from motet.reading.entities import ENTITIES

    found: dict[str, str] = {}
    for entity in ENTITIES.values():
        found.setdefault(entity.table, entity.name)
    return found


def _changes(changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "__typename": "AuditChange",
            "table": change["table"],
            "operation": change["operation"],
            "objectId": _object_id(change["table"], change["id"]),
            "before": change["before"],
            "after": change["after"],
        }
        for change in changes
    ]


def _object_id(table: str, row_id: str | None) -> str | None:
    name = _types().get(table)
    return encode_global_id(name, int(row_id)) if name is not None and row_id is not None and row_id.isdigit() else None


def _sealed(name: str, make: Callable[..., Any] | None = None) -> Value:
    """A column of the entry's seal; null until it has one."""
    of_entry = "audit_seal s WHERE s.workspace_id = {t}.workspace_id AND s.entry_id = {t}.id"
    return Value((f"(SELECT s.{name} FROM {of_entry})",), make)  # noqa: S608 - text of this module's


AUDIT_ENTRY = Entity(
    name="AuditEntry",
    table="audit_entry",
    permission=Permission.AUDIT_READ,
    fields={
        "id": global_id("AuditEntry"),
        "createdAt": column("at"),
        "actorKind": column("actor_kind"),
        "actor": column("actor"),
        "userId": global_id("User", "user_id"),
        "apiKeyId": global_id("ApiKey", "api_key_id"),
        "edge": column("edge"),
        "action": column("action"),
        "outcome": column("outcome"),
        "code": column("code"),
        "path": column("path"),
        "times": column("times"),
        "address": made(lambda address: str(address).partition("/")[0], "address"),
        "userAgent": column("user_agent"),
        "requestId": column("request_id"),
        "input": column("input"),
        "changes": made(_changes, "changes"),
        "changeCounts": column("change_counts"),
        "sequence": _sealed("seq"),
        "hash": _sealed("hash", lambda octets: octets.hex()),
    },
    installation=INSTALLATION,
    filters={
        "actor": equals("actor"),
        "actorKind": any_of("actor_kind"),
        "edge": any_of("edge"),
        "action": any_of("action"),
        "outcome": any_of("outcome"),
        "objectId": _of_object,
        "address": _from_address,
        "since": _at(">="),
        "until": _at("<"),
    },
    newest_first=True,
    scope=NOTHING,
    sparse=frozenset({"actorKind", "edge", "action", "outcome", "address"}),
)
