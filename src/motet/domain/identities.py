"""The identities of SIM, eUICC, subscription and device: what people type, made canonical or refused with a reason.

Every `parse_*` takes text and the path of the input field, answers digits only (no plus, no separators), and raises
InvalidError whose words say what is wrong and, where that is certain, what would be right.
"""

import re
from typing import NamedTuple

from motet.domain.errors import InvalidError
from motet.domain.numbering import has_luhn_digit, has_mod97_digits, luhn_digit, mod97_digits

Path = tuple[str | int, ...]

MAX_TYPED_CHARACTERS = 80
"""An EID with a separator after every digit still fits; what is longer is not an identity."""

ICCID_LENGTHS = (19, 20)
"""With the check digit: at most 19 in ITU-T E.118 §4.1, 20 as the file on the card has room for (TS 102 221 §13.2)."""

EID_DIGITS = 32
IMSI_LENGTHS = (14, 15)
"""TS 23.003 §2.2 ends at 15; a few national plans stop at 14."""

MSISDN_LEAST_DIGITS = 7
"""The shortest international numbers there are (Niue, Saint Helena); below that it is a short code."""

MSISDN_MOST_DIGITS = 15
"""ITU-T E.164 §6.2.1."""

IMEI_BODY_DIGITS = 14
"""Type allocation code and serial number (TS 23.003 §6.2.1): what an IMEI lock compares."""

IMEI_DIGITS = 15
IMEISV_DIGITS = 16

_SEPARATORS = re.compile(r"[\s\u00ad\u200b-\u200f\u2060\ufeff\u2010-\u2015\u2212\-./()_]+")
_SPREADSHEET = re.compile(r"[0-9]+(?:[.,][0-9]+)?[eE][+]?[0-9]+|[0-9]+[.,]0+")
_FULL_WIDTH = {0xFF10 + digit: str(digit) for digit in range(10)} | {0xFF0B: "+", 0xFF0D: "-"}

_MNC_OF_THREE = frozenset(
    ("302", *map(str, range(310, 317)), "334", "338", "342", "344", "346", "348", "352", "354", "356", "358", "360")
) | {"365", "366", "376", "708", "722", "732", "750"}
_MNC_MOSTLY_OF_THREE = frozenset(("330", "374", "405"))
_MNC_MOSTLY_OF_TWO = frozenset(("001", "350", "364", "502", "714", "738", "999"))
"""001 and 999 are test and private networks, whose MNCs are what their owners say."""


def parse_iccid(typed: str, path: Path = ()) -> str:
    """The ICCID with its check digit: 19 or 20 digits from 89 on (ITU-T E.118 §4.1).

    The `F` that fills a card's file after 19 digits is dropped. A number without check digit is refused with the digit
    that it would need, since a slip of the keyboard looks the same: `parse_iccid_without_check_digit` takes those.
    """
    digits = _iccid_digits(typed, path)
    if len(digits) == 18:
        raise InvalidError(
            "This ICCID has 18 digits, and ends before its check digit: it would be {digits}{wanted}.",
            path=path,
            digits=digits,
            wanted=luhn_digit(digits),
        )
    if len(digits) not in ICCID_LENGTHS:
        raise InvalidError("An ICCID has 19 or 20 digits, this has {count}.", path=path, count=len(digits))
    if not has_luhn_digit(digits):
        wanted = luhn_digit(digits[:-1])
        if len(digits) == 19:
            raise InvalidError(
                "The check digit (the last) of this ICCID is {digit}, but its other digits call for {wanted}."
                " If it has no check digit yet, add {missing}.",
                path=path,
                digit=digits[-1],
                wanted=wanted,
                missing=luhn_digit(digits),
            )
        raise InvalidError(
            "The check digit (the last) of this ICCID is {digit}, but its other digits call for {wanted}.",
            path=path,
            digit=digits[-1],
            wanted=wanted,
        )
    return digits


