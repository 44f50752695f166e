"""Mutations: what they do, what they show, and why they do not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from graphql_client import Client
from graphql_world import World

from motet.access.passwords import PasswordChecker
from motet.access.principals import Role
from motet.access.secrets import SecretBox
from motet.domain.global_ids import decode_global_id, encode_global_id


async def mutate(client: Client, mutation: str, shown: str, **fields: Any) -> Any:
    """The payload of a mutation with this input."""
    input_type = mutation[0].upper() + mutation[1:] + "Input"
    reply = await client.query(
        f"mutation ($input: {input_type}!)"
        f" {{ payload: {mutation}(input: $input) {{ {shown} userErrors {{ code path }} }} }}",
        {"input": fields},
    )
    return reply.data["payload"]


def error(code: str, *path: str) -> list[dict[str, Any]]:
    return [{"code": code, "path": ["input", *path] if path else None}]


async def test_sms_send_hands_the_hub_what_was_given_and_shows_the_message(world: World, client: Client) -> None:
    device = encode_global_id("Device", world.demo.devices[1])
    shown = "sms { __typename id status text device { name } } again: sms { to }"
    payload = await mutate(
        client, "smsSend", shown, deviceId=device, text="hi", **{"from": "12345"},
        expiresAt="2026-11-30T12:00:00+02:00", dataCoding=0, idempotencyKey="k",
    )  # fmt: skip
    assert payload == {
        "sms": {
            "__typename": "SmsMessage",
            "id": encode_global_id("SmsMessage", world.demo.messages[-1]),
            "status": "PENDING",
            "text": "hi",
            "device": {"name": "demo 1"},
        },
        "again": {"to": "99900000001"},
        "userErrors": [],
    }
    request = world.hub.requests[-1]
    assert request.expires_at is not None
    assert request.expires_at.isoformat() == "2026-11-30T10:00:00+00:00"
    assert (request.device_id, request.text, request.payload) == (world.demo.devices[1], "hi", None)
    assert (request.source, request.data_coding, request.idempotency_key) == ("12345", 0, "k")


async def test_sms_send_takes_binary_empty_text_and_a_number_with_a_plus(world: World, client: Client) -> None:
    assert (await mutate(client, "smsSend", "", msisdn="+99900000001", payloadHex="00fF"))["userErrors"] == []
    assert (world.hub.requests[-1].msisdn, world.hub.requests[-1].payload) == ("99900000001", b"\x00\xff")
    assert (await mutate(client, "smsSend", "", iccid="1", text=""))["userErrors"] == []
    assert world.hub.requests[-1].text == ""
    assert (await mutate(client, "smsSend", "", iccid="1", payloadHex="", text=None))["userErrors"] == []
    assert world.hub.requests[-1].payload == b""


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ({"msisdn": "1", "text": "x", "dataCoding": 256}, error("INVALID", "dataCoding")),
        ({"msisdn": "1", "text": "x", "dataCoding": -1}, error("INVALID", "dataCoding")),
        ({"msisdn": "1", "payloadHex": "0"}, error("INVALID", "payloadHex")),
        ({"msisdn": "1", "payloadHex": "0g"}, error("INVALID", "payloadHex")),
        ({"msisdn": "1", "payloadHex": "00 11"}, error("INVALID", "payloadHex")),
        ({"msisdn": "1", "payloadHex": "00" * 50_000}, error("INVALID", "payloadHex")),
        ({"msisdn": "1\0", "text": "x"}, error("INVALID", "msisdn")),
        ({"msisdn": "1", "text": "x", "from": "\0"}, error("INVALID", "from")),
        ({"deviceId": "x", "text": "x"}, error("NOT_FOUND", "deviceId")),
    ],
)
async def test_sms_send_says_what_is_wrong(
    world: World, client: Client, fields: dict[str, Any], errors: list[dict[str, Any]]
) -> None:
    assert await mutate(client, "smsSend", "sms { id }", **fields) == {"sms": None, "userErrors": errors}
    assert world.hub.requests == []


@pytest.mark.parametrize("moment", ["2026-11-30", "2026-11-30T12:00:00", "soon", "", 5, "9" * 50])
async def test_times_need_an_offset(client: Client, moment: Any) -> None:
    reply = await client.query(
        'mutation ($at: DateTime) { smsSend(input: {msisdn: "1", text: "x", expiresAt: $at}) { userErrors { code } } }',
        {"at": moment},
    )
    assert reply.codes == ["INVALID"]


async def test_sms_cancel_shows_the_message_as_it_is_now_or_why_not(world: World, client: Client) -> None:
    sent = await mutate(client, "smsSend", "sms { id }", msisdn="1", text="x")
    payload = await mutate(client, "smsCancel", "sms { id status }", id=sent["sms"]["id"])
    assert payload == {"sms": {"id": sent["sms"]["id"], "status": "CANCELLED"}, "userErrors": []}
    again = await mutate(client, "smsCancel", "sms { id }", id=sent["sms"]["id"])
    assert again == {"sms": None, "userErrors": error("CONFLICT", "id")}


async def test_mutations_run_in_their_order_and_one_error_takes_no_other_along(world: World, client: Client) -> None:
    reply = await client.query(
        """mutation {
             a: smsSend(input: {msisdn: "1", text: "a"}) { sms { text } }
             b: smsSend(input: {payloadHex: "b"}) { sms { text } userErrors { code } __typename }
             c: smsSend(input: {msisdn: "1", text: "c"}) { sms { text smsc: device { name } } }
           }"""
    )
    assert reply.data == {
        "a": {"sms": {"text": "a"}},
        "b": {
            "sms": None,
            "userErrors": [{"code": "INVALID"}],
            "__typename": "SmsSendPayload",
        },
        "c": {"sms": {"text": "c", "smsc": {"name": "demo 0"}}},
    }
    assert [request.text for request in world.hub.requests] == ["a", "c"]


async def test_a_webhooks_life(world: World, client: Client) -> None:
    shown = "webhook { id url eventTypes description status } secret"
    created = await mutate(
        client, "webhookCreate", shown, url="https://127.0.0.1/hook", eventTypes=["sms.received"], description="d"
    )
    webhook_id = created["webhook"].pop("id")
    assert created["secret"].startswith("whsec_")
    assert created["webhook"] == {
        "url": "https://127.0.0.1/hook",
        "eventTypes": ["sms.received"],
        "description": "d",
        "status": "ENABLED",
    }
    tested = await mutate(client, "webhookTest", "delivery { eventType status webhook { id } }", id=webhook_id)
    assert tested["delivery"] == {"eventType": "webhook.test", "status": "PENDING", "webhook": {"id": webhook_id}}
    await world.tenants.execute("UPDATE webhook_delivery SET status = 2 WHERE event_type = 'webhook.test'")
    shown = "webhook { description status eventTypes deliveries(filter: {status: [DEAD]}) { nodes { id } } }"
    updated = await mutate(client, "webhookUpdate", shown, id=webhook_id, enabled=False, description="")
    (dead,) = updated["webhook"].pop("deliveries")["nodes"]
    assert updated["webhook"] == {"description": "", "status": "DISABLED", "eventTypes": ["sms.received"]}
    refused = await mutate(client, "webhookReplay", "replayedCount", id=webhook_id)
    assert refused == {"replayedCount": None, "userErrors": error("DENIED", "id")}
    await mutate(client, "webhookUpdate", "", id=webhook_id, enabled=True)
    replayed = await mutate(client, "webhookReplay", "replayedCount", id=webhook_id, deliveryId=dead["id"])
    assert replayed == {"replayedCount": 1, "userErrors": []}
    again = await mutate(client, "webhookReplay", "replayedCount", id=webhook_id, deliveryId=dead["id"])
    assert again["userErrors"] == error("CONFLICT", "deliveryId")
    deleted = await mutate(client, "webhookDelete", "deletedId", id=webhook_id)
    assert deleted == {"deletedId": webhook_id, "userErrors": []}
    assert (await mutate(client, "webhookDelete", "", id=webhook_id))["userErrors"] == error("NOT_FOUND", "id")


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"url": "http://example.org/", "eventTypes": ["sms.*"]}, "url"),
        ({"url": "https://10.0.0.1/", "eventTypes": ["sms.*"]}, "url"),
        ({"url": "nonsense", "eventTypes": ["sms.*"]}, "url"),
        ({"url": "https://127.0.0.1/", "eventTypes": []}, "eventTypes"),
        ({"url": "https://127.0.0.1/", "eventTypes": ["x.y"]}, "eventTypes"),
        ({"url": "https://127.0.0.1/", "eventTypes": ["sms.*"], "description": "d" * 1001}, "description"),
    ],
)
async def test_webhooks_that_break_a_rule_are_not_made(client: Client, fields: dict[str, Any], path: str) -> None:
    payload = await mutate(client, "webhookCreate", "secret", **fields)
    assert payload["secret"] is None
    assert payload["userErrors"][0]["code"] in {"INVALID", "DENIED"}
    assert payload["userErrors"][0]["path"][:2] == ["input", path]


async def test_null_is_no_value_for_what_must_have_one(world: World, client: Client) -> None:
    webhook = encode_global_id("Webhook", world.demo.webhooks[0])
    account = encode_global_id("SmppAccount", world.demo.accounts[0])
    for field in ("url", "eventTypes", "description", "enabled"):
        payload = await mutate(client, "webhookUpdate", "", id=webhook, **{field: None})
        assert payload["userErrors"] == error("INVALID", field)
    for field in ("description", "defaultAlphabet", "longMo", "windowSize", "maxBinds", "queueLimit", "enabled"):
        payload = await mutate(client, "smppAccountUpdate", "", id=account, **{field: None})
        assert payload["userErrors"] == error("INVALID", field)


async def test_an_smpp_accounts_life(world: World, client: Client) -> None:
    every = """id systemId description defaultAlphabet longMo windowSize ratePerSecond maxBinds queueLimit outbindHost
               outbindPort enabled allowedCidrs"""
    created = await mutate(client, "smppAccountCreate", f"smppAccount {{ {every} }} password", systemId="meters")
    account = created["smppAccount"]
    assert {**account, "id": None} == {
        "id": None,
        "systemId": "meters",
        "description": "",
        "defaultAlphabet": "GSM7",
        "longMo": "JOINED",
        "windowSize": 1000,
        "ratePerSecond": None,
        "maxBinds": 16,
        "queueLimit": 1_000_000,
        "outbindHost": None,
        "outbindPort": None,
        "enabled": True,
        "allowedCidrs": [],
    }
    assert len(created["password"]) == 8
    changes = {
        "description": "d",
        "defaultAlphabet": "LATIN1",
        "longMo": "PARTS",
        "windowSize": 50,
        "ratePerSecond": 100,
        "maxBinds": 2,
        "queueLimit": 10,
        "outbindHost": "esme.example",
        "outbindPort": 2775,
        "enabled": False,
        "allowedCidrs": ["192.0.2.0/24", "2001:db8::/32", "198.51.100.7/32"],
    }
    updated = await mutate(client, "smppAccountUpdate", f"smppAccount {{ {every} }}", id=account["id"], **changes)
    assert updated["smppAccount"] == {"id": account["id"], "systemId": "meters", **changes}
    nulls = {"ratePerSecond": None, "outbindHost": None, "outbindPort": None}
    updated = await mutate(client, "smppAccountUpdate", f"smppAccount {{ {every} }}", id=account["id"], **nulls)
    assert updated["smppAccount"] == {"id": account["id"], "systemId": "meters", **changes, **nulls}

    for nothing in (None, []):
        updated = await mutate(
            client, "smppAccountUpdate", "smppAccount { allowedCidrs }", id=account["id"], allowedCidrs=nothing
        )
        assert updated["smppAccount"] == {"allowedCidrs": []}
    updated = await mutate(client, "smppAccountUpdate", "smppAccount { enabled }", id=account["id"], enabled=True)
    assert updated["smppAccount"] == {"enabled": True}

    stored = "SELECT password_hash FROM smpp_account WHERE system_id = 'meters'"
    assert (await world.tenants.database.pool.fetchval(stored)).startswith("$argon2id$")
    passwords = PasswordChecker()
    assert await passwords.verify(await world.tenants.database.pool.fetchval(stored), created["password"])
    rotated = await mutate(client, "smppAccountRotatePassword", "password smppAccount { id }", id=account["id"])
    assert rotated["password"] != created["password"]
    now = await world.tenants.database.pool.fetchval(stored)
    assert await passwords.verify(now, rotated["password"])
    assert not await passwords.verify(now, created["password"])
    passwords.close()

    code = await mutate(client, "shortCodeCreate", "shortCode { id }", code="777", smppAccountId=account["id"])
    in_use = await mutate(client, "smppAccountDelete", "deletedId", id=account["id"])
    assert in_use == {"deletedId": None, "userErrors": error("CONFLICT", "id")}
    await mutate(client, "shortCodeDelete", "", id=code["shortCode"]["id"])
    deleted = await mutate(client, "smppAccountDelete", "deletedId", id=account["id"])
    assert deleted == {"deletedId": account["id"], "userErrors": []}
    assert world.changes.count("smpp_account") == 8


async def test_sessions_of_an_account_are_shown_and_ended_by_their_workspace(world: World, client: Client) -> None:
    shown = """{ smppAccounts { nodes { sessions { totalCount nodes {
        id bindType address port tls boundAt smppAccount { systemId } } } } } }"""
    [account] = (await client.query(shown)).data["smppAccounts"]["nodes"]
    [session] = account["sessions"]["nodes"]
    assert {**session, "id": None, "boundAt": None} == {
        "id": None,
        "bindType": "TRANSCEIVER",
        "address": "192.0.2.7",
        "port": 40_000,
        "tls": "TLSv1.3",
        "boundAt": None,
        "smppAccount": {"systemId": "demo"},
    }
    heard: asyncio.Queue[str] = asyncio.Queue()
    async with world.tenants.database.pool.acquire() as connection:

        def hear(*told: Any) -> None:
            heard.put_nowait(told[3])

        await connection.add_listener("motet_change", hear)
        ended = await mutate(client, "smppSessionEnd", "deletedId", id=session["id"])
        assert ended == {"deletedId": session["id"], "userErrors": []}
        async with asyncio.timeout(20):
            assert await heard.get() == f"smpp_session {decode_global_id(session['id'])[1]}"
        theirs = await mutate(world.client(world.other), "smppSessionEnd", "deletedId", id=session["id"])
        assert theirs == {"deletedId": None, "userErrors": error("NOT_FOUND", "id")}
        await connection.remove_listener("motet_change", hear)
        assert heard.empty()


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ({"systemId": ""}, error("INVALID", "systemId")),
        ({"systemId": "x" * 16}, error("INVALID", "systemId")),
        ({"systemId": "with space"}, error("INVALID", "systemId")),
        ({"systemId": "ü"}, error("INVALID", "systemId")),
        ({"systemId": "demo"}, error("CONFLICT", "systemId")),
        ({"systemId": "other"}, error("CONFLICT", "systemId")),
        ({"systemId": "x", "windowSize": 0}, error("INVALID", "windowSize")),
        ({"systemId": "x", "windowSize": 10_001}, error("INVALID", "windowSize")),
        ({"systemId": "x", "ratePerSecond": 0}, error("INVALID", "ratePerSecond")),
        ({"systemId": "x", "maxBinds": 101}, error("INVALID", "maxBinds")),
        ({"systemId": "x", "queueLimit": 0}, error("INVALID", "queueLimit")),
        ({"systemId": "x", "outbindHost": "h"}, error("INVALID", "outbindPort")),
        ({"systemId": "x", "outbindPort": 1}, error("INVALID", "outbindHost")),
        ({"systemId": "x", "outbindHost": "h h", "outbindPort": 1}, error("INVALID", "outbindHost")),
        ({"systemId": "x", "outbindHost": "h", "outbindPort": 65_536}, error("INVALID", "outbindPort")),
        ({"systemId": "x", "description": "a\u0007"}, error("INVALID", "description")),
        ({"systemId": "x", "allowedCidrs": ["192.0.2.1/24"]}, error("INVALID", "allowedCidrs", "0")),
        ({"systemId": "x", "allowedCidrs": ["192.0.2.0/24", "elsewhere"]}, error("INVALID", "allowedCidrs", "1")),
        ({"systemId": "x", "allowedCidrs": ["::ffff:192.0.2.0/120"]}, error("INVALID", "allowedCidrs", "0")),
        ({"systemId": "x", "allowedCidrs": ["192.0.2.7"] * 101}, error("INVALID", "allowedCidrs")),
    ],
)
async def test_smpp_accounts_that_break_a_rule_are_not_made(
    world: World, client: Client, fields: dict[str, Any], errors: list[dict[str, Any]]
) -> None:
    payload = await mutate(client, "smppAccountCreate", "password smppAccount { id }", **fields)
    assert payload == {"password": None, "smppAccount": None, "userErrors": errors}
    assert world.changes == []


async def test_an_account_at_the_limit_is_not_made(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("motet.fleet.messaging.smpp_account.MAX_ACCOUNTS", 1)
    monkeypatch.setattr("motet.fleet.messaging.short_code.MAX_SHORT_CODES", 1)
    account = await mutate(client, "smppAccountCreate", "", systemId="one-more")
    code = await mutate(client, "shortCodeCreate", "", code="999")
    assert account["userErrors"] == code["userErrors"] == error("LIMIT_REACHED")


async def test_a_short_codes_life(world: World, client: Client) -> None:
    account = encode_global_id("SmppAccount", world.demo.accounts[0])
    shown = "shortCode { id code description smppAccount { id } }"
    created = (await mutate(client, "shortCodeCreate", shown, code="4711", description="d"))["shortCode"]
    assert created == {"id": created["id"], "code": "4711", "description": "d", "smppAccount": None}
    updated = (await mutate(client, "shortCodeUpdate", shown, id=created["id"], smppAccountId=account))["shortCode"]
    assert updated == {**created, "smppAccount": {"id": account}}
    updated = (await mutate(client, "shortCodeUpdate", shown, id=created["id"], description=""))["shortCode"]
    assert updated == {**created, "description": "", "smppAccount": {"id": account}}
    updated = (await mutate(client, "shortCodeUpdate", shown, id=created["id"], smppAccountId=None))["shortCode"]
    assert updated == {**created, "description": ""}
    assert (await mutate(client, "shortCodeDelete", "deletedId", id=created["id"]))["deletedId"] == created["id"]
    assert world.changes == ["short_code"] * 5


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ({"code": "12"}, error("INVALID", "code")),
        ({"code": "123456789"}, error("INVALID", "code")),
        ({"code": "12a"}, error("INVALID", "code")),
        ({"code": "١٢٣"}, error("INVALID", "code")),
        ({"code": "12345"}, error("CONFLICT", "code")),
        ({"code": "777", "description": "d" * 1001}, error("INVALID", "description")),
    ],
)
async def test_short_codes_that_break_a_rule_are_not_made(
    client: Client, fields: dict[str, Any], errors: list[dict[str, Any]]
) -> None:
    assert (await mutate(client, "shortCodeCreate", "", **fields))["userErrors"] == errors


async def test_a_links_life(world: World) -> None:
    operator = world.operator()
    shown = "smscLink { id name host port systemId binds windowSize enabled tls tlsName }"
    made = {"name": "carrier", "host": "smsc.example", "port": 2775, "systemId": "us"}
    created = (await mutate(operator, "smscLinkCreate", shown, **made, password="secret"))["smscLink"]
    defaults = {"binds": 1, "windowSize": 100, "enabled": True, "tls": False, "tlsName": None}
    assert created == {**made, "id": created["id"], **defaults}
    sealed = "SELECT password_encrypted FROM smsc_link WHERE name = 'carrier'"
    box, pool = SecretBox(bytes(32)), world.tenants.database.pool
    assert box.decrypt(await pool.fetchval(sealed)) == b"secret"
    changes = {"binds": 4, "enabled": False, "tls": True, "tlsName": "smpp.carrier.example"}
    updated = (await mutate(operator, "smscLinkUpdate", shown, id=created["id"], **changes))["smscLink"]
    assert updated == {**created, **changes}
    updated = (await mutate(operator, "smscLinkUpdate", shown, id=created["id"], tlsName=None))["smscLink"]
    assert updated == {**created, **changes, "tlsName": None}
    assert box.decrypt(await pool.fetchval(sealed)) == b"secret"
    await mutate(operator, "smscLinkUpdate", "", id=created["id"], password="other")
    assert box.decrypt(await pool.fetchval(sealed)) == b"other"
    taken = await mutate(operator, "smscLinkCreate", "", **made, password="")
    assert taken["userErrors"] == error("CONFLICT", "name")
    taken = await mutate(operator, "smscLinkUpdate", "", id=created["id"], name="upstream")
    assert taken["userErrors"] == error("CONFLICT", "name")
    for bad, path in (
        ({"password": "123456789"}, "password"),
        ({"port": 0}, "port"),
        ({"host": ""}, "host"),
        ({"name": ""}, "name"),
        ({"systemId": "x" * 16}, "systemId"),
        ({"binds": 33}, "binds"),
        ({"windowSize": 0}, "windowSize"),
        ({"name": None}, "name"),
        ({"tls": None}, "tls"),
        ({"tlsName": ""}, "tlsName"),
    ):
        payload = await mutate(operator, "smscLinkUpdate", "", id=created["id"], **bad)  # type: ignore[arg-type]
        assert payload["userErrors"] == error("INVALID", path)
    deleted = await mutate(operator, "smscLinkDelete", "deletedId", id=created["id"])
    assert deleted["deletedId"] == created["id"]
    for gone in (created["id"], encode_global_id("SmscLink", 1 << 40), "x"):
        assert (await mutate(operator, "smscLinkDelete", "", id=gone))["userErrors"] == error("NOT_FOUND", "id")
    assert world.changes == ["smsc_link"] * 5


async def test_roles_are_told_apart(world: World) -> None:
    user = world.client(world.demo, Role.USER)
    assert (await mutate(user, "smsSend", "", msisdn="1", text="x"))["userErrors"] == []
    reply = await user.query('mutation { smppAccountCreate(input: {systemId: "x"}) { password } }')
    assert (reply.json["data"], reply.codes) == ({"smppAccountCreate": None}, ["FORBIDDEN"])


async def test_the_viewer(world: World) -> None:
    query = "{ viewer { subject role isOperator permissions expiresAt workspace { id name createdAt } __typename } }"
    viewer = (await world.client(world.demo).query(query)).data["viewer"]
    assert viewer["workspace"]["name"] == "demo"
    assert (viewer["role"], viewer["isOperator"], viewer["__typename"]) == ("ADMINISTRATOR", False, "Viewer")
    assert "sms:send" in viewer["permissions"]
    viewer = (await world.operator().query(query)).data["viewer"]
    assert (viewer["role"], viewer["isOperator"], viewer["workspace"]) == (None, True, None)
