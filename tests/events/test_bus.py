"""The event bus: who hears what, merging, and the end of a listener that falls behind."""

import asyncio

import pytest

from motet.events import bus as bus_module
from motet.events.bus import BATCH_LIMIT, Bus


async def test_only_listeners_of_the_workspace_hear() -> None:
    bus = Bus()
    mine, other = bus.listen(1), bus.listen(2)
    bus.publish(1, [10, 11])
    bus.publish(2, [20])
    assert await anext(mine) == [10, 11]
    assert await anext(other) == [20]


async def test_has_listeners_follows_listen_and_close() -> None:
    bus = Bus()
    assert not bus.has_listeners(1)
    first, second = bus.listen(1), bus.listen(1)
    assert bus.has_listeners(1)
    assert not bus.has_listeners(2)
    first.close()
    assert bus.has_listeners(1)
    second.close()
    second.close()
    assert not bus.has_listeners(1)


async def test_steps_of_one_message_that_were_not_taken_are_merged() -> None:
    bus = Bus()
    listener = bus.listen(1)
    bus.publish(1, [10])
    bus.publish(1, [11, 10])
    assert await anext(listener) == [10, 11]
    bus.publish(1, [10])
    assert await anext(listener) == [10]


async def test_a_waiting_listener_wakes_on_publish_and_on_close() -> None:
    bus = Bus()
    listener = bus.listen(1)
    waiting = asyncio.ensure_future(anext(listener))
    await asyncio.sleep(0)
    bus.publish(1, [7])
    assert await waiting == [7]
    ending = asyncio.ensure_future(anext(listener, None))
    await asyncio.sleep(0)
    bus.close()
    assert await ending is None


async def test_batches_are_bounded_and_in_order() -> None:
    bus = Bus()
    listener = bus.listen(1)
    ids = list(range(BATCH_LIMIT + 3))
    bus.publish(1, ids)
    assert await anext(listener) == ids[:BATCH_LIMIT]
    assert await anext(listener) == ids[BATCH_LIMIT:]


async def test_a_listener_that_falls_too_far_behind_is_ended_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bus_module, "PENDING_LIMIT", 5)
    bus = Bus()
    slow, healthy = bus.listen(1), bus.listen(1)
    bus.publish(1, range(4))
    assert await anext(healthy) == [0, 1, 2, 3]
    bus.publish(1, range(4, 7))
    assert slow.overflowed
    assert [batch async for batch in slow] == []
    assert not healthy.overflowed
    assert await anext(healthy) == [4, 5, 6]
    assert bus.has_listeners(1)


async def test_a_closed_bus_gives_listeners_that_end_at_once() -> None:
    bus = Bus()
    bus.close()
    assert [batch async for batch in bus.listen(1)] == []
    assert not bus.has_listeners(1)
