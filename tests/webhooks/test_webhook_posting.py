"""One attempt on the wire: TLS, kept connections, time."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from collections.abc import AsyncIterator
from ipaddress import ip_address
from pathlib import Path

import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from motet.outgoing.resolving import Resolver
from motet.outgoing.targets import LOOPBACK_NETWORKS, TargetPolicy
from motet.webhooks import posting
from motet.webhooks.posting import Outcome, Poster

LOOPBACK = TargetPolicy.of(LOOPBACK_NETWORKS)
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


@pytest_asyncio.fixture
async def poster() -> AsyncIterator[Poster]:
    resolver = Resolver()
    poster = Poster(resolver, LOOPBACK)
    yield poster
    await poster.close()
    resolver.close()


async def post(poster: Poster, url: str) -> Outcome:
    return await poster.post(url, b"k" * 32, 7, 1_700_000_000, b'{"a":1}')


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    return head + await reader.readexactly(7)


async def test_the_request_holds_what_the_specification_asks_for_and_no_more(poster: Poster) -> None:
    requests: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await read_request(reader))
        writer.write(NO_CONTENT)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await post(poster, f"http://127.0.0.1:{port}/a?b=c") == Outcome(204, None)
    head, body = requests[0].split(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /a?b=c HTTP/1.1"
    assert sorted(line.partition(":")[0].lower() for line in lines[1:]) == [
        "accept", "content-length", "content-type", "host", "user-agent", "webhook-id", "webhook-signature",
        "webhook-timestamp",
    ]  # fmt: skip
    assert body == b'{"a":1}'


async def test_a_kept_connection_that_the_target_closed_costs_no_attempt(poster: Poster) -> None:
    served: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(len(served))
        await read_request(reader)
        writer.write(NO_CONTENT)
        if served[-1] == 0:
            await reader.readexactly(1)  # the second request comes: closed under it
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        assert (await post(poster, url)).delivered
        assert (await post(poster, url)).delivered
    assert served == [0, 1]


async def test_a_fresh_connection_that_the_target_closes_is_one_failure(poster: Poster) -> None:
    served: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(len(served))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        outcome = await post(poster, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    assert (outcome.status, outcome.delivered, outcome.refused, served) == (None, False, False, [0])


async def test_a_target_that_does_not_answer_in_time_has_failed(
    poster: Poster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "ATTEMPT_TIMEOUT_S", 0.05)
    late = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await late.wait()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        outcome = await post(poster, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        late.set()
    assert outcome == Outcome(None, "no answer within 0.05 s")


async def test_2xx_in_time_is_success_however_slowly_its_body_comes(
    poster: Poster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "ATTEMPT_TIMEOUT_S", 0.2)
    late = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx")
        await late.wait()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        outcome = await post(poster, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        late.set()
    assert outcome == Outcome(200, None)


@pytest.mark.parametrize(
    "garbage",
    [
        b"hello\r\n\r\n",
        b"HTTP/1.1 two\r\n\r\n",
        b"\x00" * 20_000,
        b"HTTP/1.1 200 OK\r\nA: " + b"x" * 20_000 + b"\r\n\r\n",
    ],
)
async def test_an_answer_that_is_not_http_is_a_failure(poster: Poster, garbage: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(garbage)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        outcome = await post(poster, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    assert not outcome.delivered
    assert len(outcome.error or "") <= posting.ERROR_CHARACTERS


async def test_a_certificate_is_verified(poster: Poster, tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_tls.load_cert_chain(certificate, key)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(NO_CONTENT)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=server_tls) as server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        outcome = await post(poster, url)
        assert (outcome.delivered, outcome.status) == (False, None)
        assert "CERTIFICATE_VERIFY_FAILED" in (outcome.error or "")
        resolver = Resolver()
        trusting = Poster(resolver, LOOPBACK, tls=ssl.create_default_context(cafile=str(certificate)))
        assert (await post(trusting, url)).delivered
        await trusting.close()
        resolver.close()


def self_signed(directory: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key, as PEM files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "receiver")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = directory / "certificate.pem", directory / "key.pem"
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate_file, key_file
