"""Which equipment may use a locked SIM, besides the one IMEI of its device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from motet.domain.errors import InvalidError
from motet.domain.identities import parse_imei

MAX_ALLOWED: Final = 100
"""Entries of one device: spare modules, or the types of a product line."""

TAC_DIGITS: Final = 8
"""Type allocation code (TS 23.003 §6.2.1): the make and model, by which a whole range is allowed."""


def parse_allowed(typed: Sequence[str], name: str = "imei_allowed") -> list[str]:
    """What is stored: the first 14 digits of each IMEI, the 8 of a TAC; each once. Raises InvalidError."""
    if len(typed) > MAX_ALLOWED:
        raise InvalidError("At most {most} can be allowed.", path=(name,), most=MAX_ALLOWED)
    found: list[str] = []
    for index, one in enumerate(typed):
        digits = one.strip()
        if len(digits) == TAC_DIGITS and digits.isascii() and digits.isdigit():
            found.append(digits)
        else:
            found.append(parse_imei(one, (name, index))[:14])
    return list(dict.fromkeys(found))
