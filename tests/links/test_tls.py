"""TLS at both ends of the hub: who gets in, what a new certificate does, and what bad handshakes leave behind."""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
from pathlib import Path
from typing import Any

import pytest
from smpp_edge import GUARD_S, PASSWORD, Edge, rows, smpp_edge, until

from certificates import Authority
from motet.bootstrap.tls import Certificate, upstream_context
from motet.config.errors import StartError
from motet.config.settings import Settings
from motet.config.values import TlsVersion
from motet.domain.seats import SeatLimits
from motet.hub.hub import Hub
from motet.links import tls_listener
from motet.links.smsc_links import LinkConfig, SmscLinks
from motet.storage.database import Database
from raw_esme import BIND_TRANSCEIVER, ENQUIRE_LINK


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def trusting(authority: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(authority.file))


def serial_of(peer: Any) -> str:
    serial: str = peer.writer.get_extra_info("peercert")["serialNumber"]
    return serial


async def test_a_new_certificate_is_shown_to_who_comes_and_sessions_stay(
    database: Database, authority: Authority
) -> None:
    certificate = Certificate(*authority.sign("localhost", "server"))
    async with smpp_edge(database, tls=certificate.context) as edge:
        await edge.account("demo")
        before = await edge.connect(tls=trusting(authority))
        assert await before.bind("demo") == 0
        [row] = await rows(edge, 1)
        assert row["tls"] == "TLSv1.3"
        authority.sign("localhost", "server")
        certificate.look()
        after = await edge.connect(tls=trusting(authority))
        assert serial_of(after) != serial_of(before)
        assert (await before.ask(ENQUIRE_LINK)).status == 0
        # A file that cannot be used leaves the last good one in place.
        Path(certificate._files[0]).write_text("no certificate")  # noqa: ASYNC240
        certificate.look()
        certificate.read_again()
        assert serial_of(await edge.connect(tls=trusting(authority))) == serial_of(after)


async def test_an_https_server_that_got_its_context_once_shows_the_new_certificate_too(authority: Authority) -> None:
    certificate = Certificate(*authority.sign("localhost", "server"))
    server = await asyncio.start_server(
        lambda reader, writer: writer.close(), "127.0.0.1", 0, ssl=certificate.for_server()
    )
    serials = []
    for _ in range(2):
        _, writer = await asyncio.open_connection(
            *server.sockets[0].getsockname()[:2], ssl=trusting(authority), server_hostname="localhost"
        )
        serials.append(writer.get_extra_info("peercert")["serialNumber"])
        writer.close()
        authority.sign("localhost", "server")
        certificate.read_again()
    server.close()
    assert len(set(serials)) == 2


async def test_with_an_authority_for_clients_only_its_own_get_in(
    database: Database, authority: Authority, tmp_path: Path
) -> None:
    clients = Authority(tmp_path, "Client CA")
    certificate = Certificate(*authority.sign("localhost", "server"), client_ca=clients.file)
    async with smpp_edge(database, tls=certificate.context) as edge:
        await edge.account("demo")
        stranger = await edge.connect(tls=trusting(authority))
        assert await stranger.ended() == []
        foreign = trusting(authority)
        foreign.load_cert_chain(*authority.sign("client", "foreign"))
        assert await (await edge.connect(tls=foreign)).ended() == []
        known = trusting(authority)
        known.load_cert_chain(*clients.sign("client", "client"))
        assert await (await edge.connect(tls=known)).bind("demo") == 0


async def test_versions_below_the_least_are_refused(database: Database, authority: Authority) -> None:
    certificate = Certificate(*authority.sign("localhost", "server"), least=TlsVersion.TLS_1_3)
    assert Certificate(*authority.sign("localhost", "x")).context().minimum_version == ssl.TLSVersion.TLSv1_2
    async with smpp_edge(database, tls=certificate.context) as edge:
        old = trusting(authority)
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises(OSError, match=r"(?i)ssl|tls|reset|$"):
            await edge.connect(tls=old)
        assert await (await edge.connect(tls=trusting(authority))).bind("nobody") == 0x0F


def small(monkeypatch: pytest.MonkeyPatch, **bounds: Any) -> None:
    """The listener's bounds, made small."""
    init = tls_listener.TlsListener.__init__

    def made(self: Any, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **{**kwargs, **bounds})

    monkeypatch.setattr(tls_listener.TlsListener, "__init__", made)


async def bad_handshakes(edge: Edge, count: int) -> None:
    for number in range(count):
        peer = await edge.connect()
        peer.send(b"GET / HTTP/1.1\r\n\r\n" if number % 2 else b"")
        if number % 3:
            peer.close()


