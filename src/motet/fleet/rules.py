"""Rules of form that inputs of several kinds share, and the mark of what an update leaves alone."""

from __future__ import annotations

import re
import unicodedata
from enum import Enum
from typing import Final

from motet.domain.errors import InvalidError

MAX_DESCRIPTION_CHARACTERS = 1_000
SYSTEM_ID_OCTETS = 15
"""A C-octet string of 16 with its NUL (SMPP 3.4 §4.1.1)."""

PASSWORD_OCTETS = 8
"""A C-octet string of 9 with its NUL (SMPP 3.4 §4.1.1)."""

_PLMN = re.compile(r"[2-79][0-9]{4,5}|001[0-9]{2,3}")
_SYSTEM_ID = re.compile(r"[!-~]{1,15}")
_HOST = re.compile(r"[0-9A-Za-z:._\-]{1,253}")


class Unchanged(Enum):
    """Stands for a value that an update leaves as it is, where null is a value of its own."""

    UNCHANGED = "unchanged"


UNCHANGED: Final = Unchanged.UNCHANGED


def check_text(text: str, field: str, *, at_most: int, at_least: int = 0) -> str:
    """The text, if it has the right length and no control characters. Raises InvalidError."""
    if not at_least <= len(text) <= at_most:
        raise InvalidError("This must have {least} to {most} characters.", path=(field,), least=at_least, most=at_most)
    if any(unicodedata.category(character) in {"Cc", "Cs"} and character not in "\n\t" for character in text):
        raise InvalidError("This must not hold control characters.", path=(field,))
    return text


def check_range(number: int, field: str, lowest: int, highest: int) -> int:
    """The number, if it is in range. Raises InvalidError."""
    if not lowest <= number <= highest:
        raise InvalidError("This must be {least} to {most}.", path=(field,), least=lowest, most=highest)
    return number


def check_system_id(system_id: str, field: str = "system_id") -> str:
    """The system_id, if SMPP can carry it: 1 to 15 visible ASCII characters. Raises InvalidError."""
    if not _SYSTEM_ID.fullmatch(system_id):
        raise InvalidError(
            "A system_id has 1 to {most} visible ASCII characters.", path=(field,), most=SYSTEM_ID_OCTETS
        )
    return system_id


def check_host(host: str, field: str) -> str:
    """The host, if it can be a name or an address. Raises InvalidError."""
    if not _HOST.fullmatch(host):
        raise InvalidError("This must be a host name or an address.", path=(field,))
    return host


def check_port(port: int, field: str) -> int:
    """The port, if there is one of this number. Raises InvalidError."""
    return check_range(port, field, 1, 65_535)


def check_plmn(plmn: str, field: str) -> str:
    """The code of an operator, if it can be one: MCC and MNC, five or six digits. Raises InvalidError."""
    if not _PLMN.fullmatch(plmn):
        raise InvalidError("An operator's code is its MCC and MNC: five or six digits.", path=(field,))
    return plmn
