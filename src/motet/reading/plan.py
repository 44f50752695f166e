"""What has to be read for a selection: columns, joins, lists. Stage two of a read. Decides; reads nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from motet.access.principals import Principal
from motet.reading.errors import ForbiddenError, RequestError
from motet.reading.model import Entity, Fixed, ToMany, ToOne, Value
from motet.reading.page import Page, page_of
from motet.reading.reach import condition_of, seen_from
from motet.reading.selection import Selected, shaped
from motet.reading.tag_scope import NOTHING

Path = tuple[str, ...]
"""Where in the answer, by response keys; positions in lists are left out."""

TYPENAME = "__typename"


@dataclass(frozen=True, slots=True)
class Failure:
    """A part of the answer that is null because of `error`, at every place that `path` leads to."""

    path: Path
    error: Exception


@dataclass(frozen=True, slots=True)
class ValuePart:
    """A member made from columns of the row, by their position."""

    key: str
    columns: tuple[int, ...]
    make: Callable[..., Any] | None


@dataclass(frozen=True, slots=True)
class FixedPart:
    """A member that is the same for every row; null where `value` is None."""

    key: str
    value: Any


@dataclass(frozen=True, slots=True)
class OnePart:
    """A joined row: an object of its own, or null where the column of its id is null."""

    key: str
    id_column: int
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class ManyPart:
    """A connection: that of number `number` among the row's, for the parent whose id is in `id_column`."""

    key: str
    id_column: int
    number: int


Part = ValuePart | FixedPart | OnePart | ManyPart


@dataclass(slots=True)
class RowPlan:
    """What one statement's rows hold, and the lists that hang on them."""

    entity: Entity
    columns: list[str] = field(default_factory=list)
    """SQL expressions, with aliases: `t0` is the entity's own row."""
    joins: list[str] = field(default_factory=list)
    lists: list[ConnectionPlan] = field(default_factory=list)
    list_columns: list[int] = field(default_factory=list)
    """For each list, the position of the parent's id."""
    aliases: dict[Path, str] = field(default_factory=dict)
    """Alias of a join, by the relations that lead to it."""
    tags: str | None = None
    """The parameter that holds the tags of a principal with a tag scope; None for all others."""

    def column(self, expression: str, alias: str) -> int:
        """The position of a column, which is added unless it is there."""
        text = expression.replace("{t}", alias)
        if text not in self.columns:
            self.columns.append(text)
        return self.columns.index(text)


@dataclass(frozen=True, slots=True)
class EdgesPart:
    """`edges`: of each, the members that are cursors, nodes or fixed."""

    key: str
    members: tuple[tuple[str, str, tuple[Part, ...]], ...]
    """(key, field name, parts of the node)."""


@dataclass(frozen=True, slots=True)
class NodesPart:
    key: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class PageInfoPart:
    key: str
    members: tuple[tuple[str, str], ...]
    """(key, field name)."""


@dataclass(frozen=True, slots=True)
class CountPart:
    """`totalCount` or `totalCountIsEstimate`."""

    key: str
    is_estimate: bool


@dataclass(slots=True)
class ConnectionPlan:
    """A list to be read: for one scope, or for each of many parents at once."""

    entity: Entity
    page: Page
    filter: Mapping[str, Any]
    row: RowPlan
    parent_column: str | None = None
    """The column that holds the parent's id; None for a list at the root."""
    path: Path = ()
    parts: tuple[EdgesPart | NodesPart | PageInfoPart | CountPart | FixedPart, ...] = ()
    page_info: frozenset[str] = frozenset()
    """The fields of `pageInfo` that are wanted."""
    counted: bool = False
    id_column: int = 0
    sort_column: int | None = None
    shape: Any = None
    """The function that makes a connection of a page, once it was compiled."""


@dataclass(slots=True)
class ObjectPlan:
    """One row, or some known rows, to be read as objects."""

    row: RowPlan
    parts: tuple[Part, ...]
    id_column: int
    shape: Any = None
    """The function that makes an object of a row, once it was compiled."""


def require(principal: Principal, entity: Entity) -> None:
    """Raises ForbiddenError unless the principal may read the entity at all."""
    if entity.permission is not None and not principal.allows(entity.permission):
        raise ForbiddenError("This needs the permission {permission}.", permission=entity.permission.value)
    if (
        entity.tenant_column
        and principal.workspace_id is None
        and not (principal.is_operator and (entity.operator_reads_all or entity.installation is not None))
    ):
        raise ForbiddenError("This is read inside a workspace: use a token of one.")
    if entity.tenant_column is None and principal.tags is not None:
        raise ForbiddenError("This is not for a role that is bound to tags.")


def tags_of(principal: Principal) -> list[str] | None:
    """The tags of the principal's scope as a statement takes them; None for all devices."""
    return None if principal.tags is None else sorted(principal.tags)


def space_of(principal: Principal, entity: Entity) -> int | list[int] | None:
    """The workspace whose rows the principal reads; of what lies above workspaces, from where it looks."""
    if entity.reach is not None:
        return seen_from(entity, principal)
    return entity.installation if principal.workspace_id is None else principal.workspace_id


