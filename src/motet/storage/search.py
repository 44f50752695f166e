"""Objects of a workspace by any identifier: one statement that looks into every index there is for one."""

from __future__ import annotations

from typing import NamedTuple

from motet.domain.search import SearchTerms
from motet.domain.states import DeviceStatus, SimStatus
from motet.storage.database import Executor


class Found(NamedTuple):
    """One thing that was found, by what, and how well it fits: 0 whole, 1 the beginning, 2 a part."""

    type: str
    id: int
    field: str
    value: str
    rank: int


_LIVE_SIM = f"status <> {SimStatus.DELETED:d}"
_LIVE_DEVICE = f"status <> {DeviceStatus.DELETED:d}"

# Comparisons by ~>=~ and ~<~ go by octets, as the indexes with text_pattern_ops do, and need no constant as LIKE would.
_SEARCH = f"""
(SELECT 'Sim' AS type, id, 'ICCID' AS field, iccid AS value, 0 AS rank
   FROM sim WHERE workspace_id = $1 AND iccid = ANY ($3::text[]) AND {_LIVE_SIM} LIMIT $2)
UNION ALL
(SELECT 'Sim', id, 'ICCID', iccid, 1 FROM sim
  WHERE workspace_id = $1 AND iccid ~>=~ $4 AND iccid ~<~ $5 AND iccid <> ALL ($3::text[]) AND {_LIVE_SIM}
  ORDER BY iccid USING ~<~ LIMIT $2)
UNION ALL
(SELECT 'Sim', id, 'EID', eid, CASE WHEN eid = $4 THEN 0 ELSE 1 END FROM sim
  WHERE workspace_id = $1 AND eid ~>=~ $4 AND eid ~<~ $5 AND {_LIVE_SIM} ORDER BY eid USING ~<~ LIMIT $2)
UNION ALL
(SELECT 'Sim', id, 'IMSI', imsi, CASE WHEN imsi = $4 THEN 0 ELSE 1 END FROM sim
  WHERE workspace_id = $1 AND imsi ~>=~ $4 AND imsi ~<~ $5 AND {_LIVE_SIM} ORDER BY imsi USING ~<~ LIMIT $2)
UNION ALL
(SELECT 'Sim', s.id, 'IMSI', i.imsi, 0 FROM imsi i JOIN sim s ON s.workspace_id = $1 AND s.id = i.sim_id
  WHERE i.workspace_id = $1 AND i.imsi = $4 AND s.{_LIVE_SIM} LIMIT $2)
UNION ALL
(SELECT 'SimBatch', id, 'BIC', bic, 0 FROM sim_batch WHERE workspace_id = $1 AND bic = $4 LIMIT 1)
UNION ALL
(SELECT 'Sim', id, 'MSISDN', msisdn, CASE WHEN msisdn = $4 THEN 0 ELSE 1 END FROM sim
  WHERE workspace_id = $1 AND msisdn ~>=~ $4 AND msisdn ~<~ $5 AND {_LIVE_SIM} ORDER BY msisdn USING ~<~ LIMIT $2)
UNION ALL
(SELECT 'Device', id, 'IMEI', imei, 0 FROM device
  WHERE workspace_id = $1 AND imei = $6 AND {_LIVE_DEVICE} ORDER BY id LIMIT $2)
UNION ALL
(SELECT 'Device', id, 'IMEI', imei, 1 FROM device
  WHERE workspace_id = $1 AND imei ~>=~ $4 AND imei ~<~ $5 AND imei IS DISTINCT FROM $6 AND {_LIVE_DEVICE}
  ORDER BY imei USING ~<~ LIMIT $2)
UNION ALL
(SELECT 'Device', id, 'IP_ADDRESS', host(ip_address), 0 FROM device
  WHERE workspace_id = $1 AND ip_address = $7::inet AND {_LIVE_DEVICE} ORDER BY id LIMIT $2)
UNION ALL
(SELECT 'Device', id, 'NAME', name, CASE WHEN lower(name) = $8 THEN 0 ELSE 1 END FROM device
  WHERE workspace_id = $1 AND lower(name) ~>=~ $8 AND lower(name) ~<~ $9 AND {_LIVE_DEVICE}
  ORDER BY lower(name) USING ~<~ LIMIT $2)
UNION ALL
(SELECT 'Device', id, 'NAME', name, 2 FROM device
  WHERE workspace_id = $1 AND motet_trigrams(workspace_id, name) @> motet_trigrams($1, $10)
    AND strpos(lower(name), $10) > 1 AND {_LIVE_DEVICE} LIMIT $2)
UNION ALL
(SELECT 'Device', id, 'TAG', $11, 0 FROM device
  WHERE workspace_id = $1 AND tags @> ARRAY[$11::text] AND {_LIVE_DEVICE} LIMIT $2)
UNION ALL
(SELECT 'SmsMessage', id, 'MESSAGE_ID', id::text, 0 FROM message WHERE workspace_id = $1 AND id = $12 LIMIT 1)
UNION ALL
(SELECT 'SmsMessage', message_id, 'SMSC_MESSAGE_ID', smsc_message_id, 0 FROM submit
  WHERE smsc_message_id = $13 AND workspace_id = $1 ORDER BY message_id DESC LIMIT $2)
"""  # noqa: S608 - constants of this module


async def search(connection: Executor, workspace_id: int, terms: SearchTerms, limit: int) -> list[Found]:
    """What the terms find, at most `limit` by each of their readings, in no order. Deleted SIMs and devices are left
    out."""
    records = await connection.fetch(
        _SEARCH,
        workspace_id,
        limit,
        list(terms.iccids),
        terms.digits,
        terms.digits_end,
        terms.imei,
        None if terms.address is None else str(terms.address),
        terms.name,
        terms.name_end,
        terms.part,
        terms.tag,
        terms.message_id,
        terms.smsc_message_id,
    )
    return [Found(*record) for record in records]
