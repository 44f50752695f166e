"""SMPP sessions on a hub: slots and work in hand are given back whatever a peer does, and closing loses nothing."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hub_world import CODE, DELIVERED, Carrier, World, phone, turn, until

from motet.domain.states import MessageState
from motet.hub.accounts import Account
from motet.hub.hub import Hub
from motet.links.esme_requests import MULTIS_AT_ONCE
from motet.links.esme_server import SESSION_LIMITS, EsmeServer
from motet.links.esme_session import BACKLOG_OCTETS, EsmeSession
from motet.links.smsc_bind import SmscBind
from motet.links.smsc_links import BIND_LIMITS
from motet.smpp.pdu import Bind
from motet.storage import smpp_account
from raw_esme import (
    BIND_TRANSCEIVER,
    DATA_SM,
    DELIVER_SM,
    GENERIC_NACK,
    QUERY_SM,
    RESPONSE,
    SUBMIT_MULTI,
    SUBMIT_SM,
    UNBIND,
    Pdu,
    bind_body,
    data_body,
    multi_body,
    pdu,
    sm_body,
    tlv,
)

RTHROTTLED, RMSGQFUL, RSYSERR, RX_T_APPN = 0x58, 0x14, 0x08, 0x64


class Wire(asyncio.Transport):
    """A socket's place: what is written piles up here. `stuck` is a peer whose host is gone: nothing gets out."""

    def __init__(self) -> None:
        super().__init__()
        self.protocol: asyncio.Protocol | None = None
        self.octets = b""
        self.stuck = False
        self.closing = False
        self.reading = True

    def write(self, data: Any) -> None:
        self.octets += data

    def close(self) -> None:
        if not self.closing:
            self.closing = True
            if not self.stuck:
                self._lose()

    def abort(self) -> None:
        self.closing = True
        self._lose()

    def is_closing(self) -> bool:
        return self.closing

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def _lose(self) -> None:
        assert self.protocol is not None
        asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)

    def pdus(self) -> list[Pdu]:
        """What was written since the last call."""
        octets, self.octets = self.octets, b""
        return list(split(octets))


def split(octets: bytes) -> Iterator[Pdu]:
    while octets:
        length, command_id, status, sequence = struct.unpack_from(">IIII", octets)
        yield Pdu(command_id, status, sequence, octets[16:length])
        octets = octets[length:]


class Smsc:
    """The other end of an SmscBind, at the level of octets."""

    def __init__(self, hub: Hub, *, window: int = 5) -> None:
        self.wire = Wire()
        self.lost: list[str] = []
        self.bind = SmscBind(
            hub, BIND_LIMITS, link_id=1, window=window, credentials=Bind("us", "secret", "", 0x34),
            on_lost=self.lost.append, on_alert=lambda body: None,
        )  # fmt: skip
        self.wire.protocol = self.bind
        self.bind.connection_made(self.wire)
        self.window = window
        self.submits: list[Pdu] = []

    async def bound(self) -> Smsc:
        await until(lambda: self.wire.octets)
        [request] = self.wire.pdus()
        assert request.command_id == BIND_TRANSCEIVER
        self.say(BIND_TRANSCEIVER | RESPONSE, request.sequence, b"smsc\0" + tlv(0x0210, b"\x34"))
        return self

    def say(self, command_id: int, sequence: int, body: bytes = b"", status: int = 0) -> None:
        self.bind.data_received(pdu(command_id, sequence, body, status))

    async def submitted(self, count: int) -> list[Pdu]:
        """The next submit_sm, once so many are there."""
        found: list[Pdu] = []

        def enough() -> bool:
            found.extend(one for one in self.wire.pdus() if one.command_id == SUBMIT_SM)
            return len(found) >= count

        await until(enough)
        return found

    def receipt(self, smsc_id: str, sequence: int) -> None:
        text = f"id:{smsc_id} sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 stat:DELIVRD err:000 text:"
        self.say(DELIVER_SM, sequence, sm_body(CODE, text.encode(), source=(1, 1, phone()), esm_class=4))


