"""Two policies for each of the demo's tenants, besides `Default`: to look at, and to give to devices."""

from __future__ import annotations

from collections.abc import Callable

from motet.domain.coverage_policy import CoveragePolicy
from motet.domain.service_policy import ServicePolicy
from motet.storage.coverage_policy import COVERAGE_POLICIES
from motet.storage.database import PooledConnection
from motet.storage.service_policy import SERVICE_POLICIES

TEXT_ONLY = ServicePolicy(
    "Text only", "Meters that send a text a day and have no data.", data_enabled=False, p2p_inside=False
)
EUROPE = CoveragePolicy(
    "Europe",
    "The European Union and its neighbours, but for one network's NB-IoT.",
    countries_allowed=(
        *("AT", "BE", "BG", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GR", "HR", "HU"),
        *("IE", "IT", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK"),
    ),
    operators_denied=("26202:NB_IOT",),
    steering=("26201=70", "20801=20", "26801=10"),
)
_LIMIT = 1_000_000
"""A new workspace has room."""


async def seed_policies(connection: PooledConnection, workspace_id: int, new_id: Callable[[], int]) -> None:
    """Adds both, at their first version, in the caller's transaction."""
    policy_id = new_id()
    await SERVICE_POLICIES.insert(connection, workspace_id, policy_id, TEXT_ONLY, limit=_LIMIT)
    await SERVICE_POLICIES.insert_version(connection, workspace_id, new_id(), policy_id, 1, "demo", None, TEXT_ONLY, [])
    policy_id = new_id()
    await COVERAGE_POLICIES.insert(connection, workspace_id, policy_id, EUROPE, limit=_LIMIT)
    await COVERAGE_POLICIES.insert_version(connection, workspace_id, new_id(), policy_id, 1, "demo", None, EUROPE, [])
