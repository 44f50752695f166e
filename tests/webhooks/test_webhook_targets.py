"""Where webhooks may go: URLs, addresses, and the client's last line of defence."""

from __future__ import annotations

import asyncio
import socket

import pytest

from motet.domain.errors import InvalidError
from motet.outgoing.resolving import Resolver, guarded_socket
from motet.outgoing.targets import LOOPBACK_NETWORKS, MAX_URL_OCTETS, TargetPolicy, TargetRefusedError, parse_target
from motet.webhooks.posting import Poster

STRICT = TargetPolicy()
LOOPBACK = TargetPolicy.of(LOOPBACK_NETWORKS)
ANY_HTTP = TargetPolicy(allow_http=True)

ROUTABLE = """
1.1.1.1 8.8.8.8 172.15.255.255 172.32.0.1 192.0.1.1 198.17.0.1 100.63.0.1 100.128.0.1 223.255.255.255
2606:4700::1111 2a00:1450:4001::64 ::ffff:8.8.8.8 64:ff9b::808:808
"""
INSIDE = """
0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.254 169.254.169.254 172.16.0.1 172.31.255.255
192.0.0.8 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.7 224.0.0.1 239.255.255.255
240.0.0.1 255.255.255.255 :: ::1 ::7f00:1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:0:127.0.0.1
64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::1 100::1 2001::1 2001:0:4136:e378::1 2001:2::1 2001:10::1 2001:20::1
2001:db8::1 2002:7f00:1::1 2002:808:808::1 3fff::1 5f00::1 fc00::1 fd12:3456::1 fe80::1 fe80::1%eth0
fec0::1 ff02::1 2606:4700::1111%eth0
"""


@pytest.mark.parametrize("address", ROUTABLE.split())
def test_a_globally_routable_address_is_permitted_by_https_only(address: str) -> None:
    assert STRICT.permits(address, plain=False)
    assert not STRICT.permits(address, plain=True)
    assert ANY_HTTP.permits(address, plain=True)


@pytest.mark.parametrize("address", INSIDE.split())
def test_an_address_that_is_not_globally_routable_is_refused(address: str) -> None:
    assert not STRICT.permits(address, plain=False)
    assert not ANY_HTTP.permits(address, plain=True)


@pytest.mark.parametrize(
    "address",
    ["", "localhost", "1", "2130706433", "127.1", "0177.0.0.1", "0x7f.0.0.1", "127.0.0.1.", "127.0.0.01", "1.1.1.1/32"],
)
def test_what_is_not_an_address_is_refused(address: str) -> None:
    assert not TargetPolicy.of(["0.0.0.0/0", "::/0"], allow_http=True).permits(address, plain=False)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_an_allowed_network_may_be_sent_to_by_http_too(address: str) -> None:
    assert LOOPBACK.permits(address, plain=True)
    assert LOOPBACK.permits(address, plain=False)


def test_allowing_one_network_allows_no_other_and_no_http_elsewhere() -> None:
    assert not LOOPBACK.permits("10.0.0.1", plain=False)
    assert not LOOPBACK.permits("8.8.8.8", plain=True)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/hook?a=b",
        "https://example.com:8443/",
        "https://8.8.8.8/",
        "https://[2606:4700::1111]:444/",
        "https://bücher.example/",
        "HTTPS://EXAMPLE.COM",
        "https://example.com/" + "a" * (MAX_URL_OCTETS - 20),
    ],
)
def test_an_https_url_is_taken(url: str) -> None:
    assert parse_target(url, STRICT).scheme == "https"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "/hook",
        "//example.com/",
        "http://example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://",
        "https:///path",
        "https://:443/",
        "https://user@example.com/",
        "https://user:secret@example.com/",
        "https://:@example.com/",
        "https://example.com/#part",
        "https://example.com:0/",
        "https://example.com:65536/",
        "https://example.com:x/",
        "https://exa mple.com/",
        "https://example.com/\r\nHost: other",
        "https://example.com\\@127.0.0.1/",
        "https://example.com/\x00",
        "https://example.com/\ud800",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0/",
        "https://017700000001/",
        "https://127.0.0.1./",
        "https://１２７.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[fe80::1%25eth0]/",
        "https://[::1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://100.64.0.1/",
        "https://example.com/" + "a" * MAX_URL_OCTETS,
    ],
)
def test_any_other_url_is_refused_with_its_path(url: str) -> None:
    with pytest.raises(InvalidError) as refused:
        parse_target(url, STRICT)
    assert refused.value.path == ("url",)


