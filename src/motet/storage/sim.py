"""SIMs, and the directory rows that make their identities unique over the platform."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg

from motet.domain.errors import ConflictError
from motet.storage.database import Executor, PooledConnection

SIM_COLUMNS = (
    "workspace_id", "id", "iccid", "imsi", "msisdn", "status", "form_factor", "quality_grade", "device_id",
    "created_at", "activated_at", "package",
)  # fmt: skip

DIRECTORY_COLUMNS = ("kind", "value", "workspace_id", "sim_id")


async def copy_sims(connection: PooledConnection, rows: Iterable[tuple[Any, ...]]) -> None:
    """Rows in the order of SIM_COLUMNS. The caller adds their directory rows in the same transaction."""
    await connection.copy_records_to_table("sim", records=rows, columns=SIM_COLUMNS)


async def copy_directory(connection: PooledConnection, rows: Iterable[tuple[str, str, int, int]]) -> None:
    """Rows in the order of DIRECTORY_COLUMNS."""
    await connection.copy_records_to_table("directory", records=rows, columns=DIRECTORY_COLUMNS)


# Across workspaces: the simulated network stands outside of them, as a carrier does.
_IDENTITIES = """
SELECT s.msisdn, s.imsi, s.iccid, a.operator, a.rat, a.cell, a.imei, a.attached
  FROM sim s
  JOIN directory d ON d.kind = 'msisdn' AND d.value = s.msisdn AND d.sim_id = s.id
  LEFT JOIN attachment a ON a.workspace_id = s.workspace_id AND a.sim_id = s.id
 ORDER BY s.id LIMIT $1
"""


async def live_identities(connection: PooledConnection, limit: int) -> list[asyncpg.Record]:
    """(msisdn, imsi, iccid) of every live SIM of the platform, oldest first: what the network behind us knows. And
    where it is, as far as a network told: (operator, rat, cell, imei, attached)."""
    records: list[asyncpg.Record] = await connection.fetch(_IDENTITIES, limit)
    return records


class LockedSim(NamedTuple):
    """A SIM that stays as it is until the transaction ends."""

    status: int
    device_id: int | None
    iccid: str
    imsi: str
    msisdn: str


_LOCK = """
SELECT status, device_id, iccid, imsi, msisdn FROM sim WHERE workspace_id = $1 AND id = $2 FOR NO KEY UPDATE
"""


async def lock(connection: PooledConnection, workspace_id: int, sim_id: int) -> LockedSim | None:
    """Lock a SIM; None for an unknown one. Whoever locks a device, too, locks that first."""
    record = await connection.fetchrow(_LOCK, workspace_id, sim_id)
    return None if record is None else LockedSim(*record)


# Waits for whoever claims the same value now, and skips what is taken.
_CLAIM = """
INSERT INTO directory (kind, value, workspace_id, sim_id)
SELECT u.kind, u.value, $1, u.sim_id
  FROM unnest($2::text[], $3::text[], $4::bigint[]) AS u (kind, value, sim_id)
 ORDER BY u.kind, u.value
    ON CONFLICT DO NOTHING
