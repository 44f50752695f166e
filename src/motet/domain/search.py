"""What someone may mean who types an identifier: every reading of the text, to be looked up all at once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from motet.domain.global_ids import decode_global_id
from motet.domain.identities import EID_DIGITS, iccid_candidates, imei_body
from motet.domain.numbering import luhn_digit

MAX_QUERY_CHARACTERS = 100
"""A name has at most 100; an EID with a blank after every fourth digit has 39."""

LEAST_DIGITS = 4
"""Of the beginning of an identity: fewer say nothing."""

LEAST_PART = 3
"""Characters of a part of a name: what a trigram has."""

_SEPARATORS = re.compile(r"[\s\-./()]+")
_LAST = chr(0x10FFFF)
"""Sorts behind every other character."""


@dataclass(frozen=True, slots=True)
class SearchTerms:
    """The readings of a query. What it cannot be is empty or None, and finds nothing."""

    iccids: tuple[str, ...] = ()
    digits: str | None = None
    """A whole IMSI or MSISDN, or the beginning of one, of an ICCID, an EID or an IMEI; `digits_end` sorts behind all
    that begin so."""
    digits_end: str | None = None
    imei: str | None = None
    """15 digits."""
    address: IPv4Address | IPv6Address | None = None
    name: str | None = None
    """In lower case; `name_end` sorts behind all names that begin so."""
    name_end: str | None = None
    part: str | None = None
    """In lower case, of a name."""
    tag: str | None = None
    message_id: int | None = None
    smsc_message_id: str | None = None
    global_id: tuple[str, int] | None = None


def search_terms(query: str) -> SearchTerms | None:
    """The readings of a query, or None for one that is empty or longer than anything we know. Total."""
    text = query.strip()
    if not text or len(text) > MAX_QUERY_CHARACTERS:
        return None
    name = text.lower()
    digits = _SEPARATORS.sub("", text.removeprefix("+"))
    is_number = digits.isascii() and digits.isdigit()
    begins = is_number and LEAST_DIGITS <= len(digits) <= EID_DIGITS
    message_id = int(digits) if is_number and text == digits and len(digits) <= 19 else None
    return SearchTerms(
        iccids=iccid_candidates(text),
        digits=digits if begins else None,
        digits_end=digits + ":" if begins else None,  # the character behind 9
        imei=_imei(digits) if is_number else None,
        address=_address(text),
        name=name,
        name_end=name + _LAST,
        part=name if len(name) >= LEAST_PART else None,
        tag=text,
        message_id=message_id if message_id is not None and message_id < 1 << 63 else None,
        smsc_message_id=text,
        global_id=decode_global_id(text),
    )


def _imei(digits: str) -> str | None:
    """The IMEI with its check digit, of one with or without, or of an IMEISV."""
    body = imei_body(digits)
    return None if body is None else body + luhn_digit(body)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
