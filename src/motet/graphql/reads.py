"""What root fields read: a page of a list, or the one object that an argument names."""

from __future__ import annotations

from typing import Any

from strawberry.types import Info

from motet.domain.global_ids import decode_global_id
from motet.graphql.fields import context_of, raw
from motet.graphql.selection import selection_of
from motet.reading.errors import InvalidRequestError
from motet.reading.reader import Answer


async def read_list(info: Info, entity: str) -> Any:
    """A page of the entity's rows, as the field's arguments ask for it."""
    context = context_of(info)
    return await context.services.reader.connection(context.principal, entity, selection_of(raw(info)))


def answer(value: Any) -> Any:
    """Values that are in the shape that was asked for."""
    return Answer(value)


async def read_one(info: Info, entity: str) -> Any:
    """The object that the field's one argument names: by id, or by another key."""
    context = context_of(info)
    selected = selection_of(raw(info))
    keys = {name: value for name, value in selected.arguments.items() if value is not None}
    if len(keys) != 1:
        raise InvalidRequestError("Give exactly one of the arguments of `{field}`.", field=selected.name)
    reader = context.services.reader
    if "id" not in keys:
        return await reader.one(context.principal, entity, selected.children, keys)
    decoded = decode_global_id(keys["id"])
    if decoded is None or decoded[0] != entity:
        return Answer(None)
    return await reader.by_id(context.principal, entity, selected.children, decoded[1])
