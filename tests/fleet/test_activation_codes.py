"""Activation codes as a phone uses them: once, in time, with the confirmation code, and by one phone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from cards import Cards, eid, iccid, imsi, msisdn

from motet.domain.activation_code import CodeStep
from motet.domain.errors import ConflictError, DeniedError, DomainError, InvalidError, NotFoundError
from motet.fleet.cards.activation_code import Issued, PhoneStep
from motet.storage.database import Database

SMDP = "smdp.example.com"
DOWNLOAD, INSTALL, ENABLE, DISABLE, DELETE, *_ = CodeStep


async def issued(cards: Cards, **how: Any) -> tuple[Any, int, Issued]:
    space = await cards.workspace()
    sim_id = await cards.sim(space, 1)
    return space, sim_id, await cards.codes.issue(space.workspace_id, "someone", sim_id, SMDP, matching_id="A1", **how)


async def tell(cards: Cards, told: PhoneStep) -> Any:
    async with cards.database.pool.acquire() as connection, connection.transaction():
        answer = await cards.codes.told(connection, told)
    if isinstance(answer, DomainError):
        raise answer
    return answer


async def phone(cards: Cards, step: CodeStep, *, number: int = 7, code: str | None = None) -> Any:
    return await tell(cards, PhoneStep(SMDP, "A1", step, eid(number), code))


async def test_a_phone_gets_the_profile_once_and_tells_what_it_does_with_it(database: Database) -> None:
    cards = Cards(database)
    space, sim_id, code = await issued(cards)
    with pytest.raises(ConflictError):  # one at a time
        await cards.codes.issue(space.workspace_id, "someone", sim_id, SMDP)
    assert await phone(cards, DOWNLOAD) == (iccid(1), imsi(1), msisdn(1))
    for number in (7, 8):
        with pytest.raises(DeniedError):
            await phone(cards, DOWNLOAD, number=number)
    with pytest.raises(DeniedError):
        await phone(cards, INSTALL, number=8)
    for step in (INSTALL, INSTALL, ENABLE, DISABLE, ENABLE, DELETE):
        await phone(cards, step)
    with pytest.raises(DeniedError):
        await phone(cards, ENABLE)
    steps = await database.pool.fetch("SELECT state, eid FROM activation_code_step ORDER BY id")
    assert [row["state"] for row in steps] == [0, 1, 2, 3, 2, 3, 4]
    assert {row["eid"] for row in steps[1:]} == {eid(7)}
    told = [kind.removeprefix("sim.activation_code_") for kind in (await cards.events(sim_id))[1:]]
    assert told == [
        "issued", "downloaded", "refused", "refused", "refused", "installed", "enabled", "installed", "enabled",
        "deleted", "refused",
    ]  # fmt: skip
    again = await cards.codes.issue(space.workspace_id, "someone", sim_id, SMDP)
    assert again.code_id != code.code_id, "what is deleted can be had again, by another code"


async def test_a_code_that_nobody_used_in_time_is_over(database: Database) -> None:
    cards = Cards(database)
    _, sim_id, code = await issued(cards)
    cards.now += timedelta(days=30).total_seconds() - 1
    await cards.codes.sweep()
    state = "SELECT state FROM activation_code WHERE id = $1"
    assert (await cards.row(state, code.code_id))["state"] == 0
    cards.now += 1
    with pytest.raises(DeniedError):  # the phone is quicker than the sweep
        await phone(cards, DOWNLOAD)
    assert (await cards.row(state, code.code_id))["state"] == 5
    await cards.codes.sweep()
    assert (await cards.events(sim_id)).count("sim.activation_code_expired") == 1


async def test_a_confirmation_code_is_asked_for_and_the_third_wrong_one_ends_the_code(database: Database) -> None:
    cards = Cards(database)
    _, _, code = await issued(cards, confirm=True)
    assert code.confirmation_code is not None
    assert len(code.confirmation_code) == 6
    wrong = "0000000"
    for typed in (None, wrong, wrong):
        with pytest.raises(DeniedError):
            await phone(cards, DOWNLOAD, code=typed)
    assert await phone(cards, DOWNLOAD, code=code.confirmation_code)
    space = await cards.row("SELECT workspace_id, sim_id FROM activation_code")
    await phone(cards, DELETE)
    await cards.codes.issue(
        space["workspace_id"], "someone", space["sim_id"], SMDP, matching_id="B2", confirm=True,
        confirmation_code="2468",
    )  # fmt: skip
    for typed in (wrong, wrong, wrong, "2468"):
        with pytest.raises(DeniedError):
            await tell(cards, PhoneStep(SMDP, "B2", DOWNLOAD, eid(7), typed))


async def test_what_is_refused_at_the_edge(database: Database) -> None:
    cards = Cards(database)
    space, sim_id, code = await issued(cards)
    other = await cards.workspace("other")
    now = cards.euiccs.now()
    for wrong in (
        {"smdp_address": "x"}, {"matching_id": "a"}, {"oid": "x"}, {"confirmation_code": "1234"},
        {"expires_at": now}, {"expires_at": now + timedelta(days=366)}, {"confirm": True, "confirmation_code": "1"},
    ):  # fmt: skip
        how: dict[str, Any] = {"smdp_address": SMDP, **wrong}
        with pytest.raises(InvalidError):
            await cards.codes.issue(space.workspace_id, "someone", sim_id, **how)
    with pytest.raises(NotFoundError):
        await cards.codes.issue(other.workspace_id, "someone", sim_id, SMDP)
    with pytest.raises(NotFoundError):
        await cards.codes.revoke(other.workspace_id, "someone", code.code_id)
    with pytest.raises(NotFoundError):
        await tell(cards, PhoneStep(SMDP, "NONE", DOWNLOAD, eid(7)))
    with pytest.raises(InvalidError):
        await tell(cards, PhoneStep(SMDP, "A1", DOWNLOAD, "1" * 32))
    await cards.codes.revoke(space.workspace_id, "someone", code.code_id)
    with pytest.raises(DeniedError):
        await phone(cards, DOWNLOAD)
