"""The IMSIs of SIMs: whose they are, which is used, how long it has been where, and the switches between them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from motet.storage.database import Executor, PooledConnection

_ADD = """
INSERT INTO imsi (workspace_id, id, sim_id, profile_id, imsi, partner_id, active, created_at)
VALUES ($1, $2, $3, $4, $5, $6, false, $7)
"""


async def add(
    connection: PooledConnection,
    workspace_id: int,
    imsi_id: int,
    sim_id: int,
    profile_id: int | None,
    imsi: str,
    partner_id: int | None,
    created_at: datetime,
) -> None:
    """Add an IMSI that the transaction has claimed. It is not in use."""
    await connection.execute(_ADD, workspace_id, imsi_id, sim_id, profile_id, imsi, partner_id, created_at)


_FIND = "SELECT id, sim_id, profile_id, imsi, partner_id, active FROM imsi WHERE workspace_id = $1 AND id = $2"


async def find(connection: Executor, workspace_id: int, imsi_id: int) -> asyncpg.Record | None:
    record: asyncpg.Record | None = await connection.fetchrow(_FIND, workspace_id, imsi_id)
    return record


_PROFILE_FOR = """
SELECT id FROM euicc_profile
 WHERE workspace_id = $1 AND euicc_id = $2 AND state <> 4 AND (id = $3 OR ($3::bigint IS NULL AND state = 3))
"""


async def profile_for(connection: Executor, workspace_id: int, sim_id: int, profile_id: int | None) -> int | None:
    """The SIM's profile of this id, or, if none is named, the enabled one; None where there is none."""
    found: int | None = await connection.fetchval(_PROFILE_FOR, workspace_id, sim_id, profile_id)
    return found


_COUNT = "SELECT count(*) FROM imsi WHERE workspace_id = $1 AND sim_id = $2 AND profile_id IS NOT DISTINCT FROM $3"


async def count(connection: Executor, workspace_id: int, sim_id: int, profile_id: int | None) -> int:
    """How many IMSIs the SIM, or the profile of an eUICC, has."""
    return int(await connection.fetchval(_COUNT, workspace_id, sim_id, profile_id))


_REMOVE = """
WITH gone AS (DELETE FROM imsi WHERE workspace_id = $1 AND id = $2 AND NOT active RETURNING imsi, sim_id)
DELETE FROM directory d USING gone
 WHERE d.workspace_id = $1 AND d.sim_id = gone.sim_id AND d.kind = 'imsi' AND d.value = gone.imsi
"""


async def remove(connection: PooledConnection, workspace_id: int, imsi_id: int) -> None:
    """Remove an IMSI that is not in use, and leave it to others."""
    await connection.execute(_REMOVE, workspace_id, imsi_id)


_SET_PARTNER = "UPDATE imsi SET partner_id = $3 WHERE workspace_id = $1 AND id = $2"


async def set_partner(connection: Executor, workspace_id: int, imsi_id: int, partner_id: int | None) -> None:
    await connection.execute(_SET_PARTNER, workspace_id, imsi_id, partner_id)


# Of an eUICC those of the enabled profile. The terms are those of one country.
_CANDIDATES = """
SELECT i.id, i.imsi, i.active, i.attach_failures, i.stay_country, i.stay_since, i.partner_id, p.plmn,
       t.country, t.networks, t.rats, t.permanent_roaming, t.max_stay_days, t.psm, t.edrx, f.position
  FROM imsi i
  LEFT JOIN euicc_profile e ON e.workspace_id = i.workspace_id AND e.id = i.profile_id
  LEFT JOIN roaming_partner p ON p.workspace_id = i.workspace_id AND p.id = i.partner_id
  LEFT JOIN roaming_term t ON t.workspace_id = i.workspace_id AND t.partner_id = i.partner_id AND t.country = $3
  LEFT JOIN imsi_preference f
         ON f.workspace_id = i.workspace_id AND f.partner_id = i.partner_id AND f.country = $3
 WHERE i.workspace_id = $1 AND i.sim_id = $2 AND (i.profile_id IS NULL OR e.state = 3)
 ORDER BY i.id
"""


