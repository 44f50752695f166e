"""MO: whose they are, where they go, parts joined once, and answered only when committed."""

from typing import Any

import pytest
from hub_world import CODE, DELIVERED, Carrier, World, phone, until

from motet.domain.states import MessageState

RECEIVED = int(MessageState.RECEIVED)
REJECTED = int(MessageState.REJECTED)


async def texts(world: World) -> list[tuple[bytes, int]]:
    """(payload, part_count) of every MO, in order."""
    rows = await world.rows("SELECT payload, part_count FROM message WHERE direction = 1 ORDER BY id")
    return [(row["payload"], row["part_count"]) for row in rows]


async def test_an_mo_from_an_unknown_number_is_answered_and_dropped(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    token = carrier.mo("99999999999", CODE, b"hi")
    await until(lambda: carrier.acks == {token: True})
    assert await world.value("SELECT count(*) FROM message") == 0
    assert hub.counters.mo_unknown_source == 1


async def test_an_mo_to_a_number_of_nobody_is_kept_for_webhooks(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    token = carrier.mo(phone(), "7654321", b"hi")
    await until(lambda: carrier.acks == {token: True})
    row = (await world.rows("SELECT state, kind, destination FROM message"))[0]
    assert tuple(row) == (RECEIVED, 0, "7654321")


async def test_another_workspaces_short_code_is_not_ours(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    esme = world.esme(hub).up()
    token = carrier.mo(phone(), "20200", b"hi")
    await until(lambda: carrier.acks == {token: True})
    assert esme.got == []
    assert await world.value("SELECT count(*) FROM esme_delivery") == 0


@pytest.mark.parametrize(
    "sql", ["UPDATE device SET status = 1", "UPDATE sim SET status = 3", "UPDATE sim SET device_id = NULL"]
)
async def test_an_mo_that_policy_refuses_is_stored_as_rejected(world: World, sql: str) -> None:
    hub = await world.hub()
    await world.database.pool.execute(sql)
    carrier = Carrier(hub).up()
    esme = world.esme(hub).up()
    token = carrier.mo(phone(), CODE, b"hi")
    await until(lambda: carrier.acks == {token: True})
    assert await world.value("SELECT state FROM message") == REJECTED
    assert await world.value("SELECT type FROM event") == "sms.mo_refused"
    assert await world.value("SELECT count(*) FROM outcome") == 1
    assert esme.got == []


async def test_p2p_is_an_mo_and_an_mt(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    token = carrier.mo(phone(1), phone(2), b"hi")
    await until(lambda: carrier.acks == {token: True})
    await until(lambda: carrier.window)
    rows = await world.rows("SELECT id, direction, kind, origin_id, state, destination FROM message ORDER BY direction")
    mt, mo = rows
    assert (mo["state"], mo["kind"]) == (RECEIVED, 1)
    assert (mt["origin_id"], mt["kind"], mt["destination"]) == (mo["id"], 1, phone(2))
    carrier.receipts(carrier.take())
    await world.until_state(mt["id"], DELIVERED)
    await world.check_empty(hub, [carrier])


async def test_p2p_to_another_workspace_is_refused(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    token = carrier.mo(phone(1), "99950000001", b"hi")
    await until(lambda: carrier.acks == {token: True})
    row = (await world.rows("SELECT state, error FROM message"))[0]
    assert tuple(row) == (REJECTED, "P2P_OUTSIDE_NOT_ALLOWED")


async def test_p2p_survives_a_kill_and_a_link_that_is_away(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub, size=0).up()
    token = carrier.mo(phone(1), phone(2), b"x" * 300)
    await until(lambda: carrier.acks == {token: True})
    await world.kill(hub)
    hub = await world.hub()
    carrier = Carrier(hub).up()
    await until(lambda: len(carrier.window) == 2)
    carrier.receipts(carrier.take())
    await until(lambda: len(carrier.acks) == 2)
    await world.check_empty(hub, [carrier])


# Parts ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1)])
async def test_parts_are_joined_in_their_order(world: World, order: tuple[int, ...]) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    esme = world.esme(hub).up()
    for count, number in enumerate(order, start=1):
        carrier.mo(phone(), CODE, b"part%d" % number, (7, 3, number))
        await until(lambda n=count: len(carrier.acks) == n)
    await until(lambda: esme.got)
    assert [d.message.payload for d in esme.got] == [b"part1part2part3"]
    assert await texts(world) == [(b"part1part2part3", 3)]
    assert await world.value("SELECT count(*) FROM mo_part") == 0


async def test_a_part_said_again_counts_once(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    for number in (1, 1, 1, 2):
        carrier.mo(phone(), CODE, b"part%d" % number, (7, 2, number))
    await until(lambda: len(carrier.acks) == 4)
    assert set(carrier.acks.values()) == {True}
    assert await texts(world) == [(b"part1part2", 2)]


async def test_references_of_8_and_16_bits_and_other_senders_do_not_meet(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    carrier.mo(phone(1), CODE, b"a1", (7, 2, 1))
    carrier.mo(phone(1), CODE, b"b1", (7 + 65_536, 2, 1))
    carrier.mo(phone(2), CODE, b"c1", (7, 2, 1))
    carrier.mo(phone(1), CODE, b"b2", (7 + 65_536, 2, 2))
    carrier.mo(phone(2), CODE, b"c2", (7, 2, 2))
    carrier.mo(phone(1), CODE, b"a2", (7, 2, 2))
    await until(lambda: len(carrier.acks) == 6)
    assert sorted(await texts(world)) == [(b"a1a2", 2), (b"b1b2", 2), (b"c1c2", 2)]


async def test_a_new_text_under_an_old_reference_pushes_the_old_parts_out(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    carrier.mo(phone(), CODE, b"old1", (7, 2, 1))
    carrier.mo(phone(), CODE, b"new1", (7, 2, 1))
    carrier.mo(phone(), CODE, b"new2", (7, 2, 2))
    await until(lambda: len(carrier.acks) == 3)
    assert await texts(world) == [(b"old1", 1), (b"new1new2", 2)]


async def test_parts_wait_through_a_kill(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    carrier.mo(phone(), CODE, b"one", (7, 2, 1))
    await until(lambda: carrier.acks)
    await world.kill(hub)
    hub = await world.hub()
    carrier = Carrier(hub).up()
    carrier.mo(phone(), CODE, b"two", (7, 2, 2))
    await until(lambda: carrier.acks)
    assert await texts(world) == [(b"onetwo", 2)]


async def test_an_incomplete_text_is_handed_on_after_the_wait(world: World) -> None:
    hub = await world.hub(mo_part_wait_s=600)
    carrier = Carrier(hub).up()
    esme = world.esme(hub).up()
    carrier.mo(phone(), CODE, b"three", (7, 3, 3))
    carrier.mo(phone(), CODE, b"one", (7, 3, 1))
    await until(lambda: len(carrier.acks) == 2)
    await hub.mobile.hand_on_overdue()
    assert await texts(world) == []
    world.pass_time(601)
    await hub.mobile.hand_on_overdue()
    await hub.mobile.hand_on_overdue()
    await until(lambda: esme.got)
    await hub.mo_lane.drained()
    assert await texts(world) == [(b"onethree", 2)]


async def test_over_the_bound_mo_are_asked_for_again(world: World) -> None:
    hub = await world.hub(mo_pending=3)
    carrier = Carrier(hub).up()
    tokens = [carrier.mo(phone(), CODE, b"%d" % n) for n in range(5)]
    await until(lambda: len(carrier.acks) == 5)
    assert [carrier.acks[token] for token in tokens] == [True] * 3 + [False] * 2


# Webhooks in the same transaction ------------------------------------------------------------------------------------


class Wanting:
    """An outbox whose one webhook wants everything, and may be gone from the database."""

    def __init__(self, webhook_id: int) -> None:
        self.webhook_id = webhook_id
        self.made = 0
        self.woken = 0

    def wants(self, workspace_id: int, event_type: str) -> bool:
        return True

    def rows_for(self, workspace_id: int, event_type: str, at_us: int, data: Any) -> list[tuple[Any, ...]]:
        self.made += 1
        return [(workspace_id, self.made, self.webhook_id, event_type, b"{}", at_us, at_us)]

    def wake(self) -> None:
        self.woken += 1


async def test_a_webhook_that_was_deleted_does_not_keep_a_message_from_its_end(world: World) -> None:
    hub = await world.hub()
    hub.outbox = Wanting(webhook_id=404)
    carrier = Carrier(hub).up()
    esme = world.esme(hub).up()
    ids = [await esme.send() for _ in range(5)]
    await until(lambda: len(carrier.window) == 5)
    tokens = carrier.receipts(carrier.take())
    for message_id in ids:
        await world.until_state(message_id, DELIVERED)
    await until(lambda: carrier.acks == dict.fromkeys(tokens, True))
    await until(lambda: len(esme.got) == 5)
    esme.take()
    await world.check_empty(hub, [carrier])
    await world.check_ends(dict.fromkeys(ids, DELIVERED))