async def test_handshakes_that_fail_leave_nothing_and_those_that_hang_make_room(
    database: Database, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = SeatLimits(sessions=8, unbound=8, sessions_per_address=4, unbound_per_address=4)
    small(monkeypatch, limits=few)
    certificate = Certificate(*authority.sign("localhost", "server"))
    async with smpp_edge(database, tls=certificate.context) as edge:
        await edge.account("demo")
        await bad_handshakes(edge, 40)
        [listener] = edge.server._tls
        peer = await edge.connect(tls=trusting(authority))
        assert await peer.bind("demo") == 0
        assert listener.handshakes <= 4
        assert edge.server.session_count == 1


async def test_a_handshake_has_a_deadline(database: Database, authority: Authority, monkeypatch: Any) -> None:
    small(monkeypatch, handshake_s=0.01)
    certificate = Certificate(*authority.sign("localhost", "server"))
    async with smpp_edge(database, tls=certificate.context) as edge:
        silent = await edge.connect()
        assert await silent.ended() == []
        await until(lambda: edge.server._tls[0].handshakes == 0)


@pytest.mark.parametrize(
    ("name", "tls_name", "trusted", "binds"),
    [
        ("localhost", None, True, True),
        ("smpp.carrier.example", "smpp.carrier.example", True, True),
        ("smpp.carrier.example", None, True, False),
        ("localhost", None, False, False),
    ],
)
async def test_an_smsc_has_to_prove_its_name_before_it_sees_our_password(
    database: Database, authority: Authority, name: str, tls_name: str | None, trusted: bool, binds: bool
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.sign(name, "smsc"))
    came: asyncio.Queue[bytes] = asyncio.Queue()

    async def smsc(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.put_nowait(await reader.read(100))
        writer.transport.abort()

    refused: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: refused.append(told))
    server = await asyncio.start_server(smsc, "127.0.0.1", 0, ssl=context)
    hub = Hub(database)
    ours = upstream_context(Settings(smsc_ca=authority.file if trusted else None))
    links = SmscLinks(hub, tls=lambda: ours)
    port = server.sockets[0].getsockname()[1]
    async with asyncio.timeout(GUARD_S):
        reason = await links._one_bind(
            LinkConfig(1, "carrier", "localhost", port, "us", "secret", tls=True, tls_name=tls_name)
        )
    server.close()
    asyncio.get_running_loop().set_exception_handler(None)
    if binds:
        assert (await came.get())[4:8] == BIND_TRANSCEIVER.to_bytes(4, "big")
    else:
        assert came.empty()
        assert "certificate verify failed" in reason


async def test_an_smsc_that_asks_for_it_is_shown_our_certificate(database: Database, authority: Authority) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.sign("localhost", "smsc"))
    context.load_verify_locations(str(authority.file))
    context.verify_mode = ssl.CERT_REQUIRED
    came: asyncio.Queue[object] = asyncio.Queue()

    async def smsc(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        came.put_nowait(writer.get_extra_info("peercert"))
        writer.transport.abort()

    server = await asyncio.start_server(smsc, "127.0.0.1", 0, ssl=context)
    certificate, key = authority.sign("acme.example", "ours")
    ours = upstream_context(Settings(smsc_ca=authority.file, smsc_cert=Path(certificate), smsc_key=Path(key)))
    links = SmscLinks(Hub(database), tls=lambda: ours)
    port = server.sockets[0].getsockname()[1]
    async with asyncio.timeout(GUARD_S):
        await links._one_bind(LinkConfig(1, "carrier", "localhost", port, "us", "secret", tls=True))
        shown = await came.get()
    server.close()
    assert "acme.example" in str(shown)


def test_files_that_cannot_be_used_are_told_by_their_flag(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="--smsc-cert and --smsc-key cannot"):
        upstream_context(Settings(smsc_cert=tmp_path / "nothing", smsc_key=tmp_path / "nothing"))
    with pytest.raises(StartError, match="--smsc-ca"):
        upstream_context(Settings(smsc_ca=tmp_path / "nothing"))


async def esme(edge: Edge, *flags: str) -> tuple[str, str]:
    """What `motet esme` says first, and what it complains of."""
    host, port = edge.address
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "motet", "esme", "--smpp", f"{host}:{port}", "--system-id", "demo",
        "--password", PASSWORD, *flags, "listen", "--json",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    async with asyncio.timeout(60):
        first = (await process.stdout.readline()).decode()
        if first:
            process.terminate()
        _, complaint = await process.communicate()
    return first, complaint.decode()


async def test_the_esme_of_the_shell_speaks_tls_and_checks_the_name(database: Database, authority: Authority) -> None:
    certificate = Certificate(*authority.sign("localhost", "server"))
    async with smpp_edge(database, tls=certificate.context) as edge:
        await edge.account("demo")
        first, _ = await esme(edge, "--tls-ca", str(authority.file), "--tls-name", "localhost")
        assert json.loads(first)["event"] == "bound"
        first, complaint = await esme(edge, "--tls-ca", str(authority.file))
        assert (first, "certificate" in complaint) == ("", True)
        assert (await esme(edge, "--tls"))[0] == "", "the system does not know this authority"
