"""What programs prove themselves with."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.graphql.fields import query
from motet.graphql.lists import root_list
from motet.graphql.reads import read_one
from motet.graphql.types.api_key import ApiKey


@strawberry.type
class AccessQueries:
    """The part of Query that is about API keys."""

    api_keys = root_list(
        ApiKey, Permission.API_KEY_READ, "The API keys of the workspace, and the latest of those that were revoked."
    )

    @query(Permission.API_KEY_READ, "An API key.")
    async def api_key(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The key.")],  # noqa: A002
    ) -> ApiKey | None:
        return await read_one(info, "ApiKey")
