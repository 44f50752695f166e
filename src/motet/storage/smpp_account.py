"""The accounts that ESMEs bind with."""

from __future__ import annotations

import asyncpg

from motet.domain.errors import ConflictError
from motet.storage.database import PooledConnection

# By the one key that is unique over the platform: a bind names no workspace.
_BY_SYSTEM_ID = """
SELECT workspace_id, id, system_id, password_hash, default_alphabet, long_mo, window_size, rate_per_s, max_binds,
       queue_limit, enabled
  FROM smpp_account WHERE system_id = $1
"""


async def find_account(connection: PooledConnection, system_id: str) -> asyncpg.Record | None:
    """All that a bind needs to know of the account."""
    record: asyncpg.Record | None = await connection.fetchrow(_BY_SYSTEM_ID, system_id)
    return record


_ADD = """
INSERT INTO smpp_account (workspace_id, id, system_id, password_hash, description, window_size)
VALUES ($1, $2, $3, $4, $5, $6)
"""


async def add_account(
    connection: PooledConnection,
    workspace_id: int,
    account_id: int,
    system_id: str,
    password_hash: str,
    description: str,
    window_size: int,
) -> None:
    """Raises ConflictError when the system_id is taken, by whomever."""
    try:
        await connection.execute(_ADD, workspace_id, account_id, system_id, password_hash, description, window_size)
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name == "smpp_account_system_id_taken":
            raise ConflictError(f"the system_id {system_id} is taken", path=("systemId",)) from None
        raise


_SET_PASSWORD = "UPDATE smpp_account SET password_hash = $3 WHERE workspace_id = $1 AND id = $2"  # noqa: S105


async def set_password_hash(
    connection: PooledConnection, workspace_id: int, account_id: int, password_hash: str
) -> None:
    await connection.execute(_SET_PASSWORD, workspace_id, account_id, password_hash)
