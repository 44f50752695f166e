"""Messages that an API sends, one at a time: checked, made, and accepted through the same intake as the bulk."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from motet.domain.errors import InvalidError, NotFoundError
from motet.domain.idempotency import check_key
from motet.domain.refusals import Refusal
from motet.hub.facts import SMS_SEND
from motet.hub.intake import TON_ALPHANUMERIC
from motet.hub.message import Extra, Message
from motet.hub.requests import SendRequest
from motet.sms import gsm7
from motet.sms.data_coding import Alphabet, alphabet_of
from motet.sms.text import encode_text
from motet.storage import directory, idempotency

if TYPE_CHECKING:
    from motet.hub.hub import Hub


class FutureReply:
    """A caller that waits for its one answer."""

    def __init__(self) -> None:
        self.future: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def accepted(self, message: Message) -> None:
        if not self.future.done():
            self.future.set_result(message.id)

    def refused(self, message: Message, refusal: Refusal) -> None:
        if not self.future.done():
            self.future.set_exception(refusal.to_error())

    def flush(self) -> None:
        """Nothing piles up here."""


def microseconds(moment: datetime) -> int:
    """An aware moment as microseconds since 1970."""
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1_000_000)


class Sender:
    """Sends for callers that wait for the commit."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    async def send(self, request: SendRequest) -> int:
        """Accept an MT from an API. Gives the message id, after the commit; raises a DomainError."""
        key = request.idempotency_key
        if key is not None:
            check_key(key, ("idempotencyKey",))
            # First of all: a repeated request is not judged anew, by a clock or a fleet that has moved on.
            used = await idempotency.find(self.hub.pool(), request.workspace_id, SMS_SEND, key)
            if used is not None:
                if used[0] != _input_hash(request):
                    raise Refusal.KEY_CONFLICT.to_error()
                return used[1]
        msisdn = await self._destination(request)
        data_coding, payload = _content(request)
        source, ton, npi = await self._source(request)
        now_us = self.hub.now_us()
        scheduled_at = None if request.scheduled_at is None else microseconds(request.scheduled_at)
        start = now_us if scheduled_at is None else max(now_us, scheduled_at)
        limits = self.hub.limits
        expires_at = start + limits.default_validity_s * 1_000_000
        if request.expires_at is not None:
            expires_at = microseconds(request.expires_at)
            if expires_at > start + limits.max_validity_s * 1_000_000:
                raise InvalidError("A message is valid for at most 7 days", path=("expiresAt",))
        extra = None
        if key is not None or scheduled_at is not None:
            extra = Extra(scheduled_at=scheduled_at, idempotency_key=key, input_hash=_input_hash(request))
        reply = FutureReply()
        message = Message(
            request.workspace_id, None, ton, npi, source, msisdn, 0, 0, data_coding, payload, now_us, expires_at,
            reply, 0, extra,
        )  # fmt: skip
        self.hub.submit(message)
        return await reply.future

    async def _destination(self, request: SendRequest) -> str:
        given = [n for n in ("device_id", "msisdn", "iccid") if getattr(request, n) is not None]
        if len(given) != 1:
            raise InvalidError("Give exactly one of deviceId, msisdn and iccid")
        pool = self.hub.pool()
        if request.msisdn is not None:
            return request.msisdn.removeprefix("+")
        if request.device_id is not None:
            msisdn = await directory.msisdn_of_device(pool, request.workspace_id, request.device_id)
            if msisdn is None and await directory.device_exists(pool, request.workspace_id, request.device_id):
                raise Refusal.NO_DEVICE.error_type("The device has no SIM", path=("deviceId",))
            field = "deviceId"
        else:
            msisdn = await directory.msisdn_of_iccid(pool, request.workspace_id, request.iccid or "")
            field = "iccid"
        if msisdn is None:
            raise NotFoundError("No such device or SIM in this workspace", path=(field,))
        return msisdn

    async def _source(self, request: SendRequest) -> tuple[str, int, int]:
        """The source address with its TON and NPI. Without one, the workspace's oldest short code speaks."""
        source = request.source
        if source is None:
            codes = await directory.short_codes(self.hub.pool(), request.workspace_id)
            if not codes:
                raise InvalidError("The workspace has no short code to send from: give `from`", path=("from",))
            source = codes[0]["code"]
        digits = source.removeprefix("+")
        if not digits.isascii() or not digits.isdigit():
            return source, TON_ALPHANUMERIC, 0
        return (digits, 1, 1) if len(digits) > 7 else (digits, 3, 0)


def _content(request: SendRequest) -> tuple[int, bytes]:
    """data_coding and payload of a request with either text or octets."""
    if (request.text is None) == (request.payload is None):
        raise InvalidError("Give either text or payloadHex")
    if request.data_coding is not None and not 0 <= request.data_coding <= 255:
        raise InvalidError("dataCoding is one octet", path=("dataCoding",))
    if request.payload is not None:
        data_coding = 4 if request.data_coding is None else request.data_coding
        if alphabet_of(data_coding) is Alphabet.UCS2 and len(request.payload) % 2:
            raise InvalidError("UCS-2 has an even number of octets", path=("payloadHex",))
        return data_coding, request.payload
    text = request.text or ""
    if len(text) > 255 * 153:
        raise Refusal.TOO_LONG.to_error()
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise InvalidError("The text has a lone surrogate", path=("text",))
    if request.data_coding is None:
        return encode_text(text)
    alphabet = alphabet_of(request.data_coding)
    try:
        if alphabet is Alphabet.GSM7:
            payload = gsm7.encode(text)
            if payload is None:
                raise Refusal.BAD_TEXT.to_error()
        elif alphabet is Alphabet.UCS2:
            payload = text.encode("utf-16-be")
        elif alphabet is Alphabet.LATIN1:
            payload = text.encode("latin-1")
        elif alphabet is Alphabet.ASCII:
            payload = text.encode("ascii")
        else:
            raise InvalidError("This dataCoding carries octets: give payloadHex", path=("dataCoding",))
    except UnicodeEncodeError as error:
        raise Refusal.BAD_TEXT.to_error() from error
    return request.data_coding, payload


def _input_hash(request: SendRequest) -> bytes:
    fields: list[Any] = [
        request.device_id, request.msisdn, request.iccid, request.source, request.text,
        request.payload.hex() if request.payload is not None else None, request.data_coding,
        request.expires_at, request.scheduled_at,
    ]  # fmt: skip
    return hashlib.sha256(repr(fields).encode()).digest()
