"""Anything by any identifier."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission, Principal
from motet.domain.search import MAX_QUERY_CHARACTERS, search_terms
from motet.graphql.context import Context
from motet.graphql.fields import context_of, query, raw
from motet.graphql.scoping import Scoping
from motet.graphql.selection import selection_of
from motet.graphql.types.search import SearchResult
from motet.reading.entities import ENTITIES
from motet.reading.errors import InvalidRequestError
from motet.reading.plan import Failure
from motet.reading.reader import READ_ERRORS, Answer
from motet.reading.selection import Selected
from motet.reading.statement import storable
from motet.storage.search import Found

DEFAULT_MATCHES = 10
MAX_MATCHES = 50
LOOKED_AT_WITHIN_TAGS = 500
"""Of each way to read a query, for a principal that is bound to tags: what is found is looked at for its tags then."""


@strawberry.type
class SearchQueries:
    """The part of Query that looks for things."""

    @query(
        Permission.DEVICE_READ,
        "SIMs, devices and messages of the workspace by any identifier, or by its beginning: ICCID with or without"
        " check digit, EID, IMSI, MSISDN, IMEI, IP address, device name or a part of it, tag, a batch's BIC, message"
        " id, global id.",
        Scoping.ROOM,
    )
    async def search(
        self,
        info: Info,
        query: Annotated[
            str, strawberry.argument(description=f"What is known, 1 to {MAX_QUERY_CHARACTERS} characters.")
        ],
        first: Annotated[
            int | None, strawberry.argument(description=f"How many at most, 0 to {MAX_MATCHES}; 10 if not given.")
        ] = strawberry.UNSET,
    ) -> SearchResult | None:
        wanted = first if isinstance(first, int) else DEFAULT_MATCHES
        if not 0 <= wanted <= MAX_MATCHES:
            raise InvalidRequestError("`first` must be 0 to {most}.", most=MAX_MATCHES)
        return await _search(info, query, wanted)


async def _search(info: Info, text: str, wanted: int) -> Any:
    context = context_of(info)
    if not storable(text) or (terms := search_terms(text)) is None:
        raise InvalidRequestError("`query` must have 1 to {most} characters.", most=MAX_QUERY_CHARACTERS)
    limit = wanted + 1 if context.principal.tags is None else LOOKED_AT_WITHIN_TAGS
    found = await context.services.reader.search(context.workspace_id, terms, limit)
    if terms.global_id is not None:
        found.append(Found(*terms.global_id, "ID", text.strip(), 0))
    if context.principal.tags is not None:
        found = await _within(context, found)
    best: dict[tuple[str, int], Found] = {}
    for one in sorted(found, key=_rank):
        if _may_read(context.principal, one.type):
            best.setdefault((one.type, one.id), one)
    shown = list(best.values())[:wanted]
    selected = selection_of(raw(info))
    objects, failures = await _objects(info, selected, shown)
    values: dict[str, Any] = {}
    for child in selected.children:
        if child.name == "matches":
            there = [one for one in shown if one.field != "ID" or (one.type, one.id) in objects]
            values[child.key] = [_match(child, one, objects) for one in there]
        else:
            values[child.key] = len(best) > wanted if child.name == "hasMore" else "SearchResult"
    return Answer(values, failures)


async def _within(context: Context, found: list[Found]) -> list[Found]:
    """What there is of it for a principal that is bound to tags."""
    there: set[tuple[str, int]] = set()
    for type_name in {one.type for one in found} & ENTITIES.keys():
        ids = [one.id for one in found if one.type == type_name]
        there |= {
            (type_name, row_id) for row_id in await context.services.reader.within(context.principal, type_name, ids)
        }
    return [one for one in found if (one.type, one.id) in there]


def _rank(one: Found) -> tuple[Any, ...]:
    """What fits best comes first: whole identifiers, then short ones that begin so; a tag is many devices'."""
    return one.rank, one.field == "TAG", len(one.value), one.value, one.id


async def _objects(
    info: Info, selected: Selected, found: list[Found]
) -> tuple[dict[tuple[str, int], dict[str, Any]], list[Failure]]:
    """Of each object that is there, what is asked of it, by the key of each `node` field."""
    context = context_of(info)
    asked: list[tuple[tuple[str, ...], Selected | None]] = [
        ((matches.key, member.key), member)
        for matches in selected.children
        if matches.name == "matches"
        for member in matches.children
        if member.name == "node"
    ]
    if not asked and any(one.field == "ID" for one in found):
        asked = [((), None)]  # a global id is a match only if there is such an object
    objects: dict[tuple[str, int], dict[str, Any]] = {}
    failures: list[Failure] = []
    for path, member in asked:
        for type_name in dict.fromkeys(one.type for one in found):
            ids = [one.id for one in found if one.type == type_name]
            children = () if member is None or member.variant is None else member.variant(type_name)
            try:
                answer = await context.services.reader.by_ids(context.principal, type_name, children, ids)
            except READ_ERRORS as error:
                failures.append(Failure(path, error))
                continue
            failures += [Failure((*path, *failure.path), failure.error) for failure in answer.failures]
            for row_id, value in answer.value.items():
                objects.setdefault((type_name, row_id), {})["" if member is None else member.key] = value
    return objects, failures


def _match(selected: Selected, one: Found, objects: dict[tuple[str, int], dict[str, Any]]) -> dict[str, Any]:
    plain = {"field": one.field, "value": one.value, "exact": one.rank == 0, "__typename": "SearchMatch"}
    nodes = objects.get((one.type, one.id), {})
    return {
        child.key: nodes.get(child.key) if child.name == "node" else plain[child.name] for child in selected.children
    }


def _may_read(principal: Principal, type_name: str) -> bool:
    entity = ENTITIES.get(type_name)
    return (
        entity is not None
        and entity.tenant_column is not None
        and (entity.permission is None or principal.allows(entity.permission))
    )
