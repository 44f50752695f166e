"""The operator's links: make, change, remove."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.fleet.messaging.smsc_link import SmscLinkChanges
from motet.graphql.errors import UserError
from motet.graphql.fields import context_of, done, given, given_or_null, mutation, row_id_of
from motet.graphql.types.operator import SmscLink
from motet.graphql.types.relay import described


@strawberry.input(description="A new link to an SMSC.")
class SmscLinkCreateInput:
    name: str = strawberry.field(description="What people call it, unique; 1 to 100 characters.")
    host: str = strawberry.field(description="The SMSC's host.")
    port: int = strawberry.field(description="The SMSC's port.")
    system_id: str = strawberry.field(description="The name to bind with, 1 to 15 visible ASCII characters.")
    password: str = strawberry.field(description="The password to bind with, at most 8 ASCII characters.")
    binds: int | None = strawberry.field(default=strawberry.UNSET, description="Sessions to keep, 1 to 32; default 1.")
    window_size: int | None = strawberry.field(
        default=strawberry.UNSET, description="Commands left unanswered per session, 1 to 10,000; default 100."
    )
    enabled: bool | None = strawberry.field(default=strawberry.UNSET, description="Whether to connect; default true.")
    tls: bool | None = strawberry.field(default=strawberry.UNSET, description="Whether by TLS; default false.")
    tls_name: str | None = strawberry.field(
        default=strawberry.UNSET, description="The name that its certificate must have; null: that of the host."
    )


@strawberry.type(description="What came of making a link.")
class SmscLinkCreatePayload:
    smsc_link: SmscLink | None = described("The link.")
    user_errors: list[UserError] = described("Why it was not made; empty if it was.")


@strawberry.input(description="What to change of a link; what is left out stays.")
class SmscLinkUpdateInput:
    id: strawberry.ID = strawberry.field(description="The link.")
    name: str | None = strawberry.field(default=strawberry.UNSET, description="What people call it.")
    host: str | None = strawberry.field(default=strawberry.UNSET, description="The SMSC's host.")
    port: int | None = strawberry.field(default=strawberry.UNSET, description="The SMSC's port.")
    system_id: str | None = strawberry.field(default=strawberry.UNSET, description="The name to bind with.")
    password: str | None = strawberry.field(default=strawberry.UNSET, description="The password to bind with.")
    binds: int | None = strawberry.field(default=strawberry.UNSET, description="Sessions to keep, 1 to 32.")
    window_size: int | None = strawberry.field(
        default=strawberry.UNSET, description="Commands left unanswered per session, 1 to 10,000."
    )
    enabled: bool | None = strawberry.field(default=strawberry.UNSET, description="Whether to connect.")
    tls: bool | None = strawberry.field(default=strawberry.UNSET, description="Whether by TLS.")
    tls_name: str | None = strawberry.field(
        default=strawberry.UNSET, description="The name that its certificate must have; null: that of the host."
    )


@strawberry.type(description="What came of changing a link.")
class SmscLinkUpdatePayload:
    smsc_link: SmscLink | None = described("The link, as it is now.")
    user_errors: list[UserError] = described("Why it was not changed; empty if it was.")


@strawberry.input(description="Which link to remove.")
class SmscLinkDeleteInput:
    id: strawberry.ID = strawberry.field(description="The link.")


@strawberry.type(description="What came of removing a link.")
class SmscLinkDeletePayload:
    deleted_id: strawberry.ID | None = described("The id of the link that is gone.")
    user_errors: list[UserError] = described("Why it was not removed; empty if it was.")


@strawberry.type
class SmscLinkMutations:
    """The part of Mutation that is about the operator's links."""

    @mutation(Permission.SMSC_LINK_WRITE, "Make a link to an SMSC. The operator's.", ("smscLink", "SmscLink"))
    async def smsc_link_create(
        self,
        info: Info,
        input: Annotated[SmscLinkCreateInput, strawberry.argument(description="The link.")],  # noqa: A002
    ) -> SmscLinkCreatePayload | None:
        return done(await context_of(info).services.smsc_links.create(_changes(input)))

    @mutation(Permission.SMSC_LINK_WRITE, "Change a link to an SMSC. The operator's.", ("smscLink", "SmscLink"))
    async def smsc_link_update(
        self,
        info: Info,
        input: Annotated[SmscLinkUpdateInput, strawberry.argument(description="The changes.")],  # noqa: A002
    ) -> SmscLinkUpdatePayload | None:
        link_id = _link_id(input.id)
        await context_of(info).services.smsc_links.update(link_id, _changes(input))
        return done(link_id)

    @mutation(Permission.SMSC_LINK_WRITE, "Remove a link to an SMSC. The operator's.")
    async def smsc_link_delete(
        self,
        info: Info,
        input: Annotated[SmscLinkDeleteInput, strawberry.argument(description="Which link.")],  # noqa: A002
    ) -> SmscLinkDeletePayload | None:
        await context_of(info).services.smsc_links.delete(_link_id(input.id))
        return done(deletedId=input.id)


def _link_id(global_id: str) -> int:
    """The link's id. One past the 31 bits of a link's ids is nobody's, as -1 is."""
    link_id = row_id_of(global_id, "SmscLink", "id")
    return link_id if link_id < 1 << 31 else -1


def _changes(link: SmscLinkCreateInput | SmscLinkUpdateInput) -> SmscLinkChanges:
    return SmscLinkChanges(
        name=given(link.name, "name"),
        host=given(link.host, "host"),
        port=given(link.port, "port"),
        system_id=given(link.system_id, "system_id"),
        password=given(link.password, "password"),
        binds=given(link.binds, "binds"),
        window_size=given(link.window_size, "window_size"),
        enabled=given(link.enabled, "enabled"),
        tls=given(link.tls, "tls"),
        tls_name=given_or_null(link.tls_name),
    )
