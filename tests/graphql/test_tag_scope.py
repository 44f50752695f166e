"""A role that is bound to tags, over the whole schema: of a device without one of them nothing is there. Generated from
the registry of entities and from the schema, so that what is new is asked for, too."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import GraphQLInputObjectType, GraphQLNonNull, get_named_type, is_leaf_type
from graphql_client import Client
from graphql_world import World
from schema_ways import OPERATORS
from scoped_client import bound_to, strings_in
from test_schema import ABOUT, OWN_TYPES, WELL_FORMED, literal, permission_of, subject_of, whole

from motet.access.principals import EVERYONES, GRANTABLE_WITH_TAGS, ROLE_PERMISSIONS, Role
from motet.domain.global_ids import encode_global_id
from motet.graphql.fields import SCOPING
from motet.graphql.schema import STRAWBERRY_SCHEMA
from motet.graphql.scoping import Scoping, ids_in
from motet.reading.entities import ENTITIES
from motet.reading.tag_scope import SHARED

_SIMS = "(SELECT s.device_id FROM sim s WHERE s.id = {})"
_QUOTAS = "(SELECT q.device_id FROM quota q WHERE q.id = {})"

DEVICE_OF = {
    "Device": "id",
    "Sim": "device_id",
    "SimStatusChange": _SIMS.format("t.sim_id"),
    "SimScheduledTransition": _SIMS.format("t.sim_id"),
    "Euicc": _SIMS.format("t.id"),
    "EuiccProfile": _SIMS.format("t.euicc_id"),
    "EuiccOperation": _SIMS.format("t.euicc_id"),
    "EuiccOperationStep": _SIMS.format("(SELECT o.euicc_id FROM euicc_operation o WHERE o.id = t.operation_id)"),
    "Imsi": _SIMS.format("t.sim_id"),
    "ImsiSwitch": _SIMS.format("t.sim_id"),
    "ActivationCode": _SIMS.format("t.sim_id"),
    "ActivationCodeStep": _SIMS.format("(SELECT c.sim_id FROM activation_code c WHERE c.id = t.code_id)"),
    "Connectivity": "id",
    "Location": "device_id",
    "ConnectivityReset": "device_id",
    "Usage": "device_id",
    "DataSession": "device_id",
    "Quota": "device_id",
    "QuotaTopUp": _QUOTAS.format("t.quota_id"),
    "Event": "device_id",
    "Alert": "device_id",
    "SmsMessage": "device_id",
}
"""Whose a row is, in words of the test's own."""

OF_ALL = {
    "ServicePolicy",
    "ServicePolicyVersion",
    "CoveragePolicy",
    "CoveragePolicyVersion",
    "AlertRule",
    "IpAddressSpace",
    "DnsConfig",
    "RoamingPartner",
    "RoamingTerm",
    "ImsiPreference",
    "SimPurchaseOrder",
    "SimPurchaseOrderItem",
    "SimBatch",
    "ShortCode",
    "SmppAccount",
    "Webhook",
    "Workspace",
    "CustomRole",
    "User",
    "Invitation",
    "SmppSession",
    "ApiKey",
    "IdentityProvider",
    "TrustedDocument",
}
"""What devices share, and all members may read as far as their role goes."""

OF_NONE = {"WorkspaceUsage", "WebhookDelivery", "SmscLink", "AuditEntry", "SimMove"}
"""What tells of all devices at once, and the operator's."""

BY_RULES_OF_THEIR_OWN = {"QuotaPool", "Job", "JobItem"}
"""By the pool's tag, and by who asked for the job."""


def test_every_entity_says_what_of_it_a_tag_scope_shows() -> None:
    undeclared = {name for name, entity in ENTITIES.items() if entity.scope is None}
    assert not undeclared, "Declare `scope` of these in reading/entities; motet/reading/tag_scope.py has the kinds"
    assert {name for name, entity in ENTITIES.items() if entity.scope is SHARED} >= OF_ALL
    told = DEVICE_OF.keys() | OF_ALL | OF_NONE | BY_RULES_OF_THEIR_OWN
    own = {name for name, entity in ENTITIES.items() if entity.scope is not SHARED}
    assert own <= told, "Say in this file whose device's a row of these is"


