"""Receipts and MO on their way to ESMEs that are away, come back, refuse, or have many of them owed."""

from collections import Counter

import pytest
from hub_world import CODE, DELIVERED, Carrier, Esme, World, phone, turn, until

from motet.domain.states import EsmeDeliveryKind
from motet.hub.hub import Hub
from motet.storage import esme_delivery


async def deliver(hub: Hub, carrier: Carrier, esme: Esme, count: int) -> list[int]:
    """Send so many messages and have them all delivered; their ids."""
    before = dict(esme.ids)
    for _ in range(count):
        esme.submit()
    while len(esme.ids) < len(before) + count or hub.live or carrier.window:
        if carrier.window:
            carrier.receipts(carrier.take())
        await turn()
    return [i for token, i in esme.ids.items() if token not in before]


async def answer_all(esme: Esme, count: int) -> None:
    """Take whatever comes until so many came."""
    while len(esme.got) < count:
        await until(lambda: esme.window)
        esme.take()
    esme.take()


async def test_thousands_of_receipts_wait_for_an_esme_that_is_away(world: World) -> None:
    hub = await world.hub(outbox=600)
    carrier = Carrier(hub, size=2_000).up()
    esme = world.esme(hub, size=100)
    ids = await deliver(hub, carrier, esme, 1_800)
    assert hub.esmes.outboxes == {}
    esme.up()
    most = 0
    while len(esme.got) < 1_800:
        await until(lambda: esme.window)
        most = max(most, len(hub.esmes.outboxes[esme.account_id].open))
        esme.take()
    esme.take()
    assert esme.receipts() == [(i, DELIVERED) for i in ids]
    assert most <= 1_100
    await world.check_empty(hub, [carrier])
    await world.until_rows("SELECT count(*) FROM esme_answer", 1_800)


async def test_what_comes_while_the_backlog_is_read_comes_once(world: World) -> None:
    hub = await world.hub(outbox=600)
    carrier = Carrier(hub, size=2_000).up()
    esme = world.esme(hub, size=50)
    ids = await deliver(hub, carrier, esme, 700)
    esme.up()
    for _ in range(700):
        esme.submit()
    while len(esme.got) < 1_400 or hub.live or carrier.window:
        if carrier.window:
            carrier.receipts(carrier.take())
        if esme.window:
            esme.take()
        await turn()
    esme.take()
    assert Counter(i for i, _ in esme.receipts()) == Counter(esme.ids.values())
    assert [i for i, _ in esme.receipts()][:500] == ids[:500]
    await world.check_empty(hub, [carrier])


