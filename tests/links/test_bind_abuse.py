"""Who may bind, from where and how often: attackers are slowed, and the real ESME is not held up by them."""

from __future__ import annotations

import asyncio
from typing import Any

from smpp_edge import PASSWORD, Edge, rows, smpp_edge, until

from motet.access.passwords import PasswordChecker
from motet.domain.back_off import Pace
from motet.domain.seats import SeatLimits
from motet.links.esme_binds import REFUSAL_S
from motet.links.esme_server import FAILED_BINDS, SESSION_LIMITS
from motet.storage.database import Database
from raw_esme import BIND_RECEIVER, BIND_TRANSMITTER, ENQUIRE_LINK, UNBIND, bind_body, pdu

ROK, RALYBND, RBINDFAIL, RINVPASWD, RINVSYSID = 0, 5, 0x0D, 0x0E, 0x0F

PACES: dict[str, Any] = {
    "address": Pace(free=3, first_s=1.0, most_s=60.0, patience_s=5.0),
    "known": Pace(free=3, first_s=1.0, most_s=5.0, patience_s=5.0),
    "account": Pace(free=6, first_s=0.25, most_s=2.0, patience_s=2.0),
}
ATTACKER, REAL = "127.0.0.66", "127.0.0.10"


async def attack(edge: Edge, system_id: str, times: int, source: str = ATTACKER) -> list[int]:
    return [await edge.bind(system_id, f"wrong{number}", source) for number in range(times)]


async def test_an_address_that_fails_is_judged_ever_later_and_then_refused_unheard(database: Database) -> None:
    async with smpp_edge(database, paces=PACES) as edge:
        await edge.account("demo")
        assert await attack(edge, "demo", 3) == [RINVPASWD] * 3
        assert edge.clock.slept == []
        assert await attack(edge, "nobody", 4) == [RINVSYSID] * 4
        assert edge.clock.slept == [1.0, 2.0, 4.0]
        # The next turn is in 8 s, longer than anyone waits: not even the right password is looked at.
        assert await edge.bind("demo", PASSWORD, ATTACKER) == RBINDFAIL
        assert edge.clock.slept[3:] == [REFUSAL_S]
        assert await edge.bind("demo", PASSWORD, REAL) == ROK
        edge.clock.now += 60
        assert await edge.bind("demo", PASSWORD, ATTACKER) == ROK, "once corrected it is let in within a minute"
        assert edge.server.binds_refused == {"ESME_RINVPASWD": 3, "ESME_RINVSYSID": 4, "ESME_RBINDFAIL": 1}


async def test_who_knows_a_system_id_cannot_lock_its_esme_out(database: Database) -> None:
    async with smpp_edge(database, paces=PACES) as edge:
        await edge.account("demo")
        assert await edge.bind("demo", PASSWORD, REAL) == ROK
        for number in range(20):
            assert await edge.bind("demo", "wrong", f"127.0.1.{number}") == RINVPASWD
        slept = len(edge.clock.slept)
        assert await edge.bind("demo", PASSWORD, REAL) == ROK
        assert edge.clock.slept[slept:] == [], "an address that the account is known at waits for nobody"
        assert await edge.bind("demo", PASSWORD, "127.0.0.11") == ROK
        assert edge.clock.slept[slept:] == [2.0], "elsewhere the right password is judged after a short delay"


async def test_what_is_known_of_addresses_outlives_the_node_and_is_the_accounts_own(database: Database) -> None:
    async with smpp_edge(database, paces=PACES) as edge:
        await edge.account("demo")
        assert await edge.bind("demo", PASSWORD, REAL) == ROK
    async with smpp_edge(database, paces=PACES, workspace="other") as edge:
        await edge.account("second")
        await attack(edge, "second", 7, REAL)
        assert await edge.bind("second", PASSWORD, REAL) == RBINDFAIL
        assert await edge.bind("demo", PASSWORD, REAL) == ROK, "its neighbour behind the same address goes on"


async def test_a_known_address_is_slowed_for_its_own_failures_and_for_seconds_only(database: Database) -> None:
    async with smpp_edge(database, paces=PACES) as edge:
        await edge.account("demo")
        assert await edge.bind("demo", PASSWORD, REAL) == ROK
        await attack(edge, "demo", 10, REAL)
        slept = len(edge.clock.slept)
        assert await edge.bind("demo", PASSWORD, REAL) == ROK
        assert edge.clock.slept[slept:] == [5.0]