@pytest.fixture
async def fleet(world: World) -> World:
    """Of `demo`, the first device is tagged `one`, the last, which has everything, `all`."""
    tenant = world.demo
    for device_id, tags in ((tenant.devices[0], ["one", "blue"]), (tenant.devices[-1], ["all", "blue"])):
        await world.tenants.execute("UPDATE device SET tags = $2 WHERE id = $1", device_id, tags)
    return world


async def rows_of(world: World, name: str) -> dict[int, int | None]:
    """The device of each row of an entity in `demo`, by the row's id."""
    query = f"SELECT t.id, {DEVICE_OF[name]} FROM {ENTITIES[name].table} t WHERE t.workspace_id = $1"  # noqa: S608
    return {row[0]: row[1] for row in await world.tenants.database.pool.fetch(query, world.demo.workspace_id)}


async def secrets_of(world: World, device_id: int) -> set[str]:
    """What would tell of other devices of `demo` than this: the ids of their rows, and what they are called."""
    found = set()
    for name in DEVICE_OF:
        rows = await rows_of(world, name)
        found |= {encode_global_id(name, row_id) for row_id, owner in rows.items() if owner != device_id}
    for row in await world.tenants.database.pool.fetch(
        "SELECT s.iccid, s.imsi, s.msisdn, s.eid, d.name FROM sim s JOIN device d ON d.id = s.device_id"
        " WHERE s.workspace_id = $1 AND d.id <> $2",
        world.demo.workspace_id, device_id,
    ):  # fmt: skip
        found |= {value for value in row.values() if value}
    return found - {TO_ALL}


TO_ALL = "99900000001"
"""The first SIM's number, which `tenants` writes into all messages."""


@pytest.mark.parametrize("place", [0, -1])
async def test_rows_are_there_if_their_device_is(fleet: World, place: int) -> None:
    device_id = fleet.demo.devices[place]
    client = bound_to(fleet, fleet.demo, "one" if place == 0 else "all")
    for name in DEVICE_OF:
        rows = await rows_of(fleet, name)
        ids = {encode_global_id(name, row_id): owner for row_id, owner in rows.items()}
        assert place == 0 or device_id in rows.values(), f"tenants.two_tenants makes no {name} of the last device"
        reply = await client.query("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": list(ids)})
        found = {node["id"] for node in reply.data["nodes"] if node is not None}
        assert found == {one for one, owner in ids.items() if owner == device_id}, name


async def test_what_devices_share_is_there_and_what_tells_of_all_is_not(fleet: World) -> None:
    client = bound_to(fleet, fleet.demo, "one")
    for name in OF_ALL | OF_NONE | BY_RULES_OF_THEIR_OWN:
        entity = ENTITIES[name]
        if entity.tenant_column is None or entity.permission not in GRANTABLE_WITH_TAGS | {None}:
            continue
        query = f"SELECT min(id) FROM {entity.table} WHERE {entity.tenant_column} = $1"  # noqa: S608
        row_id = encode_global_id(name, await fleet.tenants.database.pool.fetchval(query, fleet.demo.workspace_id))
        reply = await client.query("query ($id: ID!) { node(id: $id) { id } }", {"id": row_id})
        assert (reply.data["node"] is not None) is (name in OF_ALL), name


def roots(root: str) -> list[str]:
    return [name for name in OWN_TYPES[root].fields if name not in OPERATORS]


