"""Operations on eUICCs: what they do to profiles and to the SIM, in which order, and what silence leads to."""

from __future__ import annotations

import pytest
from cards import Cards, iccid, imsi, msisdn

from motet.domain.errors import ConflictError, DeniedError, InvalidError, LimitReachedError, NotFoundError
from motet.domain.euicc import OperationType
from motet.domain.network import Reply, ReplyState
from motet.fleet.cards.euicc import NewProfile
from motet.storage.database import Database

DOWNLOAD, ENABLE, DISABLE, DELETE, ROLLBACK, SET_FALLBACK = OperationType


async def downloaded(cards: Cards, space: object, sim_id: int, number: int) -> int:
    """A second profile on the card."""
    profile_id = await cards.profile(space, sim_id, number)
    operated = await cards.euiccs.operate(space.workspace_id, "someone", DOWNLOAD, profile_id=profile_id)
    await cards.confirm(operated.operation_id)
    return profile_id


async def test_a_profiles_life_gives_the_sim_its_numbers_and_takes_them(database: Database) -> None:
    cards = Cards(database)
    space = await cards.workspace()
    w = space.workspace_id
    sim_id = await cards.sim(space, 1, euicc=True)
    assert await cards.states(sim_id) == {iccid(1): "ENABLED"}
    new = await cards.profile(space, sim_id, 2)
    assert await cards.states(sim_id) == {iccid(1): "ENABLED", iccid(2): "available"}
    assert (await cards.reached(1), await cards.reached(2)) == (sim_id, None)
    with pytest.raises(DeniedError):
        await cards.euiccs.operate(w, "someone", ENABLE, profile_id=new)
    loading = await cards.euiccs.operate(w, "someone", DOWNLOAD, profile_id=new)
    assert [(e.iccid, e.before, e.after) for e in loading.effects] == [(iccid(2), "AVAILABLE", "DISABLED")]
    assert await cards.states(sim_id) == {iccid(1): "ENABLED", iccid(2): "downloading"}
    third = await cards.profile(space, sim_id, 3)
    with pytest.raises(ConflictError):  # one operation at a time
        await cards.euiccs.operate(w, "someone", DOWNLOAD, profile_id=third)
    await cards.confirm(loading.operation_id)
    await cards.euiccs.operate(w, "someone", DELETE, profile_id=third)  # never downloaded: gone at once
    dry = await cards.euiccs.operate(w, "someone", ENABLE, profile_id=new, dry_run=True)
    assert (dry.operation_id, [(e.iccid, e.after) for e in dry.effects]) == (
        None, [(iccid(1), "DISABLED"), (iccid(2), "ENABLED")],
    )  # fmt: skip
    assert await cards.states(sim_id) == {iccid(1): "ENABLED", iccid(2): "disabled", iccid(3): "deleted"}
    enabling = await cards.euiccs.operate(w, "someone", ENABLE, profile_id=new)
    assert (await cards.reached(1), await cards.reached(2)) == (sim_id, None), "not before the card has confirmed it"
    await cards.confirm(enabling.operation_id)
    assert await cards.states(sim_id) == {iccid(1): "DISABLED", iccid(2): "enabled", iccid(3): "deleted"}
    assert (await cards.reached(1), await cards.reached(2)) == (None, sim_id)
    shown = await cards.row("SELECT iccid, imsi, msisdn FROM sim WHERE id = $1", sim_id)
    assert tuple(shown) == (iccid(2), imsi(2), msisdn(2))
    with pytest.raises(DeniedError):
        await cards.euiccs.operate(w, "someone", DELETE, profile_id=new)
    back = await cards.euiccs.operate(w, "someone", ROLLBACK, euicc_id=sim_id)
    await cards.confirm(back.operation_id)
    assert await cards.reached(1) == sim_id
    gone = await cards.euiccs.operate(w, "someone", DELETE, profile_id=new)
    await cards.confirm(gone.operation_id)
    assert await cards.states(sim_id) == {iccid(1): "ENABLED", iccid(2): "deleted", iccid(3): "deleted"}
    assert await cards.sim(space, 2), "its numbers are free"
    assert (await cards.events(sim_id))[1:] == [
        "sim.profile_added", "sim.profile_added", "sim.profile_downloaded", "sim.profile_enabled",
        "sim.profile_rolled_back", "sim.profile_deleted",
    ]  # fmt: skip


