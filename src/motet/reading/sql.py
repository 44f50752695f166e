"""The statements of a plan. Stage three of a read: text of declared constants and placeholders, parameters beside it.

`t0` is the row's alias, `$1` the workspace wherever rows belong to one. Lists of many parents at once read from
`unnest($2) AS k (id), LATERAL (…)`, which keeps each parent's rows in their order, and give the parent as the last
column.
"""

# ruff: noqa: S608 - text of declared constants; a caller's values are parameters

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from motet.reading.cursor import SortPosition
from motet.reading.filters import asks_for, filter_condition
from motet.reading.model import Entity, Scope
from motet.reading.page import Page
from motet.reading.plan import ConnectionPlan, ObjectPlan, RowPlan
from motet.reading.statement import Statement

COUNT_BOUND = 10_000
"""Counts are exact up to here: a capped count costs 0.9 ms where one of 100,000 rows costs 6."""

SCAN_BOUND = 10_000
"""Rows looked at for one page of a filtered list that no index serves."""


class Sql(NamedTuple):
    """A statement and its parameters."""

    text: str
    parameters: list[Any]


def objects_by_id(plan: ObjectPlan, workspace_id: int | None, ids: Sequence[int], filter_: Mapping[str, Any]) -> Sql:
    """The rows with these ids that pass the filter, in no order."""
    entity = plan.row.entity
    statement = _statement(entity, workspace_id)
    conditions = [*_tenant(entity, workspace_id), "{t}.id = ANY(" + statement.add(list(ids)) + "::bigint[])"]
    return _objects(plan, conditions, filter_, statement, "")


def object_by_filter(plan: ObjectPlan, workspace_id: int | None, filter_: Mapping[str, Any]) -> Sql:
    """The row that passes the filter, the first in `Entity.lookup_order` if several do."""
    entity = plan.row.entity
    statement = _statement(entity, workspace_id)
    return _objects(plan, _tenant(entity, workspace_id), filter_, statement, f" ORDER BY {entity.lookup_order} LIMIT 1")


def _objects(
    plan: ObjectPlan, conditions: list[str], filter_: Mapping[str, Any], statement: Statement, tail: str
) -> Sql:
    entity = plan.row.entity
    where = [Scope(tuple(conditions), descending=False).where("t0")]
    filtered = filter_condition(entity, filter_, "t0", statement)
    if filtered:
        where.append(filtered)
    text = f"{_select(plan.row, entity.table)} WHERE {' AND '.join(where)}{tail}"
    return Sql(text, statement.parameters)


def page(plan: ConnectionPlan, workspace_id: int | None, parents: Sequence[int] | None) -> Sql:
    """The rows of a page and one more, in the order in which they are read (`Page.read_descending`)."""
    statement = _statement(plan.entity, workspace_id, parents)
    descending = plan.page.read_descending
    scope = Scope((*_scope(plan, workspace_id, parents), *_window(plan.page, statement)), descending)
    source = _scan(plan, scope, statement, SCAN_BOUND)
    where = [] if source else [scope.where("t0")]
    filtered = filter_condition(plan.entity, plan.filter, "t0", statement)
    if filtered:
        where.append(filtered)
    way = "DESC" if descending else "ASC"
    order = f"t0.id {way}" if plan.page.column is None else f"t0.{plan.page.column} {way}, t0.id {way}"
    names = [f"{column} AS c{n}" for n, column in enumerate(plan.row.columns)]
    inner = (
        f"{_select(plan.row, source or plan.entity.table, names)} WHERE {' AND '.join(where) or 'true'}"
        f" ORDER BY {order} LIMIT {plan.page.size + 1}"
    )
    return Sql(_for_parents(inner, "r.*", parents), statement.parameters)


def scan_end(plan: ConnectionPlan, workspace_id: int | None, parents: Sequence[int] | None) -> Sql | None:
    """The id of the last candidate if a page's scan used up its bound, no row if not; None for a list without bound."""
    statement = _statement(plan.entity, workspace_id, parents)
    scope = Scope((*_scope(plan, workspace_id, parents), *_window(plan.page, statement)), plan.page.read_descending)
    source = _scan(plan, scope, statement, SCAN_BOUND)
    if source is None:
        return None
    inner = f"SELECT s.id FROM {source} s OFFSET {SCAN_BOUND - 1} LIMIT 1"
    return Sql(_for_parents(inner, "r.id", parents), statement.parameters)