@pytest.mark.parametrize("place", [0, -1])
async def test_no_query_tells_of_another_device(fleet: World, place: int) -> None:
    device_id = fleet.demo.devices[place]
    client = bound_to(fleet, fleet.demo, "one" if place == 0 else "all")
    secrets = await secrets_of(fleet, device_id)
    asked = 0
    for name in roots("Query"):
        of = OWN_TYPES["Query"].fields[name]
        if name in {"node", "nodes"} or any(isinstance(at.type, GraphQLNonNull) for at in of.args.values()):
            continue
        target = get_named_type(of.type)
        page = "(first: 10)" if target.name.endswith("Connection") else ""
        reply = await client.query(f"{{ {name}{page} {'' if is_leaf_type(target) else whole(target, 1)} }}")
        assert set(reply.codes if "errors" in reply.json else []) <= {"FORBIDDEN", "INVALID"}, (name, reply.json)
        told = set(strings_in(reply.json))
        assert not told & secrets, name
        assert not [text for text in told for secret in secrets if secret in text and len(secret) > 6], name
        asked += 1
    assert asked > 20


async def outside_ids(world: World) -> dict[str, str]:
    """A global id of each type: rows of the last device where they are a device's, and of the workspace's others."""
    found = {}
    for name, entity in ENTITIES.items():
        if entity.tenant_column is None:
            continue
        if name in DEVICE_OF:
            rows = await rows_of(world, name)
            row_id = min(one for one, owner in rows.items() if owner == world.demo.devices[-1])
        else:
            query = f"SELECT min(id) FROM {entity.table} WHERE {entity.tenant_column} = $1"  # noqa: S608
            row_id = await world.tenants.database.pool.fetchval(query, world.demo.workspace_id)
        found[name] = encode_global_id(name, row_id)
    return found


async def test_ids_of_another_device_are_null_in_every_query(fleet: World) -> None:
    ids = await outside_ids(fleet)
    client = bound_to(fleet, fleet.demo, "one")
    asked = 0
    for name in roots("Query"):
        of = OWN_TYPES["Query"].fields[name]
        target = get_named_type(of.type)
        for argument, at in of.args.items():
            if get_named_type(at.type).name != "ID" or name in {"node", "nodes"}:
                continue
            about = TARGETS.get((name, argument), ABOUT.get(argument, target.name))
            required = {each: at for each, at in of.args.items() if isinstance(at.type, GraphQLNonNull)}
            given = {each: literal(at.type, ids, each, about) for each, at in required.items()}
            given[argument] = f'"{ids[about]}"'
            inner = "" if is_leaf_type(target) else "{ __typename }"
            arguments = ", ".join(f"{each}: {value}" for each, value in given.items())
            reply = await client.query(f"{{ {name}({arguments}) {inner} }}")
            asked += 1
            if is_closed("Query", name):
                assert reply.codes == ["FORBIDDEN"], name
            elif about in OF_ALL and name != "coverageCheck":
                assert reply.data[name] is not None, name
            elif about not in OF_ALL:
                assert reply.data[name] is None, name
    assert asked >= 20


TARGETS = {
    ("deviceDiagnosis", "id"): "Device",
    ("deviceCanAttach", "id"): "Device",
    ("coverageCheck", "id"): "CoveragePolicy",
    ("servicePolicyPreview", "id"): "ServicePolicy",
    ("servicePolicyPreview", "after"): "Device",
    ("coveragePolicyPreview", "id"): "CoveragePolicy",
    ("coveragePolicyPreview", "after"): "Device",
    ("smsRefusal", "eventId"): "Event",
    ("smsRefusal", "smsId"): "SmsMessage",
    ("ipAddressSpaceExport", "id"): "IpAddressSpace",
}
"""The type of a query's argument that takes ids, where neither its name nor the query's type says it."""


def is_closed(root: str, name: str) -> bool:
    """Whether nobody who is bound to tags may ask for the field at all."""
    permission = permission_of(root, name)
    return scoping_of_root(root, name) is Scoping.CLOSED or permission not in GRANTABLE_WITH_TAGS | {None}


def scoping_of_root(root: str, name: str) -> Scoping:
    fields = STRAWBERRY_SCHEMA.get_type_by_name(root).fields  # type: ignore[union-attr]
    found = next(field for field in fields if STRAWBERRY_SCHEMA.config.name_converter.get_graphql_name(field) == name)
    scoping: Scoping = found.metadata[SCOPING]
    return scoping


