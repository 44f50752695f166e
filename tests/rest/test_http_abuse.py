"""Peers that send too slowly, too much, or read nothing: each is told or cut, and the others go on."""

from __future__ import annotations

import asyncio
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from http_peers import GUARD_S, Answer, Site, site

from certificates import Authority
from motet.bootstrap.tls import Certificate
from motet.domain.cidrs import parse_cidr
from motet.domain.seats import SeatLimits
from motet.rest.edge import EdgeRules
from motet.rest.http_protocol import HttpBounds

FEW = SeatLimits(sessions=8, unbound=6, sessions_per_address=5, unbound_per_address=3)


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(GUARD_S):
        while not condition():  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.001)


def error(answer: Answer) -> tuple[int, str]:
    """Status and code of an error, which has the form that all have."""
    told = orjson.loads(answer.body)
    assert list(told) == ["error"]
    assert sorted(told["error"]) == ["code", "message", "path"]
    assert answer.headers["content-type"] == "application/json"
    return answer.status, told["error"]["code"]


async def test_a_head_that_does_not_come_in_time_is_refused() -> None:
    async with site(HttpBounds(head_s=0.0)) as here:
        silent = await here.connect()
        slow = await here.connect()
        slow.send(b"GET /healthz HTTP/1.1\r\nhost:")
        for peer in (silent, slow):
            assert error(await peer.answer()) == (408, "LIMIT_REACHED")
            assert await peer.ended() == b""
        assert len(here.protocol.seats) == 0


async def test_a_connection_in_use_outlives_the_deadline_of_a_head() -> None:
    async with site(HttpBounds(head_s=1.0)) as here:
        peer = await here.connect()
        ends_at = asyncio.get_running_loop().time() + 1.2
        while asyncio.get_running_loop().time() < ends_at:
            assert (await peer.ask("GET /healthz HTTP/1.1")).status == 200


async def test_the_head_of_a_further_request_has_a_deadline_too() -> None:
    async with site() as here:
        peer = await here.connect()
        assert (await peer.ask("GET /healthz HTTP/1.1")).status == 200
        here.protocol.bounds = HttpBounds(head_s=0.0)
        peer.send(b"GET /hea")
        assert error(await peer.answer()) == (408, "LIMIT_REACHED")


