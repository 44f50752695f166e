"""SMPP accounts and short codes: make, change, remove."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.fleet.messaging.smpp_account import SmppAccountChanges
from motet.fleet.rules import UNCHANGED
from motet.graphql.context import Context
from motet.graphql.errors import UserError
from motet.graphql.fields import (
    authorise,
    context_of,
    done,
    given,
    given_or_null,
    idempotency_key,
    mutation,
    or_none,
    row_id_of,
)
from motet.graphql.types.esme import DefaultAlphabet, LongMo, ShortCode, SmppAccount
from motet.graphql.types.relay import described


@strawberry.input(description="A new SMPP account.")
class SmppAccountCreateInput:
    system_id: str = strawberry.field(
        description="The name that the ESME binds with: 1 to 15 visible ASCII characters, unique on the platform."
    )
    description: str | None = strawberry.field(default=strawberry.UNSET, description="What it is for.")
    default_alphabet: DefaultAlphabet | None = strawberry.field(
        default=strawberry.UNSET, description="What `data_coding` 0 means to it; GSM7 if not given."
    )
    long_mo: LongMo | None = strawberry.field(
        default=strawberry.UNSET, description="How it gets long messages from devices; JOINED if not given."
    )
    window_size: int | None = strawberry.field(
        default=strawberry.UNSET, description="Commands that a session may have unanswered, 1 to 10,000; default 1,000."
    )
    rate_per_second: int | None = strawberry.field(
        default=strawberry.UNSET, description="Submits a second, 1 to 100,000; null or not given: no limit."
    )
    max_binds: int | None = strawberry.field(
        default=strawberry.UNSET, description="Sessions at once, 1 to 100; default 16."
    )
    queue_limit: int | None = strawberry.field(
        default=strawberry.UNSET, description="Messages not yet final, up to 10,000,000; default 1,000,000."
    )
    outbind_host: str | None = strawberry.field(
        default=strawberry.UNSET, description="Where to send an outbind when messages wait; null: nowhere."
    )
    outbind_port: int | None = strawberry.field(default=strawberry.UNSET, description="The port for outbind.")
    enabled: bool | None = strawberry.field(default=strawberry.UNSET, description="Whether it may bind; default true.")
    allowed_cidrs: list[str] | None = strawberry.field(
        default=strawberry.UNSET,
        description="The networks that it may bind from, at most 100; empty, null or not given: from anywhere.",
    )
    idempotency_key: str | None = idempotency_key()


@strawberry.type(description="What came of making an SMPP account.")
class SmppAccountCreatePayload:
    smpp_account: SmppAccount | None = described("The account.")
    password: str | None = described("Its password of 8 characters. It is shown this once.")
    user_errors: list[UserError] = described("Why it was not made; empty if it was.")


@strawberry.input(description="What to change of an SMPP account; what is left out stays.")
class SmppAccountUpdateInput:
    id: strawberry.ID = strawberry.field(description="The account.")
    description: str | None = strawberry.field(default=strawberry.UNSET, description="What it is for.")
    default_alphabet: DefaultAlphabet | None = strawberry.field(
        default=strawberry.UNSET, description="What `data_coding` 0 means to it."
    )
    long_mo: LongMo | None = strawberry.field(
        default=strawberry.UNSET, description="How it gets long messages from devices."
    )
    window_size: int | None = strawberry.field(
        default=strawberry.UNSET, description="Commands that a session may have unanswered, 1 to 10,000."
    )
    rate_per_second: int | None = strawberry.field(
        default=strawberry.UNSET, description="Submits a second, 1 to 100,000; null: no limit."
    )
    max_binds: int | None = strawberry.field(default=strawberry.UNSET, description="Sessions at once, 1 to 100.")
    queue_limit: int | None = strawberry.field(
        default=strawberry.UNSET, description="Messages not yet final, up to 10,000,000."
    )
    outbind_host: str | None = strawberry.field(
        default=strawberry.UNSET, description="Where to send an outbind when messages wait; null: nowhere."
    )
    outbind_port: int | None = strawberry.field(default=strawberry.UNSET, description="The port for outbind.")
    enabled: bool | None = strawberry.field(default=strawberry.UNSET, description="Whether it may bind.")
    allowed_cidrs: list[str] | None = strawberry.field(
        default=strawberry.UNSET,
        description="The networks that it may bind from; sessions from elsewhere end. Empty or null: from anywhere.",
    )


@strawberry.type(description="What came of changing an SMPP account.")
class SmppAccountUpdatePayload:
    smpp_account: SmppAccount | None = described("The account, as it is now.")
    user_errors: list[UserError] = described("Why it was not changed; empty if it was.")


@strawberry.input(description="Which SMPP account gets a new password.")
class SmppAccountRotatePasswordInput:
    id: strawberry.ID = strawberry.field(description="The account.")


@strawberry.type(description="What came of giving an SMPP account a new password.")
class SmppAccountRotatePasswordPayload:
    smpp_account: SmppAccount | None = described("The account.")
    password: str | None = described("The new password of 8 characters. It is shown this once; the old one has ended.")
    user_errors: list[UserError] = described("Why it has no new password; empty if it has.")


@strawberry.input(description="Which SMPP account to remove.")
class SmppAccountDeleteInput:
    id: strawberry.ID = strawberry.field(description="The account.")


@strawberry.type(description="What came of removing an SMPP account.")
class SmppAccountDeletePayload:
    deleted_id: strawberry.ID | None = described("The id of the account that is gone.")
    user_errors: list[UserError] = described("Why it was not removed; empty if it was.")


@strawberry.input(description="Which session of an ESME to end.")
class SmppSessionEndInput:
    id: strawberry.ID = strawberry.field(description="The session.")


@strawberry.type(description="What came of ending a session of an ESME.")
class SmppSessionEndPayload:
    deleted_id: strawberry.ID | None = described("The id of the session; it is gone within seconds.")
    user_errors: list[UserError] = described("Why it was not ended; empty if it was.")


@strawberry.input(description="A new short code.")
class ShortCodeCreateInput:
    code: str = strawberry.field(description="The number: 3 to 8 digits, unique in the workspace.")
    smpp_account_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The account that gets the messages; webhooks get them in any case."
    )
    description: str | None = strawberry.field(default=strawberry.UNSET, description="What it is for.")
    idempotency_key: str | None = idempotency_key()


@strawberry.type(description="What came of making a short code.")
class ShortCodeCreatePayload:
    short_code: ShortCode | None = described("The short code.")
    user_errors: list[UserError] = described("Why it was not made; empty if it was.")


@strawberry.input(description="What to change of a short code; what is left out stays.")
class ShortCodeUpdateInput:
    id: strawberry.ID = strawberry.field(description="The short code.")
    smpp_account_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The account that gets the messages; null: webhooks alone."
    )
    description: str | None = strawberry.field(default=strawberry.UNSET, description="What it is for.")


@strawberry.type(description="What came of changing a short code.")
class ShortCodeUpdatePayload:
    short_code: ShortCode | None = described("The short code, as it is now.")
    user_errors: list[UserError] = described("Why it was not changed; empty if it was.")


@strawberry.input(description="Which short code to remove.")
class ShortCodeDeleteInput:
    id: strawberry.ID = strawberry.field(description="The short code.")


@strawberry.type(description="What came of removing a short code.")
class ShortCodeDeletePayload:
    deleted_id: strawberry.ID | None = described("The id of the short code that is gone.")
    user_errors: list[UserError] = described("Why it was not removed; empty if it was.")


@strawberry.type
class EsmeMutations:
    """The part of Mutation that is about SMPP accounts and short codes."""

    @mutation(
        Permission.SMPP_ACCOUNT_WRITE,
        "Make an SMPP account. Needs `sms:send` and `sms:read`, too, which the account does.",
        ("smppAccount", "SmppAccount"),
    )
    async def smpp_account_create(
        self,
        info: Info,
        input: Annotated[SmppAccountCreateInput, strawberry.argument(description="The account.")],  # noqa: A002
    ) -> SmppAccountCreatePayload | None:
        context = context_of(info)
        _check_messages(context)
        account_id, password = await context.services.smpp_accounts.create(
            context.workspace_id, input.system_id, _changes(input)
        )
        return done(account_id, password=password)

    @mutation(Permission.SMPP_ACCOUNT_WRITE, "Change an SMPP account.", ("smppAccount", "SmppAccount"))
    async def smpp_account_update(
        self,
        info: Info,
        input: Annotated[SmppAccountUpdateInput, strawberry.argument(description="The changes.")],  # noqa: A002
    ) -> SmppAccountUpdatePayload | None:
        context = context_of(info)
        account_id = row_id_of(input.id, "SmppAccount", "id")
        await context.services.smpp_accounts.update(context.workspace_id, account_id, _changes(input))
        return done(account_id)

    @mutation(
        Permission.SMPP_ACCOUNT_WRITE,
        "Give an SMPP account a new password. Needs `sms:send` and `sms:read`, too.",
        ("smppAccount", "SmppAccount"),
    )
    async def smpp_account_rotate_password(
        self,
        info: Info,
        input: Annotated[  # noqa: A002
            SmppAccountRotatePasswordInput, strawberry.argument(description="Which account.")
        ],
    ) -> SmppAccountRotatePasswordPayload | None:
        context = context_of(info)
        _check_messages(context)
        account_id = row_id_of(input.id, "SmppAccount", "id")
        password = await context.services.smpp_accounts.rotate_password(context.workspace_id, account_id)
        return done(account_id, password=password)

    @mutation(Permission.SMPP_ACCOUNT_WRITE, "Remove an SMPP account; its messages stay.")
    async def smpp_account_delete(
        self,
        info: Info,
        input: Annotated[SmppAccountDeleteInput, strawberry.argument(description="Which account.")],  # noqa: A002
    ) -> SmppAccountDeletePayload | None:
        context = context_of(info)
        account_id = row_id_of(input.id, "SmppAccount", "id")
        await context.services.smpp_accounts.delete(context.workspace_id, account_id)
        return done(deletedId=input.id)

    @mutation(
        Permission.SMPP_ACCOUNT_WRITE,
        "End a session of an ESME, which may bind again: disable the account or narrow its networks to keep it away.",
    )
    async def smpp_session_end(
        self,
        info: Info,
        input: Annotated[SmppSessionEndInput, strawberry.argument(description="Which session.")],  # noqa: A002
    ) -> SmppSessionEndPayload | None:
        context = context_of(info)
        session_id = row_id_of(input.id, "SmppSession", "id")
        await context.services.smpp_accounts.end_session(context.workspace_id, session_id)
        return done(deletedId=input.id)

    @mutation(Permission.SHORT_CODE_WRITE, "Make a short code.", ("shortCode", "ShortCode"))
    async def short_code_create(
        self,
        info: Info,
        input: Annotated[ShortCodeCreateInput, strawberry.argument(description="The short code.")],  # noqa: A002
    ) -> ShortCodeCreatePayload | None:
        context = context_of(info)
        account = or_none(input.smpp_account_id)
        short_code_id = await context.services.short_codes.create(
            context.workspace_id,
            input.code,
            account_id=None if account is None else row_id_of(account, "SmppAccount", "smpp_account_id"),
            description=or_none(input.description) or "",
        )
        return done(short_code_id)

    @mutation(Permission.SHORT_CODE_WRITE, "Change a short code.", ("shortCode", "ShortCode"))
    async def short_code_update(
        self,
        info: Info,
        input: Annotated[ShortCodeUpdateInput, strawberry.argument(description="The changes.")],  # noqa: A002
    ) -> ShortCodeUpdatePayload | None:
        context = context_of(info)
        short_code_id = row_id_of(input.id, "ShortCode", "id")
        account = given_or_null(input.smpp_account_id)
        if isinstance(account, str):
            account = row_id_of(account, "SmppAccount", "smpp_account_id")
        description = given(input.description, "description")
        await context.services.short_codes.update(
            context.workspace_id, short_code_id, account_id=account, description=or_none(description)
        )
        return done(short_code_id)

    @mutation(Permission.SHORT_CODE_WRITE, "Remove a short code.")
    async def short_code_delete(
        self,
        info: Info,
        input: Annotated[ShortCodeDeleteInput, strawberry.argument(description="Which short code.")],  # noqa: A002
    ) -> ShortCodeDeletePayload | None:
        context = context_of(info)
        await context.services.short_codes.delete(context.workspace_id, row_id_of(input.id, "ShortCode", "id"))
        return done(deletedId=input.id)


def _changes(account: SmppAccountCreateInput | SmppAccountUpdateInput) -> SmppAccountChanges:
    named: dict[str, Any] = {
        name: given(getattr(account, name), name)
        for name in ("description", "default_alphabet", "long_mo", "window_size", "max_binds", "queue_limit", "enabled")
    }
    named["rate_per_s"] = given_or_null(account.rate_per_second)
    allowed = given_or_null(account.allowed_cidrs)
    named["allowed_cidrs"] = () if allowed is None else allowed
    named["outbind_host"] = given_or_null(account.outbind_host)
    named["outbind_port"] = given_or_null(account.outbind_port)
    return SmppAccountChanges(**{name: value for name, value in named.items() if value is not UNCHANGED})


def _check_messages(context: Context) -> None:
    """Whether the caller may do what an account does: who has its password does it. Raises ForbiddenError."""
    authorise(context, Permission.SMS_SEND)
    authorise(context, Permission.SMS_READ)