async def test_an_esme_that_binds_again_gets_what_it_did_not_answer(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    esme = world.esme(hub).up()
    ids = await deliver(hub, carrier, esme, 5)
    await until(lambda: len(esme.got) == 5)
    esme.hub.esme_answered(esme, [esme.window.pop(0)], [], [])
    await world.until_rows("SELECT count(*) FROM esme_answer", 1)
    esme.down()
    again = world.esme(hub).up()
    await until(lambda: len(again.got) == 4)
    assert [i for i, _ in again.receipts()] == ids[1:]
    again.take()
    await world.check_empty(hub, [carrier])


async def test_an_answer_that_is_being_committed_is_not_asked_for_again(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    esme = world.esme(hub).up()
    await deliver(hub, carrier, esme, 5)
    await until(lambda: len(esme.got) == 5)
    esme.take()
    esme.down()
    again = world.esme(hub).up()
    await until(lambda: not hub.answering)
    await until(lambda: not hub.esmes.outboxes[esme.account_id].reading)
    assert again.got == []


async def test_one_of_two_binds_takes_over_what_the_other_left(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    first, second = world.esme(hub, size=3).up(), world.esme(hub, size=3).up()
    await deliver(hub, carrier, first, 6)
    await until(lambda: len(first.window) + len(second.window) == 6)
    second.take()
    first.down()
    await until(lambda: len(second.window) == 3)
    second.take()
    assert len({d.id for d in second.got}) == 6
    await world.check_empty(hub, [carrier])


async def test_what_an_unbind_leaves_unanswered_goes_to_the_other_bind(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    first, second = world.esme(hub, size=3).up(), world.esme(hub, size=3).up()
    await deliver(hub, carrier, first, 6)
    await until(lambda: len(first.window) + len(second.window) == 6)
    second.take()
    hub.esme_down(first, [])
    first.down()
    await until(lambda: len(second.window) == 3)
    second.take()
    assert len({d.id for d in second.got}) == 6
    await world.check_empty(hub, [carrier])


async def test_not_now_is_asked_again_and_never_is_the_end(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    esme = world.esme(hub).up()
    await deliver(hub, carrier, esme, 2)
    await until(lambda: len(esme.window) == 2)
    for count in (4, 6, 8):
        esme.later()
        await until(lambda n=count: len(esme.got) == n)
    assert await world.value("SELECT count(*) FROM esme_answer") == 0
    esme.refuse()
    await world.check_empty(hub, [carrier])
    assert hub.counters.deliveries_refused == 2
    assert await world.value("SELECT count(*) FROM esme_answer") == 2
    assert esme.free == esme.size


async def test_a_receipt_is_kept_for_its_time_only(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    esme = world.esme(hub)
    await deliver(hub, carrier, esme, 3)
    world.pass_time(8 * 24 * 3_600)
    esme.up()
    await until(lambda: not hub.esmes.outboxes[esme.account_id].reading)
    assert esme.got == []


@pytest.mark.parametrize("when", ["before", "meanwhile"])
async def test_nothing_owed_is_passed_over_when_the_database_is_away(world: World, when: str) -> None:
    hub = await world.hub(outbox=600)
    carrier = Carrier(hub, size=2_000).up()
    esme = world.esme(hub, size=100)
    ids = await deliver(hub, carrier, esme, 1_200)
    await hub.requests.query(world.workspace_id, world.account_id, 1, "")  # the desk has its connection
    if when == "before":
        await world.cut_connections("desk")
    esme.up()
    while len(esme.got) < 1_200:
        await until(lambda: esme.window)
        if when == "meanwhile":
            await world.cut_connections("desk")
        esme.take()
    esme.take()
    assert sorted({i for i, _ in esme.receipts()}) == sorted(ids)
    await world.check_empty(hub, [carrier])
    world.pass_time(120)
    hub.esmes.note_cursors()
    assert await world.value("SELECT count(*) FROM esme_delivery") == 1_200


async def test_the_cursor_stays_before_what_is_owed(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    esme = world.esme(hub).up()
    await deliver(hub, carrier, esme, 3)
    await until(lambda: len(esme.window) == 3)
    owed = [d.id for d in esme.window]
    world.pass_time(600)
    await until(lambda: not hub.esmes.outboxes[esme.account_id].reading)
    assert hub.esmes.note_cursors() == {esme.account_id: owed[0] - 1}
    esme.take()
    await until(lambda: not hub.answering)
    assert hub.esmes.note_cursors()[esme.account_id] > owed[-1]
    await world.until_rows("SELECT count(*) FROM esme_cursor, esme_delivery WHERE answered_below > id", 3)


async def test_the_cursor_does_not_move_while_another_node_lives(world: World) -> None:
    first, second = await world.hub(), await world.hub()
    carrier = Carrier(first).up()
    here = world.esme(first).up()
    there = world.esme(second).up()
    await deliver(first, carrier, here, 3)
    await until(lambda: len(here.window) == 3)
    world.pass_time(600)
    async with world.database.pool.acquire() as connection:
        await esme_delivery.advance(connection, {there.account_id: second.ids.last})
    assert await world.value("SELECT count(*) FROM esme_cursor") == 0


async def test_an_mo_goes_to_the_accounts_bind_and_is_answered_after_the_commit(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    esme = world.esme(hub).up()
    token = carrier.mo(phone(), CODE, b"hi")
    assert carrier.acks == {}
    await until(lambda: esme.got)
    assert carrier.acks == {token: True}
    [delivery] = esme.got
    assert (delivery.kind, delivery.message.source, delivery.message.payload) == (
        EsmeDeliveryKind.MO,
        phone(),
        b"hi",
    )
    esme.take()
    await world.check_empty(hub, [carrier])
