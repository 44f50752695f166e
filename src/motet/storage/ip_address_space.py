"""Private address spaces, and the addresses in them that devices have."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from motet.domain.errors import ConflictError
from motet.domain.ip_spaces import Address, Network, Space
from motet.storage.database import PooledConnection


class LockedSpace(NamedTuple):
    """A space that nobody else gives addresses of until the transaction ends."""

    id: int
    space: Space
    next_address: Address


class DeviceAddress(NamedTuple):
    """A device and its address."""

    device_id: int
    name: str
    address: Address


_SPACES = "SELECT id, cidr FROM ip_address_space WHERE workspace_id = $1"


async def spaces(connection: PooledConnection, workspace_id: int) -> list[tuple[int, Network]]:
    """The ids and networks of all spaces of a workspace."""
    return [(record["id"], record["cidr"]) for record in await connection.fetch(_SPACES, workspace_id)]


_INSERT = """
INSERT INTO ip_address_space (workspace_id, id, cidr, description, next_address, created_at)
VALUES ($1, $2, $3, $4, $5, $6)
"""


async def insert(
    connection: PooledConnection, workspace_id: int, space_id: int, space: Space, description: str, at: datetime
) -> None:
    """Add a space that overlaps no other of the workspace."""
    await connection.execute(_INSERT, workspace_id, space_id, space.network, description, space.first, at)


_DESCRIBE = "UPDATE ip_address_space SET description = $3 WHERE workspace_id = $1 AND id = $2 RETURNING true"


async def describe(connection: PooledConnection, workspace_id: int, space_id: int, description: str) -> bool:
    """Change the description. False if there is no such space."""
    return bool(await connection.fetchval(_DESCRIBE, workspace_id, space_id, description))


_DELETE_UNUSED = """
DELETE FROM ip_address_space s
 WHERE workspace_id = $1 AND id = $2
   AND NOT EXISTS (SELECT FROM device d WHERE d.workspace_id = $1 AND d.ip_address_space_id = $2)
RETURNING true
"""


async def delete_unused(connection: PooledConnection, workspace_id: int, space_id: int) -> bool:
    """Remove a space of which no device has an address. False if one has."""
    return bool(await connection.fetchval(_DELETE_UNUSED, workspace_id, space_id))


_LOCK = """
SELECT id, cidr, next_address
  FROM ip_address_space
 WHERE workspace_id = $1 AND id = $2
   FOR UPDATE
"""


async def lock(connection: PooledConnection, workspace_id: int, space_id: int) -> LockedSpace | None:
    """Lock a space; None if there is none."""
    record = await connection.fetchrow(_LOCK, workspace_id, space_id)
    return None if record is None else LockedSpace(record["id"], Space(record["cidr"]), _ip(record["next_address"]))


_LOWEST_FREED = """
DELETE FROM ip_address_freed f
 USING (SELECT address
          FROM ip_address_freed
         WHERE workspace_id = $1 AND space_id = $2
         ORDER BY address
         LIMIT 1) lowest
 WHERE f.workspace_id = $1 AND f.space_id = $2 AND f.address = lowest.address
