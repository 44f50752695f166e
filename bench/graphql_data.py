"""The rows that the GraphQL benchmark reads: one workspace, a fleet, and its messages of this week, put in by COPY."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from typing import Any

from motet.domain.ids import EPOCH_MS, IdGenerator, first_id_at
from motet.domain.numbering import luhn_digit
from motet.domain.states import DeviceStatus, Direction, MessageKind, MessageState, SimStatus
from motet.fleet.seeds.tenant import KINDS, SITES, identity, imei
from motet.fleet.workspaces import create_workspace
from motet.storage import device, message, sim
from motet.storage.database import Database
from motet.storage.partitions import WEEK_MS, ensure_partitions
from motet.storage.workspace import find_workspace

WORKSPACE = "bench"
BATCH = 20_000
FIRST_NUMBER = 10_000_000

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Fleet:
    """What there is, for requests to name."""

    workspace_id: int
    device_ids: list[int]
    sim_ids: list[int]
    message_ids: list[int]
    """Some of them."""


async def fill(database: Database, devices: int, messages: int, progress: Progress) -> Fleet:
    """Makes the rows unless they are there."""
    async with database.pool.acquire() as connection:
        await ensure_partitions(connection, int(time.time() * 1000))
        workspace_id = await find_workspace(connection, WORKSPACE)
        if workspace_id is None:
            await _make(database, devices, messages, progress)
            workspace_id = await find_workspace(connection, WORKSPACE)
        if workspace_id is None:
            raise RuntimeError("the workspace was just made")
        ids = {}
        for table, limit in (("device", devices), ("sim", devices), ("message", 1_000)):
            rows = await connection.fetch(
                f"SELECT id FROM {table} WHERE workspace_id = $1 ORDER BY id LIMIT {limit}",  # noqa: S608
                workspace_id,
            )
            ids[table] = [row[0] for row in rows]
    return Fleet(workspace_id, ids["device"], ids["sim"], ids["message"])


async def _make(database: Database, devices: int, messages: int, progress: Progress) -> None:
    now = datetime.now(UTC)
    # All in this week's partitions: the week's start, or an hour ago early in the week.
    now_ms = int(now.timestamp() * 1000)
    week_ms = EPOCH_MS + (now_ms - EPOCH_MS) // WEEK_MS * WEEK_MS
    span_ms = max(now_ms - week_ms - 1000, 1000)
    ids = IdGenerator(1, after=first_id_at(week_ms))
    async with database.pool.acquire() as connection, connection.transaction():
        workspace_id = await create_workspace(connection, lambda: ids.next(week_ms), WORKSPACE)
        sim_ids = [ids.next(week_ms) for _ in range(devices)]
        device_ids = [ids.next(week_ms) for _ in range(devices)]
        for start in range(0, devices, BATCH):
            numbers = range(start, min(devices, start + BATCH))
            await connection.copy_records_to_table(
                "sim",
                columns=(*sim.SIM_COLUMNS, "eid"),
                records=[_sim(workspace_id, n, sim_ids, device_ids, now) for n in numbers],
            )
            rows = [(kind, value, workspace_id, sim_ids[n]) for n in numbers for kind, value in _identities(n)]
            await sim.copy_directory(connection, rows)
            await device.copy_devices(connection, [_device(workspace_id, n, sim_ids, device_ids, now) for n in numbers])
            progress("SIMs and devices", numbers.stop / devices)
        chance = random.Random(7)  # noqa: S311 - sample data
        generator = _messages(workspace_id, messages, week_ms, span_ms, sim_ids, device_ids, ids, chance)
        for start in range(0, messages, BATCH):
            batch = [row for _, row in zip(range(BATCH), generator, strict=False)]
            await message.copy_full(connection, batch)
            progress("messages", min(1.0, (start + BATCH) / messages))
    progress("VACUUM ANALYZE", 0.0)
    connection = await database.connect_lane("vacuum")
    await connection.execute("SET statement_timeout = 0; ")
    await connection.execute("VACUUM (ANALYZE)")
    await connection.close()
    progress("VACUUM ANALYZE", 1.0)


def _identities(n: int) -> list[tuple[str, str]]:
    one = identity(FIRST_NUMBER + n)
    return [("iccid", one.iccid), ("imsi", one.imsi), ("msisdn", one.msisdn)]


def _sim(workspace_id: int, n: int, sim_ids: list[int], device_ids: list[int], now: datetime) -> tuple[Any, ...]:
    one, kind = identity(FIRST_NUMBER + n), KINDS[n % len(KINDS)]
    return (
        workspace_id, sim_ids[n], one.iccid, one.imsi, one.msisdn, int(SimStatus.ACTIVATED), kind.form_factor,
        kind.quality_grade, device_ids[n], now, now, kind.package, eid(n),
    )  # fmt: skip


def _device(workspace_id: int, n: int, sim_ids: list[int], device_ids: list[int], now: datetime) -> tuple[Any, ...]:
    kind = KINDS[n % len(KINDS)]
    values = {
        "workspace_id": workspace_id,
        "id": device_ids[n],
        "name": f"{kind.name} {n:06}",
        "status": int(DeviceStatus.ENABLED),
        "tags": [*kind.tags, SITES[n % len(SITES)], f"site-{n // 100}"],
        "imei": imei(FIRST_NUMBER + n),
        "imei_lock": False,
        "ip_address": address(n),
        "sim_id": sim_ids[n],
        "created_at": now,
        "service_policy_id": workspace_id,
        "attributes": {"site": f"site-{n // 100}"},
    }
    return tuple(values[name] for name in device.DEVICE_COLUMNS)


def _messages(
    workspace_id: int,
    count: int,
    week_ms: int,
    span_ms: int,
    sim_ids: list[int],
    device_ids: list[int],
    ids: IdGenerator,
    chance: random.Random,
) -> Iterator[tuple[Any, ...]]:
    for number in range(count):
        at_ms = week_ms + 1000 + number * span_ms // count
        at = datetime.fromtimestamp(at_ms / 1000, UTC)
        row_id, n = ids.next(at_ms), chance.randrange(len(device_ids))
        values: dict[str, Any] = {
            "workspace_id": workspace_id, "id": row_id, "device_id": device_ids[n], "sim_id": sim_ids[n],
            "submission_id": row_id, "account_id": None, "owner": 1, "submitted_at": at,
            "expires_at": at + timedelta(days=1), "direction": int(Direction.MT), "kind": int(MessageKind.A2P),
            "data_coding": 0, "esm_class": 0, "registered_delivery": 1, "part_count": 1, "source_ton": 0,
            "source_npi": 0, "source": "10100", "destination": identity(FIRST_NUMBER + n).msisdn,
            "payload": b"reading 4711: 20.5 C", "dest_ton": 1, "dest_npi": 1, "protocol_id": 0, "priority": 0,
            "service_type": "", "state": int(MessageState.DELIVERED), "error": "000",
            "final_at": at + timedelta(seconds=4),
        }  # fmt: skip
        yield tuple(values.get(name) for name in message.FULL_COLUMNS)


def eid(n: int) -> str:
    """The EID of SIM `n`."""
    return f"890490320000{n:020}"


def address(n: int) -> IPv4Address:
    """The address of device `n`."""
    return IPv4Address("10.0.0.1") + n


def imei_without_digit(n: int) -> str:
    """The first 14 digits of device `n`'s IMEI."""
    return imei(FIRST_NUMBER + n)[:14]


def iccid_without_digit(n: int) -> str:
    """The ICCID of SIM `n` without its check digit."""
    one = identity(FIRST_NUMBER + n).iccid
    return one[:-1] if luhn_digit(one[:-1]) == one[-1] else one
