"""Address spaces, addresses of devices and name servers through GraphQL."""

from __future__ import annotations

import ipaddress

from graphql_client import Client
from graphql_world import World
from test_mutations import error, mutate

from motet.access.principals import Role
from motet.domain.global_ids import encode_global_id

SPACE = "ipAddressSpace { id cidr version description capacity usedCount }"
DEVICE = "device { ipAddress ipAddressSpace { cidr usedCount } }"


async def space(client: Client, cidr: str) -> str:
    made = await mutate(client, "ipAddressSpaceCreate", "ipAddressSpace { id }", cidr=cidr)
    assert made["userErrors"] == []
    return str(made["ipAddressSpace"]["id"])


def devices(world: World, count: int = 5) -> list[str]:
    return [encode_global_id("Device", one) for one in world.demo.devices[:count]]


async def test_a_spaces_life(world: World, client: Client) -> None:
    made = await mutate(client, "ipAddressSpaceCreate", SPACE, cidr="10.20.0.0/29", description="pumps")
    space_id = made["ipAddressSpace"]["id"]
    assert made["ipAddressSpace"] == {
        "id": space_id, "cidr": "10.20.0.0/29", "version": "IPV4", "description": "pumps", "capacity": 6.0,
        "usedCount": 0,
    }  # fmt: skip
    for overlapping in ("10.20.0.0/29", "10.0.0.0/8", "10.20.0.4/30"):
        payload = await mutate(client, "ipAddressSpaceCreate", SPACE, cidr=overlapping)
        assert payload == {"ipAddressSpace": None, "userErrors": error("CONFLICT", "cidr")}
    assert (await mutate(client, "ipAddressSpaceCreate", "", cidr="8.8.8.0/24"))["userErrors"] == error(
        "INVALID", "cidr"
    )
    changed = await mutate(client, "ipAddressSpaceUpdate", SPACE, id=space_id, description="valves")
    assert changed["ipAddressSpace"]["description"] == "valves"
    theirs = world.client(world.other)
    assert await space(theirs, "10.20.0.0/29")  # each workspace has its own
    device_id = devices(world)[0]
    await mutate(client, "deviceAssignIp", "", id=device_id, ipAddressSpaceId=space_id)
    assert (await mutate(client, "ipAddressSpaceDelete", "", id=space_id))["userErrors"] == error("CONFLICT", "id")
    await mutate(client, "deviceReleaseIp", "", id=device_id)
    assert (await mutate(client, "ipAddressSpaceDelete", "deletedId", id=space_id))["deletedId"] == space_id
    assert (await mutate(client, "ipAddressSpaceDelete", "", id=space_id))["userErrors"] == error("NOT_FOUND", "id")


async def test_the_lowest_free_address_is_given_and_kept_over_a_change_of_the_sim(world: World, client: Client) -> None:
    space_id = await space(client, "192.168.7.0/29")
    first, second, third, fourth, fifth = devices(world)
    given = [
        (await mutate(client, "deviceAssignIp", DEVICE, id=one, ipAddressSpaceId=space_id))["device"]
        for one in (first, second, first)
    ]
    assert [one["ipAddress"] for one in given] == ["192.168.7.1", "192.168.7.2", "192.168.7.1"]
    assert given[1]["ipAddressSpace"] == {"cidr": "192.168.7.0/29", "usedCount": 2}
    explicit = await mutate(client, "deviceAssignIp", DEVICE, id=third, ipAddress="192.168.7.4")
    assert explicit["device"]["ipAddress"] == "192.168.7.4"
    fields = {"id": fourth, "ipAddress": "192.168.7.4"}
    assert (await mutate(client, "deviceAssignIp", "", **fields))["userErrors"] == error("CONFLICT", "ipAddress")
    assert (await mutate(client, "deviceAssignIp", "", id=third, ipAddress="192.168.7.5"))["userErrors"] == error(
        "CONFLICT", "id"
    )
    released = await mutate(client, "deviceReleaseIp", DEVICE, id=first)
    assert released["device"] == {"ipAddress": None, "ipAddressSpace": None}
    assert (await mutate(client, "deviceReleaseIp", "", id=first))["userErrors"] == error("CONFLICT", "id")
    expected = ["192.168.7.1", "192.168.7.3", "192.168.7.5"]
    for one, address in zip((fourth, fifth, first), expected, strict=True):
        came = await mutate(client, "deviceAssignIp", DEVICE, id=one, ipAddressSpaceId=space_id)
        assert came["device"]["ipAddress"] == address
    sixth = encode_global_id("Device", await world.tenants.device(world.demo, "six"))
    await mutate(client, "deviceAssignIp", "", id=sixth, ipAddressSpaceId=space_id)
    seventh = encode_global_id("Device", await world.tenants.device(world.demo, "seven"))
    full = await mutate(client, "deviceAssignIp", "", id=seventh, ipAddressSpaceId=space_id)
    assert full["userErrors"] == error("LIMIT_REACHED", "ipAddressSpaceId")
    await mutate(client, "deviceReleaseSim", "", id=second)
    other_sim = encode_global_id("Sim", await world.tenants.sim(world.demo))
    swapped = await mutate(client, "deviceAssignSim", DEVICE, id=second, simId=other_sim)
    assert swapped["device"]["ipAddress"] == "192.168.7.2"
    await mutate(client, "deviceDelete", "", id=second)  # releases its address
    came = await mutate(client, "deviceAssignIp", DEVICE, id=seventh, ipAddressSpaceId=space_id)
    assert came["device"]["ipAddress"] == "192.168.7.2"
    reply = await client.query(
        """query ($space: ID!) { ipAddressSpace(id: $space) { usedCount devices(first: 1) { totalCount } }
             found: devices(filter: {ipAddress: "192.168.7.4"}) { nodes { id } }
             inside: devices(filter: {ipAddressSpaceId: $space}) { totalCount }
             nonsense: devices(filter: {ipAddress: "nonsense"}) { totalCount } }""",
        {"space": space_id},
    )
    assert reply.data["ipAddressSpace"] == {"usedCount": 6, "devices": {"totalCount": 6}}
    assert reply.data["found"]["nodes"] == [{"id": third}]
    assert reply.data["inside"] == {"totalCount": 6}
    assert reply.data["nonsense"] == {"totalCount": 0}


