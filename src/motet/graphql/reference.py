"""Values that come from our own tables rather than from rows, in the shape that was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from strawberry.types import Info

from motet.graphql.fields import raw
from motet.graphql.selection import selection_of
from motet.reading.reader import Answer
from motet.reading.selection import Selected


def reference(info: Info, value: Any) -> Any:
    """The Answer of a field whose value is known: objects are mappings by field name that hold their `__typename`."""
    return Answer(shaped(selection_of(raw(info)), value))


def shaped(selected: Selected, value: Any) -> Any:
    """Of a value, what was selected: lists item by item, objects field by field, all else as it is."""
    if isinstance(value, Mapping):
        return {child.key: shaped(child, value[child.name]) for child in selected.children}
    if selected.children and isinstance(value, Sequence):
        return [shaped(selected, item) for item in value]
    return value
