"""One bind to an SMSC: what the hub sends up goes out as submit_sm; answers, receipts and MO come back in batches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import structlog

from motet.domain.states import MessageState
from motet.hub.hub import Hub
from motet.hub.message import Message, Part, Unit
from motet.hub.ports import MobileOriginated, UpstreamAnswer, UpstreamReceipt, Verdict
from motet.links import translate
from motet.links.connection import Connection
from motet.links.statuses import FINAL_STATE, name_of, verdict_of
from motet.smpp.constants import ESM_TYPE_MASK, CommandId, CommandStatus, Tag
from motet.smpp.errors import UsageError
from motet.smpp.pdu import AlertNotification, Bind, Body, CancelSm, DataSm, MessageIdResp, ReplaceSm, Sm
from motet.smpp.receipt import Receipt, parse_receipt
from motet.smpp.session import RESPONSE_TIMEOUT, Event, Limits, Side
from motet.smpp.smpp_time import absolute_time
from motet.smpp.tlv import find

log = structlog.get_logger(__name__)

_SUBMIT_SM = int(CommandId.SUBMIT_SM)
_SUBMIT_SM_RESP = int(CommandId.SUBMIT_SM_RESP)
_DELIVER_SM = int(CommandId.DELIVER_SM)
_TAKEN = Verdict.TAKEN
_UNKNOWN = MessageState.UNKNOWN
_DATA_SM = 1 << 32
"""Marks the token of a data_sm: its response is another command."""


class SmscBind(Connection):
    """Implements the hub's Upstream."""

    side = Side.ESME

    def __init__(
        self,
        hub: Hub,
        limits: Limits,
        *,
        link_id: int,
        window: int,
        credentials: Bind,
        on_lost: Callable[[str], None],
        on_alert: Callable[[AlertNotification], None],
    ) -> None:
        super().__init__(limits)
        self.hub = hub
        self.link_id = link_id
        self.free = 0
        self._window = window
        self._slots = 0
        self._credentials = credentials
        self._on_lost = on_lost
        self._on_alert = on_alert
        self._up = False
        self._doubtful: list[Unit] = []
        self.refusal = ""
        """Why the SMSC did not let us bind."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.write(self.session.request(CommandId.BIND_TRANSCEIVER, self._credentials, None, self.loop.time()))

    # Events ----------------------------------------------------------------------------------------------------------

    def handle(self, events: list[Event]) -> None:
        answers: list[tuple[Unit, Verdict, str]] = []
        receipts: list[UpstreamReceipt] = []
        arrivals: list[MobileOriginated] = []
        for event in events:
            command_id = event[0]
            if command_id == _SUBMIT_SM_RESP:
                status = event[1]
                if not status:
                    unit = event[4]
                    answers.append((unit, _TAKEN, event[3][0] or _unknown_id(unit)))  # type: ignore[arg-type]
                else:
                    self._refused(event, answers)
            elif command_id == _DELIVER_SM:
                self._delivered(event[3], event[2], receipts, arrivals)  # type: ignore[arg-type]
            else:
                self._other(event, answers, receipts, arrivals)
        if answers:
            self.hub.upstream_answered(self, answers)
        if receipts:
            self.hub.upstream_receipts(self, receipts)
        if arrivals:
            self.hub.upstream_mo(self, arrivals)

    def _delivered(self, sm: Sm, token: int, receipts: list[UpstreamReceipt], arrivals: list[MobileOriginated]) -> None:
        if sm[7] & ESM_TYPE_MASK or sm[17]:
            receipt = parse_receipt(sm[16], sm[17], sm[7])
            if receipt is not None:
                state = None if receipt.intermediate else FINAL_STATE.get(receipt.state, _UNKNOWN)
                at = self.hub.now_us()
                receipts.append(
                    UpstreamReceipt(token, receipt.message_id, state, _error_of(receipt), at, sm[3].removeprefix("+"))
                )
                return
            if sm[7] & ESM_TYPE_MASK in (0x04, 0x20):  # a receipt that names no message helps nobody
                self.hub.counters.receipts_unknown += 1
                self.acknowledge([token], ok=True)
                return
        arrivals.append(translate.mobile_originated_of(sm, token))

    def _refused(self, event: Event, answers: list[tuple[Unit, Verdict, str]]) -> None:
        unit: Unit = event.context
        if event.command_status == RESPONSE_TIMEOUT:
            # Whether the SMSC has it is unknown: start over on a new connection.
            self._doubtful.append(unit)
            self.abort("no answer to a submit_sm")
        elif event.command_status < 0:  # a response whose body is broken: taken, under an id that we cannot know
            answers.append((unit, Verdict.TAKEN, _unknown_id(unit)))
        elif event.command_id == CommandId.GENERIC_NACK and not event.command_status:
            answers.append((unit, Verdict.REFUSED, CommandId.GENERIC_NACK.name))
        else:
            answers.append((unit, verdict_of(event.command_status), name_of(event.command_status)))

    def _other(
        self,
        event: Event,
        answers: list[tuple[Unit, Verdict, str]],
        receipts: list[UpstreamReceipt],
        arrivals: list[MobileOriginated],
    ) -> None:
        command_id, context, body = event.command_id, event.context, event.body
        if command_id == CommandId.BIND_TRANSCEIVER_RESP:
            self._bound(event)
        elif isinstance(body, DataSm) and not command_id & 0x8000_0000:
            self._delivered(_as_sm(body), event.sequence_number + _DATA_SM, receipts, arrivals)
        elif isinstance(body, AlertNotification):
            self._on_alert(body)
        elif isinstance(context, (Message, Part)):  # generic_nack
            self._refused(event, answers)
        elif isinstance(context, asyncio.Future):
            if not context.done():
                status = event.command_status
                ok = status == 0 and command_id != CommandId.GENERIC_NACK
                context.set_result(UpstreamAnswer(ok, name_of(status) if status >= 0 else "no answer"))
        elif command_id == CommandId.UNBIND:
            self._down([])

    def _bound(self, event: Event) -> None:
        if event.command_status:
            self.refusal = name_of(event.command_status)
            self.end()
            return
        self._up = True
        log.info("upstream bind is up", link_id=self.link_id, peer=self.peer)
        self._slots = self._window
        self.free = self._window
        self.hub.upstream_up(self)

    def ending(self) -> None:
        self._down([])

    def lost(self, unanswered: list[Event], reason: str) -> None:
        units: list[Unit] = self._doubtful
        for event in unanswered:
            context = event.context
            if isinstance(context, (Message, Part)):
                units.append(context)
            elif isinstance(context, asyncio.Future) and not context.done():
                context.set_result(UpstreamAnswer(False, "the link went down"))
        self._down(units)
        self._on_lost(self.refusal or reason)

    def _down(self, units: list[Unit]) -> None:
        if self._up:
            self._up = False
            self.free = 0
            self.hub.upstream_down(self, units)
        elif units:
            self.hub.relay.again(units)
            self.hub.relay.dispatch()

    # Upstream --------------------------------------------------------------------------------------------------------

    def submit(self, units: Sequence[Unit]) -> None:
        request = self.session.request
        now = self.loop.time()
        out: list[bytes] = []
        impossible: list[tuple[Unit, Verdict, str]] = []
        self._slots -= len(units)
        for unit in units:
            try:
                out.append(request(_SUBMIT_SM, translate.submit_of(unit), unit, now))
            except (UsageError, ValueError) as error:
                if not self.bound or self.session.in_flight >= self._limits.in_flight:
                    impossible.append((unit, Verdict.BUSY, "UNBOUND"))  # the session's state, not the message
                    continue
                log.error("a message cannot be encoded", sms_id=unit.message.id, error=str(error))
                impossible.append((unit, Verdict.REFUSED, "UNENCODABLE"))
        self.free = self._slots if self.writable and self._up else 0
        self.write(b"".join(out))
        if impossible:
            self.loop.call_soon(self.hub.upstream_answered, self, impossible)

    def release(self, count: int) -> None:
        self._slots += count
        self.free = self._slots if self.writable and self._up else 0

    def acknowledge(self, tokens: Sequence[int], *, ok: bool) -> None:
        if self.closed or self.session.closing:
            return
        status = CommandStatus.ESME_ROK if ok else CommandStatus.ESME_RX_T_APPN
        respond = self.session.respond
        out = []
        for token in tokens:
            if token < _DATA_SM:
                out.append(respond(_DELIVER_SM, token, status))
            else:
                out.append(respond(CommandId.DATA_SM, token - _DATA_SM, status, MessageIdResp("")))
        self.write(b"".join(out))

    async def cancel(self, unit: Unit) -> UpstreamAnswer:
        message = unit.message
        body = CancelSm(
            "", unit.smsc_message_id, message.source_ton, message.source_npi, message.source,
            translate.INTERNATIONAL, translate.ISDN, message.destination,
        )  # fmt: skip
        return await self._ask(CommandId.CANCEL_SM, body)

    async def replace(self, unit: Unit, validity_until: int, registered_delivery: int) -> UpstreamAnswer:
        message = unit.message
        user_data = unit.user_data
        if len(user_data) > translate.SHORT_MESSAGE_OCTETS:
            return UpstreamAnswer(False, CommandStatus.ESME_RINVMSGLEN.name)
        body = ReplaceSm(
            unit.smsc_message_id, message.source_ton, message.source_npi, message.source, "",
            absolute_time(validity_until), 1, 0, user_data,
        )  # fmt: skip
        return await self._ask(CommandId.REPLACE_SM, body)

    async def _ask(self, command_id: CommandId, body: Body) -> UpstreamAnswer:
        answer: asyncio.Future[UpstreamAnswer] = self.loop.create_future()
        try:
            self.write(self.session.request(command_id, body, answer, self.loop.time()))
        except UsageError as error:
            return UpstreamAnswer(False, str(error))
        return await answer

    def writable_again(self) -> None:
        self.release(0)
        self.hub.relay.dispatch()

    def pause_writing(self) -> None:
        super().pause_writing()
        self.free = 0


def _error_of(receipt: Receipt) -> str | None:
    """The network's error code; all zeros are none."""
    return receipt.error if receipt.error.strip("0") else None


def _unknown_id(unit: Unit) -> str:
    """What stands for the id of an SMSC that took a message and did not say one."""
    return f"unknown-{unit.message.id}-{unit.number}"


def _as_sm(body: DataSm) -> Sm:
    payload: Any = find(body.tlvs, Tag.MESSAGE_PAYLOAD) or b""
    return Sm(
        body.service_type, body.source_addr_ton, body.source_addr_npi, body.source_addr, body.dest_addr_ton,
        body.dest_addr_npi, body.destination_addr, body.esm_class, 0, 0, "", "", body.registered_delivery, 0,
        body.data_coding, 0, payload, body.tlvs,
    )  # fmt: skip
