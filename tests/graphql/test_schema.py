"""The schema as a whole: its SDL, its descriptions, and a test of every field generated from it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    get_introspection_query,
    get_named_type,
    is_leaf_type,
)
from graphql_client import Client
from graphql_world import World, make_world

from motet.access.principals import OPERATOR_PERMISSIONS, ROLE_PERMISSIONS, Permission, Role
from motet.domain.errors import DOMAIN_ERRORS
from motet.domain.global_ids import encode_global_id
from motet.graphql.errors import USER_ERROR_CODES, UserErrorCode
from motet.graphql.fields import PERMISSION
from motet.graphql.mutations.sms import SmsSendInput
from motet.graphql.query import Query
from motet.graphql.schema import SCHEMA, STRAWBERRY_SCHEMA, Mutation, print_sdl
from motet.graphql.subscription import Subscription
from motet.reading.entities import ENTITIES
from motet.storage.database import Database

OWN_TYPES = {name: type_ for name, type_ in SCHEMA.type_map.items() if not name.startswith("__")}
ROOTS = {"Query", "Mutation", "Subscription"}
OPERATOR_CONNECTIONS = ["smscLinks", "workspaces"]
WORKSPACE_CONNECTIONS = [
    name
    for name, of in OWN_TYPES["Query"].fields.items()
    if get_named_type(of.type).name.removesuffix("Connection") in ENTITIES
    and get_named_type(of.type).name.endswith("Connection")
    and name not in OPERATOR_CONNECTIONS
]
REFERENCE_CONNECTIONS = ["countries", "operators", "networks"]


@pytest_asyncio.fixture(scope="module")
async def world(shared_database: Database) -> AsyncIterator[World]:
    """One for all tests here, which change nothing in it."""
    async with make_world(shared_database) as made:
        yield made


def test_schema_graphql_is_what_the_code_says() -> None:
    committed = (Path(__file__).parents[2] / "schema.graphql").read_text()
    assert committed == print_sdl(), "run `make schema`"


def test_every_type_field_argument_and_value_has_a_description() -> None:
    missing = []
    for name, type_ in OWN_TYPES.items():
        if not type_.description:
            missing.append(name)
        if isinstance(type_, GraphQLEnumType):
            missing += [f"{name}.{value}" for value, of in type_.values.items() if not of.description]
        if isinstance(type_, GraphQLInputObjectType):
            missing += [f"{name}.{field}" for field, of in type_.fields.items() if not of.description]
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            for field, of in type_.fields.items():
                if not of.description:
                    missing.append(f"{name}.{field}")
                missing += [f"{name}.{field}({argument})" for argument, at in of.args.items() if not at.description]
    assert missing == []


def test_every_root_field_declares_the_permission_it_takes() -> None:
    anyone = set()
    for root in (Query, Mutation, Subscription):
        fields = STRAWBERRY_SCHEMA.get_type_by_name(root.__name__).fields  # type: ignore[union-attr]
        for field in fields:
            assert PERMISSION in field.metadata, f"{root.__name__}.{field.name} declares no permission"
            permission = field.metadata[PERMISSION]
            assert permission is None or isinstance(permission, Permission)
            if permission is None:
                anyone.add(field.name)
    assert anyone == {"node", "nodes"}  # what they read has permissions of its own
    assert all(entity.permission is not None for name, entity in ENTITIES.items() if name != "Workspace")


def test_every_root_field_is_nullable_but_viewer_and_nodes() -> None:
    for root in ("Query", "Mutation"):
        strict = {name for name, of in OWN_TYPES[root].fields.items() if isinstance(of.type, GraphQLNonNull)}
        assert strict == ({"viewer", "nodes"} if root == "Query" else set())
    nullable = {
        f"{name}.{field}"
        for name in ENTITIES
        for field, of in OWN_TYPES[name].fields.items()
        if not is_leaf_type(get_named_type(of.type)) and isinstance(of.type, GraphQLNonNull)
    }
    assert nullable == set()


def test_what_is_declared_for_reading_is_what_the_types_offer() -> None:
    for name, entity in ENTITIES.items():
        assert set(entity.fields) == set(OWN_TYPES[name].fields), name
    filters = {
        name: f"{name}Filter" for name, entity in ENTITIES.items() if entity.filters and f"{name}Filter" in OWN_TYPES
    }
    assert set(filters) == {name for name, entity in ENTITIES.items() if entity.filters}
    for name, filter_name in filters.items():
        offered = set(OWN_TYPES[filter_name].fields) - {"and", "or", "not"}
        assert offered == set(ENTITIES[name].filters), name
    for name, order_name in {
        "Sim": "SimOrderField",
        "Device": "DeviceOrderField",
        "ServicePolicy": "PolicyOrderField",
    }.items():
        assert set(OWN_TYPES[order_name].values) == set(ENTITIES[name].orders)


def test_every_mutation_takes_one_input_and_tells_user_errors() -> None:
    for name, of in OWN_TYPES["Mutation"].fields.items():
        assert list(of.args) == ["input"], name
        payload = get_named_type(of.type)
        assert payload.name == name[0].upper() + name[1:] + "Payload"
        assert str(payload.fields["userErrors"].type) == "[UserError!]!"
        assert get_named_type(of.args["input"].type).name == payload.name.replace("Payload", "Input")


def test_every_domain_error_has_its_code() -> None:
    assert {error: error.code for error in DOMAIN_ERRORS} == USER_ERROR_CODES
    assert {member.value for member in UserErrorCode} == {error.code for error in DOMAIN_ERRORS}


def test_an_omitted_input_is_told_from_null() -> None:
    assert SmsSendInput().text is not None  # UNSET


async def test_graphiqls_introspection_passes_the_limits(client: Client) -> None:
    for query in (
        get_introspection_query(),
        get_introspection_query(
            specified_by_url=True, directive_is_repeatable=True, schema_description=True, input_value_deprecation=True
        ),
    ):
        reply = await client.query(query)
        assert len(reply.data["__schema"]["types"]) > 50


def whole(type_: Any, depth: int = 2) -> str:
    """A selection of everything that an object has, `depth` objects deep."""
    shown = ["__typename"]
    for name, of in type_.fields.items():
        target = get_named_type(of.type)
        if is_leaf_type(target):
            shown.append(name)
        elif depth and target.name not in ROOTS:
            shown.append(
                f"{name} {whole(target, depth - (not target.name.endswith(('Connection', 'Edge', 'PageInfo'))))}"
            )
    return "{ " + " ".join(shown) + " }"


def conforms(value: Any, type_: Any, path: str) -> None:
    """The value is one that graphql-core would have completed to: names, nulls, lists and leaves."""
    if isinstance(type_, GraphQLNonNull):
        assert value is not None, path
        type_ = type_.of_type
    if value is None:
        return
    if hasattr(type_, "of_type"):
        assert isinstance(value, list), path
        for index, item in enumerate(value):
            conforms(item, type_.of_type, f"{path}[{index}]")
    elif isinstance(type_, GraphQLEnumType):
        assert value in type_.values, path
    elif is_leaf_type(type_):
        kinds = {"Int": int, "Boolean": bool, "Float": float}
        assert type_.name == "JSON" or type(value) is kinds.get(type_.name, str), path
    else:
        assert value["__typename"] == type_.name, path
        for key, item in value.items():
            if key != "__typename":
                conforms(item, type_.fields[key].type, f"{path}.{key}")


@pytest.mark.parametrize("name", WORKSPACE_CONNECTIONS + OPERATOR_CONNECTIONS + REFERENCE_CONNECTIONS)
async def test_every_field_of_every_type_is_read_as_the_schema_says(world: World, name: str) -> None:
    client = world.operator() if name in OPERATOR_CONNECTIONS else world.client(world.demo)
    connection = get_named_type(OWN_TYPES["Query"].fields[name].type)
    reply = await client.query(f"{{ {name}(first: 2) {whole(connection)} }}")
    conforms(reply.data[name], connection, name)
    assert reply.data[name]["nodes"]


async def ids_of(world: World, mine: bool) -> dict[str, str]:
    """A global id of each type that is a workspace's, of `demo` or of `other`: each has a row of everything."""
    tenant = world.demo if mine else world.other
    found = {"Organisation": encode_global_id("Organisation", tenant.organisation_id)}
    for name, entity in ENTITIES.items():
        if entity.tenant_column is None or name in found:
            continue
        query = f"SELECT id FROM {entity.table} WHERE {entity.tenant_column} = $1 ORDER BY id LIMIT 1"  # noqa: S608
        row_id = await world.tenants.database.pool.fetchval(query, tenant.workspace_id)
        assert row_id is not None, f"tenants.two_tenants makes no {name}"
        found[name] = encode_global_id(name, row_id)
    return found


