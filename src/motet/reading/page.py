"""Which page of a list is asked for: `first`, `after`, `last`, `before`, and the order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from motet.reading.cursor import SortPosition, decode_cursor
from motet.reading.errors import InvalidRequestError
from motet.reading.model import Entity, SortKey

DEFAULT_PAGE = 50
MAX_PAGE = 200


@dataclass(frozen=True, slots=True)
class Page:
    """A page of at most `size` rows. `backward`: the last ones of the range, still handed over in list order."""

    size: int
    backward: bool
    after: SortPosition | None
    before: SortPosition | None
    order: str
    key: SortKey
    descending: bool

    @property
    def read_descending(self) -> bool:
        """The direction in which rows are read: the list's own, or against it for `last`."""
        return self.descending != self.backward


def page_of(entity: Entity, arguments: Mapping[str, Any]) -> Page:
    """The page that a connection's arguments ask for. Raises InvalidRequestError. Nulls count as absent."""
    size, backward = size_of(arguments)
    order, descending = entity.default_order, entity.newest_first
    order_by = arguments.get("orderBy")
    if order_by is not None:
        order = order_by.get("field") or order
        descending = (order_by.get("direction") or "ASC") == "DESC"
    key = entity.orders[order]
    tag = f"{entity.name}:{order}"
    after, before = arguments.get("after"), arguments.get("before")
    return Page(
        size=size,
        backward=backward,
        after=None if after is None else decode_cursor(after, tag, key),
        before=None if before is None else decode_cursor(before, tag, key),
        order=tag,
        key=key,
        descending=descending,
    )


def size_of(arguments: Mapping[str, Any]) -> tuple[int, bool]:
    """How many rows `first` or `last` asks for, and whether it is `last`. Raises InvalidRequestError."""
    first, last = arguments.get("first"), arguments.get("last")
    if first is not None and last is not None:
        raise InvalidRequestError("Give `first` or `last`, not both.")
    for name, size in (("first", first), ("last", last)):
        if size is not None and not 0 <= size <= MAX_PAGE:
            raise InvalidRequestError("`{name}` must be 0 to {most}.", name=name, most=MAX_PAGE)
    return (DEFAULT_PAGE if first is None else first, False) if last is None else (last, True)
