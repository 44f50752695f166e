"""The vocabulary in which types declare, once, how their fields map to columns, computed values and relations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from motet.access.principals import Permission
from motet.reading.statement import Statement
from motet.reading.tag_scope import TagScope


@dataclass(frozen=True, slots=True)
class Value:
    """A field read from columns of its own row.

    `columns` are SQL expressions in which `{t}` stands for the row's alias. `make` turns their values into the field's
    value; None hands the single column on as it is. A single column that is null makes null without a call.
    """

    columns: tuple[str, ...]
    make: Callable[..., Any] | None = None
    scoped: tuple[str, ...] | None = None
    """The columns for a principal with a tag scope, where `{tags}` stands for its tags: of a value that counts what
    the scope may hide. None: the same."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """A field that does not depend on the row."""

    value: Any


@dataclass(frozen=True, slots=True)
class ToOne:
    """The one row of `entity` whose id is in our `column`; null where there is none. Becomes a LEFT JOIN."""

    entity: str
    column: str


@dataclass(frozen=True, slots=True)
class ToMany:
    """The rows of `entity` whose `column` holds our id, as a connection. One LATERAL statement reads all parents'."""

    entity: str
    column: str


Field = Value | Fixed | ToOne | ToMany
Condition = Callable[[Any, str, Statement], str]
"""A filter field: (argument, alias, statement) -> SQL condition."""


class SortKind(Enum):
    """What a sorted column holds: how its value stands in a cursor."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    """Floating point."""
    TIME = "time"


@dataclass(frozen=True, slots=True)
class SortKey:
    """A column to sort by, before the id that breaks ties; None sorts by the id, that is, by creation.

    `column` is a name, or an expression with `{t}` for the row's alias. Rows where it is null (say so by `nullable`)
    come last in an ascending list and first in a descending one, as an index has them. An index on (workspace_id,
    column, id) serves every page both ways.
    """

    column: str | None = None
    kind: SortKind = SortKind.TEXT
    nullable: bool = False

    @property
    def expression(self) -> str | None:
        """The column with `{t}` for the alias."""
        return self.column if self.column is None or "{t}" in self.column else "{t}." + self.column

    def order(self, alias: str, *, descending: bool) -> str:
        """What ORDER BY takes."""
        way = "DESC" if descending else "ASC"
        key = "" if self.expression is None else f"{self.expression.replace('{t}', alias)} {way}, "
        return f"{key}{alias}.id {way}"


BY_ID = SortKey()


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a list is read: the conditions that bound it by index, for the alias that is put in."""

    conditions: tuple[str, ...]
    """With `{t}` for the alias: tenant, parent, cursor."""

    descending: bool
    key: SortKey = BY_ID

    def where(self, alias: str) -> str:
        return " AND ".join(condition.replace("{t}", alias) for condition in self.conditions) or "true"

    def order(self, alias: str) -> str:
        """What ORDER BY takes."""
        return self.key.order(alias, descending=self.descending)


class Scan(Protocol):
    """Reads a filtered list of which few rows may match: at most `limit` candidates are looked at."""

    def __call__(
        self, arguments: Mapping[str, Any], scope: Scope, statement: Statement, limit: int, *, parent: bool
    ) -> str | None:
        """A FROM item of candidate rows in list order, or None if the list needs no bound.

        `parent` says that the scope is one parent's rows, for which other indexes hold.
        """


@dataclass(frozen=True, slots=True)
class Hidden:
    """Rows that lists leave out, unless a filter asks for `field`. By id they are still found."""

    field: str
    live: str
    """What holds for all others, with `{t}` for the alias."""


@dataclass(frozen=True, slots=True)
class Entity:
    """A type that can be read: its table, its fields, and how its lists are filtered and sorted."""

    name: str
    table: str
    permission: Permission | None
    """What reading takes; None: nothing but to be someone."""
    fields: Mapping[str, Field]
    tenant_column: str | None = "workspace_id"
    """Holds the workspace that a row belongs to; None: rows are the operator's own."""
    operator_reads_all: bool = False
    """Whether a principal outside workspaces reads every workspace's rows: the workspaces themselves, and what the
    operator works on for them."""
    installation: int | None = None
    """What stands for the workspace in rows that are the installation's own, which the operator reads."""
    reach: str | None = None
    """For what lies above workspaces: the condition in place of that on `tenant_column`; see `motet.reading.reach`."""
    filters: Mapping[str, Condition] = field(default_factory=dict)
    orders: Mapping[str, SortKey] = field(default_factory=lambda: {"CREATED_AT": SortKey()})
    default_order: str = "CREATED_AT"
    newest_first: bool = False
    lookup_order: str = "t0.id DESC"
    """Which row is meant by a key that several have: the first of these, as SQL on `t0`."""
    scan: Scan | None = None
    """For a list that is sorted by id alone."""
    sparse: frozenset[str] = frozenset()
    """Filters that no index serves, where the table may be large and there is no `scan`: a page of a list with one of
    them looks at a bounded number of rows, in the list's order."""
    hidden: Hidden | None = None
    scope: TagScope | None = None
    """Which rows there are for a principal with a tag scope. Every entity says it, and a test asks for it; one that
    does not has none."""
