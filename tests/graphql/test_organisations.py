"""The tree of organisations and the workspaces in it, through GraphQL: who sees and changes what of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from graphql_client import Client
from graphql_world import World
from test_mutations import error, mutate

from motet.access.principals import Role
from motet.domain.global_ids import decode_global_id, encode_global_id

TREE = "{ organisations(first: 200) { nodes { id name kind parent { id } workspaces { nodes { name } } } } }"


def organisation_id(row_id: int) -> str:
    return encode_global_id("Organisation", row_id)


async def make(client: Client, name: str, kind: str = "ENTERPRISE", parent: str | None = None) -> str:
    fields = {"name": name, "kind": kind, **({} if parent is None else {"parentId": parent})}
    payload = await mutate(client, "organisationCreate", "organisation { id }", **fields)
    assert payload["userErrors"] == []
    return str(payload["organisation"]["id"])


async def names(client: Client) -> set[str]:
    return {node["name"] for node in (await client.query(TREE)).data["organisations"]["nodes"]}


async def test_the_operator_builds_a_tree_and_moves_its_branches(world: World) -> None:
    operator = world.operator()
    provider = await make(operator, "Provider", "SERVICE_PROVIDER")
    reseller = await make(operator, "Reseller", "RESELLER", provider)
    second = await make(operator, "Second", "SERVICE_PROVIDER")
    demo = organisation_id(world.demo.organisation_id)
    moved = await mutate(
        operator, "organisationUpdate", "organisation { name parent { name } }", id=demo, parentId=reseller, name=" D "
    )
    assert moved == {"organisation": {"name": "D", "parent": {"name": "Reseller"}}, "userErrors": []}
    await mutate(operator, "organisationUpdate", "", id=reseller, parentId=second)
    reply = await operator.query(
        "query ($id: ID!) { organisation(id: $id) { organisations(first: 3) { nodes { name"
        " organisations(first: 3) { nodes { name"
        " workspaces(first: 3) { nodes { name organisation { name } } } } } } } } }",
        {"id": second},
    )
    assert reply.data["organisation"]["organisations"]["nodes"] == [
        {
            "name": "Reseller",
            "organisations": {
                "nodes": [{"name": "D", "workspaces": {"nodes": [{"name": "demo", "organisation": {"name": "D"}}]}}]
            },
        }
    ]
    assert await names(operator) == {"operator", "Provider", "Second", "Reseller", "D", "other"}
    stored = await world.tenants.database.pool.fetch(
        "WITH RECURSIVE tree AS (SELECT id, ARRAY[id] AS path FROM organisation WHERE parent_id IS NULL UNION ALL"
        " SELECT o.id, t.path || o.id FROM organisation o JOIN tree t ON t.id = o.parent_id)"
        " SELECT o.path = t.path AS same FROM organisation o JOIN tree t USING (id)"
    )
    assert [row["same"] for row in stored] == [True] * 6


async def test_kinds_go_down_and_the_tree_has_no_cycles(world: World) -> None:
    operator = world.operator()
    reseller = await make(operator, "Reseller", "RESELLER")
    division = await make(operator, "Division", "ENTERPRISE", reseller)
    for fields, problem in (
        ({"name": "x", "kind": "SERVICE_PROVIDER", "parentId": reseller}, error("INVALID", "kind")),
        ({"name": "x", "kind": "OPERATOR"}, error("INVALID", "kind")),
        ({"name": "  ", "kind": "ENTERPRISE"}, error("INVALID", "name")),
        ({"name": "x" * 101, "kind": "ENTERPRISE"}, error("INVALID", "name")),
        ({"name": "x", "kind": "ENTERPRISE", "parentId": organisation_id(1)}, error("NOT_FOUND", "parentId")),
    ):
        assert (await mutate(operator, "organisationCreate", "", **fields))["userErrors"] == problem
    other = organisation_id(world.other.organisation_id)
    for fields, problem in (
        ({"id": reseller, "parentId": division}, error("INVALID", "parentId")),
        ({"id": reseller, "kind": "ENTERPRISE"}, []),
        ({"id": reseller, "parentId": division}, error("CONFLICT", "parentId")),
        ({"id": reseller, "parentId": reseller}, error("CONFLICT", "parentId")),
        ({"id": division, "kind": "RESELLER"}, error("INVALID", "kind")),
        ({"id": division, "parentId": other}, []),
        ({"id": division, "name": None}, error("INVALID", "name")),
        ({"id": division, "parentId": None}, error("INVALID", "parentId")),
        ({"id": division}, []),
    ):
        assert (await mutate(operator, "organisationUpdate", "", **fields))["userErrors"] == problem, fields
    root = (await operator.query("{ organisation { id kind } }")).data["organisation"]
    assert root["kind"] == "OPERATOR"
    assert (await mutate(operator, "organisationDelete", "", id=root["id"]))["userErrors"] == error("DENIED", "id")
    assert (await mutate(operator, "organisationUpdate", "", id=root["id"], parentId=other))["userErrors"] == error(
        "DENIED", "id"
    )


async def test_the_tree_is_eight_deep(world: World) -> None:
    operator = world.operator()
    parent = None
    for depth in range(2, 9):
        parent = await make(operator, f"level {depth}", parent=parent)
    payload = await mutate(operator, "organisationCreate", "", name="x", kind="ENTERPRISE", parentId=parent)
    assert payload["userErrors"] == error("LIMIT_REACHED", "parentId")
    branch = await make(operator, "branch")
    await make(operator, "leaf", parent=branch)
    payload = await mutate(operator, "organisationUpdate", "", id=branch, parentId=parent)
    assert payload["userErrors"] == error("LIMIT_REACHED", "parentId")


async def test_a_super_administrator_has_its_own_branch_and_no_other(world: World) -> None:
    above = world.client(world.demo, Role.SUPER_ADMIN)
    division = await make(above, "Division")
    below = await make(above, "Below", parent=division)
    made = await mutate(
        above, "workspaceCreate", "workspace { id name organisation { id } }", name="far", organisationId=below
    )
    assert made["workspace"]["organisation"] == {"id": below}
    far = made["workspace"]["id"]
    assert await names(above) == {"demo", "Division", "Below"}
    own = (await above.query("{ organisation { name parent { id } workspaces { nodes { name } } } }")).data
    assert own == {"organisation": {"name": "demo", "parent": None, "workspaces": {"nodes": [{"name": "demo"}]}}}
    theirs = organisation_id(world.other.organisation_id)
    their_workspace = encode_global_id("Workspace", world.other.workspace_id)
    reply = await above.query(
        "query ($a: ID!, $b: ID!, $c: ID!) { organisation(id: $a) { id } node(id: $b) { id }"
        " far: node(id: $c) { ... on Workspace { name organisation { name } } } }",
        {"a": theirs, "b": their_workspace, "c": far},
    )
    assert reply.data == {
        "organisation": None,
        "node": None,
        "far": {"name": "far", "organisation": {"name": "Below"}},
    }
    for mutation, fields, problem in (
        ("organisationUpdate", {"id": theirs, "name": "mine"}, error("NOT_FOUND", "id")),
        ("organisationDelete", {"id": theirs}, error("NOT_FOUND", "id")),
        ("organisationUpdate", {"id": division, "parentId": theirs}, error("NOT_FOUND", "parentId")),
        ("organisationCreate", {"name": "x", "kind": "ENTERPRISE", "parentId": theirs}, error("NOT_FOUND", "parentId")),
        ("workspaceCreate", {"name": "x", "organisationId": theirs}, error("NOT_FOUND", "organisationId")),
        ("workspaceUpdate", {"id": their_workspace, "name": "x"}, error("NOT_FOUND", "id")),
        ("workspaceUpdate", {"id": far, "organisationId": theirs}, error("NOT_FOUND", "organisationId")),
        ("workspaceDelete", {"id": their_workspace}, error("NOT_FOUND", "id")),
    ):
        assert (await mutate(above, mutation, "", **fields))["userErrors"] == problem, mutation
    mine = organisation_id(world.demo.organisation_id)
    assert (await mutate(above, "organisationUpdate", "", id=mine, name="Demo"))["userErrors"] == []
    for fields in ({"parentId": division}, {"kind": "RESELLER"}):
        assert (await mutate(above, "organisationUpdate", "", id=mine, **fields))["userErrors"] == error("DENIED", "id")
    assert (await mutate(above, "organisationDelete", "", id=mine))["userErrors"] == error("DENIED", "id")


async def test_other_members_see_the_organisation_of_their_workspace_and_change_none(
    world: World, client: Client
) -> None:
    await make(world.client(world.demo, Role.SUPER_ADMIN), "Division")
    for role in (Role.ADMINISTRATOR, Role.OBSERVER):
        one = world.client(world.demo, role)
        assert await names(one) == {"demo"}
        reply = await one.query("{ organisation { organisations { totalCount } } viewer { workspace { name } } }")
        assert reply.data == {
            "organisation": {"organisations": {"totalCount": 0}},
            "viewer": {"workspace": {"name": "demo"}},
        }
        for mutation, fields in (
            ("organisationCreate", '{name: "x", kind: ENTERPRISE}'),
            ("workspaceCreate", '{name: "x"}'),
        ):
            reply = await one.query(f"mutation {{ {mutation}(input: {fields}) {{ userErrors {{ code }} }} }}")
            assert reply.codes == ["FORBIDDEN"]
    assert (await client.query("{ workspaces { totalCount } }")).codes == ["FORBIDDEN"]
    assert (await world.client(world.demo, Role.SUPER_ADMIN).query("{ workspaces { totalCount } }")).codes == [
        "FORBIDDEN"
    ]


async def test_an_organisation_goes_when_it_is_empty(world: World) -> None:
    above = world.client(world.demo, Role.SUPER_ADMIN)
    division = await make(above, "Division")
    below = await make(above, "Below", parent=division)
    assert (await mutate(above, "organisationDelete", "", id=division))["userErrors"] == error("DENIED", "id")
    assert (await mutate(above, "organisationDelete", "deletedId", id=below))["deletedId"] == below
    made = await mutate(above, "workspaceCreate", "workspace { id }", name="short", organisationId=division)
    assert (await mutate(above, "organisationDelete", "", id=division))["userErrors"] == error("DENIED", "id")
    await mutate(above, "workspaceDelete", "", id=made["workspace"]["id"])
    assert (await mutate(above, "organisationDelete", "", id=division))["userErrors"] == []
    assert (await mutate(above, "organisationDelete", "", id=division))["userErrors"] == error("NOT_FOUND", "id")
    kept = "query ($id: ID!) { node(id: $id) { ... on Workspace { endedAt organisation { name } } } }"
    ended = (await above.query(kept, {"id": made["workspace"]["id"]})).data["node"]
    assert ended["organisation"] == {"name": "demo"}
    assert ended["endedAt"] is not None


async def test_a_workspace_ends_when_nothing_lives_in_it(world: World) -> None:
    operator, above = world.operator(), world.client(world.demo, Role.SUPER_ADMIN)
    mine = encode_global_id("Workspace", world.demo.workspace_id)
    assert (await mutate(above, "workspaceDelete", "", id=mine))["userErrors"] == error("DENIED", "id")
    assert (await mutate(operator, "workspaceDelete", "", id=mine))["userErrors"] == error("DENIED", "id")
    made = (await mutate(above, "workspaceCreate", "workspace { id }", name="lab"))["workspace"]["id"]
    assert (await mutate(above, "workspaceCreate", "", name="lab"))["userErrors"] == error("CONFLICT", "name")
    assert (await mutate(above, "workspaceCreate", "", name="The Lab"))["userErrors"] == error("INVALID", "name")
    renamed = await mutate(above, "workspaceUpdate", "workspace { name }", id=made, name="lab-1")
    assert renamed["workspace"] == {"name": "lab-1"}
    assert (await mutate(above, "workspaceUpdate", "", id=made, name="other"))["userErrors"] == error(
        "CONFLICT", "name"
    )
    assert (await mutate(above, "workspaceDelete", "deletedId", id=made))["deletedId"] == made
    assert (await mutate(above, "workspaceDelete", "", id=made))["userErrors"] == error("NOT_FOUND", "id")
    assert (await mutate(above, "workspaceUpdate", "", id=made, name="x"))["userErrors"] == error("NOT_FOUND", "id")
    assert (await mutate(above, "workspaceCreate", "", name="lab-1"))["userErrors"] == []
    shown = "{ a: workspaces { nodes { name } } b: workspaces(filter: {hasEnded: true}) { nodes { name endedAt } } }"
    reply = (await operator.query(shown)).data
    assert {node["name"] for node in reply["a"]["nodes"]} == {"demo", "other", "lab-1"}
    assert [node["name"] for node in reply["b"]["nodes"]] == ["lab-1"]


@pytest.mark.parametrize("who", ["operator", "super administrator"])
async def test_the_same_key_makes_one_organisation_and_one_workspace(world: World, who: str) -> None:
    client = world.operator() if who == "operator" else world.client(world.demo, Role.SUPER_ADMIN)
    given: dict[str, Any] = {"name": "once", "idempotencyKey": "k"}
    for mutation, shown, more in (
        ("organisationCreate", "organisation { id }", {"kind": "ENTERPRISE"}),
        ("workspaceCreate", "workspace { id }", {}),
    ):
        first = await mutate(client, mutation, shown, **given, **more)
        assert first == await mutate(client, mutation, shown, **given, **more)
        assert first["userErrors"] == []
        again = await mutate(client, mutation, "", **{**given, **more, "name": "twice"})
        assert again["userErrors"] == error("CONFLICT", "idempotencyKey")


def workspace_id(row_id: int) -> str:
    return encode_global_id("Workspace", row_id)


async def test_nobody_is_let_into_a_suspended_workspace_or_organisation_until_it_is_restored(
    world: World, client: Client
) -> None:
    operator, listening = world.operator(), asyncio.create_task(world.services.identity.authenticator.run())
    await asyncio.wait_for(world.services.identity.authenticator.listening.wait(), 20)
    asked = "{ viewer { subject } }"
    demo, owner = workspace_id(world.demo.workspace_id), organisation_id(world.demo.organisation_id)
    for noun, its_id in (("workspace", demo), ("organisation", owner)):
        async with client.socket() as socket:
            await socket.init(client.token or "")
            assert await socket.receive() == {"type": "connection_ack"}
            told = await mutate(operator, f"{noun}Suspend", f"{noun} {{ suspendedAt }}", id=its_id)
            since = told[noun]["suspendedAt"]
            assert (told["userErrors"], since is None) == ([], False)
            async with asyncio.timeout(20):
                assert await socket.closed() == 4403
        assert (await client.query(asked)).status == 401
        assert (await world.client(world.other).query(asked)).status == 200
        again = await mutate(operator, f"{noun}Suspend", f"{noun} {{ suspendedAt }}", id=its_id)
        assert again[noun]["suspendedAt"] == since
        listed = "{ workspaces(filter: {isSuspended: true}) { nodes { name } } }"
        assert (await operator.query(listed)).data["workspaces"]["nodes"] == [{"name": "demo"}] * (noun == "workspace")
        told = await mutate(operator, f"{noun}Restore", f"{noun} {{ suspendedAt }}", id=its_id)
        assert told == {noun: {"suspendedAt": None}, "userErrors": []}
        async with asyncio.timeout(20):
            while (await client.query(asked)).status != 200:  # noqa: ASYNC110 - until the node has heard of it
                await asyncio.sleep(0)
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


async def test_who_may_suspend_what(world: World) -> None:
    above, other = world.client(world.demo, Role.SUPER_ADMIN), organisation_id(world.other.organisation_id)
    below = await make(above, "Below")
    inside = await mutate(above, "workspaceCreate", "workspace { id }", name="inside", organisationId=below)
    inside_id = inside["workspace"]["id"]
    for mutation, its_id, code in (
        ("workspaceSuspend", workspace_id(world.demo.workspace_id), "DENIED"),
        ("workspaceSuspend", workspace_id(world.other.workspace_id), "NOT_FOUND"),
        ("workspaceRestore", workspace_id(world.other.workspace_id), "NOT_FOUND"),
        ("organisationSuspend", organisation_id(world.demo.organisation_id), "DENIED"),
        ("organisationRestore", organisation_id(world.demo.organisation_id), "DENIED"),
        ("organisationSuspend", other, "NOT_FOUND"),
        ("organisationRestore", other, "NOT_FOUND"),
    ):
        assert (await mutate(above, mutation, "", id=its_id))["userErrors"] == error(code, "id"), mutation
    for mutation in ("organisationSuspend", "workspaceSuspend", "organisationRestore", "workspaceRestore"):
        its_id = below if mutation.startswith("organisation") else inside_id
        assert (await mutate(above, mutation, "", id=its_id))["userErrors"] == [], mutation
    mine = await make(world.operator(), "Root's own")
    await mutate(world.operator(), "workspaceUpdate", "", id=workspace_id(world.demo.workspace_id), organisationId=mine)
    for role in (Role.ADMINISTRATOR, Role.USER, Role.OBSERVER):
        reply = await world.client(world.demo, role).query(
            f'mutation {{ workspaceSuspend(input: {{id: "{inside_id}"}}) {{ userErrors {{ code }} }} }}'
        )
        assert reply.codes == ["FORBIDDEN"]


async def test_a_workspace_is_told_what_becomes_of_it(world: World) -> None:
    operator = world.operator()
    owner = await make(operator, "Owner")
    made = await mutate(operator, "workspaceCreate", "workspace { id }", name="lab", organisationId=owner)
    lab = made["workspace"]["id"]
    for mutation, fields in (
        ("workspaceUpdate", {"name": "lab"}),
        ("workspaceUpdate", {"name": "bench"}),
        ("workspaceUpdate", {"organisationId": organisation_id(world.demo.organisation_id)}),
        ("workspaceSuspend", {}),
        ("workspaceSuspend", {}),
        ("workspaceRestore", {}),
        ("workspaceRestore", {}),
        ("workspaceDelete", {}),
    ):
        assert (await mutate(operator, mutation, "", id=lab, **fields))["userErrors"] == [], mutation
    rows = await world.tenants.database.pool.fetch(
        "SELECT type, actor, data FROM event WHERE workspace_id = $1 ORDER BY id",
        (decode_global_id(lab) or ("", 0))[1],
    )
    assert {row["actor"] for row in rows} == {"operator"}
    assert [(row["type"], row["data"]) for row in rows] == [
        ("workspace.created", {"name": "lab"}),
        ("workspace.updated", {"name": "bench", "nameBefore": "lab", "changed": ["name"]}),
        ("workspace.updated", {"name": "bench", "nameBefore": "bench", "changed": ["organisation"]}),
        ("workspace.suspended", {"name": "bench"}),
        ("workspace.restored", {"name": "bench"}),
        ("workspace.deleted", {"name": "bench"}),
    ]


async def test_who_may_see_people_sees_the_members_of_the_workspace_that_they_are_in(
    world: World, client: Client
) -> None:
    listed = "{ members(first: 50) { totalCount nodes { email role } } }"
    users = "users(first: 50) { totalCount nodes { email role } }"
    here = (await client.query(f"{{ viewer {{ workspace {listed} }} {users} }}")).data
    assert here["viewer"]["workspace"]["members"] == here["users"]
    assert here["users"]["totalCount"] > 0
    above = world.client(world.demo, Role.SUPER_ADMIN)
    made = await mutate(above, "workspaceCreate", "workspace { id }", name="beside")
    reply = await above.query(f'{{ node(id: "{made["workspace"]["id"]}") {{ ... on Workspace {listed} }} }}')
    assert reply.data["node"]["members"] == {"totalCount": 0, "nodes": []}
    its_id = workspace_id(world.demo.workspace_id)
    asked = f'{{ node(id: "{its_id}") {{ id ... on Workspace {listed} }} }}'
    reply = await world.client(world.demo, Role.OBSERVER).query(asked)
    assert (reply.json["data"]["node"]["members"], reply.codes) == (None, ["FORBIDDEN"])
    assert (await world.operator().query(asked)).data["node"] == {"id": its_id, "members": None}
