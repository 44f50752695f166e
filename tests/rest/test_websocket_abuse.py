"""WebSockets whose peers read nothing, break off or come in crowds: they are bounded as other connections are."""

from __future__ import annotations

import asyncio

import orjson
import pytest
from http_peers import GUARD_S, Peer, site

from motet.domain.seats import SeatLimits
from motet.rest.http_protocol import HttpBounds
from motet.rest.websocket_protocol import SocketBounds

TEXT, MORE, PING = 1, 0, 9
FEW = SeatLimits(sessions=8, unbound=6, sessions_per_address=5, unbound_per_address=3)


async def heard(peer: Peer) -> tuple[int, bytes]:
    """The opcode and the data of the next frame."""
    async with asyncio.timeout(GUARD_S):
        head = await peer.reader.readexactly(2)
        return head[0] & 15, await peer.reader.readexactly(head[1])


async def ping_on(peer: Peer) -> None:
    """Sends pings and reads nothing."""
    async with asyncio.timeout(GUARD_S):
        while True:
            peer.frame(PING, b"x" * 125)
            await peer.writer.drain()


@pytest.mark.parametrize("more", ["\r\ncontent-length: 5", "\r\ntransfer-encoding: chunked", "\r\nx: " + "y" * 10_000])
async def test_a_head_that_is_no_handshake_is_told_so_and_closed(more: str) -> None:
    async with site() as here:
        peer = await here.connect()
        answer = await peer.upgrade("/talk", more)
        assert answer.status == 400
        assert orjson.loads(answer.body)["error"]["code"] == "INVALID"
        assert await peer.ended() == b""
        assert len(here.protocol.seats) == 0


async def test_who_sends_pings_and_reads_no_answer_is_not_read() -> None:
    async with site() as here:
        peer = await here.connect()
        assert (await peer.upgrade("/talk")).status == 101
        peer.send((bytes([0x80 | PING, 0x80 | 125]) + bytes(4 + 125)) * 400_000)
        unread, for_ms = 0, 0
        async with asyncio.timeout(GUARD_S):
            while for_ms < 200:
                await asyncio.sleep(0.001)
                now = peer.writer.transport.get_write_buffer_size()
                unread, for_ms = now, for_ms + 1 if now == unread else 0
        assert unread > 0, "most of what was sent is still here"


async def test_who_reads_nothing_is_cut() -> None:
    async with site(HttpBounds(socket=SocketBounds(unread_s=0.0))) as here:
        peer = await here.connect()
        assert (await peer.upgrade("/known")).status == 101
        with pytest.raises(ConnectionError):
            await ping_on(peer)
        assert (await here.ask("GET /healthz HTTP/1.1")).status == 200


async def test_a_message_in_too_many_fragments_is_refused() -> None:
    async with site(HttpBounds(socket=SocketBounds(fragments=3))) as here:
        peer = await here.connect()
        assert (await peer.upgrade("/talk")).status == 101
        for opcode, final in ((TEXT, False), (MORE, False), (MORE, True)):
            peer.frame(opcode, b"a", final=final)
        assert await heard(peer) == (TEXT, b"aaa")
        for opcode in (TEXT, *[MORE] * 100):
            peer.frame(opcode, final=False)
        opcode, data = await heard(peer)
        assert (opcode, int.from_bytes(data[:2])) == (8, 1009)
        assert await peer.ended() == b""


async def test_sockets_have_places_and_make_room_until_their_callers_have_proved_who_they_are() -> None:
    async with site(HttpBounds(seats=FEW)) as here:
        known = await here.connect()
        assert (await known.upgrade("/known")).status == 101
        strangers = [await here.connect() for _ in range(3)]
        for stranger in strangers:
            assert (await stranger.upgrade("/talk")).status == 101
        assert (await here.ask("GET /healthz HTTP/1.1")).status == 200
        assert await strangers[0].ended() == b""
        for peer in (known, *strangers[1:]):
            peer.frame(TEXT, b"still here")
            assert await heard(peer) == (TEXT, b"still here")
        for peer in (known, *strangers):
            peer.close()
        async with asyncio.timeout(GUARD_S):
            while len(here.protocol.seats):  # noqa: ASYNC110 - it has no event
                await asyncio.sleep(0.001)
