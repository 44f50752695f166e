"""Who asks, over two nodes of one database: what is remembered, and how fast it is forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from motet.access.api_keys import new_api_key, parse_api_key, version_of
from motet.access.principals import Permission, Principal, Role
from motet.access.tokens import AuthenticationError, TokenAuthority
from motet.domain.errors import NotFoundError
from motet.identity.api_keys import KeyChanges
from motet.identity.authenticator import WRONG_KEYS, Authenticator, WaitError
from motet.identity.login import SecondFactorNeeded
from motet.identity.oauth import OAuthError
from motet.identity.roles import RoleChanges
from motet.identity.signing_keys import SigningKeys, rotate
from motet.storage.revoked_token import add_revoked_token
from people_world import HERE, PASSWORD, People

WITHIN_S = 10.0
"""Patience for a busy machine; notices take milliseconds."""


class Other:
    """Another node: it hears of changes, and remembers."""

    def __init__(self, people: People, authenticator: Authenticator) -> None:
        self.people = people
        self.authenticator = authenticator

    async def knows(self, token: str, address: str | None = None) -> Principal:
        """Who it is, once the node has it from memory: a notice of before it listened may come right after, while
        transactions of other databases hold up PostgreSQL's queue, and has it forget once more."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                principal = await self.authenticator.authenticate(f"Bearer {token}", address)
                if await self.authenticator.authenticate(f"Bearer {token}", address) is principal:
                    return principal

    def watched(self, principal: Principal, address: str | None = None) -> asyncio.Future[str]:
        told: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.authenticator.watch(principal, told.set_result, address)
        return told

    async def accepts(self, token: str) -> Principal:
        """Who it is, once the node has heard of the key that signed."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                try:
                    return await self.authenticator.authenticate(f"Bearer {token}")
                except AuthenticationError:
                    await asyncio.sleep(0)

    async def refuses(self, token: str) -> str:
        """The words with which it refuses from now on; waits for that no longer than is promised."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                try:
                    await self.authenticator.authenticate(f"Bearer {token}")
                except AuthenticationError as error:
                    return str(error)
                await asyncio.sleep(0)


@asynccontextmanager
async def other_node(people: People) -> AsyncIterator[Other]:
    ground = people.ground
    authority = TokenAuthority([b"x" * 32])
    keys = SigningKeys(ground.database, ground.box, authority, clock=lambda: people.clock().timestamp())
    authenticator = Authenticator(ground.database, authority, keys, clock=lambda: people.clock().timestamp())
    listening = asyncio.create_task(authenticator.run())
    await asyncio.wait_for(authenticator.listening.wait(), 10)
    yield Other(people, authenticator)
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    await authenticator.close()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not true():  # noqa: ASYNC110 - what is waited for is in the database's hands
            await asyncio.sleep(0)


async def signing(people: People) -> TokenAuthority:
    """What the first node signs with, the keys being in the database."""
    ground = people.ground
    await SigningKeys(ground.database, ground.box, ground.authority, clock=lambda: people.clock().timestamp()).refresh()
    return ground.authority


async def signed_in(people: People) -> str:
    await signing(people)
    signed = await people.identity.login.with_password("anna@example.org", PASSWORD, HERE)
    assert not isinstance(signed, SecondFactorNeeded)
    return signed.access_token


async def administrator(people: People, ttl_s: int = 900) -> str:
    authority, demo = await signing(people), people.demo
    now = int(people.clock().timestamp())
    return authority.issue(
        "administrator@demo", now=now, ttl_s=ttl_s, workspace_id=demo.workspace_id, workspace="demo",
        role=Role.ADMINISTRATOR,
    )  # fmt: skip


