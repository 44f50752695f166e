"""Roaming partners: the operators whose IMSIs cards hold, and their terms by country."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg

from motet.domain.errors import ConflictError, DeniedError
from motet.storage.database import Executor, PooledConnection

TERM_COLUMNS = (
    "workspace_id", "id", "partner_id", "country", "networks", "rats", "permanent_roaming", "max_stay_days", "psm",
    "edrx",
)  # fmt: skip

_INSERT = "INSERT INTO roaming_partner (workspace_id, id, name, plmn, created_at) VALUES ($1, $2, $3, $4, $5)"


async def insert(
    connection: PooledConnection, workspace_id: int, partner_id: int, name: str, plmn: str, created_at: datetime
) -> None:
    """Raises ConflictError for a name that is taken (path `name`)."""
    try:
        async with connection.transaction():
            await connection.execute(_INSERT, workspace_id, partner_id, name, plmn, created_at)
    except asyncpg.UniqueViolationError:
        raise ConflictError("Another partner has this name.", path=("name",)) from None


_LOCK = "SELECT name, plmn FROM roaming_partner WHERE workspace_id = $1 AND id = $2 FOR UPDATE"


async def lock(connection: PooledConnection, workspace_id: int, partner_id: int) -> asyncpg.Record | None:
    record: asyncpg.Record | None = await connection.fetchrow(_LOCK, workspace_id, partner_id)
    return record


_UPDATE = "UPDATE roaming_partner SET name = $3, plmn = $4 WHERE workspace_id = $1 AND id = $2"


async def update(connection: PooledConnection, workspace_id: int, partner_id: int, name: str, plmn: str) -> None:
    """Raises ConflictError for a name that is taken (path `name`)."""
    try:
        async with connection.transaction():
            await connection.execute(_UPDATE, workspace_id, partner_id, name, plmn)
    except asyncpg.UniqueViolationError:
        raise ConflictError("Another partner has this name.", path=("name",)) from None


_DELETE = "DELETE FROM roaming_partner WHERE workspace_id = $1 AND id = $2"


async def delete(connection: PooledConnection, workspace_id: int, partner_id: int) -> None:
    """Terms and preferences go too. Raises DeniedError while IMSIs are the partner's (path `id`)."""
    try:
        async with connection.transaction():
            await connection.execute(_DELETE, workspace_id, partner_id)
    except asyncpg.ForeignKeyViolationError:
        raise DeniedError("SIMs have IMSIs of this partner: remove those first.", path=("id",)) from None


_FORGET_TERMS = "DELETE FROM roaming_term WHERE workspace_id = $1 AND partner_id = $2"


async def set_terms(
    connection: PooledConnection, workspace_id: int, partner_id: int, rows: Sequence[tuple[Any, ...]]
) -> None:
    """Rows in the order of TERM_COLUMNS, in place of those that were there."""
    await connection.execute(_FORGET_TERMS, workspace_id, partner_id)
    await connection.copy_records_to_table("roaming_term", records=rows, columns=TERM_COLUMNS)


_KNOWN = "SELECT id FROM roaming_partner WHERE workspace_id = $1 AND id = ANY ($2::bigint[]) FOR KEY SHARE"


async def known(connection: Executor, workspace_id: int, partner_ids: Sequence[int]) -> set[int]:
    """Those that the workspace has; they stay until the transaction ends."""
    return {record["id"] for record in await connection.fetch(_KNOWN, workspace_id, partner_ids)}


_COUNT = "SELECT count(*) FROM roaming_partner WHERE workspace_id = $1"


async def count(connection: Executor, workspace_id: int) -> int:
    return int(await connection.fetchval(_COUNT, workspace_id))
