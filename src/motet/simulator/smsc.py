"""The SMSC on the wire: links of ESMEs, answers after the commit, deliver_sm within the window of each bind."""

import asyncio
import hmac
import time
from collections import deque
from collections.abc import Callable
from typing import cast

import structlog

from motet.simulator.centre import SmsCentre
from motet.simulator.commands import COMMANDS
from motet.simulator.deliveries import Delivery
from motet.simulator.options import SimulatorOptions
from motet.simulator.store import Store
from motet.simulator.texts import RefusedError
from motet.smpp.constants import CommandId, CommandStatus
from motet.smpp.pdu import Bind
from motet.smpp.session import RESPONSE_INVALID, RESPONSE_TIMEOUT, Event, Limits, Session, Side, State

MAX_LINKS = 1_000
"""Connections at a time, bound or not; one more is closed at once."""

MAX_UNSENT_OCTETS = 4 << 20
"""What a peer may leave unread before we stop reading what it asks."""

_BINDS = frozenset({CommandId.BIND_RECEIVER, CommandId.BIND_TRANSMITTER, CommandId.BIND_TRANSCEIVER})
_SUBMITS = frozenset({CommandId.SUBMIT_SM, CommandId.DATA_SM, CommandId.SUBMIT_MULTI})
_BOUND = frozenset({State.BOUND_RX, State.BOUND_TX, State.BOUND_TRX})
_RECEIVING = frozenset({State.BOUND_RX, State.BOUND_TRX})

_LIMITS = Limits()
"""The timers of every session; the window is ours to keep."""

_log = structlog.get_logger("motet.simulator")


class Counters:
    """What `GET /stats` shows."""

    __slots__ = ("binds_total", "deliver_sm", "submit_sm")

    def __init__(self) -> None:
        self.submit_sm = 0
        """Accepted ones, data_sm and submit_multi included."""
        self.deliver_sm = 0
        """Sent, repeats included."""
        self.binds_total = 0


class Smsc:
    """All links, and the one place that commits and then writes."""

    def __init__(self, options: SimulatorOptions, centre: SmsCentre, store: Store, failed: Callable[[], None]) -> None:
        """`failed` is called when the store cannot be written: nothing may be acknowledged any more."""
        self.counters = Counters()
        self.centre = centre
        self.loop = asyncio.get_running_loop()
        self._options = options
        self._store = store
        self._failed = failed
        self._links: set[Link] = set()
        self._receivers: deque[Link] = deque()
        self._touched: set[Link] = set()
        self._flushing: asyncio.Handle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._server: asyncio.Server | None = None

    async def listen(self) -> tuple[str, int]:
        """Open the port; the address that ESMEs connect to."""
        host, port = self._options.smpp
        self._server = await self.loop.create_server(lambda: Link(self), host, port)
        self.touch()
        address = self._server.sockets[0].getsockname()
        return address[0], address[1]

    def close(self) -> None:
        """Stop listening and end all links; what they have not answered stays in the store."""
        if self._server is not None:
            self._server.close()
        for link in list(self._links):
            link.abort()
        for timer in (self._timer, self._flushing):
            if timer is not None:
                timer.cancel()

    @property
    def binds(self) -> int:
        """How many links are bound now."""
        return sum(link.session.state in _BOUND for link in self._links)

    def touch(self, link: "Link | None" = None) -> None:
        """Something is to be committed, or to be sent on this link: done once all that came at a time is handled."""
        if link is not None:
            self._touched.add(link)
        if self._flushing is None:
            self._flushing = self.loop.call_soon(self.flush)

    def flush(self) -> None:
        """Commit, then send the answers, then what is due to the receivers."""
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
        try:
            self._store.commit()
        except Exception:
            _log.exception("cannot write to the data directory, nothing is acknowledged any more")
            self._failed()
            raise
        self._deliver()
        touched, self._touched = self._touched, set()
        for link in touched:
            link.write()
        self._set_timer()

    def add(self, link: "Link") -> bool:
        """A new connection; False if there are too many."""
        if len(self._links) >= MAX_LINKS:
            return False
        self._links.add(link)
        return True

    def remove(self, link: "Link", unanswered: list[Delivery]) -> None:
        """The connection is gone; what it has not answered goes to the next."""
        self._links.discard(link)
        self._touched.discard(link)
        if link in self._receivers:
            self._receivers.remove(link)
        self.centre.deliveries.give_back(unanswered)
        self.touch()

    def bind(self, link: "Link", event: Event) -> bytes:
        """Accept a bind, or refuse it as the options say."""
        asked = event.body
        if not isinstance(asked, Bind):
            return link.session.refuse_bind(event, CommandStatus.ESME_RBINDFAIL)
        status = CommandStatus.ESME_ROK
        if asked.system_id != self._options.system_id:
            status = CommandStatus.ESME_RINVSYSID
        elif not hmac.compare_digest(asked.password.encode("latin-1"), self._options.password.encode("latin-1")):
            status = CommandStatus.ESME_RINVPASWD
        elif self.binds >= self._options.max_binds:
            status = CommandStatus.ESME_RBINDFAIL
        if status:
            _log.info("bind refused", system_id=asked.system_id, status=status.name)
            return link.session.refuse_bind(event, status)
        octets = link.session.accept_bind(event, self._options.system_id, self.loop.time())
        self.counters.binds_total += 1
        if link.session.state in _RECEIVING:
            self._receivers.append(link)
        _log.info("bound", state=link.session.state.name, peer=link.peer, version=hex(asked.interface_version))
        return octets

    def answer(self, link: "Link", event: Event) -> bytes:
        """Do what a request asks, and the response to it, to be sent after the commit."""
        command_id = event.command_id
        try:
            body = COMMANDS[command_id](self.centre, event.body, time.time())
        except RefusedError as refused:
            return link.session.respond(command_id, event.sequence_number, refused.status)
        if command_id in _SUBMITS:
            self.counters.submit_sm += 1
        return link.session.respond(command_id, event.sequence_number, CommandStatus.ESME_ROK, body)

    def answered(self, event: Event) -> None:
        """An ESME answered a deliver_sm, or let the time pass."""
        delivery: Delivery = event.context
        status = event.command_status
        if status == RESPONSE_TIMEOUT:
            self.centre.deliveries.give_back([delivery])
        else:
            temporary = status == RESPONSE_INVALID
            status = CommandStatus.ESME_RX_T_APPN if temporary else status
            self.centre.deliveries.answered(delivery, status, time.time())

    def _deliver(self) -> None:
        """Hand out what waits, in turn to each receiver that has room in its window."""
        deliveries, receivers = self.centre.deliveries, self._receivers
        now, window = time.time(), self._options.window
        full = 0
        while deliveries.is_ready and full < len(receivers):
            link = receivers[0]
            receivers.rotate(-1)
            if not link.has_room(window):
                full += 1
                continue
            full = 0
            delivery = deliveries.take(now)
            if delivery is None:
                return
            link.deliver(delivery)
            self._touched.add(link)
            self.counters.deliver_sm += 1

    def _set_timer(self) -> None:
        due = self.centre.next_due()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if due is not None:
            self._timer = self.loop.call_later(max(0.0, due - time.time()), self._on_time)

    def _on_time(self) -> None:
        self._timer = None
        self.centre.on_time(time.time())
        self.flush()


