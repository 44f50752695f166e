"""Short codes: what devices text to, and the account that each one's MO go to."""

import asyncpg

from motet.domain.errors import ConflictError, LimitReachedError, NotFoundError
from motet.storage.database import PooledConnection

_LOCK_WORKSPACE = "SELECT FROM workspace WHERE id = $1 FOR NO KEY UPDATE"
_INSERT = """
INSERT INTO short_code (workspace_id, id, code, account_id, description)
SELECT $1, $2, $3, $4, $5
 WHERE (SELECT count(*) FROM short_code WHERE workspace_id = $1) < $6
RETURNING id
"""


async def insert(
    connection: PooledConnection,
    workspace_id: int,
    short_code_id: int,
    code: str,
    account_id: int | None,
    description: str,
    *,
    limit: int,
) -> None:
    """Add a short code. Needs a transaction: the workspace is locked, so that two callers cannot pass the limit.

    Raises ConflictError for a code that the workspace has, NotFoundError for an account that it has not,
    LimitReachedError at `limit` codes.
    """
    await connection.execute(_LOCK_WORKSPACE, workspace_id)
    try:
        added = await connection.fetchval(_INSERT, workspace_id, short_code_id, code, account_id, description, limit)
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != "short_code_taken":
            raise
        raise ConflictError("The workspace has this short code already.", path=("code",)) from None
    except asyncpg.ForeignKeyViolationError:
        raise _no_account() from None
    if added is None:
        raise LimitReachedError("A workspace has at most {most} short codes.", most=limit)


# $3 says whether the account changes: null is a value of its own.
_UPDATE = """
UPDATE short_code
   SET account_id = CASE WHEN $3 THEN $4 ELSE account_id END,
       description = coalesce($5, description)
 WHERE workspace_id = $1 AND id = $2
RETURNING id
"""


async def update(
    connection: PooledConnection,
    workspace_id: int,
    short_code_id: int,
    *,
    changes_account: bool,
    account_id: int | None,
    description: str | None,
) -> bool:
    """Change what is given; False for an unknown code. Raises NotFoundError for an account of another workspace."""
    try:
        found = await connection.fetchval(
            _UPDATE, workspace_id, short_code_id, changes_account, account_id, description
        )
    except asyncpg.ForeignKeyViolationError:
        raise _no_account() from None
    return found is not None


_DELETE = "DELETE FROM short_code WHERE workspace_id = $1 AND id = $2 RETURNING id"


async def delete(connection: PooledConnection, workspace_id: int, short_code_id: int) -> bool:
    """Remove a short code; False for an unknown one."""
    return await connection.fetchval(_DELETE, workspace_id, short_code_id) is not None


def _no_account() -> NotFoundError:
    return NotFoundError("No such SMPP account.", path=("smpp_account_id",))


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
            raise ConflictError("the short code {code} exists already", path=("code",), code=code) from None
        raise


_OLDEST_OF_ACCOUNT = "SELECT code FROM short_code WHERE workspace_id = $1 AND account_id = $2 ORDER BY id LIMIT 1"


async def oldest_short_code(connection: PooledConnection, workspace_id: int, account_id: int) -> str | None:
    """The first short code whose MO go to the account."""
    code: str | None = await connection.fetchval(_OLDEST_OF_ACCOUNT, workspace_id, account_id)
    return code
