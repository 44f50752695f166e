"""Quotas, pools, limits and usage through GraphQL."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from graphql_client import Client
from graphql_world import World

from motet.domain.global_ids import encode_global_id

QUOTA = (
    "id service status volume used remaining refillVolume refill timeZone rollover thresholdPercents action"
    " throttleRate nextRefillAt expiresAt device { id } pool { id }"
)


async def call(client: Client, mutation: str, shown: str, **given: Any) -> dict[str, Any]:
    """A mutation's payload."""
    name = mutation[0].upper() + mutation[1:]
    reply = await client.query(
        f"mutation ($input: {name}Input!) {{ {mutation}(input: $input) {{ {shown} userErrors {{ code path }} }} }}",
        {"input": given},
    )
    assert reply.data is not None, reply.json
    payload: dict[str, Any] = reply.data[mutation]
    return payload


async def quota_of(world: World, client: Client, number: int = 0, **more: Any) -> dict[str, Any]:
    device = encode_global_id("Device", world.demo.devices[number])
    given = {"deviceId": device, "service": "SMS", "volume": 10, **more}
    payload = await call(client, "quotaCreate", f"quota {{ {QUOTA} }}", **given)
    assert payload["userErrors"] == []
    quota: dict[str, Any] = payload["quota"]
    return quota


async def events(world: World) -> list[str]:
    rows = await world.tenants.database.pool.fetch("SELECT type FROM event WHERE type LIKE 'quota.%' ORDER BY id")
    return [row["type"] for row in rows]


def error(payload: dict[str, Any]) -> tuple[str, list[str]]:
    (only,) = payload["userErrors"]
    return only["code"], only["path"]


async def test_a_quota_is_made_changed_and_removed(world: World, client: Client) -> None:
    made = await quota_of(
        world, client, volume=5e12, service="DATA", refill="DAILY", timeZone="Asia/Kolkata", rollover=True,
        thresholdPercents=[80, 50, 80], action="THROTTLE", throttleRate=64, idempotencyKey="k",
    )  # fmt: skip
    due = datetime.fromisoformat(made.pop("nextRefillAt"))
    assert (due.hour, due.minute) == (18, 30)
    assert timedelta(0) < due - datetime.now(UTC) <= timedelta(days=1)
    quota_id = made.pop("id")
    assert made == {
        "service": "DATA", "status": "ACTIVE", "volume": 5e12, "used": 0.0, "remaining": 5e12, "refillVolume": 5e12,
        "refill": "DAILY", "timeZone": "Asia/Kolkata", "rollover": True, "thresholdPercents": [50, 80],
        "action": "THROTTLE", "throttleRate": 64, "expiresAt": None, "pool": None,
        "device": {"id": encode_global_id("Device", world.demo.devices[0])},
    }  # fmt: skip
    changed = await call(
        client, "quotaUpdate", f"quota {{ {QUOTA} }}", id=quota_id, volume=6e12, refill="NEVER", action="BLOCK",
        enabled=False, expiresAt="2036-01-01T00:00:00Z",
    )  # fmt: skip
    assert changed["userErrors"] == []
    quota = changed["quota"]
    assert (quota["status"], quota["volume"], quota["throttleRate"]) == ("DISABLED", 6e12, None)
    assert (quota["nextRefillAt"], quota["expiresAt"]) == (None, "2036-01-01T00:00:00Z")
    again = await call(client, "quotaUpdate", "quota { status expiresAt }", id=quota_id, enabled=True, expiresAt=None)
    assert again["quota"] == {"status": "ACTIVE", "expiresAt": None}
    gone = await call(client, "quotaDelete", "deletedId", id=quota_id)
    assert gone == {"deletedId": quota_id, "userErrors": []}
    assert error(await call(client, "quotaDelete", "deletedId", id=quota_id)) == ("NOT_FOUND", ["input", "id"])
    assert await events(world) == [
        "quota.data_assigned", "quota.updated", "quota.data_disabled", "quota.updated", "quota.data_enabled",
        "quota.data_deleted",
    ]  # fmt: skip
    assert world.changes.count("quota") == 4


async def test_a_quota_that_cannot_be_is_refused_with_its_field(world: World, client: Client) -> None:
    device = encode_global_id("Device", world.demo.devices[0])
    assert error(await call(client, "quotaCreate", "quota { id }", service="SMS", volume=1)) == (
        "INVALID",
        ["input", "deviceId"],
    )
    for field, value, blamed in (
        ("volume", 0, ""),
        ("volume", 1.5, ""),
        ("volume", 1e300, ""),
        ("timeZone", "Mars/Base", ""),
        ("timeZone", "../etc", ""),
        ("thresholdPercents", [100], ""),
        ("action", "THROTTLE", "throttleRate"),
        ("expiresAt", "2020-01-01T00:00:00Z", ""),
        ("refill", None, ""),
    ):
        given = {"deviceId": device, "service": "SMS", "volume": 1, field: value}
        payload = await call(client, "quotaCreate", "quota { id }", **given)
        assert error(payload) == ("INVALID", ["input", blamed or field]), given
    await quota_of(world, client)
    payload = await call(client, "quotaCreate", "quota { id }", deviceId=device, service="SMS", volume=1)
    assert error(payload) == ("CONFLICT", ["input", "deviceId"])


