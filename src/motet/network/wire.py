"""How notifications and orders are written in JSON. docs/network.md says the same to a carrier's engineer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from motet.domain.network import (
    MAX_SESSION_ID_CHARACTERS,
    Attached,
    AttachFailed,
    Detached,
    EsimProgress,
    ImeiSeen,
    LocationUpdated,
    Notification,
    OperationResult,
    OperatorOutage,
    Outcome,
    Place,
    SessionRecord,
)
from motet.radio.rats import Rat

MAX_ID_CHARACTERS = 64
"""A UUID, or a node's name and a counter."""

MAX_TEXT_CHARACTERS = 200
"""Reasons, nodes, cells: far more than any of them has."""

MAX_OCTETS = 1 << 50
"""In one record: beyond that somebody counted wrong."""

_RATS = {rat.name: rat.name for rat in Rat} | {"2G": "GSM", "3G": "UMTS", "4G": "LTE", "5G": "NR"}
_RATS |= {"LTE-M": "LTE_M", "NB-IOT": "NB_IOT"}


ESIM_STEPS = ("DOWNLOAD", "INSTALL", "ENABLE", "DISABLE", "DELETE")
"""What a phone does with an eSIM; the rest is the issuer's."""


class WireError(ValueError):
    """One notification is not understood; the message says what is wrong with it."""


def parse_notification(given: Any) -> tuple[str, Notification]:
    """(id, notification). Raises WireError."""
    if not isinstance(given, Mapping):
        raise WireError("a notification must be a JSON object")
    fields = _Fields(given)
    notification_id = fields.text("id", MAX_ID_CHARACTERS)
    kind = fields.text("type", MAX_ID_CHARACTERS)
    parse = _KINDS.get(kind)
    if parse is None:
        raise WireError(f"type must be one of {', '.join(_KINDS)}")
    told = parse(fields)
    fields.done()
    return notification_id, told


def told_id(given: Any) -> str | None:
    """The id of a notification that may be none."""
    found = given.get("id") if isinstance(given, Mapping) else None
    return found if isinstance(found, str) and len(found) <= MAX_ID_CHARACTERS else None


def written_outcome(notification_id: str | None, outcome: Outcome) -> dict[str, Any]:
    """The answer to one notification; what does not apply is left out."""
    answer: dict[str, Any] = {"id": notification_id, "verdict": outcome.verdict.value}
    if outcome.reason is not None:
        answer["reason"] = outcome.reason
    if outcome.words is not None:
        answer["words"] = outcome.words
    if outcome.repeated:
        answer["repeated"] = True
    return {**answer, **(outcome.detail or {})}