async def key_of(people: People, **changes: object) -> tuple[int, str]:
    maker = await people.identity.authenticator.authenticate(f"Bearer {await administrator(people)}")
    given: KeyChanges = {"name": "a key", "scopes": ["sim:read", "sms:send"], **changes}  # type: ignore[typeddict-item]
    api_key_id, key = await people.identity.api_keys.create(people.demo.workspace_id, maker, given)
    return api_key_id, key.text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("UPDATE user_account SET status = 2", "the session has ended"),
        ("DELETE FROM membership", "the session has ended"),
        ("UPDATE login_session SET ended_at = now()", "the session has ended"),
        ("DELETE FROM user_account", "the session has ended"),
        ("UPDATE workspace SET suspended_at = now()", "the token is not valid"),
        ("UPDATE workspace SET ended_at = now()", "the token is not valid"),
        ("UPDATE organisation SET suspended_at = now()", "the token is not valid"),
    ],
)
async def test_what_a_person_stands_on_ends_on_every_node_within_a_second(
    people: People, change: str, words: str
) -> None:
    await people.user()
    token = await signed_in(people)
    async with other_node(people) as other:
        watched = other.watched(await other.knows(token))
        await people.ground.database.pool.execute(change)
        assert await asyncio.wait_for(watched, WITHIN_S) == words
        assert await other.refuses(token) == words


async def test_another_role_holds_on_every_node_within_a_second(people: People) -> None:
    await people.user()
    token = await signed_in(people)
    async with other_node(people) as other:
        principal = await other.knows(token)
        assert principal.allows(Permission.API_KEY_WRITE)
        watched = other.watched(principal)
        await people.ground.database.pool.execute("UPDATE membership SET role = 'OBSERVER'")
        assert await asyncio.wait_for(watched, WITHIN_S) == "the permissions have changed"
        assert not (await other.knows(token)).allows(Permission.API_KEY_WRITE)


async def test_a_key_is_a_principal_of_its_workspace_with_its_scopes(people: People) -> None:
    api_key_id, key = await key_of(people)
    principal = await people.identity.authenticator.authenticate(f"Bearer {key}")
    assert (principal.workspace, principal.api_key_id, principal.is_operator) == ("demo", api_key_id, False)
    assert principal.permissions == {Permission.SIM_READ, Permission.SMS_SEND}
    assert (principal.user_id, principal.session_id, principal.token_id) == (None, None, None)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("UPDATE api_key SET revoked_at = now()", "the API key was revoked"),
        ("UPDATE api_key SET expires_at = now() - interval '1 second'", "the API key has expired"),
        ("DELETE FROM api_key", "the API key is not valid"),
        ("UPDATE workspace SET suspended_at = now()", "the API key is not valid"),
        ("UPDATE workspace SET ended_at = now()", "the API key is not valid"),
        ("UPDATE organisation SET suspended_at = now()", "the API key is not valid"),
        ("UPDATE api_key SET networks = '{192.0.2.0/24}'", "this API key is not to be used from this address"),
        (
            "UPDATE api_key SET secret_hash = decode(repeat('00', 32), 'hex'), rotated_at = now() + interval '1 hour'",
            "the API key was replaced by another",
        ),
    ],
)
async def test_a_key_ends_on_every_node_within_a_second(people: People, change: str, words: str) -> None:
    _, key = await key_of(people)
    async with other_node(people) as other:
        watched = other.watched(await other.knows(key))
        await people.ground.database.pool.execute(change)
        assert await asyncio.wait_for(watched, WITHIN_S) == words
        await other.refuses(key)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE workspace SET suspended_at = now() WHERE id = $1",
        "UPDATE workspace SET ended_at = now() WHERE id = $1",
        "UPDATE api_key SET revoked_at = now() WHERE workspace_id = $1",
        "UPDATE api_key SET expires_at = now() - interval '1 second' WHERE workspace_id = $1",
    ],
)
async def test_a_right_key_that_is_good_for_nothing_holds_up_no_other_key_at_its_address(
    people: People, change: str
) -> None:
    _, key = await key_of(people)
    pool, authenticate = people.ground.database.pool, people.identity.authenticator.authenticate
    here, elsewhere = "192.0.2.7", await people.tenants.workspace("elsewhere")
    other = new_api_key()
    await pool.execute(
        "INSERT INTO api_key (workspace_id, id, prefix, secret_hash, created_at, created_by_name, name, role)"
        " VALUES ($1, 1, $2, $3, now(), 'x', 'x', 'USER')",
        elsewhere.workspace_id, other.prefix, other.hash,
    )  # fmt: skip
    await pool.execute(change, people.demo.workspace_id)
    for _ in range(WRONG_KEYS.free + 5):
        with pytest.raises(AuthenticationError, match=r"not valid|revoked|expired"):
            await authenticate(f"Bearer {key}", here)
    assert (await authenticate(f"Bearer {other.text}", here)).workspace == "elsewhere"
    guess = new_api_key(key.split("_")[1]).text
    for _ in range(WRONG_KEYS.free + 1):
        with pytest.raises(AuthenticationError, match="not valid"):
            await authenticate(f"Bearer {guess}", here)
    with pytest.raises(WaitError):
        await authenticate(f"Bearer {guess}", here)


