"""What an ESME asks besides submit_sm: data_sm, submit_multi, query, cancel and replace. Each may wait for others."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from motet.domain.errors import ConflictError, DeniedError, DomainError, InvalidError, NotFoundError, UpstreamError
from motet.domain.refusals import Refusal
from motet.hub.accounts import Account
from motet.hub.desk import ReplaceRequest
from motet.hub.message import Message
from motet.links.statuses import ERROR_STATUS, REFUSAL_STATUS, WIRE_STATE
from motet.links.translate import UnacceptableError, error_code
from motet.smpp.constants import CommandId, CommandStatus, Tag
from motet.smpp.pdu import (
    CancelSm,
    DataSm,
    DestinationSme,
    DistributionList,
    Empty,
    MessageIdResp,
    QuerySm,
    QuerySmResp,
    ReplaceSm,
    Sm,
    SubmitMulti,
    SubmitMultiResp,
    UnsuccessSme,
)
from motet.smpp.session import Event
from motet.smpp.smpp_time import TimeFormatError, absolute_time, parse_time
from motet.smpp.tlv import find

if TYPE_CHECKING:
    from motet.links.esme_session import EsmeSession

log = structlog.get_logger(__name__)

DATA_SM_TOKEN = 1 << 32

MULTIS_AT_ONCE = 2
"""submit_multi of one session that are worked on at a time: each may name 254 destinations, which takes a millisecond
or two, and a window of them would hold everybody else up for seconds."""


class MultiReply:
    """Collects what becomes of each destination of a submit_multi, and answers once for all."""

    def __init__(self, session: EsmeSession, sequence: int, count: int, refused: list[UnsuccessSme]) -> None:
        self._session = session
        self._sequence = sequence
        self._left = count
        self._unsuccess = refused
        self._message_id = ""

    def accepted(self, message: Message) -> None:
        self._message_id = str(message.submission_id)
        self._left -= 1

    def refused(self, message: Message, refusal: Refusal) -> None:
        self._unsuccess.append(UnsuccessSme(1, 1, message.destination, REFUSAL_STATUS[refusal]))
        self._left -= 1

    def flush(self) -> None:
        if self._left:
            return
        self._left = -1
        status = CommandStatus.ESME_ROK if self._message_id else CommandStatus.ESME_RSUBMITFAIL
        body = SubmitMultiResp(self._message_id, tuple(self._unsuccess))
        self._session.respond(CommandId.SUBMIT_MULTI, self._sequence, status, body)
        self._session.flush()


class EsmeRequests:
    """Serves the single requests of one session."""

    def __init__(self, session: EsmeSession) -> None:
        self._session = session
        self._hub = session.hub
        self._multis = asyncio.Semaphore(MULTIS_AT_ONCE)

    async def serve(self, event: Event, account: Account) -> None:
        """Answer one request, whatever happens."""
        session = self._session
        command_id = event.command_id
        body = event.body
        try:
            match body:
                case DataSm():
                    self._data(event.sequence_number, body, account)
                    return
                case SubmitMulti():
                    async with self._multis:
                        await self._multi(event.sequence_number, body, account)
                    return
                case QuerySm():
                    await self._query(event.sequence_number, body, account)
                case CancelSm():
                    await self._cancel(event.sequence_number, body, account)
                case ReplaceSm():
                    await self._replace(event.sequence_number, body, account)
                case _:
                    session.respond(command_id, event.sequence_number, CommandStatus.ESME_RINVCMDID)
        except UnacceptableError as error:
            session.respond(command_id, event.sequence_number, error.status)
        except DomainError as error:
            session.respond(command_id, event.sequence_number, ERROR_STATUS[type(error)])
        except Exception as error:
            log.exception("a request failed", command_id=command_id, error=repr(error))
            session.respond(command_id, event.sequence_number, CommandStatus.ESME_RSYSERR)
        session.flush()

    def _data(self, sequence: int, body: DataSm, account: Account) -> None:
        """data_sm (SMPP 3.4 §4.7): a submit_sm whose text is a TLV."""
        session = self._session
        refusal = account.admit()
        if refusal is not None:
            session.respond(CommandId.DATA_SM, sequence, REFUSAL_STATUS[refusal], MessageIdResp(""))
            session.flush()
            return
        sm = Sm(
            body.service_type, body.source_addr_ton, body.source_addr_npi, body.source_addr, body.dest_addr_ton,
            body.dest_addr_npi, body.destination_addr, body.esm_class, 0, 0, "", "", body.registered_delivery, 0,
            body.data_coding, 0, b"", body.tlvs,
        )  # fmt: skip
        message = session.message_of(sm, account, self._hub.now_us(), sequence + DATA_SM_TOKEN)
        self._hub.submit(message)

    async def replace_or_submit(self, message: Message, sm: Sm) -> None:
        """submit_sm with replace_if_present_flag (SMPP 3.4 §5.2.18): the newest open message between the same addresses
        and of the same service type gets the new text; without one the message is new."""
        session = self._session
        try:
            replaced = await self._hub.requests.replace_newest(message, sm.service_type)
        except Exception as error:  # noqa: BLE001 - then it is a message of its own
            log.warning("a message could not be replaced", error=repr(error)[:200])
            replaced = None
        if replaced is None:
            self._hub.submit(message)
            return
        message.id = message.submission_id = replaced
        session.accepted(message)
        session.flush()

    async def _multi(self, sequence: int, body: SubmitMulti, account: Account) -> None:
        """submit_multi (SMPP 3.4 §4.5): one id, the refused listed."""
        session = self._session
        refusal = account.admit(len(body.destinations))
        if refusal is not None:
            session.respond(CommandId.SUBMIT_MULTI, sequence, REFUSAL_STATUS[refusal])
            session.flush()
            return
        unsuccess: list[UnsuccessSme] = []
        messages: list[Message] = []
        seen: set[str] = set()
        now_us = self._hub.now_us()
        for destination in body.destinations:
            if isinstance(destination, DistributionList):
                unsuccess.append(UnsuccessSme(0, 0, destination.dl_name, CommandStatus.ESME_RINVDLNAME))
                continue
            try:
                message = session.message_of(_single(body, destination), account, now_us, sequence)
            except UnacceptableError as error:
                if error.status != CommandStatus.ESME_RINVDSTADR:
                    raise
                unsuccess.append(UnsuccessSme(*destination, error.status))
                continue
            if message.destination not in seen:
                seen.add(message.destination)
                messages.append(message)
        if not messages:
            answer = SubmitMultiResp("", tuple(unsuccess))
            session.respond(CommandId.SUBMIT_MULTI, sequence, CommandStatus.ESME_RSUBMITFAIL, answer)
            session.flush()
            return
        missing = [m.destination for m in messages if self._hub.numbers.get(m.destination) is None]
        found = await self._hub.numbers.load(missing) if missing else {}
        reply = MultiReply(session, sequence, len(messages), unsuccess)
        for message in messages:
            message.reply = reply
        self._hub.submit_together(messages, found)

    async def _query(self, sequence: int, body: QuerySm, account: Account) -> None:
        """query_sm (SMPP 3.4 §4.8)."""
        submission_id = _id_of(body.message_id)
        result = await self._hub.requests.query(
            account.workspace_id, account.id, submission_id, body.source_addr.removeprefix("+")
        )
        if result is None:
            raise NotFoundError("no such message")
        final_date = absolute_time(result.final_at) if result.final_at else ""
        error = error_code(result.error)
        answer = QuerySmResp(body.message_id, final_date, WIRE_STATE[result.state], error if error < 256 else 0)
        self._session.respond(CommandId.QUERY_SM, sequence, CommandStatus.ESME_ROK, answer)

    async def _cancel(self, sequence: int, body: CancelSm, account: Account) -> None:
        """cancel_sm (SMPP 3.4 §4.9)."""
        requests = self._hub.requests
        source = body.source_addr.removeprefix("+")
        try:
            if body.message_id:
                await requests.cancel_submission(account.workspace_id, account.id, _id_of(body.message_id), source)
            else:
                await requests.cancel_matching(
                    account.workspace_id,
                    account.id,
                    source,
                    body.destination_addr.removeprefix("+"),
                    body.service_type,
                )
        except (ConflictError, DeniedError, UpstreamError):
            self._session.respond(CommandId.CANCEL_SM, sequence, CommandStatus.ESME_RCANCELFAIL)
            return
        self._session.respond(CommandId.CANCEL_SM, sequence, CommandStatus.ESME_ROK, Empty())

    async def _replace(self, sequence: int, body: ReplaceSm, account: Account) -> None:
        """replace_sm (SMPP 3.4 §4.10). It keeps the data_coding."""
        now_us = self._hub.now_us()
        limits = self._hub.limits
        text = body.short_message or find(body.tlvs, Tag.MESSAGE_PAYLOAD) or b""
        scheduled_at = expires_at = None
        if body.schedule_delivery_time:
            scheduled_at = _time(body.schedule_delivery_time, now_us, CommandStatus.ESME_RINVSCHED)
        if body.validity_period:
            expires_at = _time(body.validity_period, now_us, CommandStatus.ESME_RINVEXPIRY)
            expires_at = min(expires_at, (scheduled_at or now_us) + limits.max_validity_s * 1_000_000)
        request = ReplaceRequest(text, body.registered_delivery, expires_at, scheduled_at)
        try:
            await self._hub.requests.replace(
                account.workspace_id, account.id, _id_of(body.message_id), body.source_addr, request
            )
        except (ConflictError, DeniedError, InvalidError, UpstreamError):
            self._session.respond(CommandId.REPLACE_SM, sequence, CommandStatus.ESME_RREPLACEFAIL)
            return
        self._session.respond(CommandId.REPLACE_SM, sequence, CommandStatus.ESME_ROK, Empty())


def _single(body: SubmitMulti, destination: DestinationSme) -> Sm:
    return Sm(
        body.service_type, body.source_addr_ton, body.source_addr_npi, body.source_addr, destination.dest_addr_ton,
        destination.dest_addr_npi, destination.destination_addr, body.esm_class, body.protocol_id, body.priority_flag,
        body.schedule_delivery_time, body.validity_period, body.registered_delivery, body.replace_if_present_flag,
        body.data_coding, body.sm_default_msg_id, body.short_message, body.tlvs,
    )  # fmt: skip


def _id_of(message_id: str) -> int:
    """The number that our ids are. Raises NotFoundError for what cannot be one."""
    if message_id.isascii() and message_id.isdigit() and len(message_id) <= 19 and int(message_id) < 1 << 63:
        return int(message_id)
    raise NotFoundError("no such message")


def _time(value: str, now_us: int, status: CommandStatus) -> int:
    try:
        return parse_time(value, now_us)
    except TimeFormatError:
        raise UnacceptableError(status) from None