def answering(**names: list[str]) -> Resolver:
    def lookup(host: str, port: int) -> list[str]:
        try:
            return names[host.partition(".")[0]]
        except KeyError:
            raise socket.gaierror(f"{host} not known") from None

    return Resolver(lookup)


async def test_a_name_is_judged_at_creation_by_every_address_it_has() -> None:
    resolver = answering(good=["8.8.8.8", "2606:4700::1111"], mixed=["8.8.8.8", "10.0.0.1"], inside=["fd00::1"])
    assert (await resolver.check("https://good.example/x", STRICT)).host == "good.example"
    for name in ("mixed", "inside"):
        with pytest.raises(InvalidError, match="globally routable"):
            await resolver.check(f"https://{name}.example/", STRICT)
    resolver.close()


async def test_a_name_that_does_not_resolve_passes_creation_by_https_only() -> None:
    resolver = answering(here=["127.0.0.1"])
    assert (await resolver.check("https://nowhere.example/", STRICT)).host == "nowhere.example"
    assert (await resolver.check("http://here.example/", LOOPBACK)).host == "here.example"
    with pytest.raises(InvalidError):
        await resolver.check("http://nowhere.example/", LOOPBACK)
    resolver.close()


async def test_hexadecimal_addresses_are_judged_as_the_system_reads_them() -> None:
    resolver = Resolver()
    with pytest.raises(InvalidError):
        await resolver.check("https://0x7f000001/", STRICT)
    with pytest.raises(InvalidError):
        await resolver.check("https://localhost/", STRICT)
    resolver.close()


async def test_a_send_judges_the_addresses_again_and_connects_to_nothing_else() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        port = server.getsockname()[1]
        resolver = answering(rebound=["127.0.0.1"], mixed=["8.8.8.8", "127.0.0.1"])
        poster = Poster(resolver, STRICT)
        for url in (
            f"https://rebound.example:{port}/",
            f"https://mixed.example:{port}/",
            f"https://127.0.0.1:{port}/",
            f"https://2130706433:{port}/",
            f"http://rebound.example:{port}/",
        ):
            outcome = await poster.post(url, b"k" * 32, 1, 1, b"{}")
            assert (outcome.status, outcome.refused, outcome.delivered) == (None, True, False), url
        with pytest.raises(BlockingIOError):
            server.accept()
        await poster.close()
        resolver.close()


async def test_the_client_connects_to_the_judged_address_without_asking_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        asked: list[str] = []

        def lookup(host: str, port: int) -> list[str]:
            asked.append(host)
            return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

        resolver = Resolver(lookup)
        poster = Poster(resolver, LOOPBACK)
        server.setblocking(False)
        outcome_due = poster.post(f"http://pinned.invalid:{server.getsockname()[1]}/", b"k" * 32, 1, 1, b"{}")
        attempt = asyncio.ensure_future(outcome_due)
        peer, _ = await asyncio.get_running_loop().sock_accept(server)
        peer.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        assert (await attempt).delivered
        assert asked == ["pinned.invalid"]
        peer.close()
        await poster.close()
        resolver.close()


def test_no_socket_is_made_for_an_address_that_is_not_permitted() -> None:
    make = guarded_socket(STRICT, plain=False)
    for address in (("127.0.0.1", 443), ("::1", 443, 0, 0), ("127.1", 443)):
        with pytest.raises(TargetRefusedError):
            make((socket.AF_INET, socket.SOCK_STREAM, 6, "", address))
    make((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", 443))).close()


async def test_a_name_that_does_not_resolve_is_a_failure_to_be_retried() -> None:
    resolver = answering()
    poster = Poster(resolver, STRICT)
    outcome = await poster.post("https://nowhere.example/", b"k" * 32, 1, 1, b"{}")
    assert (outcome.status, outcome.refused, outcome.delivered) == (None, False, False)
    await poster.close()
    resolver.close()
