"""Values that are no rows, such as reference data, in the shape that was asked for.

An object is a dict of its fields by name with its `__typename`; a member may be a function of the field's arguments,
which is called only where the field is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from motet.reading.cursor import decode_cursor, encode_cursor
from motet.reading.model import SortKey
from motet.reading.page import size_of
from motet.reading.reader import Answer
from motet.reading.selection import Selected
from motet.reading.selection import shaped as shaped

T = TypeVar("T")

_BY_CODE = SortKey("code")


def answered(value: Any) -> Any:
    """The answer of a field whose value is in shape; its type is the field's own."""
    return Answer(value)


def plain_connection(
    selected: Selected, node: str, items: Sequence[T], key: Callable[[T], str], make: Callable[[T], dict[str, Any]]
) -> Any:
    """A page of objects of the type `node` that are all at hand, sorted by a key of their own.

    Raises InvalidRequestError for a wrong page or cursor.
    """
    arguments = selected.arguments
    size, backward = size_of(arguments)
    order = f"{node}:CODE"
    after, before = (_position(arguments.get(name), order) for name in ("after", "before"))
    ranged = [item for item in items if (after is None or key(item) > after) and (before is None or key(item) < before)]
    page = ranged[max(len(ranged) - size, 0) :] if backward else ranged[:size]
    objects = [make(item) for item in page]
    cursors = [encode_cursor(order, (key(item), 0)) for item in page]
    return shaped(
        selected,
        {
            "__typename": f"{node}Connection",
            "nodes": objects,
            "edges": [
                {"__typename": f"{node}Edge", "node": one, "cursor": cursor}
                for one, cursor in zip(objects, cursors, strict=True)
            ],
            "pageInfo": {
                "__typename": "PageInfo",
                "hasNextPage": bool(page) and key(page[-1]) < key(items[-1]),
                "hasPreviousPage": bool(page) and key(page[0]) > key(items[0]),
                "startCursor": cursors[0] if cursors else None,
                "endCursor": cursors[-1] if cursors else None,
            },
            "totalCount": len(items),
            "totalCountIsEstimate": False,
        },
    )


def _position(cursor: str | None, order: str) -> str | None:
    return None if cursor is None else str(decode_cursor(cursor, order, _BY_CODE)[0])
