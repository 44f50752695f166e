"""Virtual phones: who they are, how they behave, and what they have read.

Phones made by number (`numbered_phones`) use the number space that ITU keeps free, so that no text for them can reach
a real one: MSISDN 99900000001, 99900000002, …; IMSI 001 01 (test network) and ten digits; ICCID 89 999 01, eleven
digits and the Luhn digit.
"""

import json
from collections import deque
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from motet.simulator.texts import Text

MAX_PHONES = 1_000_000
"""About 1 KB of memory each."""

MAX_REPLY_CHARACTERS = 10_000
"""Far more than 255 parts could carry in UCS-2 is refused when the reply is set, not when it is due."""

MAX_DELAY_S = 7 * 24 * 3600.0
"""No text outlives a week, so no longer delay makes a difference."""


class Behaviour(StrEnum):
    """What happens to a text for the phone."""

    DELIVER = "deliver"
    ABSENT = "absent"
    """Held until the phone is back, or the validity is over."""
    MEMORY_FULL = "memory_full"
    """UNDELIV at once."""
    REJECT = "reject"
    """REJECTD at once."""
    SLOW = "slow"
    """Delivered `delay_s` after it was accepted."""
    SILENT = "silent"
    """The text arrives, but the network never learns of it: no receipt, ENROUTE for ever."""


class PhoneIdentity(NamedTuple):
    """Digits only, as E.164, E.212 and E.118 number them."""

    msisdn: str
    imsi: str
    iccid: str


class Place(NamedTuple):
    """Where a phone is, and in what equipment."""

    operator: str | None = None
    rat: str | None = None
    cell: str | None = None
    imei: str | None = None
    attached: bool = True


class Part(NamedTuple):
    """A part of a long text that waits for the others; `row` is its key in the store."""

    row: int
    data_coding: int
    payload: bytes


class PartSet:
    """The parts of one long text that have come so far."""

    __slots__ = ("parts", "touched_at")

    def __init__(self, touched_at: float) -> None:
        self.touched_at = touched_at
        self.parts: dict[int, Part] = {}


class PartKey(NamedTuple):
    """What the parts of one long text have in common (TS 23.040 §9.2.3.24.1)."""

    source_addr: str
    ref: int
    ref_bits: int
    total: int


class Phone:
    """A phone's settings and what waits for it. Only `SmsCentre` changes it, so that the store follows."""

    __slots__ = (
        "attached", "behaviour", "cell", "delay_s", "held", "identity", "imei", "inbox_rows", "last_ref", "operator",
        "part_sets", "rat", "refused", "reply", "wanted",
    )  # fmt: skip

    def __init__(self, identity: PhoneIdentity) -> None:
        self.identity = identity
        self.behaviour = Behaviour.DELIVER
        self.delay_s = 0.0
        self.reply: str | None = None
        self.held: dict[int, Text] = {}
        self.inbox_rows: deque[int] = deque()
        self.part_sets: dict[PartKey, PartSet] = {}
        self.last_ref = 0
        self.attached = True
        """Whether it is in a network: texts for one that is not are held."""
        self.wanted = True
        """Whether it tries to be."""
        self.operator: str | None = None
        """PLMN of where it is, or was last; like the others None where nobody has put it."""
        self.rat: str | None = None
        self.cell: str | None = None
        self.imei: str | None = None
        self.refused: tuple[str, str] | None = None
        """(reason, words) with which Motet kept it out."""

    @property
    def is_absent(self) -> bool:
        """Whether texts for it have to wait."""
        return not self.attached or self.behaviour is Behaviour.ABSENT


class PhoneListError(ValueError):
    """The list of phones cannot be used; the message says which entry and why."""


def numbered_phones(count: int) -> Iterator[PhoneIdentity]:
    """The first `count` phones of the scheme above."""
    for number in range(1, count + 1):
        iccid = f"8999901{number:011}"
        yield PhoneIdentity(f"999{number:08}", f"00101{number:010}", iccid + luhn_digit(iccid))


def luhn_digit(digits: str) -> str:
    """The check digit of an ICCID (ISO/IEC 7812-1, annex B)."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 if position % 2 else 2)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def read_phones(path: Path) -> list[PhoneIdentity]:
    """The phones of a JSON file: `[{"msisdn", "imsi", "iccid"}, …]`. Raises PhoneListError."""
    try:
        entries = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise PhoneListError(f"{path}: {error}") from error
    if not isinstance(entries, list):
        raise PhoneListError(f"{path}: a list of phones is expected")
    phones: list[PhoneIdentity] = []
    for position, entry in enumerate(entries):
        try:
            phones.append(PhoneIdentity(entry["msisdn"], entry["imsi"], entry["iccid"]))
        except (TypeError, KeyError) as error:
            raise PhoneListError(f"{path}: entry {position} needs msisdn, imsi and iccid") from error
    return phones


def read_places(path: Path) -> dict[str, Place]:
    """Where the phones of such a file are, for those that say `operator`, `rat`, `cell`, `imei` or `attached`."""
    entries = json.loads(path.read_text("utf-8"))
    return {
        entry["msisdn"]: Place(**{name: entry[name] for name in Place._fields if entry.get(name) is not None})
        for entry in entries
        if any(entry.get(name) is not None for name in Place._fields)
    }


def directory(identities: Iterable[PhoneIdentity]) -> dict[str, Phone]:
    """The phones by MSISDN, in the given order. Raises PhoneListError for a bad or repeated number."""
    phones: dict[str, Phone] = {}
    for identity in identities:
        for name, digits in identity._asdict().items():
            if not isinstance(digits, str) or not (digits.isascii() and digits.isdigit() and len(digits) <= 22):
                raise PhoneListError(f"{name} must be digits: {digits!r}")
        if identity.msisdn in phones:
            raise PhoneListError(f"two phones have the MSISDN {identity.msisdn}")
        phones[identity.msisdn] = Phone(identity)
    if len(phones) > MAX_PHONES:
        raise PhoneListError(f"at most {MAX_PHONES} phones")
    return phones
