"""One ESME's session on the server: its submissions in, receipts and MO out.

Hot path: submit_sm without optional parameters becomes a Message in one go, and answers are written once per commit.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

import structlog

from motet.domain.refusals import Refusal
from motet.domain.states import EsmeDeliveryKind
from motet.hub.accounts import Account
from motet.hub.message import Delivery, Extra, Message
from motet.links import translate
from motet.links.connection import Connection
from motet.links.esme_requests import EsmeRequests
from motet.links.statuses import REFUSAL_STATUS, TRY_AGAIN
from motet.links.translate import UnacceptableError
from motet.smpp.codec import encode_message_id_resp
from motet.smpp.constants import ESM_UDHI, CommandId, CommandStatus
from motet.smpp.errors import UsageError
from motet.smpp.pdu import AlertNotification, MessageIdResp, Sm
from motet.smpp.session import CONNECTION_LOST, RESPONSE_INVALID, Event, Limits, Side, State

if TYPE_CHECKING:
    from motet.links.esme_server import EsmeServer

log = structlog.get_logger(__name__)

BACKLOG_WINDOWS = 8
"""How many windows' worth of commands may wait unread before the socket is paused: answers come through it too."""

BACKLOG_OCTETS = 8 << 20
"""The same in octets, for commands that are long: a message_payload may have 64 KB. Of usual ones the windows count."""

UNBIND_WAIT_S = 5.0
"""How long an unbind waits for the answers that are still being committed."""

_SUBMIT_SM = int(CommandId.SUBMIT_SM)
_SUBMIT_SM_RESP = int(CommandId.SUBMIT_SM_RESP)
_DELIVER_SM = int(CommandId.DELIVER_SM)
_DELIVER_SM_RESP = int(CommandId.DELIVER_SM_RESP)
_GENERIC_NACK = int(CommandId.GENERIC_NACK)
_MO = int(EsmeDeliveryKind.MO)
_DATA_SM = 1 << 32
"""Marks the reply token of a data_sm: its response is another command."""

_BINDS = (CommandId.BIND_RECEIVER, CommandId.BIND_TRANSMITTER, CommandId.BIND_TRANSCEIVER)


class PartialDelivery:
    """A delivery that went out as several deliver_sm: answered when the last of them is."""

    __slots__ = ("again", "delivery", "left", "refused")

    def __init__(self, delivery: Delivery, parts: int) -> None:
        self.delivery = delivery
        self.left = parts
        self.again = False
        self.refused = False


