"""The query fields."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.domain.global_ids import decode_global_id
from motet.graphql.explain import explain_sms
from motet.graphql.fields import context_of, query, raw
from motet.graphql.selection import children_as, selection_of
from motet.graphql.types.esme import ShortCode, SmppAccount
from motet.graphql.types.event import Event, EventFilter
from motet.graphql.types.explanation import SmsExplanation
from motet.graphql.types.fleet import Device, DeviceFilter, DeviceOrder, Sim, SimFilter, SimOrder
from motet.graphql.types.message import SmsMessage, SmsMessageFilter
from motet.graphql.types.operator import SmscLink, Viewer, Workspace
from motet.graphql.types.relay import After, Before, Connection, First, Last, Node
from motet.graphql.types.webhook import Webhook
from motet.reading.entities import ENTITIES
from motet.reading.errors import InvalidRequestError
from motet.reading.plan import Failure
from motet.reading.reader import READ_ERRORS, Answer

MAX_NODES = 200
"""Ids of one `nodes`: as many as a page holds."""

_OPERATORS_OWN = {name for name, entity in ENTITIES.items() if entity.tenant_column is None}


@strawberry.type(description="What can be read.")
class Query:
    @query(Permission.VIEWER_READ, "Whoever asks.")
    async def viewer(self, info: Info) -> Viewer:
        return await _viewer(info)

    @query(None, "The object of this id, or null if there is none or it is not yours.")
    async def node(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="A global id.")],  # noqa: A002
    ) -> Node | None:
        answer = await _nodes(info, [id])
        return _answer(answer.value[0], answer.failures)

    @query(None, "The objects of these ids, at most 200, in their order; null for each that is not there or not yours.")
    async def nodes(
        self,
        info: Info,
        ids: Annotated[list[strawberry.ID], strawberry.argument(description="Global ids.")],
    ) -> list[Node | None]:
        return await _nodes(info, list(ids))

    @query(Permission.SIM_READ, "The SIMs of the workspace.")
    async def sims(
        self,
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
        filter: Annotated[  # noqa: A002
            SimFilter | None, strawberry.argument(description="Which of them.")
        ] = strawberry.UNSET,
        order_by: Annotated[
            SimOrder | None, strawberry.argument(description="How they are sorted; by creation if not given.")
        ] = strawberry.UNSET,
    ) -> Connection[Sim] | None:
        return await _list(info, "Sim")

    @query(Permission.SIM_READ, "The SIM with this id, ICCID, IMSI or MSISDN: give exactly one.")
    async def sim(
        self,
        info: Info,
        id: Annotated[  # noqa: A002
            strawberry.ID | None, strawberry.argument(description="The global id.")
        ] = strawberry.UNSET,
        iccid: Annotated[str | None, strawberry.argument(description="The ICCID.")] = strawberry.UNSET,
        imsi: Annotated[str | None, strawberry.argument(description="The IMSI.")] = strawberry.UNSET,
        msisdn: Annotated[str | None, strawberry.argument(description="The MSISDN.")] = strawberry.UNSET,
    ) -> Sim | None:
        return await _one(info, "Sim")

    @query(Permission.DEVICE_READ, "The devices of the workspace.")
    async def devices(
        self,
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
        filter: Annotated[  # noqa: A002
            DeviceFilter | None, strawberry.argument(description="Which of them.")
        ] = strawberry.UNSET,
        order_by: Annotated[
            DeviceOrder | None, strawberry.argument(description="How they are sorted; by creation if not given.")
        ] = strawberry.UNSET,
    ) -> Connection[Device] | None:
        return await _list(info, "Device")

    @query(Permission.DEVICE_READ, "The device with this id or IMEI, or with the SIM of this MSISDN: give exactly one.")
    async def device(
        self,
        info: Info,
        id: Annotated[  # noqa: A002
            strawberry.ID | None, strawberry.argument(description="The global id.")
        ] = strawberry.UNSET,
        msisdn: Annotated[str | None, strawberry.argument(description="The SIM's MSISDN.")] = strawberry.UNSET,
        imei: Annotated[str | None, strawberry.argument(description="The IMEI.")] = strawberry.UNSET,
    ) -> Device | None:
        return await _one(info, "Device")

    @query(Permission.SMS_READ, "The messages of the workspace, newest first.")
    async def sms_messages(
        self,
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
        filter: Annotated[  # noqa: A002
            SmsMessageFilter | None, strawberry.argument(description="Which of them.")
        ] = strawberry.UNSET,
    ) -> Connection[SmsMessage] | None:
        return await _list(info, "SmsMessage")

    @query(Permission.SMS_READ, "The message with this id.")
    async def sms_message(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The global id.")],  # noqa: A002
    ) -> SmsMessage | None:
        return await _one(info, "SmsMessage")

    @query(
        Permission.SMS_READ,
        "Would an SMS to this device or SIM be taken now, and if not, why: give exactly one argument. Null for one that"
        " is not yours.",
    )
    async def sms_explain(
        self,
        info: Info,
        device_id: Annotated[strawberry.ID | None, strawberry.argument(description="The device.")] = strawberry.UNSET,
        msisdn: Annotated[str | None, strawberry.argument(description="The SIM's MSISDN.")] = strawberry.UNSET,
        iccid: Annotated[str | None, strawberry.argument(description="The SIM's ICCID.")] = strawberry.UNSET,
    ) -> SmsExplanation | None:
        return await explain_sms(info)

    @query(Permission.EVENT_READ, "What happened in the workspace, newest first.")
    async def events(
        self,
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
        filter: Annotated[  # noqa: A002
            EventFilter | None, strawberry.argument(description="Which of them.")
        ] = strawberry.UNSET,
    ) -> Connection[Event] | None:
        return await _list(info, "Event")

    @query(Permission.WEBHOOK_READ, "The webhooks of the workspace.")
    async def webhooks(
        self,
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
    ) -> Connection[Webhook] | None:
        return await _list(info, "Webhook")

    @query(Permission.SHORT_CODE_READ, "The short codes of the workspace.")
    async def short_codes(
        self,
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
    ) -> Connection[ShortCode] | None:
        return await _list(info, "ShortCode")

    @query(Permission.SMPP_ACCOUNT_READ, "The SMPP accounts of the workspace.")
    async def smpp_accounts(
        self,
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
    ) -> Connection[SmppAccount] | None:
        return await _list(info, "SmppAccount")

    @query(Permission.SMSC_LINK_READ, "The links to SMSCs upstream. The operator's.")
    async def smsc_links(
        self,
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
    ) -> Connection[SmscLink] | None:
        return await _list(info, "SmscLink")

    @query(Permission.WORKSPACES_READ, "All workspaces. The operator's.")
    async def workspaces(
        self,
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
    ) -> Connection[Workspace] | None:
        return await _list(info, "Workspace")


async def _list(info: Info, entity: str) -> Any:
    context = context_of(info)
    return await context.services.reader.connection(context.principal, entity, selection_of(raw(info)))


async def _one(info: Info, entity: str) -> Any:
    """The object that the field's one argument names: by id, or by another key."""
    context = context_of(info)
    selected = selection_of(raw(info))
    keys = {name: value for name, value in selected.arguments.items() if value is not None}
    if len(keys) != 1:
        raise InvalidRequestError(f"Give exactly one of the arguments of `{selected.name}`.")
    reader = context.services.reader
    if "id" not in keys:
        return await reader.one(context.principal, entity, selected.children, keys)
    decoded = decode_global_id(keys["id"])
    if decoded is None or decoded[0] != entity:
        return Answer(None)
    return await reader.by_id(context.principal, entity, selected.children, decoded[1])


