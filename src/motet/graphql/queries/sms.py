"""Messages, and why one would be refused."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.graphql.diagnose import explain_refusal
from motet.graphql.explain import explain_sms
from motet.graphql.fields import query
from motet.graphql.lists import root_list
from motet.graphql.reads import read_one
from motet.graphql.types.diagnosis import SmsRefusal
from motet.graphql.types.explanation import SmsExplanation
from motet.graphql.types.message import SmsMessage, SmsMessageFilter
from motet.graphql.types.policy_preview import Traffic


@strawberry.type
class SmsQueries:
    """The part of Query that is about messages."""

    sms_messages = root_list(
        SmsMessage,
        Permission.SMS_READ,
        "The messages of the workspace, newest first.",
        filter_by=SmsMessageFilter,
    )

    @query(Permission.SMS_READ, "The message with this id.")
    async def sms_message(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The global id.")],  # noqa: A002
    ) -> SmsMessage | None:
        return await read_one(info, "SmsMessage")

    @query(
        Permission.SMS_READ,
        "Would an SMS to this device or SIM be taken now, and if not, why: give exactly one of the three that name it."
        " Null for one that is not yours.",
    )
    async def sms_explain(
        self,
        info: Info,
        device_id: Annotated[strawberry.ID | None, strawberry.argument(description="The device.")] = strawberry.UNSET,
        msisdn: Annotated[str | None, strawberry.argument(description="The SIM's MSISDN.")] = strawberry.UNSET,
        iccid: Annotated[str | None, strawberry.argument(description="The SIM's ICCID.")] = strawberry.UNSET,
        traffic: Annotated[
            Traffic | None, strawberry.argument(description="Or other traffic of the device; SMS_MT if not given.")
        ] = strawberry.UNSET,
    ) -> SmsExplanation | None:
        return await explain_sms(info)

    @query(
        Permission.SMS_READ,
        "Why this SMS was refused: give the event of its refusal, or the message if it was stored. Null for one that"
        " was not refused or is not yours.",
    )
    async def sms_refusal(
        self,
        info: Info,
        event_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="An event `sms.refused` or `sms.mo_refused`.")
        ] = strawberry.UNSET,
        sms_id: Annotated[strawberry.ID | None, strawberry.argument(description="The message.")] = strawberry.UNSET,
    ) -> SmsRefusal | None:
        return await explain_refusal(info)