def mutations() -> list[str]:
    """Of a workspace's members."""
    held = ROLE_PERMISSIONS[Role.ADMINISTRATOR]
    return [name for name in OWN_TYPES["Mutation"].fields if permission_of("Mutation", name) in held]


def id_fields(type_: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Where an input holds ids, however deep."""
    found = []
    for name, at in get_named_type(type_).fields.items():
        target = get_named_type(at.type)
        if target.name == "ID":
            found.append((*path, name))
        elif isinstance(target, GraphQLInputObjectType) and len(path) < 2 and not target.name.endswith("Filter"):
            found += id_fields(target, (*path, name))
    return found


async def fingerprint(world: World) -> Any:
    """All that devices have, as it is."""
    rows = {}
    for name in DEVICE_OF:
        query = f"SELECT md5(string_agg(t::text, '' ORDER BY t.id)) FROM {ENTITIES[name].table} t"  # noqa: S608
        rows[name] = await world.tenants.database.pool.fetchval(query)
    return rows


async def test_mutations_find_nothing_of_another_device_and_change_nothing_of_it(fleet: World) -> None:
    ids = await outside_ids(fleet)
    client = bound_to(fleet, fleet.demo, "one")
    before = await fingerprint(fleet)
    open_to_them = 0
    for mutation in mutations():
        input_type = get_named_type(OWN_TYPES["Mutation"].fields[mutation].args["input"].type)
        given = {
            name: literal(at.type, ids, name, subject_of(mutation))
            for name, at in input_type.fields.items()
            if isinstance(at.type, GraphQLNonNull)
        } | WELL_FORMED.get(mutation, {})
        closed = is_closed("Mutation", mutation)
        targets = [path for path in id_fields(input_type) if len(path) == 1] or [()]
        for path in targets:
            subject = ABOUT.get(path[0], subject_of(mutation)) if path else None
            if not closed and (subject is None or subject in OF_ALL):
                continue
            fields = dict(given)
            if path:
                fields[path[0]] = f'"{ids[subject or ""]}"'
            inner = " ".join(f"{name}: {value}" for name, value in fields.items())
            reply = await client.query(
                f"mutation {{ x: {mutation}(input: {{ {inner} }}) {{ userErrors {{ code path }} }} }}"
            )
            if closed:
                assert reply.codes == ["FORBIDDEN"], mutation
                continue
            open_to_them += 1
            errors = reply.data["x"]["userErrors"]
            assert [error["code"] for error in errors] == ["NOT_FOUND"], (mutation, path)
    assert open_to_them >= 40
    assert await fingerprint(fleet) == before


def test_a_mutation_that_is_open_to_the_bound_has_ids_to_look_at_or_sees_to_it_itself() -> None:
    for mutation in mutations():
        permission = permission_of("Mutation", mutation)
        if scoping_of_root("Mutation", mutation) is Scoping.IDS and permission in GRANTABLE_WITH_TAGS - EVERYONES:
            input_type = get_named_type(OWN_TYPES["Mutation"].fields[mutation].args["input"].type)
            assert id_fields(input_type) or mutation == "deviceCreate", mutation


def test_ids_are_found_however_deep_they_are() -> None:
    input_type = OWN_TYPES["Mutation"].fields["deviceBulkUpdate"].args["input"].type
    given = {"ids": ["a", "b"], "servicePolicyId": "c", "filter": {"servicePolicyId": "d"}, "csv": "e"}
    assert sorted(ids_in(given, input_type, ())) == [
        ("a", ("ids",)),
        ("b", ("ids",)),
        ("c", ("servicePolicyId",)),
        ("d", ("filter", "servicePolicyId")),
    ]


async def test_who_may_do_all_sees_all(fleet: World, client: Client) -> None:
    reply = await client.query("{ devices { totalCount } sims { totalCount } smsMessages { totalCount } }")
    assert {value["totalCount"] for value in reply.data.values()} == {5, 10}
