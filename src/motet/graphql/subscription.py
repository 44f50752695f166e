"""Subscriptions: a bus says which rows changed, the reading room says what they are now."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.domain.global_ids import decode_global_id
from motet.graphql.context import Context
from motet.graphql.fields import context_of, raw, subscription
from motet.graphql.selection import selection_of
from motet.graphql.types.event import Event, EventFilter
from motet.graphql.types.job import Job
from motet.graphql.types.message import SmsMessage, SmsMessageFilter
from motet.reading.errors import ForbiddenError, TooComplexError
from motet.reading.plan import Failure
from motet.reading.reader import READ_ERRORS, Answer
from motet.reading.selection import Selected

REMEMBERED_STATUSES = 10_000
"""Messages of which a subscription remembers the status it told last, so that it tells each once."""

REMEMBERED_EVENTS = 10_000
"""Events that a subscription remembers to have told: after a lost connection some are heard twice."""

READ_ATTEMPTS = 15
READ_WITHIN_S = 15.0
"""For what one change shows, as long as a query has: what takes longer is cut, its statement too, and ends the
subscription after the last attempt."""

READ_AGAIN_AFTER_S = 1.0
"""A restart of the database takes a few seconds."""

_DONE_KEY = "\0done"
_STATUS_KEY = "\0status"
"""Key under which the status is read besides what was asked for: no name in GraphQL can be this."""


@strawberry.type(description="What can be listened to.")
class Subscription:
    @subscription(
        Permission.SMS_READ,
        "An item for each change of a message's status. Under load steps may be merged, the final one never.",
    )
    async def sms_messages(
        self,
        info: Info,
        filter: Annotated[  # noqa: A002
            SmsMessageFilter | None, strawberry.argument(description="Which messages: what they are after the change.")
        ] = strawberry.UNSET,
    ) -> AsyncGenerator[SmsMessage, None]:
        context = context_of(info)
        principal = context.principal
        if principal.workspace_id is None:
            raise ForbiddenError("Messages are listened to inside a workspace: use a token of one.")
        selected = selection_of(raw(info))
        wanted = selected.arguments.get("filter") or {}
        children = (*selected.children, Selected(_STATUS_KEY, "status"))
        told: dict[int, str] = {}
        listener = context.services.bus.listen(principal.workspace_id)
        try:
            async for message_ids in listener:
                answer = await _read(context, "SmsMessage", children, message_ids, wanted)
                for message_id in message_ids:
                    message = answer.value.get(message_id)
                    if message is None:
                        continue
                    status = message.pop(_STATUS_KEY)
                    if told.pop(message_id, None) != status:
                        yield _item(message, answer.failures)
                    told[message_id] = status
                    if len(told) > REMEMBERED_STATUSES:
                        del told[next(iter(told))]
            if listener.overflowed:
                raise TooComplexError("Too many messages changed to keep up with: subscribe again.")
        finally:
            listener.close()

    @subscription(
        Permission.EVENT_READ,
        "Each event of the workspace, once, soon after it happened, whichever node it happened at.",
    )
    async def events(
        self,
        info: Info,
        filter: Annotated[  # noqa: A002
            EventFilter | None, strawberry.argument(description="Which events.")
        ] = strawberry.UNSET,
    ) -> AsyncGenerator[Event, None]:
        context = context_of(info)
        principal = context.principal
        if principal.workspace_id is None:
            raise ForbiddenError("Events are listened to inside a workspace: use a token of one.")
        selected = selection_of(raw(info))
        wanted = selected.arguments.get("filter") or {}
        told: dict[int, None] = {}
        listener = context.services.event_bus.listen(principal.workspace_id)
        try:
            async for event_ids in listener:
                fresh = sorted(event_id for event_id in event_ids if event_id not in told)
                answer = await _read(context, "Event", selected.children, fresh, wanted)
                for event_id in fresh:
                    told[event_id] = None
                    if len(told) > REMEMBERED_EVENTS:
                        del told[next(iter(told))]
                    if event_id in answer.value:
                        yield _item(answer.value[event_id], answer.failures)
            if listener.overflowed:
                raise TooComplexError("Too much happened to keep up with: subscribe again.")
        finally:
            listener.close()

    @subscription(
        Permission.JOB_READ,
        "A job as it is, and again at each step of it, on whichever node; ends behind the last one. Without an id, each"
        " step of the workspace's jobs, without end.",
    )
    async def jobs(
        self,
        info: Info,
        id: Annotated[strawberry.ID | None, strawberry.argument(description="The job.")] = strawberry.UNSET,  # noqa: A002
    ) -> AsyncGenerator[Job, None]:
        context = context_of(info)
        principal = context.principal
        if principal.workspace_id is None:
            raise ForbiddenError("Jobs are listened to inside a workspace: use a token of one.")
        selected = selection_of(raw(info))
        children = (*selected.children, Selected(_STATUS_KEY, "finishedAt"), Selected(_DONE_KEY, "done"))
        decoded = decode_global_id(id) if id else None
        wanted = decoded[1] if decoded is not None and decoded[0] == "Job" else None
        told: dict[int, tuple[Any, int]] = {}
        listener = context.services.job_bus.listen(principal.workspace_id)
        try:
            if wanted is not None:
                listener.remind([wanted])
            elif id:
                return
            async for job_ids in listener:
                heard = [job_id for job_id in job_ids if wanted in (None, job_id)]
                answer = await _read(context, "Job", children, heard, {})
                for job_id in heard:
                    job = answer.value.get(job_id)
                    if job is None:
                        if wanted is not None:
                            return
                        continue
                    step = job.pop(_STATUS_KEY), job.pop(_DONE_KEY)
                    if told.get(job_id) != step:
                        yield _item(job, answer.failures)
                    told[job_id] = step
                    if wanted is not None and step[0] is not None:
                        return
                    if len(told) > REMEMBERED_STATUSES:
                        del told[next(iter(told))]
        finally:
            listener.close()


async def _read(
    context: Context, entity: str, children: tuple[Selected, ...], row_ids: list[int], wanted: Mapping[str, Any]
) -> Answer:
    """The rows as they are now. A database that is away for a moment does not end a subscription."""
    for attempt in range(READ_ATTEMPTS):
        try:
            async with _turn(context), asyncio.timeout(READ_WITHIN_S):
                answer = await context.services.reader.by_ids(context.principal, entity, children, row_ids, wanted)
            if context.meter is not None:
                context.meter.spend(item for item in answer.value.values() if item is not None)
            return answer
        except READ_ERRORS:
            if attempt == READ_ATTEMPTS - 1:
                raise
            await asyncio.sleep(READ_AGAIN_AFTER_S)
    raise AssertionError("READ_ATTEMPTS is at least 1")


def _turn(context: Context) -> AbstractAsyncContextManager[None]:
    return nullcontext() if context.meter is None else context.meter.turn()


def _item(message: Any, failures: list[Failure]) -> Any:
    return Answer(message, failures)
