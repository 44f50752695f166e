"""What a workspace is told of its members: by whichever way they come, change and go."""

from __future__ import annotations

from typing import Any

import pytest

from motet.access.principals import Principal, Role, member
from motet.domain.errors import DeniedError
from motet.domain.global_ids import encode_global_id
from people_world import HERE, PASSWORD, People


def boss(people: People) -> Principal:
    demo, until = people.demo, int(people.clock().timestamp()) + 900
    return member("boss@example.org", demo.workspace_id, demo.name, Role.ADMINISTRATOR, until)


async def told(people: People) -> list[tuple[str, Any]]:
    rows = await people.ground.database.pool.fetch(
        "SELECT type, data FROM event WHERE workspace_id = $1 AND type LIKE 'member.%' ORDER BY id",
        people.demo.workspace_id,
    )
    return [(row["type"], row["data"]) for row in rows]


async def test_a_member_is_told_of_by_id_from_coming_to_going(people: People) -> None:
    workspace_id, users = people.demo.workspace_id, people.identity.users
    inviter = boss(people)
    link = await people.identity.invitations.link_for(inviter, workspace_id, "anna@example.org", role=Role.OBSERVER)
    await people.identity.invitations.accept(link.rpartition("#")[2].rpartition("=")[2], HERE, password=PASSWORD)
    pool = people.ground.database.pool
    anna = await pool.fetchval("SELECT user_id FROM membership WHERE workspace_id = $1", workspace_id)
    role_id = await people.tenants.custom_role(people.demo)
    await users.set_role(inviter, workspace_id, anna, role_id=role_id)
    await users.set_role(inviter, workspace_id, anna, role_id=role_id)  # nothing changes, nothing is told
    await users.remove(inviter, workspace_id, anna)
    user, custom = {"id": encode_global_id("User", anna)}, {"id": encode_global_id("CustomRole", role_id)}
    assert await told(people) == [
        ("member.added", {"user": user, "role": "OBSERVER"}),
        (
            "member.role_changed",
            {"user": user, "role": "CUSTOM", "customRole": custom, "roleBefore": "OBSERVER"},
        ),
        ("member.removed", {"user": user, "roleBefore": "CUSTOM", "customRoleBefore": custom}),
    ]


async def test_who_is_erased_is_a_member_of_nothing_any_more(people: People) -> None:
    anna = await people.user("anna@example.org", roles={"demo": Role.USER, "other": Role.OBSERVER})
    await people.identity.users.erase(boss(people), people.demo.workspace_id, anna)
    user = {"id": encode_global_id("User", anna)}
    assert await told(people) == [("member.removed", {"user": user, "roleBefore": "USER"})]
    kept = await people.ground.database.pool.fetch("SELECT data::text || description AS text FROM event")
    assert len(kept) == 2
    assert "anna" not in "".join(row["text"] for row in kept)


async def test_nobody_is_told_of_what_was_refused(people: People) -> None:
    administrator = await people.user("only@example.org")
    inviter = boss(people)
    for change in (
        people.identity.users.remove(inviter, people.demo.workspace_id, administrator),
        people.identity.users.set_role(inviter, people.demo.workspace_id, administrator, role=Role.USER),
    ):
        with pytest.raises(DeniedError, match="last administrator"):
            await change
    assert await told(people) == []
