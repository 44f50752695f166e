"""The workspaces of a user: listed, gone to and fro, and one to begin in."""

from __future__ import annotations

import pytest

from motet.access.principals import Permission, Role
from motet.access.tokens import AuthenticationError
from motet.domain.errors import DeniedError, NotFoundError
from motet.identity.sessions import Signed
from people_world import HERE, PASSWORD, People


async def signed_in(people: People, email: str = "anna@example.org") -> Signed:
    signed = await people.identity.login.with_password(email, PASSWORD, HERE)
    assert isinstance(signed, Signed)
    return signed


async def test_a_member_goes_from_one_workspace_to_another_with_the_role_of_each(people: People) -> None:
    await people.user(roles={"demo": Role.ADMINISTRATOR, "other": Role.OBSERVER})
    own, authenticate = people.identity.own_workspaces, people.identity.authenticator.authenticate
    signed = await signed_in(people)
    here = await authenticate(f"Bearer {signed.access_token}")
    assert [(one.name, one.role, one.is_default) for one in await own.of(here)] == [
        ("demo", "ADMINISTRATOR", False),
        ("other", "OBSERVER", False),
    ]
    went = await own.switch(here, people.other.workspace_id)
    there = await authenticate(f"Bearer {went.access_token}")
    assert (there.workspace, there.role, there.session_id) == ("other", Role.OBSERVER, here.session_id)
    assert (await authenticate(f"Bearer {signed.access_token}")).workspace == "demo"
    renewed = await people.identity.sessions.refresh(went.refresh_token, HERE)
    assert renewed.workspace == "other"
    await own.set_default(here, people.other.workspace_id)
    assert (await signed_in(people)).workspace == "other"
    await own.set_default(here, None)
    assert (await signed_in(people)).workspace == "demo"


async def test_there_is_no_way_into_a_workspace_that_one_is_not_in(people: People) -> None:
    await people.user(roles={"demo": Role.ADMINISTRATOR})
    own = people.identity.own_workspaces
    here = await people.identity.authenticator.authenticate(f"Bearer {(await signed_in(people)).access_token}")
    for unknown in (people.other.workspace_id, 1, None):
        with pytest.raises(NotFoundError) as error:
            await own.switch(here, unknown)
        assert error.value.path == ("workspace_id",)
    with pytest.raises(NotFoundError):
        await own.set_default(here, people.other.workspace_id)


async def test_a_super_administrator_goes_into_each_workspace_of_its_branch(people: People) -> None:
    organisation_id = people.demo.organisation_id
    user_id = await people.user(roles={}, is_super_admin=True, organisation_id=organisation_id)
    here = await people.identity.authenticator.authenticate(f"Bearer {(await signed_in(people)).access_token}")
    assert (here.workspace, here.role) == ("demo", Role.SUPER_ADMIN)
    made = await people.identity.workspaces.create(here, None, "lab")
    (own,) = await people.identity.own_workspaces.of(here)
    assert (own.id, own.name, own.role) == (made, "lab", "ADMINISTRATOR")  # who makes one is its administrator
    went = await people.identity.own_workspaces.switch(here, made)
    there = await people.identity.authenticator.authenticate(f"Bearer {went.access_token}")
    assert (there.workspace, there.role, there.user_id) == ("lab", Role.SUPER_ADMIN, user_id)
    with pytest.raises(NotFoundError):
        await people.identity.own_workspaces.switch(here, people.other.workspace_id)
    assert await people.identity.workspaces.ends_of_move(there, None, people.demo.workspace_id) == (
        made,
        people.demo.workspace_id,
    )
    await people.identity.workspaces.end(here, made)
    assert await people.identity.own_workspaces.of(here) == []
    with pytest.raises(NotFoundError):
        await people.identity.own_workspaces.switch(here, made)
    with pytest.raises(AuthenticationError):
        await people.identity.authenticator.authenticate(f"Bearer {went.access_token}")


async def test_a_member_of_both_moves_sims_between_them_and_nobody_else(people: People) -> None:
    await people.user(roles={"demo": Role.USER, "other": Role.USER})
    await people.user("bert@example.org", roles={"demo": Role.ADMINISTRATOR, "other": Role.OBSERVER})
    workspaces, target = people.identity.workspaces, people.other.workspace_id
    anna = await people.identity.authenticator.authenticate(f"Bearer {(await signed_in(people)).access_token}")
    assert await workspaces.ends_of_move(anna, None, target) == (people.demo.workspace_id, target)
    signed = await signed_in(people, "bert@example.org")
    bert = await people.identity.authenticator.authenticate(f"Bearer {signed.access_token}")
    assert bert.allows(Permission.SIM_MOVE)
    with pytest.raises(NotFoundError) as error:
        await workspaces.ends_of_move(bert, None, target)
    assert error.value.path == ("target_workspace_id",)


async def test_a_token_that_is_no_users_stays_where_it_is(people: People) -> None:
    token = people.ground.authority.issue(
        "administrator@demo", now=int(people.clock().timestamp()), ttl_s=60,
        workspace_id=people.demo.workspace_id, workspace="demo", role=Role.ADMINISTRATOR,
    )  # fmt: skip
    principal = await people.identity.authenticator.authenticate(f"Bearer {token}")
    own = people.identity.own_workspaces
    assert [(one.name, one.role) for one in await own.of(principal)] == [("demo", "ADMINISTRATOR")]
    with pytest.raises(DeniedError):
        await own.switch(principal, people.demo.workspace_id)
    with pytest.raises(NotFoundError):
        await own.switch(principal, people.other.workspace_id)
    with pytest.raises(DeniedError):
        await own.set_default(principal, None)
