"""Cursors: the sort key of a row, opaque to clients, so that a page goes on where it ended, whatever came between."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as BinasciiError

import orjson

from motet.reading.errors import InvalidRequestError

MAX_CURSOR_CHARACTERS = 4096
"""Longer than any key that we give out: a name has at most a few hundred characters."""

SortPosition = tuple[int] | tuple[str, int]
"""The place of a row in its list: its id, or the sorted column's value and its id."""


def encode_cursor(order: str, position: SortPosition) -> str:
    """The cursor of a row at `position` in a list sorted by `order`."""
    return urlsafe_b64encode(orjson.dumps([order, *position])).rstrip(b"=").decode()


def decode_cursor(cursor: str, order: str, *, keyed: bool) -> SortPosition:
    """The position that a cursor holds. Total: anything not made for this order raises InvalidRequestError.

    `keyed` says that the order sorts by a text column before the id.
    """
    try:
        if len(cursor) > MAX_CURSOR_CHARACTERS or not cursor.isascii():
            raise ValueError
        parts = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        made_for, *position = parts
        row_id = position[-1]
        if made_for != order or type(row_id) is not int or not -1 <= row_id < 1 << 63:
            raise ValueError
        if keyed:
            value, _ = position
            if not isinstance(value, str) or "\x00" in value:
                raise ValueError
            return value, row_id
        if len(position) != 1:
            raise ValueError
        return (row_id,)
    except (BinasciiError, ValueError, TypeError, IndexError) as error:
        raise InvalidRequestError("This cursor is not one of this list in this order.") from error
