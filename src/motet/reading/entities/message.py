"""SMS messages as they are read.

`message` has no index on what changes, so a list filtered by status starts from the small tables beside it: `waiting`
for what is held, `outcome` for what failed, and the live nodes' low-water mark for what is under way. Other filters
look at a bounded number of rows: such a page may be short and say that there are more.
"""

# ruff: noqa: S608 - text of this module's constants; a caller's values are parameters

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from motet.access.principals import Permission
from motet.domain.ids import first_id_at
from motet.domain.states import Direction, MessageKind, MessageState, WaitingReason
from motet.reading.errors import InvalidRequestError
from motet.reading.filters import asks_for, at_least, at_most, equals_number, in_numbers, one_of, refers_to
from motet.reading.makers import column, global_id, made, state
from motet.reading.model import Condition, Entity, Scope, ToOne, Value
from motet.reading.statement import Statement
from motet.reading.tag_scope import of_device
from motet.sms.data_coding import Alphabet, alphabet_of
from motet.sms.text import decode_text

# What an open message is called depends on the facts beside it: numbers of ours, past those of MessageState.
_SCHEDULED, _PENDING, _IN_PROGRESS, _BUFFERED = 100, 101, 102, 103

_STATUS_NAMES: dict[int, str] = {
    _SCHEDULED: "SCHEDULED",
    _PENDING: "PENDING",
    _IN_PROGRESS: "IN_PROGRESS",
    _BUFFERED: "BUFFERED",
    **{int(member): member.name for member in MessageState if member is not MessageState.OPEN},
}
_STATUS_NUMBERS = {name: number for number, name in _STATUS_NAMES.items()}

# Not EXISTS: the planner would rather hash all of `submit` than look up one message's rows.
_STATUS = f"""CASE
WHEN {{t}}.state <> {MessageState.OPEN:d} THEN {{t}}.state
WHEN (SELECT true FROM submit s WHERE s.message_id = {{t}}.id LIMIT 1) THEN {_IN_PROGRESS}
ELSE coalesce((SELECT CASE w.reason
    WHEN {WaitingReason.SCHEDULED:d} THEN {_SCHEDULED}
    WHEN {WaitingReason.RECEIPT:d} THEN {_IN_PROGRESS}
    ELSE {_BUFFERED} END FROM waiting w WHERE w.message_id = {{t}}.id), {_PENDING}) END"""

_FAILURES = {
    state_.name: int(state_)
    for state_ in (
        MessageState.FAILED,
        MessageState.EXPIRED,
        MessageState.CANCELLED,
        MessageState.REJECTED,
        MessageState.UNKNOWN,
    )
}
_HELD = {"SCHEDULED", "BUFFERED"}
_UNDER_WAY = {"PENDING", "IN_PROGRESS"}

NO_ERROR = "000"
"""What a receipt's `err` says of a message that was delivered."""

_SPARSE = (
    "status", "direction", "kind", "from", "to", "fromIn", "toIn", "partCountAtLeast", "partCountAtMost", "or", "not",
)  # fmt: skip
"""Filters that no index of `message` serves."""

_ID_SLACK_MS = 60_000
"""How far a message's id may be from its submitted_at: a clock that went back makes ids of the time before."""

_ENCODINGS = {
    Alphabet.GSM7: "GSM7",
    Alphabet.ASCII: "ASCII",
    Alphabet.LATIN1: "LATIN1",
    Alphabet.UCS2: "UCS2",
    Alphabet.OCTETS: "BINARY",
}


def scan(arguments: Mapping[str, Any], scope: Scope, statement: Statement, limit: int, *, parent: bool) -> str | None:
    """Where a filtered list of messages is read from: see `motet.reading.model.Scan`."""
    if not any(asks_for(arguments, name) for name in _SPARSE):
        return None
    bounds = [
        _CONDITIONS[name](arguments[name], "{t}", statement)
        for name in ("deviceId", "submittedAfter", "submittedBefore")
        if arguments.get(name) is not None
    ]
    way = "DESC" if scope.descending else "ASC"
    tail = f"ORDER BY id {way} LIMIT {limit}"
    statuses = arguments.get("status")
    by_device = parent or arguments.get("deviceId") is not None
    sources = None if by_device or statuses is None else _status_sources(set(statuses), scope, tail)
    if sources is None:
        where = Scope((*scope.conditions, *bounds), scope.descending).where("m")
        return f"(SELECT * FROM message m WHERE {where} {tail})"
    ids = " UNION ".join(sources) or "SELECT 0::bigint AS id WHERE false"
    # LIMIT 1 keeps the planner from hashing all of `message` against the few ids.
    return (
        f"(SELECT m.* FROM (SELECT id FROM ({ids}) u {tail}) c,"
        f" LATERAL (SELECT * FROM message x WHERE x.workspace_id = $1 AND x.id = c.id LIMIT 1) m ORDER BY c.id {way})"
    )


