"""Who is in the workspace, and who was asked to be."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.graphql.fields import query
from motet.graphql.lists import root_list
from motet.graphql.reads import read_one
from motet.graphql.types.user import Invitation, User, UserFilter


@strawberry.type
class UserQueries:
    """The part of Query that is about people."""

    users = root_list(User, Permission.USER_READ, "The members of the workspace.", filter_by=UserFilter)
    invitations = root_list(Invitation, Permission.USER_READ, "Those who were asked to become members.")

    @query(Permission.USER_READ, "The member of this id.")
    async def user(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The global id.")],  # noqa: A002
    ) -> User | None:
        return await read_one(info, "User")