async def test_no_refusal_stands_in_the_middle_of_an_answer() -> None:
    async with site() as here:
        peer = await here.connect()
        peer.send(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n")
        await peer.reader.readuntil(b"\r\n\r\n")
        here.protocol.bounds = HttpBounds(head_s=0.0)
        peer.send(b"GET /hea")
        assert b"HTTP/1.1 408" not in await peer.ended()


@pytest.mark.parametrize(
    "head",
    [
        b"GET /healthz HTTP/1.1\r\nx: " + b"y" * 40_000 + b"\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n" + b"a: b\r\n" * 101 + b"\r\n",
        b"GET /" + b"x" * 40_000 + b" HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nx: " + b"y" * 5_000_000,
    ],
)
async def test_a_head_that_is_too_large_is_refused(head: bytes) -> None:
    async with site() as here:
        peer = await here.connect()
        peer.send(head)
        assert error(await peer.answer()) == (431, "INVALID")


async def test_large_bodies_one_behind_the_other_are_no_large_head() -> None:
    async with site() as here:
        peer = await here.connect()
        for _ in range(5):
            answer = await peer.ask("POST /echo HTTP/1.1", b"x" * 500_000)
            assert orjson.loads(answer.body) == {"octets": 500_000}
        whole = b"POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 40000\r\n\r\n" + b"x" * 40_000
        peer.send(whole * 3)
        assert [orjson.loads((await peer.answer()).body) for _ in range(3)] == [{"octets": 40_000}] * 3


async def test_what_is_no_http_is_told_so_and_closed() -> None:
    async with site() as here:
        for rubbish in (
            b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
            b"GET / HTTP/9.9\r\n\r\n",
            b"\r\n\r\nnonsense\r\n\r\n",
        ):
            peer = await here.connect()
            peer.send(rubbish)
            answer = await peer.answer()
            assert (*error(answer), "server" in answer.headers) == (400, "INVALID", False)
            assert await peer.ended() == b""


async def test_a_body_that_comes_too_slowly_is_refused() -> None:
    async with site(rules=EdgeRules(body_grace_s=0.0)) as here:
        for path in ("/echo", "/free"):
            peer = await here.connect()
            peer.send(f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n".encode())
            assert error(await peer.answer()) == (408, "LIMIT_REACHED")
            assert await peer.ended() == b""
        assert (await here.ask("GET /healthz HTTP/1.1")).status == 200


async def test_a_body_that_is_too_large_is_refused_said_or_not() -> None:
    async with site(rules=EdgeRules(body_octets=1_000)) as here:
        assert (await here.ask("POST /echo HTTP/1.1", b"x" * 1_000)).status == 200
        assert error(await here.ask("POST /echo HTTP/1.1", b"x" * 1_001)) == (413, "LIMIT_REACHED")
        peer = await here.connect()
        peer.send(b"POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3e9\r\n" + b"x" * 1_001)
        assert error(await peer.answer()) == (413, "LIMIT_REACHED")
        assert (await here.ask("POST /free HTTP/1.1", b"x" * 1_001)).status == 200, "it has a bound of its own"


async def test_who_goes_on_sending_after_the_answer_is_cut() -> None:
    async with site(HttpBounds(linger_s=0.0)) as here:
        peer = await here.connect()
        peer.send(b"POST /early HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nx")
        assert (await peer.answer()).status == 200
        assert await peer.ended() == b""


async def test_a_client_that_sends_all_of_a_large_body_first_sees_the_answer() -> None:
    def ask(address: tuple[str, int]) -> int:
        body = b"x" * 20_000_000
        request = urllib.request.Request(f"http://{address[0]}:{address[1]}/echo", body)  # with Connection: close
        try:
            urllib.request.urlopen(request, timeout=GUARD_S)  # noqa: S310 - http:
        except urllib.error.HTTPError as refused:
            return refused.code
        return 0

    async with site(rules=EdgeRules(body_octets=1_000)) as here:
        assert await asyncio.to_thread(ask, here.address) == 413


async def test_who_sends_without_end_after_the_answer_is_cut() -> None:
    async with site(HttpBounds(linger_octets=1_000_000), EdgeRules(body_octets=10_000_000)) as here:
        peer = await here.connect()
        peer.send(b"POST /early HTTP/1.1\r\nhost: x\r\ncontent-length: 9000000\r\n\r\nx")
        assert (await peer.answer()).status == 200
        peer.send(b"x" * 2_000_000)
        assert await peer.ended() == b""


async def test_who_does_not_read_the_answer_is_cut() -> None:
    async with site(HttpBounds(unread_s=0.0)) as here:
        peer = await here.connect()
        peer.send(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n")
        await until(lambda: len(here.protocol.seats) == 1)
        await until(lambda: len(here.protocol.seats) == 0)
        assert (await here.ask("GET /healthz HTTP/1.1")).status == 200


async def test_idle_connections_make_room_for_others_and_those_in_use_do_not() -> None:
    async with site(HttpBounds(seats=FEW)) as here:
        busy = await here.connect("127.0.0.9")
        busy.send(b"GET /hold HTTP/1.1\r\nhost: x\r\n\r\n")
        await until(lambda: here.held == 1)
        idle = [await here.connect("127.0.0.66") for _ in range(20)]
        assert [await peer.ended() for peer in idle[:17]] == [b""] * 17
        assert (await here.ask("GET /healthz HTTP/1.1", source="127.0.0.66")).status == 200
        for number in range(20):
            assert (await here.ask("GET /healthz HTTP/1.1", source=f"127.0.1.{number}")).status == 200
        here.release.set()
        assert (await busy.answer()).status == 200


async def test_when_all_connections_are_in_use_another_is_told_so() -> None:
    async with site(HttpBounds(seats=FEW)) as here:
        for number in range(8):
            peer = await here.connect(f"127.0.0.{number // 4 + 1}")
            peer.send(b"GET /hold HTTP/1.1\r\nhost: x\r\n\r\n")
            await until(lambda so_far=number: here.held == so_far + 1)  # type: ignore[misc]
        other = await here.connect("127.0.0.77")
        assert error(await other.answer()) == (503, "LIMIT_REACHED")


async def test_requests_of_an_address_at_once_are_bounded_behind_a_proxy_too() -> None:
    rules = EdgeRules(proxies=(parse_cidr("127.0.0.0/24"),), requests_per_address=2)
    async with site(rules=rules) as here:
        peers = [await here.connect() for _ in range(3)]
        for number, peer in enumerate(peers[:2]):
            peer.send(b"GET /hold HTTP/1.1\r\nhost: x\r\nx-forwarded-for: 192.0.2.1\r\n\r\n")
            await until(lambda so_far=number: here.held == so_far + 1)  # type: ignore[misc]
        refused = await peers[2].ask("GET /who HTTP/1.1\r\nx-forwarded-for: 192.0.2.1")
        assert (*error(refused), refused.headers["retry-after"]) == (429, "LIMIT_REACHED", "1")
        assert (await here.ask("GET /who HTTP/1.1\r\nx-forwarded-for: 192.0.2.2")).status == 200


async def who(here: Site, headers: str, source: str = "127.0.0.1") -> Any:
    return orjson.loads((await here.ask(f"GET /who HTTP/1.1\r\n{headers}".rstrip(), source=source)).body)


async def test_forwarded_addresses_are_believed_of_trusted_proxies_alone() -> None:
    forwarded = "x-forwarded-for: 203.0.113.9, 192.0.2.7\r\nx-forwarded-proto: https"
    async with site() as here:
        assert await who(here, forwarded) == {"client": "127.0.0.1", "scheme": "http"}
    async with site(rules=EdgeRules(proxies=(parse_cidr("127.0.0.1"),))) as here:
        assert await who(here, forwarded) == {"client": "192.0.2.7", "scheme": "https"}
        assert await who(here, forwarded, "127.0.0.2") == {"client": "127.0.0.2", "scheme": "http"}


async def test_every_error_has_one_form_and_tells_nothing_of_us() -> None:
    async with site() as here:
        for head, status, code in (
            ("GET /nowhere HTTP/1.1", 404, "NOT_FOUND"),
            ("DELETE /who HTTP/1.1", 405, "INVALID"),
            ("GET /fails HTTP/1.1", 500, "INTERNAL"),
            ("GET /away HTTP/1.1", 503, "INTERNAL"),
        ):
            answer = await here.ask(head)
            assert error(answer) == (status, code)
            assert b"secret" not in answer.body
            assert "server" not in answer.headers


async def test_who_says_twice_who_asks_is_refused() -> None:
    async with site() as here:
        twice = "\r\nauthorization: Bearer a\r\nauthorization: Bearer b"
        assert error(await here.ask(f"GET /who HTTP/1.1{twice}")) == (400, "INVALID")
        peer = await here.connect()
        assert (await peer.upgrade("/talk", twice)).status == 403


async def test_what_every_answer_says_to_browsers() -> None:
    async with site() as here:
        for head in ("GET /healthz HTTP/1.1", "GET /nowhere HTTP/1.1", "GET /fails HTTP/1.1"):
            headers = (await here.ask(head)).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            assert headers["x-frame-options"] == "DENY"
            assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
            assert "strict-transport-security" not in headers
        page = await here.ask("GET /page HTTP/1.1")
        assert page.headers["content-security-policy"] == "default-src 'self'", "a page has its own"
    async with site(rules=EdgeRules(proxies=(parse_cidr("127.0.0.1"),))) as here:
        headers = (await here.ask("GET /healthz HTTP/1.1\r\nx-forwarded-proto: https")).headers
        assert headers["strict-transport-security"] == "max-age=31536000"


async def test_no_other_origin_may_ask_unless_it_is_named() -> None:
    ask = "OPTIONS /echo HTTP/1.1\r\norigin: {}\r\naccess-control-request-method: POST"
    async with site() as here:
        answer = await here.ask(ask.format("https://portal.example"))
        assert (answer.status, [name for name in answer.headers if "access-control" in name]) == (405, [])
    async with site(rules=EdgeRules(cors_origins=frozenset({"https://portal.example"}))) as here:
        answer = await here.ask(ask.format("https://portal.example"))
        assert (answer.status, answer.headers["access-control-allow-origin"]) == (204, "https://portal.example")
        assert "authorization" in answer.headers["access-control-allow-headers"]
        for other in ("https://evil.example", "null", "https://portal.example.evil.example"):
            answer = await here.ask(ask.format(other))
            assert (answer.status, "access-control-allow-origin" in answer.headers) == (405, False)
            assert answer.headers["vary"] == "Origin"
        told = await here.ask("GET /who HTTP/1.1\r\norigin: https://portal.example")
        assert told.headers["access-control-allow-origin"] == "https://portal.example"
        assert "access-control-allow-credentials" not in told.headers


async def test_other_hosts_are_not_served_where_hosts_are_named() -> None:
    for hosts, status in (({"motet.example"}, 200), ({"other.example"}, 421)):
        async with site(rules=EdgeRules(hosts=frozenset(hosts))) as here:
            assert (await here.ask("GET /who HTTP/1.1")).status == status
            assert (await here.ask("GET /healthz HTTP/1.1")).status == 200


async def test_https_is_served_and_browsers_are_told_to_stay_with_it(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate = Certificate(*authority.sign("localhost", "server"))
    async with site(tls=certificate.for_server()) as here:
        trusting = ssl.create_default_context(cafile=str(authority.file))
        answer = await here.ask("GET /who HTTP/1.1", tls=trusting)
        assert orjson.loads(answer.body) == {"client": "127.0.0.1", "scheme": "https"}
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        plain = await here.connect()
        plain.send(b"GET /who HTTP/1.1\r\nhost: x\r\n\r\n")
        assert b"200" not in await plain.ended()


async def test_handshakes_have_a_deadline_and_those_that_hang_make_room(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    context = Certificate(*authority.sign("localhost", "server")).for_server()
    trusting = ssl.create_default_context(cafile=str(authority.file))
    async with site(HttpBounds(seats=FEW), tls=context) as here:
        silent = [await here.connect() for _ in range(4)]
        assert await silent[0].ended() == b""
        assert (await here.ask("GET /who HTTP/1.1", tls=trusting)).status == 200
    async with site(HttpBounds(handshake_s=0.05), tls=context) as here:
        assert await (await here.connect()).ended() == b""
        assert len(here.protocol.seats) == 0
