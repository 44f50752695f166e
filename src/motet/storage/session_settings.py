"""What a data session of a SIM is to have: by its device and service policy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from motet.storage.database import PooledConnection


class SettingsRow(NamedTuple):
    """The columns that decide; `country` is where the SIM was last."""

    sim: str
    ip_address: Any
    first_server: Any
    second_server: Any
    region: str
    apn: str | None
    country: str | None


_OF_SIMS = """
SELECT k.sim, CASE WHEN d.ip_address_space_id IS NOT NULL THEN d.ip_address END AS ip_address,
       c.first, c.second, p.breakout_region, p.apn, a.country
  FROM unnest($1::text[]) AS k (sim)
  JOIN directory n ON n.value = k.sim AND n.kind IN ('iccid', 'imsi', 'msisdn')
  JOIN sim s ON s.workspace_id = n.workspace_id AND s.id = n.sim_id
  JOIN device d ON d.workspace_id = s.workspace_id AND d.id = s.device_id
  JOIN service_policy p ON p.workspace_id = d.workspace_id AND p.id = d.service_policy_id
  LEFT JOIN dns_config c ON c.workspace_id = p.workspace_id AND c.id = p.dns_config_id
  LEFT JOIN attachment a ON a.workspace_id = s.workspace_id AND a.sim_id = s.id
"""


async def of_sims(connection: PooledConnection, sims: Sequence[str]) -> list[SettingsRow]:
    """The settings of those of the SIMs, by ICCID, IMSI or MSISDN, that are in devices."""
    return [SettingsRow(*record) for record in await connection.fetch(_OF_SIMS, sims)]
