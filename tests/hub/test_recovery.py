"""kill -9 in each stage of a message's life, takeovers between nodes, and a database that goes away."""

import asyncio

import pytest
from hub_world import CODE, DELIVERED, FAILED, Carrier, World, phone, turn, until

from motet.domain.states import MessageState
from motet.hub.ports import Verdict

OPEN = int(MessageState.OPEN)

LENGTHS = pytest.mark.parametrize("length", [5, 400])


async def finish_all(world: World, carrier: Carrier, ids: list[int]) -> None:
    """Deliver whatever is sent until all of these are final."""
    async with asyncio.timeout(20):
        while any([await world.state(i) == OPEN for i in ids]):
            if carrier.window:
                carrier.receipts(carrier.take())
            await turn()


@LENGTHS
async def test_killed_before_it_was_sent(world: World, length: int) -> None:
    hub = await world.hub()
    carrier = Carrier(hub, size=0).up()
    ids = [await world.esme(hub).send(b"x" * length) for _ in range(3)]
    assert await world.waits() == {}
    await world.kill(hub)
    hub = await world.hub()
    assert await world.waits() == dict.fromkeys(ids, 1)
    assert hub.open_by_account == {world.account_id: 3}
    carrier = Carrier(hub).up()
    await finish_all(world, carrier, ids)
    await world.check_empty(hub, [carrier])
    await world.check_ends(dict.fromkeys(ids, DELIVERED))


@LENGTHS
async def test_killed_with_a_window_in_flight_at_most_the_window_goes_out_twice(world: World, length: int) -> None:
    hub = await world.hub()
    carrier = Carrier(hub, size=4).up()
    esme = world.esme(hub)
    ids = [await esme.send(b"x" * length) for _ in range(6)]
    await until(lambda: len(carrier.window) == 4)
    await world.kill(hub)
    hub = await world.hub()
    again = Carrier(hub, prefix="t").up()
    await finish_all(world, again, ids)
    twice = set(carrier.sent) & set(again.sent)
    assert len(twice) <= 4
    assert len(set(carrier.sent) | set(again.sent)) == (6 if length == 5 else 18)
    await world.check_empty(hub, [again])
    await world.check_ends(dict.fromkeys(ids, DELIVERED))


@LENGTHS
async def test_killed_while_receipts_are_outstanding_sends_nothing_again(world: World, length: int) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    message_id = await world.esme(hub).send(b"x" * length)
    await until(lambda: carrier.window)
    smsc_ids = carrier.take()
    await until(lambda: carrier.free == carrier.size)
    if length > 5:
        carrier.receipt(smsc_ids[0])
        await until(lambda: carrier.acks)
    await world.kill(hub)
    hub = await world.hub()
    assert await world.waits() == {message_id: 3}
    again = Carrier(hub).up()
    again.receipts(smsc_ids[1:] if length > 5 else smsc_ids)
    await world.until_state(message_id, DELIVERED)
    assert again.sent == []
    await world.check_empty(hub, [again])
    await world.check_ends({message_id: DELIVERED})


async def test_killed_with_some_parts_upstream_sends_the_others(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub, size=2).up()
    message_id = await world.esme(hub).send(b"x" * 400)
    await until(lambda: len(carrier.window) == 2)
    [smsc_id] = carrier.take(carrier.window[0])
    await world.until_rows("SELECT count(*) FROM submit", 1)
    await world.kill(hub)
    hub = await world.hub()
    assert await world.waits() == {message_id: 1}
    again = Carrier(hub, prefix="t").up()
    await until(lambda: len(again.window) == 2)
    assert [number for _, number, _ in again.sent] == [1, 2]
    first = {number: text for _, number, text in carrier.sent}
    assert {number: text for _, number, text in again.sent}[1] == first[1], "the same reference as before"
    again.receipts([smsc_id, *again.take()])
    await world.until_state(message_id, DELIVERED)
    await world.check_empty(hub, [again])


async def test_a_receipt_for_a_part_finds_a_message_whose_other_parts_wait(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub, size=1).up()
    message_id = await world.esme(hub).send(b"x" * 400)
    await until(lambda: carrier.window)
    [smsc_id] = carrier.take()
    await until(lambda: carrier.window)
    await world.kill(hub)
    hub = await world.hub(live=0)
    again = Carrier(hub, prefix="t").up()
    again.receipt(smsc_id)
    await until(lambda: again.acks)
    await until(lambda: len(again.window) == 2)
    again.receipts(again.take())
    await world.until_state(message_id, DELIVERED)
    await world.check_empty(hub, [again])


