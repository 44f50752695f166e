"""What people do with their own account."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.domain.errors import NotFoundError
from motet.graphql.context import Context
from motet.graphql.errors import UserError
from motet.graphql.fields import context_of, done, given, given_or_null, mutation, or_none, row_id_of
from motet.graphql.types.relay import described


@strawberry.input(description="What to change about oneself; what is left out stays.")
class ViewerUpdateInput:
    name: str | None = strawberry.field(default=strawberry.UNSET, description="What you are called.")
    locale: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Your language (BCP 47): en, de, es, fr, it, ja, zh-TW; null: the organisation's.",
    )


@strawberry.type(description="What came of changing something about oneself.")
class ViewerUpdatePayload:
    user_errors: list[UserError] = described("Why nothing was changed; empty if it was.")


@strawberry.input(description="A new password for oneself.")
class PasswordChangeInput:
    old_password: str = strawberry.field(description="The one that is to be replaced.")
    new_password: str = strawberry.field(description="12 to 256 characters that are not easily guessed.")


@strawberry.type(description="What came of changing the password.")
class PasswordChangePayload:
    user_errors: list[UserError] = described("Why it was not changed; empty if it was.")


@strawberry.input(description="Which session to end.")
class SessionEndInput:
    id: strawberry.ID = strawberry.field(description="One of the viewer's own `sessions`.")


@strawberry.type(description="What came of ending a session.")
class SessionEndPayload:
    deleted_id: strawberry.ID | None = described("The id of the session that is over.")
    user_errors: list[UserError] = described("Why it was not ended; empty if it was.")


@strawberry.input(description="Which sessions to end.")
class SessionEndAllInput:
    but_this: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Whether the session of this request goes on; true if not given."
    )


@strawberry.type(description="What came of ending sessions.")
class SessionEndAllPayload:
    user_errors: list[UserError] = described("Why they were not ended; empty if they were.")


@strawberry.type
class ViewerMutations:
    """The part of Mutation that is about the viewer's own account."""

    @mutation(Permission.VIEWER_WRITE, "Change one's own name and language.")
    async def viewer_update(
        self,
        info: Info,
        input: Annotated[ViewerUpdateInput, strawberry.argument(description="The changes.")],  # noqa: A002
    ) -> ViewerUpdatePayload | None:
        context = context_of(info)
        locale = given_or_null(input.locale)
        await context.services.identity.users.describe(
            _user_id(context),
            name=or_none(given(input.name, "name")),
            locale=or_none(locale),
            sets_locale=input.locale is not strawberry.UNSET,
        )
        return done()

    @mutation(Permission.VIEWER_WRITE, "Change one's own password: all other sessions end, and a mail says so.")
    async def password_change(
        self,
        info: Info,
        input: Annotated[PasswordChangeInput, strawberry.argument(description="Old and new.")],  # noqa: A002
    ) -> PasswordChangePayload | None:
        context = context_of(info)
        await context.services.identity.password_changes.change(
            context.principal, input.old_password, input.new_password, context.client
        )
        return done()

    @mutation(Permission.VIEWER_WRITE, "Sign out somewhere: the session's tokens are good no more, at once.")
    async def session_end(
        self,
        info: Info,
        input: Annotated[SessionEndInput, strawberry.argument(description="Where.")],  # noqa: A002
    ) -> SessionEndPayload | None:
        context = context_of(info)
        session_id = row_id_of(input.id, "LoginSession", "id")
        if context.principal.user_id is None:
            raise NotFoundError("There is no open session with this id.", path=("id",))
        await context.services.identity.sessions.end(context.principal.user_id, session_id)
        return done(deletedId=input.id)

    @mutation(Permission.VIEWER_WRITE, "Sign out everywhere else, or everywhere.")
    async def session_end_all(
        self,
        info: Info,
        input: Annotated[SessionEndAllInput, strawberry.argument(description="But this one?")],  # noqa: A002
    ) -> SessionEndAllPayload | None:
        context = context_of(info)
        spared = None if or_none(input.but_this) is False else context.principal.session_id
        await context.services.identity.sessions.end_all(_user_id(context), "signed out", but=spared)
        return done()


def _user_id(context: Context) -> int:
    """Raises NotFoundError for a token that is no person's."""
    if context.principal.user_id is None:
        raise NotFoundError("This token is no user's.")
    return context.principal.user_id
