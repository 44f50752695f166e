"""Breakout regions: the operator says which work."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.graphql.errors import UserError
from motet.graphql.fields import context_of, done, mutation
from motet.graphql.queries.breakout import region_shown
from motet.graphql.types.breakout import BreakoutRegion
from motet.graphql.types.relay import described
from motet.radio.breakout import REGIONS


@strawberry.input(description="Whether a breakout region works.")
class BreakoutRegionUpdateInput:
    code: str = strawberry.field(description="The region.")
    available: bool = strawberry.field(
        description="Whether it works; sessions from now on pass over one that does not."
    )


@strawberry.type(description="What came of it.")
class BreakoutRegionUpdatePayload:
    breakout_region: BreakoutRegion | None = described("The region, as it is now.")
    user_errors: list[UserError] = described("Why it was not changed; empty if it was.")


@strawberry.type
class BreakoutMutations:
    """The part of Mutation that is about breakout regions."""

    @mutation(Permission.REFERENCE_WRITE, "Say whether a breakout region works. The operator's.")
    async def breakout_region_update(
        self,
        info: Info,
        input: Annotated[BreakoutRegionUpdateInput, strawberry.argument(description="Which region.")],  # noqa: A002
    ) -> BreakoutRegionUpdatePayload | None:
        context = context_of(info)
        service = context.services.breakout
        await service.set_available(context.principal.subject, input.code, input.available)
        return done(breakoutRegion=region_shown(REGIONS[input.code], await service.outages()))
