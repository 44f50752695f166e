"""Runs reads: plans a selection, runs its statements on one connection, shapes the rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, NamedTuple, TypeVar

import asyncpg
import orjson

from motet.access.principals import Principal
from motet.domain.search import SearchTerms
from motet.reading import sql
from motet.reading.cursor import SortPosition
from motet.reading.entities import ENTITIES
from motet.reading.model import Entity
from motet.reading.page import page_of
from motet.reading.plan import ConnectionPlan, Failure, ObjectPlan, Planner, RowPlan, require, space_of, tags_of
from motet.reading.selection import Selected, SharedChildren
from motet.reading.shape import Lists, ReadPage, Row, connection_shape, object_shape
from motet.reading.sql import Sql
from motet.reading.tag_scope import NOTHING
from motet.storage.database import LOST, Executor
from motet.storage.search import Found, search

READ_ERRORS = LOST
"""What a statement can fail with: a part of the answer is then null, and the rest stands."""


PLANS_OF_A_SELECTION = 20
"""Plans kept with a shared selection: for each role and order."""

ACQUIRE_TIMEOUT_S = 10.0
"""How long a read waits for one of the pool's connections: by then the caller is better told so."""


@dataclass(slots=True)
class Answer:
    """Plain values as the selection asked for, and the parts that are null because they could not be read."""

    value: Any
    failures: list[Failure] = field(default_factory=list)


P = TypeVar("P", ConnectionPlan, ObjectPlan)


class Planned(NamedTuple, Generic[P]):
    """A plan, and the parts of it that the principal may not read."""

    plan: P
    failures: list[Failure]


