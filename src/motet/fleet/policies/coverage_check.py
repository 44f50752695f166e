"""Where devices may be: what policies and devices say of a network, and operators that one device may not use."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple

from motet.domain.coverage_policy import CoveragePolicy, Network, can_attach
from motet.domain.errors import InvalidError, NotFoundError
from motet.domain.event_types import DEVICE_UPDATED
from motet.fleet.journal import Change, Journal
from motet.fleet.policies.policy_rules import check_country, check_operator
from motet.radio.reference import country_of
from motet.storage import coverage_policy, device, traffic
from motet.storage.database import Database, PooledConnection
from motet.storage.device import LockedDevice
from motet.storage.transaction import transaction

MAX_BLOCKED_OPERATORS = 200
"""Operators that one device may not use: what is meant for many belongs into a coverage policy."""


class Verdict(NamedTuple):
    """Whether a device may be on a network."""

    allowed: bool
    reason: str | None
    """The list that objects, such as OPERATOR_DENIED; None if none does."""
    words: str | None
    network: Network
    """What was asked for, with the operator's country."""
    weight: int | None
    """How much the policy prefers the operator; None: it says nothing."""


class CoverageCheckService:
    """Each call is scoped to one workspace; `actor` is who asked for it. Errors are domain errors."""

    def __init__(self, database: Database, journal: Journal, *, on_change: Callable[[], Awaitable[None]]) -> None:
        """`on_change` is called after each commit that decides over traffic."""
        self._database = database
        self._journal = journal
        self._on_change = on_change

    async def check_policy(self, workspace_id: int, policy_id: int, network: Network) -> Verdict | None:
        """Whether devices of the policy may be on the network; None for one that the workspace has not. Raises
        InvalidError for a network that cannot be."""
        network = located(network)
        async with self._database.pool.acquire() as connection:
            locked = await coverage_policy.COVERAGE_POLICIES.lock(connection, workspace_id, policy_id)
        if locked is None:
            return None
        return _verdict(locked.content, network, ())

    async def check_device(self, workspace_id: int, device_id: int, network: Network) -> Verdict | None:
        """Whether the device may be there: by its blocked operators, its coverage policy and the RATs of its service
        policy; None for an unknown device. Raises InvalidError for a network that cannot be."""
        network = located(network)
        line = await traffic.of_device(self._database.pool, workspace_id, device_id)
        if line is None:
            return None
        facts = line.facts
        verdict = _verdict(facts.coverage, network, facts.blocked_operators)
        rats = None if facts.service is None else facts.service.allowed_rats
        if verdict.allowed and rats is not None and network.rat is not None and network.rat not in rats:
            words = f"The service policy does not allow {network.rat}"
            return verdict._replace(allowed=False, reason="RAT_NOT_ALLOWED_BY_SERVICE_POLICY", words=words)
        return verdict

    async def block_operator(self, workspace_id: int, actor: str, device_id: int, operator: str) -> None:
        """Bar a device from an operator.

        Raises NotFoundError (path `id`), InvalidError, ConflictError if it is barred already (path `operator`),
        LimitReachedError.
        """
        async with self._transaction() as connection:
            locked = await _locked(connection, workspace_id, device_id)
            check_operator(operator, "operator")
            await coverage_policy.block_operator(
                connection, workspace_id, device_id, operator, limit=MAX_BLOCKED_OPERATORS
            )
            await self._tell(connection, workspace_id, actor, device_id, locked, operator, blocked=True)
        await self._on_change()

    async def unblock_operator(self, workspace_id: int, actor: str, device_id: int, operator: str) -> None:
        """Let a device use an operator again. Raises NotFoundError (path `id`, or `operator` if it was not barred)."""
        async with self._transaction() as connection:
            locked = await _locked(connection, workspace_id, device_id)
            if not await coverage_policy.unblock_operator(connection, workspace_id, device_id, operator):
                raise NotFoundError("The device is not barred from this operator.", path=("operator",))
            await self._tell(connection, workspace_id, actor, device_id, locked, operator, blocked=False)
        await self._on_change()

    async def _tell(
        self,
        connection: PooledConnection,
        workspace_id: int,
        actor: str,
        device_id: int,
        locked: LockedDevice,
        operator: str,
        *,
        blocked: bool,
    ) -> None:
        detail = {
            "device": {"name": locked.settings.name},
            "changed": ["blocked_operators"],
            "operator": operator,
            "blocked": blocked,
        }
        change = Change(DEVICE_UPDATED, device_id, locked.sim_id, detail)
        await self._journal.write(connection, workspace_id, actor, [change])

    def _transaction(self) -> AbstractAsyncContextManager[PooledConnection]:
        return transaction(self._database, after=self._journal.committed)


def located(network: Network) -> Network:
    """The network, with the country that its operator's MCC says unless one is named. Raises InvalidError."""
    country, operator, rat = network
    if country is None and operator is None and rat is None:
        raise InvalidError("Name a country, an operator or a RAT.")
    if operator is not None:
        check_operator(operator, "operator")
    if country is not None:
        return Network(check_country(country, "country"), operator, rat)
    home = None if operator is None else country_of(operator)
    return Network(None if home is None else home.code, operator, rat)


def _verdict(policy: CoveragePolicy | None, network: Network, blocked: tuple[str, ...]) -> Verdict:
    attachment = can_attach(policy, network, blocked)
    weights = {} if policy is None else dict(entry.split("=") for entry in policy.steering)
    weight = weights.get(network.operator or "")
    return Verdict(
        attachment.allowed, attachment.reason, attachment.words, network, None if weight is None else int(weight)
    )


async def _locked(connection: PooledConnection, workspace_id: int, device_id: int) -> LockedDevice:
    locked = await device.lock(connection, workspace_id, device_id)
    if locked is None:
        raise NotFoundError("No such device.", path=("id",))
    return locked
