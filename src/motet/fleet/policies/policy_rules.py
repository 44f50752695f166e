"""Rules of form for the content of policies."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from motet.domain.coverage_policy import CoveragePolicy
from motet.domain.errors import InvalidError
from motet.domain.service_policy import ALERT, ENFORCE, ServicePolicy
from motet.fleet.rules import MAX_DESCRIPTION_CHARACTERS, check_range, check_text
from motet.radio.breakout import AUTO, REGIONS, is_breakout_region
from motet.radio.rats import Rat
from motet.radio.reference import countries

MAX_NAME_CHARACTERS = 100
MAX_OPERATORS = 2_000
"""Operators in one list: all of a continent."""

MAX_COUNT = 1_000_000_000
"""Messages of a limit: what an Int of GraphQL holds, rounded."""

MAX_OCTETS = 1_000_000_000_000_000
"""Octets of a limit: a petabyte, still exact as a Float of GraphQL."""

MAX_WEIGHT = 100

_OPERATOR = re.compile(r"[0-9]{5,6}")
_APN = re.compile(
    r"(?=.{1,100}\Z)[0-9A-Za-z](?:[0-9A-Za-z-]{0,61}[0-9A-Za-z])?(?:\.[0-9A-Za-z](?:[0-9A-Za-z-]{0,61}[0-9A-Za-z])?)*"
)
_RATS = frozenset(rat.name for rat in Rat)


def check_service_policy(content: ServicePolicy) -> ServicePolicy:
    """The content, if it can stand. Raises InvalidError with the field as path."""
    _check_texts(content.name, content.description)
    for field in ("p2p_limit_per_day", "sms_mt_limit_per_month", "sms_mo_limit_per_month"):
        _check_limit(getattr(content, field), field, 0, MAX_COUNT)
    _check_limit(content.data_limit_per_month_octets, "data_limit_per_month_octets", 0, MAX_OCTETS)
    _check_limit(content.limit_warning_percent, "limit_warning_percent", 1, 100)
    if not is_breakout_region(content.breakout_region):
        raise InvalidError("A region is {auto} or one of {known}.", path=("breakout_region",), auto=AUTO, known=REGIONS)
    if content.apn is not None and not _APN.fullmatch(content.apn):
        raise InvalidError("An APN is labels of letters, digits and hyphens, 100 characters in all.", path=("apn",))
    if content.imei_lock_mode not in {ENFORCE, ALERT}:
        raise InvalidError("An IMEI lock enforces or alerts.", path=("imei_lock_mode",))
    return replace(content, allowed_rats=_rats(content.allowed_rats, "allowed_rats"))


def check_coverage_policy(content: CoveragePolicy) -> CoveragePolicy:
    """The content, each entry of a list once, if it can stand. Raises InvalidError with the field as path."""
    _check_texts(content.name, content.description)
    for denial in content.operators_denied:
        operator, colon, rat = denial.partition(":")
        check_operator(operator, "operators_denied")
        if colon:
            _rats([rat], "operators_denied")
    for operator in content.operators_allowed or ():
        check_operator(operator, "operators_allowed")
    preferred = []
    for entry in content.steering:
        operator, _, weight = entry.partition("=")
        preferred.append(check_operator(operator, "steering"))
        check_range(int(weight), "steering", 1, MAX_WEIGHT)
    if len(set(preferred)) < len(preferred):
        raise InvalidError("An operator has one place in the steering.", path=("steering",))
    return replace(
        content,
        countries_allowed=_countries(content.countries_allowed, "countries_allowed"),
        countries_denied=_countries(content.countries_denied, "countries_denied") or (),
        operators_allowed=_each_once(content.operators_allowed, "operators_allowed"),
        operators_denied=_each_once(content.operators_denied, "operators_denied") or (),
        rats_allowed=_rats(content.rats_allowed, "rats_allowed"),
        rats_denied=_rats(content.rats_denied, "rats_denied") or (),
        steering=_each_once(content.steering, "steering") or (),
    )


def check_operator(operator: str, field: str) -> str:
    """The operator, if it is a PLMN code: MCC and MNC, 5 or 6 digits. Raises InvalidError."""
    if not _OPERATOR.fullmatch(operator):
        raise InvalidError("An operator is a PLMN code: MCC and MNC, 5 or 6 digits.", path=(field,))
    return operator


def check_country(country: str, field: str) -> str:
    """The country in capitals, if ISO 3166-1 has it. Raises InvalidError."""
    code = country.upper()
    if code not in countries():
        raise InvalidError("ISO 3166-1 has no country {country}.", path=(field,), country=country[:10])
    return code


def _check_texts(name: str, description: str) -> None:
    check_text(name, "name", at_least=1, at_most=MAX_NAME_CHARACTERS)
    if name != name.strip() or "\n" in name or "\t" in name:
        raise InvalidError("A name is one line and has no space at its ends.", path=("name",))
    check_text(description, "description", at_most=MAX_DESCRIPTION_CHARACTERS)


def _check_limit(number: int | None, field: str, lowest: int, highest: int) -> None:
    if number is not None:
        check_range(number, field, lowest, highest)


def _countries(codes: Sequence[str] | None, field: str) -> tuple[str, ...] | None:
    return None if codes is None else _each_once([check_country(code, field) for code in codes], field)


def _rats(names: Sequence[str] | None, field: str) -> tuple[str, ...] | None:
    if names is not None and not _RATS.issuperset(names):
        raise InvalidError("A RAT is one of {known}.", path=(field,), known=sorted(_RATS))
    return _each_once(names, field)


def _each_once(items: Sequence[str] | None, field: str) -> tuple[str, ...] | None:
    if items is None:
        return None
    if len(items) > MAX_OPERATORS:
        raise InvalidError("A list has at most {most} entries.", path=(field,), most=MAX_OPERATORS)
    return tuple(dict.fromkeys(items))