def _status_sources(statuses: set[str], scope: Scope, tail: str) -> list[str] | None:
    """Statements that give the ids of all messages with these statuses, or None where no small table knows them."""
    if statuses - _FAILURES.keys() - _HELD - _UNDER_WAY:
        return None
    where = scope.where("x")
    sources = [
        f"(SELECT id FROM (SELECT message_id AS id, workspace_id, state FROM outcome) x"
        f" WHERE {where} AND x.state = {_FAILURES[name]} {tail})"
        for name in sorted(statuses & _FAILURES.keys())
    ]
    if statuses & (_HELD | _UNDER_WAY):
        sources.append(f"(SELECT id FROM (SELECT message_id AS id, workspace_id FROM waiting) x WHERE {where} {tail})")
    if statuses & _UNDER_WAY:
        sources.append(
            f"(SELECT id FROM message x WHERE {where} AND x.id >="
            f" (SELECT coalesce(min(low_water), 0) FROM node WHERE succeeded_by IS NULL) {tail})"
        )
    return sources


def _status(value: list[str], alias: str, statement: Statement) -> str:
    numbers = [_STATUS_NUMBERS[name] for name in value]
    expression = "{t}.state" if all(number < _SCHEDULED for number in numbers) else _STATUS
    return f"{expression.replace('{t}', alias)} = ANY({statement.add(numbers)}::integer[])"


def _submitted(comparison: str, slack_ms: int) -> Condition:
    def condition(value: datetime, alias: str, statement: Statement) -> str:
        try:
            instant = value.astimezone(UTC)
        except OverflowError as error:
            raise InvalidRequestError("This time is out of range.") from error
        bound = min(first_id_at(int(instant.timestamp() * 1000) + slack_ms), (1 << 63) - 1)
        return (
            f"{alias}.id {comparison} {statement.add(bound)} AND"
            f" {alias}.submitted_at {comparison} {statement.add(instant)}"
        )

    return condition


_CONDITIONS: dict[str, Condition] = {
    "direction": one_of("direction", Direction),
    "kind": one_of("kind", MessageKind),
    "status": _status,
    "deviceId": refers_to("device_id", "Device"),
    "from": equals_number("source"),
    "to": equals_number("destination"),
    "fromIn": in_numbers("source"),
    "toIn": in_numbers("destination"),
    "partCountAtLeast": at_least("part_count"),
    "partCountAtMost": at_most("part_count"),
    "submittedAfter": _submitted(">=", -_ID_SLACK_MS),
    "submittedBefore": _submitted("<", _ID_SLACK_MS),
}


def _text(payload: bytes, data_coding: int) -> str | None:
    return decode_text(payload, data_coding & 0xFF)


def _encoding(data_coding: int) -> str:
    return _ENCODINGS[alphabet_of(data_coding & 0xFF)]


SMS_MESSAGE = Entity(
    name="SmsMessage",
    table="message",
    permission=Permission.SMS_READ,
    fields={
        "id": global_id("SmsMessage"),
        "direction": state("direction", Direction),
        "kind": state("kind", MessageKind),
        "status": Value((_STATUS,), _STATUS_NAMES.__getitem__),
        "from": column("source"),
        "to": column("destination"),
        "text": made(_text, "payload", "data_coding"),
        "payloadHex": made(bytes.hex, "payload"),
        "dataCoding": column("data_coding"),
        "encoding": made(_encoding, "data_coding"),
        "partCount": column("part_count"),
        "attempts": column("attempts"),
        "error": Value(("{t}.error",), lambda error: None if error == NO_ERROR else error),
        "errorDetail": column("error_detail"),
        "submittedAt": column("submitted_at"),
        "scheduledAt": column("scheduled_at"),
        "expiresAt": column("expires_at"),
        "finalAt": column("final_at"),
        "originId": global_id("SmsMessage", "origin_id"),
        "device": ToOne("Device", "device_id"),
        "sim": ToOne("Sim", "sim_id"),
        "smppAccount": ToOne("SmppAccount", "account_id"),
    },
    filters=_CONDITIONS,
    newest_first=True,
    scan=scan,
    scope=of_device("device_id", is_rare=True),
)