async def test_another_tenants_ids_are_null_in_every_query_field_that_takes_one(world: World, client: Client) -> None:
    mine, theirs = await ids_of(world, mine=True), await ids_of(world, mine=False)
    link = encode_global_id("SmscLink", await world.tenants.database.pool.fetchval("SELECT id FROM smsc_link"))
    for name in mine:
        reply = await client.query("query ($id: ID!) { node(id: $id) { __typename id } }", {"id": mine[name]})
        assert reply.data["node"] == {"__typename": name, "id": mine[name]}
        reply = await client.query("query ($id: ID!) { node(id: $id) { id } }", {"id": theirs[name]})
        assert reply.data["node"] is None, name
    reply = await client.query(
        "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }",
        {"ids": [*theirs.values(), link, "nonsense", mine["Sim"], mine["Device"], mine["Sim"]]},
    )
    found = [None if node is None else node["id"] for node in reply.data["nodes"]]
    assert found == [None] * (len(theirs) + 2) + [mine["Sim"], mine["Device"], mine["Sim"]]
    tested = 0
    for name, of in OWN_TYPES["Query"].fields.items():
        target = get_named_type(of.type).name
        if "id" in of.args and target in mine:
            tested += 1
            query = f"query ($id: ID!) {{ {name}(id: $id) {{ id }} }}"
            assert (await client.query(query, {"id": mine[target]})).data[name] == {"id": mine[target]}
            for other in (theirs[target], mine["Workspace"], "", "nonsense"):
                assert (await client.query(query, {"id": other})).data[name] is None
    assert tested >= 6


