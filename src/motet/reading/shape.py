"""Rows become the answer's plain values, under its keys. Stage four of a read. Values are what JSON takes, and aware
datetimes, which the edge writes in UTC.

Walking the parts of a plan for every row would cost more than reading the row. So the parts become the source of one
Python expression, such as `{"id": f1(r[0]), "sim": None if r[2] is None else {"iccid": r[3]}}`, which is compiled once
for a plan and kept with it. The source holds keys as literals, positions of columns, and names of our own; whatever
else it needs stands beside it in a dict.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import CodeType
from typing import Any

from motet.reading.cursor import SortPosition, encode_cursor
from motet.reading.plan import (
    ConnectionPlan,
    CountPart,
    EdgesPart,
    FixedPart,
    ManyPart,
    NodesPart,
    OnePart,
    PageInfoPart,
    Part,
    ValuePart,
)

Row = Sequence[Any]
Lists = Sequence[Mapping[int, Any] | None]
"""The connections that hang on a row, by their number and the parent's id; None where reading them failed."""

COMPILED = 500
"""Shapes kept: each takes a few kilobytes."""

ObjectShape = Callable[[Row, Lists], dict[str, Any]]
ConnectionShape = Callable[["ReadPage", Lists, str], dict[str, Any]]
"""(page, lists, the order that cursors are made for) -> the connection."""


@dataclass(slots=True)
class ReadPage:
    """What was read of one connection: the rows in list order, and what is known of the rest."""

    rows: list[Row]
    has_next: bool = False
    has_previous: bool = False
    start: SortPosition | None = None
    """Where the page starts, if not at its first row."""
    end: SortPosition | None = None
    """Where the page ends, if not at its last row: a bounded scan may stop short of one."""
    total: int = 0
    total_is_estimate: bool = False


def object_shape(parts: tuple[Part, ...]) -> ObjectShape:
    """The function that makes an object of a row."""
    source = _Source()
    shape: ObjectShape = source.function("r, l", source.object(parts))
    return shape


def connection_shape(plan: ConnectionPlan) -> ConnectionShape:
    """The function that makes a connection of a page."""
    source = _Source()
    shape: ConnectionShape = source.function("p, l, o", source.connection(plan))
    return shape


@functools.lru_cache(maxsize=COMPILED)
def _compiled(source: str) -> CodeType:
    """Compiling takes a third of a millisecond. Keys stand in the source by `repr`, and all else in it is ours."""
    return compile(source, "<shape of an answer>", "eval")


class _Source:
    """The source of one expression: `r` is the row, `p` the page, `l` the lists, `o` the order of cursors."""

    def __init__(self) -> None:
        self._names: dict[str, Any] = {"encode_cursor": encode_cursor}

    def function(self, arguments: str, expression: str) -> Any:
        return eval(_compiled(f"lambda {arguments}: {expression}"), self._names)  # noqa: S307 - see _compiled

    def object(self, parts: tuple[Part, ...]) -> str:
        return "{" + ", ".join(f"{part.key!r}: {self._part(part)}" for part in parts) + "}"

    def _part(self, part: Part) -> str:
        match part:
            case ValuePart(_, (only,), None):
                return f"r[{only}]"
            case ValuePart(_, (only,), make):
                return f"None if r[{only}] is None else {self._name(make)}(r[{only}])"
            case ValuePart(_, columns, make):
                if make is None:
                    raise ValueError("A value of several columns needs a function.")
                return f"{self._name(make)}({', '.join(f'r[{column}]' for column in columns)})"
            case FixedPart(_, value):
                return self._name(value)
            case OnePart(_, id_column, parts):
                return f"None if r[{id_column}] is None else {self.object(parts)}"
            case ManyPart(_, id_column, number):
                return f"None if l[{number}] is None else l[{number}][r[{id_column}]]"

    def connection(self, plan: ConnectionPlan) -> str:
        members = []
        for part in plan.parts:
            match part:
                case NodesPart(key, parts):
                    members.append((key, f"[{self.object(parts)} for r in p.rows]"))
                case EdgesPart(key, fields):
                    edge = [f"{name!r}: {self._edge(plan, field, parts)}" for name, field, parts in fields]
                    members.append((key, f"[{{{', '.join(edge)}}} for r in p.rows]"))
                case PageInfoPart(key, names):
                    info = [f"{name!r}: {self._page_info(plan, field)}" for name, field in names]
                    members.append((key, f"{{{', '.join(info)}}}"))
                case CountPart(key, is_estimate):
                    members.append((key, "p.total_is_estimate" if is_estimate else "p.total"))
                case FixedPart(key, value):
                    members.append((key, self._name(value)))
        return "{" + ", ".join(f"{key!r}: {expression}" for key, expression in members) + "}"

    def _edge(self, plan: ConnectionPlan, name: str, parts: tuple[Part, ...]) -> str:
        if name == "node":
            return self.object(parts)
        return (
            f"encode_cursor(o, {_position(plan, 'r')})" if name == "cursor" else self._name(f"{plan.entity.name}Edge")
        )

    def _page_info(self, plan: ConnectionPlan, name: str) -> str:
        match name:
            case "hasNextPage":
                return "p.has_next"
            case "hasPreviousPage":
                return "p.has_previous"
            case "startCursor":
                return self._cursor(plan, "p.start", "p.rows[0]")
            case "endCursor":
                return self._cursor(plan, "p.end", "p.rows[-1]")
            case _:
                return self._name("PageInfo")

    def _cursor(self, plan: ConnectionPlan, known: str, row: str) -> str:
        place = f"encode_cursor(o, {_position(plan, row)}) if p.rows else None"
        return f"encode_cursor(o, {known}) if {known} else {place}"

    def _name(self, value: Any) -> str:
        name = f"x{len(self._names)}"
        self._names[name] = value
        return name


def _position(plan: ConnectionPlan, row: str) -> str:
    """The place of a row in its list."""
    value = "" if plan.sort_column is None else f"{row}[{plan.sort_column}], "
    return f"({value}{row}[{plan.id_column}],)"
