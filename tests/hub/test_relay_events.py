"""The way of an MT through every order of events between the hub and SMSCs."""

import pytest
from hub_world import DELIVERED, FAILED, Carrier, World, parts_of, phone, turn, until

from motet.domain.states import EsmeDeliveryKind, MessageState
from motet.hub.ports import Verdict

REJECTED = int(MessageState.REJECTED)
EXPIRED = int(MessageState.EXPIRED)
UNKNOWN = int(MessageState.UNKNOWN)


async def test_a_message_goes_out_and_its_receipt_comes_back(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    esme = world.esme(hub).up()
    message_id = await esme.send(b"hello")
    await until(lambda: carrier.window)
    assert carrier.sent == [(message_id, 0, b"hello")]
    [smsc_id] = carrier.take()
    await until(lambda: carrier.free == carrier.size)
    token = carrier.receipt(smsc_id)
    await until(lambda: esme.got)
    assert carrier.acks == {token: True}
    assert esme.receipts() == [(message_id, DELIVERED)]
    esme.take()
    await world.check_empty(hub, [carrier])
    await world.check_ends({message_id: DELIVERED})
    assert await world.value("SELECT count(*) FROM esme_answer") == 1


async def test_the_answer_comes_after_the_commit(world: World) -> None:
    hub = await world.hub()
    esme = world.esme(hub)
    message_id = await esme.send()
    assert await world.value("SELECT count(*) FROM message WHERE id = $1", message_id) == 1


async def test_a_slot_is_free_only_once_the_answer_is_committed(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub, size=1).up()
    esme = world.esme(hub)
    await esme.send()
    await until(lambda: carrier.window)
    carrier.take()
    assert carrier.free == 0
    await until(lambda: carrier.free == 1)
    assert await world.value("SELECT count(*) FROM submit") == 1


async def test_no_more_than_the_window_is_in_flight(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub, size=3).up()
    esme = world.esme(hub)
    for _ in range(10):
        esme.submit()
    for count in (3, 3, 3, 1):
        await until(lambda n=count: len(carrier.window) == n)
        carrier.take()
    await until(lambda: carrier.free == 3)
    assert len(carrier.sent) == 10


async def test_a_receipt_outruns_its_response_on_another_bind(world: World) -> None:
    hub = await world.hub()
    sending, receiving = Carrier(hub).up(), Carrier(hub, size=0).up()
    esme = world.esme(hub)
    message_id = await esme.send()
    await until(lambda: sending.window)
    token = receiving.receipt("s1")
    assert receiving.acks == {}
    sending.take()
    await world.until_state(message_id, DELIVERED)
    await until(lambda: receiving.acks == {token: True})
    await world.check_empty(hub, [sending])


async def test_a_receipt_that_was_looked_up_in_vain_is_matched_when_the_response_comes(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    message_id = await world.esme(hub).send()
    await until(lambda: carrier.window)
    token = carrier.receipt("s1")
    await until(lambda: hub.endings.unmatched.unknown)
    carrier.take()
    await until(lambda: carrier.acks == {token: True})
    await world.until_state(message_id, DELIVERED)
    await world.check_empty(hub, [carrier])


async def test_an_unknown_receipt_is_answered_after_the_grace(world: World) -> None:
    hub = await world.hub(early_receipt_grace_s=0.05)
    carrier = Carrier(hub).up()
    token = carrier.receipt("nobody's")
    assert carrier.acks == {}
    await until(lambda: carrier.acks == {token: True})
    assert hub.counters.receipts_unknown == 1
    await world.check_empty(hub, [carrier])


async def test_unknown_receipts_are_bounded(world: World) -> None:
    hub = await world.hub(early_receipts=5, early_receipt_grace_s=3_600)
    carrier = Carrier(hub).up()
    tokens = carrier.receipts(f"x{n}" for n in range(8))
    assert [carrier.acks.get(token) for token in tokens] == [None] * 5 + [False] * 3
    carrier.down()
    await world.check_empty(hub)


async def test_throttled_the_bind_rests_and_sends_again_in_order(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub, size=5).up()
    esme = world.esme(hub)
    texts = [b"%d" % n for n in range(5)]
    for text in texts:
        esme.submit(text)
    await until(lambda: len(carrier.window) == 5)
    carrier.refuse(Verdict.BUSY, error="ESME_RTHROTTLED")
    assert carrier.free == 5
    await until(lambda: len(carrier.window) == 5)
    assert [text for _, _, text in carrier.sent] == texts * 2
    carrier.take()
    await until(lambda: carrier.free == 5)
    assert await world.value("SELECT max(attempt) FROM submit") == 1


async def test_a_fault_of_the_moment_is_tried_again(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    message_id = await world.esme(hub).send()
    await until(lambda: carrier.window)
    carrier.refuse(Verdict.TRY_LATER)
    assert carrier.free == carrier.size
    await until(lambda: carrier.window)
    [smsc_id] = carrier.take()
    carrier.receipt(smsc_id)
    await world.until_state(message_id, DELIVERED)
    assert await world.value("SELECT attempts FROM message WHERE id = $1", message_id) == 2
    await world.check_empty(hub, [carrier])


async def test_a_refusal_for_good_ends_the_message(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    message_id = await world.esme(hub).send()
    await until(lambda: carrier.window)
    carrier.refuse(Verdict.REFUSED, error="ESME_RINVDSTADR")
    await world.until_state(message_id, REJECTED)
    assert await world.value("SELECT error FROM message WHERE id = $1", message_id) == "ESME_RINVDSTADR"
    await world.check_empty(hub, [carrier])
    await world.check_ends({message_id: REJECTED})


async def test_a_lost_bind_gives_its_window_to_the_others_in_order(world: World) -> None:
    hub = await world.hub()
    first = Carrier(hub, size=4).up()
    esme = world.esme(hub)
    ids = [await esme.send(b"%d" % n) for n in range(6)]
    await until(lambda: len(first.window) == 4)
    taken = first.take(first.window[0])
    second = Carrier(hub, prefix="t").up()
    await until(lambda: len(second.window) >= 1)
    first.down()
    await until(lambda: len(second.sent) == 5)
    assert {message_id for message_id, _, _ in second.sent} == set(ids[1:])
    assert [i for i, _, _ in second.sent if i in ids[1:4]] == ids[1:4]
    for smsc_id in taken + second.take():
        second.receipt(smsc_id)
    for message_id in ids:
        await world.until_state(message_id, DELIVERED)
    await world.check_empty(hub, [second])


async def test_a_repeated_receipt_is_answered_and_changes_nothing(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    esme = world.esme(hub).up()
    message_id = await esme.send()
    await until(lambda: carrier.window)
    [smsc_id] = carrier.take()
    tokens = [carrier.receipt(smsc_id), carrier.receipt(smsc_id, FAILED)]
    await world.until_state(message_id, DELIVERED)
    await until(lambda: not hub.live)
    tokens.append(carrier.receipt(smsc_id, FAILED))
    await until(lambda: len(carrier.acks) == 3)
    assert carrier.acks == dict.fromkeys(tokens, True)
    await until(lambda: esme.got)
    esme.take()
    await world.check_empty(hub, [carrier])
    await world.check_ends({message_id: DELIVERED})


@pytest.mark.parametrize("length", [5, 400])
async def test_a_repeated_receipt_is_not_answered_before_what_it_repeats(world: World, length: int) -> None:
    """Else a crash before that commit would leave the SMSC with nothing more to say."""
    hub = await world.hub()
    first, second = Carrier(hub).up(), Carrier(hub, size=0).up()
    message_id = await world.esme(hub).send(b"x" * length)
    await until(lambda: first.window)
    ids = first.take()
    await until(lambda: first.free == first.size)
    async with world.database.pool.acquire() as connection, connection.transaction():
        await connection.execute("LOCK message, part_receipt")
        tokens = first.receipts(ids)
        first.down()
        again = second.receipts(ids)
        for _ in range(20):
            await turn()
        assert second.acks == {}
    await world.until_state(message_id, DELIVERED)
    await until(lambda: second.acks == dict.fromkeys(again, True))
    assert first.acks == dict.fromkeys(tokens, True)
    await world.check_empty(hub)


@pytest.mark.parametrize(
    ("given", "told"),
    [("1A2B3C4D", "439041101"), ("439041101", "1a2b3c4d"), ("0000123456", "123456"), ("ABCD", "abcd")],
)
async def test_a_receipt_may_spell_its_id_in_another_way(world: World, given: str, told: str) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    message_id = await world.esme(hub).send()
    await until(lambda: carrier.window)
    carrier.take(ids=[given])
    token = carrier.receipt(told, source=phone())
    await world.until_state(message_id, DELIVERED)
    await until(lambda: carrier.acks == {token: True})
    await world.check_empty(hub, [carrier])


async def test_another_spelling_needs_the_same_number(world: World) -> None:
    hub = await world.hub(early_receipt_grace_s=0.1)
    carrier = Carrier(hub).up()
    message_id = await world.esme(hub).send()
    await until(lambda: carrier.window)
    carrier.take(ids=["1A2B3C4D"])
    token = carrier.receipt("439041101", source=phone(2))
    await until(lambda: carrier.acks == {token: True})
    assert await world.state(message_id) == MessageState.OPEN


async def test_an_intermediate_notification_goes_to_whoever_asked_for_it(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    esme = world.esme(hub).up()
    asked, silent = await esme.send(registered=0x11), await esme.send(registered=1)
    await until(lambda: len(carrier.window) == 2)
    ids = carrier.take()
    tokens = carrier.receipts(ids, None)
    await until(lambda: len(carrier.acks) == 2)
    assert carrier.acks == dict.fromkeys(tokens, True)
    await until(lambda: esme.got)
    assert [(d.message.id, d.kind) for d in esme.got] == [(asked, EsmeDeliveryKind.NOTIFICATION)]
    carrier.receipts(ids)
    await until(lambda: len(esme.got) == 3)
    assert set(esme.receipts()) == {(asked, DELIVERED), (silent, DELIVERED)}
    esme.take()
    await world.check_empty(hub, [carrier])


@pytest.mark.parametrize(
    ("registered", "state", "owed"),
    [(0, DELIVERED, 0), (0, FAILED, 0), (1, DELIVERED, 1), (1, FAILED, 1), (2, DELIVERED, 0), (2, FAILED, 1)],
)
async def test_registered_delivery_decides_what_the_esme_gets(
    world: World, registered: int, state: int, owed: int
) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    message_id = await world.esme(hub).send(registered=registered)
    await until(lambda: carrier.window)
    carrier.receipt(*carrier.take(), state)
    await world.until_state(message_id, state)
    assert await world.value("SELECT count(*) FROM esme_delivery") == owed
    await world.check_empty(hub, [carrier])


# Several parts -------------------------------------------------------------------------------------------------------


async def test_a_long_message_is_delivered_when_all_parts_are(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    message_id = await world.esme(hub).send(b"x" * 400)
    await until(lambda: len(carrier.window) == 3)
    assert [number for _, number, _ in carrier.sent] == [0, 1, 2]
    ids = carrier.take()
    await until(lambda: carrier.free == carrier.size)
    tokens = carrier.receipts(ids[:2])
    await until(lambda: len(carrier.acks) == 2)
    assert await world.state(message_id) == MessageState.OPEN
    tokens.append(carrier.receipt(ids[2]))
    await world.until_state(message_id, DELIVERED)
    await until(lambda: carrier.acks == dict.fromkeys(tokens, True))
    await world.check_empty(hub, [carrier])
    await world.check_ends({message_id: DELIVERED})


async def test_a_long_message_fails_with_its_first_failed_part(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    message_id = await world.esme(hub).send(b"x" * 400)
    await until(lambda: len(carrier.window) == 3)
    ids = carrier.take()
    carrier.receipt(ids[0])
    carrier.receipt(ids[2], FAILED, error="042")
    carrier.receipt(ids[1], EXPIRED)
    await until(lambda: len(carrier.acks) == 3)
    row = (await world.rows("SELECT state, error FROM message WHERE id = $1", message_id))[0]
    assert row["state"] in (FAILED, EXPIRED)
    await world.check_empty(hub, [carrier])
    assert await world.value("SELECT count(*) FROM esme_delivery") == 1


async def test_a_part_that_is_refused_stops_the_parts_after_it(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub, size=1).up()
    message_id = await world.esme(hub).send(b"x" * 400)
    await until(lambda: len(carrier.window) == 1)
    carrier.refuse(Verdict.REFUSED, error="ESME_RINVDSTADR")
    await world.until_state(message_id, REJECTED)
    assert len(carrier.sent) == 1
    await world.check_empty(hub, [carrier])


async def test_a_part_is_tried_again_by_itself(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    message_id = await world.esme(hub).send(b"x" * 400)
    await until(lambda: len(carrier.window) == 3)
    carrier.refuse(Verdict.TRY_LATER, parts_of(carrier)[1])
    await until(lambda: len(carrier.window) == 3)
    assert [number for _, number, _ in carrier.sent] == [0, 1, 2, 1]
    carrier.receipts(carrier.take())
    await world.until_state(message_id, DELIVERED)
    await world.check_empty(hub, [carrier])


async def test_a_repeated_receipt_of_a_part_does_not_count_twice(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    message_id = await world.esme(hub).send(b"x" * 200)
    await until(lambda: len(carrier.window) == 2)
    ids = carrier.take()
    carrier.receipts([ids[0], ids[0], ids[0]])
    await until(lambda: len(carrier.acks) == 3)
    assert await world.state(message_id) == MessageState.OPEN
    carrier.receipt(ids[1])
    await world.until_state(message_id, DELIVERED)
    await world.check_empty(hub, [carrier])


# Time ----------------------------------------------------------------------------------------------------------------


async def test_what_nobody_took_in_time_expires(world: World) -> None:
    hub = await world.hub()
    esme = world.esme(hub)
    ids = [await esme.send(valid_s=60), await esme.send(b"x" * 400, valid_s=60)]
    await world.until_waiting(2)
    world.pass_time(61)
    for message_id in ids:
        await world.until_state(message_id, EXPIRED)
    await world.check_empty(hub)
    await world.check_ends(dict.fromkeys(ids, EXPIRED))


async def test_what_waits_for_a_window_expires_too(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub, size=1).up()
    esme = world.esme(hub)
    first, second = await esme.send(valid_s=600), await esme.send(valid_s=60)
    await until(lambda: carrier.window)
    world.pass_time(61)
    carrier.receipts(carrier.take())
    await world.until_state(first, DELIVERED)
    await world.until_state(second, EXPIRED)
    await world.check_empty(hub, [carrier])


@pytest.mark.parametrize("length", [5, 400])
async def test_without_a_receipt_it_is_unknown_after_the_grace(world: World, length: int) -> None:
    hub = await world.hub(park_after_s=1, receipt_grace_s=100)
    carrier = Carrier(hub).up()
    message_id = await world.esme(hub).send(b"x" * length, valid_s=60)
    await until(lambda: carrier.window)
    carrier.take()
    await until(lambda: carrier.free == carrier.size)
    world.pass_time(2)
    await world.until_waiting(1, 3)
    await until(lambda: not hub.live)
    assert not hub.relay.awaiting
    world.pass_time(100)
    assert await world.state(message_id) == MessageState.OPEN
    world.pass_time(60)
    await world.until_state(message_id, UNKNOWN)
    await world.check_empty(hub, [carrier])
    await world.check_ends({message_id: UNKNOWN})


@pytest.mark.parametrize("length", [5, 400])
async def test_a_receipt_finds_a_parked_message(world: World, length: int) -> None:
    hub = await world.hub(park_after_s=1)
    carrier = Carrier(hub).up()
    message_id = await world.esme(hub).send(b"x" * length)
    await until(lambda: carrier.window)
    ids = carrier.take()
    await until(lambda: carrier.free == carrier.size)
    world.pass_time(2)
    await until(lambda: not hub.live)
    tokens = carrier.receipts(ids)
    await world.until_state(message_id, DELIVERED)
    await until(lambda: carrier.acks == dict.fromkeys(tokens, True))
    await world.check_empty(hub, [carrier])
    await world.check_ends({message_id: DELIVERED})


async def test_a_receipt_that_comes_while_its_message_is_parked_leaves_no_row_behind(world: World) -> None:
    hub = await world.hub(park_after_s=1)
    carrier = Carrier(hub, size=200).up()
    esme = world.esme(hub)
    for _ in range(100):
        esme.submit()
    await until(lambda: len(carrier.window) == 100)
    ids = carrier.take()
    await until(lambda: carrier.free == carrier.size)
    world.pass_time(2)
    await until(lambda: hub.pager._parking)
    carrier.receipts(ids)
    await until(lambda: len(carrier.acks) == 100)
    await world.check_empty(hub, [carrier])
    await world.check_ends(dict.fromkeys(esme.ids.values(), DELIVERED))


async def test_a_scheduled_message_waits_for_its_time(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    message_id = await world.esme(hub).send(scheduled_in_s=3_600)
    assert await world.waits() == {message_id: 0}
    assert not hub.live
    world.pass_time(3_601)
    await until(lambda: carrier.window)
    carrier.receipts(carrier.take())
    await world.until_state(message_id, DELIVERED)
    await world.check_empty(hub, [carrier])


# A link that is away -------------------------------------------------------------------------------------------------


async def test_what_came_while_no_link_was_up_goes_out_in_its_order(world: World) -> None:
    hub = await world.hub()
    esme = world.esme(hub)
    ids = [await esme.send(b"%d" % n) for n in range(30)]
    await world.until_waiting(30, 1)
    assert not hub.live
    carrier = Carrier(hub, size=7).up()
    while len(carrier.sent) < 30 or carrier.window:
        await until(lambda: carrier.window)
        carrier.receipts(carrier.take())
    assert [message_id for message_id, _, _ in carrier.sent] == ids
    await world.check_empty(hub, [carrier])
    await world.check_ends(dict.fromkeys(ids, DELIVERED))


@pytest.mark.parametrize("length", [5, 400])
async def test_a_lost_link_parks_what_was_ready_and_sends_it_when_it_is_back(world: World, length: int) -> None:
    hub = await world.hub()
    carrier = Carrier(hub, size=2).up()
    esme = world.esme(hub)
    ids = [await esme.send(b"x" * length) for _ in range(5)]
    await until(lambda: len(carrier.window) == 2)
    carrier.down()
    await world.until_waiting(5, 1)
    await until(lambda: not hub.live)
    carrier = Carrier(hub, prefix="t").up()
    count = 5 if length == 5 else 15
    await until(lambda: len(carrier.window) == count)
    carrier.receipts(carrier.take())
    for message_id in ids:
        await world.until_state(message_id, DELIVERED)
    await world.check_empty(hub, [carrier])


async def test_memory_is_bounded_and_the_rest_waits_in_the_database(world: World) -> None:
    hub = await world.hub(live=10, spill_after_s=0.01)
    carrier = Carrier(hub, size=5).up()
    esme = world.esme(hub)
    for n in range(100):
        esme.submit(b"%d" % n)
    await until(lambda: len(esme.ids) == 100)
    assert len(hub.live) <= 10
    most = 0
    while len(carrier.sent) < 100 or carrier.window:
        await until(lambda: carrier.window)
        most = max(most, len(hub.live) - len(hub.relay.awaiting))
        carrier.receipts(carrier.take())
    assert most <= 10
    await world.check_empty(hub, [carrier])
    await world.check_ends(dict.fromkeys(esme.ids.values(), DELIVERED))