async def test_top_ups_at_once_all_count_and_a_key_counts_once(world: World, client: Client) -> None:
    quota = await quota_of(world, client)
    await asyncio.gather(*(call(client, "quotaTopUp", "quota { id }", id=quota["id"], amount=7) for _ in range(8)))
    for _ in range(2):
        payload = await call(client, "quotaTopUp", "quota { volume }", id=quota["id"], amount=3, idempotencyKey="x")
        assert payload == {"quota": {"volume": 69.0}, "userErrors": []}
    payload = await call(client, "quotaTopUp", "quota { volume }", id=quota["id"], amount=4, idempotencyKey="x")
    assert error(payload) == ("CONFLICT", ["input", "idempotencyKey"])
    for amount in (0, -1, 0.5, 2e16):
        assert error(await call(client, "quotaTopUp", "quota { id }", id=quota["id"], amount=amount))[0] == "INVALID"
    reply = await client.query(
        f'{{ quota(id: "{quota["id"]}") {{ topUps {{ totalCount nodes {{ amount actor quota {{ id }} }} }} }} }}'
    )
    assert reply.data["quota"]["topUps"]["totalCount"] == 9
    newest = reply.data["quota"]["topUps"]["nodes"][0]
    assert newest == {"amount": 3.0, "actor": "administrator@demo", "quota": {"id": quota["id"]}}


async def test_an_expired_quota_is_in_force_again_with_another_end(world: World, client: Client) -> None:
    quota = await quota_of(world, client, refill="MONTHLY")
    await world.tenants.execute("UPDATE quota SET status = 2, next_refill_at = NULL, expires_at = now() WHERE used = 0")
    assert error(await call(client, "quotaTopUp", "quota { id }", id=quota["id"], amount=1)) == (
        "CONFLICT",
        ["input", "id"],
    )
    payload = await call(client, "quotaUpdate", "quota { status nextRefillAt }", id=quota["id"], expiresAt=None)
    assert payload["quota"]["status"] == "ACTIVE"
    assert payload["quota"]["nextRefillAt"] is not None


async def test_a_pool_is_made_changed_and_removed_once_it_has_no_quotas(world: World, client: Client) -> None:
    shown = "quotaPool { id name tag quotas { nodes { service } } }"
    pool = (await call(client, "quotaPoolCreate", shown, name="Meters", tag="meter"))["quotaPool"]
    assert pool == {"id": pool["id"], "name": "Meters", "tag": "meter", "quotas": {"nodes": []}}
    for given, field in (({"name": "Meters", "tag": "x"}, "name"), ({"name": "x", "tag": "meter"}, "tag")):
        assert error(await call(client, "quotaPoolCreate", shown, **given)) == ("CONFLICT", ["input", field])
    assert error(await call(client, "quotaPoolCreate", shown, name=" x", tag="y")) == ("INVALID", ["input", "name"])
    quota = (await call(client, "quotaCreate", "quota { id }", poolId=pool["id"], service="DATA", volume=5))["quota"]
    changed = await call(client, "quotaPoolUpdate", shown, id=pool["id"], tag="water")
    assert changed["quotaPool"] == {**pool, "tag": "water", "quotas": {"nodes": [{"service": "DATA"}]}}
    assert error(await call(client, "quotaPoolUpdate", shown, id=pool["id"], name=None))[0] == "INVALID"
    assert error(await call(client, "quotaPoolDelete", "deletedId", id=pool["id"])) == ("CONFLICT", ["input", "id"])
    await call(client, "quotaDelete", "deletedId", id=quota["id"])
    assert (await call(client, "quotaPoolDelete", "deletedId", id=pool["id"]))["deletedId"] == pool["id"]


async def test_a_limit_is_extended_for_the_month(world: World, client: Client) -> None:
    device = encode_global_id("Device", world.demo.devices[0])
    for total in (5.0, 10.0):
        payload = await call(
            client, "deviceExtendLimit", "extension device { id }", id=device, limit="SMS_MT", amount=5
        )
        assert payload == {"extension": total, "device": {"id": device}, "userErrors": []}
    payload = await call(client, "deviceExtendLimit", "extension", id=device, limit="DATA", amount=0)
    assert error(payload) == ("INVALID", ["input", "amount"])


async def test_usage_is_read_by_device_sim_and_workspace(world: World, client: Client) -> None:
    device = encode_global_id("Device", world.demo.devices[-1])
    reply = await client.query(
        f'{{ device(id: "{device}") {{'
        " days: usage { totalCount nodes { granularity octetsUp } }"
        " all: usage(filter: {granularity: [HOUR, DAY, MONTH]}) { totalCount }"
        ' later: usage(filter: {since: "2036-01-01T00:00:00Z"}) { totalCount }'
        " sim { usage(filter: {granularity: [MONTH]}) { nodes { granularity device { id } smsMtParts } } }"
        " quotas(filter: {service: [SMS]}) { nodes { thresholdPercents } }"
        " dataSessions(filter: {status: [CLOSED]}) { nodes { sessionId ipAddress } } } }"
    )
    found = reply.data["device"]
    assert found["days"] == {"totalCount": 1, "nodes": [{"granularity": "DAY", "octetsUp": 5e9}]}
    assert (found["all"]["totalCount"], found["later"]["totalCount"]) == (3, 0)
    assert found["sim"]["usage"]["nodes"] == [{"granularity": "MONTH", "device": {"id": device}, "smsMtParts": 1.0}]
    assert found["quotas"]["nodes"] == [{"thresholdPercents": [80]}]
    assert found["dataSessions"]["nodes"] == [{"sessionId": "s", "ipAddress": "10.0.0.1"}]
    reply = await client.query("{ usage { nodes { granularity smsMt } } dataSessions { totalCount } }")
    assert reply.data["usage"]["nodes"] == [{"granularity": "DAY", "smsMt": 1.0}]
