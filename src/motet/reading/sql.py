"""The statements of a plan. Stage three of a read: text of declared constants and placeholders, parameters beside it.

`t0` is the row's alias, `$1` the workspace wherever rows belong to one. Lists of many parents at once read from
`unnest($2) AS k (id), LATERAL (…)`, which keeps each parent's rows in their order, and give the parent as the last
column. Where the principal is bound to tags, these are the next parameter, and each table's scope a condition more.
"""

# ruff: noqa: S608 - text of declared constants; a caller's values are parameters

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from motet.reading.cursor import SortPosition
from motet.reading.filters import asks_for, filter_condition
from motet.reading.model import Entity, Scope, SortKind
from motet.reading.page import Page
from motet.reading.plan import ConnectionPlan, ObjectPlan, RowPlan
from motet.reading.reach import condition_of
from motet.reading.statement import Statement
from motet.reading.tag_scope import NOTHING, Ground

Tags = Sequence[str] | None
"""The tags that the principal's role is bound to; None for all devices."""

COUNT_BOUND = 10_000
"""Counts are exact up to here: a capped count costs 0.9 ms where one of 100,000 rows costs 6. Beyond it the planner
says in a third of a millisecond what it expects from its statistics, or, of a scanned list, the count stops."""

SCAN_BOUND = 10_000
"""Rows looked at for one page of a filtered list that no index serves."""


_CASTS = {SortKind.TEXT: "", SortKind.INTEGER: "::bigint", SortKind.NUMBER: "::float8", SortKind.TIME: ""}
"""What a cursor's value is cast to, lest a narrow column refuse a wide number."""


Tenant = int | list[int] | None
"""Where rows are seen from: `motet.reading.reach.seen_from`."""


class Sql(NamedTuple):
    """A statement and its parameters."""

    text: str
    parameters: list[Any]


def objects_by_id(
    plan: ObjectPlan, workspace_id: Tenant, ids: Sequence[int], filter_: Mapping[str, Any], tags: Tags = None
) -> Sql:
    """The rows with these ids that pass the filter, in no order."""
    entity = plan.row.entity
    statement = _statement(entity, workspace_id, tags=tags)
    conditions = [*_tenant(entity, workspace_id), "{t}.id = ANY(" + statement.add(list(ids)) + "::bigint[])"]
    return _objects(plan, conditions, filter_, statement, "")


def object_by_filter(plan: ObjectPlan, workspace_id: Tenant, filter_: Mapping[str, Any], tags: Tags = None) -> Sql:
    """The row that passes the filter, the first in `Entity.lookup_order` if several do."""
    entity = plan.row.entity
    statement = _statement(entity, workspace_id, tags=tags)
    return _objects(plan, _tenant(entity, workspace_id), filter_, statement, f" ORDER BY {entity.lookup_order} LIMIT 1")


def _objects(
    plan: ObjectPlan, conditions: list[str], filter_: Mapping[str, Any], statement: Statement, tail: str
) -> Sql:
    entity = plan.row.entity
    where = [Scope(tuple(conditions), descending=False).where("t0")]
    filtered = _filtered(entity, filter_, statement, plan.row.tags)
    if filtered:
        where.append(filtered)
    text = f"{_select(plan.row, entity.table)} WHERE {' AND '.join(where)}{tail}"
    return Sql(text, statement.parameters)


def ids(entity: Entity, workspace_id: Tenant, filter_: Mapping[str, Any], limit: int, tags: Tags = None) -> Sql:
    """The ids of the rows that a list with this filter holds, oldest first."""
    statement = _statement(entity, workspace_id, tags=tags)
    hidden = entity.hidden
    live = [] if hidden is None or asks_for(filter_, hidden.field) else [hidden.live]
    where = [Scope((*_tenant(entity, workspace_id), *live), descending=False).where("t0")]
    filtered = _filtered(entity, filter_, statement, None if tags is None else "$2")
    if filtered:
        where.append(filtered)
    text = f"SELECT t0.id FROM {entity.table} t0 WHERE {' AND '.join(where)} ORDER BY t0.id LIMIT {limit:d}"
    return Sql(text, statement.parameters)