async def test_a_life_through_a_bind(world: World) -> None:
    hub = await world.hub()
    smsc = await Smsc(hub).bound()
    message_id = await world.esme(hub).send(b"hi")
    [submit] = await smsc.submitted(1)
    smsc.say(SUBMIT_SM | RESPONSE, submit.sequence, b"abc\0")
    smsc.receipt("abc", 900)
    await world.until_state(message_id, DELIVERED)
    await until(lambda: Pdu(DELIVER_SM | RESPONSE, 0, 900, b"\0") in smsc.wire.pdus())
    assert smsc.bind.free == smsc.window


async def test_every_kind_of_answer_gives_its_slot_back(world: World) -> None:
    hub = await world.hub()
    smsc = await Smsc(hub, window=6).bound()
    esme = world.esme(hub)
    for _ in range(6):
        esme.submit()
    one, two, three, four, five, six = await smsc.submitted(6)
    smsc.say(SUBMIT_SM | RESPONSE, one.sequence, b"a\0")
    smsc.say(SUBMIT_SM | RESPONSE, two.sequence, status=0x0B)
    smsc.say(GENERIC_NACK, three.sequence, status=0)
    smsc.say(GENERIC_NACK, four.sequence, status=3)
    smsc.say(SUBMIT_SM | RESPONSE, five.sequence, b"no end")
    smsc.say(SUBMIT_SM | RESPONSE, six.sequence, b"\0")
    await until(lambda: smsc.bind.free == 6)
    await world.until_rows("SELECT count(*) FROM message WHERE state = 5", 3)
    rows = await world.rows("SELECT state, error FROM message ORDER BY id")
    assert [row["state"] for row in rows] == [0, 5, 5, 5, 0, 0]
    assert [row["error"] for row in rows[1:4]] == ["ESME_RINVDSTADR", "GENERIC_NACK", "ESME_RINVCMDID"]
    ids = {row["smsc_message_id"] for row in await world.rows("SELECT smsc_message_id FROM submit")}
    assert len(ids) == 3
    assert "a" in ids
    assert "" not in ids


async def test_throttled_and_full_are_tried_again(world: World) -> None:
    hub = await world.hub()
    smsc = await Smsc(hub, window=2).bound()
    esme = world.esme(hub)
    esme.submit()
    esme.submit()
    for status in (RTHROTTLED, RMSGQFUL, RSYSERR):
        for submit in await smsc.submitted(2):
            smsc.say(SUBMIT_SM | RESPONSE, submit.sequence, status=status)
    for submit in await smsc.submitted(2):
        smsc.say(SUBMIT_SM | RESPONSE, submit.sequence, b"x%d\0" % submit.sequence)
    await until(lambda: smsc.bind.free == 2)


async def test_a_bind_that_closes_while_its_peer_is_stuck_rejects_nothing(world: World) -> None:
    hub = await world.hub()
    smsc = await Smsc(hub, window=2).bound()
    esme = world.esme(hub)
    ids = [await esme.send(b"%d" % n) for n in range(6)]
    await smsc.submitted(2)
    smsc.wire.stuck = True
    smsc.bind.data_received(struct.pack(">IIII", 8, 0, 0, 0))  # garbage: the session is over
    assert smsc.bind.session.closing
    assert hub.relay.binds == []
    carrier = Carrier(hub, size=10).up()
    await until(lambda: len(carrier.window) == 4)
    smsc.bind.connection_lost(None)
    await until(lambda: len(carrier.window) == 6)
    carrier.receipts(carrier.take())
    for message_id in ids:
        await world.until_state(message_id, DELIVERED)
    await world.check_empty(hub, [carrier])
    assert len(smsc.lost) == 1


async def test_what_a_dying_bind_is_given_comes_back(world: World) -> None:
    """Between the end of its session and the hub's hearing of it, and while it unbinds."""
    hub = await world.hub()
    smsc = await Smsc(hub, window=3).bound()
    smsc.bind.session.close("the end")
    message_id = await world.esme(hub).send()
    carrier = Carrier(hub)
    smsc.bind.connection_lost(None)
    carrier.up()
    await until(lambda: carrier.window)
    carrier.receipts(carrier.take())
    await world.until_state(message_id, DELIVERED)
    await world.check_empty(hub, [carrier])


