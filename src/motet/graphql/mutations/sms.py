"""Sending and calling back messages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.domain.errors import DomainError, InvalidError, NotFoundError
from motet.fleet.rules import check_range
from motet.graphql.context import Context
from motet.graphql.errors import UserError
from motet.graphql.fields import context_of, done, mutation, or_none, row_id_of
from motet.graphql.scoping import Scoping
from motet.graphql.types.message import SmsMessage
from motet.graphql.types.relay import described
from motet.hub.requests import SendRequest
from motet.reading.statement import storable
from motet.storage.database import PooledConnection
from motet.storage.scope import held_to

MAX_PAYLOAD_HEX = 2 * 255 * 140
"""Hexadecimal digits of the longest message: 255 parts of 140 octets."""


@strawberry.input(description="A message to a device: to exactly one of `deviceId`, `msisdn` and `iccid`.")
class SmsSendInput:
    device_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="The device.")
    msisdn: str | None = strawberry.field(default=strawberry.UNSET, description="The MSISDN of the device's SIM.")
    iccid: str | None = strawberry.field(default=strawberry.UNSET, description="The ICCID of the device's SIM.")
    from_: str | None = strawberry.field(
        name="from",
        default=strawberry.UNSET,
        description="The sender: a short code of the workspace, up to 11 letters and digits, or a number.",
    )
    text: str | None = strawberry.field(
        default=strawberry.UNSET, description="The text, which may be empty. Either this or `payloadHex`."
    )
    payload_hex: str | None = strawberry.field(
        default=strawberry.UNSET, description="User data in hexadecimal, without header; GSM 7-bit unpacked."
    )
    data_coding: int | None = strawberry.field(
        default=strawberry.UNSET, description="The `data_coding` octet, 0 to 255; chosen to fit if not given."
    )
    expires_at: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="Until when delivery is tried: 24 hours if not given, at most 7 days."
    )
    scheduled_at: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="When to send it, if not at once."
    )
    idempotency_key: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="A key of yours, good for 24 hours: however often repeated, the same input sends one message.",
    )


@strawberry.type(description="What came of sending a message.")
class SmsSendPayload:
    sms: SmsMessage | None = described("The message, accepted and stored.")
    user_errors: list[UserError] = described("Why it was not accepted; empty if it was.")


@strawberry.input(description="Which message to call back.")
class SmsCancelInput:
    id: strawberry.ID = strawberry.field(description="The message.")


@strawberry.type(description="What came of calling a message back.")
class SmsCancelPayload:
    sms: SmsMessage | None = described("The message, as it is now.")
    user_errors: list[UserError] = described("Why it could not be called back; empty if it was.")


@strawberry.type
class SmsMutations:
    """The part of Mutation that is about messages."""

    @mutation(Permission.SMS_SEND, "Send a message to a device.", ("sms", "SmsMessage"), scoping=Scoping.IDS)
    async def sms_send(
        self,
        info: Info,
        input: Annotated[SmsSendInput, strawberry.argument(description="The message.")],  # noqa: A002
    ) -> SmsSendPayload | None:
        context = context_of(info)
        request = _request(context.workspace_id, input)
        async with _scope(context, request):
            return done(await context.services.messages.send(request))

    @mutation(
        Permission.SMS_SEND,
        "Call back a message that is not yet final: held ones at once, those already upstream if the network can.",
        ("sms", "SmsMessage"),
        scoping=Scoping.IDS,
    )
    async def sms_cancel(
        self,
        info: Info,
        input: Annotated[SmsCancelInput, strawberry.argument(description="Which message.")],  # noqa: A002
    ) -> SmsCancelPayload | None:
        context = context_of(info)
        message_id = row_id_of(input.id, "SmsMessage", "id")
        try:
            await context.services.messages.cancel(context.workspace_id, message_id, context.services.scopes.held)
        except DomainError as error:  # to the hub the message is no field of an input
            error.path = error.path or ("id",)
            raise
        return done(message_id)


@asynccontextmanager
async def _scope(context: Context, request: SendRequest) -> AsyncIterator[None]:
    """For a principal that is bound to tags: the device has one of them, and keeps it and its SIM until the message is
    stored. Raises NotFoundError for a number whose SIM is in no such device, the same whether there is such a number or
    not. An id has been looked at before."""
    numbers = {"msisdn": request.msisdn, "iccid": request.iccid}
    named = next((name for name, number in numbers.items() if number is not None), None)
    if context.principal.tags is None or request.device_id is not None or named is None:
        async with context.services.scopes.held():
            yield
        return
    device_id = await _device_of(context, request)
    if device_id is None:
        raise _nobodys(named)

    async def hold(connection: PooledConnection) -> None:
        there = await context.services.reader.hold(connection, context.principal, {"Device": [device_id]})
        if not there["Device"]:
            raise _nobodys(named)

    with held_to(hold):
        async with context.services.scopes.held():
            if await _device_of(context, request) != device_id:
                raise _nobodys(named)
            yield


async def _device_of(context: Context, request: SendRequest) -> int | None:
    """The device of the number that a request names, as the database has it."""
    number = request.iccid if request.msisdn is None else request.msisdn
    if number is None or not storable(number):
        return None
    iccid = request.iccid if request.msisdn is None else None
    found = await context.services.messages.explain(context.workspace_id, msisdn=request.msisdn, iccid=iccid)
    return None if found is None else found.device_id


def _nobodys(field: str) -> NotFoundError:
    return NotFoundError("There is no device with this number.", path=(field,))


def _request(workspace_id: int, sms: SmsSendInput) -> SendRequest:
    """The hub's request for an input. Ids, octets and hexadecimal are this edge's; the hub judges all else."""
    data_coding = or_none(sms.data_coding)
    if data_coding is not None:
        check_range(data_coding, "data_coding", 0, 255)
    device_id, msisdn, payload_hex = or_none(sms.device_id), or_none(sms.msisdn), or_none(sms.payload_hex)
    return SendRequest(
        workspace_id=workspace_id,
        device_id=None if device_id is None else row_id_of(device_id, "Device", "device_id"),
        msisdn=None if msisdn is None else msisdn.removeprefix("+"),
        iccid=or_none(sms.iccid),
        source=or_none(sms.from_),
        text=or_none(sms.text),
        payload=None if payload_hex is None else _octets(payload_hex),
        data_coding=data_coding,
        expires_at=or_none(sms.expires_at),
        scheduled_at=or_none(sms.scheduled_at),
        idempotency_key=or_none(sms.idempotency_key),
    )


def _octets(payload_hex: str) -> bytes:
    try:
        if len(payload_hex) > MAX_PAYLOAD_HEX or not payload_hex.isalnum():
            raise ValueError
        return bytes.fromhex(payload_hex)
    except ValueError:
        if not payload_hex:
            return b""
        raise InvalidError(
            "This must be at most {most} hexadecimal digits, in pairs.", path=("payload_hex",), most=MAX_PAYLOAD_HEX
        ) from None