async def test_a_device_gets_no_address_that_is_outside_reserved_or_nobodys(world: World, client: Client) -> None:
    space_id = await space(client, "172.16.0.0/24")
    device_id = devices(world)[0]
    for address in ("172.16.0.0", "172.16.0.255", "172.17.0.1", "fd00::1", "x", ""):
        for given in ({}, {"ipAddressSpaceId": space_id}):
            came = await mutate(client, "deviceAssignIp", "", id=device_id, ipAddress=address, **given)
            assert came["userErrors"] == error("INVALID", "ipAddress"), address
    nothing = await mutate(client, "deviceAssignIp", "", id=device_id, ipAddress=None)
    assert nothing["userErrors"] == error("INVALID", "ipAddressSpaceId")
    wide = await space(client, "fd00:1:2::/64")
    came = await mutate(client, "deviceAssignIp", DEVICE, id=device_id, ipAddressSpaceId=wide)
    assert came["device"]["ipAddress"] == "fd00:1:2::1"
    events = await client.query(
        "query ($id: ID!) { device(id: $id) { events(first: 1) { nodes { type detail } } } }", {"id": device_id}
    )
    assert events.data["device"]["events"]["nodes"] == [
        {
            "type": "device.updated",
            "detail": {"device": {"name": "demo 0"}, "changed": ["ip_address"], "ip_address": "fd00:1:2::1"},
        }
    ]


async def test_free_networks_are_proposed(client: Client) -> None:
    await space(client, "10.0.0.0/9")
    reply = await client.query(
        """{ four: ipAddressSpaceAvailable  six: ipAddressSpaceAvailable(version: IPV6)
             wide: ipAddressSpaceAvailable(prefixLength: 9) }"""
    )
    assert len(reply.data["four"]) == len(reply.data["six"]) == 10
    for cidr in reply.data["four"]:
        assert not ipaddress.ip_network(cidr).overlaps(ipaddress.ip_network("10.0.0.0/9"))
    assert all(cidr.startswith("fd") and cidr.endswith("/64") for cidr in reply.data["six"])
    assert reply.data["wide"] == ["10.128.0.0/9"]
    assert (await client.query("{ ipAddressSpaceAvailable(prefixLength: 31) }")).codes == ["INVALID"]


