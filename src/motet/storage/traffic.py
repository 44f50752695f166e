"""What decides over the traffic of SIMs and devices, read in one place for the hot path and for whoever asks why."""

# ruff: noqa: S608 - text of this module's constants; a caller's values are parameters

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from motet.domain.coverage_policy import CoveragePolicy, Network
from motet.domain.service_policy import ServicePolicy
from motet.domain.traffic_rules import Facts
from motet.storage.database import Executor, Row


class Line(NamedTuple):
    """A SIM, the device that it is in, and the facts that the rules look at."""

    workspace_id: int
    sim_id: int | None
    device_id: int | None
    msisdn: str | None
    facts: Facts


# What `_facts` makes Facts of. `s` is the SIM, `v` the device, `a` where the SIM is.
_FACTS = """
       s.status AS sim_status, v.status AS device_status, v.service_policy_id, v.coverage_policy_id,
       ARRAY (SELECT b.operator FROM device_blocked_operator b
               WHERE b.workspace_id = v.workspace_id AND b.device_id = v.id ORDER BY b.operator) AS blocked_operators,
       CASE WHEN a.attached THEN a.operator END AS operator, CASE WHEN a.attached THEN a.country END AS country,
       CASE WHEN a.attached THEN a.rat END AS rat,
       motet_imei_matches(v.imei_lock, v.imei, v.imei_allowed, a.imei) AS imei_matches
"""
_FACT_COLUMNS = """sim_status, device_status, service_policy_id, coverage_policy_id, blocked_operators, operator,
       country, rat, imei_matches"""

# An eUICC holds the numbers of all its profiles, and answers to the enabled one's.
_OF_MSISDNS = f"""
SELECT d.workspace_id, d.sim_id, v.id AS device_id, d.value AS msisdn, {_FACTS}
  FROM directory d
  JOIN sim s ON s.workspace_id = d.workspace_id AND s.id = d.sim_id AND s.msisdn = d.value
  LEFT JOIN device v ON v.workspace_id = s.workspace_id AND v.id = s.device_id
  LEFT JOIN attachment a ON a.workspace_id = s.workspace_id AND a.sim_id = s.id
 WHERE d.kind = 'msisdn' AND d.value = ANY ($1)
"""
_OF_MSISDN = _OF_MSISDNS + " AND d.workspace_id = $2"
_OF_ICCID = f"""
SELECT s.workspace_id, s.id AS sim_id, v.id AS device_id, s.msisdn, {_FACTS}
  FROM sim s
  LEFT JOIN device v ON v.workspace_id = s.workspace_id AND v.id = s.device_id
  LEFT JOIN attachment a ON a.workspace_id = s.workspace_id AND a.sim_id = s.id
 WHERE s.workspace_id = $1 AND s.iccid = $2 AND s.status <> 4
"""
_OF_DEVICES = f"""
SELECT v.workspace_id, s.id AS sim_id, v.id AS device_id, s.msisdn, {_FACTS}
  FROM device v
  LEFT JOIN sim s ON s.workspace_id = v.workspace_id AND s.id = v.sim_id
  LEFT JOIN attachment a ON a.workspace_id = s.workspace_id AND a.sim_id = s.id
 WHERE v.workspace_id = $1 AND v.id = ANY ($2) AND v.status <> 2
"""
_OF_SIM_IDS = f"""
SELECT s.workspace_id, s.id AS sim_id, v.id AS device_id, s.msisdn, {_FACTS}
  FROM unnest($1::bigint[], $2::bigint[]) AS k (workspace_id, id)
  JOIN sim s ON s.workspace_id = k.workspace_id AND s.id = k.id
  LEFT JOIN device v ON v.workspace_id = s.workspace_id AND v.id = s.device_id
  LEFT JOIN attachment a ON a.workspace_id = s.workspace_id AND a.sim_id = s.id
"""
_NAMED = """
SELECT value, workspace_id, sim_id FROM directory WHERE kind IN ('iccid', 'imsi', 'msisdn') AND value = ANY ($1)
"""


async def of_msisdns(connection: Executor, msisdns: Sequence[str]) -> list[Line]:
    """The line of each known MSISDN, whatever its workspace: for the hub, which has yet to find out whose it is."""
    return await _lines(connection, await connection.fetch(_OF_MSISDNS, msisdns))


async def of_msisdn(connection: Executor, workspace_id: int, msisdn: str) -> Line | None:
    """The line of the workspace's SIM with this MSISDN."""
    return _only(await _lines(connection, await connection.fetch(_OF_MSISDN, [msisdn], workspace_id)))


async def of_iccid(connection: Executor, workspace_id: int, iccid: str) -> Line | None:
    """The line of the workspace's SIM with this ICCID."""
    return _only(await _lines(connection, await connection.fetch(_OF_ICCID, workspace_id, iccid)))


async def of_device(connection: Executor, workspace_id: int, device_id: int) -> Line | None:
    """The line of a device, without a SIM if it has none; None for an unknown device."""
    return _only(await of_devices(connection, workspace_id, [device_id]))


async def of_devices(connection: Executor, workspace_id: int, device_ids: Sequence[int]) -> list[Line]:
    """The lines of those devices that the workspace has, in no order."""
    return await _lines(connection, await connection.fetch(_OF_DEVICES, workspace_id, device_ids))


async def of_sim_ids(connection: Executor, keys: Iterable[tuple[int, int]]) -> dict[int, Line]:
    """The lines of SIMs by their ids, given as (workspace_id, id)."""
    wanted = sorted(set(keys))
    if not wanted:
        return {}
    rows = await connection.fetch(_OF_SIM_IDS, *map(list, zip(*wanted, strict=True)))
    return {line.sim_id: line for line in await _lines(connection, rows) if line.sim_id is not None}


