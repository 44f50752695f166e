"""The demo's addresses and power profiles: a space of which some devices have addresses, meters that sleep."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from motet.domain.dns_config import DEFAULT_SERVERS, parse_name_servers
from motet.domain.ip_spaces import parse_space
from motet.fleet.ip.dns_config import MAX_DNS_CONFIGS
from motet.fleet.ip.ip_address_space import take
from motet.radio.rats import Rat
from motet.storage import dns_config, ip_address_space, power_profile
from motet.storage.database import PooledConnection
from motet.storage.power_profile import StoredProfile

SPACE = "10.20.0.0/16"
WITH_ADDRESS = 20
"""Devices that get an address: enough to see what that is like."""
SLEEPING = 10
"""Devices that get the profile of a meter, which wakes twice a day for 20 s."""
METER = StoredProfile(Rat.LTE_M.name, tau_s=12 * 3_600, active_s=20, cycle_ms=5_120, learned=False)


async def seed_radio(
    connection: PooledConnection,
    workspace_id: int,
    device_ids: Mapping[int, int],
    meters: Callable[[int], bool],
    *,
    new_id: Callable[[], int],
    now: datetime,
) -> None:
    """Give some of a workspace's first devices, by their ordinals, addresses; and those that are `meters` a profile."""
    space_id = new_id()
    await ip_address_space.insert(connection, workspace_id, space_id, parse_space(SPACE), "Sample devices", now)
    await dns_config.insert(
        connection, workspace_id, new_id(), "Google", parse_name_servers(*DEFAULT_SERVERS), now, limit=MAX_DNS_CONFIGS
    )
    for ordinal in sorted(device_ids)[:WITH_ADDRESS]:
        locked = await ip_address_space.lock(connection, workspace_id, space_id)
        if locked is not None:
            address = await take(connection, workspace_id, locked, None)
            await ip_address_space.give(connection, workspace_id, device_ids[ordinal], address, space_id)
    for ordinal in [one for one in sorted(device_ids) if meters(one)][:SLEEPING]:
        await power_profile.write(connection, workspace_id, device_ids[ordinal], METER._replace(at=now))