RETURNING kind, value
"""


async def claim(
    connection: PooledConnection, workspace_id: int, identities: Sequence[tuple[str, str, int]]
) -> set[tuple[str, str]]:
    """Claim identities (kind, value, SIM id), none twice; the (kind, value) that were free on the whole platform."""
    records = await connection.fetch(_CLAIM, workspace_id, *zip(*identities, strict=True))
    return {(record["kind"], record["value"]) for record in records}


_EXISTS = "SELECT EXISTS (SELECT FROM sim WHERE workspace_id = $1 AND id = $2)"


async def exists(connection: Executor, workspace_id: int, sim_id: int) -> bool:
    """Whether the workspace has, or had, the SIM."""
    return bool(await connection.fetchval(_EXISTS, workspace_id, sim_id))


_INSERT = """
INSERT INTO sim (workspace_id, id, iccid, eid, imsi, msisdn, status, form_factor, quality_grade, package, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""


async def insert(
    connection: PooledConnection,
    workspace_id: int,
    sim_id: int,
    *,
    iccid: str,
    eid: str | None,
    imsi: str,
    msisdn: str,
    status: int,
    form_factor: str | None,
    quality_grade: str | None,
    package: str | None,
    created_at: datetime,
) -> None:
    """Add a SIM and claim its identities. Needs a transaction. Raises ConflictError for an identity that is taken."""
    named = [("iccid", iccid), ("imsi", imsi), ("msisdn", msisdn), *([("eid", eid)] if eid is not None else [])]
    free = await claim(connection, workspace_id, [(kind, value, sim_id) for kind, value in named])
    for kind, value in named:
        if (kind, value) not in free:
            raise ConflictError("This is taken.", path=(kind,))
    await connection.execute(
        _INSERT, workspace_id, sim_id, iccid, eid, imsi, msisdn, status, form_factor, quality_grade, package, created_at
    )


_SET_STATUS = """
UPDATE sim SET status = $3, activated_at = coalesce(activated_at, $4) WHERE workspace_id = $1 AND id = $2
"""


async def set_status(
    connection: PooledConnection, workspace_id: int, sim_id: int, status: int, activated_at: datetime | None
) -> None:
    """Write the status of a SIM that this transaction has locked; the first time of activation is kept."""
    await connection.execute(_SET_STATUS, workspace_id, sim_id, status, activated_at)


_BEGIN_TEST = """
UPDATE sim SET test_ends_at = $3, test_sms = 0, test_octets = 0 WHERE workspace_id = $1 AND id = $2
"""


async def begin_test(connection: PooledConnection, workspace_id: int, sim_id: int, ends_at: datetime | None) -> None:
    """Count what a locked SIM uses in its factory test from nothing on."""
    await connection.execute(_BEGIN_TEST, workspace_id, sim_id, ends_at)


_FREE = "DELETE FROM directory WHERE sim_id = $2 AND workspace_id = $1"


async def free_identities(connection: PooledConnection, workspace_id: int, sim_id: int) -> None:
    """Leave the identities of a SIM to others."""
    await connection.execute(_FREE, workspace_id, sim_id)


_FREE_MANY = "DELETE FROM directory WHERE sim_id = ANY ($2::bigint[]) AND workspace_id = $1"


async def free_identities_of(connection: PooledConnection, workspace_id: int, sim_ids: Sequence[int]) -> None:
    """Leave the identities of many SIMs to others."""
    await connection.execute(_FREE_MANY, workspace_id, sim_ids)


REGISTERED_COLUMNS = (
    "workspace_id", "id", "iccid", "eid", "imsi", "msisdn", "status", "form_factor", "quality_grade", "package",
    "created_at",
)  # fmt: skip


async def copy_registered(connection: PooledConnection, rows: Iterable[tuple[Any, ...]]) -> None:
    """Rows in the order of REGISTERED_COLUMNS, of SIMs whose identities the transaction has claimed."""
    await connection.copy_records_to_table("sim", records=rows, columns=REGISTERED_COLUMNS)


_SET_DEVICE = "UPDATE sim SET device_id = $3 WHERE workspace_id = $1 AND id = $2"


async def set_device(connection: PooledConnection, workspace_id: int, sim_id: int, device_id: int | None) -> None:
    """Say which device the locked SIM is in. The device's own row says it, too."""
    await connection.execute(_SET_DEVICE, workspace_id, sim_id, device_id)


HISTORY_COLUMNS = (
    "workspace_id", "id", "sim_id", "from_status", "to_status", "trigger", "actor_kind", "actor", "at",
)  # fmt: skip


async def copy_history(connection: PooledConnection, rows: Iterable[tuple[Any, ...]]) -> None:
    """Rows in the order of HISTORY_COLUMNS: steps of SIMs' lives."""
    await connection.copy_records_to_table("sim_history", records=rows, columns=HISTORY_COLUMNS)