async def role_of(people: People, permissions: list[str]) -> int:
    maker = await people.identity.authenticator.authenticate(f"Bearer {await administrator(people)}")
    changes: RoleChanges = {"name": "fitters", "permissions": permissions, "tags": ["van"]}
    return await people.identity.roles.create(people.demo.workspace_id, maker, changes)


async def shell_token(people: People, role_id: int) -> str:
    authority, demo, now = await signing(people), people.demo, int(people.clock().timestamp())
    return authority.issue(
        "custom@demo", now=now, ttl_s=900, workspace_id=demo.workspace_id, workspace="demo", role_id=role_id
    )


@pytest.mark.parametrize("kind", ["token", "key", "OAuth2 token", "member"])
async def test_a_role_of_the_workspaces_own_holds_as_it_is_on_every_node(people: People, kind: str) -> None:
    role_id, pool = await role_of(people, ["sim:read", "sms:send"]), people.ground.database.pool
    if kind == "token":
        token = await shell_token(people, role_id)
    elif kind == "member":
        await people.user()
        await pool.execute("UPDATE membership SET role = 'CUSTOM', role_id = $1", role_id)
        token = await signed_in(people)
    else:
        _, token = await key_of(people, role_id=role_id, scopes=None)
        if kind == "OAuth2 token":
            token = (await people.identity.oauth.exchange(parse_api_key(token), None, None)).access_token
    async with other_node(people) as other:
        principal = await other.knows(token)
        assert (principal.role_id, principal.role_name, principal.tags) == (role_id, "fitters", {"van"})
        assert principal.allows(Permission.SMS_SEND)
        watched = other.watched(principal)
        changed = "UPDATE custom_role SET permissions = '{sim:read}', tags = '{van,lyon}'"
        await pool.execute(changed)
        assert await asyncio.wait_for(watched, WITHIN_S) == "the permissions have changed"
        principal = await other.knows(token)
        assert (principal.allows(Permission.SMS_SEND), principal.tags) == (False, {"van", "lyon"})
        if kind == "member":
            return
        watched = other.watched(principal)
        maker = await people.identity.authenticator.authenticate(f"Bearer {await administrator(people)}")
        await people.identity.roles.delete(people.demo.workspace_id, maker, role_id)
        words = "the token's role was removed" if kind == "token" else "the API key was revoked"
        assert await asyncio.wait_for(watched, WITHIN_S) == words
        assert await other.refuses(token) == words


async def test_a_member_who_gets_a_built_in_role_is_bound_to_tags_no_more(people: People) -> None:
    role_id = await role_of(people, ["sim:read"])
    await people.user()
    token = await signed_in(people)
    pool = people.ground.database.pool
    await pool.execute("UPDATE membership SET role = 'CUSTOM', role_id = $1", role_id)
    async with other_node(people) as other:
        principal = await other.knows(token)
        assert principal.tags == {"van"}
        watched = other.watched(principal)
        await pool.execute("UPDATE membership SET role = 'OBSERVER', role_id = NULL")
        assert await asyncio.wait_for(watched, WITHIN_S) == "the permissions have changed"
        principal = await other.knows(token)
        assert (principal.role, principal.tags, principal.role_id) == (Role.OBSERVER, None, None)


CLOSED = [
    "UPDATE workspace SET suspended_at = now()",
    "UPDATE workspace SET ended_at = now()",
    "UPDATE organisation SET suspended_at = now()",
]


