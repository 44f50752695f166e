"""Values that come from our own tables rather than from rows, in the shape that was asked for."""

from __future__ import annotations

from typing import Any

from strawberry.types import Info

from motet.graphql.fields import raw
from motet.graphql.plain import shaped
from motet.graphql.selection import selection_of
from motet.reading.reader import Answer


def reference(info: Info, value: Any) -> Any:
    """The Answer of a field whose value is known: objects are mappings by field name that hold their `__typename`."""
    return Answer(shaped(selection_of(raw(info)), value))
