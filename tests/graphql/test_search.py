"""The search: any identifier of the workspace's own, the best first, bounded."""

from __future__ import annotations

from typing import Any

import pytest
from graphql_client import Client
from graphql_world import World

from motet.access.principals import Role
from motet.domain.global_ids import encode_global_id
from motet.domain.numbering import luhn_digit

SEARCH = """
query ($query: String!, $first: Int) { search(query: $query, first: $first) { hasMore matches {
  field value exact
  node { __typename id ... on Sim { iccid } ... on Device { name sim { msisdn } } ... on SmsMessage { to } } } } }
"""

ICCID = "899990000000077777"  # without its check digit
EID = "89049032123451234512345678901235"


@pytest.fixture
async def fleet(world: World) -> World:
    """A device of `demo` with every identifier; `other` has one with the same name, tag and address."""
    pool = world.tenants.database.pool
    for tenant in (world.demo, world.other):
        await pool.execute(
            "UPDATE device SET name = 'Pumpe Süd 12', tags = '{water,50%}', imei = '490154203237518',"
            " ip_address = '10.1.2.3' WHERE id = $1",
            tenant.devices[0],
        )
    await pool.execute(
        "UPDATE sim SET iccid = $2, eid = $3, imsi = '262011234567890', msisdn = '4915112345678' WHERE id = $1",
        world.demo.sims[0],
        ICCID + luhn_digit(ICCID),
        EID,
    )
    await world.tenants.execute("UPDATE device SET name = 'pumpe nord' WHERE id = $1", world.demo.devices[1])
    await world.tenants.execute("UPDATE device SET name = 'die pumpe' WHERE id = $1", world.demo.devices[2])
    await world.tenants.submit(world.demo, world.demo.messages[0])
    await world.tenants.execute("UPDATE submit SET smsc_message_id = 'A1-b2'")
    return world


async def found(client: Client, query: str, first: int | None = None) -> Any:
    return (await client.query(SEARCH, {"query": query, "first": first})).data["search"]


SIM, DEVICE = "Sim", "Device"


@pytest.mark.parametrize(
    ("query", "field", "exact", "type_name"),
    [
        (ICCID + luhn_digit(ICCID), "ICCID", True, SIM),
        (ICCID, "ICCID", True, SIM),
        (f"{ICCID[:4]} {ICCID[4:]}", "ICCID", True, SIM),
        (ICCID[:16], "ICCID", False, SIM),
        (EID, "EID", True, SIM),
        ("8904 9032 1234 5123 4512 3456 7890 1235", "EID", True, SIM),
        (EID[:20], "EID", False, SIM),
        ("262011234567890", "IMSI", True, SIM),
        ("26201123", "IMSI", False, SIM),
        ("4915112345678", "MSISDN", True, SIM),
        ("+4915112345678", "MSISDN", True, SIM),
        ("+49 151 12345678", "MSISDN", True, SIM),
        ("49151", "MSISDN", False, SIM),
        ("490154203237518", "IMEI", True, DEVICE),
        ("49015420323751", "IMEI", True, DEVICE),
        ("4901542032375102", "IMEI", True, DEVICE),
        ("49-015420-323751-8", "IMEI", True, DEVICE),
        ("490154", "IMEI", False, DEVICE),
        ("10.1.2.3", "IP_ADDRESS", True, DEVICE),
        ("pumpe süd 12", "NAME", True, DEVICE),
        ("PUMPE S", "NAME", False, DEVICE),
        ("süd", "NAME", False, DEVICE),
        ("d 12", "NAME", False, DEVICE),
        ("water", "TAG", True, DEVICE),
        ("50%", "TAG", True, DEVICE),
    ],
)
async def test_it_finds_by_any_identifier(
    fleet: World, client: Client, query: str, field: str, exact: bool, type_name: str
) -> None:
    result = await found(client, query)
    row_id = fleet.demo.sims[0] if type_name == SIM else fleet.demo.devices[0]
    assert [match["node"]["id"] for match in result["matches"]] == [encode_global_id(type_name, row_id)]
    (match,) = result["matches"]
    assert (match["field"], match["exact"]) == (field, exact)
    assert match["node"]["__typename"] == type_name
    assert not result["hasMore"]


async def test_it_finds_a_sim_by_an_imsi_that_it_may_use_and_a_batch_by_its_code(fleet: World, client: Client) -> None:
    workspace_id, sim_id = fleet.demo.workspace_id, fleet.demo.sims[0]
    await fleet.tenants.execute(
        "INSERT INTO imsi (workspace_id, id, sim_id, imsi, active) VALUES ($1, 1, $2, '208011234567890', false)",
        workspace_id,
        sim_id,
    )
    batch_id = await fleet.tenants.database.pool.fetchval(
        "UPDATE sim_batch SET bic = '12345678901234' WHERE workspace_id = $1 RETURNING id", workspace_id
    )
    for query, field, node in (
        ("208011234567890", "IMSI", encode_global_id("Sim", sim_id)),
        ("1234 5678 9012 34", "BIC", encode_global_id("SimBatch", batch_id)),
    ):
        (match,) = (await found(client, query))["matches"]
        assert (match["field"], match["exact"], match["node"]["id"]) == (field, True, node)
        assert (await found(fleet.client(fleet.other), query))["matches"] == []


