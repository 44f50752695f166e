"""SIMs that cost and do nothing."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.graphql.errors import UserError
from motet.graphql.fields import context_of, done, idempotency_key, mutation, or_none
from motet.graphql.types.job import Job
from motet.graphql.types.relay import described


@strawberry.input(description="Which SIMs are idle.")
class SimSuspendIdleInput:
    idle_days: int = strawberry.field(
        description="ACTIVATED for so many days without any SMS or data, 1 to 730: counted from the start of that day."
    )
    dry_run: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Whether only to find out which these are; default false."
    )
    idempotency_key: str | None = idempotency_key()


@strawberry.type(description="What came of looking for idle SIMs.")
class SimSuspendIdlePayload:
    job: Job | None = described("The job that suspends them, one by one; null if there are none.")
    idle_count: int | None = described("How many there are; null for a repeated request.")
    user_errors: list[UserError] = described("Why nothing was looked for; empty if it was.")


@strawberry.type
class SimIdleMutations:
    """The part of Mutation that is about SIMs that do nothing."""

    @mutation(
        Permission.SIM_WRITE,
        "Suspend the SIMs that have been in use for so many days and have used nothing: the answer is a job, which can"
        " be undone as any. At most 100,000 at a time.",
        ("job", "Job"),
    )
    async def sim_suspend_idle(
        self,
        info: Info,
        input: Annotated[SimSuspendIdleInput, strawberry.argument(description="For how long.")],  # noqa: A002
    ) -> SimSuspendIdlePayload | None:
        context = context_of(info)
        job_id, count = await context.services.sim_bulk.suspend_idle(
            context.workspace_id,
            context.principal.subject,
            input.idle_days,
            dry_run=bool(or_none(input.dry_run)),
        )
        return done(job_id, idleCount=count)