async def of_identities(connection: Executor, identities: Sequence[str]) -> dict[str, Line]:
    """The line of each ICCID, IMSI or MSISDN that is known, whatever its workspace: for networks, which know no other
    name."""
    named = await connection.fetch(_NAMED, identities)
    lines = await of_sim_ids(connection, [(row["workspace_id"], row["sim_id"]) for row in named])
    return {row["value"]: lines[row["sim_id"]] for row in named if row["sim_id"] in lines}


_SERVICE_POLICIES = """
SELECT p.id, p.name, p.description, p.data_enabled, p.sms_mt_enabled, p.sms_mo_enabled, p.p2p_inside, p.p2p_outside,
       p.p2p_limit_per_day, p.allowed_rats, p.breakout_region, p.dns_config_id, p.apn, p.internet_breakout,
       p.inter_device, p.imei_lock_mode, p.imei_lock_applies_to_sms, p.apply_sms_quota, p.apply_data_quota,
       p.sms_mt_limit_per_month, p.sms_mo_limit_per_month, p.data_limit_per_month_octets, p.limit_warning_percent,
       p.sms_on_nb_iot_refused
  FROM service_policy p
  JOIN unnest($1::bigint[], $2::bigint[]) AS k (workspace_id, id) ON p.workspace_id = k.workspace_id AND p.id = k.id
"""
_COVERAGE_POLICIES = """
SELECT p.id, p.name, p.description, p.countries_allowed, p.countries_denied, p.operators_allowed, p.operators_denied,
       p.rats_allowed, p.rats_denied, p.steering
  FROM coverage_policy p
  JOIN unnest($1::bigint[], $2::bigint[]) AS k (workspace_id, id) ON p.workspace_id = k.workspace_id AND p.id = k.id
"""


class Alike(NamedTuple):
    """Devices that the rules cannot tell from each other."""

    facts: Facts
    devices: int
    device_ids: tuple[int, ...]
    """The first of them, as many as were asked for."""


_KINDS = f"""{_FACT_COLUMNS}, workspace_id, count(*) AS devices,
       (array_agg(device_id ORDER BY device_id) FILTER (WHERE device_id > $3))[1:$4] AS device_ids
"""
_LIVE = f"""v.workspace_id, v.id AS device_id, {_FACTS}
          FROM device v
          LEFT JOIN sim s ON s.workspace_id = v.workspace_id AND s.id = v.sim_id
          LEFT JOIN attachment a ON a.workspace_id = s.workspace_id AND a.sim_id = s.id
         WHERE v.workspace_id = $1 AND v.status <> 2"""
_WITH_SERVICE_POLICY = f"""
SELECT {_KINDS}
  FROM (SELECT {_LIVE} AND v.service_policy_id = $2) f
 GROUP BY workspace_id, {_FACT_COLUMNS}
"""
_WITH_COVERAGE_POLICY = f"""
SELECT {_KINDS}
  FROM (SELECT {_LIVE} AND v.coverage_policy_id = $2) f
 GROUP BY workspace_id, {_FACT_COLUMNS}
"""


async def with_service_policy(
    connection: Executor, workspace_id: int, policy_id: int, after: int, first: int
) -> list[Alike]:
    """All devices that have the service policy, by what the rules see of them; of each kind the first ids above
    `after`."""
    rows = await connection.fetch(_WITH_SERVICE_POLICY, workspace_id, policy_id, after, first)
    return await _alike(connection, rows)


async def with_coverage_policy(
    connection: Executor, workspace_id: int, policy_id: int, after: int, first: int
) -> list[Alike]:
    """The same of a coverage policy."""
    rows = await connection.fetch(_WITH_COVERAGE_POLICY, workspace_id, policy_id, after, first)
    return await _alike(connection, rows)


async def _alike(connection: Executor, rows: Sequence[Row]) -> list[Alike]:
    facts = await _facts(connection, rows)
    return [Alike(one, row["devices"], tuple(row["device_ids"] or ())) for row, one in zip(rows, facts, strict=True)]


async def _lines(connection: Executor, rows: Sequence[Row]) -> list[Line]:
    facts = await _facts(connection, rows)
    return [
        Line(row["workspace_id"], row["sim_id"], row["device_id"], row["msisdn"], one)
        for row, one in zip(rows, facts, strict=True)
    ]


async def _facts(connection: Executor, rows: Sequence[Row]) -> list[Facts]:
    """The facts of rows that have the columns of `_FACTS`; their policies are read together."""
    services, coverages = _keys(rows, "service_policy_id"), _keys(rows, "coverage_policy_id")
    service: dict[int, ServicePolicy] = {}
    coverage: dict[int, CoveragePolicy] = {}
    if services:
        found = await connection.fetch(_SERVICE_POLICIES, *map(list, zip(*services, strict=True)))
        service = {row["id"]: ServicePolicy.of(dict(row)) for row in found}
    if coverages:
        found = await connection.fetch(_COVERAGE_POLICIES, *map(list, zip(*coverages, strict=True)))
        coverage = {row["id"]: CoveragePolicy.of(dict(row)) for row in found}
    return [
        Facts(
            row["sim_status"],
            row["device_status"],
            service.get(row["service_policy_id"]),
            coverage.get(row["coverage_policy_id"]),
            tuple(row["blocked_operators"]),
            Network(row["country"], row["operator"], row["rat"]) if row["operator"] is not None else None,
            row["imei_matches"],
        )
        for row in rows
    ]


def _keys(rows: Sequence[Row], column: str) -> list[tuple[int, int]]:
    return list({(row["workspace_id"], row[column]): None for row in rows if row[column] is not None})


def _only(lines: Sequence[Line]) -> Line | None:
    return lines[0] if lines else None
