"""Signing in by password: the session, its tokens, and what those who guess learn."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from motet.access.clients import Client
from motet.access.principals import OPERATOR_PERMISSIONS, ROLE_PERMISSIONS, Permission, Role
from motet.access.tokens import AuthenticationError
from motet.domain.errors import InvalidError, LimitReachedError, NotFoundError
from motet.domain.users import UserStatus
from motet.identity.lock_out import ADDRESS_ATTEMPTS, ADDRESS_EVERY, LOCK, USER_ATTEMPTS
from motet.identity.sessions import ACCESS_TTL_S, GRACE, REFRESH_IDLE, SESSION_LIFE, Signed
from people_world import HERE, PASSWORD, People


async def sign_in(people: People, email: str = "anna@example.org", password: str = PASSWORD) -> Signed:
    signed = await people.identity.login.with_password(email, password, HERE)
    assert isinstance(signed, Signed)
    return signed


async def test_a_user_signs_in_and_has_their_role(people: People) -> None:
    user_id = await people.user(roles={"demo": Role.OBSERVER})
    signed = await sign_in(people, " Anna@Example.ORG ")
    principal = await people.identity.authenticator.authenticate(f"Bearer {signed.access_token}")
    assert (principal.subject, principal.workspace, principal.role) == ("anna@example.org", "demo", Role.OBSERVER)
    assert principal.permissions == ROLE_PERMISSIONS[Role.OBSERVER]
    assert (principal.user_id, principal.session_id) == (user_id, signed.session_id)
    assert not principal.is_operator


async def test_a_super_administrator_of_the_root_is_the_operator(people: People) -> None:
    root = await people.ground.database.pool.fetchval("SELECT id FROM organisation WHERE parent_id IS NULL")
    await people.user("root@example.org", roles={}, is_super_admin=True, organisation_id=root)
    signed = await sign_in(people, "root@example.org")
    principal = await people.identity.authenticator.authenticate(f"Bearer {signed.access_token}")
    assert principal.is_operator
    assert (principal.workspace_id, principal.permissions) == (None, OPERATOR_PERMISSIONS)
    switched = await people.identity.sessions.switch(signed.user_id, signed.session_id, people.other.workspace_id)
    inside = await people.identity.authenticator.authenticate(f"Bearer {switched.access_token}")
    assert (inside.workspace, inside.role, inside.is_operator) == ("other", Role.SUPER_ADMIN, False)


@pytest.mark.parametrize(
    ("email", "password"),
    [("anna@example.org", "wrong"), ("nobody@example.org", PASSWORD), ("no address", PASSWORD),
     ("anna@example.org", ""), ("anna@example.org", "x" * 5000), ("anna@example.org", "\ud800")],
)  # fmt: skip
async def test_what_is_wrong_is_answered_alike(people: People, email: str, password: str) -> None:
    await people.user()
    with pytest.raises(AuthenticationError) as raised:
        await people.identity.login.with_password(email, password, HERE)
    assert str(raised.value) == "the e-mail address or the password is not right"


@pytest.mark.parametrize("status", [UserStatus.SUSPENDED, UserStatus.ACTIVATION_PENDING])
async def test_who_is_not_active_cannot_sign_in(people: People, status: UserStatus) -> None:
    await people.user(status=status)
    with pytest.raises(AuthenticationError):
        await sign_in(people)


async def test_who_is_in_no_workspace_is_told_so(people: People) -> None:
    await people.user(roles={})
    with pytest.raises(NotFoundError):
        await sign_in(people)


@pytest.mark.parametrize("email", ["anna@example.org", "nobody@example.org"])
async def test_guessing_locks_known_and_unknown_users_alike_and_parallel_guesses_count(
    people: People, email: str
) -> None:
    await people.user()
    tried = await asyncio.gather(
        *(people.identity.login.with_password(email, "wrong", HERE) for _ in range(20)), return_exceptions=True
    )
    assert sum(isinstance(error, AuthenticationError) for error in tried) == USER_ATTEMPTS
    assert sum(isinstance(error, LimitReachedError) for error in tried) == 20 - USER_ATTEMPTS
    with pytest.raises(LimitReachedError):
        await sign_in(people, email)
    people.clock.forward(LOCK + timedelta(seconds=1))
    if email.startswith("anna"):
        await sign_in(people, email)
        await asyncio.gather(
            *(people.identity.login.with_password(email, "wrong", HERE) for _ in range(4)), return_exceptions=True
        )
        await sign_in(people, email)


async def test_one_address_cannot_try_many_users(people: People) -> None:
    await people.user()
    for number in range(50):
        with pytest.raises(AuthenticationError):
            await people.identity.login.with_password(f"user{number}@example.org", "wrong", HERE)
    with pytest.raises(LimitReachedError):
        await sign_in(people)
    elsewhere = Client("198.51.100.1")
    assert isinstance(await people.identity.login.with_password("anna@example.org", PASSWORD, elsewhere), Signed)
    people.clock.forward(ADDRESS_EVERY)
    await sign_in(people)  # which is no guess: the turn is there again
    with pytest.raises(AuthenticationError):
        await sign_in(people, "user50@example.org")
    with pytest.raises(LimitReachedError):
        await sign_in(people)


async def test_an_account_of_ones_own_is_no_way_to_guess_at_others(people: People) -> None:
    await people.user()
    for number in range(ADDRESS_ATTEMPTS - 1):
        with pytest.raises(AuthenticationError):
            await sign_in(people, f"user{number}@example.org", "wrong")
    signed = await sign_in(people)
    principal = await people.identity.authenticator.authenticate(f"Bearer {signed.access_token}")
    with pytest.raises(InvalidError, match="is the old one"):
        await people.identity.password_changes.change(principal, PASSWORD, PASSWORD, HERE)
    with pytest.raises(AuthenticationError):
        await sign_in(people, "one-more@example.org", "wrong")
    with pytest.raises(LimitReachedError):
        await sign_in(people)


async def test_addresses_of_one_network_in_ipv6_are_one_guesser(people: People) -> None:
    for number in range(ADDRESS_ATTEMPTS):
        with pytest.raises(AuthenticationError):
            await people.identity.login.with_password(f"u{number}@example.org", "x", Client(f"2001:db8::{number:x}"))
    with pytest.raises(LimitReachedError):
        await people.identity.login.with_password("u@example.org", "x", Client("2001:db8::ffff"))
    with pytest.raises(AuthenticationError):
        await people.identity.login.with_password("u@example.org", "x", Client("2001:db8:0:1::1"))


async def test_many_who_share_an_address_sign_in(people: People) -> None:
    await people.user()
    for _ in range(ADDRESS_ATTEMPTS + 5):
        await sign_in(people)


async def test_a_refresh_token_is_good_once_and_the_second_use_ends_the_session(people: People) -> None:
    await people.user()
    first = await sign_in(people)
    second = await people.identity.sessions.refresh(first.refresh_token, HERE)
    assert second.session_id == first.session_id
    await people.identity.authenticator.authenticate(f"Bearer {second.access_token}")
    people.clock.forward(GRACE)
    with pytest.raises(AuthenticationError):
        await people.identity.sessions.refresh(first.refresh_token, HERE)
    for call in (
        people.identity.sessions.refresh(second.refresh_token, HERE),
        people.identity.authenticator.authenticate(f"Bearer {second.access_token}"),
    ):
        with pytest.raises(AuthenticationError):
            await call


async def test_a_lost_answer_is_no_theft_but_two_who_go_on_are(people: People) -> None:
    await people.user()
    signed = await sign_in(people)
    refresh = people.identity.sessions.refresh
    lost, found = [await refresh(signed.refresh_token, HERE) for _ in range(2)]
    third = await refresh(found.refresh_token, HERE)
    with pytest.raises(AuthenticationError):
        await refresh(lost.refresh_token, HERE)
    for call in (
        refresh(third.refresh_token, HERE),
        people.identity.authenticator.authenticate(f"Bearer {third.access_token}"),
    ):
        with pytest.raises(AuthenticationError):
            await call


async def test_a_token_that_was_exchanged_and_whose_successor_is_in_use_is_stolen_at_once(people: People) -> None:
    await people.user()
    first = await sign_in(people)
    second = await people.identity.sessions.refresh(first.refresh_token, HERE)
    third = await people.identity.sessions.refresh(second.refresh_token, HERE)
    with pytest.raises(AuthenticationError):
        await people.identity.sessions.refresh(first.refresh_token, HERE)
    with pytest.raises(AuthenticationError):
        await people.identity.sessions.refresh(third.refresh_token, HERE)


async def test_of_two_refreshes_at_once_one_token_stays_good(people: People) -> None:
    await people.user()
    signed = await sign_in(people)
    await asyncio.gather(*(people.identity.sessions.refresh(signed.refresh_token, HERE) for _ in range(2)))
    unused = "SELECT count(*) FROM refresh_token WHERE used_at IS NULL"
    assert await people.ground.database.pool.fetchval(unused) == 1


@pytest.mark.parametrize("wait", [REFRESH_IDLE, SESSION_LIFE])
async def test_a_session_that_is_not_used_is_over(people: People, wait: timedelta) -> None:
    await people.user()
    signed = await sign_in(people)
    people.clock.forward(wait + timedelta(seconds=1))
    with pytest.raises(AuthenticationError):
        await people.identity.sessions.refresh(signed.refresh_token, HERE)


async def test_an_access_token_is_short_and_ends_with_what_it_stands_on(people: People) -> None:
    user_id = await people.user()
    pool = people.ground.database.pool
    signed = await sign_in(people)
    authenticate = people.identity.authenticator.authenticate
    await authenticate(f"Bearer {signed.access_token}")
    await pool.execute("UPDATE membership SET role = 'USER' WHERE user_id = $1", user_id)
    assert not (await authenticate(f"Bearer {signed.access_token}")).allows(Permission.USER_WRITE)
    for broken, mended in (
        ("UPDATE user_account SET status = 2 WHERE id = $1", "UPDATE user_account SET status = 1 WHERE id = $1"),
        ("DELETE FROM membership WHERE user_id = $1", None),
    ):
        await pool.execute(broken, user_id)
        with pytest.raises(AuthenticationError):
            await authenticate(f"Bearer {signed.access_token}")
        if mended is not None:
            await pool.execute(mended, user_id)
            await authenticate(f"Bearer {signed.access_token}")
    people.clock.forward(timedelta(seconds=ACCESS_TTL_S + 1))
    with pytest.raises(AuthenticationError):
        await authenticate(f"Bearer {signed.access_token}")


async def test_what_is_remembered_is_forgotten_when_it_changes_and_watchers_hear_of_it(people: People) -> None:
    user_id = await people.user()
    signed = await sign_in(people)
    authenticator = people.identity.authenticator
    listening = asyncio.create_task(authenticator.run())
    await authenticator.listening.wait()
    principal = await authenticator.authenticate(f"Bearer {signed.access_token}")
    told: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    authenticator.watch(principal, told.set_result)
    await people.ground.database.pool.execute("UPDATE membership SET role = 'USER' WHERE user_id = $1", user_id)
    assert await asyncio.wait_for(told, 10) == "the permissions have changed"
    assert (await authenticator.authenticate(f"Bearer {signed.access_token}")).role is Role.USER
    principal = await authenticator.authenticate(f"Bearer {signed.access_token}")
    ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    authenticator.watch(principal, ended.set_result)
    await people.identity.sessions.end(user_id, signed.session_id)
    assert await asyncio.wait_for(ended, 10) == "the session has ended"
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


async def test_sign_in_refresh_and_sign_out_over_http(people: People) -> None:
    await people.user()
    told = await people.http("/auth/login", {"email": "anna@example.org", "password": PASSWORD})
    assert told.status == 200
    assert (told.body["token_type"], told.body["expires_in"], told.body["workspace"]) == ("Bearer", 900, "demo")
    assert dict(told.headers)["cache-control"] == "no-store"
    again = await people.http("/auth/refresh", {"refresh_token": told.body["refresh_token"]})
    assert again.status == 200
    assert (await people.http("/auth/logout", token=again.body["access_token"])).status == 204
    gone = await people.http("/auth/logout", token=again.body["access_token"])
    assert (gone.status, gone.code) == (401, "UNAUTHENTICATED")


async def test_a_browsers_refresh_token_is_a_cookie_that_scripts_cannot_read(people: People) -> None:
    await people.user()
    told = await people.http("/auth/login", {"email": "anna@example.org", "password": PASSWORD, "cookie": True})
    assert "refresh_token" not in told.body
    (cookie,) = told.cookies
    assert {part.strip().lower() for part in cookie.split(";")[1:]} >= {
        "httponly", "secure", "samesite=strict", "path=/auth"
    }  # fmt: skip
    again = await people.http("/auth/refresh", {}, cookie=cookie.split(";")[0])
    assert again.status == 200
    assert again.cookies


@pytest.mark.parametrize(
    "body", [[], 5, "x", {}, {"email": 1, "password": "x"}, {"email": "a@b.de"}, {"email": "a@b.de", "password": "\0"}]
)
async def test_a_body_that_is_none_is_refused_clearly(people: People, body: object) -> None:
    told = await people.http("/auth/login", body)
    assert (told.status, told.code) == (400, "INVALID")


async def test_a_wrong_password_over_http_is_unauthenticated_and_a_lock_is_429(people: People) -> None:
    for _ in range(USER_ATTEMPTS):
        told = await people.http("/auth/login", {"email": "anna@example.org", "password": "wrong"})
        assert (told.status, told.code) == (401, "UNAUTHENTICATED")
    told = await people.http("/auth/login", {"email": "anna@example.org", "password": "wrong"})
    assert (told.status, told.code) == (429, "LIMIT_REACHED")


async def test_signing_in_and_out_and_what_failed_is_in_the_audit_log_without_secrets(people: People) -> None:
    user_id = await people.user()
    await people.http("/auth/login", {"email": "anna@example.org", "password": "wrong-secret"})
    told = await people.http("/auth/login", {"email": "anna@example.org", "password": PASSWORD})
    again = await people.http("/auth/refresh", {"refresh_token": told.body["refresh_token"]})
    await people.http("/auth/logout", token=again.body["access_token"])
    rows = await people.ground.database.pool.fetch(
        "SELECT action, outcome, actor_kind, actor, user_id, workspace_id, host(address) AS address FROM audit_entry"
        " WHERE action LIKE 'POST /auth/%' ORDER BY id"
    )
    assert [(row["action"], row["outcome"], row["actor_kind"]) for row in rows] == [
        ("POST /auth/login", "UNAUTHENTICATED", "ANONYMOUS"),
        ("POST /auth/login", "DONE", "USER"),
        ("POST /auth/refresh", "DONE", "USER"),
        ("POST /auth/logout", "DONE", "USER"),
    ]
    assert {row["actor"] for row in rows} == {"anna@example.org"}
    assert [row["user_id"] for row in rows] == [None, user_id, user_id, user_id]
    assert [row["workspace_id"] for row in rows][1:] == [people.demo.workspace_id] * 3
    assert {row["address"] for row in rows} == {"192.0.2.7"}
    whole = str(await people.ground.database.pool.fetch("SELECT * FROM audit_entry"))
    for secret in ("wrong-secret", PASSWORD, told.body["refresh_token"], told.body["access_token"]):
        assert secret not in whole