async def test_identities_of_another_tenant_find_nothing(world: World, client: Client) -> None:
    theirs = await world.tenants.database.pool.fetchrow(
        "SELECT iccid, imsi, msisdn FROM sim WHERE id = $1", world.other.sims[0]
    )
    for query in (
        f'{{ x: sim(iccid: "{theirs["iccid"]}") {{ id }} }}',
        f'{{ x: sim(imsi: "{theirs["imsi"]}") {{ id }} }}',
        f'{{ x: sim(msisdn: "{theirs["msisdn"]}") {{ id }} }}',
        f'{{ x: device(msisdn: "{theirs["msisdn"]}") {{ id }} }}',
    ):
        assert (await client.query(query)).data["x"] is None
        assert (await world.client(world.other).query(query)).data["x"] is not None


@pytest.mark.parametrize("name", WORKSPACE_CONNECTIONS)
async def test_lists_hold_the_workspaces_own_rows_only(world: World, name: str) -> None:
    query = f"{{ {name}(first: 200) {{ totalCount nodes {{ id }} }} }}"
    mine = (await world.client(world.demo).query(query)).data[name]
    theirs = (await world.client(world.other).query(query)).data[name]
    assert mine["totalCount"] == len(mine["nodes"]) == theirs["totalCount"] > 0
    assert not {node["id"] for node in mine["nodes"]} & {node["id"] for node in theirs["nodes"]}


WELL_FORMED = {
    "workspaceCreate": {"name": '"new"'},
    "smsSend": {"text": '"x"'},
    "shortCodeCreate": {"code": '"777"'},
    "userInvite": {"email": '"new@example.org"'},
    "euiccProfileAdd": {"iccid": '"8999901000000000013"', "imsi": '"001019000000001"', "msisdn": '"99912345678"'},
    "imsiAdd": {"imsi": '"001019000000001"'},
    "imsiPreferenceSet": {"country": '"DE"'},
    "quotaCreate": {"volume": "1"},
    "identityProviderCreate": {"issuer": '"https://idp.example.org"', "clientId": '"x"'},
    "quotaTopUp": {"amount": "1"},
    "deviceExtendLimit": {"amount": "1"},
    "activationCodeCreate": {"smdpAddress": '"smdp.example.com"'},
}
"""Input that is looked at before the object that the mutation is about."""

ABOUT = {
    "imsiId": "Imsi",
    "euiccId": "Euicc",
    "profileId": "EuiccProfile",
    "partnerId": "RoamingPartner",
    "partnerIds": "RoamingPartner",
    "deviceId": "Device",
    "simId": "Sim",
    "smppAccountId": "SmppAccount",
    "defaultWorkspaceId": "Workspace",
    "breakGlassUserIds": "User",
    "userId": "User",
    "deliveryId": "WebhookDelivery",
    "servicePolicyId": "ServicePolicy",
    "coveragePolicyId": "CoveragePolicy",
    "ipAddressSpaceId": "IpAddressSpace",
    "dnsConfigId": "DnsConfig",
    "poolId": "QuotaPool",
    "roleId": "CustomRole",
    "organisationId": "Organisation",
    "workspaceId": "Workspace",
    "simIds": "Sim",
    "targetWorkspaceId": "Workspace",
    "sourceWorkspaceId": "Workspace",
    "parentId": "Organisation",
}
"""The type that an input's id is of, where it is not that of the mutation's subject."""


