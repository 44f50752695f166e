"""What is accepted, what is refused and why, keys that make a send happen once, and facts that cannot be written."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hub_world import CODE, DELIVERED, Carrier, World, other_phone, phone, turn, until

from motet.domain.errors import ConflictError, DomainError, InvalidError, NotFoundError
from motet.domain.refusals import Refusal
from motet.hub.facts import Accepted
from motet.hub.message import Extra, Message
from motet.hub.requests import SendRequest
from motet.sms.udh import InformationElement, build_udh


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"to": other_phone()}, Refusal.UNKNOWN_DESTINATION),
        ({"to": "99999999999"}, Refusal.UNKNOWN_DESTINATION),
        ({"source": "twelve chars", "ton": 5}, Refusal.BAD_SOURCE),
        ({"source": "", "ton": 5}, Refusal.BAD_SOURCE),
        ({"source": "12a", "ton": 1}, Refusal.BAD_SOURCE),
        ({"source": "1" * 21, "ton": 1}, Refusal.BAD_SOURCE),
        ({"valid_s": -1}, Refusal.BAD_EXPIRY),
        ({"scheduled_in_s": 31 * 24 * 3_600}, Refusal.BAD_SCHEDULE),
        ({"scheduled_in_s": 60, "valid_s": -1}, Refusal.BAD_EXPIRY),
        ({"text": b"x" * 40_000}, Refusal.TOO_LONG),
    ],
)
async def test_refused_at_once_and_not_stored(world: World, change: dict[str, Any], refusal: Refusal) -> None:
    hub = await world.hub()
    esme = world.esme(hub)
    for _ in range(2):  # looked up, and from memory
        token = esme.submit(**change)
        await until(lambda t=token: t in esme.refusals)
        assert esme.refusals[token] is refusal
    assert await world.value("SELECT count(*) FROM message") == 0
    await world.check_empty(hub)


@pytest.mark.parametrize(
    ("sql", "refusal"),
    [
        ("UPDATE device SET status = 1", Refusal.DEVICE_DISABLED),
        ("UPDATE sim SET status = 3", Refusal.SIM_NOT_ACTIVE),
        ("UPDATE sim SET device_id = NULL", Refusal.NO_DEVICE),
    ],
)
async def test_refused_by_policy_with_an_event_that_says_why(world: World, sql: str, refusal: Refusal) -> None:
    hub = await world.hub()
    esme = world.esme(hub)
    await esme.send()
    await world.database.pool.execute(sql)
    hub.fleet_changed()
    token = esme.submit()
    await until(lambda: token in esme.refusals)
    assert esme.refusals[token] is refusal
    events = await world.rows("SELECT workspace_id, type, description, data FROM event")
    assert [(e["workspace_id"], e["type"], e["description"]) for e in events] == [
        (world.workspace_id, "sms.refused", refusal.words)
    ]
    assert events[0]["data"] == {"reason": refusal.name, "from": CODE, "to": phone()}
    assert await world.value("SELECT count(*) FROM message") == 1


async def test_a_header_that_leaves_no_room_is_refused_and_look_ups_go_on(world: World) -> None:
    hub = await world.hub()
    esme = world.esme(hub)
    udh = build_udh((InformationElement(0x70, bytes(136)),))
    for _ in range(2):
        token = esme.submit(b"x" * 100, extra=Extra(udh=udh))
        await until(lambda t=token: t in esme.refusals)
        assert esme.refusals[token] is Refusal.TOO_LONG
    await esme.send(to=phone(2))


async def test_a_part_that_its_esme_made_is_never_split_again(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    esme = world.esme(hub)
    udh = bytes.fromhex("050003110201")
    await esme.send(b"x" * 153, extra=Extra(udh=udh, segment=(0x11, 2, 1)))
    token = esme.submit(b"x" * 154, extra=Extra(udh=udh, segment=(0x11, 2, 1)))
    await until(lambda: token in esme.refusals)
    assert esme.refusals[token] is Refusal.TOO_LONG
    await until(lambda: carrier.sent)
    assert [text for _, _, text in carrier.sent] == [udh + b"x" * 153]


async def test_other_elements_of_a_header_are_in_every_part(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    ports = bytes.fromhex("0504158115b3")
    message_id = await world.esme(hub).send(b"x" * 200, extra=Extra(udh=bytes((6,)) + ports))
    await until(lambda: len(carrier.sent) == 2)
    assert all(ports in text and text[1] == 0x00 for _, _, text in carrier.sent)
    carrier.receipts(carrier.take())
    await world.until_state(message_id, DELIVERED)
    assert await world.value("SELECT part_count FROM message") == 2


async def test_the_accounts_bound_of_open_messages(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    esme = world.esme(hub)
    for _ in range(3):
        await esme.send()
    assert hub.open_by_account == {world.account_id: 3}
    await until(lambda: len(carrier.window) == 3)
    carrier.receipts(carrier.take())
    await world.check_empty(hub, [carrier])
    assert hub.open_by_account == {world.account_id: 0}


async def test_a_fact_that_cannot_be_written_harms_no_other(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    esme = world.esme(hub)
    await esme.send()
    tokens = []
    bad = []
    for n in range(20):
        message: Message = esme.message(b"%d" % n)
        tokens.append(message.reply_token)
        if n in (3, 11):
            message.extra = Extra(service_type="\0")  # PostgreSQL has no such text
            bad.append(message.reply_token)
        if n == 17:
            message.esm_class = 1 << 20  # nor such a smallint
            bad.append(message.reply_token)
        hub.submit(message)
    await until(lambda: len(esme.ids) + len(esme.refusals) == 21)
    assert esme.refusals == dict.fromkeys(bad, Refusal.NOT_STORABLE)
    await until(lambda: len(carrier.sent) == 18)
    carrier.receipts(carrier.take())
    await world.check_empty(hub, [carrier])
    assert hub.intake.committing_from is None


async def test_the_low_water_mark_stays_while_a_group_is_written_in_pieces(world: World) -> None:
    hub = await world.hub()
    esme = world.esme(hub)
    group = [Accepted(esme.message()) for _ in range(4)]
    hub.intake.before_write(group)
    mark = hub.intake.committing_from
    assert mark is not None
    hub.intake.committed(group[:2])
    assert hub.low_water() <= mark
    hub.intake.refused_by_database(group[2], ValueError())
    assert hub.low_water() <= mark
    hub.intake.committed(group[3:])
    assert hub.intake.committing_from is None


# From an API ---------------------------------------------------------------------------------------------------------


def request(world: World, **more: Any) -> SendRequest:
    return SendRequest(**{"workspace_id": world.workspace_id, "msisdn": phone(), "text": "hello", **more})


async def test_a_send_is_stored_and_goes_out(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    message_id = await hub.send(request(world))
    await until(lambda: carrier.sent)
    assert carrier.sent == [(message_id, 0, b"hello")]
    row = (await world.rows("SELECT source, source_ton, account_id, registered_delivery FROM message"))[0]
    assert tuple(row) == (CODE, 3, None, 0)
    carrier.receipts(carrier.take())
    await world.check_empty(hub, [carrier])


@pytest.mark.parametrize(
    ("change", "error", "path"),
    [
        ({"msisdn": None}, InvalidError, ()),
        ({"iccid": "1"}, InvalidError, ()),
        ({"msisdn": None, "iccid": "1"}, NotFoundError, ("iccid",)),
        ({"msisdn": None, "device_id": 1}, NotFoundError, ("deviceId",)),
        ({"msisdn": other_phone()}, NotFoundError, ("msisdn",)),
        ({"text": None}, InvalidError, ()),
        ({"payload": b"x"}, InvalidError, ()),
        ({"text": "\ud800"}, InvalidError, ("text",)),
        ({"text": "ы", "data_coding": 0}, InvalidError, ("text",)),
        ({"text": None, "payload": b"abc", "data_coding": 8}, InvalidError, ("payloadHex",)),
        ({"text": "x" * 40_000}, InvalidError, ("text",)),
        ({"source": "x" * 12}, InvalidError, ("from",)),
        ({"idempotency_key": ""}, InvalidError, ("idempotencyKey",)),
        ({"idempotency_key": "x" * 256}, InvalidError, ("idempotencyKey",)),
        ({"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}, InvalidError, ("expiresAt",)),
    ],
)
async def test_a_send_that_cannot_be(
    world: World, change: dict[str, Any], error: type[DomainError], path: tuple[str, ...]
) -> None:
    hub = await world.hub()
    with pytest.raises(error) as caught:
        await hub.send(request(world, **change))
    assert caught.value.path == path
    assert await world.value("SELECT count(*) FROM message") == 0
    await world.check_empty(hub)


async def test_the_same_key_and_input_give_the_same_message(world: World) -> None:
    hub = await world.hub()
    first = await hub.send(request(world, idempotency_key="k"))
    assert await hub.send(request(world, idempotency_key="k")) == first
    assert await hub.send(request(world, idempotency_key="k2")) != first
    assert await hub.send(request(world)) != first
    assert await world.value("SELECT count(*) FROM message") == 3


async def test_the_same_key_with_other_input_is_a_conflict(world: World) -> None:
    hub = await world.hub()
    await hub.send(request(world, idempotency_key="k"))
    with pytest.raises(ConflictError):
        await hub.send(request(world, idempotency_key="k", text="other"))


async def test_sends_at_once_with_one_key_are_one(world: World) -> None:
    hub = await world.hub()
    sends = [hub.send(request(world, idempotency_key="k")) for _ in range(20)]
    others = [hub.send(request(world, idempotency_key="k", text=f"{n}")) for n in range(5)]
    results = await asyncio.gather(*sends, *others, return_exceptions=True)
    ids = {result for result in results if isinstance(result, int)}
    assert len(ids) == 1
    assert {type(result) for result in results[20:]} <= {ConflictError, int}
    assert await world.value("SELECT count(*) FROM message") == 1


async def test_keys_are_the_workspaces_own(world: World) -> None:
    hub = await world.hub()
    mine = await hub.send(request(world, idempotency_key="k"))
    theirs = await hub.send(
        SendRequest(workspace_id=world.other_workspace_id, msisdn=other_phone(), text="hello", idempotency_key="k")
    )
    assert mine != theirs


async def test_a_key_is_free_again_after_a_day(world: World) -> None:
    hub = await world.hub()
    first = await hub.send(request(world, idempotency_key="k"))
    await world.database.pool.execute("UPDATE idempotency SET expires_at = now() - interval '1 second'")
    assert await hub.send(request(world, idempotency_key="k")) != first


async def test_a_repeat_is_not_judged_anew(world: World) -> None:
    hub = await world.hub()
    at = datetime.now(UTC) + timedelta(seconds=600)
    first = await hub.send(request(world, idempotency_key="k", expires_at=at))
    world.pass_time(3_600)
    await world.database.pool.execute("UPDATE device SET status = 1")
    hub.fleet_changed()
    assert await hub.send(request(world, idempotency_key="k", expires_at=at)) == first


async def test_a_key_outlives_a_restart_and_a_cut_commit(world: World) -> None:
    hub = await world.hub()
    first = await hub.send(request(world, idempotency_key="k"))
    sends = [asyncio.create_task(hub.send(request(world, idempotency_key="k"))) for _ in range(5)]
    sends += [asyncio.create_task(hub.send(request(world, idempotency_key="new"))) for _ in range(5)]
    await turn()
    await world.cut_connections("accept")
    results = await asyncio.gather(*sends)
    assert results[:5] == [first] * 5
    assert len(set(results[5:])) == 1
    await world.kill(hub)
    hub = await world.hub()
    assert await hub.send(request(world, idempotency_key="k")) == first
    assert await world.value("SELECT count(*) FROM message") == 2