async def test_an_unbind_of_the_smsc_gives_its_window_to_others(world: World) -> None:
    hub = await world.hub()
    smsc = await Smsc(hub, window=2).bound()
    esme = world.esme(hub)
    for _ in range(3):
        esme.submit()
    await smsc.submitted(2)
    smsc.say(UNBIND, 77)
    carrier = Carrier(hub).up()
    await until(lambda: len(carrier.window) == 3)
    carrier.receipts(carrier.take())
    await world.check_empty(hub, [carrier])


async def test_a_submit_without_answer_ends_the_bind(world: World) -> None:
    hub = await world.hub()
    smsc = await Smsc(hub).bound()
    await world.esme(hub).send()
    await smsc.submitted(1)
    loop = asyncio.get_running_loop()
    events = smsc.bind.session.on_time(loop.time() + 31)
    smsc.bind.handle(events)
    await until(lambda: smsc.lost)
    carrier = Carrier(hub).up()
    await until(lambda: carrier.window)


async def test_a_cancel_without_answer_or_without_link_fails(world: World) -> None:
    hub = await world.hub()
    smsc = await Smsc(hub).bound()
    message_id = await world.esme(hub).send()
    [submit] = await smsc.submitted(1)
    smsc.say(SUBMIT_SM | RESPONSE, submit.sequence, b"abc\0")
    for status, command in ((0, GENERIC_NACK), (0x11, 8 | RESPONSE)):
        cancel = asyncio.create_task(hub.cancel(world.workspace_id, message_id))
        await until(lambda: b"abc\0" in smsc.wire.octets)
        [request] = [one for one in smsc.wire.pdus() if one.command_id == 8]
        smsc.say(command, request.sequence, status=status)
        [result] = await asyncio.gather(cancel, return_exceptions=True)
        assert type(result).__name__ == "UpstreamError"
    cancel = asyncio.create_task(hub.cancel(world.workspace_id, message_id))
    await until(lambda: b"abc\0" in smsc.wire.octets)
    smsc.wire.abort()
    [result] = await asyncio.gather(cancel, return_exceptions=True)
    assert type(result).__name__ == "UpstreamError"
    assert await world.state(message_id) == MessageState.OPEN


# ESMEs ---------------------------------------------------------------------------------------------------------------


class Application:
    """The other end of an EsmeSession, at the level of octets."""

    def __init__(self, world: World, hub: Hub, account: Account) -> None:
        server = EsmeServer(hub, None)  # type: ignore[arg-type]  # nobody proves anything here
        self.wire = Wire()
        self.session = EsmeSession(server, SESSION_LIMITS)
        self.wire.protocol = self.session
        self.session.connection_made(self.wire)
        self.account = account
        server.bind_requested = lambda session, event: session.bound_to(account, event)  # type: ignore[method-assign]
        account.binds += 1
        self.say(BIND_TRANSCEIVER, 1, bind_body("demo", "x"))
        self.seen: list[Pdu] = []

    def say(self, command_id: int, sequence: int, body: bytes = b"", status: int = 0) -> None:
        self.session.data_received(pdu(command_id, sequence, body, status))

    def read(self) -> list[Pdu]:
        self.seen.extend(self.wire.pdus())
        return self.seen

    def of(self, command_id: int) -> list[Pdu]:
        return [one for one in self.read() if one.command_id == command_id]


async def application(world: World, hub: Hub, *, window: int = 10) -> Application:
    row = await smpp_account.find_account(world.database.pool, "demo")
    assert row is not None
    account = Account(row, hub.open_by_account, CODE)
    account.window_size = window
    made = Application(world, hub, account)
    await until(lambda: made.of(BIND_TRANSCEIVER | RESPONSE))
    return made


