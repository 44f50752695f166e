"""Lists of SIMs as carriers send them, line by line: encodings, delimiters, headers, and what is wrong with a line."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO, NamedTuple

from motet.domain.errors import ConflictError, InvalidError
from motet.domain.identities import parse_iccid_without_check_digit
from motet.domain.sim_cards import code_of, form_factor_of
from motet.domain.sim_columns import (
    FIELDS,
    OPTIONAL,
    PRESETS,
    check_header,
    places_by_content,
    places_of,
)
from motet.fleet.sims.sim import NewSim

DELIMITERS = (",", ";", "\t", "|")

PREAMBLE_LINES = 10
"""Lines that may stand before the header: titles, dates, what a portal says of itself."""

MAX_LINE_CHARACTERS = 10_000
"""No carrier says more of a SIM; a longer line is a file of another kind."""

READ_OCTETS = 1 << 16
SNIFFED_OCTETS = 1 << 16

IDENTITIES = ("iccid", "imsi", "msisdn", "eid")


class RowError(NamedTuple):
    """Why a line was not imported. `field` is one of `FIELDS`, `code` that of a domain error."""

    line: int
    field: str | None
    code: str
    message: str


class Row(NamedTuple):
    """A line that can be imported; the first line of the text is 1."""

    line: int
    new: NewSim


@dataclass(frozen=True, slots=True)
class Layout:
    """How a list is to be read. What is None is told from the list itself."""

    columns: Mapping[str, str] = field(default_factory=dict)
    """The header of a field where it is not one of the usual."""
    delimiter: str | None = None
    preset: str | None = None
    complete_iccid: bool | None = None
    """Whether the ICCIDs stop before their check digit, which is then added; None: as the preset has it, else no."""

    def resolved(self) -> Layout:
        """The same with what its preset says. Raises InvalidError (path `delimiter` or `preset`)."""
        if self.delimiter is not None and self.delimiter not in DELIMITERS:
            raise InvalidError("A delimiter is a comma, a semicolon, a tab or a bar.", path=("delimiter",))
        preset = PRESETS.get(self.preset or "GENERIC")
        if preset is None:
            raise InvalidError("A preset is one of {known}.", path=("preset",), known=PRESETS)
        complete = preset.complete_iccid if self.complete_iccid is None else self.complete_iccid
        return replace(self, columns={**preset.columns, **self.columns}, complete_iccid=complete)


def read_rows(lines: Iterable[str], layout: Layout) -> Iterator[Row | RowError]:
    """Each line of data, or what is wrong with it, in their order; blank lines are left out.

    Raises InvalidError (path `csv`, `delimiter`, `preset` or `columns` and the field) for a text that cannot be read.
    """
    layout = layout.resolved()
    numbered = _Lines(lines)
    try:
        head = _head(numbered, layout)
        if head is None:
            return
        for cells in head.reader:
            if not any(cell.strip() for cell in cells):
                continue
            yield _row(numbered.number, cells, head.places, bool(layout.complete_iccid))
    except csv.Error as error:
        raise InvalidError(
            "This is no CSV: line {line}: {error}.", path=("csv",), line=numbered.number, error=error
        ) from None


def decoded_lines(stream: BinaryIO) -> Iterator[str]:
    """The lines of a file, whatever its encoding: UTF-8 or UTF-16 with or without its mark, else Windows' Latin.

    A line over the bound ends the file with an InvalidError (path `csv`).
    """
    head = stream.read(SNIFFED_OCTETS)
    decoder = codecs.getincrementaldecoder(encoding_of(head))(errors="replace")
    rest = ""
    chunk = head
    while chunk:
        text = rest + decoder.decode(chunk)
        lines = text.split("\n")
        rest = lines.pop()
        _check_length(rest)
        for line in lines:
            yield line + "\n"
        chunk = stream.read(READ_OCTETS)
    rest += decoder.decode(b"", final=True)
    if rest:
        yield rest


def encoding_of(head: bytes) -> str:
    """The encoding of a file that begins like this."""
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    pairs = len(head) // 2
    if pairs and head[1::2].count(0) * 2 > pairs:  # lists are mostly ASCII: every second octet is null
        return "utf-16-le"
    if pairs and head[0::2].count(0) * 2 > pairs:
        return "utf-16-be"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def identities_of(new: NewSim) -> list[tuple[str, str]]:
    """The (kind, value) that are claimed for a SIM."""
    values = [(kind, getattr(new, kind)) for kind in IDENTITIES]
    return [(kind, value) for kind, value in values if value is not None]


class Seen:
    """Notices what stands in a list twice: the first line with an identity counts."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str, str], int] = {}

    def check(self, row: Row) -> Row | RowError:
        """The row, or the error that an earlier line has one of its identities."""
        identities = identities_of(row.new)
        for kind, value in identities:
            earlier = self._lines.get((kind, value))
            if earlier is not None:
                return RowError(row.line, kind, ConflictError.code, f"Line {earlier} has this, too.")
        self._lines.update(dict.fromkeys(identities, row.line))
        return row


