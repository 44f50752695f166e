"""ESMEs' sessions that are bound, of all nodes, and the addresses that an account has bound from."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

from motet.storage.database import Executor, PooledConnection

Address = IPv4Address | IPv6Address

KNOWN_ADDRESSES = 100
"""Of an account; the ones that were used longest ago are forgotten."""


class BoundSession(NamedTuple):
    """A session, in the order of the statement below."""

    workspace_id: int
    id: int
    account_id: int
    node: int
    bind_type: str
    address: Address
    port: int
    tls: str | None


_INSERT = """
INSERT INTO smpp_session (workspace_id, id, account_id, node, bind_type, address, port, tls)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""

# Written again at most once an hour: a bind costs no more than its session's row.
_REMEMBER = """
INSERT INTO smpp_known_address (workspace_id, account_id, address, bound_at)
VALUES ($1, $2, $3, now())
    ON CONFLICT (workspace_id, account_id, address) DO UPDATE SET bound_at = now()
 WHERE smpp_known_address.bound_at < now() - interval '1 hour'
RETURNING xmax = 0
"""

_FORGET_OLD = """
DELETE FROM smpp_known_address
 WHERE workspace_id = $1 AND account_id = $2
   AND address NOT IN (SELECT address FROM smpp_known_address WHERE workspace_id = $1 AND account_id = $2
                        ORDER BY bound_at DESC, address LIMIT $3)
"""


async def insert(connection: PooledConnection, session: BoundSession, peer: Address) -> None:
    """Note a session, and `peer`, what its address counts as, as one that the account has bound from."""
    await connection.execute(_INSERT, *session)
    if await connection.fetchval(_REMEMBER, session.workspace_id, session.account_id, peer):
        await connection.execute(_FORGET_OLD, session.workspace_id, session.account_id, KNOWN_ADDRESSES)


# By node: what a node lets go of is its own, in whatever workspace.
_DELETE = "DELETE FROM smpp_session WHERE node = $1 AND id = ANY ($2::bigint[])"


async def delete(connection: Executor, node: int, session_ids: Sequence[int]) -> None:
    """Sessions of a node have ended."""
    await connection.execute(_DELETE, node, list(session_ids))


_ASK_TO_END = """
WITH asked AS (SELECT id FROM smpp_session WHERE workspace_id = $1 AND id = $2 FOR KEY SHARE)
SELECT id, pg_notify('motet_change', 'smpp_session ' || id) IS NULL FROM asked
"""


async def ask_to_end(connection: PooledConnection, workspace_id: int, session_id: int) -> bool:
    """Tell the node that has the session to end it; False for an unknown one."""
    return await connection.fetchrow(_ASK_TO_END, workspace_id, session_id) is not None