async def test_killed_between_response_and_commit_its_receipt_is_answered_after_the_grace(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    message_id = await world.esme(hub).send()
    await until(lambda: carrier.window)
    [lost_id] = carrier.take()
    await world.kill(hub)
    if await world.value("SELECT count(*) FROM submit"):
        pytest.skip("the commit was faster")
    hub = await world.hub(early_receipt_grace_s=0.1)
    again = Carrier(hub, prefix="t").up()
    token = again.receipt(lost_id)
    await until(lambda: again.acks == {token: True})
    await finish_all(world, again, [message_id])
    await world.check_empty(hub, [again])


async def test_killed_while_parked_scheduled_and_retrying(world: World) -> None:
    hub = await world.hub(park_after_s=1)
    carrier = Carrier(hub).up()
    esme = world.esme(hub)
    parked = await esme.send(b"parked")
    await until(lambda: carrier.window)
    [smsc_id] = carrier.take()
    await until(lambda: carrier.free == carrier.size)
    world.pass_time(2)
    await until(lambda: not hub.live)
    scheduled = await esme.send(b"scheduled", scheduled_in_s=1_000)
    retrying = await esme.send(b"retrying")
    await until(lambda: carrier.window)
    carrier.refuse(Verdict.TRY_LATER)
    await world.kill(hub)
    hub = await world.hub()
    assert set(await world.waits()) == {parked, scheduled, retrying}
    again = Carrier(hub, prefix="t").up()
    await finish_all(world, again, [retrying])
    again.receipt(smsc_id)
    await world.until_state(parked, DELIVERED)
    assert [text for _, _, text in again.sent] == [b"retrying"]
    world.pass_time(1_001)
    await finish_all(world, again, [scheduled])
    await world.check_empty(hub, [again])
    await world.check_ends(dict.fromkeys((parked, scheduled, retrying), DELIVERED))


async def test_killed_after_paging_in(world: World) -> None:
    """HELD rows: in `waiting`, though the dead hub had them in memory."""
    hub = await world.hub()
    esme = world.esme(hub)
    ids = [await esme.send() for _ in range(4)]
    await world.until_waiting(4)
    carrier = Carrier(hub, size=2).up()
    await until(lambda: len(carrier.window) == 2)
    smsc_ids = carrier.take(carrier.window[0])
    await world.until_rows("SELECT count(*) FROM submit", 1)
    assert set((await world.waits()).values()) == {4}
    await world.kill(hub)
    hub = await world.hub()
    assert sorted((await world.waits()).values()) == [1, 1, 1, 3]
    again = Carrier(hub, prefix="t").up()
    again.receipts(smsc_ids)
    await finish_all(world, again, ids)
    assert ids[0] not in [message_id for message_id, _, _ in again.sent]
    await world.check_empty(hub, [again])
    await world.check_ends(dict.fromkeys(ids, DELIVERED))


async def test_killed_with_receipts_owed(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    esme = world.esme(hub).up()
    ids = [await esme.send() for _ in range(5)]
    await finish_all(world, carrier, ids)
    await until(lambda: len(esme.window) == 5)
    hub.esme_answered(esme, esme.window[:2], [], [])
    await world.until_rows("SELECT count(*) FROM esme_answer", 2)
    await world.kill(hub)
    hub = await world.hub()
    esme = world.esme(hub).up()
    await until(lambda: len(esme.got) == 3)
    assert [i for i, _ in esme.receipts()] == ids[2:]
    esme.take()
    await world.check_empty(hub)


async def test_killed_many_times(world: World) -> None:
    hub = await world.hub()
    ids = [await world.esme(hub).send(b"%d" % n) for n in range(5)]
    for _ in range(3):
        await world.kill(hub)
        hub = await world.hub()
        carrier = Carrier(hub, size=2).up()
        await until(lambda c=carrier: len(c.window) == 2)
    await world.kill(hub)
    hub = await world.hub()
    carrier = Carrier(hub, prefix="z").up()
    await finish_all(world, carrier, ids)
    await world.check_empty(hub, [carrier])
    await world.check_ends(dict.fromkeys(ids, DELIVERED))


async def test_the_low_water_mark_never_passes_what_is_open_in_memory(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub, size=1).up()
    esme = world.esme(hub)
    ids = [await esme.send() for _ in range(3)]
    for message_id in ids:
        await until(lambda: carrier.window)
        smsc_ids = carrier.take()
        mark = hub.low_water()
        assert mark <= message_id
        carrier.receipts(smsc_ids)
        await world.until_state(message_id, DELIVERED)
    await until(lambda: not hub.live)
    assert hub.low_water() > ids[-1]


async def test_ids_never_go_back_when_the_clock_does(world: World) -> None:
    hub = await world.hub()
    ahead = hub.ids.last + (3_600_000 << 22)
    await world.database.pool.execute("UPDATE node SET last_id = $1", ahead)
    await world.kill(hub)
    hub = await world.hub()
    await world.kill(hub)
    hub = await world.hub()
    if hub.life.place.number == 0:
        assert hub.next_id() > ahead


# Two nodes -----------------------------------------------------------------------------------------------------------


async def test_a_living_node_takes_over_from_a_dead_one(world: World) -> None:
    first, second = await world.hub(), await world.hub()
    assert first.life.place.number != second.life.place.number
    one, two = Carrier(first, prefix="a").up(), Carrier(second, prefix="b").up()
    esme = world.esme(first)
    ids = [await esme.send(b"x" * 400) for _ in range(5)]
    await until(lambda: len(one.window) == 15)
    smsc_ids = one.take(*one.window[:3])
    await world.until_rows("SELECT count(*) FROM submit", 3)
    await world.kill(first)
    await finish_all(world, two, ids[1:])
    two.receipts(smsc_ids)
    await world.until_state(ids[0], DELIVERED)
    assert [number for i, number, _ in two.sent if i == ids[0]] == []
    await world.check_empty(second, [two])
    await world.check_ends(dict.fromkeys(ids, DELIVERED))


async def test_what_a_dead_node_owed_goes_to_the_account_bound_at_the_other(world: World) -> None:
    first, second = await world.hub(), await world.hub()
    carrier = Carrier(first).up()
    here, there = world.esme(first).up(), world.esme(second).up()
    await until(lambda: not any(b.reading for h in (first, second) for b in h.esmes.outboxes.values()))
    ids = [await here.send() for _ in range(5)]
    await finish_all(world, carrier, ids)
    await until(lambda: len(here.window) == 5)
    assert there.got == []
    await world.kill(first)
    await until(lambda: len(there.got) == 5)
    assert [i for i, _ in there.receipts()] == ids
    there.take()
    await world.check_empty(second)


async def test_a_node_that_was_succeeded_commits_nothing_more(world: World) -> None:
    first = await world.hub()
    assert first.life.place._connection is not None
    message_id = await world.esme(first).send()
    first.life.place._connection.terminate()
    first.life.place._connection = None
    first.life.place._connect = asyncio.Event().wait  # type: ignore[assignment]
    second = await world.hub()
    async with asyncio.timeout(20):
        while message_id not in await world.waits():
            await turn()
    world.esme(first).submit()
    await world.fenced(first)
    assert await world.value("SELECT count(*) FROM message") == 1
    carrier = Carrier(second).up()
    await finish_all(world, carrier, [message_id])


# A database that goes away -------------------------------------------------------------------------------------------


async def test_cut_connections_lose_and_double_nothing(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub, size=20).up()
    esme = world.esme(hub).up()
    count = 400
    lanes = (("accept",), ("submit",), ("final",), ("answer",), ("pager", "desk"))
    submitted = rounds = 0
    while len(esme.got) < count or hub.live:
        if submitted < count and submitted < len(esme.ids) + 40:
            submitted += 5
            for n in range(5):
                esme.submit(b"x" * (200 if n == 0 else 9))
        if carrier.window:
            carrier.receipts(carrier.take())
        if esme.window:
            esme.take()
        rounds += 1
        if rounds % 20 == 0 and rounds < 400:
            await world.cut_connections(*lanes[rounds // 20 % 5])
        await turn()
    esme.take()
    assert len(esme.ids) == count
    assert esme.refusals == {}
    assert sorted(esme.receipts()) == sorted((i, DELIVERED) for i in esme.ids.values())
    await world.check_empty(hub, [carrier])
    await world.check_ends(dict.fromkeys(esme.ids.values(), DELIVERED))
    assert len(carrier.sent) == len(set(carrier.sent)), "no connection of an SMSC was lost: nothing is sent twice"


async def test_everything_cut_at_once_and_again(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub, size=50).up()
    esme = world.esme(hub).up()
    for n in range(200):
        esme.submit(b"%d" % n)
        if n % 50 == 25:
            await world.cut_connections()
    while len(esme.got) < 200 or hub.live:
        if carrier.window:
            carrier.receipts(carrier.take(), FAILED)
        if esme.window:
            esme.take()
        await turn()
    esme.take()
    await world.check_empty(hub, [carrier])
    await world.check_ends(dict.fromkeys(esme.ids.values(), FAILED))


async def test_a_cut_while_paging_strands_nothing(world: World) -> None:
    hub = await world.hub(live=20)
    esme = world.esme(hub)
    for n in range(300):
        esme.submit(b"%d" % n)
    await until(lambda: len(esme.ids) == 300)
    await world.until_waiting(300)
    carrier = Carrier(hub, size=10).up()
    rounds = 0
    while hub.live or len(set(carrier.sent)) < 300:
        if carrier.window:
            carrier.receipts(carrier.take())
        rounds += 1
        if rounds % 10 == 0 and rounds < 300:
            await world.cut_connections("pager")
        await turn()
    await world.check_empty(hub, [carrier])
    await world.check_ends(dict.fromkeys(esme.ids.values(), DELIVERED))
    assert len(carrier.sent) == 300


async def test_an_mo_is_stored_once_when_its_lane_is_cut(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    esme = world.esme(hub).up()
    for n in range(100):
        carrier.mo(phone(), CODE, b"%d" % n)
        if n % 20 == 10:
            await world.cut_connections("mo")
    await until(lambda: len(carrier.acks) == 100)
    await until(lambda: len(esme.got) == 100)
    assert set(carrier.acks.values()) == {True}
    assert sorted(int(d.message.payload) for d in esme.got) == list(range(100))
    esme.take()
    await world.check_empty(hub, [carrier])
    assert await world.value("SELECT count(*) FROM message") == 100
