"""Selections: fragments, directives, aliases and merged fields say what is read."""

from __future__ import annotations

from graphql_client import Client
from graphql_world import World

from motet.domain.global_ids import encode_global_id


async def test_fragments_of_every_kind_are_expanded_and_equal_keys_merged(world: World, client: Client) -> None:
    reply = await client.query(
        """query ($id: ID!) {
             node(id: $id) {
               ... on Device { name ...Sims }
               ... on Sim { iccid }
               ... on Node { id }
               ...Sims
               ... { kind: __typename }
             }
           }
           fragment Sims on Device { sim { ...Numbers } sim { status } }
           fragment Numbers on Sim { msisdn }""",
        {"id": encode_global_id("Device", world.demo.devices[0])},
    )
    assert reply.data["node"] == {
        "name": "demo 0",
        "sim": {"msisdn": "99900000001", "status": "ACTIVATED"},
        "id": encode_global_id("Device", world.demo.devices[0]),
        "kind": "Device",
    }


async def test_skip_and_include_decide_fields_fragments_and_roots(world: World, client: Client) -> None:
    query = """query ($yes: Boolean!, $no: Boolean = false) {
        devices(first: 1) {
          nodes {
            name @include(if: $yes)
            status @skip(if: $yes)
            imei @include(if: $no)
            id @skip(if: $no) @include(if: $no)
            ...S @include(if: $yes)
            ... @skip(if: $yes) { tags }
          }
        }
        sims @include(if: $no) { totalCount }
      }
      fragment S on Device { sim { status } }"""
    assert (await client.query(query, {"yes": True})).data == {
        "devices": {"nodes": [{"name": "demo 0", "sim": {"status": "ACTIVATED"}}]}
    }
    assert (await client.query(query, {"yes": False})).data == {
        "devices": {"nodes": [{"status": "ENABLED", "tags": []}]}
    }


async def test_one_field_under_two_names_may_have_different_arguments(client: Client) -> None:
    reply = await client.query(
        """{
          one: devices(first: 1) { nodes { mo: smsMessages(filter: {direction: [MO]}) { nodes { direction } }
                                           mt: smsMessages(filter: {direction: [MT]}) { nodes { direction } } } }
          two: devices(last: 1, orderBy: {field: NAME, direction: DESC}) { nodes { a: name b: name } totalCount }
        }"""
    )
    assert reply.data == {
        "one": {"nodes": [{"mo": {"nodes": [{"direction": "MO"}]}, "mt": {"nodes": [{"direction": "MT"}]}}]},
        "two": {"nodes": [{"a": "demo 0", "b": "demo 0"}], "totalCount": 5},
    }


async def test_variables_and_their_defaults_reach_nested_arguments(client: Client) -> None:
    query = """query ($first: Int = 1, $status: [SmsStatus!], $filter: SmsMessageFilter) {
        devices(first: $first) { nodes {
          smsMessages(first: $first, filter: {status: $status}) { nodes { status } }
          all: smsMessages(filter: $filter) { totalCount } } } }"""
    (device,) = (await client.query(query, {"status": ["RECEIVED"], "filter": None})).data["devices"]["nodes"]
    assert device == {"smsMessages": {"nodes": [{"status": "RECEIVED"}]}, "all": {"totalCount": 2}}
    (device,) = (await client.query(query)).data["devices"]["nodes"]
    assert device == {"smsMessages": {"nodes": [{"status": "RECEIVED"}]}, "all": {"totalCount": 2}}


async def test_typenames_everywhere(client: Client) -> None:
    reply = await client.query(
        """{ __typename devices(first: 1) { __typename pageInfo { __typename } edges { __typename node { __typename
             sim { __typename } } } nodes { smsMessages(first: 1) { __typename edges { __typename } } } } }"""
    )
    assert reply.data == {
        "__typename": "Query",
        "devices": {
            "__typename": "DeviceConnection",
            "pageInfo": {"__typename": "PageInfo"},
            "edges": [{"__typename": "DeviceEdge", "node": {"__typename": "Device", "sim": {"__typename": "Sim"}}}],
            "nodes": [
                {"smsMessages": {"__typename": "SmsMessageConnection", "edges": [{"__typename": "SmsMessageEdge"}]}}
            ],
        },
    }


async def test_a_lookup_takes_exactly_one_key(world: World, client: Client) -> None:
    for arguments in ("", '(id: "x", iccid: "1")', "(id: null)", "(iccid: null, imsi: null)"):
        assert (await client.query(f"{{ sim{arguments} {{ id }} }}")).codes == ["INVALID"]
    found = await client.query('{ sim(iccid: "8999900000000000002", imsi: null) { imsi } device(imei: "1") { id } }')
    assert found.data == {"sim": {"imsi": "001010000000002"}, "device": None}


async def test_what_is_empty_is_empty_and_not_null(world: World) -> None:
    tenant = await world.tenants.workspace("empty")
    reply = await world.client(tenant).query(
        """{ devices { nodes { id } edges { cursor } totalCount pageInfo { hasNextPage endCursor } }
             smsMessages(filter: {status: [FAILED]}) { nodes { id } pageInfo { hasNextPage startCursor } } }"""
    )
    assert reply.data == {
        "devices": {
            "nodes": [],
            "edges": [],
            "totalCount": 0,
            "pageInfo": {"hasNextPage": False, "endCursor": None},
        },
        "smsMessages": {"nodes": [], "pageInfo": {"hasNextPage": False, "startCursor": None}},
    }