def page(plan: ConnectionPlan, workspace_id: Tenant, parents: Sequence[int] | None, tags: Tags = None) -> Sql:
    """The rows of a page and one more, in the order in which they are read (`Page.read_descending`)."""
    statement = _statement(plan.entity, workspace_id, parents, tags)
    scopes = _scopes(plan, workspace_id, parents, statement)
    source = _scan(plan, scopes, statement, SCAN_BOUND)
    filtered = _filtered(plan.entity, plan.filter, statement, plan.row.tags)
    names = [f"{column} AS c{n}" for n, column in enumerate(plan.row.columns)]
    select = _select(plan.row, source or plan.entity.table, names)
    limit = f"LIMIT {plan.page.size + 1}"
    if source:
        inner = f"{select} WHERE {filtered or 'true'} ORDER BY {scopes[0].order('t0')} {limit}"
    else:
        inner = " UNION ALL ".join(
            f"({select} WHERE {scope.where('t0')}{f' AND {filtered}' if filtered else ''}"
            f" ORDER BY {scope.order('t0')} {limit})"
            for scope in scopes
        )
        if len(scopes) == 1:
            inner = inner[1:-1]
        else:
            inner = f"SELECT u.* FROM ({inner}) u ORDER BY {_order_of_columns(plan)} {limit}"
    return Sql(_for_parents(inner, "r.*", parents, workspace_id), statement.parameters)


def _order_of_columns(plan: ConnectionPlan) -> str:
    way = "DESC" if plan.page.read_descending else "ASC"
    columns = (plan.sort_column, plan.id_column)
    return ", ".join(f"u.c{column} {way}" for column in columns if column is not None)


def scan_end(
    plan: ConnectionPlan, workspace_id: Tenant, parents: Sequence[int] | None, tags: Tags = None
) -> Sql | None:
    """The place (sort value, id) of the last candidate if a page's scan used up its bound, no row if not; None for a
    list without bound."""
    statement = _statement(plan.entity, workspace_id, parents, tags)
    scopes = _scopes(plan, workspace_id, parents, statement)
    source = _scan(plan, scopes, statement, SCAN_BOUND)
    if source is None:
        return None
    value = (plan.page.key.expression or "NULL").replace("{t}", "s")
    order = scopes[0].order("s")
    used = "" if plan.row.tags is None else f" WHERE {plan.row.tags}::text[] IS NOT NULL"  # every parameter has to be
    inner = f"SELECT {value} AS v, s.id FROM {source} s{used} ORDER BY {order} OFFSET {SCAN_BOUND - 1} LIMIT 1"
    return Sql(_for_parents(inner, "r.v, r.id", parents, workspace_id), statement.parameters)


def count(plan: ConnectionPlan, workspace_id: Tenant, parents: Sequence[int] | None, tags: Tags = None) -> Sql:
    """(matching rows up to the bound, whether there may be more) of the whole list, without its page."""
    statement = _statement(plan.entity, workspace_id, parents, tags)
    scope = Scope(_scope(plan, workspace_id, parents), plan.entity.newest_first)
    source = _scan(plan, [scope], statement, COUNT_BOUND + 1)
    filtered = _filtered(plan.entity, plan.filter, statement, plan.row.tags)
    if source:
        inner = (
            f"SELECT least(count(*) FILTER (WHERE {filtered or 'true'}), {COUNT_BOUND}) AS n,"
            f" count(*) > {COUNT_BOUND} AS more FROM {source} t0"
        )
    else:
        where = scope.where("t0") + (f" AND {filtered}" if filtered else "")
        rows = f"SELECT FROM {plan.entity.table} t0 WHERE {where} LIMIT {COUNT_BOUND + 1}"
        inner = f"SELECT least(count(*), {COUNT_BOUND}) AS n, count(*) > {COUNT_BOUND} AS more FROM ({rows}) c"
    return Sql(_for_parents(inner, "r.n, r.more", parents, workspace_id), statement.parameters)


def estimate(plan: ConnectionPlan, workspace_id: Tenant, tags: Tags = None) -> Sql | None:
    """The planner's guess, as its plan in JSON, of how many rows a list at the root has; None for one that is scanned:
    nothing is known of what its filter lets pass beyond the scan."""
    statement = _statement(plan.entity, workspace_id, tags=tags)
    scope = Scope(_scope(plan, workspace_id, None), plan.entity.newest_first)
    if _scan(plan, [scope], statement, COUNT_BOUND) is not None:
        return None
    statement = _statement(plan.entity, workspace_id, tags=tags)
    filtered = _filtered(plan.entity, plan.filter, statement, plan.row.tags)
    where = scope.where("t0") + (f" AND {filtered}" if filtered else "")
    return Sql(f"EXPLAIN (FORMAT JSON) SELECT FROM {plan.entity.table} t0 WHERE {where}", statement.parameters)


