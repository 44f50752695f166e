"""Rows become the answer's plain values, under its keys. Stage four of a read. Values are what JSON takes, and aware
datetimes, which the edge writes in UTC."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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

Getter = Callable[[Row, Lists], Any]


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


def object_shape(parts: tuple[Part, ...]) -> Getter:
    """The function that makes an object of a row."""
    getters = [(part.key, _getter(part)) for part in parts]

    def shape(row: Row, lists: Lists) -> dict[str, Any]:
        return {key: get(row, lists) for key, get in getters}

    return shape


def connection_shape(plan: ConnectionPlan) -> Callable[[ReadPage, Lists], dict[str, Any]]:
    """The function that makes a connection of a page."""
    getters = [(part.key, _connection_getter(plan, part)) for part in plan.parts]

    def shape(page: ReadPage, lists: Lists) -> dict[str, Any]:
        return {key: get(page, lists) for key, get in getters}

    return shape


def _getter(part: Part) -> Getter:
    match part:
        case ValuePart(_, columns, make):
            return _value_getter(columns, make)
        case FixedPart(_, value):
            return lambda row, lists: value
        case OnePart(_, id_column, parts):
            shape = object_shape(parts)
            return lambda row, lists: None if row[id_column] is None else shape(row, lists)
        case ManyPart(_, id_column, number):

            def many(row: Row, lists: Lists) -> Any:
                connections = lists[number]
                return None if connections is None else connections[row[id_column]]

            return many


def _value_getter(columns: tuple[int, ...], make: Callable[..., Any] | None) -> Getter:
    if len(columns) > 1:
        if make is None:
            raise ValueError("A value of several columns needs a function.")
        return lambda row, lists: make(*[row[column] for column in columns])
    (only,) = columns
    if make is None:
        return lambda row, lists: row[only]
    return lambda row, lists: None if row[only] is None else make(row[only])


def _connection_getter(
    plan: ConnectionPlan, part: EdgesPart | NodesPart | PageInfoPart | CountPart | FixedPart
) -> Callable[[ReadPage, Lists], Any]:
    match part:
        case NodesPart(_, parts):
            shape = object_shape(parts)
            return lambda page, lists: [shape(row, lists) for row in page.rows]
        case EdgesPart(_, members):
            edge = [(key, _edge_getter(plan, name, parts)) for key, name, parts in members]
            return lambda page, lists: [{key: get(row, lists) for key, get in edge} for row in page.rows]
        case PageInfoPart(_, members):
            return lambda page, lists: {key: _page_info(plan, page, name) for key, name in members}
        case CountPart(_, is_estimate):
            return lambda page, lists: page.total_is_estimate if is_estimate else page.total
        case FixedPart(_, value):
            return lambda page, lists: value


def _edge_getter(plan: ConnectionPlan, name: str, parts: tuple[Part, ...]) -> Getter:
    if name == "node":
        return object_shape(parts)
    if name == "cursor":
        return lambda row, lists: encode_cursor(plan.page.order, position_of(plan, row))
    return lambda row, lists: f"{plan.entity.name}Edge"


def position_of(plan: ConnectionPlan, row: Row) -> SortPosition:
    """The place of a row in its list."""
    if plan.sort_column is None:
        return (row[plan.id_column],)
    return row[plan.sort_column], row[plan.id_column]


def _page_info(plan: ConnectionPlan, page: ReadPage, name: str) -> Any:
    match name:
        case "hasNextPage":
            return page.has_next
        case "hasPreviousPage":
            return page.has_previous
        case "startCursor":
            position = page.start or (position_of(plan, page.rows[0]) if page.rows else None)
        case "endCursor":
            position = page.end or (position_of(plan, page.rows[-1]) if page.rows else None)
        case _:
            return "PageInfo"
    return None if position is None else encode_cursor(plan.page.order, position)
