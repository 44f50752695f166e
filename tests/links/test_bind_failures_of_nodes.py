"""Guessing at several nodes in turn is no faster than at one: each counts what the others have judged wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from smpp_edge import PASSWORD, Edge, smpp_edge, until
from test_bind_abuse import ATTACKER, PACES, RBINDFAIL, REAL, RINVPASWD, ROK, attack

from motet.domain.back_off import BackOff
from motet.events.changes import ChangeFeed
from motet.links.failed_binds import FailedBinds
from motet.storage.database import Database

GUARD_S = 20


class Hearing:
    """The memory of a node, as far as failed binds go."""

    def __init__(self, edge: Edge) -> None:
        self.edge = edge
        self.failures: list[str] = []

    def binds_failed(self, incarnation: int, failures: Sequence[str]) -> None:
        self.edge.server.binds_failed(incarnation, failures)
        self.failures += failures

    def forget_numbers(self, msisdns: Sequence[str]) -> None: ...

    def forget_all_numbers(self) -> None: ...

    def forget_short_codes(self) -> None: ...

    def accounts_changed(self) -> None: ...

    def end_smpp_session(self, session_id: int) -> None: ...

    def trust(self, trusted: bool) -> None: ...


@asynccontextmanager
async def two_nodes(database: Database) -> AsyncIterator[tuple[Edge, Edge, Hearing]]:
    """Two servers with the same accounts, and what the second one hears."""
    async with smpp_edge(database, paces=PACES) as one, smpp_edge(database, paces=PACES, workspace="other") as two:
        await one.account("demo")
        memory = Hearing(two)
        feeds = [ChangeFeed(database, memory), ChangeFeed(database, Hearing(one))]
        hearing = [asyncio.create_task(feed.run()) for feed in feeds]
        async with asyncio.timeout(GUARD_S):
            for feed in feeds:
                await feed.listening.wait()
        try:
            yield one, two, memory
        finally:
            for task in hearing:
                task.cancel()
            await asyncio.gather(*hearing, return_exceptions=True)


async def test_an_address_that_failed_at_one_node_is_refused_unheard_at_another(database: Database) -> None:
    async with two_nodes(database) as (one, two, memory):
        assert await attack(one, "demo", 7) == [RINVPASWD] * 7
        await until(lambda: len(memory.failures) == 14)  # of the address, and of the account at addresses not known
        assert await two.bind("demo", PASSWORD, ATTACKER) == RBINDFAIL
        assert await two.bind("demo", PASSWORD, REAL) == ROK
        assert two.clock.slept[1:] == [0.25], "an address that the account has not bound from waits, and gets in"
        assert two.server.binds_refused == {"ESME_RBINDFAIL": 1}


async def test_a_node_counts_its_own_failures_once(database: Database) -> None:
    async with two_nodes(database) as (one, _, memory):
        assert await attack(one, "demo", 3) == [RINVPASWD] * 3
        await until(lambda: len(memory.failures) == 6)
        await attack(one, "demo", 1)
        assert one.clock.slept == [], "three are free, and it hears itself"
        await attack(one, "demo", 1)
        assert one.clock.slept == [1.0]


async def test_who_is_known_at_an_address_is_slowed_there_on_all_nodes(database: Database) -> None:
    async with two_nodes(database) as (one, two, memory):
        assert await one.bind("demo", PASSWORD, REAL) == ROK
        await attack(one, "demo", 10, REAL)
        await until(lambda: len(memory.failures) == 20)
        assert await two.bind("demo", PASSWORD, REAL) == ROK
        assert two.clock.slept == [5.0]


async def test_what_cannot_be_told_counts_here_alone(database: Database) -> None:
    async with smpp_edge(database, paces=PACES) as edge:
        counts = {"address": BackOff(PACES["address"], 10)}
        failures = FailedBinds(edge.hub, counts, edge.clock)
        failures.failed("address", None)
        failures.heard(["of-a-newer-node/1", "address/2001:db8::"])
        assert len(counts["address"]) == 2