async def test_work_in_hand_returns_to_zero(world: World) -> None:
    hub = await world.hub()
    app = await application(world, hub)
    bodies = [
        (SUBMIT_SM, sm_body(phone(), b"ok")),
        (SUBMIT_SM, sm_body("99999999999", b"nobody")),
        (SUBMIT_SM, sm_body("abc", b"no number")),
        (SUBMIT_SM, sm_body(phone(), b"ok", schedule="nonsense")),
        (SUBMIT_SM, sm_body(phone(), b"ok", replace=1)),
        (SUBMIT_SM, sm_body(phone(), b"x" * 100, esm_class=0x40)),
        (DATA_SM, data_body(phone(), tlv(0x0424, b"data"))),
        (DATA_SM, data_body("abc", tlv(0x0424, b"data"))),
        (SUBMIT_MULTI, multi_body([phone(1), phone(2), "abc", phone(1)], b"multi")),
        (SUBMIT_MULTI, multi_body(["abc"], b"none")),
        (QUERY_SM, b"12345\0\0\0\0"),
        (QUERY_SM, b"no id\0\0\0\0"),
        (8, b"\0" + b"12345\0" + b"\0\0\0" + b"\0\0\0"),
        (7, b"12345\0" + b"\0\0\0" + b"\0\0" + bytes((1, 0, 3)) + b"new"),
    ]
    for n in range(3):
        for sequence, (command_id, body) in enumerate(bodies, start=100 * n + 100):
            app.say(command_id, sequence, body)
    await until(lambda: len([one for one in app.read() if one.command_id & RESPONSE]) == 1 + 3 * len(bodies))
    assert app.session._in_work == 0
    assert not app.session._backlog
    answered = [one.sequence for one in app.read() if one.command_id & RESPONSE and one.sequence >= 100]
    assert sorted(answered) == sorted({100 * n + 100 + i for n in range(3) for i in range(len(bodies))})


async def test_beyond_the_window_commands_wait_and_are_all_answered(world: World) -> None:
    hub = await world.hub()
    app = await application(world, hub, window=3)
    await world.esme(hub).send()
    octets = b"".join(pdu(SUBMIT_SM, n, sm_body(phone(), b"%d" % n)) for n in range(10, 60))
    app.session.data_received(octets)
    assert app.session._in_work == 3
    assert len(app.session._backlog) == 47
    assert not app.wire.reading, "far beyond the window the socket is not read"
    await until(lambda: len(app.of(SUBMIT_SM | RESPONSE)) == 50)
    assert app.wire.reading
    assert app.session._in_work == 0
    rows = await world.rows("SELECT payload FROM message ORDER BY id")
    assert [row["payload"] for row in rows[1:]] == [b"%d" % n for n in range(10, 60)]


async def test_long_commands_that_wait_are_bounded_by_their_octets(world: World) -> None:
    hub = await world.hub()
    app = await application(world, hub, window=100)
    await world.esme(hub).send()
    app.session.data_received(b"".join(pdu(SUBMIT_SM, n, sm_body(phone(), b"ok")) for n in range(100, 200)))
    long = sm_body(phone(), b"") + tlv(0x0424, b"x" * 60_000)
    for n in range(200, 400):
        app.session.data_received(pdu(SUBMIT_SM, n, long))
        if not app.wire.reading:
            break
    waiting = len(app.session._backlog)
    assert waiting == BACKLOG_OCTETS // len(pdu(SUBMIT_SM, 1, long)) + 1
    await until(lambda: len(app.of(SUBMIT_SM | RESPONSE)) == 100 + waiting)
    assert app.wire.reading
    assert (app.session._in_work, app.session._backlog_octets) == (0, 0)


async def test_many_submit_multi_are_worked_on_some_at_a_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = await world.hub()
    app = await application(world, hub, window=50)
    loading, most, load = 0, 0, hub.numbers.load

    async def counted(msisdns: Sequence[str]) -> Any:
        nonlocal loading, most
        loading += 1
        most = max(most, loading)
        try:
            return await load(msisdns)
        finally:
            loading -= 1

    monkeypatch.setattr(hub.numbers, "load", counted)
    for n in range(50):
        app.say(SUBMIT_MULTI, 100 + n, multi_body([f"8888{n:04}{k:02}" for k in range(50)], b"x"))
    await until(lambda: len(app.of(SUBMIT_MULTI | RESPONSE)) == 50)
    assert most == MULTIS_AT_ONCE
    assert app.session._in_work == 0