class Reader:
    """Reads what a principal may see. Every method raises RequestError if the read as a whole is not possible."""

    def __init__(self, pool: asyncpg.Pool, entities: Mapping[str, Entity] = ENTITIES) -> None:
        self._pool = pool
        self._entities = entities

    async def connection(self, principal: Principal, entity: str, selected: Selected) -> Answer:
        """A list at the root, with the page, filter and order of its arguments."""
        declared = self._entities[entity]
        require(principal, declared)
        page = page_of(declared, selected.arguments)

        def make() -> Planned[ConnectionPlan]:
            planner = Planner(principal, self._entities)
            return Planned(planner.connection(declared, selected, ()), planner.failures)

        found = _planned(principal, entity, page.key.expression, selected.children, make)
        plan = replace(found.plan, page=page, filter=selected.arguments.get("filter") or {})
        failures = list(found.failures)
        async with self._pool.acquire(timeout=ACQUIRE_TIMEOUT_S) as connection:
            connections = await _Read(connection, principal, failures).connections(plan, None)
        found.plan.shape = plan.shape
        return Answer(connections[0], failures)

    async def one(
        self, principal: Principal, entity: str, children: Sequence[Selected], filter_: Mapping[str, Any]
    ) -> Answer:
        """The row that passes the filter, or null; of several the one that `Entity.lookup_order` puts first."""
        plan, failures = self._object(principal, entity, children)
        statement = sql.object_by_filter(plan, space_of(principal, plan.row.entity), filter_, tags_of(principal))
        async with self._pool.acquire(timeout=ACQUIRE_TIMEOUT_S) as connection:
            read = _Read(connection, principal, failures)
            found = list((await read.objects(plan, statement)).values())
        return Answer(found[0] if found else None, failures)

    async def search(self, workspace_id: int, terms: SearchTerms, limit: int) -> list[Found]:
        """What a search finds, as ids; see `motet.storage.search`."""
        async with self._pool.acquire(timeout=ACQUIRE_TIMEOUT_S) as connection:
            return await search(connection, workspace_id, terms, limit)

    async def ids(self, principal: Principal, entity: str, filter_: Mapping[str, Any], limit: int) -> list[int]:
        """The ids of the rows that a list with this filter holds, oldest first; at most `limit`."""
        require(principal, self._entities[entity])
        statement = sql.ids(
            self._entities[entity], space_of(principal, self._entities[entity]), filter_, limit, tags_of(principal)
        )
        async with self._pool.acquire(timeout=ACQUIRE_TIMEOUT_S) as connection:
            return [row[0] for row in await connection.fetch(statement.text, *statement.parameters)]

    async def within(self, principal: Principal, entity: str, ids: Sequence[int]) -> set[int]:
        """Those of the ids that there are within the principal's tags, whatever it may read: for what writes."""
        declared = self._entities[entity]
        if principal.tags is None or principal.workspace_id is None:
            return set(ids)
        if declared.tenant_column is None:
            return set()
        statement = sql.visible(declared, principal.workspace_id, ids, sorted(principal.tags))
        async with self._pool.acquire(timeout=ACQUIRE_TIMEOUT_S) as connection:
            return {row[0] for row in await connection.fetch(statement.text, *statement.parameters)}

    async def hold(
        self, connection: Executor, principal: Principal, named: Mapping[str, Sequence[int]]
    ) -> dict[str, set[int]]:
        """As `within`, for the ids of several entities, and so until the connection's transaction ends: what decides it
        is locked. All that is, whichever entities rest on it, is locked in one order, by table and then by id: so two
        that name the same rows by different ways do not wait for each other in a circle."""
        if principal.tags is None or principal.workspace_id is None:
            return {entity: set(ids) for entity, ids in named.items()}
        declared = {entity: self._entities[entity] for entity in named}
        resting: dict[str, list[sql.Resting]] = {}
        for entity, ids in named.items():
            if declared[entity].tenant_column is not None:
                for ground in (declared[entity].scope or NOTHING).rests_on:
                    resting.setdefault(ground.table, []).append((declared[entity], ids, ground))
        held = {}
        for table in sorted(resting):
            locking = sql.held(principal.workspace_id, table, resting[table])
            held[table] = [row[0] for row in await connection.fetch(locking.text, *locking.parameters)]
        there: dict[str, set[int]] = {}
        for entity, ids in named.items():
            there[entity] = set()
            if declared[entity].tenant_column is not None:
                statement = sql.visible(declared[entity], principal.workspace_id, ids, sorted(principal.tags), held)
                rows = await connection.fetch(statement.text, *statement.parameters)
                there[entity] = {row[0] for row in rows}
        return there

    async def by_id(self, principal: Principal, entity: str, children: Sequence[Selected], row_id: int) -> Answer:
        """The row of this id, or null."""
        answer = await self.by_ids(principal, entity, children, [row_id])
        return Answer(answer.value.get(row_id), answer.failures)

    async def by_ids(
        self,
        principal: Principal,
        entity: str,
        children: Sequence[Selected],
        ids: Sequence[int],
        filter_: Mapping[str, Any] | None = None,
    ) -> Answer:
        """A dict from id to object of the rows with these ids that exist and pass the filter."""
        plan, failures = self._object(principal, entity, children)
        statement = sql.objects_by_id(
            plan, space_of(principal, plan.row.entity), ids, filter_ or {}, tags_of(principal)
        )
        async with self._pool.acquire(timeout=ACQUIRE_TIMEOUT_S) as connection:
            read = _Read(connection, principal, failures)
            return Answer(await read.objects(plan, statement), failures)

    def _object(
        self, principal: Principal, entity: str, children: Sequence[Selected]
    ) -> tuple[ObjectPlan, list[Failure]]:
        declared = self._entities[entity]
        require(principal, declared)

        def make() -> Planned[ObjectPlan]:
            planner = Planner(principal, self._entities)
            return Planned(planner.object(declared, tuple(children), ()), planner.failures)

        found = _planned(principal, entity, None, children, make)
        return found.plan, list(found.failures)


def _planned(
    principal: Principal,
    entity: str,
    sorted_by: str | None,
    children: Sequence[Selected],
    make: Callable[[], Planned[P]],
) -> Planned[P]:
    """The plan of a selection, which depends on nothing else but who asks; kept with a selection that is shared."""
    if not isinstance(children, SharedChildren):
        return make()
    key = (
        entity,
        sorted_by,
        principal.permissions,
        principal.workspace_id is None,
        principal.is_operator,
        principal.tags is None,
    )
    found: Planned[P] | None = children.compiled.get(key)
    if found is None:
        if len(children.compiled) >= PLANS_OF_A_SELECTION:
            children.compiled.clear()
        found = children.compiled[key] = make()
    return found