@pytest.mark.parametrize("change", CLOSED)
async def test_what_closes_a_workspace_ends_its_tokens_on_every_node(people: People, change: str) -> None:
    _, key = await key_of(people)
    exchanged = (await people.identity.oauth.exchange(parse_api_key(key), None, None)).access_token
    shell, custom = await administrator(people), await shell_token(people, await role_of(people, ["sim:read"]))
    async with other_node(people) as other:
        tokens = [exchanged, shell, custom]
        watched = [other.watched(await other.knows(token)) for token in tokens]
        await people.ground.database.pool.execute(change)
        for token, told in zip(tokens, watched, strict=True):
            assert "is not valid" in await asyncio.wait_for(told, WITHIN_S)
            assert "is not valid" in await other.refuses(token)
        with pytest.raises(OAuthError):
            await people.identity.oauth.exchange(parse_api_key(key), None, None)
        if "suspended_at" in change:
            await people.ground.database.pool.execute(change.replace("now()", "NULL"))
            for token in (*tokens, key):
                await other.accepts(token)


async def test_people_of_a_suspended_workspace_come_back_with_their_sessions(people: People) -> None:
    await people.user()
    await signing(people)
    signed = await people.identity.login.with_password("anna@example.org", PASSWORD, HERE)
    assert not isinstance(signed, SecondFactorNeeded)
    pool = people.ground.database.pool
    for change in ("UPDATE workspace SET suspended_at = {}", "UPDATE organisation SET suspended_at = {}"):
        await pool.execute(change.format("now()"))
        with pytest.raises(AuthenticationError):
            await people.identity.sessions.refresh(signed.refresh_token, HERE)
        with pytest.raises(NotFoundError):
            await people.identity.login.with_password("anna@example.org", PASSWORD, HERE)
        await pool.execute(change.format("NULL"))
        signed = await people.identity.sessions.refresh(signed.refresh_token, HERE)
        assert (await people.identity.authenticator.authenticate(f"Bearer {signed.access_token}")).workspace == "demo"


async def test_fewer_scopes_hold_within_a_second_and_more_end_no_connection(people: People) -> None:
    _, key = await key_of(people)
    async with other_node(people) as other:
        principal = await other.knows(key)
        watched, heard = other.watched(principal), other.authenticator._changes
        await people.ground.database.pool.execute("UPDATE api_key SET scopes = '{sim:read,sms:send,device:read}'")
        await until(lambda: other.authenticator._changes == heard + 1)
        assert (await other.knows(key)).allows(Permission.DEVICE_READ)
        assert not watched.done()
        await people.ground.database.pool.execute("UPDATE api_key SET scopes = '{sim:read}'")
        assert await asyncio.wait_for(watched, WITHIN_S) == "the permissions have changed"


async def test_a_rotated_keys_former_secret_is_good_for_the_overlap(people: People) -> None:
    api_key_id, first = await key_of(people)
    identity, workspace_id = people.identity, people.demo.workspace_id
    authenticate = identity.authenticator.authenticate
    maker = await authenticate(f"Bearer {await administrator(people)}")
    overlap = timedelta(hours=2)
    second = (await identity.api_keys.rotate(workspace_id, maker, api_key_id, overlap)).text
    assert second.split("_")[1] == first.split("_")[1]
    assert (await authenticate(f"Bearer {second}")).api_key_id == api_key_id
    former = await authenticate(f"Bearer {first}")
    assert former.expires_at == int((people.clock() + overlap).timestamp())
    people.clock.forward(overlap)
    with pytest.raises(AuthenticationError, match="replaced"):
        await authenticate(f"Bearer {first}")
    assert await authenticate(f"Bearer {second}")
    maker = await authenticate(f"Bearer {await administrator(people)}")
    third = (await identity.api_keys.rotate(workspace_id, maker, api_key_id, timedelta(0))).text
    with pytest.raises(AuthenticationError, match="not valid"):
        await authenticate(f"Bearer {second}")
    assert await authenticate(f"Bearer {third}")