def beyond(
    plan: ConnectionPlan,
    workspace_id: Tenant,
    parents: Sequence[int] | None,
    tags: Tags = None,
    *,
    earlier: bool,
) -> Sql:
    """Whether the list has a row at or before the cursor `after` (`earlier`), or at or behind the cursor `before`."""
    statement = _statement(plan.entity, workspace_id, parents, tags)
    position = plan.page.after if earlier else plan.page.before
    if position is None:
        raise ValueError("There is no cursor to look beyond.")
    smaller = earlier != plan.page.descending
    common = _scope(plan, workspace_id, parents)
    scopes = [
        Scope((*common, *bounds), smaller, plan.page.key)  # nearest first
        for bounds in _bounds(plan.page, position, "<=" if smaller else ">=", statement)
    ]
    source = _scan(plan, scopes, statement, SCAN_BOUND)
    filtered = _filtered(plan.entity, plan.filter, statement, plan.row.tags)
    if source:
        found = f"EXISTS (SELECT FROM {source} t0 WHERE {filtered or 'true'})"
    else:
        also = f" AND {filtered}" if filtered else ""
        found = " OR ".join(
            f"EXISTS (SELECT FROM {plan.entity.table} t0 WHERE {scope.where('t0')}{also})" for scope in scopes
        )
    return Sql(_for_parents(f"SELECT ({found}) AS found", "r.found", parents, workspace_id), statement.parameters)


def visible(
    entity: Entity,
    workspace_id: int,
    ids: Sequence[int],
    tags: Sequence[str],
    held: Mapping[str, Sequence[int]] | None = None,
) -> Sql:
    """Those of the ids that there are within the tags; of those, if rows are `held` (by table), what rests on them."""
    statement = _statement(entity, workspace_id, tags=tags)
    scope, tenant = (entity.scope or NOTHING).of("t0", "$2"), f"t0.{entity.tenant_column} = $1"
    wanted = f"t0.id = ANY({statement.add(list(ids))}::bigint[])"
    for ground in (entity.scope or NOTHING).rests_on:
        if held is not None:
            row_id, row_ids = ground.row_id.replace("{t}", "t0"), statement.add(list(held[ground.table]))
            scope += f" AND coalesce({row_id} = ANY({row_ids}::bigint[]), true)"
    return Sql(f"SELECT t0.id FROM {entity.table} t0 WHERE {tenant} AND {wanted} AND {scope}", statement.parameters)


Resting = tuple[Entity, Sequence[int], Ground]
"""Ids of an entity, and the rows of a table that its scope rests on."""


def held(workspace_id: int, table: str, resting: Sequence[Resting]) -> Sql:
    """Locks the rows of a table that the scopes of these ids rest on, in the order of their own ids, so that their tags
    stay as they are; gives these."""
    statement = Statement()
    tenant = statement.add(workspace_id)
    grounds = [
        f"SELECT {ground.row_id.replace('{t}', 't0')} FROM {entity.table} t0"
        f" WHERE t0.{entity.tenant_column} = {tenant} AND t0.id = ANY({statement.add(list(ids))}::bigint[])"
        for entity, ids, ground in resting
    ]
    return Sql(
        f"SELECT g.id FROM {table} g WHERE g.workspace_id = {tenant} AND g.id IN ({' UNION ALL '.join(grounds)})"
        " ORDER BY g.id FOR NO KEY UPDATE",
        statement.parameters,
    )


def _filtered(entity: Entity, filter_: Mapping[str, Any], statement: Statement, tags: str | None) -> str | None:
    """What a row has to be: what the filter asks for and, for a principal that is bound to tags, in their scope."""
    filtered = filter_condition(entity, filter_, "t0", statement)
    if tags is None:
        return filtered
    scope = (entity.scope or NOTHING).of("t0", tags)
    return f"{scope} AND {filtered}" if filtered else scope


def _statement(
    entity: Entity, workspace_id: Tenant, parents: Sequence[int] | None = None, tags: Tags = None
) -> Statement:
    statement = Statement()
    if entity.tenant_column is not None and workspace_id is not None:
        statement.add(workspace_id)
    elif entity.tenant_column is not None and not entity.operator_reads_all:
        raise ValueError(f"{entity.name} is read inside a workspace only.")
    if parents is not None:
        statement.add(list(parents))
    if tags is not None:
        statement.add(list(tags))
    return statement