def literal(type_: Any, ids: dict[str, str], name: str, parent: str) -> str:
    """Some value for a required input field; ids are of the type that the mutation is about."""
    target = get_named_type(type_)
    if target.name == "ID":
        kind = ABOUT.get(name, parent)
        return f'"{ids.get(kind, encode_global_id(kind, 1))}"'
    if isinstance(target, GraphQLEnumType):
        return next(iter(target.values))
    if isinstance(target, GraphQLInputObjectType):
        required = [(each, at) for each, at in target.fields.items() if isinstance(at.type, GraphQLNonNull)]
        value = f"{{ {' '.join(f'{each}: {literal(at.type, ids, each, parent)}' for each, at in required)} }}"
    else:
        plain = {"Int": "1", "Boolean": "true", "Float": "1.5", "DateTime": '"2027-01-01T00:00:00Z"'}
        value = plain.get(target.name, '"x"')
    return f"[{value}]" if "[" in str(type_) else value


def subject_of(mutation: str) -> str:
    """The type that a mutation is about: the longest that its name begins with."""
    kinds = {name[0].lower() + name[1:]: name for name in ENTITIES} | {"sms": "SmsMessage", "role": "CustomRole"}
    return kinds[max((prefix for prefix in kinds if mutation.startswith(prefix)), key=len, default="sms")]


def permission_of(root: str, name: str) -> Permission | None:
    """What a root field takes."""
    fields = STRAWBERRY_SCHEMA.get_type_by_name(root).fields  # type: ignore[union-attr]
    found = next(field for field in fields if STRAWBERRY_SCHEMA.config.name_converter.get_graphql_name(field) == name)
    permission: Permission | None = found.metadata[PERMISSION]
    return permission


def mutations_with_ids() -> list[tuple[str, str]]:
    """(mutation, id field) for every mutation of a workspace that takes an id."""
    found = []
    for name, of in OWN_TYPES["Mutation"].fields.items():
        if permission_of("Mutation", name) not in ROLE_PERMISSIONS[Role.SUPER_ADMIN]:
            continue
        for field, at in get_named_type(of.args["input"].type).fields.items():
            if get_named_type(at.type).name == "ID":
                found.append((name, field))
    return found


@pytest.mark.parametrize(("mutation", "id_field"), mutations_with_ids())
async def test_another_tenants_ids_are_not_found_in_every_mutation(world: World, mutation: str, id_field: str) -> None:
    mine, theirs = await ids_of(world, mine=True), await ids_of(world, mine=False)
    input_type = get_named_type(OWN_TYPES["Mutation"].fields[mutation].args["input"].type)
    given = {
        name: literal(at.type, mine, name, subject_of(mutation))
        for name, at in input_type.fields.items()
        if isinstance(at.type, GraphQLNonNull)
    }
    extra = WELL_FORMED.get(mutation, {})
    wrong_type = encode_global_id("Workspace", 1)
    subject = ABOUT.get(id_field, subject_of(mutation))
    for bad in (theirs.get(subject, encode_global_id(subject, 1)), wrong_type, "", "nonsense"):
        fields = " ".join(f"{name}: {value}" for name, value in {**given, **extra, id_field: f'"{bad}"'}.items())
        reply = await world.client(world.demo, Role.SUPER_ADMIN).query(
            f"mutation {{ x: {mutation}(input: {{ {fields} }}) {{ userErrors {{ code path }} }} }}"
        )
        assert reply.data["x"] == {"userErrors": [{"code": "NOT_FOUND", "path": ["input", id_field]}]}, bad
    reply = await world.client(world.other).query(
        "{ webhooks { nodes { id } } smppAccounts { nodes { id } } sims { totalCount } devices { totalCount }"
        " x: sims(filter: {status: [ACTIVATED]}) { totalCount }"
        ' y: events(filter: {type: "sms.refused"}) { totalCount } }'
    )
    assert reply.data["webhooks"]["nodes"] == [{"id": theirs["Webhook"]}]
    assert reply.data["smppAccounts"]["nodes"] == [{"id": theirs["SmppAccount"]}]
    assert {reply.data[name]["totalCount"] for name in ("sims", "devices", "x", "y")} == {5}


