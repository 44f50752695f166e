"""Functions that turn columns into the values of fields."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

from motet.domain.global_ids import global_id_maker
from motet.domain.ids import unix_ms_of
from motet.reading.model import Value


def column(name: str) -> Value:
    """A column of the row, handed on as it is."""
    return Value(("{t}." + name,))


def global_id(type_name: str, name: str = "id") -> Value:
    """The global id of the row of `type_name` whose id is in the column."""
    return Value(("{t}." + name,), global_id_maker(type_name))


def state(name: str, states: type[IntEnum]) -> Value:
    """The name of the state that the column holds."""
    names = {int(member): member.name for member in states}
    return Value(("{t}." + name,), names.__getitem__)


def text_of(name: str) -> Value:
    """The column as text, such as an address."""
    return Value(("{t}." + name,), str)


def time_of_id(name: str = "id") -> Value:
    """The moment at which the id in the column was made, to the millisecond."""
    return Value(("{t}." + name,), lambda row_id: datetime.fromtimestamp(unix_ms_of(row_id) / 1000, UTC))


def made(make: Callable[..., Any], *names: str) -> Value:
    """A function of several columns."""
    return Value(tuple("{t}." + name for name in names), make)
