"""How a session conducts itself off the hot path: states, versions, binding, unbinding, and PDUs that come rarely.

`motet.smpp.session.Session` builds on it; nobody else does.
"""

from __future__ import annotations

from typing import Final

from motet.smpp.codec import (
    check_optional,
    decode_body,
    encode,
    encode_header_and,
    encode_message_id_resp,
)
from motet.smpp.constants import RESPONSE_BIT, VERSION_3_4, CommandId, CommandStatus, Tag
from motet.smpp.errors import BodyError, UsageError
from motet.smpp.layouts import LAYOUTS
from motet.smpp.pdu import Bind, BindResp, Body
from motet.smpp.states import BOUND, BOUND_BY, REQUESTS, UNANSWERED, Side, State, other
from motet.smpp.timers import Limits, Timers
from motet.smpp.tlv import find_int, octet
from motet.smpp.window import EMPTY, OWN, RESPONSE_INVALID, Event, Window

HOT_COMMANDS: Final = (0x0000_0004, 0x0000_0005)
"""submit_sm and deliver_sm: a side expects one of them at most."""
_DELIVER_SM_RESP: Final = 0x8000_0005
_NO_COMMAND: Final = -1
_NOTHING: Final = frozenset[CommandId]()
_UNBIND_BY_PEER: Final = "unbind by the peer"


class Conduct:
    """What a session is: its state, and what it does about it."""

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

    # Binding and ending ----------------------------------------------------------------------------------------------

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
        return bodyless(event.command_id | RESPONSE_BIT, status, event.sequence_number)

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

    # PDUs off the hot path -------------------------------------------------------------------------------------------

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
            self._out.append(bodyless(command_id | RESPONSE_BIT, status, sequence))

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
        self._hot_command = next((command for command in HOT_COMMANDS if command in commands), _NO_COMMAND)

    def _close(self, reason: str) -> None:
        if self._state is not State.CLOSED:
            self.close_reason = reason
            self._rest.clear()
            self._unbind_deadline = None
            self._enter(State.CLOSED)


def bodyless(response_id: int, status: int, sequence: int) -> bytes:
    """A response without a body, where its command allows that."""
    if response_id == _DELIVER_SM_RESP:
        return encode_message_id_resp(response_id, status, sequence, "")
    return encode_header_and(response_id, status, sequence)