async def candidates(connection: Executor, workspace_id: int, sim_id: int, country: str) -> list[asyncpg.Record]:
    """The IMSIs that the SIM can use now, with what is known of them in the country."""
    records: list[asyncpg.Record] = await connection.fetch(_CANDIDATES, workspace_id, sim_id, country)
    return records


_LEAVE = "UPDATE imsi SET active = false WHERE workspace_id = $1 AND sim_id = $2 AND active"
_TAKE = "UPDATE imsi SET active = true, attach_failures = 0 WHERE workspace_id = $1 AND id = $2"
_SET_SIM = "UPDATE sim SET imsi = $3 WHERE workspace_id = $1 AND id = $2"
_SET_PROFILE = """
UPDATE euicc_profile SET imsi = $3
 WHERE workspace_id = $1 AND id = (SELECT profile_id FROM imsi WHERE workspace_id = $1 AND id = $2)
"""


async def use(connection: PooledConnection, workspace_id: int, sim_id: int, imsi_id: int, imsi: str) -> None:
    """Make this the IMSI of the locked SIM, and the one that its profile begins with."""
    await connection.execute(_LEAVE, workspace_id, sim_id)
    await connection.execute(_TAKE, workspace_id, imsi_id)
    await connection.execute(_SET_SIM, workspace_id, sim_id, imsi)
    await connection.execute(_SET_PROFILE, workspace_id, imsi_id, imsi)


_ADD_SWITCH = """
INSERT INTO imsi_switch (workspace_id, id, sim_id, old_imsi, new_imsi, reason, country, words, actor, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""


async def add_switch(
    connection: PooledConnection,
    workspace_id: int,
    switch_id: int,
    sim_id: int,
    old_imsi: str,
    new_imsi: str,
    reason: int,
    country: str | None,
    words: str,
    actor: str | None,
    at: datetime,
) -> None:
    await connection.execute(
        _ADD_SWITCH, workspace_id, switch_id, sim_id, old_imsi, new_imsi, reason, country, words, actor, at
    )


# A stay goes on while the IMSI is used in the same country, with whatever was used between.
_ATTACHED = """
UPDATE imsi SET attach_failures = 0, stay_country = coalesce($4, stay_country),
       stay_since = CASE WHEN $4::text IS NULL OR stay_country = $4 THEN stay_since ELSE $5 END
 WHERE workspace_id = $1 AND sim_id = $2 AND imsi = $3
   AND (attach_failures <> 0 OR ($4::text IS NOT NULL AND stay_country IS DISTINCT FROM $4))
"""


async def attached(
    connection: Executor, workspace_id: int, sim_id: int, imsi: str, country: str | None, at: datetime
) -> None:
    """The IMSI has attached in a country; None: nobody knows in which."""
    await connection.execute(_ATTACHED, workspace_id, sim_id, imsi, country, at)


_FAILED = """
UPDATE imsi SET attach_failures = least(attach_failures + 1, 1000)
 WHERE workspace_id = $1 AND sim_id = $2 AND active
RETURNING attach_failures
"""


async def attach_failed(connection: Executor, workspace_id: int, sim_id: int) -> int:
    """The IMSI in use has failed to attach: how many times in a row."""
    return int(await connection.fetchval(_FAILED, workspace_id, sim_id) or 0)


# Of an eUICC one of the enabled profile: another profile's is an operation's to enable.
_ID_IN_USE = """
SELECT i.id FROM imsi i
  LEFT JOIN euicc_profile e ON e.workspace_id = i.workspace_id AND e.id = i.profile_id
 WHERE i.workspace_id = $1 AND i.sim_id = $2 AND i.imsi = $3 AND (i.profile_id IS NULL OR e.state = 3)