async def test_of_an_account_a_hundred_addresses_are_known_and_no_more(database: Database) -> None:
    async with smpp_edge(database) as edge:
        account_id = await edge.account("demo")
        await database.pool.execute(
            "INSERT INTO smpp_known_address SELECT $1, $2, ('10.0.0.' || n)::inet, now() - n * interval '1 day'"
            "  FROM generate_series(1, 100) n",
            edge.tenant.workspace_id,
            account_id,
        )
        assert await edge.bind("demo") == ROK
        known = await database.pool.fetch("SELECT host(address) AS a FROM smpp_known_address ORDER BY bound_at DESC")
        assert [row["a"] for row in known] == ["127.0.0.1", *(f"10.0.0.{number}" for number in range(1, 100))]


async def test_an_unknown_system_id_costs_the_same_check_as_a_wrong_password(
    database: Database, monkeypatch: Any
) -> None:
    async with smpp_edge(database) as edge:
        await edge.account("demo")
        await edge.account("elsewhere", allowed_cidrs=["192.0.2.0/24"])
        asked: list[str | None] = []
        verify = PasswordChecker.verify

        async def noted(self: PasswordChecker, password_hash: str | None, password: str) -> bool:
            asked.append(password_hash and password_hash[:9])
            return await verify(self, password_hash, password)

        monkeypatch.setattr(PasswordChecker, "verify", noted)
        assert await edge.bind("nobody") == RINVSYSID
        assert await edge.bind("demo", "wrong") == RINVPASWD
        # Where it may not bind from, the right password is no better than any: None is nobody's hash, and as slow.
        assert await edge.bind("elsewhere") == RBINDFAIL
        assert asked == [None, "$argon2id", None]


async def test_an_account_binds_from_its_networks_and_its_sessions_end_when_they_no_longer_fit(
    database: Database,
) -> None:
    async with smpp_edge(database) as edge:
        account_id = await edge.account("demo", allowed_cidrs=["127.0.0.0/28", "2001:db8::/32"])
        assert await edge.bind("demo", source=ATTACKER) == RBINDFAIL
        one, other = await edge.connect("127.0.0.1"), await edge.connect("127.0.0.9")
        assert (await one.bind("demo"), await other.bind("demo")) == (ROK, ROK)
        await edge.change(account_id, allowed_cidrs=["127.0.0.8/29"])
        assert [came.command_id for came in await one.ended()] == [UNBIND]
        assert (await other.ask(ENQUIRE_LINK)).status == ROK
        await edge.change(account_id, allowed_cidrs=[])
        assert await edge.bind("demo", source=ATTACKER) == ROK


async def test_sessions_end_with_their_account_their_password_and_when_someone_asks(database: Database) -> None:
    async with smpp_edge(database) as edge:
        account_id = await edge.account("demo")
        for change in ({"enabled": False}, {"password_hash": "-"}):
            await edge.change(account_id, enabled=True)
            peer = await edge.connect()
            assert await peer.bind("demo") == ROK
            await edge.change(account_id, **change)
            assert [came.command_id for came in await peer.ended()] == [UNBIND]
        assert await edge.bind("demo") == RINVPASWD
        other = await edge.account("other")
        peer, kept = await edge.connect(), await edge.connect()
        assert (await peer.bind("other"), await kept.bind("other", command_id=BIND_RECEIVER)) == (ROK, ROK)
        first, second = await rows(edge, 2)
        assert (first["account_id"], first["bind_type"], str(first["address"])) == (other, "TRANSCEIVER", "127.0.0.1")
        assert (second["bind_type"], second["tls"]) == ("RECEIVER", None)
        edge.server.end_session(first["id"])
        edge.server.end_session(1)
        assert [came.command_id for came in await peer.ended()] == [UNBIND]
        assert (await kept.ask(ENQUIRE_LINK)).status == ROK
        assert [row["id"] for row in await rows(edge, 1)] == [second["id"]]
        kept.close()
        await rows(edge, 0)


async def test_rows_of_a_node_that_ended_go_with_it(database: Database) -> None:
    async with smpp_edge(database) as edge:
        await edge.account("demo")
        peer = await edge.connect()
        assert await peer.bind("demo") == ROK
        await rows(edge, 1)
        await database.pool.execute("UPDATE node SET succeeded_by = incarnation")
        await rows(edge, 0)


