"""SIMs with several IMSIs: who may have them, when another is used, and when never."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cards import Cards, imsi

from motet.domain.errors import ConflictError, DeniedError, InvalidError, NotFoundError
from motet.domain.network import OperatorOutage
from motet.fleet.cards.roaming_partner import NewTerm
from motet.storage.database import Database


async def attach(cards: Cards, space: Any, sim_id: int, used: str | None = None, country: str = "DE") -> bool:
    at = datetime.fromtimestamp(cards.now, UTC)
    async with cards.database.pool.acquire() as connection, connection.transaction():
        return await cards.watch.attached(connection, space.workspace_id, sim_id, used, country, at)


async def fail(cards: Cards, space: Any, sim_id: int) -> bool:
    async with cards.database.pool.acquire() as connection, connection.transaction():
        return await cards.watch.attach_failed(connection, space.workspace_id, sim_id, None)


async def used(cards: Cards, sim_id: int) -> str:
    row = await cards.row(
        "SELECT s.imsi, i.imsi AS active FROM sim s JOIN imsi i ON i.sim_id = s.id AND i.active WHERE s.id = $1", sim_id
    )
    assert row["imsi"] == row["active"]
    return str(row["imsi"])


async def out(cards: Cards, plmn: str) -> int:
    cards.out = [plmn]
    await cards.watch.changed(OperatorOutage(datetime.fromtimestamp(cards.now, UTC), plmn, True))
    return await cards.watch.work()


async def test_an_outage_moves_the_operators_sims_to_other_imsis_and_says_so(database: Database) -> None:
    cards = Cards(database)
    space, other = await cards.workspace(), await cards.workspace("other")
    sim_id, *_ = await cards.two_imsis(space, 1)
    theirs, *_ = await cards.two_imsis(other, 2)
    unconcerned = await cards.sim(space, 3)
    for owner, one in ((space, sim_id), (other, theirs), (space, unconcerned)):
        await attach(cards, owner, one)
    assert await out(cards, "00101") == 2
    assert [await used(cards, one) for one in (sim_id, theirs, unconcerned)] == [imsi(501), imsi(502), imsi(3)]
    assert (await cards.events(sim_id))[-1] == "sim.imsi_switched"
    event = await cards.row("SELECT data, source FROM event WHERE sim_id = $1 ORDER BY id DESC LIMIT 1", sim_id)
    told = event["data"]
    assert (told["old_imsi"], told["new_imsi"], told["reason"], told["country"], event["source"]) == (
        imsi(1), imsi(501), "OPERATOR_OUTAGE", "DE", 1,
    )  # fmt: skip
    assert told["explanation"] == f"Its operator 00101 is out. {imsi(501)} is the only one that can be used in DE."
    order = await cards.row("SELECT kind, body FROM network_order WHERE sim_id = $1", sim_id)
    assert tuple(order) == ("switch_imsi", {"imsi": imsi(501)})
    assert await out(cards, "00102") == 2, "and back, when the others are out"
    cards.out = ["00101"]
    await cards.watch.again()  # as after a restart: the outage is known, nobody tells of it
    assert (await cards.watch.work(), await used(cards, sim_id)) == (2, imsi(501))
    cards.out = ["00101", "00102"]
    await cards.watch.changed(OperatorOutage(datetime.now(UTC), "00101", True))
    assert await cards.watch.work() == 0, "nowhere to go"


async def test_a_visited_networks_outage_moves_only_those_without_another(database: Database) -> None:
    cards = Cards(database)
    space = await cards.workspace()
    sim_id, *_ = await cards.two_imsis(space, 1, networks=["26203"])
    await attach(cards, space, sim_id)
    assert await out(cards, "26201") == 0, "26202 works"
    cards.out = ["26201", "26202"]
    await cards.watch.changed(OperatorOutage(datetime.now(UTC), "26202", True))
    assert (await cards.watch.work(), await used(cards, sim_id)) == (1, imsi(501))


async def test_three_failures_to_attach_in_a_row_move_a_sim_and_when_none_is_left_all_are_tried_again(
    database: Database,
) -> None:
    cards = Cards(database)
    space = await cards.workspace()
    sim_id, *_ = await cards.two_imsis(space, 1)
    await attach(cards, space, sim_id)
    await fail(cards, space, sim_id)
    await fail(cards, space, sim_id)
    await attach(cards, space, sim_id)  # starts anew
    assert [await fail(cards, space, sim_id) for _ in range(3)] == [False, False, True]
    assert await used(cards, sim_id) == imsi(501)
    assert [await fail(cards, space, sim_id) for _ in range(3)] == [False, False, False]
    assert (await cards.events(sim_id))[-1] == "sim.imsi_exhausted"
    assert [await fail(cards, space, sim_id) for _ in range(3)] == [False, False, True]
    assert await used(cards, sim_id) == imsi(1)


async def test_an_imsi_leaves_when_its_days_are_over_and_is_never_chosen_there_again(database: Database) -> None:
    cards = Cards(database)
    space = await cards.workspace()
    sim_id, first, second = await cards.two_imsis(space, 1, permanent_roaming=False, max_stay_days=90)
    await attach(cards, space, sim_id)
    await cards.imsis.switch(space.workspace_id, "someone", sim_id, second)
    await attach(cards, space, sim_id)
    cards.now += timedelta(days=89).total_seconds()
    await attach(cards, space, sim_id)  # the same country: the stay goes on
    assert await cards.watch.stays() == 0
    cards.now += timedelta(days=1).total_seconds()
    assert (await cards.watch.stays(), await used(cards, sim_id)) == (1, imsi(1))
    assert (await cards.row("SELECT reason FROM imsi_switch ORDER BY id DESC LIMIT 1"))["reason"] == 3
    with pytest.raises(DeniedError) as raised:
        await cards.imsis.switch(space.workspace_id, "someone", sim_id, second)
    assert raised.value.message == "It has been there for 90 days; after 90 it is barred."
    assert await out(cards, "00101") == 0, "rather none than a barred one"
    assert first


async def test_the_card_may_choose_by_itself(database: Database) -> None:
    cards = Cards(database)
    space = await cards.workspace()
    sim_id, *_ = await cards.two_imsis(space, 1)
    assert not await attach(cards, space, sim_id, imsi(1))
    assert await attach(cards, space, sim_id, imsi(501))
    assert await used(cards, sim_id) == imsi(501)
    assert await cards.row("SELECT FROM network_order") is None, "nothing to order"
    assert not await attach(cards, space, sim_id, imsi(999)), "not one of its own"


async def test_a_question_changes_nothing_and_is_answered_for_ones_own_sims(database: Database) -> None:
    cards = Cards(database)
    space, other = await cards.workspace(), await cards.workspace("other")
    w = space.workspace_id
    sim_id, *_ = await cards.two_imsis(space, 1)
    answer = await cards.imsis.ask(w, sim_id, country="DE", outages=["00101"])
    assert answer is not None
    assert answer.selection.winner is not None
    assert (answer.selection.winner.imsi, answer.outages) == (imsi(501), ("00101",))
    assert await used(cards, sim_id) == imsi(1)
    assert await cards.imsis.ask(other.workspace_id, sim_id, country="DE") is None
    with pytest.raises(InvalidError):
        await cards.imsis.ask(w, sim_id)
    with pytest.raises(InvalidError):
        await cards.imsis.ask(w, sim_id, country="XX")
    with pytest.raises(InvalidError):
        await cards.imsis.ask(w, sim_id, country="DE", outages=["x"])
    partners = await database.pool.fetch("SELECT id FROM roaming_partner WHERE workspace_id = $1 ORDER BY id DESC", w)
    await cards.partners.prefer(w, "DE", [row["id"] for row in partners])
    answer = await cards.imsis.ask(w, sim_id, country="DE")
    assert answer is not None
    assert answer.selection.words == f"{imsi(501)} is before the others in your list for DE."
    await cards.partners.prefer(w, "DE", [])


async def test_who_may_have_which_imsi(database: Database) -> None:
    cards = Cards(database)
    space, other = await cards.workspace(), await cards.workspace("other")
    w = space.workspace_id
    sim_id, first, second = await cards.two_imsis(space, 1)
    theirs, *_ = await cards.two_imsis(other, 2)
    for taken in (imsi(1), imsi(501), imsi(2), imsi(502)):
        with pytest.raises(ConflictError):
            await cards.imsis.add(w, "someone", sim_id, taken)
    with pytest.raises(NotFoundError):
        await cards.imsis.add(w, "someone", theirs, imsi(77))
    with pytest.raises(NotFoundError):
        await cards.imsis.switch(other.workspace_id, "someone", theirs, second)
    with pytest.raises(NotFoundError):
        await cards.imsis.switch(w, "someone", sim_id, theirs)
    with pytest.raises(DeniedError):
        await cards.imsis.remove(w, "someone", first)
    with pytest.raises(DeniedError):
        await cards.partners.delete(w, (await cards.row("SELECT partner_id FROM imsi WHERE id = $1", second))[0])
    await cards.imsis.remove(w, "someone", second)
    assert await cards.imsis.add(other.workspace_id, "someone", theirs, imsi(501)), "it is free again"


@pytest.mark.parametrize(
    "wrong",
    [
        {"country": "XX"}, {"country": "de"}, {"networks": ["1"]}, {"rats": ["5G"]}, {"max_stay_days": 0},
        {"max_stay_days": 90, "permanent_roaming": True}, {"networks": ["26201"] * 41},
    ],
)  # fmt: skip
async def test_terms_that_cannot_be(database: Database, wrong: dict[str, Any]) -> None:
    cards = Cards(database)
    space = await cards.workspace()
    terms = {"country": "DE", "networks": ["26201"], "rats": ["LTE"], "permanent_roaming": False, **wrong}
    with pytest.raises(InvalidError) as raised:
        await cards.partners.create(space.workspace_id, "x", "26201", [NewTerm(**terms)])
    assert raised.value.path[:2] == ("terms", 0)
