"""Whoever asks, and objects by their global ids."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.domain.global_ids import decode_global_id
from motet.graphql.fields import context_of, query, raw
from motet.graphql.scoping import Scoping
from motet.graphql.selection import children_as
from motet.graphql.types.relay import Node
from motet.graphql.types.viewer import Viewer
from motet.graphql.viewer import read_viewer
from motet.reading.entities import ENTITIES
from motet.reading.errors import InvalidRequestError
from motet.reading.plan import Failure
from motet.reading.reader import Answer

MAX_NODES = 200
"""Ids of one `nodes`: as many as a page holds."""

_OPERATORS_OWN = {name for name, entity in ENTITIES.items() if entity.tenant_column is None}


@strawberry.type
class NodeQueries:
    """The part of Query that every Relay server has."""

    @query(Permission.VIEWER_READ, "Whoever asks.")
    async def viewer(self, info: Info) -> Viewer:
        return await read_viewer(info)

    @query(None, "The object of this id, or null if there is none or it is not yours.", Scoping.ROOM)
    async def node(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="A global id.")],  # noqa: A002
    ) -> Node | None:
        answer = await _nodes(info, [id])
        return _answer(answer.value[0], answer.failures)

    @query(
        None,
        "The objects of these ids, at most 200, in their order; null for each that is not there or not yours.",
        Scoping.ROOM,
    )
    async def nodes(
        self,
        info: Info,
        ids: Annotated[list[strawberry.ID], strawberry.argument(description="Global ids.")],
    ) -> list[Node | None]:
        return await _nodes(info, list(ids))


async def _nodes(info: Info, ids: list[str]) -> Any:
    """Objects of several types, read type by type."""
    if len(ids) > MAX_NODES:
        raise InvalidRequestError("`nodes` takes at most {most} ids.", most=MAX_NODES)
    context = context_of(info)
    decoded = [decode_global_id(each) for each in ids]
    wanted: dict[str, list[int]] = {}
    for found in decoded:
        if found is not None and found[0] in ENTITIES and _visible(context.principal.is_operator, found[0]):
            wanted.setdefault(found[0], []).append(found[1])
    objects: dict[tuple[str, int], Any] = {}
    failures: list[Failure] = []
    for type_name, row_ids in wanted.items():
        children = children_as(raw(info), type_name)
        answer = await context.services.reader.by_ids(context.principal, type_name, children, row_ids)
        failures += answer.failures
        objects |= {(type_name, row_id): value for row_id, value in answer.value.items()}
    return Answer([None if found is None else objects.get(found) for found in decoded], failures)


def _visible(is_operator: bool, type_name: str) -> bool:
    """Whether ids of the type are anything to the principal: to others they look like ids of nothing."""
    entity = ENTITIES[type_name]
    both = entity.operator_reads_all or entity.installation is not None
    return is_operator == (type_name in _OPERATORS_OWN) or both


def _answer(value: Any, failures: list[Failure]) -> Any:
    return Answer(value, failures)
