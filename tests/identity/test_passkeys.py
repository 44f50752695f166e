"""Passkeys with an authenticator in software: what is taken, and all that is not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from motet.access.secrets import SecretBox
from motet.domain.errors import ConflictError, DeniedError, InvalidError, LimitReachedError
from motet.domain.ids import IdGenerator
from motet.identity.second_factor.ceremonies import CHALLENGE_S
from motet.identity.second_factor.passkeys import MAX_PASSKEYS, Passkeys
from motet.identity.second_factor.relying_party import RelyingParty
from motet.identity.tickets import Tickets
from motet.storage.database import Database
from people_world import Clock
from software_authenticator import PRESENT, SoftwareAuthenticator

ADA, BOB = 101, 102
SESSION = 7
TICKETS = Tickets(SecretBox(bytes(32)))
SITE = RelyingParty.of("http://localhost:8080")


class World:
    """Two nodes on one database, and two users."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = Clock()
        self.one, self.two = (Passkeys(database, TICKETS, IdGenerator(node), SITE, self.clock) for node in (1, 2))

    async def register(
        self, authenticator: SoftwareAuthenticator, user_id: int = ADA, session_id: int = SESSION, **changes: Any
    ) -> int:
        asked = await self.one.ask_to_register(user_id, SESSION, "ada@example.org", "Ada")
        answer = changes.get("answer") or authenticator.create(dict(asked.options))
        async with self.database.pool.acquire() as connection, connection.transaction():
            return await self.two.register(
                connection, user_id, session_id, changes.get("state", asked.state), answer, changes.get("name", "phone")
            )


@pytest_asyncio.fixture
async def world(database: Database) -> World:
    await database.pool.execute("INSERT INTO organisation (id, name) VALUES (1, 'operator')")
    for user_id, name in ((ADA, "ada"), (BOB, "bob")):
        await database.pool.execute(
            "INSERT INTO user_account (id, organisation_id, email, email_key) VALUES ($1, 1, $2, $2)",
            user_id, f"{name}@example.org",
        )  # fmt: skip
    return World(database)


async def test_a_key_is_registered_on_one_node_and_signs_in_on_the_other(world: World) -> None:
    key = SoftwareAuthenticator()
    passkey_id = await world.register(key)
    (stored,) = await world.one.of_user(ADA)
    assert (stored.id, stored.name, stored.transports, stored.last_used_at) == (passkey_id, "phone", ["internal"], None)
    asked = world.one.ask_to_sign_in()
    assert asked.options["userVerification"] == "required"
    assert not asked.options.get("allowCredentials")
    assert await world.two.sign_in(asked.state, key.get(dict(asked.options))) == ADA
    (stored,) = await world.one.of_user(ADA)
    assert stored.last_used_at is not None


async def test_options_ask_for_a_discoverable_verified_key_that_is_not_there_yet(world: World) -> None:
    await world.register(SoftwareAuthenticator())
    options = (await world.one.ask_to_register(ADA, SESSION, "ada@example.org", "Ada")).options
    assert options["rp"] == {"id": "localhost", "name": "Motet"}
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert len(options["excludeCredentials"]) == 1


async def test_a_challenge_is_good_once_even_on_two_nodes_at_the_same_time(world: World) -> None:
    key = SoftwareAuthenticator()
    await world.register(key)
    asked = world.one.ask_to_sign_in()
    answer = key.get(dict(asked.options))
    outcomes = await asyncio.gather(
        *(node.sign_in(asked.state, answer) for node in (world.one, world.two) * 3), return_exceptions=True
    )
    assert outcomes.count(ADA) == 1
    assert all(outcome == ADA or isinstance(outcome, InvalidError) for outcome in outcomes)


async def test_a_challenge_ends_after_five_minutes(world: World) -> None:
    key = SoftwareAuthenticator()
    await world.register(key)
    asked = world.one.ask_to_sign_in()
    answer = key.get(dict(asked.options))
    world.clock.forward(timedelta(seconds=CHALLENGE_S))
    with pytest.raises(InvalidError, match="over"):
        await world.one.sign_in(asked.state, answer)


async def test_a_counter_that_does_not_grow_is_a_copys(world: World) -> None:
    key = SoftwareAuthenticator()
    await world.register(key)
    asked = world.one.ask_to_sign_in()
    assert await world.one.sign_in(asked.state, key.get(dict(asked.options))) == ADA
    key.sign_count = 0
    asked = world.one.ask_to_sign_in()
    with pytest.raises(InvalidError):
        await world.one.sign_in(asked.state, key.get(dict(asked.options)))


async def test_two_answers_with_one_count_at_the_same_time_are_one(world: World) -> None:
    key = SoftwareAuthenticator()
    await world.register(key)
    first, second = world.one.ask_to_sign_in(), world.one.ask_to_sign_in()
    answers = [(first.state, key.get(dict(first.options)))]
    key.sign_count = 0
    answers.append((second.state, key.get(dict(second.options))))
    outcomes = await asyncio.gather(
        *(node.sign_in(*answer) for node, answer in zip((world.one, world.two), answers, strict=True)),
        return_exceptions=True,
    )
    assert outcomes.count(ADA) == 1


def another_origin(key: SoftwareAuthenticator) -> None:
    key.origin = "https://evil.example"


def another_site(key: SoftwareAuthenticator) -> None:
    key.rp_id = "evil.example"


def nobody_verified(key: SoftwareAuthenticator) -> None:
    key.flags = PRESENT


def another_users(key: SoftwareAuthenticator) -> None:
    key.user_handle = BOB.to_bytes(8, "big")


def unknown(key: SoftwareAuthenticator) -> None:
    key.credential_id = bytes(32)


def another_key(key: SoftwareAuthenticator) -> None:
    key.key = SoftwareAuthenticator().key