class _Fields:
    """Reads the members of an object, and knows which were read."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = given
        self._read: set[str] = set()

    def optional(self, name: str) -> Any:
        self._read.add(name)
        return self._given.get(name)

    def required(self, name: str) -> Any:
        value = self.optional(name)
        if value is None:
            raise WireError(f"{name} is missing")
        return value

    def text(self, name: str, at_most: int = MAX_TEXT_CHARACTERS) -> str:
        return _text(self.required(name), name, at_most)

    def text_or_none(self, name: str, at_most: int = MAX_TEXT_CHARACTERS) -> str | None:
        value = self.optional(name)
        return None if value is None else _text(value, name, at_most)

    def time(self, name: str) -> datetime:
        value = self.text(name)
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            raise WireError(f"{name} must be a time such as 2026-11-22T01:02:03.456Z") from None
        if at.tzinfo is None:
            raise WireError(f"{name} must name its time zone, such as Z")
        if not 2000 <= at.year <= 2200:
            raise WireError(f"{name} is out of range")
        return at.astimezone(UTC)

    def digits(self, name: str, least: int, most: int) -> str:
        value = self.text(name)
        if not (value.isascii() and value.isdigit() and least <= len(value) <= most):
            raise WireError(f"{name} must be {least} to {most} digits")
        return value

    def digits_or_none(self, name: str, least: int, most: int) -> str | None:
        return None if self.optional(name) is None else self.digits(name, least, most)

    def number(self, name: str, most: int, default: int | None = None) -> int:
        value = self.optional(name)
        if value is None and default is not None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
            raise WireError(f"{name} must be a number from 0 to {most}")
        return value

    def flag(self, name: str, default: bool | None = None) -> bool:
        value = self.optional(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, bool):
            raise WireError(f"{name} must be true or false")
        return value

    def rat(self) -> str | None:
        value = self.text_or_none("rat")
        if value is not None and value.upper() not in _RATS:
            raise WireError(f"rat must be one of {', '.join(_RATS)}")
        return None if value is None else _RATS[value.upper()]

    def country(self) -> str | None:
        value = self.text_or_none("country")
        if value is not None and not (len(value) == 2 and value.isascii() and value.isalpha()):
            raise WireError("country must be two letters (ISO 3166)")
        return None if value is None else value.upper()

    def place(self) -> Place:
        operator = self.digits("operator", 5, 6)
        return Place(operator, self.country(), self.rat(), self.text_or_none("cell"), self.text_or_none("node"))

    def sim(self) -> str:
        return self.digits("sim", 7, 22)

    def matching_id(self) -> str:
        """It may be empty (SGP.22 §4.1)."""
        return "" if self.required("matching_id") == "" else self.text("matching_id")

    def step(self) -> str:
        value = self.text("step").upper()
        if value not in ESIM_STEPS:
            raise WireError(f"step must be one of {', '.join(ESIM_STEPS)}")
        return value

    def imei(self) -> str | None:
        return self.digits_or_none("imei", 14, 16)

    def detail(self) -> dict[str, Any] | None:
        value = self.optional("detail")
        if value is not None and not isinstance(value, dict):
            raise WireError("detail must be a JSON object")
        return value

    def done(self) -> None:
        """Raises WireError for a member that nobody asked for: it would be lost without a word."""
        if unknown := sorted(set(self._given) - self._read):
            raise WireError(f"unknown member {unknown[0]!a:.60}")


def _text(value: Any, name: str, at_most: int) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= at_most or not value.isprintable():
        raise WireError(f"{name} must be a text of 1 to {at_most} characters")
    return value


def _session(fields: _Fields) -> SessionRecord:
    return SessionRecord(
        at=fields.time("at"),
        sim=fields.sim(),
        session_id=fields.text("session_id", MAX_SESSION_ID_CHARACTERS),
        sequence=fields.number("sequence", (1 << 31) - 1),
        octets_up=fields.number("octets_up", MAX_OCTETS, 0),
        octets_down=fields.number("octets_down", MAX_OCTETS, 0),
        opened_at=fields.time("opened_at"),
        closed=fields.flag("closed", False),
        cause=fields.text_or_none("cause"),
        apn=fields.text_or_none("apn", 100),
        ip_address=fields.text_or_none("ip_address", 45),
        region=fields.text_or_none("region", 40),
        operator=fields.digits_or_none("operator", 5, 6),
        rat=fields.rat(),
        imei=fields.imei(),
    )


def _order_id(fields: _Fields) -> int:
    digits = fields.digits("order", 1, 19)
    return int(digits)


_KINDS: Mapping[str, Callable[[_Fields], Notification]] = {
    "attached": lambda f: Attached(f.time("at"), f.sim(), f.place(), f.imei()),
    "location_updated": lambda f: LocationUpdated(f.time("at"), f.sim(), f.place(), f.imei()),
    "detached": lambda f: Detached(f.time("at"), f.sim(), f.text_or_none("reason")),
    "imei_seen": lambda f: ImeiSeen(f.time("at"), f.sim(), f.digits("imei", 14, 16)),
    "attach_failed": lambda f: AttachFailed(
        f.time("at"), f.sim(), f.text("reason"), f.digits_or_none("operator", 5, 6), f.rat()
    ),
    "session": _session,
    "esim": lambda f: EsimProgress(
        f.time("at"),
        f.text("smdp_address"),
        f.matching_id(),
        f.step(),
        f.digits_or_none("eid", 32, 32),
        f.text_or_none("confirmation_code", 16),
    ),
    "outage": lambda f: OperatorOutage(f.time("at"), f.digits("operator", 5, 6), f.flag("out")),
    "order_ended": lambda f: OperationResult(
        f.time("at"), _order_id(f), f.flag("ok"), f.text_or_none("reason"), f.detail()
    ),
}