async def test_addresses_come_in_and_go_out_as_csv(world: World, client: Client) -> None:
    space_id = await space(client, "10.1.0.0/24")
    first, _, _, fourth, _ = devices(world)
    sim = await world.tenants.database.pool.fetchrow("SELECT iccid FROM sim WHERE id = $1", world.demo.sims[1])
    msisdn = await world.tenants.database.pool.fetchval("SELECT msisdn FROM sim WHERE id = $1", world.demo.sims[2])
    theirs = encode_global_id("Device", world.other.devices[0])
    csv = f"""device_id;iccid;msisdn;ip_address
{first};;;10.1.0.10
;{sim["iccid"]};;10.1.0.20
;;+{msisdn};10.1.0.30
{fourth};;;10.1.0.30
{theirs};;;10.1.0.40
;;;10.1.0.50
{fourth};;;10.2.0.1
{fourth};;;nonsense
{first};;;10.1.0.10
{first};;;10.1.0.11
"""
    shown = "rowCount assignedCount errors { line field code }"
    errors = [
        {"line": 5, "field": "ip_address", "code": "CONFLICT"}, {"line": 6, "field": "device_id", "code": "NOT_FOUND"},
        {"line": 7, "field": "device_id", "code": "INVALID"}, {"line": 8, "field": "ip_address", "code": "INVALID"},
        {"line": 9, "field": "ip_address", "code": "INVALID"}, {"line": 11, "field": "device_id", "code": "CONFLICT"},
    ]  # fmt: skip
    for dry_run in (True, False):
        came = await mutate(client, "ipAddressImport", shown, csv=csv, dryRun=dry_run)
        assert came == {"rowCount": 10, "assignedCount": 3, "errors": errors, "userErrors": []}
        export = "query ($id: ID!) { ipAddressSpaceExport(id: $id) }"
        text = (await client.query(export, {"id": space_id})).data["ipAddressSpaceExport"]
        assert len(text.splitlines()) == (1 if dry_run else 4)
    assert text.splitlines()[0] == "device_id,name,ip_address"
    assert text.splitlines()[1] == f"{first},demo 0,10.1.0.10"
    again = await mutate(client, "ipAddressImport", shown, csv=text)
    assert again == {"rowCount": 3, "assignedCount": 0, "errors": [], "userErrors": []}
    lowest = await mutate(client, "deviceAssignIp", DEVICE, id=fourth, ipAddressSpaceId=space_id)
    assert lowest["device"]["ipAddress"] == "10.1.0.1"
    assert (await world.client(world.other).query(export, {"id": space_id})).data["ipAddressSpaceExport"] is None
    for bad in ("", "name,ip_address\nx,10.1.0.2", 'device_id,ip_address\n"x'):
        assert (await mutate(client, "ipAddressImport", "", csv=bad))["userErrors"] == error("INVALID", "csv")


async def test_a_dns_configurations_life(world: World, client: Client) -> None:
    shown = "dnsConfig { id name primary secondary version }"
    made = await mutate(client, "dnsConfigCreate", shown, name="Google", primary="8.8.8.8", secondary="8.8.4.4")
    config_id = made["dnsConfig"].pop("id")
    assert made["dnsConfig"] == {"name": "Google", "primary": "8.8.8.8", "secondary": "8.8.4.4", "version": "IPV4"}
    again = await mutate(client, "dnsConfigCreate", shown, name="Google", primary="9.9.9.9")
    assert again == {"dnsConfig": None, "userErrors": error("CONFLICT", "name")}
    for field, value in (("primary", "8.8.4.4"), ("primary", None), ("secondary", "::1"), ("name", "")):
        changed = await mutate(client, "dnsConfigUpdate", shown, id=config_id, **{field: value})
        assert changed["userErrors"] == error("INVALID", "secondary" if value == "8.8.4.4" else field)
    changed = await mutate(client, "dnsConfigUpdate", shown, id=config_id, primary="2001:db8::53", secondary=None)
    assert changed["dnsConfig"]["primary"] == "2001:db8::53"
    assert (changed["dnsConfig"]["secondary"], changed["dnsConfig"]["version"]) == (None, "IPV6")
    policy_id = encode_global_id("ServicePolicy", world.demo.workspace_id)
    policy = "servicePolicy { dnsConfig { id primary } versions(first: 1) { nodes { diff { field before after } } } }"
    used = await mutate(client, "servicePolicyUpdate", policy, id=policy_id, dnsConfigId=config_id)
    assert used["servicePolicy"]["dnsConfig"] == {"id": config_id, "primary": "2001:db8::53"}
    assert used["servicePolicy"]["versions"]["nodes"][0]["diff"] == [
        {"field": "dnsConfigId", "before": None, "after": config_id}
    ]
    assert (await mutate(client, "dnsConfigDelete", "", id=config_id))["userErrors"] == error("CONFLICT", "id")
    await mutate(client, "servicePolicyUpdate", "", id=policy_id, dnsConfigId=None)
    assert (await mutate(client, "dnsConfigDelete", "deletedId", id=config_id))["deletedId"] == config_id
    restored = await mutate(client, "servicePolicyRestore", "", id=policy_id, version=2)
    assert restored["userErrors"] == error("NOT_FOUND", "dnsConfigId")  # what it named then is gone
    observer = world.client(world.demo, Role.OBSERVER)
    assert (await observer.query("{ dnsConfigs { totalCount } }")).data["dnsConfigs"] == {"totalCount": 1}
