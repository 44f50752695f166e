"""The tree of organisations. Every change of its shape locks the root first, so that two never cross."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import asyncpg

from motet.domain.errors import ConflictError
from motet.storage.database import Executor, PooledConnection

_LOCK_TREE = "SELECT id FROM organisation WHERE parent_id IS NULL FOR NO KEY UPDATE"


async def lock_tree(connection: PooledConnection) -> None:
    """Keep the tree's shape to the end of the transaction."""
    await connection.execute(_LOCK_TREE)


class Organisation(NamedTuple):
    """An organisation and its place."""

    id: int
    parent_id: int | None
    kind: str
    name: str
    path: list[int]
    """The ids from the root down to its own."""


_FIND = "SELECT id, parent_id, kind, name, path FROM organisation WHERE id = $1 AND path @> ARRAY[$2::bigint]"


async def find(connection: Executor, organisation_id: int, root_id: int) -> Organisation | None:
    """The organisation, if it is `root_id` or below it."""
    record = await connection.fetchrow(_FIND, organisation_id, root_id)
    return None if record is None else Organisation(*record)


_ROOT = "SELECT id FROM organisation WHERE parent_id IS NULL"


async def root(connection: Executor) -> int | None:
    """The operator's organisation."""
    found: int | None = await connection.fetchval(_ROOT)
    return found


_OF_WORKSPACE = "SELECT organisation_id FROM workspace WHERE id = $1"


async def of_workspace(connection: Executor, workspace_id: int) -> int | None:
    """The organisation that a workspace belongs to."""
    found: int | None = await connection.fetchval(_OF_WORKSPACE, workspace_id)
    return found


_HOLDS = """
SELECT EXISTS (SELECT FROM workspace w JOIN organisation o ON o.id = w.organisation_id
                WHERE w.id = $2 AND w.ended_at IS NULL AND o.path @> ARRAY[$1::bigint])
"""


async def holds_workspace(connection: Executor, root_id: int, workspace_id: int) -> bool:
    """Whether the live workspace belongs to the organisation or to one below it."""
    return bool(await connection.fetchval(_HOLDS, root_id, workspace_id))


_ADD = "INSERT INTO organisation (id, parent_id, kind, name, created_at) VALUES ($1, $2, $3, $4, $5)"


async def add(
    connection: PooledConnection, organisation_id: int, parent_id: int, kind: str, name: str, at: datetime
) -> None:
    """Add an organisation below another; its path follows from that."""
    await connection.execute(_ADD, organisation_id, parent_id, kind, name, at)


_CHILDREN = "SELECT count(*) FROM organisation WHERE parent_id = $1"
_BRANCH = "SELECT count(*) FROM organisation WHERE path @> ARRAY[$1::bigint]"
_HEIGHT = """
SELECT max(cardinality(path)) - (SELECT cardinality(path) - 1 FROM organisation WHERE id = $1)
  FROM organisation WHERE path @> ARRAY[$1::bigint]
"""
_CHILD_KINDS = "SELECT DISTINCT kind FROM organisation WHERE parent_id = $1"


async def children(connection: Executor, organisation_id: int) -> int:
    """How many are directly below."""
    return int(await connection.fetchval(_CHILDREN, organisation_id))


async def branch(connection: Executor, organisation_id: int) -> int:
    """How many there are from it downwards, itself counted."""
    return int(await connection.fetchval(_BRANCH, organisation_id))


async def height(connection: Executor, organisation_id: int) -> int:
    """How deep its branch is, 1 for an organisation with nothing below it."""
    return int(await connection.fetchval(_HEIGHT, organisation_id))


async def child_kinds(connection: Executor, organisation_id: int) -> list[str]:
    """The kinds of those directly below."""
    return [record["kind"] for record in await connection.fetch(_CHILD_KINDS, organisation_id)]


_SET = "UPDATE organisation SET name = $2, kind = $3 WHERE id = $1"


async def set_name_and_kind(connection: PooledConnection, organisation_id: int, name: str, kind: str) -> None:
    """Write what an organisation is called and what it is."""
    await connection.execute(_SET, organisation_id, name, kind)


_SET_LOCALE = "UPDATE organisation SET locale = $2 WHERE id = $1"


async def set_locale(connection: PooledConnection, organisation_id: int, locale: str | None) -> None:
    """The language of its users who have chosen none. All nodes hear of it."""
    await connection.execute(_SET_LOCALE, organisation_id, locale)


_SUSPEND = "UPDATE organisation SET suspended_at = coalesce(suspended_at, $2) WHERE id = $1"
_RESTORE = "UPDATE organisation SET suspended_at = NULL WHERE id = $1"


async def suspend(connection: PooledConnection, organisation_id: int, at: datetime) -> None:
    """Let nobody into the workspaces of the organisation and of those below it."""
    await connection.execute(_SUSPEND, organisation_id, at)


async def restore(connection: PooledConnection, organisation_id: int) -> None:
    """The end of that, but for what is suspended by itself."""
    await connection.execute(_RESTORE, organisation_id)


# The whole branch, each path anew from the moved organisation on.
_MOVE = """
UPDATE organisation o
   SET parent_id = CASE WHEN o.id = $1 THEN $2 ELSE o.parent_id END,
       path = p.path || o.path[array_position(o.path, $1::bigint):]
  FROM organisation p
 WHERE p.id = $2 AND o.path @> ARRAY[$1::bigint]
"""


async def move(connection: PooledConnection, organisation_id: int, parent_id: int) -> None:
    """Put a branch below another organisation, which is not in it."""
    await connection.execute(_MOVE, organisation_id, parent_id)


_HELD = """
SELECT (SELECT count(*) FROM organisation WHERE parent_id = $1),
       (SELECT count(*) FROM workspace WHERE organisation_id = $1 AND ended_at IS NULL),
       (SELECT count(*) FROM user_account WHERE organisation_id = $1)
"""


async def held(connection: Executor, organisation_id: int) -> tuple[int, int, int]:
    """How many (organisations, live workspaces, users) are directly in it."""
    (record,) = await connection.fetch(_HELD, organisation_id)
    return int(record[0]), int(record[1]), int(record[2])


_LEAVE_ENDED = "UPDATE workspace SET organisation_id = $2 WHERE organisation_id = $1 AND ended_at IS NOT NULL"
_DELETE = "DELETE FROM organisation WHERE id = $1"


async def delete(connection: PooledConnection, organisation_id: int, parent_id: int) -> None:
    """Remove an organisation that holds nothing; workspaces of it that have ended go to its parent.

    Raises ConflictError if something else still stands on it.
    """
    await connection.execute(_LEAVE_ENDED, organisation_id, parent_id)
    try:
        await connection.execute(_DELETE, organisation_id)
    except asyncpg.ForeignKeyViolationError:
        raise ConflictError("Something still belongs to this organisation.", path=("id",)) from None
