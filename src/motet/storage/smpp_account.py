"""The accounts that ESMEs bind with: their credentials and limits."""

from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

import asyncpg

from motet.domain.cidrs import Network
from motet.domain.errors import ConflictError, LimitReachedError
from motet.storage.database import Executor, PooledConnection


class SmppAccountSettings(NamedTuple):
    """What can be changed of an account, in the order of the statements below."""

    description: str
    default_alphabet: str
    long_mo: str
    window_size: int
    rate_per_s: int | None
    max_binds: int
    queue_limit: int
    outbind_host: str | None
    outbind_port: int | None
    enabled: bool
    allowed_cidrs: tuple[Network, ...]


_LOCK_WORKSPACE = "SELECT FROM workspace WHERE id = $1 FOR NO KEY UPDATE"
_INSERT = """
INSERT INTO smpp_account (workspace_id, id, system_id, password_hash, description, default_alphabet, long_mo,
                          window_size, rate_per_s, max_binds, queue_limit, outbind_host, outbind_port, enabled,
                          allowed_cidrs)
SELECT $1, $2, $3, $4, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16
 WHERE (SELECT count(*) FROM smpp_account WHERE workspace_id = $1) < $5
RETURNING id
"""


async def insert(
    connection: PooledConnection,
    workspace_id: int,
    account_id: int,
    system_id: str,
    password_hash: str,
    settings: SmppAccountSettings,
    *,
    limit: int,
) -> None:
    """Add an account. Needs a transaction: the workspace is locked, so that two callers cannot pass the limit.

    Raises ConflictError for a system_id that any workspace has, LimitReachedError at `limit` accounts.
    """
    await connection.execute(_LOCK_WORKSPACE, workspace_id)
    try:
        added = await connection.fetchval(_INSERT, workspace_id, account_id, system_id, password_hash, limit, *settings)
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != "smpp_account_system_id_taken":
            raise
        raise ConflictError("This system_id is taken.", path=("system_id",)) from None
    if added is None:
        raise LimitReachedError("A workspace has at most {most} SMPP accounts.", most=limit)


_SETTINGS = """
SELECT description, default_alphabet, long_mo, window_size, rate_per_s, max_binds, queue_limit, outbind_host,
       outbind_port, enabled, allowed_cidrs
  FROM smpp_account
 WHERE workspace_id = $1 AND id = $2
   FOR UPDATE
"""


async def lock_settings(connection: PooledConnection, workspace_id: int, account_id: int) -> SmppAccountSettings | None:
    """The settings of an account, which stay as they are until the transaction ends; None for an unknown one."""
    record = await connection.fetchrow(_SETTINGS, workspace_id, account_id)
    if record is None:
        return None
    return SmppAccountSettings(*record)._replace(allowed_cidrs=tuple(record["allowed_cidrs"]))


_UPDATE = """
UPDATE smpp_account
   SET description = $3, default_alphabet = $4, long_mo = $5, window_size = $6, rate_per_s = $7, max_binds = $8,
       queue_limit = $9, outbind_host = $10, outbind_port = $11, enabled = $12, allowed_cidrs = $13
 WHERE workspace_id = $1 AND id = $2
"""


async def update(
    connection: PooledConnection, workspace_id: int, account_id: int, settings: SmppAccountSettings
) -> None:
    """Write the settings of an account that this transaction has locked."""
    await connection.execute(_UPDATE, workspace_id, account_id, *settings)


_SET_PASSWORD = "UPDATE smpp_account SET password_hash = $3 WHERE workspace_id = $1 AND id = $2 RETURNING id"  # noqa: S105


async def set_password(connection: PooledConnection, workspace_id: int, account_id: int, password_hash: str) -> bool:
    """Replace the password; False for an unknown account."""
    return await connection.fetchval(_SET_PASSWORD, workspace_id, account_id, password_hash) is not None


_DELETE = "DELETE FROM smpp_account WHERE workspace_id = $1 AND id = $2 RETURNING id"


async def delete(connection: PooledConnection, workspace_id: int, account_id: int) -> bool:
    """Remove an account; False for an unknown one. Raises ConflictError while a short code leads to it."""
    try:
        return await connection.fetchval(_DELETE, workspace_id, account_id) is not None
    except asyncpg.ForeignKeyViolationError:
        raise ConflictError("A short code leads to this account: change or delete it first.", path=("id",)) from None


# By the one key that is unique over the platform: a bind names no workspace.
_BY_SYSTEM_ID = """
SELECT workspace_id, id, system_id, password_hash, default_alphabet, long_mo, window_size, rate_per_s, max_binds,
       queue_limit, enabled AND motet_open_workspace(workspace_id) AS enabled, allowed_cidrs
  FROM smpp_account WHERE system_id = $1
"""


async def find_account(connection: Executor, system_id: str) -> asyncpg.Record | None:
    """All that a bind needs to know of the account. In a workspace that is suspended it is not `enabled`."""
    record: asyncpg.Record | None = await connection.fetchrow(_BY_SYSTEM_ID, system_id)
    return record


# The same, and whether the account has bound from there.
_FOR_BIND = """
SELECT workspace_id, id, system_id, password_hash, default_alphabet, long_mo, window_size, rate_per_s, max_binds,
       queue_limit, enabled AND motet_open_workspace(workspace_id) AS enabled, allowed_cidrs,
       EXISTS (SELECT FROM smpp_known_address k
                WHERE k.workspace_id = a.workspace_id AND k.account_id = a.id AND k.address = $2::inet) AS known
  FROM smpp_account a WHERE system_id = $1
"""


async def find_for_bind(
    connection: Executor, system_id: str, peer: IPv4Address | IPv6Address | None
) -> asyncpg.Record | None:
    """`find_account`, with `known`: whether it has bound from the peer before."""
    record: asyncpg.Record | None = await connection.fetchrow(_FOR_BIND, system_id, peer)
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
            raise ConflictError("the system_id {system_id} is taken", path=("systemId",), system_id=system_id) from None
        raise


async def set_password_hash(
    connection: PooledConnection, workspace_id: int, account_id: int, password_hash: str
) -> None:
    await connection.execute(_SET_PASSWORD, workspace_id, account_id, password_hash)


_OUTBIND = """
SELECT outbind_host, outbind_port FROM smpp_account
 WHERE workspace_id = $1 AND id = $2 AND enabled AND outbind_host IS NOT NULL AND motet_open_workspace(workspace_id)
"""


async def outbind_target(connection: Executor, workspace_id: int, account_id: int) -> tuple[str, int] | None:
    """Where the account wants outbind sent, if anywhere."""
    record = await connection.fetchrow(_OUTBIND, workspace_id, account_id)
    return None if record is None else (record["outbind_host"], record["outbind_port"])