async def test_it_finds_messages_by_our_id_and_by_the_carriers(fleet: World, client: Client) -> None:
    message = fleet.demo.messages[0]
    for query, field in ((str(message), "MESSAGE_ID"), ("A1-b2", "SMSC_MESSAGE_ID")):
        (match,) = (await found(client, query))["matches"]
        assert match == {
            "field": field,
            "value": query,
            "exact": True,
            "node": {"__typename": "SmsMessage", "id": encode_global_id("SmsMessage", message), "to": "99900000001"},
        }


async def test_it_finds_anything_by_its_global_id(fleet: World, client: Client) -> None:
    code = encode_global_id("ShortCode", fleet.demo.short_codes[0])
    assert [match["field"] for match in (await found(client, code))["matches"]] == ["ID"]
    for other in (
        encode_global_id("ShortCode", fleet.other.short_codes[0]),
        encode_global_id("ShortCode", 1),
        encode_global_id("SmscLink", 1),
        encode_global_id("Nothing", 1),
    ):
        assert (await found(client, other))["matches"] == []
    reply = await client.query("query ($q: String!) { search(query: $q) { matches { field } } }", {"q": code})
    assert reply.data["search"]["matches"] == [{"field": "ID"}]


async def test_whole_identifiers_come_first_then_beginnings_then_parts(fleet: World, client: Client) -> None:
    await fleet.tenants.execute("UPDATE device SET name = 'Pumpe' WHERE id = $1", fleet.demo.devices[3])
    names = [match["node"]["name"] for match in (await found(client, "pumpe"))["matches"]]
    assert names == ["Pumpe", "pumpe nord", "Pumpe Süd 12", "die pumpe"]


async def test_it_gives_as_many_as_asked_and_says_if_there_is_more(fleet: World, client: Client) -> None:
    for first, shown, more in ((0, 0, True), (1, 1, True), (2, 2, True), (3, 3, False), (50, 3, False)):
        result = await found(client, "pumpe", first)
        assert (len(result["matches"]), result["hasMore"]) == (shown, more)


async def test_it_finds_nothing_of_another_workspace(fleet: World, client: Client) -> None:
    theirs = fleet.client(fleet.other)
    for query in (ICCID, EID, "262011234567890", "+4915112345678", str(fleet.demo.messages[0]), "A1-b2", "die pumpe"):
        assert (await found(client, query))["matches"] != []
        assert (await found(theirs, query))["matches"] == []
    for query in ("10.1.2.3", "süd", "water", "490154203237518"):
        (match,) = (await found(theirs, query))["matches"]
        assert match["node"]["id"] == encode_global_id("Device", fleet.other.devices[0])


async def test_deleted_ones_are_found_by_their_global_id_alone(fleet: World, client: Client) -> None:
    await fleet.tenants.execute("UPDATE sim SET status = 4 WHERE id = $1", fleet.demo.sims[0])
    await fleet.tenants.execute("UPDATE device SET status = 2 WHERE id = $1", fleet.demo.devices[0])
    for query in (ICCID, EID, "262011234567890", "4915112345678", "10.1.2.3", "süd", "water", "490154203237518"):
        assert (await found(client, query))["matches"] == []
    assert len((await found(client, encode_global_id("Sim", fleet.demo.sims[0])))["matches"]) == 1


@pytest.mark.parametrize("query", ["", "  ", "x" * 101, "a\0b"])
async def test_what_can_be_no_identifier_is_refused(client: Client, query: str) -> None:
    reply = await client.query(SEARCH, {"query": query})
    assert reply.codes == ["INVALID"]


@pytest.mark.parametrize(
    "query", ["%", "_", "\\", "'", "é", "a", "1", "1234", "::1", "99999999999999999999", "ßßß", "~~~"]
)
async def test_any_other_text_finds_nothing_and_breaks_nothing(client: Client, query: str) -> None:
    assert (await found(client, query))["matches"] == []


async def test_a_node_may_be_asked_for_twice_or_not_at_all(fleet: World, client: Client) -> None:
    reply = await client.query(
        '{ search(query: "die pumpe") { __typename a: matches { __typename one: node { id } two: node {'
        " ...on Device { smsMessages(first: 1) { totalCount } } } } b: matches { value } } }"
    )
    device = encode_global_id("Device", fleet.demo.devices[2])
    assert reply.data["search"] == {
        "__typename": "SearchResult",
        "a": [{"__typename": "SearchMatch", "one": {"id": device}, "two": {"smsMessages": {"totalCount": 2}}}],
        "b": [{"value": "die pumpe"}],
    }


async def test_an_observer_may_search_and_the_operator_may_not(fleet: World) -> None:
    assert (await found(fleet.client(fleet.demo, Role.OBSERVER), "die pumpe"))["matches"] != []
    reply = await fleet.operator().query(SEARCH, {"query": "die pumpe"})
    assert reply.codes == ["FORBIDDEN"]