"""


async def id_in_use(connection: Executor, workspace_id: int, sim_id: int, imsi: str) -> int | None:
    """The row of one of the IMSIs that the SIM can use now."""
    imsi_id: int | None = await connection.fetchval(_ID_IN_USE, workspace_id, sim_id, imsi)
    return imsi_id


_FORGET_FAILURES = "UPDATE imsi SET attach_failures = 0 WHERE workspace_id = $1 AND sim_id = $2 AND attach_failures > 0"


async def forget_failures(connection: Executor, workspace_id: int, sim_id: int) -> None:
    """Let all IMSIs of the SIM be tried again."""
    await connection.execute(_FORGET_FAILURES, workspace_id, sim_id)


# Across workspaces: a network's outage concerns all of them. By SIM, so that the next page goes on behind the last.
_CONCERNED = """
SELECT DISTINCT i.workspace_id, i.sim_id
  FROM (SELECT workspace_id, id AS partner_id, NULL AS country FROM roaming_partner WHERE plmn = $1
        UNION ALL
        SELECT workspace_id, partner_id, country FROM roaming_term WHERE $1 = ANY (networks)) c
  JOIN imsi i ON i.workspace_id = c.workspace_id AND i.partner_id = c.partner_id
 WHERE i.active AND i.sim_id > $2 AND (c.country IS NULL OR c.country = i.stay_country)
 ORDER BY i.sim_id LIMIT $3
"""


async def concerned(connection: Executor, plmn: str, after_sim_id: int, limit: int) -> list[asyncpg.Record]:
    """(workspace_id, sim_id) of SIMs whose IMSI in use is of this operator, or may be in its network."""
    records: list[asyncpg.Record] = await connection.fetch(_CONCERNED, plmn, after_sim_id, limit)
    return records


# Across workspaces, for the sweep.
_OVERSTAYING = """
SELECT i.workspace_id, i.sim_id, i.imsi
  FROM imsi i
  JOIN roaming_term t ON t.workspace_id = i.workspace_id AND t.partner_id = i.partner_id AND t.country = i.stay_country
 WHERE i.active AND i.partner_id IS NOT NULL AND i.stay_since IS NOT NULL AND i.sim_id > $2
   AND NOT t.permanent_roaming AND i.stay_since + make_interval(days => coalesce(t.max_stay_days, 0)) <= $1
 ORDER BY i.sim_id LIMIT $3
"""


async def overstaying(connection: Executor, now: datetime, after_sim_id: int, limit: int) -> list[asyncpg.Record]:
    """SIMs whose IMSI in use has spent its days in the country."""
    records: list[asyncpg.Record] = await connection.fetch(_OVERSTAYING, now, after_sim_id, limit)
    return records


_COUNTRY_OF_SIM = "SELECT stay_country FROM imsi WHERE workspace_id = $1 AND sim_id = $2 AND active"


async def country_of_sim(connection: Executor, workspace_id: int, sim_id: int) -> str | None:
    """Where the IMSI in use attached last."""
    country: str | None = await connection.fetchval(_COUNTRY_OF_SIM, workspace_id, sim_id)
    return country


# A SIM that never attached: where its IMSI in use has terms, if that is in one country only.
_LIKELY = """
SELECT min(t.country) FROM imsi i
  JOIN roaming_term t ON t.workspace_id = i.workspace_id AND t.partner_id = i.partner_id
 WHERE i.workspace_id = $1 AND i.sim_id = $2 AND i.active
HAVING count(*) = 1
"""


async def likely_country(connection: Executor, workspace_id: int, sim_id: int) -> str | None:
    """Where a SIM must be that has attached nowhere yet."""
    country: str | None = await connection.fetchval(_LIKELY, workspace_id, sim_id)
    return country


_PREFER = """
INSERT INTO imsi_preference (workspace_id, id, country, position, partner_id)
SELECT $1, u.id, $2, u.position, u.partner_id
  FROM unnest($3::bigint[], $4::bigint[]) WITH ORDINALITY AS u (id, partner_id, position)
"""
_FORGET_PREFERENCE = "DELETE FROM imsi_preference WHERE workspace_id = $1 AND country = $2"


async def set_preference(
    connection: PooledConnection, workspace_id: int, country: str, ids: Sequence[int], partner_ids: Sequence[int]
) -> None:
    """The workspace's order of partners in a country, in place of the one before; none: no order."""
    await connection.execute(_FORGET_PREFERENCE, workspace_id, country)
    if ids:
        await connection.execute(_PREFER, workspace_id, country, ids, partner_ids)
