"""Usage, data sessions and quotas."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.graphql.fields import query
from motet.graphql.lists import root_list
from motet.graphql.reads import read_one
from motet.graphql.types.quota import Quota, QuotaFilter, QuotaPool, QuotaPoolFilter
from motet.graphql.types.usage import DataSession, DataSessionFilter, WorkspaceUsage, WorkspaceUsageFilter


@strawberry.type
class UsageQueries:
    """The part of Query that is about what was used and what may be."""

    usage = root_list(
        WorkspaceUsage,
        Permission.USAGE_READ,
        "What the workspace has used, by day unless the filter says otherwise, newest first.",
        filter_by=WorkspaceUsageFilter,
    )
    data_sessions = root_list(
        DataSession, Permission.USAGE_READ, "The data sessions of the workspace, newest first.",
        filter_by=DataSessionFilter,
    )  # fmt: skip
    quotas = root_list(Quota, Permission.QUOTA_READ, "The quotas of the workspace.", filter_by=QuotaFilter)
    quota_pools = root_list(
        QuotaPool, Permission.QUOTA_READ, "The quota pools of the workspace.", filter_by=QuotaPoolFilter
    )

    @query(Permission.USAGE_READ, "The data session with this id.")
    async def data_session(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The global id.")],  # noqa: A002
    ) -> DataSession | None:
        return await read_one(info, "DataSession")

    @query(Permission.QUOTA_READ, "The quota with this id.")
    async def quota(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The global id.")],  # noqa: A002
    ) -> Quota | None:
        return await read_one(info, "Quota")

    @query(Permission.QUOTA_READ, "The quota pool with this id.")
    async def quota_pool(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The global id.")],  # noqa: A002
    ) -> QuotaPool | None:
        return await read_one(info, "QuotaPool")
