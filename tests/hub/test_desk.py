"""Cancel, replace and query, in each stage of a message's life."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hub_world import CODE, DELIVERED, FAILED, Carrier, World, phone, turn, until

from motet.domain.errors import ConflictError, DeniedError, DomainError, NotFoundError, UpstreamError
from motet.domain.states import MessageState
from motet.hub.desk import ReplaceRequest
from motet.hub.hub import Hub
from motet.hub.message import Extra
from motet.hub.ports import UpstreamAnswer, Verdict

OPEN = int(MessageState.OPEN)
CANCELLED = int(MessageState.CANCELLED)
NO = UpstreamAnswer(False, "ESME_RCANCELFAIL")


def new_text(payload: bytes, registered: int = 1, **more: int | None) -> ReplaceRequest:
    return ReplaceRequest(payload, registered, more.get("expires_at"), more.get("scheduled_at"))


async def replace(world: World, hub: Hub, message_id: int, payload: bytes, **more: int | None) -> None:
    await hub.requests.replace(world.workspace_id, world.account_id, message_id, "", new_text(payload, **more))


# Cancel --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [5, 400])
async def test_cancel_while_it_waits_for_a_link(world: World, length: int) -> None:
    hub = await world.hub()
    message_id = await world.esme(hub).send(b"x" * length)
    await world.until_waiting(1)
    await hub.cancel(world.workspace_id, message_id)
    assert await world.state(message_id) == CANCELLED
    carrier = Carrier(hub).up()
    await world.check_empty(hub, [carrier])
    await world.check_ends({message_id: CANCELLED})
    assert carrier.sent == []


async def test_cancel_before_its_time(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    message_id = await world.esme(hub).send(scheduled_in_s=3_600)
    await hub.cancel(world.workspace_id, message_id)
    await world.check_empty(hub, [carrier])
    await world.check_ends({message_id: CANCELLED})


@pytest.mark.parametrize("length", [5, 400])
async def test_cancel_in_the_ready_queue(world: World, length: int) -> None:
    hub = await world.hub()
    carrier = Carrier(hub, size=1).up()
    esme = world.esme(hub)
    first, second = await esme.send(), await esme.send(b"x" * length)
    await until(lambda: carrier.window)
    await hub.cancel(world.workspace_id, second)
    carrier.receipts(carrier.take())
    await world.until_state(first, DELIVERED)
    await world.check_empty(hub, [carrier])
    await world.check_ends({first: DELIVERED, second: CANCELLED})
    assert len(carrier.sent) == 1


async def test_cancel_waits_for_the_answer_of_a_message_in_the_window(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    message_id = await world.esme(hub).send()
    await until(lambda: carrier.window)
    cancel = asyncio.create_task(hub.cancel(world.workspace_id, message_id))
    for _ in range(5):
        await turn()
    assert not cancel.done()
    [smsc_id] = carrier.take()
    await cancel
    assert carrier.cancels == [smsc_id]
    await world.check_empty(hub, [carrier])
    await world.check_ends({message_id: CANCELLED})


@pytest.mark.parametrize("verdict", [Verdict.BUSY, Verdict.TRY_LATER])
async def test_cancel_wins_over_a_retry(world: World, verdict: Verdict) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    message_id = await world.esme(hub).send()
    await until(lambda: carrier.window)
    cancel = asyncio.create_task(hub.cancel(world.workspace_id, message_id))
    for _ in range(50):
        if carrier.window:
            carrier.refuse(verdict)
        await asyncio.wait([cancel], timeout=0.005)
        if cancel.done():
            break
    if not cancel.done():
        await until(lambda: carrier.window)
        carrier.take()
    await cancel
    await world.check_empty(hub, [carrier])
    await world.check_ends({message_id: CANCELLED})


@pytest.mark.parametrize("length", [5, 400])
async def test_cancel_upstream(world: World, length: int) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    message_id = await world.esme(hub).send(b"x" * length)
    await until(lambda: carrier.window)
    ids = carrier.take()
    await until(lambda: carrier.free == carrier.size)
    await hub.cancel(world.workspace_id, message_id)
    assert carrier.cancels == ids
    tokens = carrier.receipts(ids, CANCELLED)
    await until(lambda: carrier.acks == dict.fromkeys(tokens, True))
    await world.check_empty(hub, [carrier])
    await world.check_ends({message_id: CANCELLED})


async def test_cancel_of_a_parked_message_goes_upstream(world: World) -> None:
    hub = await world.hub(park_after_s=1)
    carrier = Carrier(hub).up()
    message_id = await world.esme(hub).send()
    await until(lambda: carrier.window)
    ids = carrier.take()
    await until(lambda: carrier.free == carrier.size)
    world.pass_time(2)
    await until(lambda: not hub.live)
    await hub.cancel(world.workspace_id, message_id)
    assert carrier.cancels == ids
    await world.check_empty(hub, [carrier])
    await world.check_ends({message_id: CANCELLED})


async def test_cancel_while_it_is_being_parked_still_goes_upstream(world: World) -> None:
    hub = await world.hub(park_after_s=1)
    carrier = Carrier(hub).up()
    message_id = await world.esme(hub).send()
    await until(lambda: carrier.window)
    ids = carrier.take()
    await until(lambda: carrier.free == carrier.size)
    world.pass_time(2)
    await until(lambda: hub.pager._parking)
    await hub.cancel(world.workspace_id, message_id)
    assert carrier.cancels == ids
    await world.check_empty(hub, [carrier])
    await world.check_ends({message_id: CANCELLED})


@pytest.mark.parametrize("length", [5, 400])
async def test_a_refused_cancel_changes_nothing(world: World, length: int) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    message_id = await world.esme(hub).send(b"x" * length)
    await until(lambda: carrier.window)
    ids = carrier.take()
    await until(lambda: carrier.free == carrier.size)
    carrier.answer = NO
    with pytest.raises(UpstreamError):
        await hub.cancel(world.workspace_id, message_id)
    assert await world.state(message_id) == OPEN
    carrier.receipts(ids)
    await world.until_state(message_id, DELIVERED)
    await world.check_empty(hub, [carrier])


async def test_no_cancel_while_the_link_that_has_it_is_down(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    message_id = await world.esme(hub).send()
    await until(lambda: carrier.window)
    ids = carrier.take()
    await until(lambda: carrier.free == carrier.size)
    carrier.down()
    with pytest.raises(UpstreamError):
        await hub.cancel(world.workspace_id, message_id)
    carrier = Carrier(hub).up()
    carrier.receipts(ids)
    await world.until_state(message_id, DELIVERED)
    await world.check_empty(hub, [carrier])


async def test_a_receipt_that_comes_during_a_cancel_wins(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    message_id = await world.esme(hub).send()
    await until(lambda: carrier.window)
    ids = carrier.take()
    carrier.hold_answers = asyncio.Event()
    cancel = asyncio.create_task(hub.cancel(world.workspace_id, message_id))
    await until(lambda: carrier.cancels)
    carrier.receipts(ids)
    carrier.answer = NO
    carrier.hold_answers.set()
    with pytest.raises(DeniedError):
        await cancel
    await world.check_empty(hub, [carrier])
    await world.check_ends({message_id: DELIVERED})


async def test_cancel_of_what_is_final_is_denied(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    message_id = await world.esme(hub).send()
    await until(lambda: carrier.window)
    carrier.receipts(carrier.take())
    await world.until_state(message_id, DELIVERED)
    with pytest.raises(DeniedError):
        await hub.cancel(world.workspace_id, message_id)
    await world.check_empty(hub, [carrier])


@pytest.mark.parametrize("waiting", [True, False])
async def test_another_workspace_cannot_cancel_nor_move_it(world: World, waiting: bool) -> None:
    hub = await world.hub()
    carrier = Carrier(hub, size=0 if waiting else 10)
    if not waiting:
        carrier.up()
    message_id = await world.esme(hub).send()
    for workspace_id in (world.other_workspace_id, 1):
        with pytest.raises(NotFoundError):
            await hub.cancel(workspace_id, message_id)
    if waiting:
        assert await world.waits() == {message_id: 1}
        carrier = Carrier(hub).up()
    await until(lambda: carrier.window)
    carrier.receipts(carrier.take())
    await world.until_state(message_id, DELIVERED)
    await world.check_empty(hub, [carrier])


class Allowance:
    """Says whether a cancel may be made, and notes what it met."""

    def __init__(self, *, given: bool = True) -> None:
        self.given = given
        self.open = False
        self.looks = 0

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[None]:
        self.looks += 1
        if not self.given:
            raise NotFoundError("No such message")
        self.open = True
        yield
        self.open = False


@pytest.mark.parametrize("upstream", [True, False])
async def test_a_cancel_that_is_not_allowed_changes_nothing(world: World, upstream: bool) -> None:
    hub = await world.hub()
    carrier = Carrier(hub)
    if upstream:
        carrier.up()
    message_id = await world.esme(hub).send()
    if upstream:
        await until(lambda: carrier.window)
        ids = carrier.take()
        await until(lambda: carrier.free == carrier.size)
    else:
        await world.until_waiting(1)
    with pytest.raises(NotFoundError):
        await hub.cancel(world.workspace_id, message_id, Allowance(given=False))
    assert carrier.cancels == []
    assert await world.state(message_id) == OPEN
    if not upstream:
        carrier.up()
        await until(lambda: carrier.window)
        ids = carrier.take()
    carrier.receipts(ids)
    await world.until_state(message_id, DELIVERED)
    await world.check_empty(hub, [carrier])


async def test_what_allows_a_cancel_is_held_until_it_is_stored(world: World) -> None:
    hub = await world.hub()
    message_id = await world.esme(hub).send()
    await world.until_waiting(1)
    left_at = []

    @asynccontextmanager
    async def allowed() -> AsyncIterator[None]:
        yield
        left_at.append(await world.state(message_id))

    await hub.cancel(world.workspace_id, message_id, allowed)
    assert left_at == [CANCELLED]


async def test_what_allows_a_cancel_is_not_held_while_upstream_is_asked(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    message_id = await world.esme(hub).send()
    await until(lambda: carrier.window)
    carrier.take()
    await until(lambda: carrier.free == carrier.size)
    carrier.hold_answers = asyncio.Event()
    allowance = Allowance()
    cancel = asyncio.create_task(hub.cancel(world.workspace_id, message_id, allowance))
    await until(lambda: carrier.cancels)
    assert (allowance.open, allowance.looks) == (False, 1)
    carrier.hold_answers.set()
    await cancel
    assert await world.state(message_id) == CANCELLED
    await world.check_empty(hub, [carrier])


async def test_cancel_by_two_at_once(world: World) -> None:
    hub = await world.hub()
    message_id = await world.esme(hub).send()
    results = await asyncio.gather(
        *(hub.cancel(world.workspace_id, message_id) for _ in range(4)), return_exceptions=True
    )
    assert None in results
    assert all(result is None or isinstance(result, DomainError) for result in results)
    await world.check_empty(hub)
    await world.check_ends({message_id: CANCELLED})


async def test_cancel_matching_takes_what_is_between_the_addresses(world: World) -> None:
    hub = await world.hub()
    esme = world.esme(hub)
    ours = [await esme.send(extra=Extra(service_type="A")), await esme.send(extra=Extra(service_type="B"))]
    others = [await esme.send(to=phone(2)), await esme.send(source="222")]
    requests = hub.requests
    await requests.cancel_matching(world.workspace_id, world.account_id, CODE, phone(), "A")
    assert await world.state(ours[0]) == CANCELLED
    assert await world.state(ours[1]) == OPEN
    await requests.cancel_matching(world.workspace_id, world.account_id, CODE, phone(), "")
    assert [await world.state(i) for i in ours + others] == [CANCELLED, CANCELLED, OPEN, OPEN]
    with pytest.raises(DomainError):
        await requests.cancel_matching(world.workspace_id, world.account_id, CODE, phone(), "")


@pytest.mark.parametrize(("source", "found"), [(CODE, True), ("", True), ("999", False)])
async def test_cancel_needs_the_source_or_none(world: World, source: str, found: bool) -> None:
    hub = await world.hub()
    message_id = await world.esme(hub).send()
    cancel = hub.requests.cancel_submission(world.workspace_id, world.account_id, message_id, source)
    if found:
        await cancel
    else:
        with pytest.raises(NotFoundError):
            await cancel
    assert await world.state(message_id) == (CANCELLED if found else OPEN)


async def test_another_account_finds_nothing(world: World) -> None:
    hub = await world.hub()
    message_id = await world.esme(hub).send()
    assert await hub.requests.query(world.workspace_id, world.account_id + 1, message_id, "") is None
    with pytest.raises(NotFoundError):
        await hub.requests.cancel_submission(world.workspace_id, world.account_id + 1, message_id, "")
    with pytest.raises(NotFoundError):
        await hub.requests.replace(world.workspace_id, world.account_id + 1, message_id, "", new_text(b"new"))


# Replace -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("old", [5, 400])
@pytest.mark.parametrize("new", [6, 300])
async def test_replace_while_it_waits_for_a_link(world: World, old: int, new: int) -> None:
    hub = await world.hub()
    message_id = await world.esme(hub).send(b"o" * old)
    await world.until_waiting(1)
    await replace(world, hub, message_id, b"n" * new)
    carrier = Carrier(hub).up()
    count = 1 if new == 6 else 2
    await until(lambda: len(carrier.window) == count)
    carrier.receipts(carrier.take())
    await world.until_state(message_id, DELIVERED)
    assert all(b"o" not in text for _, _, text in carrier.sent)
    row = (await world.rows("SELECT payload, part_count FROM message"))[0]
    assert (row["payload"], row["part_count"]) == (b"n" * new, count)
    await world.check_empty(hub, [carrier])
    await world.check_ends({message_id: DELIVERED})


@pytest.mark.parametrize("old", [5, 400])
@pytest.mark.parametrize("new", [6, 300])
async def test_replace_in_the_ready_queue_sends_only_the_new_text(world: World, old: int, new: int) -> None:
    hub = await world.hub()
    carrier = Carrier(hub, size=1).up()
    esme = world.esme(hub)
    first, second = await esme.send(b"first"), await esme.send(b"o" * old)
    await until(lambda: carrier.window)
    await replace(world, hub, second, b"n" * new)
    while await world.state(second) == OPEN:
        await until(lambda: carrier.window or not hub.live)
        carrier.receipts(carrier.take())
    texts = [text for message_id, _, text in carrier.sent if message_id == second]
    assert len(texts) == (1 if new == 6 else 2)
    assert all(b"o" not in text for text in texts)
    await world.check_empty(hub, [carrier])
    await world.check_ends({first: DELIVERED, second: DELIVERED})


async def test_replace_upstream(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    message_id = await world.esme(hub).send(b"old")
    await until(lambda: carrier.window)
    [smsc_id] = carrier.take()
    await replace(world, hub, message_id, b"new")
    assert carrier.replaces == [(smsc_id, b"new")]
    assert await world.value("SELECT payload FROM message") == b"new"
    carrier.receipt(smsc_id)
    await world.until_state(message_id, DELIVERED)
    await world.check_empty(hub, [carrier])


async def test_replace_upstream_keeps_the_header(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    udh = bytes.fromhex("06050415811581")
    message_id = await world.esme(hub).send(b"old", extra=Extra(udh=udh))
    await until(lambda: carrier.window)
    assert carrier.sent == [(message_id, 0, udh + b"old")]
    [smsc_id] = carrier.take()
    await replace(world, hub, message_id, b"new")
    assert carrier.replaces == [(smsc_id, udh + b"new")]


@pytest.mark.parametrize(("old", "new"), [(400, 5), (5, 400)])
async def test_several_parts_that_are_upstream_cannot_be_replaced(world: World, old: int, new: int) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    message_id = await world.esme(hub).send(b"o" * old)
    await until(lambda: carrier.window)
    ids = carrier.take()
    await until(lambda: carrier.free == carrier.size)
    with pytest.raises(UpstreamError):
        await replace(world, hub, message_id, b"n" * new)
    assert await world.value("SELECT payload FROM message") == b"o" * old
    carrier.receipts(ids)
    await world.until_state(message_id, DELIVERED)
    await world.check_empty(hub, [carrier])


async def test_a_replace_that_upstream_refuses_changes_nothing(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    message_id = await world.esme(hub).send(b"old")
    await until(lambda: carrier.window)
    ids = carrier.take()
    carrier.answer = NO
    with pytest.raises(UpstreamError):
        await replace(world, hub, message_id, b"new")
    assert await world.value("SELECT payload FROM message") == b"old"
    carrier.receipts(ids)
    await world.until_state(message_id, DELIVERED)
    await world.check_empty(hub, [carrier])


async def test_a_text_of_too_many_parts_leaves_the_message_on_its_way(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub, size=1).up()
    esme = world.esme(hub)
    first, second = await esme.send(), await esme.send(b"old")
    await until(lambda: carrier.window)
    with pytest.raises(DomainError):
        await replace(world, hub, second, b"x" * 50_000)
    for message_id in (first, second):
        await until(lambda: carrier.window)
        carrier.receipts(carrier.take())
        await world.until_state(message_id, DELIVERED)
    assert carrier.sent[1] == (second, 0, b"old")
    await world.check_empty(hub, [carrier])


async def test_replace_can_move_the_schedule(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    message_id = await world.esme(hub).send(b"old", scheduled_in_s=3_600)
    later = hub.now_us() + 7_200_000_000
    await replace(world, hub, message_id, b"new", scheduled_at=later, expires_at=later + 3_600_000_000)
    await world.until_waiting(1, 0)
    await until(lambda: not hub.live)
    world.pass_time(3_700)
    assert carrier.sent == []
    world.pass_time(3_600)
    await until(lambda: carrier.window)
    assert carrier.sent == [(message_id, 0, b"new")]


async def test_replace_newest_replaces_or_not(world: World) -> None:
    hub = await world.hub()
    esme = world.esme(hub)
    assert await hub.requests.replace_newest(esme.message(b"new"), "") is None
    older, newer = await esme.send(b"one"), await esme.send(b"two")
    assert await hub.requests.replace_newest(esme.message(b"new"), "") == newer
    assert await hub.requests.replace_newest(esme.message(b"\0a", data_coding=8), "") is None
    rows = {row["id"]: row["payload"] for row in await world.rows("SELECT id, payload FROM message")}
    assert rows == {older: b"one", newer: b"new"}


# Query ---------------------------------------------------------------------------------------------------------------


async def test_query_tells_the_state(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    message_id = await world.esme(hub).send()
    await until(lambda: carrier.window)
    query = hub.requests.query
    result = await query(world.workspace_id, world.account_id, message_id, "")
    assert result is not None
    assert (result.state, result.final_at) == (OPEN, None)
    [smsc_id] = carrier.take()
    carrier.receipt(smsc_id, FAILED, error="042")
    await world.until_state(message_id, FAILED)
    result = await query(world.workspace_id, world.account_id, message_id, CODE)
    assert result is not None
    assert (result.state, result.error) == (FAILED, "042")
    assert await query(world.workspace_id, world.account_id, message_id, "999") is None
    assert await query(world.workspace_id, world.account_id, 12_345, "") is None


# Several destinations ------------------------------------------------------------------------------------------------


async def test_one_submission_to_several_destinations(world: World) -> None:
    hub = await world.hub()
    carrier = Carrier(hub).up()
    esme = world.esme(hub).up()
    messages = [esme.message(to=to) for to in (phone(1), "99912345678", phone(2), phone(3))]
    found = await hub.numbers.load([m.destination for m in messages])
    hub.submit_together(messages, found)
    await until(lambda: len(esme.ids) == 3)
    assert len(set(esme.ids.values())) == 1
    [submission_id] = set(esme.ids.values())
    assert list(esme.refusals) == [messages[1].reply_token]
    await until(lambda: len(carrier.window) == 3)
    query = hub.requests.query
    ids = carrier.take()
    carrier.receipt(ids[0], FAILED)
    carrier.receipt(ids[1])
    await until(lambda: len(carrier.acks) == 2)
    for source, state in (("", OPEN), (CODE, OPEN), (phone(1), FAILED), (phone(2), DELIVERED), (phone(3), OPEN)):
        result = await query(world.workspace_id, world.account_id, submission_id, source)
        assert result is not None
        assert result.state == state
    carrier.receipt(ids[2], FAILED)
    await until(lambda: len(esme.got) == 3)
    result = await query(world.workspace_id, world.account_id, submission_id, "")
    assert result is not None
    assert result.state == DELIVERED
    assert sorted(esme.receipts()) == [(submission_id, DELIVERED), (submission_id, FAILED), (submission_id, FAILED)]
    esme.take()
    await world.check_empty(hub, [carrier])


async def test_cancel_of_a_submission_to_several_can_name_none_of_them(world: World) -> None:
    hub = await world.hub()
    esme = world.esme(hub)
    messages = [esme.message(to=phone(n)) for n in (1, 2, 3)]
    hub.submit_together(messages, await hub.numbers.load([m.destination for m in messages]))
    await until(lambda: len(esme.ids) == 3)
    submission_id = messages[0].submission_id
    with pytest.raises(ConflictError):
        await replace(world, hub, submission_id, b"new")
    await hub.requests.cancel_submission(world.workspace_id, world.account_id, submission_id, "")
    assert {row["state"] for row in await world.rows("SELECT state FROM message")} == {CANCELLED}
    await world.check_empty(hub)
