"""Breakout regions through GraphQL: which one a device's next session takes, and why."""

from __future__ import annotations

from typing import Any

from graphql_client import Client
from graphql_world import World
from test_mutations import error, mutate

from motet.domain.global_ids import encode_global_id

CHOICE = "mode country region { code } failover reason order { code } ways { region { code } estimatedRttMs }"


async def choice(client: Client, arguments: str) -> Any:
    return (await client.query(f"{{ breakoutChoice({arguments}) {{ {CHOICE} }} }}")).data["breakoutChoice"]


async def test_auto_follows_the_device_and_a_fixed_region_does_not(world: World, client: Client) -> None:
    device_id = encode_global_id("Device", world.demo.devices[0])
    without_sim = encode_global_id("Device", await world.tenants.device(world.demo, "empty", with_sim=False))
    nowhere = await choice(client, f'deviceId: "{without_sim}"')
    assert (nowhere["mode"], nowhere["country"], nowhere["region"]) == ("AUTO", None, {"code": "eu-west-1"})
    await world.tenants.execute(
        "INSERT INTO attachment (workspace_id, sim_id, attached, since, operator, country, told_at)"
        " VALUES ($1, $2, true, now(), '52501', 'SG', now())"
        " ON CONFLICT (workspace_id, sim_id) DO UPDATE SET attached = true, country = 'SG'",
        world.demo.workspace_id, world.demo.sims[0],
    )  # fmt: skip
    there = await choice(client, f'deviceId: "{device_id}"')
    assert (there["country"], there["region"], there["failover"]) == ("SG", {"code": "ap-southeast-1"}, False)
    assert [way["region"]["code"] for way in there["ways"]] == [one["code"] for one in there["order"]]
    assert there["ways"][0]["estimatedRttMs"] < 35
    policy = {"id": encode_global_id("ServicePolicy", world.demo.workspace_id)}
    wrong = await mutate(client, "servicePolicyUpdate", "", **policy, breakoutRegion="eu-central-1")
    assert wrong["userErrors"] == error("INVALID", "breakoutRegion")
    assert (await mutate(client, "servicePolicyUpdate", "", **policy, breakoutRegion="us-east-1"))["userErrors"] == []
    fixed = await choice(client, f'deviceId: "{device_id}"')
    assert (fixed["mode"], fixed["region"]) == ("FIXED", {"code": "us-east-1"})
    for bad in (encode_global_id("Device", world.other.devices[0]), encode_global_id("Sim", 1), "nonsense"):
        assert await choice(client, f'deviceId: "{bad}"') is None


async def test_a_region_that_is_out_is_passed_over(world: World, client: Client) -> None:
    operator = world.operator()
    shown = "breakoutRegion { code available unavailableSince }"
    out = await mutate(operator, "breakoutRegionUpdate", shown, code="eu-west-1", available=False)
    assert out["breakoutRegion"]["available"] is False
    assert out["breakoutRegion"]["unavailableSince"] is not None
    assert await mutate(operator, "breakoutRegionUpdate", shown, code="eu-west-1", available=False) == out
    found = await choice(client, 'country: "de"')
    assert (found["region"], found["failover"]) == ({"code": "us-east-1"}, True)
    assert "Out: eu-west-1" in found["reason"]
    for code in ("us-east-1", "ap-southeast-1"):
        await mutate(operator, "breakoutRegionUpdate", shown, code=code, available=False)
    assert (await choice(client, 'country: "de"'))["region"] is None
    back = await mutate(operator, "breakoutRegionUpdate", shown, code="eu-west-1", available=True)
    assert back["breakoutRegion"] == {"code": "eu-west-1", "available": True, "unavailableSince": None}
    assert (await choice(client, 'region: "us-east-1"'))["region"] == {"code": "eu-west-1"}
    unknown = await mutate(operator, "breakoutRegionUpdate", shown, code="x", available=True)
    assert unknown["userErrors"] == error("NOT_FOUND", "code")


async def test_regions_and_ways_are_told(client: Client) -> None:
    reply = await client.query(
        """{ breakoutRegions { code name latitude longitude available }
             breakoutWays(country: ["de", "XX", "de"]) { country region { code } distanceKm estimatedRttMs } }"""
    )
    assert reply.data["breakoutRegions"][1] == {
        "code": "eu-west-1", "name": "Ireland", "latitude": 53.35, "longitude": -6.26, "available": True,
    }  # fmt: skip
    assert [one["region"]["code"] for one in reply.data["breakoutWays"]] == [
        "eu-west-1", "us-east-1", "ap-southeast-1",
    ]  # fmt: skip
    assert reply.data["breakoutWays"][0]["country"] == "DE"
    for bad in ('country: "DE", region: "x"', 'deviceId: "x", country: "DE"'):
        assert (await client.query(f"{{ breakoutChoice({bad}) {{ mode }} }}")).codes == ["INVALID"]