class Link(asyncio.Protocol):
    """A connection of an ESME and the session on it."""

    def __init__(self, smsc: Smsc) -> None:
        self.session = Session(Side.SMSC, now=smsc.loop.time(), limits=_LIMITS)
        self.peer = ""
        self._smsc = smsc
        self._out: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self._writing_paused = False
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        stream = cast(asyncio.Transport, transport)  # a stream server makes no other; uvloop's is no subclass
        if not self._smsc.add(self):
            stream.abort()
            return
        self._transport = stream
        self.peer = str(transport.get_extra_info("peername"))
        self._set_timer()

    def data_received(self, data: bytes) -> None:
        for event in self.session.receive_data(data, self._smsc.loop.time()):
            if event.context is not None:
                self._smsc.answered(event)
            elif event.command_id in COMMANDS:
                self._out.append(self._smsc.answer(self, event))
            elif event.command_id in _BINDS:
                self._out.append(self._smsc.bind(self, event))
        self._smsc.touch(self)

    def eof_received(self) -> None:
        self._smsc.flush()  # the answers to what came before the end; the transport closes after them

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
        lost = self.session.close("connection lost")
        self._smsc.remove(self, [event.context for event in lost if isinstance(event.context, Delivery)])

    def pause_writing(self) -> None:
        self._writing_paused = True

    def resume_writing(self) -> None:
        self._writing_paused = False
        if self._transport is not None:
            self._transport.resume_reading()
        self._smsc.touch(self)

    def has_room(self, window: int) -> bool:
        """Whether a deliver_sm may go out here now."""
        session = self.session
        return session.in_flight < window and not self._writing_paused and session.state in _RECEIVING

    def deliver(self, delivery: Delivery) -> None:
        """Send a deliver_sm with the next `write`."""
        self._out.append(self.session.request(CommandId.DELIVER_SM, delivery.sm, delivery, self._smsc.loop.time()))

    def write(self) -> None:
        """Send what has come together, and close if the session says so."""
        transport = self._transport
        if transport is None:
            return
        own = self.session.data_to_send()
        if own:
            self._out.append(own)
        if self._out:
            transport.write(b"".join(self._out))
            self._out.clear()
        if self.session.closing:
            _log.info("link closed", peer=self.peer, reason=self.session.close_reason)
            transport.close()
            return
        if transport.get_write_buffer_size() > MAX_UNSENT_OCTETS:
            transport.pause_reading()
        self._set_timer()

    def abort(self) -> None:
        """End the connection without a word, as a network that goes down does."""
        if self._transport is not None:
            self._transport.abort()

    def _set_timer(self) -> None:
        """Wake at the session's next deadline, unless that or an earlier wake is set already."""
        deadline = self.session.next_deadline()
        if deadline is None or (self._timer is not None and self._timer.when() <= deadline):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._smsc.loop.call_at(deadline, self._on_time)

    def _on_time(self) -> None:
        self._timer = None
        for event in self.session.on_time(self._smsc.loop.time()):
            if event.context is not None:
                self._smsc.answered(event)
        self._smsc.touch(self)