class _Lines:
    """Lines with the number of the last one given."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._again: list[str] = []
        self.number = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._again.pop(0) if self._again else next(self._lines)
        self.number += 1
        _check_length(line)
        return line

    def put_back(self, lines: Sequence[str]) -> None:
        self._again = [*lines, *self._again]
        self.number -= len(lines)


class _Head(NamedTuple):
    places: Mapping[str, int]
    reader: Iterator[list[str]]


def _head(lines: _Lines, layout: Layout) -> _Head | None:
    """Where the data begin and what stands where; None for a list without any line of data. Raises InvalidError."""
    first: list[str] | None = None
    read: list[str] = []
    delimiter = layout.delimiter
    for line in lines:
        read.append(line)
        if len(read) == 1:
            line = line.removeprefix("\ufeff")
            if line.casefold().startswith("sep=") and line[4:5] in DELIMITERS:
                delimiter = delimiter or line[4]
                continue
        if not line.strip():
            continue
        mark = delimiter or max(DELIMITERS, key=line.count)
        cells = next(csv.reader([line], delimiter=mark, strict=True), [])
        places = places_of(cells, layout.columns)
        if places is not None:
            return _Head(check_header(cells, layout.columns), _reader(lines, mark))
        places = None if layout.columns else places_by_content(cells)
        if places is not None:
            lines.put_back([line])
            return _Head(places, _reader(lines, mark))
        first = first or cells
        if len(read) > PREAMBLE_LINES:
            break
    check_header(first or [], layout.columns)
    return None


def _reader(lines: _Lines, delimiter: str) -> Iterator[list[str]]:
    return csv.reader(lines, delimiter=delimiter, strict=True)


def _row(line: int, cells: Sequence[str], places: Mapping[str, int], complete_iccid: bool) -> Row | RowError:
    values = {name: cells[place].strip() if place < len(cells) else "" for name, place in places.items()}
    given: dict[str, Any] = {name: value or None if name in OPTIONAL else value for name, value in values.items()}
    for name, spelled in (("form_factor", form_factor_of), ("quality_grade", code_of), ("package", code_of)):
        if given.get(name) is not None:
            given[name] = spelled(given[name])
    try:
        if complete_iccid:
            given["iccid"] = parse_iccid_without_check_digit(given["iccid"], ("iccid",))
        return Row(line, NewSim(**given).checked())
    except InvalidError as error:
        return RowError(line, str(error.path[0]) if error.path else None, error.code, error.message)


def _check_length(line: str) -> None:
    if len(line) > MAX_LINE_CHARACTERS:
        raise InvalidError("A line has at most {most} characters.", path=("csv",), most=MAX_LINE_CHARACTERS)


__all__ = ["FIELDS", "Layout", "Row", "RowError", "Seen", "decoded_lines", "encoding_of", "identities_of", "read_rows"]