async def test_an_unbind_waits_for_the_answers_and_for_what_is_behind_the_window(world: World) -> None:
    hub = await world.hub()
    app = await application(world, hub, window=2)
    octets = b"".join(pdu(SUBMIT_SM, n, sm_body(phone(), b"%d" % n)) for n in range(10, 16))
    octets += b"".join(pdu(SUBMIT_SM, n, sm_body("abc", b"%d" % n)) for n in range(16, 20))
    app.session.data_received(octets + pdu(UNBIND, 99))
    await until(lambda: app.of(UNBIND | RESPONSE))
    assert [one.sequence for one in app.of(SUBMIT_SM | RESPONSE)] == list(range(10, 20))
    assert app.seen[-1].command_id == UNBIND | RESPONSE


async def test_a_link_that_ends_with_work_in_hand_leaves_nothing(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    app = await application(world, hub, window=5)
    app.session.data_received(b"".join(pdu(SUBMIT_SM, n, sm_body(phone(), b"x")) for n in range(10, 30)))
    app.wire.abort()
    await until(lambda: len(carrier.window) == 5)
    carrier.receipts(carrier.take())
    await world.check_empty(hub, [carrier])
    assert hub.esmes.outboxes == {}


async def test_receipts_given_to_a_session_that_is_closing_are_kept(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    esme = world.esme(hub)
    app = await application(world, hub)
    app.wire.stuck = True
    app.session.data_received(struct.pack(">IIII", 8, 0, 0, 0))  # garbage: the session is over
    assert app.session.session.closing
    ids = [await esme.send() for _ in range(3)]
    await until(lambda: len(carrier.window) == 3)
    carrier.receipts(carrier.take())
    for message_id in ids:
        await world.until_state(message_id, DELIVERED)
    await until(lambda: not hub.live)
    assert await world.value("SELECT count(*) FROM esme_answer") == 0
    app.session.connection_lost(None)
    esme.up()
    await until(lambda: len(esme.got) == 3)
    assert hub.counters.deliveries_refused == 0


async def test_what_a_bind_leaves_unanswered_after_its_unbind_goes_to_the_other(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    esme = world.esme(hub)
    app = await application(world, hub)
    await esme.send()
    await until(lambda: carrier.window)
    carrier.receipts(carrier.take())
    await until(lambda: app.of(DELIVER_SM))
    esme.up()
    app.say(UNBIND, 50)
    await until(lambda: app.wire.closing)
    await until(lambda: len(esme.got) == 1)
    esme.take()
    await world.check_empty(hub, [carrier])


async def test_answers_to_receipts(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    esme = world.esme(hub)
    app = await application(world, hub, window=4)
    for _ in range(4):
        await esme.send()
    await until(lambda: len(carrier.window) == 4)
    carrier.receipts(carrier.take())
    await until(lambda: len(app.of(DELIVER_SM)) == 4)
    first, second, third, fourth = app.of(DELIVER_SM)
    app.say(DELIVER_SM | RESPONSE, first.sequence, b"\0")
    app.say(DELIVER_SM | RESPONSE, second.sequence, b"\0", RX_T_APPN)
    app.say(DELIVER_SM | RESPONSE, third.sequence, b"\0", 0x0B)
    app.say(GENERIC_NACK, fourth.sequence, status=0)
    await until(lambda: len(app.of(DELIVER_SM)) == 6)
    for one in app.of(DELIVER_SM)[4:]:
        app.say(DELIVER_SM | RESPONSE, one.sequence, b"\0")
    await world.check_empty(hub, [carrier])
    assert app.session.free == 4
    assert await world.value("SELECT count(*) FROM esme_answer") == 4
    for _ in range(3):
        await turn()
