"""The SMPP session of one link, either side, without clock, socket or logging: octets in, events out (SMPP 3.4 §2).

    session = Session(Side.SMSC, now=now)                     # a server's; Side.ESME for a client's
    for event in session.receive_data(octets, now):           # Event(command_id, command_status, sequence_number, ...)
        if event.command_id == CommandId.BIND_TRANSCEIVER:    # a request: context is None, we must answer
            write(session.accept_bind(event, "motet", now))   # or session.refuse_bind(event, status)
        elif event.command_id == CommandId.SUBMIT_SM:
            write(session.respond(CommandId.SUBMIT_SM, event.sequence_number, 0, MessageIdResp("42")))
        elif event.command_id == CommandId.DELIVER_SM_RESP:   # a response: context is what request() was given
            delivered(event.context, event.command_status)
    write(session.data_to_send())                             # the session's own answers
    if session.closing: close(session.close_reason)
    write(session.request(CommandId.DELIVER_SM, Sm(...), context, now))
    # at session.next_deadline(): session.on_time(now) -> events of requests that timed out

The session answers enquire_link, unbind, unknown commands, commands that the state forbids and bodies that do not
parse by itself; unbind is handed up as an event too, already answered. Nothing a peer sends raises.
"""

from typing import Any, Final

from motet.smpp.codec import (
    HEADER,
    check_optional,
    decode_body,
    encode,
    encode_header_and,
    encode_message_id_resp,
    encode_sm,
    message_id_resp_at,
    sm_at,
    without_tlvs,
)
from motet.smpp.constants import (
    HEADER_OCTETS,
    RESPONSE_BIT,
    VERSION_3_4,
    CommandId,
    CommandStatus,
    Tag,
)
from motet.smpp.errors import BodyError, UsageError
from motet.smpp.layouts import LAYOUTS
from motet.smpp.pdu import Bind, BindResp, Body
from motet.smpp.states import BOUND, BOUND_BY, REQUESTS, UNANSWERED, Side, State, other
from motet.smpp.timers import Due, Limits, Timers
from motet.smpp.tlv import find_int, octet
from motet.smpp.window import CONNECTION_LOST, EMPTY, OWN, RESPONSE_INVALID, RESPONSE_TIMEOUT, Event, Window

__all__ = [
    "CONNECTION_LOST",
    "RESPONSE_INVALID",
    "RESPONSE_TIMEOUT",
    "Event",
    "Limits",
    "Session",
    "Side",
    "State",
]

_SUBMIT_SM: Final = 0x0000_0004
_DELIVER_SM: Final = 0x0000_0005
_SUBMIT_SM_RESP: Final = 0x8000_0004
_DELIVER_SM_RESP: Final = 0x8000_0005
_DATA_SM_RESP: Final = 0x8000_0103
_HOT_COMMANDS: Final = (_SUBMIT_SM, _DELIVER_SM)
_HOT_RESPONSES: Final = (_SUBMIT_SM_RESP, _DELIVER_SM_RESP)
_NO_COMMAND: Final = -1
_unpack_header = HEADER.unpack_from
_new = tuple.__new__


