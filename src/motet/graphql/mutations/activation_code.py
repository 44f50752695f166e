"""Activation codes of consumer eSIMs: issue, revoke."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.graphql.errors import UserError
from motet.graphql.fields import context_of, done, idempotency_key, mutation, or_none, row_id_of
from motet.graphql.scoping import Scoping
from motet.graphql.types.activation_code import ActivationCode
from motet.graphql.types.relay import described


@strawberry.input(description="A new activation code.")
class ActivationCodeCreateInput:
    sim_id: strawberry.ID = strawberry.field(description="The SIM that the phone is to get.")
    smdp_address: str = strawberry.field(description="The domain name of the SM-DP+ that has its profile.")
    matching_id: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="What the SM-DP+ finds it by: capital letters, digits, hyphens; made by us if not given.",
    )
    oid: str | None = strawberry.field(
        default=strawberry.UNSET, description="The SM-DP+'s object identifier, if the phone is to check it."
    )
    confirm: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Whether the phone must ask for a confirmation code; default false."
    )
    confirmation_code: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="With `confirm`: the confirmation code, 4 to 16 letters and digits; made by us if not given.",
    )
    expires_at: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="Until when it can be used, at most a year ahead; 30 days if not given."
    )
    idempotency_key: str | None = idempotency_key()


@strawberry.type(description="What came of issuing an activation code.")
class ActivationCodeCreatePayload:
    activation_code: ActivationCode | None = described("The code; it is ISSUED.")
    confirmation_code: str | None = described(
        "The confirmation code, if one is required. It is told this once, not to a repeated request either: give it to"
        " the person by another way."
    )
    user_errors: list[UserError] = described("Why it was not issued; empty if it was.")


@strawberry.input(description="Which activation code to revoke.")
class ActivationCodeRevokeInput:
    id: strawberry.ID = strawberry.field(description="The code; no phone may have used it.")


@strawberry.type(description="What came of revoking an activation code.")
class ActivationCodeRevokePayload:
    activation_code: ActivationCode | None = described("The code, as it is now: EXPIRED.")
    user_errors: list[UserError] = described("Why it was not revoked; empty if it was.")


@strawberry.type
class ActivationCodeMutations:
    """The part of Mutation that is about activation codes."""

    @mutation(
        Permission.SIM_WRITE,
        "Issue an activation code by which one phone gets a SIM as an eSIM, once. A SIM has one such code at a time.",
        ("activationCode", "ActivationCode"),
        scoping=Scoping.IDS,
    )
    async def activation_code_create(
        self,
        info: Info,
        input: Annotated[ActivationCodeCreateInput, strawberry.argument(description="The code.")],  # noqa: A002
    ) -> ActivationCodeCreatePayload | None:
        context = context_of(info)
        issued = await context.services.activation_codes.issue(
            context.workspace_id,
            context.principal.subject,
            row_id_of(input.sim_id, "Sim", "sim_id"),
            input.smdp_address,
            matching_id=or_none(input.matching_id),
            oid=or_none(input.oid),
            confirm=bool(or_none(input.confirm)),
            confirmation_code=or_none(input.confirmation_code),
            expires_at=or_none(input.expires_at),
        )
        return done(issued.code_id, confirmationCode=issued.confirmation_code)

    @mutation(
        Permission.SIM_WRITE,
        "Let an activation code that no phone has used expire now.",
        ("activationCode", "ActivationCode"),
        scoping=Scoping.IDS,
    )
    async def activation_code_revoke(
        self,
        info: Info,
        input: Annotated[ActivationCodeRevokeInput, strawberry.argument(description="Which code.")],  # noqa: A002
    ) -> ActivationCodeRevokePayload | None:
        context = context_of(info)
        code_id = row_id_of(input.id, "ActivationCode", "id")
        await context.services.activation_codes.revoke(context.workspace_id, context.principal.subject, code_id)
        return done(code_id)