@pytest.mark.parametrize(
    ("networks", "address", "admitted"),
    [
        (["192.0.2.0/24"], "192.0.2.7", True),
        (["192.0.2.0/24"], "::ffff:192.0.2.7", True),
        (["192.0.2.0/24"], "192.0.3.7", False),
        (["192.0.2.0/24", "2001:db8::/32"], "2001:db8::9", True),
        (["2001:db8::/32"], "192.0.2.7", False),
        (["fe80::/10"], "fe80::1%eth0", True),
        (["192.0.2.0/24"], None, False),
        (["192.0.2.0/24"], "somewhere", False),
        ([], None, True),
    ],
)
async def test_a_key_with_networks_is_used_from_there_alone(
    people: People, networks: list[str], address: str | None, admitted: bool
) -> None:
    _, key = await key_of(people, networks=networks)
    async with other_node(people) as other:
        for _ in range(2):
            if admitted:
                assert await other.authenticator.authenticate(f"Bearer {key}", address)
            else:
                with pytest.raises(AuthenticationError, match="from this address"):
                    await other.authenticator.authenticate(f"Bearer {key}", address)


async def test_a_key_that_is_known_is_still_refused_from_elsewhere(people: People) -> None:
    _, key = await key_of(people, networks=["192.0.2.0/24"])
    async with other_node(people) as other:
        assert await other.knows(key, "192.0.2.7")
        with pytest.raises(AuthenticationError, match="from this address"):
            await other.authenticator.authenticate(f"Bearer {key}", "203.0.113.1")


async def test_a_mistyped_and_a_made_up_key_are_told_apart(people: People) -> None:
    _, key = await key_of(people)
    authenticate = people.identity.authenticator.authenticate
    for wrong, words in (
        (key[:-1], "not whole"),
        (key[:-1] + ("A" if key[-1] != "A" else "B"), "mistyped"),
        (new_api_key().text, "not valid"),
        (new_api_key(key.split("_")[1]).text, "not valid"),
    ):
        with pytest.raises(AuthenticationError, match=words):
            await authenticate(f"Bearer {wrong}")


async def test_a_token_of_a_key_may_what_is_left_of_both_and_ends_with_it(people: People) -> None:
    api_key_id, _ = await key_of(people)
    authority = await signing(people)
    record = await people.ground.database.pool.fetchrow("SELECT prefix, secret_hash FROM api_key")
    token = authority.issue_to_key(
        "api-key:x", api_key_id, record["prefix"], version_of(record["secret_hash"]), frozenset({"sim:read"}),
        now=int(people.clock().timestamp()),
    )  # fmt: skip
    async with other_node(people) as other:
        principal = await other.knows(token)
        assert (principal.permissions, principal.workspace) == ({Permission.SIM_READ}, "demo")
        watched = other.watched(principal)
        await people.identity.api_keys.revoke(people.demo.workspace_id, api_key_id)
        assert await asyncio.wait_for(watched, WITHIN_S) == "the API key was revoked"
        assert await other.refuses(token) == "the API key was revoked"


async def test_a_token_of_a_replaced_secret_ends_with_it(people: People) -> None:
    api_key_id, _ = await key_of(people)
    authority = await signing(people)
    stored = await people.ground.database.pool.fetchval("SELECT secret_hash FROM api_key")
    token = authority.issue_to_key("x", api_key_id, "x", version_of(stored), None, now=int(people.clock().timestamp()))
    authenticate = people.identity.authenticator.authenticate
    maker = await authenticate(f"Bearer {await administrator(people)}")
    assert await authenticate(f"Bearer {token}")
    await people.identity.api_keys.rotate(people.demo.workspace_id, maker, api_key_id, timedelta(0))
    with pytest.raises(AuthenticationError):
        await authenticate(f"Bearer {token}")


async def test_a_single_token_is_taken_back_on_every_node_within_a_second(people: People) -> None:
    token, kept = await administrator(people), await administrator(people)
    async with other_node(people) as other:
        principal = await other.knows(token)
        watched, stays = other.watched(principal), other.watched(await other.knows(kept))
        async with people.ground.database.pool.acquire() as connection:
            for workspace_id in (people.other.workspace_id, people.demo.workspace_id):
                await connection.execute("DELETE FROM revoked_token")
                await add_revoked_token(
                    connection, principal.token_id or "", workspace_id, datetime.now(UTC),
                    datetime.fromtimestamp(principal.expires_at, UTC), limit=10,
                )  # fmt: skip
        assert await asyncio.wait_for(watched, WITHIN_S) == "the token was revoked"
        assert await other.refuses(token) == "the token was revoked"
        assert (await other.knows(kept)).token_id != principal.token_id
        assert not stays.done()