async def test_what_is_refused_at_the_edge(database: Database) -> None:
    cards = Cards(database)
    space, other = await cards.workspace(), await cards.workspace("other")
    w = space.workspace_id
    sim_id, plain = await cards.sim(space, 1, euicc=True), await cards.sim(space, 2)
    for number in range(10, 19):
        await cards.profile(space, sim_id, number)
    with pytest.raises(LimitReachedError):
        await cards.profile(space, sim_id, 19)
    with pytest.raises(NotFoundError):
        await cards.profile(space, plain, 20)
    with pytest.raises(NotFoundError):
        await cards.profile(other, sim_id, 20)
    with pytest.raises(NotFoundError):
        await cards.euiccs.operate(other.workspace_id, "someone", DOWNLOAD, profile_id=sim_id)
    with pytest.raises(DeniedError):
        await cards.euiccs.operate(w, "someone", DELETE, profile_id=sim_id)
    with pytest.raises(DeniedError):
        await cards.euiccs.operate(w, "someone", ROLLBACK, euicc_id=sim_id)
    for wrong in ({"validity_s": 1}, {"rollback_after_s": 0}):
        with pytest.raises(InvalidError):
            await cards.euiccs.operate(w, "someone", DOWNLOAD, profile_id=sim_id, **wrong)
    second = await cards.sim(space, 30, euicc=True)
    for taken in ({"iccid": iccid(10)}, {"imsi": imsi(2)}, {"msisdn": msisdn(1)}):
        new = {"iccid": iccid(40), "imsi": imsi(40), "msisdn": msisdn(40), **taken}
        with pytest.raises(ConflictError) as raised:
            await cards.euiccs.add_profile(w, "someone", second, NewProfile(**new))
        assert raised.value.path == (next(iter(taken)),)
    assert await cards.profile(space, second, 40), "what was refused has claimed nothing"


async def test_what_fails_or_expires_changes_nothing_and_a_late_confirmation_is_believed(database: Database) -> None:
    cards = Cards(database)
    space = await cards.workspace()
    w = space.workspace_id
    sim_id = await cards.sim(space, 1, euicc=True)
    new = await cards.profile(space, sim_id, 2)
    failing = await cards.euiccs.operate(w, "someone", DOWNLOAD, profile_id=new)
    await cards.confirm(failing.operation_id, ok=False, reason="no room")
    assert await cards.states(sim_id) == {iccid(1): "ENABLED", iccid(2): "available"}
    slow = await cards.euiccs.operate(w, "someone", DOWNLOAD, profile_id=new, validity_s=60)
    cards.now += 59
    await cards.results.sweep(None)
    assert (await cards.states(sim_id))[iccid(2)] == "downloading"
    cards.now += 1
    await cards.results.sweep(None)
    assert (await cards.states(sim_id))[iccid(2)] == "available"
    await cards.confirm(slow.operation_id)
    assert (await cards.states(sim_id))[iccid(2)] == "disabled"
    for ok in (True, False):  # said again, and contradicted
        await cards.confirm(slow.operation_id, ok=ok)
        await cards.confirm(failing.operation_id, ok=ok)
    assert (await cards.states(sim_id))[iccid(2)] == "disabled"
    steps = await database.pool.fetch("SELECT state, words FROM euicc_operation_step ORDER BY id")
    assert [tuple(step) for step in steps] == [
        (0, None), (3, "no room"), (0, None), (4, "No result within the validity."), (2, None),
    ]  # fmt: skip
    assert (await cards.events(sim_id))[2:] == [
        "sim.euicc_operation_failed", "sim.euicc_operation_expired", "sim.profile_downloaded"
    ]  # fmt: skip