class Planner:
    """Plans the reads of one root field; `failures` collects the parts that cannot be read."""

    def __init__(self, principal: Principal, entities: Mapping[str, Entity]) -> None:
        self._principal = principal
        self._entities = entities
        self.failures: list[Failure] = []

    def object(self, entity: Entity, children: tuple[Selected, ...], path: Path) -> ObjectPlan:
        """The plan of objects read by id or another key. Raises RequestError."""
        require(self._principal, entity)
        row = RowPlan(entity, tags=self._tags(with_parents=False))
        id_column = row.column("{t}.id", "t0")
        return ObjectPlan(row, self._parts(row, entity, "t0", children, path, ()), id_column)

    def connection(
        self, entity: Entity, selected: Selected, path: Path, parent_column: str | None = None
    ) -> ConnectionPlan:
        """The plan of a list. Raises RequestError."""
        require(self._principal, entity)
        page = page_of(entity, selected.arguments)
        row = RowPlan(entity, tags=self._tags(with_parents=parent_column is not None))
        plan = ConnectionPlan(entity, page, selected.arguments.get("filter") or {}, row, parent_column, path)
        plan.id_column = row.column("{t}.id", "t0")
        if page.key.expression is not None:
            plan.sort_column = row.column(page.key.expression, "t0")
        plan.parts = tuple(self._connection_part(plan, child, path) for child in selected.children)
        return plan

    def _tags(self, *, with_parents: bool) -> str | None:
        """Where the tags stand among the parameters: behind the workspace and, where there are any, the parents."""
        if self._principal.tags is None:
            return None
        return "$3" if with_parents else "$2"

    def _connection_part(
        self, plan: ConnectionPlan, child: Selected, path: Path
    ) -> EdgesPart | NodesPart | PageInfoPart | CountPart | FixedPart:
        path = (*path, child.key)
        match child.name:
            case "nodes":
                return NodesPart(child.key, self._parts(plan.row, plan.entity, "t0", child.children, path, ()))
            case "edges":
                return EdgesPart(
                    child.key,
                    tuple(
                        (
                            member.key,
                            member.name,
                            self._parts(plan.row, plan.entity, "t0", member.children, (*path, member.key), ())
                            if member.name == "node"
                            else (),
                        )
                        for member in child.children
                    ),
                )
            case "pageInfo":
                plan.page_info |= {member.name for member in child.children}
                return PageInfoPart(child.key, tuple((member.key, member.name) for member in child.children))
            case "totalCount" | "totalCountIsEstimate":
                plan.counted = True
                return CountPart(child.key, child.name == "totalCountIsEstimate")
            case _:
                return FixedPart(child.key, f"{plan.entity.name}Connection")

    def _parts(
        self, row: RowPlan, entity: Entity, alias: str, children: tuple[Selected, ...], path: Path, relations: Path
    ) -> tuple[Part, ...]:
        return tuple(self._part(row, entity, alias, child, (*path, child.key), relations) for child in children)

    def _part(self, row: RowPlan, entity: Entity, alias: str, child: Selected, path: Path, relations: Path) -> Part:
        if child.name == TYPENAME:
            return FixedPart(child.key, entity.name)
        declared = entity.fields[child.name]
        if isinstance(declared, Value):
            wanted = declared.columns
            if row.tags is not None and declared.scoped is not None:
                wanted = tuple(column.replace("{tags}", row.tags) for column in declared.scoped)
            columns = tuple(row.column(column, alias) for column in wanted)
            return ValuePart(child.key, columns, _making(declared, child))
        if isinstance(declared, Fixed):
            return FixedPart(child.key, declared.value)
        if isinstance(declared, ToMany) and self._lies_inside(row.entity, self._entities[declared.entity]):
            return FixedPart(child.key, None)
        try:
            if isinstance(declared, ToOne):
                return self._one(row, alias, declared, child, path, (*relations, child.name))
            return self._many(row, alias, declared, child, path)
        except RequestError as error:
            self.failures.append(Failure(path, error))
            return FixedPart(child.key, None)

    def _lies_inside(self, parent: Entity, target: Entity) -> bool:
        """Whether what hangs on something above the workspaces is in one, where the operator reads nothing."""
        is_inside = target.reach is None and not target.operator_reads_all
        return self._principal.is_operator and parent.reach is not None and is_inside

    def _one(self, row: RowPlan, alias: str, relation: ToOne, child: Selected, path: Path, relations: Path) -> OnePart:
        target = self._entities[relation.entity]
        require(self._principal, target)
        joined = row.aliases.get(relations)
        if joined is None:
            joined = row.aliases[relations] = f"t{len(row.aliases) + 1}"
            scope = "" if row.tags is None else f" AND {(target.scope or NOTHING).of(joined, row.tags)}"
            row.joins.append(
                f"LEFT JOIN {target.table} {joined}"
                f" ON {self._tenant(row, target, joined, alias)} AND {joined}.id = {alias}.{relation.column}{scope}"
            )
        id_column = row.column("{t}.id", joined)
        return OnePart(child.key, id_column, self._parts(row, target, joined, child.children, path, relations))

    def _tenant(self, row: RowPlan, target: Entity, joined: str, alias: str) -> str:
        """What holds of a joined row besides its id."""
        if target.reach is None:
            return f"{joined}.workspace_id = {alias}.workspace_id"
        if self._principal.workspace_id is None:
            return "true"
        return condition_of(target, joined, from_tenant=row.entity.reach is None)

    def _many(self, row: RowPlan, alias: str, relation: ToMany, child: Selected, path: Path) -> ManyPart:
        plan = self.connection(self._entities[relation.entity], child, path, relation.column)
        id_column = row.column("{t}.id", alias)
        row.lists.append(plan)
        row.list_columns.append(id_column)
        return ManyPart(child.key, id_column, len(row.lists) - 1)


def _making(declared: Value, child: Selected) -> Callable[..., Any] | None:
    """What makes the value; of one that is an object or a list of objects, only what was asked for."""
    make = declared.make
    if make is None or not child.children:
        return make
    return lambda *columns: shaped(child, make(*columns))
