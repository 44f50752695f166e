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
    encode,
    encode_header_and,
    encode_message_id_resp,
    encode_sm,
    message_id_resp_at,
    sm_at,
    without_tlvs,
)
from motet.smpp.conduct import HOT_COMMANDS, Conduct, bodyless
from motet.smpp.constants import (
    HEADER_OCTETS,
    RESPONSE_BIT,
    CommandId,
    CommandStatus,
)
from motet.smpp.errors import BodyError, UsageError
from motet.smpp.pdu import Body
from motet.smpp.states import BOUND, BOUND_BY, UNANSWERED, Side, State
from motet.smpp.timers import Due, Limits
from motet.smpp.window import CONNECTION_LOST, EMPTY, OWN, RESPONSE_INVALID, RESPONSE_TIMEOUT, Event

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

_SUBMIT_SM_RESP: Final = 0x8000_0004
_DELIVER_SM_RESP: Final = 0x8000_0005
_DATA_SM_RESP: Final = 0x8000_0103
_HOT_RESPONSES: Final = (_SUBMIT_SM_RESP, _DELIVER_SM_RESP)
_unpack_header = HEADER.unpack_from
_new = tuple.__new__


class Session(Conduct):
    """One session. Not for use by two threads. `now` is any clock that does not go back, in seconds."""

    __slots__ = ()

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
        if command_id in HOT_COMMANDS:
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
            return bodyless(response_id, status, sequence_number)
        return encode(response_id, status, sequence_number, body)

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
