"""TLS, outbind and alert_notification, with a carrier and an ESME on bare sockets."""

from __future__ import annotations

import datetime
import socket
import ssl
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from raw_esme import (
    ALERT_NOTIFICATION,
    BIND_RECEIVER,
    BIND_TRANSCEIVER,
    DELIVER_SM,
    ENQUIRE_LINK,
    OUTBIND,
    RESPONSE,
    UNBIND,
    RawEsme,
    bind_body,
    delivered,
    pdu,
    sm_body,
)
from running_demo import RunningDemo, eventually

PHONE = "99900000001"


class Listening(RawEsme):
    """The listening end of one connection."""

    def __init__(self, listener: socket.socket) -> None:
        listener.settimeout(30)
        self.socket, _ = listener.accept()
        self._buffer = bytearray()
        self._kept = []
        self._sequence = 0


def certificate(directory: Path) -> tuple[Path, Path]:
    """A self-signed one for localhost, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    chain, private = directory / "chain.pem", directory / "key.pem"
    chain.write_bytes(made.public_bytes(pem))
    private.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return chain, private


@pytest.fixture(scope="module")
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def demo(
    tmp_path_factory: pytest.TempPathFactory, listener: socket.socket, chain: tuple[Path, Path]
) -> Iterator[RunningDemo]:
    port = listener.getsockname()[1]
    running = RunningDemo(
        tmp_path_factory.mktemp("demo") / "data",
        *("--smsc", f"smpp://carrier:secret@127.0.0.1:{port}"),
        *("--smpp-tls", "127.0.0.1:0", "--tls-cert", str(chain[0]), "--tls-key", str(chain[1])),
    )
    yield running
    assert running.end() == 0


@pytest.fixture(scope="module")
def carrier(demo: RunningDemo, listener: socket.socket) -> Iterator[RawEsme]:
    """The SMSC's end of the upstream link, bound."""
    with Listening(listener) as smsc:
        bind = smsc.take(lambda one: one.command_id == BIND_TRANSCEIVER)
        assert bind.body.startswith(b"carrier\0secret\0")
        smsc.send(pdu(BIND_TRANSCEIVER | RESPONSE, bind.sequence, b"smsc\0\x02\x10\0\x01\x34"))
        yield smsc


def test_an_esme_binds_over_tls_and_plain_octets_on_that_port_bring_nothing(
    demo: RunningDemo, chain: tuple[Path, Path]
) -> None:
    port = demo.facts["smpp"]["tls_port"]
    with RawEsme(("127.0.0.1", port)) as esme:
        context = ssl.create_default_context(cafile=str(chain[0]))
        esme.socket = context.wrap_socket(esme.socket, server_hostname="localhost")
        assert esme.socket.version() in {"TLSv1.2", "TLSv1.3"}
        assert esme.bind("demo", demo.password).status == 0
        assert esme.ask(ENQUIRE_LINK).status == 0
    with RawEsme(("127.0.0.1", port)) as plain:
        plain.send(pdu(BIND_TRANSCEIVER, 1, bind_body("demo", demo.password)))
        assert plain.ended() == []


def account_id(demo: RunningDemo) -> str:
    found: str = demo.graphql("{ smppAccounts(first: 1) { nodes { id } } }")["smppAccounts"]["nodes"][0]["id"]
    return found


def test_an_alert_notification_from_the_carrier_reaches_the_esmes_of_that_workspace(
    demo: RunningDemo, carrier: RawEsme
) -> None:
    other = demo.facts["other"]["smpp"]
    with RawEsme(demo.smpp) as esme, RawEsme(demo.smpp) as stranger:
        assert esme.bind("demo", demo.password).status == 0
        assert stranger.bind(other["system_id"], other["password"]).status == 0
        body = b"\1\1" + PHONE.encode() + b"\0" + b"\0\0" + b"\0" + b"\x04\x22\0\x01\0"
        carrier.send(pdu(ALERT_NOTIFICATION, 7, body))
        alert = esme.take(lambda one: one.command_id == ALERT_NOTIFICATION)
        assert alert.body == body
        stranger.nothing_but()


def test_an_esme_that_is_away_is_asked_to_bind_when_an_mo_waits_for_it(demo: RunningDemo, carrier: RawEsme) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        carrier.send(pdu(DELIVER_SM, 6, sm_body(demo.short_code, b"Early", source=(1, 1, PHONE), dest_ton=0)))
        assert carrier.take(lambda one: one.command_id == DELIVER_SM | RESPONSE).status == 0
        done = demo.graphql(
            "mutation ($i: SmppAccountUpdateInput!) { smppAccountUpdate(input: $i) { userErrors { message } } }",
            i={"id": account_id(demo), "outbindHost": "127.0.0.1", "outbindPort": server.getsockname()[1]},
        )
        assert done["smppAccountUpdate"]["userErrors"] == []
        carrier.send(pdu(DELIVER_SM, 8, sm_body(demo.short_code, b"Wake up", source=(1, 1, PHONE), dest_ton=0)))
        assert carrier.take(lambda one: one.command_id == DELIVER_SM | RESPONSE).status == 0
        with Listening(server) as esme:
            outbind = esme.take(lambda one: one.command_id == OUTBIND)
            assert outbind.body == b"motet\0\0"
            assert esme.bind("demo", demo.password, BIND_RECEIVER).status == 0
            assert [esme.deliver().short_message for _ in range(2)] == [b"Early", b"Wake up"]
            esme.nothing_but()


def test_a_carrier_that_sends_an_mo_by_data_sm_is_answered_with_data_sm_resp(
    demo: RunningDemo, carrier: RawEsme
) -> None:
    with RawEsme(demo.smpp) as esme:
        assert esme.bind("demo", demo.password).status == 0
        body = b"\0\1\1" + PHONE.encode() + b"\0\0\1" + demo.short_code.encode() + b"\0\0\0\0"
        carrier.send(pdu(0x103, 9, body + b"\x04\x24\0\x05Hello"))
        answer = carrier.take(lambda one: one.command_id == 0x80000103)
        assert (answer.status, answer.sequence) == (0, 9)
        assert delivered(esme.take(lambda one: one.command_id == DELIVER_SM)).short_message == b"Hello"


def test_the_metrics_count_what_passed(demo: RunningDemo, carrier: RawEsme) -> None:
    def lines() -> dict[str, str]:
        with urllib.request.urlopen(demo.facts["http"] + "/metrics", timeout=10) as response:  # noqa: S310
            text = response.read().decode()
        return dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))

    assert eventually(lambda: lines().get("motet_smsc_binds") == "1.0", "the bind is counted")
    assert float(lines()["motet_mo_received_total"]) >= 1


def test_a_new_password_ends_the_sessions_of_the_old_one(demo: RunningDemo) -> None:
    rotate = """mutation ($i: SmppAccountRotatePasswordInput!) {
        smppAccountRotatePassword(input: $i) { password userErrors { message } } }"""
    with RawEsme(demo.smpp) as esme:
        assert esme.bind("demo", demo.password).status == 0
        password = demo.graphql(rotate, i={"id": account_id(demo)})["smppAccountRotatePassword"]["password"]
        assert esme.ended()[-1].command_id == UNBIND
    with RawEsme(demo.smpp) as esme:
        assert esme.bind("demo", demo.password).status == 0x0E
        assert esme.bind("demo", password).status == 0
