"""How root fields are declared: each says which permission it takes; mutations get their payload's shape from here."""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import strawberry
from graphql import GraphQLResolveInfo
from strawberry.types import Info

from motet.access.principals import Permission
from motet.domain.errors import DomainError, InvalidError, NotFoundError
from motet.domain.global_ids import decode_global_id
from motet.fleet.rules import UNCHANGED, Unchanged
from motet.graphql.context import Context
from motet.graphql.errors import user_error
from motet.graphql.plain import shaped
from motet.graphql.scoping import Named, Scoping, check_ids, hold_of, require_open, scoping_of
from motet.graphql.selection import selection_of
from motet.identity.audit import act_of
from motet.reading.errors import ForbiddenError, RequestError
from motet.reading.plan import Failure
from motet.reading.reader import READ_ERRORS, Answer
from motet.reading.selection import Selected
from motet.reading.statement import storable
from motet.storage.acting import MAX_OBJECTS, Edge
from motet.storage.scope import held_to
from motet.storage.transaction import RepeatedError

PERMISSION = "permission"
"""Key of a root field's metadata: the Permission it takes, or None where `AnyOne` is meant."""

SCOPING = "scoping"
"""Key of a query's or mutation's metadata: what it is to a principal that is bound to tags."""

SECRETS = "secrets"
"""Key of a mutation's metadata: inputs that the audit log must not show, besides those whose names say so."""

IDEMPOTENCY_KEY = "idempotencyKey"
"""The input field that `idempotency_key` declares."""

OPERATOR = 0
"""The workspace of the operator's idempotency keys: none has this id."""

SMS_SEND = "smsSend"
"""Its keys are claimed by the hub, for a whole group of messages at once."""

MAX_ID_CHARACTERS = 100
"""A longer text is no global id."""

Declare = Callable[[Callable[..., Any]], Any]
"""A decorator that makes a resolver a field. Resolvers name their GraphQL type as what they return; what they do return
is an Answer or an Outcome, in the shape that was asked for."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a mutation did: the id of the object to show, and what else the payload holds, by field name."""

    row_id: int | None = None
    values: dict[str, Any] = field(default_factory=dict)


def done(row_id: int | None = None, **values: Any) -> Any:
    """The Outcome of a mutation that went well."""
    return Outcome(row_id, values)


def query(permission: Permission | None, text: str, scoping: Scoping = Scoping.IDS) -> Declare:
    """Declares a query field. None: whoever has a token may ask; what is then read has permissions of its own.

    `scoping` matters for principals that are bound to tags: one that counts or lists devices by another way than the
    reading room has to say so.
    """

    def decorate(resolve: Callable[..., Awaitable[Any]]) -> Any:
        @functools.wraps(resolve)
        async def checked(self: Any, info: Info, **arguments: Any) -> Any:
            context = context_of(info)
            authorise(context, permission)
            require_open(context.principal, scoping)
            async with context.read_slots:
                if context.principal.tags is not None and scoping is Scoping.IDS:
                    try:
                        await _check_ids(info, selection_of(raw(info)).arguments)
                    except NotFoundError:
                        return Answer(None)
                return await resolve(self, info, **arguments)

        metadata = {PERMISSION: permission, SCOPING: scoping}
        return strawberry.field(resolver=checked, description=text, metadata=metadata)

    return decorate


def mutation(
    permission: Permission,
    text: str,
    noun: tuple[str, str] | None = None,
    *,
    secrets: Sequence[str] = (),
    scoping: Scoping | None = None,
) -> Declare:
    """Declares a mutation that takes one `input` and returns what `done` makes, or raises a domain error.

    `noun` is the payload's field for the object and the object's type: it is read after the mutation was done.
    `secrets` are the input's fields that the audit log must not show, besides those whose names say so
    (`motet.domain.redaction`).
    `scoping`: None as `scoping_of` says, which keeps principals that are bound to tags from what changes devices.
    """
    scoped = scoping_of(permission, scoping)

    def decorate(resolve: Callable[..., Awaitable[Any]]) -> Any:
        @functools.wraps(resolve)
        async def checked(self: Any, info: Info, **arguments: Any) -> Answer:
            context = context_of(info)
            selected = selection_of(raw(info))
            errors: list[dict[str, Any]] = []
            outcome = Outcome()
            given = selected.arguments["input"]
            act = act_of(
                context.principal, context.client, Edge.GRAPHQL, selected.name, given,
                secrets=secrets, objects=_named(given),
            )  # fmt: skip
            try:
                async with context.services.identity.audit.doing(act):
                    authorise(context, permission)
                    require_open(context.principal, scoped)
                    _check_texts(given)
                    scope: AbstractContextManager[None] = nullcontext()
                    if context.principal.tags is not None and scoped is Scoping.IDS:
                        named = await _check_ids(info, selected.arguments)
                        scope = held_to(hold_of(context.services.reader, context.principal, named))
                    async with _once(context, selected.name, given):
                        with scope:
                            outcome = await resolve(self, info, **arguments)
                    if outcome.row_id is not None:
                        act.objects.append(outcome.row_id)
            except RepeatedError as repeated:
                outcome = Outcome(repeated.object_id)
            except DomainError as error:
                errors.append(user_error(error, context.voice))
            return await _payload(context, selected, noun, outcome, errors)

        metadata = {PERMISSION: permission, SCOPING: scoped, SECRETS: frozenset(secrets)}
        return strawberry.mutation(resolver=checked, description=text, metadata=metadata)

    return decorate


