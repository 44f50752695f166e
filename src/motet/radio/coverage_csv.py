"""Coverage as CSV, both ways: a line for each network."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final, NamedTuple

from motet.radio.band_table import parse_band
from motet.radio.coding import RadioError
from motet.radio.coverage import Network, Roaming
from motet.radio.rats import Rat

COLUMNS: Final = (
    "plmn", "rat", "bands", "psm", "edrx", "sms", "roaming", "sunset_on", "sunset_source", "as_of",
)  # fmt: skip
REQUIRED: Final = ("plmn", "rat")
MAX_ROWS: Final = 20_000
"""All operators of the world have some 5,000 networks."""
MAX_ROW_ERRORS: Final = 1_000
MAX_SOURCE_CHARACTERS: Final = 300
_DELIMITERS: Final = (",", ";", "\t")
_YES: Final = frozenset(("yes", "true", "1", "y"))
_NO: Final = frozenset(("no", "false", "0", "n"))


class RowError(NamedTuple):
    """What is wrong with a line; the first line of the text is 1."""

    line: int
    field: str | None
    message: str


class CoverageSheet(NamedTuple):
    """The good lines of a text, and what is wrong with the others."""

    networks: list[Network]
    errors: list[RowError]


class _BadCellError(ValueError):
    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def format_coverage(networks: Iterable[Network]) -> str:
    """The text that `parse_coverage` reads back. Bands that are not sure have a question mark."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in networks:
        bands = [str(band) for band in one.bands] + [f"{band}?" for band in one.possible_bands]
        writer.writerow(
            (
                one.plmn, one.rat.name, " ".join(bands), _told(one.psm), _told(one.edrx), _told(one.sms),
                one.roaming or "", one.sunset_on or "", one.sunset_source or "", one.as_of or "",
            )
        )  # fmt: skip
    return out.getvalue()


def parse_coverage(text: str, as_of: date) -> CoverageSheet:
    """Reads a text with a header line; `as_of` is that of lines that name none.

    Raises ValueError for a text that is no CSV, has no header with `REQUIRED`, or more than `MAX_ROWS` lines. Of two
    lines about one network the second is an error.
    """
    text = text.removeprefix("\ufeff")
    delimiter = max(_DELIMITERS, key=text.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    networks: dict[tuple[str, Rat], Network] = {}
    errors: list[RowError] = []
    try:
        header = [cell.strip().lower().replace(" ", "_") for cell in next(reader, [])]
        for name in REQUIRED:
            if name not in header:
                raise ValueError(f"The header has no column {name}.")
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(networks) + len(errors) >= MAX_ROWS:
                raise ValueError(f"One import takes at most {MAX_ROWS} lines.")
            given = {name: cell.strip() for name, cell in zip(header, cells, strict=False)}
            try:
                network = _network(given, as_of)
            except _BadCellError as error:
                errors.append(RowError(reader.line_num, error.field, str(error)))
                continue
            if (network.plmn, network.rat) in networks:
                errors.append(RowError(reader.line_num, "plmn", "An earlier line is about the same network."))
            else:
                networks[network.plmn, network.rat] = network
    except csv.Error as error:
        raise ValueError(f"This is no CSV: line {reader.line_num}: {error}.") from None
    return CoverageSheet(list(networks.values()), errors)


def _network(given: Mapping[str, str], as_of: date) -> Network:
    plmn = given.get("plmn", "").replace("-", "").replace(" ", "")
    if not (plmn.isascii() and plmn.isdigit() and len(plmn) in (5, 6)):
        raise _BadCellError("plmn", "A PLMN code has 5 or 6 digits.")
    name = given.get("rat", "").upper().replace("-", "_")
    if name not in Rat.__members__:
        raise _BadCellError("rat", f"A RAT is one of {', '.join(Rat.__members__)}.")
    rat = Rat[name]
    bands, possible = _bands(rat, given.get("bands", ""))
    source = given.get("sunset_source") or None
    if source is not None and (len(source) > MAX_SOURCE_CHARACTERS or not source.isprintable()):
        raise _BadCellError("sunset_source", f"A source has at most {MAX_SOURCE_CHARACTERS} printable characters.")
    roaming = given.get("roaming", "").upper()
    if roaming and roaming not in Roaming.__members__:
        raise _BadCellError("roaming", f"Roaming is one of {', '.join(Roaming.__members__)}.")
    return Network(
        plmn, rat, bands, possible, _flag(given, "psm"), _flag(given, "edrx"), _flag(given, "sms"),
        Roaming[roaming] if roaming else None, _date(given, "sunset_on"), source, _date(given, "as_of") or as_of,
    )  # fmt: skip


def _bands(rat: Rat, text: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    sure: set[int] = set()
    possible: set[int] = set()
    for word in text.replace(";", " ").replace("/", " ").replace(",", " ").split():
        try:
            number = parse_band(rat, word.rstrip("?")).number
        except RadioError as error:
            raise _BadCellError("bands", error.message) from None
        (possible if word.endswith("?") else sure).add(number)
    return tuple(sorted(sure)), tuple(sorted(possible - sure))


def _flag(given: Mapping[str, str], field: str) -> bool | None:
    word = given.get(field, "").lower()
    if word in _YES or word in _NO:
        return word in _YES
    if word:
        raise _BadCellError(field, "This is yes, no, or empty if it is not known.")
    return None


def _date(given: Mapping[str, str], field: str) -> date | None:
    word = given.get(field, "")
    try:
        return date.fromisoformat(word) if word else None
    except ValueError:
        raise _BadCellError(field, "A date is written like 2028-06-30.") from None


def _told(flag: bool | None) -> str:
    return "" if flag is None else "yes" if flag else "no"