class EsmeSession(Connection):
    """Implements the hub's Reply and Receiver for one bind."""

    side = Side.SMSC

    def __init__(self, server: EsmeServer, limits: Limits) -> None:
        super().__init__(limits)
        self.server = server
        self.hub = server.hub
        self.account: Account | None = None
        self.account_id = 0
        self.id = 0
        """Of its row in smpp_session; 0 while there is none."""
        self.failed_binds = 0
        self.free = 0
        """Deliveries that may be sent now; 0 while the peer does not read."""
        self._window = 0
        self._slots = 0
        self._in_work = 0
        self._backlog: deque[Event] = deque()
        self._backlog_limit = 0
        self._backlog_octets = 0
        """About how many octets the backlog came in."""
        self._octets_read = 0
        self._receives = False
        self._answers: list[bytes] = []
        self._unbinding = False
        self._requests = EsmeRequests(self)
        self._validity_us = self.hub.limits.default_validity_s * 1_000_000

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.server.arrived(self)

    def data_received(self, data: bytes) -> None:
        self._octets_read = len(data)
        super().data_received(data)

    # Events ----------------------------------------------------------------------------------------------------------

    def handle(self, events: list[Event]) -> None:
        answered: list[Event] = []
        waiting = len(self._backlog)
        now_us = self.hub.now_us()
        window = self._window
        for event in events:
            command_id = event[0]
            if command_id == _DELIVER_SM_RESP:
                answered.append(event)
            elif self._in_work >= window and command_id not in _BINDS and command_id != CommandId.UNBIND:
                self._backlog.append(event)
            elif command_id == _SUBMIT_SM:
                self._submit(event, now_us)
            else:
                self._other(event)
        if answered:
            self._deliveries_answered(answered)
        if self._answers:
            self.flush()
        if len(self._backlog) > waiting:
            self._backlog_octets += self._octets_read * (len(self._backlog) - waiting) // len(events)
            if len(self._backlog) > self._backlog_limit or self._backlog_octets > BACKLOG_OCTETS:
                self.set_reading(False)

    def stalled(self) -> bool:
        return super().stalled() or len(self._backlog) > self._backlog_limit > 0

    def _other(self, event: Event) -> None:
        command_id = event.command_id
        if command_id in _BINDS:
            self.server.bind_requested(self, event)
        elif command_id == CommandId.UNBIND:
            self._unbinding = True
            self.loop.call_later(UNBIND_WAIT_S, self._answer_unbind)
            self._stop_receiving()
            if not self._in_work:
                self._answer_unbind()
        elif command_id == CommandId.GENERIC_NACK:
            if isinstance(event.context, (Delivery, PartialDelivery)):
                self._deliveries_answered([event])
        elif self.account is not None:
            self._in_work += 1
            self.hub.spawn(self._requests.serve(event, self.account))

    def _answer_unbind(self) -> None:
        if self._unbinding and not self.closed and not self.session.closing:
            self._unbinding = False
            with suppress(UsageError):  # the timer may have been faster
                self.write(self.session.answer_unbind())
            self.end()

    # Bind ------------------------------------------------------------------------------------------------------------

    def bound_to(self, account: Account, event: Event) -> None:
        """The bind is accepted."""
        self.account = account
        self.account_id = account.id
        self._window = account.window_size
        self._backlog_limit = BACKLOG_WINDOWS * account.window_size
        self._slots = account.window_size
        self.write(self.session.accept_bind(event, self.server.system_id, self.loop.time()))
        if self.session.state in (State.BOUND_RX, State.BOUND_TRX):
            self._receives = True
            self.free = self._slots
            self.hub.esme_up(self)

    def refuse_bind(self, event: Event, status: CommandStatus) -> None:
        if not self.closed:
            self.write(self.session.refuse_bind(event, status))

    # Submissions -----------------------------------------------------------------------------------------------------

    def _submit(self, event: Event, now_us: int) -> None:
        """One submit_sm. What few of them have is left to `_submit_special`."""
        sm = cast("Sm", event.body)
        account = self.account
        if account is None:
            return
        self._in_work += 1
        sequence = event[2]
        refusal = account.admit()
        if refusal is not None:
            self._answer(sequence, REFUSAL_STATUS[refusal], "")
            return
        if (
            sm[17] or sm[15] or sm[13] or sm[11] or sm[10] or sm[9] or sm[8] or sm[0]
            or sm[7] & ESM_UDHI or sm[4] > 1 or sm[14] not in (0, 2, 4, 8) or account.default_alphabet != "GSM7"
            or not sm[6].isdigit() or not sm[3]
        ):  # fmt: skip
            self._submit_special(event, sm, account, now_us)
            return
        self.hub.submit(
            Message(
                account.workspace_id, account.id, sm[1], sm[2], sm[3], sm[6], sm[7], sm[12], sm[14], sm[16], now_us,
                now_us + self._validity_us, self, sequence,
            )
        )  # fmt: skip

    def _submit_special(self, event: Event, sm: Sm, account: Account, now_us: int) -> None:
        sequence = event.sequence_number
        try:
            message = self.message_of(sm, account, now_us, sequence)
        except UnacceptableError as error:
            self._answer(sequence, error.status, "")
            return
        if sm.replace_if_present_flag == 1:
            self.hub.spawn(self._requests.replace_or_submit(message, sm))
        else:
            self.hub.submit(message)

    def message_of(self, sm: Sm, account: Account, now_us: int, reply_token: int) -> Message:
        """The message of any submission to one destination. Raises UnacceptableError."""
        limits = self.hub.limits
        if sm.sm_default_msg_id:
            raise UnacceptableError(CommandStatus.ESME_RINVDFTMSGID)
        if sm.replace_if_present_flag > 1:
            raise UnacceptableError(CommandStatus.ESME_RINVREPFLAG)
        if sm.priority_flag > 3:
            raise UnacceptableError(CommandStatus.ESME_RINVPRTFLG)
        destination = translate.destination_of(sm.dest_addr_ton, sm.destination_addr)
        data_coding, payload, _, extra = translate.user_data_of(sm, account.default_alphabet)
        scheduled_at, expires_at = translate.times_of(
            sm.schedule_delivery_time, sm.validity_period, now_us, limits.default_validity_s, limits.max_validity_s
        )
        if scheduled_at or sm.protocol_id or sm.priority_flag or sm.service_type:
            extra = extra or Extra()
            extra.scheduled_at = scheduled_at
            extra.protocol_id = sm.protocol_id
            extra.priority = sm.priority_flag
            extra.service_type = sm.service_type
        source, ton, npi = sm.source_addr, sm.source_addr_ton, sm.source_addr_npi
        if not source and account.source:
            source, ton, npi = account.source, 3, 0
        return Message(
            account.workspace_id, account.id, ton, npi, source, destination, sm.esm_class, sm.registered_delivery,
            data_coding, payload, now_us, expires_at, self, reply_token, extra,
        )  # fmt: skip

    # Reply -----------------------------------------------------------------------------------------------------------

    def accepted(self, message: Message) -> None:
        token = message.reply_token
        if token < _DATA_SM:
            self._answers.append(encode_message_id_resp(_SUBMIT_SM_RESP, 0, token, str(message.submission_id)))
            self._in_work -= 1
        else:
            self.respond(CommandId.DATA_SM, token - _DATA_SM, 0, MessageIdResp(str(message.submission_id)))

    def refused(self, message: Message, refusal: Refusal) -> None:
        token = message.reply_token
        if token < _DATA_SM:
            self._answer(token, REFUSAL_STATUS[refusal], "")
        else:
            self.respond(CommandId.DATA_SM, token - _DATA_SM, REFUSAL_STATUS[refusal], MessageIdResp(""))

    def flush(self) -> None:
        answers, self._answers = self._answers, []
        if answers and not self.closed and not self.session.closing:
            self.write(b"".join(answers))
        if self._backlog and self._in_work < self._window:
            self._work_off_backlog()
        if self._unbinding and not (self._in_work or self._backlog or self._answers):
            self._answer_unbind()

    def _work_off_backlog(self) -> None:
        now_us = self.hub.now_us()
        backlog = self._backlog
        waiting = len(backlog)
        while backlog and self._in_work < self._window:
            event = backlog.popleft()
            if event.command_id == _SUBMIT_SM:
                self._submit(event, now_us)
            else:
                self._other(event)
        self._backlog_octets = self._backlog_octets * len(backlog) // waiting
        if len(backlog) <= self._backlog_limit // 2 and self._backlog_octets <= BACKLOG_OCTETS // 2 and self.writable:
            self.set_reading(True)
        if self._answers:
            self.loop.call_soon(self.flush)

    def _answer(self, sequence: int, status: int, message_id: str) -> None:
        self._answers.append(self.session.respond(_SUBMIT_SM, sequence, status, MessageIdResp(message_id)))
        self._in_work -= 1

    def respond(self, command_id: int, sequence: int, status: int, body: Any = None) -> None:
        """Answer any other request."""
        if not self.closed and not self.session.closing:
            self._answers.append(self.session.respond(command_id, sequence, status, body))
        self._in_work -= 1

    def finish_request(self) -> None:
        """A request was served: send its answer."""
        self.flush()

    # Receiver --------------------------------------------------------------------------------------------------------

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        """Send receipts and MO; the window was checked by the caller through `free`."""
        request = self.session.request
        now = self.loop.time()
        out: list[bytes] = []
        undeliverable: list[Delivery] = []
        unsent: list[Delivery] = []
        as_parts = self.account is not None and (self.account.long_mo == "PARTS" or not self.session.tlvs_allowed)
        self._slots -= len(deliveries)
        for delivery in deliveries:
            try:
                if delivery.kind != _MO:
                    out.append(request(_DELIVER_SM, translate.receipt_of(delivery), delivery, now))
                    continue
                bodies = translate.mo_of(delivery, as_parts=as_parts)
                context: Any = delivery if len(bodies) == 1 else PartialDelivery(delivery, len(bodies))
                out.extend(request(CommandId.DELIVER_SM, body, context, now) for body in bodies)
            except (UsageError, ValueError) as error:
                if not self.bound or self.session.in_flight >= self._limits.in_flight:
                    unsent.append(delivery)  # the session's state, not the delivery
                    continue
                log.error("a delivery cannot be encoded", delivery_id=delivery.id, error=str(error))
                undeliverable.append(delivery)
        self.free = self._slots if self.writable else 0
        self.write(b"".join(out))
        if undeliverable:
            self.hub.esme_answered(self, [], [], undeliverable)
        if unsent:
            self.loop.call_soon(self.hub.esme_answered, self, [], unsent, [])

    @property
    def unanswered(self) -> int:
        return self.session.in_flight

    def release(self, count: int) -> None:
        self._slots += count
        self.free = self._slots if self.writable and self._receives else 0

    def writable_again(self) -> None:
        self.release(0)
        self.hub.esmes.poke(self.account_id)

    def pause_writing(self) -> None:
        super().pause_writing()
        self.free = 0

    def alert(self, body: AlertNotification) -> None:
        """A phone is there again."""
        if self._receives and not self.session.closing:
            self.write(self.session.request(CommandId.ALERT_NOTIFICATION, body, None, self.loop.time()))

    def _deliveries_answered(self, events: list[Event]) -> None:
        taken: list[Delivery] = []
        again: list[Delivery] = []
        refused: list[Delivery] = []
        for event in events:
            context = event[4]
            status = event[1]
            if not status and event[0] == _GENERIC_NACK:
                status = CommandStatus.ESME_RSYSERR
            if context.__class__ is Delivery:
                delivery = context
            else:
                context.left -= 1
                context.again |= status in TRY_AGAIN or status < 0
                context.refused |= status > 0
                if context.left:
                    continue
                delivery = context.delivery
                status = CommandStatus.ESME_RX_T_APPN if context.again else int(context.refused)
            if not status or status == RESPONSE_INVALID:
                taken.append(delivery)
            elif status < 0 or status in TRY_AGAIN:
                again.append(delivery)
            else:
                refused.append(delivery)
        self.hub.esme_answered(self, taken, again, refused)

    def _stop_receiving(self) -> None:
        if self._receives:
            self._receives = False
            self.free = 0
            self.hub.esme_down(self, [])

    def ending(self) -> None:
        self._stop_receiving()

    def lost(self, unanswered: list[Event], reason: str) -> None:
        self._backlog.clear()
        deliveries: dict[int, Delivery] = {}
        for event in unanswered:
            context = event.context
            delivery = context.delivery if isinstance(context, PartialDelivery) else context
            if isinstance(delivery, Delivery) and event.command_status == CONNECTION_LOST:
                deliveries[delivery.id] = delivery
        self._stop_receiving()
        if deliveries:  # known only now if it unbound before
            self.hub.esme_down(self, list(deliveries.values()))
        self.server.session_lost(self, reason)
