"""Which things a job is about: ids that are checked before, or a list that someone has, line by line."""

from __future__ import annotations

import csv
import io
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from motet.domain.errors import ConflictError, DomainError, InvalidError, LimitReachedError, NotFoundError
from motet.domain.global_ids import decode_global_id
from motet.fleet.jobs.jobs import MAX_ITEMS, NewItem

MAX_IDS = 5_000
"""Ids in one call: variables hold twice as many values."""

DELIMITERS = (",", ";", "\t", "|")

FAILURE = "failure"
"""Key of an item's data for what was wrong with it before the job began: [code, message, path]."""

Find = Callable[[str, Sequence[str]], Awaitable[Sequence[tuple[str, int]]]]
"""(column, values) -> (value, row id) of what there is."""


class Kind(NamedTuple):
    """What a selection is of. `item` is the field of NewItem that names it."""

    type_name: str
    item: str
    columns: tuple[str, ...]
    """By which a list may name it, besides `id`."""


DEVICES = Kind("Device", "device_id", ("name", "iccid", "msisdn", "imei"))
SIMS = Kind("Sim", "sim_id", ("iccid", "imsi", "msisdn"))


def items_of(kind: Kind, row_ids: Sequence[int]) -> list[NewItem]:
    """An item for each, numbered from 1 on."""
    return [_item(kind, number, row_id) for number, row_id in enumerate(dict.fromkeys(row_ids), 1)]


def check_ids(kind: Kind, row_ids: Sequence[int], known: set[int]) -> None:
    """Raises NotFoundError (path `ids`) unless all are known."""
    for row_id in row_ids:
        if row_id not in known:
            raise not_found(kind)


def not_found(kind: Kind) -> NotFoundError:
    return NotFoundError("There is no {type_name} with one of these ids.", path=("ids",), type_name=kind.type_name)


class Line(NamedTuple):
    """A line of a list; the first line of the text is 1."""

    number: int
    value: str


def read_lines(kind: Kind, text: str) -> tuple[str, list[Line]]:
    """The column by which a CSV text names things, and its lines.

    The header has at least one of the kind's columns, or `id`; of several the first in the text counts. Raises
    InvalidError, LimitReachedError (path `csv`).
    """
    text = text.removeprefix("\ufeff")
    delimiter = max(DELIMITERS, key=text.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [_plain(cell) for cell in next(reader, [])]
        place = next((n for n, name in enumerate(header) if name in ("id", *kind.columns)), None)
        if place is None:
            raise InvalidError("The header names none of id, {columns}.", path=("csv",), columns=kind.columns)
        lines = [
            Line(reader.line_num, cells[place].strip() if place < len(cells) else "")
            for cells in reader
            if any(cell.strip() for cell in cells)
        ]
    except csv.Error as error:
        raise InvalidError(
            "This is no CSV: line {line}: {error}.", path=("csv",), line=reader.line_num, error=error
        ) from None
    if not lines:
        raise InvalidError("The list has no line behind its header.", path=("csv",))
    if len(lines) > MAX_ITEMS:
        raise LimitReachedError("One job takes at most {most:,} lines.", path=("csv",), most=MAX_ITEMS)
    return header[place], lines


async def items_of_lines(
    kind: Kind, column: str, lines: Sequence[Line], find: Find, known: Callable[[list[int]], Awaitable[set[int]]]
) -> list[NewItem]:
    """An item for each line. One that names nothing, or several, or what an earlier line names, will fail with that."""
    if column == "id":
        named = {line.value: decode_global_id(line.value) for line in lines}
        ids = {value: [it[1]] for value, it in named.items() if it is not None and it[0] == kind.type_name}
        there = await known([row_id for (row_id,) in ids.values()])
        found = {value: row_ids for value, row_ids in ids.items() if row_ids[0] in there}
    else:
        found = {}
        for value, row_id in await find(column, list({_canonical(column, line.value) for line in lines})):
            found.setdefault(value, []).append(row_id)
    items: list[NewItem] = []
    seen: dict[int, int] = {}
    for line in lines:
        row_ids = found.get(line.value if column == "id" else _canonical(column, line.value), [])
        if not row_ids:
            items.append(
                _failed(
                    line,
                    column,
                    NotFoundError("There is no {type_name} of this {column}.", type_name=kind.type_name, column=column),
                )
            )
        elif len(row_ids) > 1:
            items.append(
                _failed(line, column, ConflictError("Several have this {column}: name them by id.", column=column))
            )
        elif row_ids[0] in seen:
            items.append(_failed(line, column, ConflictError("Line {line} names this, too.", line=seen[row_ids[0]])))
        else:
            seen[row_ids[0]] = line.number
            items.append(_item(kind, line.number, row_ids[0]))
    return items


def failure_of(data: Any) -> DomainError | None:
    """What was wrong with an item before its job began."""
    if not isinstance(data, dict) or FAILURE not in data:
        return None
    code, message, path = data[FAILURE]
    return _ERRORS[code](message, path=tuple(path))


_ERRORS: Mapping[str, type[DomainError]] = {error.code: error for error in (NotFoundError, ConflictError)}


def _failed(line: Line, column: str, error: DomainError) -> NewItem:
    return NewItem(line.number, data={FAILURE: [error.code, error.message, [column]]})


def _item(kind: Kind, number: int, row_id: int) -> NewItem:
    return NewItem(number, **{kind.item: row_id})


def _canonical(column: str, value: str) -> str:
    return value.removeprefix("+") if column == "msisdn" else value


def _plain(name: str) -> str:
    return "".join(character for character in name.casefold() if character not in " _-\t")