async def _nodes(info: Info, ids: list[str]) -> Any:
    """Objects of several types, read type by type."""
    if len(ids) > MAX_NODES:
        raise InvalidRequestError(f"`nodes` takes at most {MAX_NODES} ids.")
    context = context_of(info)
    decoded = [decode_global_id(each) for each in ids]
    wanted: dict[str, list[int]] = {}
    for found in decoded:
        if found is not None and found[0] in ENTITIES and _visible(context.principal.is_operator, found[0]):
            wanted.setdefault(found[0], []).append(found[1])
    objects: dict[tuple[str, int], Any] = {}
    failures: list[Failure] = []
    for type_name, row_ids in wanted.items():
        children = children_as(raw(info), type_name)
        answer = await context.services.reader.by_ids(context.principal, type_name, children, row_ids)
        failures += answer.failures
        objects |= {(type_name, row_id): value for row_id, value in answer.value.items()}
    return Answer([None if found is None else objects.get(found) for found in decoded], failures)


def _visible(is_operator: bool, type_name: str) -> bool:
    """Whether ids of the type are anything to the principal: to others they look like ids of nothing."""
    return is_operator == (type_name in _OPERATORS_OWN) or type_name == "Workspace"


def _answer(value: Any, failures: list[Failure]) -> Any:
    return Answer(value, failures)


async def _viewer(info: Info) -> Any:
    context = context_of(info)
    principal = context.principal
    plain = {
        "subject": principal.subject,
        "role": None if principal.role is None else principal.role.value,
        "isOperator": principal.is_operator,
        "permissions": sorted(permission.value for permission in principal.permissions),
        "expiresAt": datetime.fromtimestamp(principal.expires_at, UTC),
        "__typename": "Viewer",
    }
    values: dict[str, Any] = {}
    failures: list[Failure] = []
    for child in selection_of(raw(info)).children:
        if child.name != "workspace" or principal.workspace_id is None:
            values[child.key] = plain.get(child.name)
            continue
        values[child.key] = None
        try:
            answer = await context.services.reader.by_id(principal, "Workspace", child.children, principal.workspace_id)
        except READ_ERRORS as error:  # the viewer is never null: only this part of it is
            failures.append(Failure((child.key,), error))
        else:
            values[child.key] = answer.value
    return Answer(values, failures)