def _tenant(entity: Entity, workspace_id: Tenant) -> list[str]:
    if entity.tenant_column is None or workspace_id is None:
        return []
    if entity.reach is not None:
        return [condition_of(entity, "{t}")]
    return ["{t}." + f"{entity.tenant_column} = $1"]


def _scope(plan: ConnectionPlan, workspace_id: Tenant, parents: Sequence[int] | None) -> tuple[str, ...]:
    parent = [] if parents is None else ["{t}." + f"{plan.parent_column} = k.id"]
    hidden = plan.entity.hidden
    live = [] if hidden is None or asks_for(plan.filter, hidden.field) else [hidden.live]
    return (*_tenant(plan.entity, workspace_id), *parent, *live)


def _scopes(
    plan: ConnectionPlan, workspace_id: Tenant, parents: Sequence[int] | None, statement: Statement
) -> list[Scope]:
    """The page's window, as scopes that each is one range of an index and that have no row in common: more than one
    only beside a cursor in a list that is sorted by a nullable column."""
    page, common = plan.page, _scope(plan, workspace_id, parents)
    after: list[tuple[str, ...]] = [()]
    before: list[tuple[str, ...]] = [()]
    if page.after is not None:
        after = _bounds(page, page.after, "<" if page.descending else ">", statement)
    if page.before is not None:
        before = _bounds(page, page.before, ">" if page.descending else "<", statement)
    return [
        Scope((*common, *lower, *upper), page.read_descending, page.key)
        for lower, upper in itertools.product(after, before)
    ]


def _bounds(page: Page, position: SortPosition, comparison: str, statement: Statement) -> list[tuple[str, ...]]:
    """The rows on one side of a position, as alternatives. Null is greater than everything, as in an index."""
    expression, row_id = page.key.expression, statement.add(position[-1])
    if expression is None or len(position) == 1:
        return [("{t}.id " + f"{comparison} {row_id}",)]
    greater = comparison.startswith(">")
    value = position[0]
    if value is None:
        equal = (f"{expression} IS NULL", "{t}.id " + f"{comparison} {row_id}")
        return [equal] if greater else [equal, (f"{expression} IS NOT NULL",)]
    beyond_it = f"({expression}, {{t}}.id) {comparison} ({statement.add(value)}{_CASTS[page.key.kind]}, {row_id})"
    return [(beyond_it,), (f"{expression} IS NULL",)] if greater and page.key.nullable else [(beyond_it,)]


def _scan(plan: ConnectionPlan, scopes: Sequence[Scope], statement: Statement, limit: int) -> str | None:
    """The FROM item of a list that looks at a bounded number of rows, in its order; None for one that has an index."""
    entity = plan.entity
    if entity.scan is not None:
        found = entity.scan(plan.filter, scopes[0], statement, limit, parent=plan.parent_column is not None)
        if found is not None or plan.row.tags is None:
            return found
    filtered = None
    if plan.row.tags is not None and plan.parent_column is None and (entity.scope or NOTHING).is_rare:
        filtered = filter_condition(entity, plan.filter, "s", statement)  # an index serves it, or `scan` had taken it
    elif not any(asks_for(plan.filter, name) for name in entity.sparse):
        return None
    also = f" AND {filtered}" if filtered else ""
    parts = [
        f"(SELECT * FROM {entity.table} s WHERE {scope.where('s')}{also} ORDER BY {scope.order('s')} LIMIT {limit})"
        for scope in scopes
    ]
    if len(parts) == 1:
        return parts[0]
    return f"(SELECT * FROM ({' UNION ALL '.join(parts)}) s ORDER BY {scopes[0].order('s')} LIMIT {limit})"


def _select(row: RowPlan, source: str, columns: list[str] | None = None) -> str:
    return " ".join((f"SELECT {', '.join(columns or row.columns)} FROM {source} t0", *row.joins))


def _for_parents(inner: str, columns: str, parents: Sequence[int] | None, workspace_id: Tenant) -> str:
    if parents is None:
        return inner
    place = "$1" if workspace_id is None else "$2"
    return f"SELECT {columns}, k.id FROM unnest({place}::bigint[]) AS k (id), LATERAL ({inner}) r"