async def test_a_new_signing_key_is_taken_over_and_ended_ones_end_their_tokens(people: People) -> None:
    token = await administrator(people)
    _, key = await key_of(people)
    async with other_node(people) as other:
        watched, by_key = other.watched(await other.knows(token)), other.watched(await other.knows(key))
        ground = people.ground
        async with ground.database.pool.acquire() as connection:
            assert await rotate(connection, ground.box, people.clock())
        assert await other.accepts(await administrator(people))
        assert await other.knows(token)
        async with ground.database.pool.acquire() as connection:
            assert await rotate(connection, ground.box, people.clock(), end_others=True)
        assert await asyncio.wait_for(watched, WITHIN_S) == "all tokens were ended"
        assert await other.refuses(token) == "the token is not valid"
        assert await other.accepts(await administrator(people))
        assert not by_key.done()


async def test_nothing_is_remembered_while_changes_are_not_heard(people: People) -> None:
    token = await administrator(people)
    async with other_node(people) as other:
        first = await other.knows(token)
        watched = other.watched(first)
        pool = people.ground.database.pool
        other.authenticator._lost()
        again = await other.authenticator.authenticate(f"Bearer {token}")
        assert again is not first
        assert await other.authenticator.authenticate(f"Bearer {token}") is not again
        await pool.execute(
            "INSERT INTO revoked_token (token_id, workspace_id, expires_at) VALUES ($1, $2, now() + interval '1 day')",
            first.token_id, people.demo.workspace_id,
        )  # fmt: skip
        with pytest.raises(AuthenticationError, match="revoked"):
            await other.authenticator.authenticate(f"Bearer {token}")
        assert await asyncio.wait_for(watched, 3 * WITHIN_S) == "the token was revoked"


async def test_a_cut_notice_connection_is_made_anew_and_what_was_missed_is_seen(people: People) -> None:
    await people.user()
    token = await signed_in(people)
    async with other_node(people) as other:
        watched = other.watched(await other.knows(token))
        pool = people.ground.database.pool
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("UPDATE user_account SET status = 2")
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'motet access feed' AND datname = current_database()"
            )
            await until(lambda: not other.authenticator.listening.is_set())
        with pytest.raises(AuthenticationError):
            await other.authenticator.authenticate(f"Bearer {token}")
        assert await asyncio.wait_for(watched, 10) == "the session has ended"


async def test_who_is_watched_was_perhaps_changed_before_the_watch(people: People) -> None:
    await people.user()
    token = await signed_in(people)
    principal = await people.identity.authenticator.authenticate(f"Bearer {token}")
    await people.ground.database.pool.execute("UPDATE user_account SET status = 2")
    told: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    people.identity.authenticator.watch(principal, told.set_result)
    assert await asyncio.wait_for(told, 10) == "the session has ended"


async def test_the_last_use_of_a_key_is_written_with_its_address(people: People) -> None:
    _, key = await key_of(people)
    authenticator = people.identity.authenticator
    for address in ("192.0.2.1", "::ffff:192.0.2.9"):
        await authenticator.authenticate(f"Bearer {key}", address)
    read = "SELECT last_used_at, host(last_used_address) AS address FROM api_key"
    assert (await people.ground.database.pool.fetchrow(read))["last_used_at"] is None
    await authenticator.uses.flush()
    found = await people.ground.database.pool.fetchrow(read)
    assert (found["last_used_at"], found["address"]) == (people.clock(), "192.0.2.9")
    people.clock.forward(-timedelta(hours=1))
    await authenticator.authenticate(f"Bearer {key}", None)
    await authenticator.uses.flush()
    assert (await people.ground.database.pool.fetchrow(read))["address"] == "192.0.2.9"


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic eDp5", "Bearer " + "x" * 10_000, "Bearer \ud800"])
async def test_what_is_no_bearer_token_is_refused(people: People, header: str) -> None:
    with pytest.raises(AuthenticationError):
        await people.identity.authenticator.authenticate(header)