async def test_without_an_attach_in_time_the_profile_before_is_enabled_again(database: Database) -> None:
    cards = Cards(database)
    space = await cards.workspace()
    w = space.workspace_id
    sim_id = await cards.sim(space, 1, euicc=True)
    new = await downloaded(cards, space, sim_id, 2)
    enabling = await cards.euiccs.operate(w, "someone", ENABLE, profile_id=new, rollback_after_s=30)
    await cards.confirm(enabling.operation_id)
    cards.now += 29
    await cards.results.sweep(None)
    assert await cards.row("SELECT FROM euicc_operation WHERE type = $1", int(ROLLBACK)) is None
    cards.now += 1
    await cards.results.sweep(None)
    back = await cards.row(
        "SELECT id, origin_id, actor, profile_id FROM euicc_operation WHERE type = $1", int(ROLLBACK)
    )
    assert tuple(back)[1:] == (enabling.operation_id, None, sim_id)
    order = await cards.row("SELECT body FROM network_order ORDER BY id DESC LIMIT 1")
    assert (order["body"]["name"], order["body"]["iccid"]) == ("ROLLBACK", iccid(1))
    await cards.confirm(back["id"])
    assert await cards.reached(1) == sim_id
    cards.now += 1_000
    await cards.results.sweep(None)
    assert (await cards.states(sim_id)) == {iccid(1): "ENABLED", iccid(2): "disabled"}


async def test_an_attach_in_time_keeps_the_new_profile(database: Database) -> None:
    cards = Cards(database)
    space = await cards.workspace()
    sim_id = await cards.sim(space, 1, euicc=True)
    new = await downloaded(cards, space, sim_id, 2)
    enabling = await cards.euiccs.operate(space.workspace_id, "someone", ENABLE, profile_id=new, rollback_after_s=30)
    await cards.confirm(enabling.operation_id)
    async with database.pool.acquire() as connection:
        await cards.watch.attached(connection, space.workspace_id, sim_id, None, "DE", cards.euiccs.now())
    cards.now += 60
    await cards.results.sweep(None)
    assert (await cards.states(sim_id))[iccid(2)] == "enabled"


async def test_a_lost_confirmation_is_asked_for_again_by_the_same_number(database: Database) -> None:
    cards = Cards(database)
    space = await cards.workspace()
    sim_id = await cards.sim(space, 1, euicc=True)
    new = await cards.profile(space, sim_id, 2)
    operated = await cards.euiccs.operate(space.workspace_id, "someone", DOWNLOAD, profile_id=new)
    order = await cards.row("SELECT id, body FROM network_order")
    await cards.results.sent(order["id"])  # as the dispatcher tells
    state = "SELECT state FROM euicc_operation WHERE id = $1"
    assert (await cards.row(state, operated.operation_id))["state"] == 1
    cards.network.asked.clear()
    await cards.results.sweep(cards.network)
    assert cards.network.asked == [], "not at once"
    for reply in (None, Reply(ReplyState.ACCEPTED), Reply(ReplyState.DONE)):
        cards.now += 60
        cards.network.reply = reply
        await cards.results.sweep(cards.network)
    assert cards.network.asked == [order["id"]] * 3
    assert (await cards.states(sim_id))[iccid(2)] == "disabled"


async def test_disabling_falls_back_and_the_fallback_can_be_another(database: Database) -> None:
    cards = Cards(database)
    space = await cards.workspace()
    w = space.workspace_id
    sim_id = await cards.sim(space, 1, euicc=True)
    new = await downloaded(cards, space, sim_id, 2)
    with pytest.raises(DeniedError):
        await cards.euiccs.operate(w, "someone", DISABLE, profile_id=sim_id)
    for kind, profile_id in ((ENABLE, new), (DISABLE, new), (SET_FALLBACK, new)):
        operated = await cards.euiccs.operate(w, "someone", kind, profile_id=profile_id)
        await cards.confirm(operated.operation_id)
    assert await cards.states(sim_id) == {iccid(1): "enabled", iccid(2): "DISABLED"}
    assert await cards.reached(1) == sim_id
    assert cards.changed >= 1
