"""What carriers call the columns of their lists of SIMs, and how a list without names is understood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from motet.domain.errors import InvalidError
from motet.domain.identities import iccid_candidates

REQUIRED: Final = ("iccid", "imsi", "msisdn")
OPTIONAL: Final = ("eid", "form_factor", "quality_grade", "package")
FIELDS: Final = (*REQUIRED, *OPTIONAL)

ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    "iccid": (
        "iccid", "iccid with luhn", "icc id", "icc", "iccid number", "sim iccid", "sim", "sim id", "sim number",
        "sim card number", "sim serial number", "sim no", "card id", "card number", "kartennummer", "sim kartennummer",
        "numero de carte sim", "numero sim", "ssn",
    ),
    "imsi": ("imsi", "imsi number", "sim imsi", "primary imsi", "imsi 1", "home imsi"),
    "msisdn": (
        "msisdn", "msisdn number", "phone number", "phone", "number", "mobile number", "subscriber number",
        "telephone number", "rufnummer", "numero de telephone", "telefono", "mdn", "line number", "data number",
    ),
    "eid": ("eid", "euicc id", "euiccid", "euicc"),
    "form_factor": ("form factor", "formfactor", "sim type", "sim form factor", "card type", "sim size", "format"),
    "quality_grade": ("quality grade", "grade", "quality", "sim grade"),
    "package": ("package", "sim package", "product"),
}  # fmt: skip
"""Tried in their order; letter case, blanks, signs and accents of the usual kind do not count."""


@dataclass(frozen=True, slots=True)
class Preset:
    """How a carrier's own export looks: its columns, and whether its ICCIDs stop before the check digit."""

    columns: Mapping[str, str]
    complete_iccid: bool = False


PRESETS: Final[Mapping[str, Preset]] = {
    "GENERIC": Preset({}),
    "EMNIFY": Preset({"iccid": "iccid", "imsi": "imsi", "msisdn": "msisdn"}, complete_iccid=True),
    "EMNIFY_WITH_LUHN": Preset({"iccid": "iccid_with_luhn", "imsi": "imsi", "msisdn": "msisdn"}),
    "ONE_NCE": Preset({"iccid": "ICCID", "imsi": "IMSI", "msisdn": "MSISDN"}),
    "CONTROL_CENTER": Preset({"iccid": "ICCID", "imsi": "IMSI", "msisdn": "MSISDN"}),
    "KITE": Preset({"iccid": "ICC", "imsi": "IMSI", "msisdn": "MSISDN"}),
}
"""emnify's API names the ICCID twice: `iccid` without its check digit and `iccid_with_luhn`. 1NCE, Cisco's Control
Center and Telefónica's Kite name theirs as the specifications do. Whoever's list looks otherwise names its columns."""

_ACCENTS: Final = str.maketrans("àáâäçèéêëíîïñóôöúûü", "aaaaceeeeiiinooouuu")

EID_DIGITS = 32


def plain_name(name: str) -> str:
    """A column's name without what does not count: case, blanks, signs, accents."""
    return "".join(c for c in name.casefold().translate(_ACCENTS) if c.isalnum())


def places_of(header: Sequence[str], columns: Mapping[str, str]) -> dict[str, int] | None:
    """Where each field stands in a line with this header; None if a field that each SIM needs is not there.

    `columns` names columns that are called otherwise: only those count for their field.
    """
    names = [plain_name(cell) for cell in header]
    places: dict[str, int] = {}
    for field in FIELDS:
        wanted = (columns[field],) if field in columns else ALIASES[field]
        found = next((names.index(plain_name(name)) for name in wanted if plain_name(name) in names), None)
        if found is not None and found not in places.values():
            places[field] = found
    return places if all(field in places for field in REQUIRED) else None


def check_header(header: Sequence[str], columns: Mapping[str, str]) -> dict[str, int]:
    """The same; raises InvalidError that says which column is missing (path `columns` and the field, or `csv`)."""
    places = places_of(header, columns)
    names = {plain_name(cell) for cell in header}
    for field, name in columns.items():
        if plain_name(name) not in names:
            raise InvalidError("The header has no column {name}.", path=("columns", field), name=name[:100])
    if places is None:
        missing = [field for field in REQUIRED if field not in columns and not _has(names, field)]
        if not missing:
            raise InvalidError(
                "The header has no column for every field of its own: name them in `columns`.", path=("csv",)
            )
        raise InvalidError("The header has no column {columns}: name it in `columns`.", path=("csv",), columns=missing)
    return places


def _has(names: set[str], field: str) -> bool:
    return any(plain_name(name) in names for name in ALIASES[field])


def places_by_content(cells: Sequence[str]) -> dict[str, int] | None:
    """Where the fields stand in a list without header, told by what its first line holds; None if that is no SIM.

    An ICCID begins with 89, an EID has 32 digits, an IMSI 15 (or 14), and what else has 7 to 15 digits is the MSISDN.
    """
    digits = [cell.strip().lstrip("+'").strip() for cell in cells]
    numbers = {place: text for place, text in enumerate(digits) if text.isascii() and text.isdigit()}
    places: dict[str, int] = {}
    for place, text in numbers.items():
        if len(text) == EID_DIGITS:
            places.setdefault("eid", place)
        elif len(text) >= 18 and iccid_candidates(text):
            places.setdefault("iccid", place)
        elif len(text) == 15 and not cells[place].strip().startswith("+"):
            places.setdefault("imsi", place)
    for place, text in numbers.items():
        if place not in places.values() and 7 <= len(text) <= 15:
            places.setdefault("msisdn", place)
    return places if all(field in places for field in REQUIRED) else None