QUERY_ARGUMENTS = {
    "sim": '(id: "x")',
    "apiKey": '(id: "x")',
    "device": '(id: "x")',
    "smsMessage": '(id: "x")',
    "dataSession": '(id: "x")',
    "quota": '(id: "x")',
    "quotaPool": '(id: "x")',
    "job": '(id: "x")',
    "role": '(id: "x")',
    "simBatch": '(id: "x")',
    "user": '(id: "x")',
    "simPurchaseOrder": '(id: "x")',
    "smsExplain": '(msisdn: "x")',
    "deviceDiagnosis": '(id: "x")',
    "smsRefusal": '(smsId: "x")',
    "euicc": '(id: "x")',
    "activationCode": '(id: "x")',
    "imsiSelection": '(simId: "x")',
    "country": '(code: "DE")',
    "operator": '(code: "26201")',
    "coverageChanges": "(from: 0, to: 0)",
    "search": '(query: "x")',
    "breakoutWays": '(country: ["DE"])',
    "breakoutChoice": '(country: "DE")',
    "psmEncode": "(timer: T3324, seconds: 10)",
    "psmDecode": '(timer: T3324, bits: "00000101")',
    "edrxEncode": "(rat: LTE_M, cycleSeconds: 10.24)",
    "edrxDecode": '(rat: LTE_M, bits: "0001")',
    "atCommandBuild": "(psm: {mode: OFF})",
    "atCommandParse": '(line: "AT+CPSMS=0")',
    "moduleCheck": '(country: "DE", bands: [])',
    "ipAddressSpace": '(id: "x")',
    "ipAddressSpaceExport": '(id: "x")',
    "dnsConfig": '(id: "x")',
    "organisationReport": '(since: "2026-01-01T00:00:00Z", until: "2026-01-02T00:00:00Z")',
    "servicePolicy": '(id: "x")',
    "coveragePolicy": '(id: "x")',
    "servicePolicyPreview": '(id: "x", changes: {})',
    "coveragePolicyPreview": '(id: "x", changes: {})',
    "coverageCheck": '(id: "x", rat: LTE)',
    "deviceCanAttach": '(id: "x", rat: LTE)',
}
"""What query fields need, where they need something."""


@pytest.mark.parametrize("root", ["Query", "Mutation"])
async def test_root_fields_are_forbidden_without_their_permission(world: World, root: str) -> None:
    """The operator has none of a workspace's permissions, an observer none that writes or is the operator's."""
    fields = STRAWBERRY_SCHEMA.get_type_by_name(root).fields  # type: ignore[union-attr]
    ids = await ids_of(world, mine=True)
    for field in fields:
        permission = field.metadata[PERMISSION]
        name = STRAWBERRY_SCHEMA.config.name_converter.get_graphql_name(field)
        if permission in (None, Permission.VIEWER_READ):
            continue
        callers = {"operator": world.operator(), "observer": world.client(world.demo, Role.OBSERVER)}
        may = {
            "operator": permission in OPERATOR_PERMISSIONS,
            "observer": permission in ROLE_PERMISSIONS[Role.OBSERVER],
        }
        of = OWN_TYPES[root].fields[name]
        arguments = ""
        if root == "Mutation":
            kind = "SmscLink" if name.startswith("smscLink") else subject_of(name)
            given = " ".join(
                f"{each}: {literal(at.type, {**ids, 'SmscLink': encode_global_id('SmscLink', 1)}, each, kind)}"
                for each, at in get_named_type(of.args["input"].type).fields.items()
                if isinstance(at.type, GraphQLNonNull)
            )
            arguments = f"(input: {{ {given} }})"
        else:
            arguments = QUERY_ARGUMENTS.get(name, "")
        for who, caller in callers.items():
            if root == "Mutation" and may[who]:
                continue
            inner = "" if is_leaf_type(get_named_type(of.type)) else "{ __typename }"
            reply = await caller.query(f"{'mutation ' if root == 'Mutation' else ''}{{ {name}{arguments} {inner} }}")
            assert ("errors" not in reply.json) is may[who], (name, who)
            if not may[who]:
                assert (reply.json["data"], reply.codes) == ({name: None}, ["FORBIDDEN"]), (name, who)
