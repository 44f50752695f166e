"""Jobs: cancel, and take back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.domain.jobs import JobKind
from motet.graphql.errors import UserError
from motet.graphql.fields import authorise, context_of, done, mutation, row_id_of
from motet.graphql.scoping import Scoping
from motet.graphql.types.job import Job
from motet.graphql.types.relay import described

CHANGED_BY: Mapping[JobKind, Permission] = {
    JobKind.DEVICE_UPDATE: Permission.DEVICE_WRITE,
    JobKind.DEVICE_DELETE: Permission.DEVICE_WRITE,
    JobKind.DEVICE_RESET: Permission.DEVICE_WRITE,
    JobKind.SIM_UPDATE: Permission.SIM_WRITE,
    JobKind.SIM_IMPORT: Permission.SIM_WRITE,
}
"""What one has to be allowed to change what a job has changed: to take it back is a change, too."""


@strawberry.input(description="Which job to end.")
class JobCancelInput:
    id: strawberry.ID = strawberry.field(description="The job.")


@strawberry.type(description="What came of ending a job.")
class JobCancelPayload:
    job: Job | None = described("The job, as it is now.")
    user_errors: list[UserError] = described("Why it was not ended; empty if it was.")


@strawberry.input(description="Which job's changes to take back.")
class JobUndoInput:
    id: strawberry.ID = strawberry.field(description="The job; it is over.")


@strawberry.type(description="What came of taking back a job's changes.")
class JobUndoPayload:
    job: Job | None = described("The new job that takes them back, last change first.")
    user_errors: list[UserError] = described("Why there is none; empty if there is.")


@strawberry.type
class JobMutations:
    """The part of Mutation that is about jobs."""

    @mutation(
        Permission.JOB_WRITE,
        "End a job; what it has done stays done. One that was ended already stays as it is.",
        ("job", "Job"),
        scoping=Scoping.IDS,
    )
    async def job_cancel(
        self,
        info: Info,
        input: Annotated[JobCancelInput, strawberry.argument(description="Which job.")],  # noqa: A002
    ) -> JobCancelPayload | None:
        context = context_of(info)
        job_id = row_id_of(input.id, "Job", "id")
        await context.services.jobs.cancel(context.workspace_id, job_id)
        return done(job_id)

    @mutation(
        Permission.JOB_WRITE,
        "Take back what a job has changed, by another job. What was changed again since is left alone and told as an"
        " error of its item; what was deleted stays deleted. Needs the permission to change such things, too.",
        ("job", "Job"),
        scoping=Scoping.IDS,
    )
    async def job_undo(
        self,
        info: Info,
        input: Annotated[JobUndoInput, strawberry.argument(description="Which job.")],  # noqa: A002
    ) -> JobUndoPayload | None:
        context = context_of(info)
        job_id = row_id_of(input.id, "Job", "id")
        return done(
            await context.services.jobs.undo(
                context.workspace_id,
                context.principal.subject,
                job_id,
                check=lambda kind: authorise(context, CHANGED_BY[kind]),
                within=context.principal.tags,
            )
        )