Spoil = Callable[[SoftwareAuthenticator], None]
SPOILT: list[Spoil] = [another_origin, another_site, nobody_verified, another_users, unknown, another_key]


async def test_a_wrong_answer_signs_nobody_in(world: World) -> None:
    for spoil in SPOILT:
        key = SoftwareAuthenticator()
        await world.register(key)
        used = await world.database.pool.fetchval("SELECT count(*) FROM used_challenge")
        asked = world.one.ask_to_sign_in()
        spoil(key)
        with pytest.raises(InvalidError) as caught:
            await world.one.sign_in(asked.state, key.get(dict(asked.options)))
        assert caught.value.message == "This passkey's answer is not valid here.", spoil
        assert await world.database.pool.fetchval("SELECT count(*) FROM used_challenge") == used


async def test_a_wrong_answer_registers_nothing(world: World) -> None:
    for spoil in SPOILT[:3]:
        key = SoftwareAuthenticator()
        spoil(key)
        with pytest.raises(InvalidError):
            await world.register(key)
    assert await world.one.of_user(ADA) == []


RUBBISH = [
    {}, {"id": 1}, {"id": "x", "rawId": "x", "type": "public-key", "response": {}}, {"response": None},
    {"id": "x", "rawId": "é", "type": "x", "response": {"clientDataJSON": "AA", "attestationObject": "AA"}},
    {"id": "AA", "rawId": "AA", "type": "public-key",
     "response": {"clientDataJSON": "e30", "authenticatorData": "AA", "signature": "AA", "attestationObject": "AA"}},
    {"x": "y" * 20_000}, [1], "text", None,
]  # fmt: skip


async def test_rubbish_is_refused_in_words(world: World) -> None:
    asked = world.one.ask_to_sign_in()
    for answer in RUBBISH:
        with pytest.raises(InvalidError):
            await world.one.sign_in(asked.state, answer)  # type: ignore[arg-type]
        if answer:
            with pytest.raises(InvalidError):
                await world.register(SoftwareAuthenticator(), answer=answer)


async def test_a_made_up_state_is_refused(world: World) -> None:
    for state in ("", "x", "é", "A" * 2_000, "AAAA"):
        with pytest.raises(InvalidError) as caught:
            await world.register(SoftwareAuthenticator(), state=state)
        assert caught.value.path == ("state",)


async def test_a_challenge_is_bound_to_its_session_purpose_and_user(world: World) -> None:
    key = SoftwareAuthenticator()
    with pytest.raises(InvalidError):
        await world.register(key, session_id=SESSION + 1)
    await world.register(key)
    second = await world.one.ask_for_second(ADA, "this sign-in")
    assert second is not None
    assert len(second.options["allowCredentials"]) == 1
    answer = key.get(dict(second.options))
    for user_id, bound_to in ((BOB, "this sign-in"), (ADA, "another")):
        with pytest.raises(InvalidError):
            await world.one.second(user_id, bound_to, second.state, answer)
    with pytest.raises(InvalidError):
        await world.one.sign_in(second.state, answer)
    await world.one.second(ADA, "this sign-in", second.state, answer)


async def test_another_users_key_is_no_second_factor(world: World) -> None:
    mine, bobs = SoftwareAuthenticator(), SoftwareAuthenticator()
    await world.register(mine)
    await world.register(bobs, BOB)
    second = await world.one.ask_for_second(ADA, "x")
    assert second is not None
    with pytest.raises(InvalidError):
        await world.one.second(ADA, "x", second.state, bobs.get(dict(second.options)))
    assert await world.one.ask_for_second(103, "x") is None


async def test_a_key_is_registered_once_for_whomever_and_twenty_are_enough(world: World) -> None:
    key = SoftwareAuthenticator()
    await world.register(key)
    with pytest.raises(ConflictError):
        await world.register(key, BOB)
    outcomes = await asyncio.gather(
        *(world.register(SoftwareAuthenticator()) for _ in range(MAX_PASSKEYS + 2)), return_exceptions=True
    )
    assert len(await world.one.of_user(ADA)) == MAX_PASSKEYS
    assert sum(isinstance(outcome, LimitReachedError) for outcome in outcomes) == 3


async def test_names_have_one_to_a_hundred_characters(world: World) -> None:
    for name in ("", " ", "x" * 101, "a\x00b"):
        with pytest.raises(InvalidError) as caught:
            await world.register(SoftwareAuthenticator(), name=name)
        assert caught.value.path == ("name",)


@pytest.mark.parametrize(
    ("url", "rp_id", "origin", "takes"),
    [
        ("https://motet.example", "motet.example", "https://motet.example", True),
        ("https://motet.example:443/", "motet.example", "https://motet.example", True),
        ("https://motet.example:8443", "motet.example", "https://motet.example:8443", True),
        ("http://localhost:8080", "localhost", "http://localhost:8080", True),
        ("http://motet.example", "motet.example", "http://motet.example", False),
        ("http://127.0.0.1:8080", "127.0.0.1", "http://127.0.0.1:8080", False),
        ("https://[::1]:8080", "::1", "https://[::1]:8080", False),
    ],
)
def test_the_site_is_that_of_the_public_url(url: str, rp_id: str, origin: str, takes: bool) -> None:
    site = RelyingParty.of(url)
    assert (site.id, site.origin, site.takes_passkeys) == (rp_id, origin, takes)


async def test_where_browsers_make_no_passkeys_that_is_said(database: Database) -> None:
    passkeys = Passkeys(database, TICKETS, IdGenerator(1), RelyingParty.of("http://127.0.0.1:8080"), Clock())
    with pytest.raises(DeniedError, match="https"):
        passkeys.ask_to_sign_in()