def count(plan: ConnectionPlan, workspace_id: int | None, parents: Sequence[int] | None) -> Sql:
    """(matching rows up to the bound, whether there may be more) of the whole list, without its page."""
    statement = _statement(plan.entity, workspace_id, parents)
    scope = Scope(_scope(plan, workspace_id, parents), plan.entity.newest_first)
    source = _scan(plan, scope, statement, COUNT_BOUND + 1)
    filtered = filter_condition(plan.entity, plan.filter, "t0", statement)
    if source:
        inner = (
            f"SELECT least(count(*) FILTER (WHERE {filtered or 'true'}), {COUNT_BOUND}) AS n,"
            f" count(*) > {COUNT_BOUND} AS more FROM {source} t0"
        )
    else:
        where = scope.where("t0") + (f" AND {filtered}" if filtered else "")
        rows = f"SELECT FROM {plan.entity.table} t0 WHERE {where} LIMIT {COUNT_BOUND + 1}"
        inner = f"SELECT least(count(*), {COUNT_BOUND}) AS n, count(*) > {COUNT_BOUND} AS more FROM ({rows}) c"
    return Sql(_for_parents(inner, "r.n, r.more", parents), statement.parameters)


def beyond(plan: ConnectionPlan, workspace_id: int | None, parents: Sequence[int] | None, *, earlier: bool) -> Sql:
    """Whether the list has a row at or before the cursor `after` (`earlier`), or at or behind the cursor `before`."""
    statement = _statement(plan.entity, workspace_id, parents)
    position = plan.page.after if earlier else plan.page.before
    if position is None:
        raise ValueError("There is no cursor to look beyond.")
    smaller = earlier != plan.page.descending
    bound = _bound(plan.page, position, "<=" if smaller else ">=", statement)
    scope = Scope((*_scope(plan, workspace_id, parents), bound), descending=smaller)  # nearest first
    source = _scan(plan, scope, statement, SCAN_BOUND)
    where = [] if source else [scope.where("t0")]
    filtered = filter_condition(plan.entity, plan.filter, "t0", statement)
    if filtered:
        where.append(filtered)
    rows = f"SELECT FROM {source or plan.entity.table} t0 WHERE {' AND '.join(where) or 'true'}"
    return Sql(_for_parents(f"SELECT EXISTS ({rows}) AS found", "r.found", parents), statement.parameters)


def _statement(entity: Entity, workspace_id: int | None, parents: Sequence[int] | None = None) -> Statement:
    statement = Statement()
    if entity.tenant_column is not None and workspace_id is not None:
        statement.add(workspace_id)
    elif entity.tenant_column is not None and not entity.operator_reads_all:
        raise ValueError(f"{entity.name} is read inside a workspace only.")
    if parents is not None:
        statement.add(list(parents))
    return statement


def _tenant(entity: Entity, workspace_id: int | None) -> list[str]:
    if entity.tenant_column is None or workspace_id is None:
        return []
    return ["{t}." + f"{entity.tenant_column} = $1"]


def _scope(plan: ConnectionPlan, workspace_id: int | None, parents: Sequence[int] | None) -> tuple[str, ...]:
    parent = [] if parents is None else ["{t}." + f"{plan.parent_column} = k.id"]
    hidden = plan.entity.hidden
    live = [] if hidden is None or asks_for(plan.filter, hidden.field) else [hidden.live]
    return (*_tenant(plan.entity, workspace_id), *parent, *live)


def _window(page: Page, statement: Statement) -> list[str]:
    bounds = []
    if page.after is not None:
        bounds.append(_bound(page, page.after, "<" if page.descending else ">", statement))
    if page.before is not None:
        bounds.append(_bound(page, page.before, ">" if page.descending else "<", statement))
    return bounds


def _bound(page: Page, position: SortPosition, comparison: str, statement: Statement) -> str:
    if page.column is None or len(position) == 1:
        return "{t}.id " + f"{comparison} {statement.add(position[-1])}"
    value, row_id = position
    return "({t}." + page.column + ", {t}.id) " + f"{comparison} ({statement.add(value)}, {statement.add(row_id)})"


def _scan(plan: ConnectionPlan, scope: Scope, statement: Statement, limit: int) -> str | None:
    if plan.entity.scan is None:
        return None
    return plan.entity.scan(plan.filter, scope, statement, limit, parent=plan.parent_column is not None)


def _select(row: RowPlan, source: str, columns: list[str] | None = None) -> str:
    return " ".join((f"SELECT {', '.join(columns or row.columns)} FROM {source} t0", *row.joins))


def _for_parents(inner: str, columns: str, parents: Sequence[int] | None) -> str:
    if parents is None:
        return inner
    return f"SELECT {columns}, k.id FROM unnest($2::bigint[]) AS k (id), LATERAL ({inner}) r"
