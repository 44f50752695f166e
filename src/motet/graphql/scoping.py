"""What root fields are to a principal that is bound to tags: which are not for it, and which ids are nothing to it.

The reading room sees to what is read. What a mutation or a question is about is named by ids in its arguments: all of
them are looked at here, by the types that the schema gives the arguments, before anything is done. Numbers and lists
that name SIMs are looked at by the fields that take them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from enum import Enum, auto
from typing import Any

from graphql import GraphQLInputObjectType, GraphQLList, GraphQLNonNull, GraphQLResolveInfo

from motet.access.principals import Permission, Principal
from motet.domain.errors import NotFoundError
from motet.domain.global_ids import decode_global_id
from motet.reading.entities import ENTITIES
from motet.reading.errors import ForbiddenError
from motet.reading.reader import Reader
from motet.reading.tag_scope import SHARED
from motet.storage.database import PooledConnection
from motet.storage.scope import Hold


class Scoping(Enum):
    """What a root field does for a principal that is bound to tags."""

    ROOM = auto()
    """All that it shows comes from the reading room, or it sees to the scope itself: ids are as they are."""
    IDS = auto()
    """It is about what its arguments name: ids outside of the scope are ids of nothing."""
    CLOSED = auto()
    """It is about all devices at once, or about what they share: not for such a principal."""


_ON_DEVICES = frozenset(
    {
        Permission.SIM_WRITE,
        Permission.DEVICE_WRITE,
        Permission.SMS_SEND,
        Permission.QUOTA_WRITE,
        Permission.JOB_WRITE,
        Permission.ALERT_WRITE,
        Permission.TICKET_WRITE,
    }
)


def scoping_of(permission: Permission, declared: Scoping | None) -> Scoping:
    """Of a mutation: what changes SIMs and devices is closed unless it declares otherwise. What the others change, such
    as one's own password, is no device's; the permissions for what devices share no such principal has."""
    if declared is not None:
        return declared
    return Scoping.CLOSED if permission in _ON_DEVICES else Scoping.IDS


def require_open(principal: Principal, scoping: Scoping) -> None:
    """Raises ForbiddenError for a field that is not for the principal."""
    if principal.tags is not None and scoping is Scoping.CLOSED:
        raise ForbiddenError("This is not for a role that is bound to tags: it is about more than their devices.")


Named = Mapping[str, Sequence[tuple[int, tuple[str, ...]]]]
"""Rows that arguments name, by type: their ids, and where each stands."""


async def check_ids(
    reader: Reader, principal: Principal, info: GraphQLResolveInfo[Any], arguments: Mapping[str, Any]
) -> Named:
    """What the arguments name that may be outside of a scope. Raises NotFoundError (its path, without `input`) for an
    id that is outside of the principal's."""
    if principal.tags is None:
        return {}
    declared = info.parent_type.fields[info.field_name].args
    named: dict[str, list[tuple[int, tuple[str, ...]]]] = {}
    for name, value in arguments.items():
        for global_id, path in ids_in(value, declared[name].type, () if name == "input" else (name,)):
            decoded = decode_global_id(global_id)
            if decoded is None or decoded[0] not in ENTITIES or ENTITIES[decoded[0]].scope is SHARED:
                continue
            named.setdefault(decoded[0], []).append((decoded[1], path))
    for type_name, found in named.items():
        there = await reader.within(principal, type_name, [row_id for row_id, _ in found])
        _check_there(type_name, found, there)
    return named


def hold_of(reader: Reader, principal: Principal, named: Named) -> Hold:
    """Looks at what `check_ids` has found once more, in the transaction of a change, and keeps it as it is."""

    async def hold(connection: PooledConnection) -> None:
        ids = {type_name: [row_id for row_id, _ in found] for type_name, found in named.items()}
        for type_name, there in (await reader.hold(connection, principal, ids)).items():
            _check_there(type_name, named[type_name], there)

    return hold


def _check_there(type_name: str, named: Sequence[tuple[int, tuple[str, ...]]], there: Set[int]) -> None:
    for row_id, path in named:
        if row_id not in there:
            raise NotFoundError("There is no {type_name} with this id.", path=path, type_name=type_name)


def ids_in(value: Any, type_: Any, path: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The global ids in an argument, and where each is."""
    if isinstance(type_, GraphQLNonNull):
        yield from ids_in(value, type_.of_type, path)
    elif value is None:
        return
    elif isinstance(type_, GraphQLList):
        for one in value if isinstance(value, list) else [value]:
            yield from ids_in(one, type_.of_type, path)
    elif isinstance(type_, GraphQLInputObjectType):
        for name, field in type_.fields.items():
            if name in value:
                yield from ids_in(value[name], field.type, (*path, name))
    elif type_.name == "ID":
        yield str(value), path
