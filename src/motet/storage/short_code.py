"""Short codes: what devices text to, and the account that each one's MO go to."""

from __future__ import annotations

import asyncpg

from motet.domain.errors import ConflictError
from motet.storage.database import PooledConnection

_ADD = """
INSERT INTO short_code (workspace_id, id, code, account_id, description) VALUES ($1, $2, $3, $4, $5)
"""


async def add_short_code(
    connection: PooledConnection, workspace_id: int, short_code_id: int, code: str, account_id: int, description: str
) -> None:
    """Raises ConflictError when the workspace has the code already."""
    try:
        await connection.execute(_ADD, workspace_id, short_code_id, code, account_id, description)
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name == "short_code_taken":
            raise ConflictError(f"the short code {code} exists already", path=("code",)) from None
        raise


_OLDEST_OF_ACCOUNT = "SELECT code FROM short_code WHERE workspace_id = $1 AND account_id = $2 ORDER BY id LIMIT 1"


async def oldest_short_code(connection: PooledConnection, workspace_id: int, account_id: int) -> str | None:
    """The first short code whose MO go to the account."""
    code: str | None = await connection.fetchval(_OLDEST_OF_ACCOUNT, workspace_id, account_id)
    return code