def parse_iccid_without_check_digit(typed: str, path: Path = ()) -> str:
    """The ICCID of 18 or 19 digits that stop before the check digit, with that digit added (ITU-T E.118 §4.1)."""
    digits = _iccid_digits(typed, path)
    if len(digits) not in (18, 19):
        raise InvalidError(
            "Without its check digit an ICCID has 18 or 19 digits, this has {count}.", path=path, count=len(digits)
        )
    return digits + luhn_digit(digits)


def iccid_candidates(typed: str) -> tuple[str, ...]:
    """The ICCIDs that someone who searches may mean, likeliest first: as typed, and with a check digit added.

    Empty if it can be none; never raises.
    """
    try:
        digits = _iccid_digits(typed, ())
    except InvalidError:
        return ()
    found = []
    if len(digits) in ICCID_LENGTHS and has_luhn_digit(digits):
        found.append(digits)
    if len(digits) + 1 in ICCID_LENGTHS:
        found.append(digits + luhn_digit(digits))
    return tuple(found)


def parse_eid(typed: str, path: Path = ()) -> str:
    """The EID: 32 digits of which the last two are check digits (SGP.02 §2.2.2 and annex J, SGP.29 §10)."""
    digits = _digits(typed, "EID", path)
    if len(digits) != EID_DIGITS:
        raise InvalidError("An EID has 32 digits, this has {count}.", path=path, count=len(digits))
    if not has_mod97_digits(digits):
        raise InvalidError(
            "The check digits (the last two) of this EID are {digits}, but its other digits call for {wanted}.",
            path=path,
            digits=digits[-2:],
            wanted=mod97_digits(digits[:-2]),
        )
    return digits


def parse_imsi(typed: str, path: Path = ()) -> str:
    """The IMSI: 14 or 15 digits that begin with a mobile country code (TS 23.003 §2.2, ITU-T E.212 annex A).

    Codes from 1 and 8 are no country's: they catch IMEIs and ICCIDs in the wrong column.
    """
    digits = _digits(typed, "IMSI", path)
    if len(digits) not in IMSI_LENGTHS:
        raise InvalidError("An IMSI has 14 or 15 digits, this has {count}.", path=path, count=len(digits))
    if digits[0] in "18" or (digits[0] == "0" and not digits.startswith("001")):
        raise InvalidError(
            "An IMSI begins with a mobile country code, and {digits} is none.", path=path, digits=digits[:3]
        )
    return digits


class HomeNetwork(NamedTuple):
    """A network by its codes: `mcc` three digits, `mnc` two or three (TS 23.003 §2.2)."""

    mcc: str
    mnc: str


def mnc_lengths(mcc: str) -> tuple[int, ...]:
    """How many digits the MNCs of a country have, likeliest first; (2, 3) where both are in use (ITU-T E.212 list).

    Where both are possible only the card knows (EF_AD, TS 31.102 §4.2.18) or a list of operators.
    """
    if mcc in _MNC_OF_THREE:
        return (3,)
    if mcc in _MNC_MOSTLY_OF_THREE:
        return (3, 2)
    return (2, 3) if mcc in _MNC_MOSTLY_OF_TWO else (2,)


def home_networks(imsi: str) -> tuple[HomeNetwork, ...]:
    """The networks that an IMSI (canonical, see `parse_imsi`) may belong to, likeliest first; mostly just one."""
    return tuple(HomeNetwork(imsi[:3], imsi[3 : 3 + length]) for length in mnc_lengths(imsi[:3]))


def parse_msisdn(typed: str, path: Path = ()) -> str:
    """The MSISDN in international form without plus: 7 to 15 digits (ITU-T E.164 §6).

    A leading plus or 00 is dropped, and so is the "(0)" that is not dialled from abroad.
    """
    digits = _digits(typed, "MSISDN", path, international=True)
    if digits.startswith("0"):
        raise InvalidError(
            "An MSISDN begins with the country code, not with 0: give the number in international form.", path=path
        )
    if not MSISDN_LEAST_DIGITS <= len(digits) <= MSISDN_MOST_DIGITS:
        raise InvalidError(
            "An MSISDN has 7 to 15 digits with its country code, this has {count}.", path=path, count=len(digits)
        )
    return digits