class Session:
    """One session. Not for use by two threads. `now` is any clock that does not go back, in seconds."""

    __slots__ = (
        "_allowed",
        "_binding",
        "_hot_command",
        "_in_flight",
        "_limits",
        "_may_send",
        "_most_in_flight",
        "_needed",
        "_out",
        "_response_s",
        "_rest",
        "_side",
        "_state",
        "_strict",
        "_timers",
        "_unbind_deadline",
        "_unbind_sequence",
        "_window",
        "close_reason",
        "peer_version",
        "stray_responses",
        "tlvs_allowed",
    )

    def __init__(self, side: Side, *, now: float, limits: Limits = Limits()) -> None:  # noqa: B008 (immutable)
        self._side = side
        self._strict = side is Side.SMSC
        self._limits = limits
        self._most_in_flight = limits.in_flight
        self._response_s = limits.response_s
        self._rest = bytearray()
        self._needed = 0
        self._out: list[bytes] = []
        self._window = Window()
        self._in_flight = self._window.requests
        self._timers = Timers(limits, now)
        self._binding: int | None = None
        self._unbind_sequence = 0
        self._unbind_deadline: float | None = None
        self.close_reason: str | None = None
        """Why the session closes; None while it lives."""
        self.peer_version = VERSION_3_4
        """The peer's interface_version; meaningful once bound."""
        self.tlvs_allowed = True
        """Whether the peer knows optional parameters; those given to a session of a peer that does not are dropped."""
        self.stray_responses = 0
        """Responses that answered nothing in flight, and were dropped."""
        self._state = State.OPEN
        self._enter(State.OPEN)

    @property
    def state(self) -> State:
        """The state by SMPP 3.4 §2.2."""
        return self._state

    @property
    def closing(self) -> bool:
        """True when nothing more is to come but `data_to_send`, after which the socket is to be closed."""
        return self._state is State.CLOSED

    @property
    def in_flight(self) -> int:
        """How many of our requests have no response yet."""
        return len(self._in_flight)

    def receive_data(self, data: bytes, now: float) -> list[Event]:
        """What the octets, in pieces of any size, say: requests to answer and responses to ours, in order.

        Keeps at most a PDU that is not whole yet. Never raises, whatever the octets are; after `closing`, nothing.
        """
        if self._state is State.CLOSED:
            return []
        self._timers.last_received = now
        rest = self._rest
        if rest:
            rest += data
            if len(rest) < self._needed:
                return []
            data = bytes(rest)
            rest.clear()
        events: list[Event] = []
        add = events.append
        in_flight = self._in_flight
        most_octets = self._limits.pdu_octets
        hot_command = self._hot_command
        size = len(data)
        position = 0
        while size - position >= HEADER_OCTETS:
            length, command_id, status, sequence = _unpack_header(data, position)
            if not HEADER_OCTETS <= length <= most_octets:
                self._nack(sequence, CommandStatus.ESME_RINVCMDLEN)
                self._close(f"command_length {length}")
                position = size
                break
            end = position + length
            if end > size:
                break
            if command_id == hot_command:
                try:
                    sm = sm_at(data, position + HEADER_OCTETS, end)
                    if self._strict and sm[17]:
                        check_optional(sm)
                except BodyError as error:
                    self._answer_error(command_id, sequence, error.status)
                else:
                    add(_new(Event, (command_id, status, sequence, sm, None)))
            elif command_id in _HOT_RESPONSES:
                waiting = in_flight.get(sequence)
                if waiting is None or waiting[0] != command_id:
                    self.stray_responses += 1
                else:
                    del in_flight[sequence]
                    try:
                        body = message_id_resp_at(data, position + HEADER_OCTETS, end)
                    except BodyError:
                        add(_new(Event, (command_id, RESPONSE_INVALID, sequence, EMPTY, waiting[1])))
                    else:
                        add(_new(Event, (command_id, status, sequence, body, waiting[1])))
            else:
                event = self._receive((command_id, status, sequence), data, position + HEADER_OCTETS, end, now)
                if event is not None:
                    add(event)
                if self.closing:
                    position = size
                    break
                hot_command = self._hot_command
            position = end
        if position < size:
            if position or self._timers.pdu_since is None:
                self._timers.pdu_since = now
            rest += data[position:] if position else data
            self._needed = int.from_bytes(rest[:4], "big") if size - position >= HEADER_OCTETS else HEADER_OCTETS
        else:
            self._timers.pdu_since = None
        if events:
            self._timers.last_transaction = now
        return events

    def not_reading(self, now: float) -> None:
        """The peer is not read, for a reason of ours: what it has begun to send is not late for that."""
        if self._timers.pdu_since is not None:
            self._timers.pdu_since = now

    def data_to_send(self) -> bytes:
        """What the session itself has to say since the last call: answers, enquire_link, unbind."""
        if not self._out:
            return b""
        data = b"".join(self._out)
        self._out.clear()
        return data

    def request(self, command_id: int, body: Body, context: Any, now: float) -> bytes:
        """The octets of a new request; its response comes as an event with `context`.

        outbind and alert_notification have no response and their context is dropped. TLVs are left out for a peer
        below version 3.4. UsageError if the state or the peer's version forbids the command, a field does not fit or
        `Limits.in_flight` is reached.
        """
        if command_id not in self._may_send:
            raise UsageError(f"command {command_id:#010x} in state {self._state.name}")
        in_flight = self._in_flight
        if len(in_flight) >= self._most_in_flight and command_id != CommandId.UNBIND:
            raise UsageError(f"{len(in_flight)} requests without response")
        sequence = self._window.take_sequence()
        if body[-1] and not self.tlvs_allowed:
            body = without_tlvs(body)
        if command_id in _HOT_COMMANDS:
            octets = encode_sm(command_id, sequence, body)  # type: ignore[arg-type]  # encode_sm unpacks, and tells
            in_flight[sequence] = (command_id | RESPONSE_BIT, context, now + self._response_s)
            return octets
        octets = encode(command_id, 0, sequence, body)
        if command_id not in UNANSWERED:
            in_flight[sequence] = (command_id | RESPONSE_BIT, context, now + self._response_s)
        self._sent(command_id)
        return octets

    def respond(self, command_id: int, sequence_number: int, status: int, body: Body | None = None) -> bytes:
        """The octets of the answer to the peer's request `command_id`; the response's id follows from it.

        With an error status, or None for the body, there is none where §4 allows that. UsageError if a field does
        not fit.
        """
        response_id = command_id | RESPONSE_BIT
        if response_id in _HOT_RESPONSES and (body is None or not body[-1]):
            message_id = "" if body is None else body[0]
            return encode_message_id_resp(response_id, status, sequence_number, message_id)  # type: ignore[arg-type]
        if body is not None and body[-1] and not self.tlvs_allowed:
            return self.respond(command_id, sequence_number, status, without_tlvs(body))
        if body is None or (status and response_id != _DATA_SM_RESP):
            return _bodyless(response_id, status, sequence_number)
        return encode(response_id, status, sequence_number, body)

    def accept_bind(self, event: Event, system_id: str, now: float) -> bytes:
        """The octets that accept the bind that `event` asks for, with our system_id; the session is bound then.

        sc_interface_version goes to peers of version 3.4 and above only. UsageError if no bind waits for an answer.
        """
        bind = self._pending_bind(event)
        self._learn_version(bind.interface_version)
        tlvs = (octet(Tag.SC_INTERFACE_VERSION, VERSION_3_4),) if self.tlvs_allowed else ()
        octets = encode(event.command_id | RESPONSE_BIT, 0, event.sequence_number, BindResp(system_id, tlvs))
        self._timers.last_received = self._timers.last_transaction = now
        self._enter(BOUND_BY[event.command_id])
        return octets

    def refuse_bind(self, event: Event, status: int) -> bytes:
        """The octets that refuse the bind; the peer may try again until the session init timer ends."""
        self._pending_bind(event)
        return _bodyless(event.command_id | RESPONSE_BIT, status, event.sequence_number)

    def answer_unbind(self) -> bytes:
        """The octets that answer the peer's unbind, after which the session is closing; only with
        `Limits.answers_unbind` off. UsageError if no unbind waits for an answer."""
        if self._unbind_deadline is None:
            raise UsageError("no unbind waits for an answer")
        self._unbind_deadline = None
        self._close(_UNBIND_BY_PEER)
        return encode_header_and(CommandId.UNBIND_RESP, 0, self._unbind_sequence)

    def close(self, reason: str) -> list[Event]:
        """End the session, for instance because the connection is lost. The requests in flight come back as events
        with CONNECTION_LOST, oldest first; whether the peer took them is unknown."""
        self._close(reason)
        return self._window.drain()

    def next_deadline(self) -> float | None:
        """When `on_time` is to be called next; None if there is nothing to wait for."""
        if self._state is State.CLOSED:
            return None
        timer = self._timers.next_deadline(bound=self._state in BOUND)
        deadlines = (timer, self._unbind_deadline, self._window.next_deadline())
        return min([deadline for deadline in deadlines if deadline is not None], default=None)

    def on_time(self, now: float) -> list[Event]:
        """Do what is due at `now`: requests that timed out come as events; enquire_link, unbind and closing follow
        the limits."""
        if self._state is State.CLOSED:
            return []
        events = self._expire(now)
        if self._unbind_deadline is not None and now >= self._unbind_deadline:
            self._out.append(self.answer_unbind())
        due, reason = self._timers.due(now, bound=self._state in BOUND)
        if due is Due.ENQUIRE:
            self._window.reserved = self._window.take_sequence()
            self._out.append(encode_header_and(CommandId.ENQUIRE_LINK, 0, self._window.reserved))
        elif due is Due.UNBIND:
            self._out.append(self.request(CommandId.UNBIND, EMPTY, OWN, now))
        elif due is Due.CLOSE:
            self._close(reason)
        return events

    def _expire(self, now: float) -> list[Event]:
        expired = self._window.expire(now)
        for event in expired:
            if event.command_id == CommandId.UNBIND_RESP or event.command_id & ~RESPONSE_BIT in BOUND_BY:
                self._close(f"no response to {CommandId(event.command_id & ~RESPONSE_BIT).name.lower()}")
        return [event for event in expired if event.context is not OWN]

    def _receive(self, header: tuple[int, int, int], data: bytes, position: int, end: int, now: float) -> Event | None:
        """A PDU off the fast path."""
        command_id, status, sequence = header
        if command_id & RESPONSE_BIT:
            return self._receive_response(header, data, position, end)
        if command_id not in LAYOUTS:
            self._nack(sequence, CommandStatus.ESME_RINVCMDID)
            return None
        is_bind = command_id in BOUND_BY
        if is_bind and (self._binding is not None or self._state in BOUND) and self._side is Side.SMSC:
            self._answer_error(command_id, sequence, CommandStatus.ESME_RALYBND)
            return None
        if command_id not in self._allowed:
            self._answer_error(command_id, sequence, CommandStatus.ESME_RINVBNDSTS)
            return None
        try:
            body = decode_body(command_id, data, position, end)
            if self._strict and body[-1]:
                check_optional(body)
        except BodyError as error:
            self._answer_error(command_id, sequence, error.status)
            return None
        if command_id == CommandId.ENQUIRE_LINK:
            self._out.append(encode_header_and(CommandId.ENQUIRE_LINK_RESP, 0, sequence))
            return None
        if is_bind:
            self._binding = sequence
        elif command_id == CommandId.UNBIND:
            self._peer_unbinds(sequence, now)
        elif command_id == CommandId.OUTBIND:
            self._enter(State.OUTBOUND)
        return Event(command_id, status, sequence, body, None)

    def _receive_response(self, header: tuple[int, int, int], data: bytes, position: int, end: int) -> Event | None:
        command_id, status, sequence = header
        is_nack = command_id == CommandId.GENERIC_NACK
        is_enquire_answer = is_nack or command_id == CommandId.ENQUIRE_LINK_RESP
        if is_enquire_answer and self._timers.enquire_sent is not None and sequence == self._window.reserved:
            self._timers.enquire_sent = None
            return None
        waiting = self._in_flight.get(sequence)
        if waiting is None or not (is_nack or waiting[0] == command_id):
            self.stray_responses += 1
            return None
        del self._in_flight[sequence]
        expected, context, _ = waiting
        body: Body
        try:
            body = decode_body(command_id, data, position, end)
        except BodyError:
            body, status = EMPTY, RESPONSE_INVALID
        if expected == CommandId.UNBIND_RESP:
            self._close("unbound")
        elif isinstance(body, BindResp) and status == CommandStatus.ESME_ROK:
            version = find_int(body.tlvs, Tag.SC_INTERFACE_VERSION)
            self._learn_version(self._limits.version_unsaid if version is None else version)
            self._enter(BOUND_BY[expected & ~RESPONSE_BIT])
        return None if context is OWN else Event(command_id, status, sequence, body, context)

    def _peer_unbinds(self, sequence: int, now: float) -> None:
        if self._limits.answers_unbind:
            self._out.append(encode_header_and(CommandId.UNBIND_RESP, 0, sequence))
            self._close(_UNBIND_BY_PEER)
            return
        self._unbind_sequence = sequence
        self._unbind_deadline = now + self._limits.response_s
        self._enter(State.UNBINDING)
        self._expect(_NOTHING)

    def _answer_error(self, command_id: int, sequence: int, status: int) -> None:
        if command_id in UNANSWERED:
            self._nack(sequence, status)
        else:
            self._out.append(_bodyless(command_id | RESPONSE_BIT, status, sequence))

    def _nack(self, sequence: int, status: int) -> None:
        self._out.append(encode_header_and(CommandId.GENERIC_NACK, status, sequence))

    def _pending_bind(self, event: Event) -> Bind:
        if self._binding != event.sequence_number or not isinstance(event.body, Bind) or self._state is State.CLOSED:
            raise UsageError("this bind does not wait for an answer")
        self._binding = None
        return event.body

    def _learn_version(self, version: int) -> None:
        self.peer_version = version
        self.tlvs_allowed = version >= VERSION_3_4

    def _sent(self, command_id: int) -> None:
        if command_id == CommandId.UNBIND:
            self._enter(State.UNBINDING)
        elif command_id == CommandId.OUTBIND:
            self._enter(State.OUTBOUND)

    def _enter(self, state: State) -> None:
        self._state = state
        if state is State.UNBINDING:
            self._may_send = _NOTHING  # and the peer may still send what it might before
            return
        self._expect(REQUESTS[other(self._side)].get(state, _NOTHING))
        self._may_send = REQUESTS[self._side].get(state, _NOTHING)
        if state in BOUND:
            self._timers.bind_deadline = None

    def _expect(self, commands: frozenset[CommandId]) -> None:
        self._allowed = commands
        self._hot_command = next((command for command in _HOT_COMMANDS if command in commands), _NO_COMMAND)

    def _close(self, reason: str) -> None:
        if self._state is not State.CLOSED:
            self.close_reason = reason
            self._rest.clear()
            self._unbind_deadline = None
            self._enter(State.CLOSED)


_NOTHING: Final = frozenset[CommandId]()
_UNBIND_BY_PEER: Final = "unbind by the peer"


def _bodyless(response_id: int, status: int, sequence: int) -> bytes:
    if response_id == _DELIVER_SM_RESP:
        return encode_message_id_resp(response_id, status, sequence, "")
    return encode_header_and(response_id, status, sequence)
