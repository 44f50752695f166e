"""What Relay's conventions need: nodes, connections, page arguments; and the scalars."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, NoReturn, TypeVar

import strawberry
from graphql import GraphQLError

NodeType = TypeVar("NodeType")


def described(text: str) -> Any:
    """A plain field: the reading room puts its value into the answer."""
    return strawberry.field(description=text)


def declared(text: str) -> Callable[[Callable[..., Any]], Any]:
    """Decorates the signature of a field that takes arguments; like the others it is read, never called."""
    return lambda signature: strawberry.field(resolver=signature, description=text)


def read_elsewhere() -> NoReturn:
    """The body of a signature decorated by `declared`."""
    raise AssertionError("The reading room answers this field.")


def parse_date_time(value: object) -> datetime:
    """An aware time in UTC from ISO 8601 with an offset; anything else is the caller's fault."""
    if isinstance(value, str) and len(value) <= 40:
        try:
            parsed = datetime.fromisoformat(value)
            if parsed.tzinfo is not None:
                return parsed.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise GraphQLError("DateTime must be ISO 8601 with an offset, such as 2026-11-30T12:00:00Z.")


@strawberry.interface(description="Anything that has a global id, by which `node` finds it again.")
class Node:
    id: strawberry.ID = described("The global id: it holds the type and the object, and never changes.")


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    has_next_page: bool = described(
        "Whether the list goes on behind the page. A filtered list of messages or events looks at a bounded number of"
        " rows for a page: it may then be short, even empty, and still say true; go on from `endCursor`."
    )
    has_previous_page: bool = described("Whether there is something before the page.")
    start_cursor: str | None = described("The cursor at which the page starts, for `before`.")
    end_cursor: str | None = described("The cursor at which the page ends, for `after`.")


@strawberry.type(description="An object's place in a list.")
class Edge(Generic[NodeType]):
    node: NodeType = described("The object.")
    cursor: str = described("The place in the list, to go on from: opaque, and good for this list in this order only.")


@strawberry.type(description="A page of a list.")
class Connection(Generic[NodeType]):
    edges: list[Edge[NodeType]] = described("The objects of the page with their cursors.")
    nodes: list[NodeType] = described("The objects of the page.")
    page_info: PageInfo = described("Where the page lies in the list.")
    total_count: int = described(
        "How many objects the whole list has: exact up to 10,000, beyond that what the database expects, at least"
        " 10,000. Of a list below an object, and of a filtered list that is looked at row by row, it stops there."
    )
    total_count_is_estimate: bool = described(
        "Whether the list is too long to be counted: `totalCount` is then a guess, or where the count stopped."
    )


First = Annotated[
    int | None, strawberry.argument(description="How many from the start, 0 to 200; 50 if neither this nor `last`.")
]
After = Annotated[str | None, strawberry.argument(description="Only what comes behind this cursor.")]
Last = Annotated[int | None, strawberry.argument(description="How many from the end, 0 to 200; not with `first`.")]
Before = Annotated[str | None, strawberry.argument(description="Only what comes before this cursor.")]