async def test_an_account_has_no_more_sessions_than_its_binds_even_when_all_come_at_once(database: Database) -> None:
    async with smpp_edge(database) as edge:
        await edge.account("demo", max_binds=3)
        peers = [await edge.connect() for _ in range(8)]
        statuses = await asyncio.gather(*(peer.bind("demo") for peer in peers))
        assert sorted(statuses) == [ROK] * 3 + [RALYBND] * 5
        assert edge.hub.accounts[edge.tenant.accounts[0]].binds == 3
        for peer in peers:
            peer.close()
        await until(lambda: not edge.hub.accounts)


async def test_a_password_that_was_changed_while_it_was_judged_is_no_longer_good(
    database: Database, monkeypatch: Any
) -> None:
    async with smpp_edge(database) as edge:
        account_id = await edge.account("demo")
        verify = PasswordChecker.verify

        async def slow(self: PasswordChecker, password_hash: str | None, password: str) -> bool:
            right = await verify(self, password_hash, password)
            await edge.change(account_id, password_hash="-")
            return right

        monkeypatch.setattr(PasswordChecker, "verify", slow)
        assert await edge.bind("demo") == RBINDFAIL
        assert edge.hub.accounts == {}


async def test_a_connection_that_is_refused_again_and_again_is_closed(database: Database) -> None:
    async with smpp_edge(database) as edge:
        await edge.account("demo")
        peer = await edge.connect()
        assert [await peer.bind("demo", "wrong") for _ in range(FAILED_BINDS)] == [RINVPASWD] * FAILED_BINDS
        assert await peer.ended() == []


async def test_connections_that_never_bind_make_room_for_those_that_do(database: Database) -> None:
    limits = SeatLimits(sessions=12, unbound=8, sessions_per_address=6, unbound_per_address=4)
    async with smpp_edge(database, seats=limits) as edge:
        await edge.account("demo")
        silent = [await edge.connect(ATTACKER) for _ in range(10)]
        await until(lambda: edge.server.unbound_count == 4)
        assert [await peer.ended() for peer in silent[:6]] == [[]] * 6
        bound = []
        for _ in range(6):
            bound.append(await edge.connect(REAL))
            assert await bound[-1].bind("demo") == ROK
        seventh = await edge.connect(REAL)
        assert await seventh.ended() == [], "an address has at most 6 sessions here"
        others = [await edge.connect(f"127.0.2.{number}") for number in range(8)]
        assert await others[-1].bind("demo") == ROK
        assert [(await peer.ask(ENQUIRE_LINK)).status for peer in bound] == [ROK] * 6


async def test_who_sends_an_octet_now_and_then_is_closed_when_the_time_for_a_bind_is_over(database: Database) -> None:
    async with smpp_edge(database, limits=SESSION_LIMITS._replace(session_init_s=0.0)) as edge:
        await edge.account("demo")
        peer = await edge.connect()
        for octet in pdu(BIND_TRANSMITTER, 1, bind_body("demo", PASSWORD))[:-1]:
            peer.send(bytes((octet,)))
        assert await peer.ended() == []


async def test_a_bound_peer_that_never_ends_its_pdu_is_closed(database: Database) -> None:
    async with smpp_edge(database, limits=SESSION_LIMITS._replace(pdu_s=0.0)) as edge:
        await edge.account("demo")
        peer = await edge.connect()
        assert await peer.bind("demo") == ROK
        peer.send(pdu(ENQUIRE_LINK, 7)[:15])
        assert await peer.ended() == []


async def test_a_peer_that_goes_while_its_bind_is_judged_leaves_nothing_behind(
    database: Database, monkeypatch: Any
) -> None:
    async with smpp_edge(database) as edge:
        await edge.account("demo")
        verify = PasswordChecker.verify
        peer = await edge.connect()

        async def slow(self: PasswordChecker, password_hash: str | None, password: str) -> bool:
            peer.close()
            await until(lambda: edge.server.session_count == 0)
            return await verify(self, password_hash, password)

        monkeypatch.setattr(PasswordChecker, "verify", slow)
        peer.send(pdu(BIND_TRANSMITTER, 1, bind_body("demo", PASSWORD)))
        await until(lambda: edge.server.session_count == 1)
        await until(lambda: edge.server.session_count == 0)
        await until(lambda: not edge.hub.errands.tasks)
        assert edge.hub.accounts == {}
        assert await rows(edge, 0) == []
