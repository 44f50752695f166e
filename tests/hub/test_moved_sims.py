"""What becomes of texts when a SIM moves to another workspace: each ends in the workspace that it began in."""

from __future__ import annotations

from hub_world import CODE, FAILED, Carrier, World, phone, until

from motet.domain.ids import IdGenerator
from motet.domain.states import MessageState
from motet.fleet.journal import Journal
from motet.fleet.orders import OrderQueue
from motet.fleet.sims.sim_move import SimMoveService
from motet.hub.hub import Hub


async def move(world: World, hub: Hub, msisdn: str) -> int:
    """The SIM of demo with this number goes to the workspace `other`."""
    sim_id = await world.database.pool.fetchval("SELECT id FROM sim WHERE msisdn = $1", msisdn)

    async def tell() -> None:
        hub.fleet_changed()

    ids = IdGenerator(9)
    moves = SimMoveService(world.database, ids, Journal(ids), OrderQueue(ids), on_change=tell)
    demo, other = world.workspace_id, world.other_workspace_id
    await moves.move(demo, other, "someone", [sim_id], dry_run=False, auto_detach=True)
    moved = await world.database.pool.fetchval("SELECT workspace_id FROM sim WHERE id = $1", sim_id)
    assert moved == other
    return other


async def test_a_text_that_waits_fails_where_it_was_accepted(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    moved = await world.esme(hub).send(scheduled_in_s=60, to=phone(1))
    stays = await world.esme(hub).send(scheduled_in_s=60, to=phone(2))
    other = await move(world, hub, phone(1))
    world.pass_time(61)
    await until(lambda: carrier.window)
    assert [unit.message.id for unit in carrier.window] == [stays]
    carrier.receipts(carrier.take())
    await until(lambda: not hub.live)
    rows = await world.rows("SELECT id, workspace_id, state, error FROM message ORDER BY id")
    demo = world.workspace_id
    assert [tuple(row) for row in rows] == [
        (moved, demo, FAILED, "SIM_MOVED"),
        (stays, demo, int(MessageState.DELIVERED), None),
    ]
    assert demo != other


async def test_parts_that_came_before_end_where_they_came_in(world: World) -> None:
    hub = await world.hub(mo_part_wait_s=600)
    carrier = Carrier(hub).up()
    carrier.mo(phone(1), CODE, b"one", (7, 2, 1))
    await until(lambda: len(carrier.acks) == 1)
    other = await move(world, hub, phone(1))
    world.pass_time(601)
    await hub.mobile.hand_on_overdue()
    await until(lambda: not hub.live)
    await hub.mo_lane.drained()
    (row,) = await world.rows("SELECT workspace_id, payload FROM message")
    assert (row["workspace_id"], row["payload"]) == (world.workspace_id, b"one")
    assert row["workspace_id"] != other


async def test_parts_from_both_sides_of_a_move_are_no_text(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    carrier.mo(phone(1), CODE, b"one", (7, 2, 1))
    await until(lambda: len(carrier.acks) == 1)
    other = await move(world, hub, phone(1))
    carrier.mo(phone(1), CODE, b"two", (7, 2, 2))
    await until(lambda: len(carrier.acks) == 2)
    rows = await world.rows("SELECT workspace_id, payload FROM message ORDER BY id")
    demo = world.workspace_id
    assert {(row["workspace_id"], row["payload"]) for row in rows} <= {(demo, b"one"), (other, b"two")}
    assert (demo, b"one") in {(row["workspace_id"], row["payload"]) for row in rows}