RETURNING f.address
"""


async def take_lowest_freed(connection: PooledConnection, workspace_id: int, space_id: int) -> Address | None:
    """The lowest address that came back, taken out of the list; None if none did. The space is locked."""
    address = await connection.fetchval(_LOWEST_FREED, workspace_id, space_id)
    return None if address is None else _ip(address)


_TAKE_FREED = """
DELETE FROM ip_address_freed WHERE workspace_id = $1 AND space_id = $2 AND address = $3 RETURNING true
"""


async def take_freed(connection: PooledConnection, workspace_id: int, space_id: int, address: Address) -> bool:
    """Take one address out of the list of those that came back. False if it is not there."""
    return bool(await connection.fetchval(_TAKE_FREED, workspace_id, space_id, address))


_FREE = """
INSERT INTO ip_address_freed (workspace_id, space_id, address) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
"""


async def free(connection: PooledConnection, workspace_id: int, space_id: int, address: Address) -> None:
    """Put an address below `next_address` on the list. The space is locked."""
    await connection.execute(_FREE, workspace_id, space_id, address)


_NEXT_UNTAKEN = """
WITH RECURSIVE step (address) AS (
    SELECT $2::inet
    UNION ALL
    SELECT s.address + 1
      FROM step s
      JOIN device d ON d.workspace_id = $1 AND d.ip_address = s.address AND d.ip_address_space_id IS NOT NULL
)
SELECT address FROM step ORDER BY address DESC LIMIT 1
"""


async def next_untaken(connection: PooledConnection, workspace_id: int, start: Address) -> Address:
    """The first address from `start` on that no device has, past the run of those that were given out by name."""
    return _ip(await connection.fetchval(_NEXT_UNTAKEN, workspace_id, start))


_SET_NEXT = """
UPDATE ip_address_space SET next_address = $3, used = used + $4 WHERE workspace_id = $1 AND id = $2
"""


async def move(
    connection: PooledConnection, workspace_id: int, space_id: int, next_address: Address, used_more: int
) -> None:
    """Write where a locked space goes on, and by how many addresses more, or fewer, are used."""
    await connection.execute(_SET_NEXT, workspace_id, space_id, next_address, used_more)


_GIVE = "UPDATE device SET ip_address = $3, ip_address_space_id = $4 WHERE workspace_id = $1 AND id = $2"


async def give(
    connection: PooledConnection, workspace_id: int, device_id: int, address: Address | None, space_id: int | None
) -> None:
    """Write a locked device's address, or that it has none."""
    await connection.execute(_GIVE, workspace_id, device_id, address, space_id)


_ADDRESS_OF = "SELECT ip_address_space_id, ip_address FROM device WHERE workspace_id = $1 AND id = $2"


async def address_of(connection: PooledConnection, workspace_id: int, device_id: int) -> tuple[int, Address] | None:
    """The space and address of a device; None if it has none of a space."""
    record = await connection.fetchrow(_ADDRESS_OF, workspace_id, device_id)
    if record is None or record["ip_address_space_id"] is None:
        return None
    return record["ip_address_space_id"], _ip(record["ip_address"])


_TAKEN_BY = """
SELECT id FROM device WHERE workspace_id = $1 AND ip_address = $2 AND ip_address_space_id IS NOT NULL
"""


async def check_untaken(connection: PooledConnection, workspace_id: int, address: Address) -> None:
    """Raises ConflictError (path `ip_address`) if a device has the address."""
    if await connection.fetchval(_TAKEN_BY, workspace_id, address) is not None:
        raise ConflictError("A device has this address.", path=("ip_address",))


_EXPORT = """
SELECT id, name, ip_address
  FROM device
 WHERE workspace_id = $1 AND ip_address_space_id = $2
 ORDER BY ip_address
 LIMIT $3
"""


async def addresses(connection: PooledConnection, workspace_id: int, space_id: int, limit: int) -> list[DeviceAddress]:
    """The devices with an address of a space, by address."""
    records = await connection.fetch(_EXPORT, workspace_id, space_id, limit)
    return [DeviceAddress(record["id"], record["name"], _ip(record["ip_address"])) for record in records]


_DEVICES_BY_ID = """
SELECT id, id::text AS key FROM device WHERE workspace_id = $1 AND id = ANY ($2::bigint[]) AND status <> 2
"""

_DEVICES_BY_SIM = """
SELECT d.id, k.key
  FROM unnest($2::text[]) AS k (key)
  JOIN directory n ON n.kind = $3 AND n.value = k.key AND n.workspace_id = $1
  JOIN sim s ON s.workspace_id = $1 AND s.id = n.sim_id
  JOIN device d ON d.workspace_id = $1 AND d.id = s.device_id AND d.status <> 2
"""


async def devices_by_id(connection: PooledConnection, workspace_id: int, ids: Sequence[int]) -> dict[str, int]:
    """Those of the ids that are devices of the workspace, by their text."""
    return {record["key"]: record["id"] for record in await connection.fetch(_DEVICES_BY_ID, workspace_id, ids)}


async def devices_by_sim(
    connection: PooledConnection, workspace_id: int, kind: str, values: Sequence[str]
) -> dict[str, int]:
    """The devices in which the SIMs with these ICCIDs or MSISDNs (`kind`) are, by that."""
    records = await connection.fetch(_DEVICES_BY_SIM, workspace_id, values, kind)
    return {record["key"]: record["id"] for record in records}


def _ip(value: Any) -> Address:
    """An inet of the database, of which asyncpg makes an interface where it has a prefix length."""
    address: Address = getattr(value, "ip", value)
    return address
