"""Cursors: the sort key of a row, opaque to clients, so that a page goes on where it ended, whatever came between."""

from __future__ import annotations

import math
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as BinasciiError
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from motet.reading.errors import InvalidRequestError
from motet.reading.model import SortKey, SortKind
from motet.reading.statement import storable

MAX_CURSOR_CHARACTERS = 4096
"""Longer than any key that we give out: a name has at most a few hundred characters."""

SortValue = str | int | float | datetime | None

SortPosition = tuple[int] | tuple[SortValue, int]
"""The place of a row in its list: its id, or the sorted column's value and its id."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def encode_cursor(order: str, position: SortPosition) -> str:
    """The cursor of a row at `position` in a list sorted by `order`."""
    plain = [(part - _EPOCH) // _MICROSECOND if isinstance(part, datetime) else part for part in position]
    return urlsafe_b64encode(orjson.dumps([order, *plain])).rstrip(b"=").decode()


def decode_cursor(cursor: str, order: str, key: SortKey) -> SortPosition:
    """The position that a cursor holds. Total: anything not made for this order raises InvalidRequestError."""
    try:
        if len(cursor) > MAX_CURSOR_CHARACTERS or not cursor.isascii():
            raise ValueError
        parts = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        made_for, *position = parts
        row_id = position[-1]
        if made_for != order or type(row_id) is not int or not -1 <= row_id < 1 << 63:
            raise ValueError
        if key.column is None:
            if len(position) != 1:
                raise ValueError
            return (row_id,)
        value, _ = position
        if value is None and key.nullable:
            return None, row_id
        return _value(value, key.kind), row_id
    except (BinasciiError, ValueError, TypeError, IndexError, OverflowError) as error:
        raise InvalidRequestError("This cursor is not one of this list in this order.") from error


def _value(value: Any, kind: SortKind) -> SortValue:
    """The value in a cursor, as the column's type takes it. Raises ValueError or OverflowError."""
    match kind:
        case SortKind.TEXT:
            if isinstance(value, str) and storable(value):
                return value
        case SortKind.NUMBER:
            if type(value) in {int, float} and math.isfinite(value):
                return float(value)
        case SortKind.INTEGER:
            if type(value) is int and -(1 << 63) <= value < 1 << 63:
                return value
        case SortKind.TIME:
            if type(value) is int:
                return _EPOCH + value * _MICROSECOND
    raise ValueError