def parse_imei(typed: str, path: Path = ()) -> str:
    """The IMEI: 15 digits with their check digit; 14 digits get theirs (TS 23.003 §6.2.1)."""
    digits = _digits(typed, "IMEI", path)
    if len(digits) == IMEI_BODY_DIGITS:
        return digits + luhn_digit(digits)
    if len(digits) == IMEISV_DIGITS:
        body = digits[:IMEI_BODY_DIGITS]
        raise InvalidError(
            "This has 16 digits, which is an IMEISV; the IMEI of that device is {body}{wanted}.",
            path=path,
            body=body,
            wanted=luhn_digit(body),
        )
    if len(digits) != IMEI_DIGITS:
        raise InvalidError(
            "An IMEI has 15 digits, or 14 without its check digit; this has {count}.", path=path, count=len(digits)
        )
    if not has_luhn_digit(digits):
        raise InvalidError(
            "The check digit (the last) of this IMEI is {digit}, but its other digits call for {wanted}.",
            path=path,
            digit=digits[-1],
            wanted=luhn_digit(digits[:-1]),
        )
    return digits


def parse_imeisv(typed: str, path: Path = ()) -> str:
    """The IMEISV: 14 digits of the IMEI and two of the software version, 99 being reserved (TS 23.003 §6.2.2)."""
    digits = _digits(typed, "IMEISV", path)
    if len(digits) != IMEISV_DIGITS:
        raise InvalidError("An IMEISV has 16 digits, this has {count}.", path=path, count=len(digits))
    if digits.endswith("99"):
        raise InvalidError("An IMEISV does not end with 99: that software version is reserved.", path=path)
    return digits


def imei_body(reported: str) -> str | None:
    """The 14 digits that identify the device in what a network reports; None if it can be no IMEI or IMEISV.

    The check digit is not looked at: on the radio it is sent as 0 (TS 23.003 §6.2.1), in an IMEISV there is none.
    """
    digits = _SEPARATORS.sub("", reported[:MAX_TYPED_CHARACTERS])
    if not _is_digits(digits) or not IMEI_BODY_DIGITS <= len(digits) <= IMEISV_DIGITS:
        return None
    return digits[:IMEI_BODY_DIGITS]


def is_same_device(one: str, other: str) -> bool:
    """Whether two IMEIs or IMEISVs name the same device: their first 14 digits are equal (TS 23.003 §6.2)."""
    body = imei_body(one)
    return body is not None and body == imei_body(other)


def _iccid_digits(typed: str, path: Path) -> str:
    text = _without_separators(typed, "ICCID", path)
    if len(text) == 20 and text[-1] in "Ff":
        text = text[:-1]
    digits = _checked_digits(text, "ICCID", path)
    if not digits.startswith("89"):
        raise InvalidError("An ICCID begins with 89, which stands for telecommunications.", path=path)
    return digits


def _digits(typed: str, name: str, path: Path, *, international: bool = False) -> str:
    text = _without_separators(typed.replace("(0)", "", 1) if international else typed, name, path)
    if international:
        text = text[1:] if text.startswith("+") else text.removeprefix("00")
    return _checked_digits(text, name, path)


def _without_separators(typed: str, name: str, path: Path) -> str:
    if len(typed) > MAX_TYPED_CHARACTERS:
        raise InvalidError("This is too long for an {name}.", path=path, name=name)
    if _is_digits(typed):
        return typed
    text = typed.translate(_FULL_WIDTH).strip().removeprefix("'")  # the apostrophe marks text in a spreadsheet
    if _SPREADSHEET.fullmatch(text):
        raise InvalidError(
            "A spreadsheet has turned this into a number, which loses digits: make the column text there.",
            path=path,
        )
    return _SEPARATORS.sub("", text)


def _checked_digits(text: str, name: str, path: Path) -> str:
    if not text:
        raise InvalidError("The {name} is empty.", path=path, name=name)
    if not _is_digits(text):
        wrong = next(character for character in text if character not in "0123456789")
        raise InvalidError("An {name} has digits only, this has {wrong!a}.", path=path, name=name, wrong=wrong)
    return text


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()
