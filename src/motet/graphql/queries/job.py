"""Jobs."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.graphql.fields import query
from motet.graphql.lists import root_list
from motet.graphql.reads import read_one
from motet.graphql.types.job import Job, JobFilter


@strawberry.type
class JobQueries:
    """The part of Query that is about jobs."""

    jobs = root_list(Job, Permission.JOB_READ, "The jobs of the workspace, newest first.", filter_by=JobFilter)

    @query(Permission.JOB_READ, "The job with this id.")
    async def job(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The global id.")],  # noqa: A002
    ) -> Job | None:
        return await read_one(info, "Job")