def subscription(permission: Permission, text: str) -> Declare:
    """Declares a subscription, an async generator of Answers."""

    def decorate(resolve: Callable[..., AsyncGenerator[Answer, None]]) -> Any:
        @functools.wraps(resolve)
        def checked(self: Any, info: Info, **arguments: Any) -> AsyncGenerator[Answer, None]:
            authorise(context_of(info), permission)
            return resolve(self, info, **arguments)

        return strawberry.subscription(resolver=checked, description=text, metadata={PERMISSION: permission})

    return decorate


def idempotency_key() -> Any:
    """The input field of a mutation that makes something: `idempotency_key: str | None = idempotency_key()`. The
    service then makes it inside a `transaction` that is told what it `makes`."""
    return strawberry.field(
        default=strawberry.UNSET,
        description="A key of yours, good for 24 hours: however often repeated, the same input makes one object.",
    )


def context_of(info: Info) -> Context:
    """The context of the operation."""
    context: Context = info.context
    return context


def raw(info: Info) -> GraphQLResolveInfo[Any]:
    """graphql-core's view of the field."""
    return info._raw_info


def row_id_of(global_id: str, type_name: str, *path: str) -> int:
    """The row id in an input's global id. Raises NotFoundError for one of another type or of none."""
    decoded = decode_global_id(global_id)
    if decoded is None or decoded[0] != type_name:
        raise NotFoundError("There is no {type_name} with this id.", path=path, type_name=type_name)
    return decoded[1]


def given(value: Any, name: str) -> Any:
    """An optional input that cannot be null: `UNCHANGED` if it was left out. Raises InvalidError for null."""
    if value is strawberry.UNSET:
        return UNCHANGED
    if value is None:
        raise InvalidError("This must not be null; leave it out to keep it as it is.", path=(name,))
    return getattr(value, "value", value)


def given_or_null(value: Any) -> Any:
    """An optional input for which null is a value of its own: `UNCHANGED` if it was left out."""
    return UNCHANGED if value is strawberry.UNSET else value


def or_none(value: Any) -> Any:
    """The value, or None if it was left out."""
    return None if value is strawberry.UNSET or isinstance(value, Unchanged) else value


def authorise(context: Context, permission: Permission | None) -> None:
    if permission is not None and not context.principal.allows(permission):
        raise ForbiddenError("This needs the permission {permission}.", permission=permission.value)


async def _check_ids(info: Info, arguments: Mapping[str, Any]) -> Named:
    context = context_of(info)
    return await check_ids(context.services.reader, context.principal, raw(info), arguments)


def _once(context: Context, name: str, given: Mapping[str, Any]) -> AbstractAsyncContextManager[None]:
    """Inside, a mutation that was given an idempotency key does its work once."""
    key = given.get(IDEMPOTENCY_KEY)
    if key is None or name == SMS_SEND:
        return nullcontext()
    rest = {field: value for field, value in given.items() if field != IDEMPOTENCY_KEY}
    return context.services.keys.once(context.principal.workspace_id or OPERATOR, name, key, rest)


def _named(given: Mapping[str, Any]) -> list[int]:
    """The rows that an input names by their global ids, on any of its levels."""
    found: list[int] = []
    waiting: list[Any] = [given]
    while waiting and len(found) < MAX_OBJECTS:
        value = waiting.pop()
        if isinstance(value, Mapping):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value[:MAX_OBJECTS]
        elif isinstance(value, str):
            decoded = decode_global_id(value) if len(value) <= MAX_ID_CHARACTERS else None
            if decoded is not None and decoded[1] not in found:
                found.append(decoded[1])
    return found


def _check_texts(given: Mapping[str, Any]) -> None:
    """Raises InvalidError for text that no column holds; a message's own text is checked by whoever encodes it."""
    for name, value in given.items():
        for text in value if isinstance(value, list) else (value,):
            if isinstance(text, str) and name != "text" and not storable(text):
                raise InvalidError("Text must be valid Unicode without NUL characters.", path=(name,))


async def _payload(
    context: Context,
    selected: Selected,
    noun: tuple[str, str] | None,
    outcome: Outcome,
    errors: list[dict[str, Any]],
) -> Answer:
    payload: dict[str, Any] = {}
    failures: list[Failure] = []
    for child in selected.children:
        if child.name == "userErrors":
            payload[child.key] = [_user_error(child, error) for error in errors]
        elif child.name == "__typename":
            payload[child.key] = selected.name[0].upper() + selected.name[1:] + "Payload"
        elif noun is not None and child.name == noun[0]:
            payload[child.key] = None
            if outcome.row_id is not None:
                try:
                    reader = context.services.reader
                    answer = await reader.by_id(context.principal, noun[1], child.children, outcome.row_id)
                    payload[child.key] = answer.value
                    failures += [Failure((child.key, *failure.path), failure.error) for failure in answer.failures]
                except (RequestError, *READ_ERRORS) as error:  # what was done is done: the payload says so
                    failures.append(Failure((child.key,), error))
        else:
            payload[child.key] = shaped(child, outcome.values.get(child.name))
    return Answer(payload, failures)


def _user_error(selected: Selected, error: dict[str, Any]) -> dict[str, Any]:
    return {child.key: error.get(child.name, "UserError") for child in selected.children}
