"""Factory tests: which SIMs are in one, and what they have used in it, recounted from messages and data sessions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from motet.storage.database import Executor, PooledConnection

# Over all workspaces, as the two below: the node's own clockwork.
_SIMS = "SELECT id FROM sim WHERE status = 1 LIMIT $1"


async def sims_in_test(connection: Executor, limit: int) -> set[int]:
    """The SIMs that are in factory test now."""
    return {row[0] for row in await connection.fetch(_SIMS, limit)}


class UsageInTest(NamedTuple):
    """What a SIM has used in its factory test: as it was noted, and as it is. SMS are counted up to the bound asked
    for."""

    workspace_id: int
    sim_id: int
    noted_sms: int
    noted_octets: int
    sms: int
    octets: int


# A SIM has no traffic before its test, so its sessions need no bound; messages are read by the devices it was in since,
# from a minute before its test began, which is as far as nodes' clocks may differ.
_USAGE = """
WITH tested AS (
    SELECT s.workspace_id, s.id, s.device_id, s.test_sms, s.test_octets,
           (SELECT max(h.id) FROM sim_history h
             WHERE h.workspace_id = s.workspace_id AND h.sim_id = s.id AND h.to_status = 1)
           - (60000::bigint << 22) AS began
      FROM sim s
     WHERE s.status = 1 AND ($1::bigint[] IS NULL OR s.id = ANY ($1))
)
SELECT t.workspace_id, t.id, t.test_sms, t.test_octets,
       (SELECT count(*) FROM (
            SELECT FROM (
                SELECT t.device_id AS id
                 UNION
                SELECT e.device_id FROM event e
                 WHERE e.workspace_id = t.workspace_id AND e.sim_id = t.id AND e.id >= t.began
                   AND e.type IN ('sim.assigned', 'sim.released')
            ) v CROSS JOIN LATERAL (
                SELECT FROM message m
                 WHERE m.workspace_id = t.workspace_id AND m.device_id = v.id AND m.id >= t.began AND m.sim_id = t.id
                   AND m.state IN (1, 7)
                 LIMIT $2
            ) m LIMIT $2
        ) n)::integer AS sms,
       (SELECT coalesce(sum(d.octets_up + d.octets_down), 0) FROM data_session d
         WHERE d.workspace_id = t.workspace_id AND d.sim_id = t.id)::bigint AS octets
  FROM tested t
"""


async def usage(connection: Executor, sim_ids: Sequence[int] | None, sms_bound: int) -> list[UsageInTest]:
    """What SIMs in factory test have used: these, or None for all of them."""
    return [UsageInTest(*record) for record in await connection.fetch(_USAGE, sim_ids, sms_bound)]


_NOTE = """
UPDATE sim s SET test_sms = u.sms, test_octets = least(u.octets, 2147483647)
  FROM unnest($1::bigint[], $2::bigint[], $3::integer[], $4::bigint[]) AS u (workspace_id, id, sms, octets)
 WHERE s.workspace_id = u.workspace_id AND s.id = u.id AND s.status = 1
"""


async def note(connection: PooledConnection, used: Sequence[UsageInTest]) -> None:
    """Write what SIMs in factory test have used."""
    rows = [(one.workspace_id, one.sim_id, one.sms, one.octets) for one in used]
    await connection.execute(_NOTE, *map(list, zip(*rows, strict=True)))