class _Read:
    """One read on one connection."""

    def __init__(self, connection: Any, principal: Principal, failures: list[Failure]) -> None:
        self._connection = connection
        self._principal = principal
        self._tags = tags_of(principal)
        self._failures = failures

    async def objects(self, plan: ObjectPlan, statement: Sql) -> dict[int, Any]:
        rows = await self._fetch(statement)
        lists = await self._lists(plan.row, rows)
        shape = plan.shape = plan.shape or object_shape(plan.parts)
        return {row[plan.id_column]: shape(row, lists) for row in rows}

    async def connections(self, plan: ConnectionPlan, parents: Sequence[int] | None) -> dict[int, Any]:
        """The connection of each parent, by its id; a list at the root is that of parent 0."""
        pages = await self._pages(plan, parents)
        lists = await self._lists(plan.row, [row for page in pages.values() for row in page.rows])
        shape = plan.shape = plan.shape or connection_shape(plan)
        order = plan.page.order
        return {parent: shape(page, lists, order) for parent, page in pages.items()}

    async def _lists(self, row_plan: RowPlan, rows: Sequence[Row]) -> Lists:
        lists: list[Mapping[int, Any] | None] = []
        for plan, id_column in zip(row_plan.lists, row_plan.list_columns, strict=True):
            parents = list(dict.fromkeys(row[id_column] for row in rows if row[id_column] is not None))
            if not parents:
                lists.append({})
                continue
            try:
                lists.append(await self.connections(plan, parents))
            except READ_ERRORS as error:
                self._failures.append(Failure(plan.path, error))
                lists.append(None)
        return lists

    async def _pages(self, plan: ConnectionPlan, parents: Sequence[int] | None) -> dict[int, ReadPage]:
        pages = {parent: ReadPage([]) for parent in ((0,) if parents is None else parents)}
        for row in await self._fetch(sql.page(plan, self._space(plan), parents, self._tags)):
            pages[0 if parents is None else row[-1]].rows.append(row)
        page = plan.page
        more: dict[int, bool] = {}
        for parent, read in pages.items():
            more[parent] = len(read.rows) > page.size
            del read.rows[page.size :]
            if page.backward:
                read.rows.reverse()
        if plan.page_info:
            await self._page_info(plan, parents, pages, more)
        if plan.counted:
            for row in await self._fetch(sql.count(plan, self._space(plan), parents, self._tags)):
                read = pages[0 if parents is None else row[2]]
                read.total, read.total_is_estimate = row[0], row[1]
                guess = sql.estimate(plan, self._space(plan), self._tags) if row[1] and parents is None else None
                if guess is not None:
                    ((explained,),) = await self._fetch(guess)
                    read.total = max(read.total, orjson.loads(explained)[0]["Plan"]["Plan Rows"])
        return pages

    async def _page_info(
        self, plan: ConnectionPlan, parents: Sequence[int] | None, pages: dict[int, ReadPage], more: dict[int, bool]
    ) -> None:
        page = plan.page
        if not all(more.values()):
            ended = sql.scan_end(plan, self._space(plan), parents, self._tags)
            for row in await self._fetch(ended) if ended else ():
                parent = 0 if parents is None else row[2]
                if not more[parent]:  # the scan stopped short of a full page: the next one goes on from there
                    more[parent] = True
                    place: SortPosition = (row[1],) if page.key.column is None else (row[0], row[1])
                    if page.backward:
                        pages[parent].start = place
                    else:
                        pages[parent].end = place
        for parent, read in pages.items():
            read.has_next = more[parent] and not page.backward
            read.has_previous = more[parent] and page.backward
        if page.after is not None and "hasPreviousPage" in plan.page_info:
            for row in await self._fetch(sql.beyond(plan, self._space(plan), parents, self._tags, earlier=True)):
                pages[0 if parents is None else row[1]].has_previous |= row[0]
        if page.before is not None and "hasNextPage" in plan.page_info:
            for row in await self._fetch(sql.beyond(plan, self._space(plan), parents, self._tags, earlier=False)):
                pages[0 if parents is None else row[1]].has_next |= row[0]

    def _space(self, plan: ConnectionPlan) -> int | list[int] | None:
        return space_of(self._principal, plan.entity)

    async def _fetch(self, statement: Sql) -> list[Row]:
        rows: list[Row] = await self._connection.fetch(statement.text, *statement.parameters)
        return rows
