"""Signing in by an OpenID provider: the whole way, and everything that a provider, or someone between, may try."""

from __future__ import annotations

import asyncio
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import pytest_asyncio

from motet.access.principals import Role
from motet.domain.global_ids import encode_global_id
from motet.domain.users import UserStatus
from motet.identity.sso import arrival
from motet.identity.sso.admission import Provisioning
from motet.identity.sso.provider_rules import GroupRole, ProviderChanges
from people_world import PASSWORD, People
from sso_provider import (
    CLIENT_ID,
    Provider,
    SsoWorld,
    cookie_header,
    none_token,
    served,
)

JIT = {"provisioning": int(Provisioning.JUST_IN_TIME)}


@pytest_asyncio.fixture
async def world(people: People) -> AsyncIterator[SsoWorld]:
    async with served(Provider(now=lambda: people.clock.at.timestamp())) as provider:
        yield SsoWorld(people, provider)


async def test_an_invited_user_signs_in_and_is_active_from_then_on(world: SsoWorld) -> None:
    user_id = await world.people.user(status=UserStatus.ACTIVATION_PENDING, roles={"demo": Role.USER})
    await world.add_provider()
    assert await world.subject() == "anna@example.org USER in demo"
    row = await world.people.ground.database.pool.fetchrow(
        "SELECT status, name, activated_at IS NOT NULL, last_login_at IS NOT NULL FROM user_account WHERE id = $1",
        user_id,
    )
    assert tuple(row) == (1, "Anna Example", True, True)
    methods = await world.people.ground.database.pool.fetchval("SELECT methods FROM login_session")
    assert methods == ["fed"]


async def test_what_the_provider_is_asked(world: SsoWorld) -> None:
    await world.add_provider()
    asked, cookies = await world.start("?login_hint=anna@example.org")
    assert asked | {"state": "", "nonce": "", "code_challenge": ""} == {
        "tenant": "1", "response_type": "code", "client_id": CLIENT_ID, "scope": "openid email profile",
        "redirect_uri": f"https://motet.example.org{world.path}/callback", "code_challenge_method": "S256",
        "login_hint": "anna@example.org", "state": "", "nonce": "", "code_challenge": "",
    }  # fmt: skip
    again, _ = await world.start()
    assert all(len(asked[name]) == 43 and asked[name] != again[name] for name in ("state", "nonce", "code_challenge"))
    (name,) = cookies
    assert name == "__Host-motet_sso_" + asked["state"][:12]
    assert asked["nonce"] not in cookies[name]


async def test_the_code_is_good_once_and_in_one_browser_for_a_minute(world: SsoWorld) -> None:
    await world.people.user()
    await world.add_provider()
    first = await world.sign_in()
    assert (await world.exchange(first)).status == 200
    assert (await world.exchange(first)).code == "UNAUTHENTICATED"
    second = await world.sign_in()
    second.cookies.clear()
    assert (await world.exchange(second)).code == "UNAUTHENTICATED"
    third, fourth = await world.sign_in(), await world.sign_in()
    third.cookies = fourth.cookies
    assert (await world.exchange(third)).code == "UNAUTHENTICATED"
    world.people.clock.forward(timedelta(seconds=61))
    assert (await world.exchange(fourth)).code == "UNAUTHENTICATED"


async def test_the_answer_works_once_in_the_browser_that_asked_within_ten_minutes(world: SsoWorld) -> None:
    await world.people.user()
    await world.add_provider()
    asked, cookies = await world.start()
    code = world.provider.grant(asked)
    for other in ({}, (await world.start())[1]):  # a browser that asked nothing, or something else
        assert (await world.back({"code": code, "state": asked["state"]}, other)).error == "expired"
    answer = {"code": code, "state": asked["state"]}
    assert (await world.back({**answer, "state": asked["state"][:12] + "x" * 31}, cookies)).error == "expired"
    asked, cookies = await world.start()
    answer = {"code": world.provider.grant(asked), "state": asked["state"]}
    both = await asyncio.gather(*(world.back(answer, cookies) for _ in range(2)))
    assert sorted(str(one.error) for one in both) == ["None", "expired"]
    asked, cookies = await world.start()
    world.people.clock.forward(timedelta(seconds=601))
    late = await world.back({"code": world.provider.grant(asked), "state": asked["state"]}, cookies)
    assert late.error == "expired"


async def test_the_audit_log_has_who_was_let_in_and_who_was_not(world: SsoWorld) -> None:
    await world.add_provider(**JIT, default_workspace_id=world.people.demo.workspace_id)
    await world.exchange(await world.sign_in())
    world.provider.claims["email_verified"] = False
    await world.sign_in()
    rows = await world.people.ground.database.pool.fetch(
        "SELECT actor, action, outcome, code FROM audit_entry WHERE action LIKE '%/auth/sso/%'"
    )
    us = "identity provider Ours"
    assert {tuple(row) for row in rows} == {
        (us, "GET /auth/sso/{provider}/callback", "DONE", None),
        ("anna@example.org", "POST /auth/sso/exchange", "DONE", None),
        (us, "GET /auth/sso/{provider}/callback", "REFUSED", "MAIL"),
    }


async def test_a_lie_of_the_provider_leaves_nothing_behind(world: SsoWorld) -> None:
    await world.add_provider(**JIT, default_workspace_id=world.people.demo.workspace_id)
    world.provider.lie = none_token
    refused = ("provider_failed", "the token's algorithm is not one that is taken (none)")
    assert await world.refusal() == refused
    for table in ("federated_identity", "user_account", "login_session", "sso_code"):
        assert await world.people.ground.database.pool.fetchval(f"SELECT count(*) FROM {table}") == 0  # noqa: S608


async def test_answers_of_another_issuer_errors_and_doubles_are_refused(world: SsoWorld) -> None:
    await world.people.user()
    await world.add_provider()
    for answer, error in (
        ({"code": "x", "iss": "https://evil.example"}, "provider_failed"),
        ({"error": "access_denied"}, "provider_refused"),
        ({}, "provider_failed"),
        ({"code": "x" * 5000}, "provider_failed"),
        ({"code": "made up"}, "provider_failed"),
    ):
        asked, cookies = await world.start()
        assert (await world.back({**answer, "state": asked["state"]}, cookies)).error == error
    told = await world.people.http(f"{world.path}/callback?state=a&state=b", method="GET")
    assert dict(told.headers)["location"].startswith("/account#sso_error=provider_failed&sso_reference=")


async def test_a_provider_of_evil_gets_no_code_of_another_one(world: SsoWorld) -> None:
    """Mix-up (RFC 9700 §4.4): who signs in by a provider that anybody has set up is sent on by it to their own one, for
    which the browser has a session, with nonce and challenge of a sign-in that the attacker has begun there."""
    people = world.people
    await people.user()
    await world.add_provider()
    mine, _ = await world.start()  # in the attacker's browser
    honest, ours = world.provider, world.path
    async with served(Provider(now=honest.now)) as evil:
        changes = ProviderChanges(
            settings={"name": "Evil", "issuer": evil.issuer, "client_id": "x"}, domains=("evil.example",)
        )
        evil_id = await people.identity.identity_providers.create(world.principal(other=True), changes)
        world.provider_id = evil_id
        lured, cookies = await world.start()
        assert lured["redirect_uri"] != mine["redirect_uri"] == f"https://motet.example.org{ours}/callback"
        code = honest.grant(mine)  # the honest provider sends browsers to no other place than it knows us by
        told = await people.http(
            f"{ours}/callback?{urlencode({'code': code, 'state': lured['state']})}",
            method="GET", cookie=cookie_header(cookies),
        )  # fmt: skip
        assert "#sso_error=expired&" in dict(told.headers)["location"]
        assert evil.forms == []


async def test_mail_comes_from_userinfo_if_the_token_has_none(world: SsoWorld) -> None:
    await world.people.user()
    await world.add_provider()
    world.provider.userinfo = {"sub": "s-1", "email": "anna@example.org", "email_verified": True, "iss": "x"}
    for name in ("email", "email_verified"):
        del world.provider.claims[name]
    assert await world.subject() == "anna@example.org ADMINISTRATOR in demo"
    world.provider.userinfo["sub"] = "s-2"
    assert await world.refusal() == ("provider_failed", "userinfo is about someone else (sub)")


async def test_an_address_that_is_not_verified_lets_nobody_in(world: SsoWorld) -> None:
    await world.people.user()
    await world.add_provider()
    for verified in (False, None, "no", 1):
        world.provider.overrides = {"email_verified": verified}
        refused = ("mail_not_verified", "the provider has not verified the address anna@example.org")
        assert await world.refusal() == refused


async def test_a_provider_that_owns_the_domain_need_not_say_verified(world: SsoWorld) -> None:
    await world.people.user()
    await world.add_provider(trusts_unverified_mail=True, mail_claim="upn")
    world.provider.overrides = {"email_verified": None, "email": "boss@elsewhere.example", "upn": "Anna@Example.org"}
    assert await world.subject() == "anna@example.org ADMINISTRATOR in demo"


async def test_other_domains_are_refused(world: SsoWorld) -> None:
    await world.add_provider()
    for email in ("anna@sub.example.org", "anna@example.org.evil.example", "anna@evil.example"):
        await world.people.user(email)
        world.provider.claims["email"] = email
        assert (await world.refusal())[0] == "not_admitted"


async def test_only_invited_people_come_in_unless_it_is_said_otherwise(world: SsoWorld) -> None:
    await world.add_provider()
    refused = ("not_admitted", "there is no such user, and only invited ones may come in")
    assert await world.refusal() == refused


async def test_who_comes_for_the_first_time_is_made_with_the_default_role(world: SsoWorld) -> None:
    await world.add_provider(**JIT, default_workspace_id=world.people.demo.workspace_id, default_role="OBSERVER")
    assert await world.subject() == "anna@example.org OBSERVER in demo"
    pool = world.people.ground.database.pool
    await pool.execute("UPDATE membership SET role = 'USER'")
    assert await world.subject() == "anna@example.org USER in demo"  # the default is for the first time
    assert await pool.fetchval("SELECT count(*) FROM user_account") == 1
    assert await pool.fetchval("SELECT password_hash FROM user_account") is None


async def test_first_sign_ins_at_once_make_one_user_and_all_come_in(world: SsoWorld) -> None:
    await world.add_provider(**JIT, default_workspace_id=world.people.demo.workspace_id)
    several = await asyncio.gather(*(world.sign_in() for _ in range(4)))
    assert {one.error for one in several} == {None}
    assert await world.people.ground.database.pool.fetchval("SELECT count(*) FROM user_account") == 1


@pytest.mark.parametrize("just_before", ["find_by_email", "lock_user", "add_user"])
async def test_a_first_sign_in_comes_in_when_another_of_the_same_person_ends_before_a_step_of_it(
    world: SsoWorld, monkeypatch: pytest.MonkeyPatch, just_before: str
) -> None:
    await world.add_provider(**JIT, default_workspace_id=world.people.demo.workspace_id)
    if just_before == "lock_user":  # reached only by someone who is there, and not yet linked
        await world.people.user()
    step = getattr(arrival, just_before)

    async def after_another(*args: Any, **kwargs: Any) -> Any:
        monkeypatch.setattr(arrival, just_before, step)
        assert (await world.sign_in()).error is None
        return await step(*args, **kwargs)

    monkeypatch.setattr(arrival, just_before, after_another)
    assert (await world.sign_in()).error is None
    assert await world.people.ground.database.pool.fetchval("SELECT count(*) FROM user_account") == 1


async def test_a_subject_stays_the_user_when_the_address_changes_and_an_address_given_on_is_not_theirs(
    world: SsoWorld,
) -> None:
    await world.people.user()
    await world.add_provider(**JIT, default_workspace_id=world.people.demo.workspace_id)
    await world.subject()
    world.provider.claims["email"] = "anna.married@example.org"
    assert await world.subject() == "anna@example.org ADMINISTRATOR in demo"
    world.provider.claims |= {"sub": "s-2", "email": "anna@example.org"}
    error, words = await world.refusal()
    assert (error, words) == (
        "not_admitted", "the user anna@example.org is known to the provider by another subject",
    )  # fmt: skip
    user_id = await world.people.ground.database.pool.fetchval("SELECT id FROM user_account")
    await world.people.identity.identity_providers.unlink(world.admin, user_id)
    assert await world.subject() == "anna@example.org ADMINISTRATOR in demo"


async def test_an_address_of_another_organisations_user_is_not_taken_over(world: SsoWorld) -> None:
    pool = world.people.ground.database.pool
    elsewhere = world.people.other.organisation_id
    await world.people.user(roles={"other": Role.ADMINISTRATOR}, organisation_id=elsewhere)
    await world.add_provider(**JIT, default_workspace_id=world.people.demo.workspace_id)
    assert await world.refusal() == ("not_admitted", "the address belongs to a user elsewhere")
    assert await pool.fetchval("SELECT count(*) FROM membership") == 1


async def test_who_is_suspended_stays_out(world: SsoWorld) -> None:
    await world.people.user(status=UserStatus.SUSPENDED)
    await world.add_provider()
    assert await world.refusal() == ("not_admitted", "the user anna@example.org is suspended")


async def test_groups_say_the_role_where_rules_name_the_workspace(world: SsoWorld) -> None:
    demo = world.people.demo.workspace_id
    boss = await world.people.user("boss@example.org")
    rules = [GroupRole("ops", demo, "USER"), GroupRole("bosses", demo, "ADMINISTRATOR")]
    await world.add_provider(**JIT, group_claim="realm.groups", group_roles=rules)
    world.provider.claims["realm"] = {"groups": ["ops", 7, "others"]}
    assert await world.subject() == "anna@example.org USER in demo"
    world.provider.claims["realm"] = {"groups": ["bosses", "ops"]}
    assert await world.subject() == "anna@example.org ADMINISTRATOR in demo"
    world.provider.claims["realm"] = {"groups": []}
    refused = ("not_admitted", "no rule makes anna@example.org a member of a workspace")
    assert await world.refusal() == refused
    pool = world.people.ground.database.pool
    assert await pool.fetchval("SELECT role FROM membership WHERE user_id <> $1", boss) == "ADMINISTRATOR"
    world.provider.claims |= {"sub": "s-9", "email": "boss@example.org"}
    await pool.execute("DELETE FROM membership WHERE user_id <> $1", boss)
    assert await world.subject() == "boss@example.org ADMINISTRATOR in demo"  # the last one stays


async def test_a_group_may_give_a_role_of_the_workspaces_own_with_its_tags(world: SsoWorld) -> None:
    demo, roles = world.people.demo.workspace_id, world.people.identity.roles
    fitters, drivers = [
        await roles.create(demo, world.admin, {"name": name, "permissions": ["device:read"], "tags": tags})
        for name, tags in (("Fitters", ["lyon"]), ("Drivers", None))
    ]
    rules = [
        GroupRole("all", demo, "USER"), GroupRole("fitters", demo, None, fitters),
        GroupRole("drivers", demo, None, drivers), GroupRole("bosses", demo, "ADMINISTRATOR"),
    ]  # fmt: skip
    await world.add_provider(**JIT, group_claim="groups", group_roles=rules)
    for groups, name, tags in (
        (["all"], "USER", None),
        (["all", "fitters"], "Fitters", {"lyon"}),
        (["drivers", "fitters", "all"], "Fitters", {"lyon"}),
        (["drivers"], "Drivers", None),
        (["bosses", "fitters"], "ADMINISTRATOR", None),
        (["fitters"], "Fitters", {"lyon"}),
    ):
        if groups == ["fitters"]:  # the workspace has another administrator again
            await world.people.user("boss@example.org")
        world.provider.claims["groups"] = groups
        token = (await world.exchange(await world.sign_in())).body["access_token"]
        principal = await world.people.identity.authenticator.authenticate(f"Bearer {token}")
        assert (principal.role_name or principal.role, principal.tags) == (name, tags), groups
    world.provider.claims["groups"] = ["drivers"]
    await world.subject()
    await roles.delete(demo, world.admin, fitters)  # nobody has it now
    world.provider.claims["groups"] = ["fitters", "all"]
    assert await world.subject() == "anna@example.org USER in demo"
    world.provider.claims["groups"] = ["fitters"]
    assert (await world.refusal())[0] == "not_admitted"


async def test_only_a_page_of_ours_comes_next(world: SsoWorld) -> None:
    await world.people.user()
    await world.add_provider()
    assert (await world.sign_in("?next=/devices?x=1%26y=2")).fragment["next"] == "/devices?x=1&y=2"
    assert (await world.sign_in("?next=//evil.example")).fragment["next"] == "/"


async def test_discovery_goes_by_the_domain_alone(world: SsoWorld) -> None:
    await world.people.user()
    await world.add_provider(("example.org", "Example.COM"))
    answers = [
        (await world.people.http(f"/auth/sso/discover?email={email}", method="GET")).body
        for email in ("anna@example.org", "nobody@EXAMPLE.com", "anna@sub.example.org", "anna")
    ]
    start = {"name": "Ours", "start": f"{world.path}/start", "id": world.path.rpartition("/")[2]}
    assert answers == [{"provider": start}, {"provider": start}, {"provider": None}, {"provider": None}]
    for query in ("", "?email=", "?email=" + "x" * 300):
        assert (await world.people.http(f"/auth/sso/discover{query}", method="GET")).code == "INVALID"


async def test_a_provider_that_is_not_there_is_not_found(world: SsoWorld) -> None:
    for provider in ("x", encode_global_id("Sim", 1), encode_global_id("IdentityProvider", 1)):
        told = await world.people.http(f"/auth/sso/{provider}/start", method="GET")
        assert (told.status, told.code) == (404, "NOT_FOUND")


async def test_signing_out_leads_to_the_providers_page_and_the_provider_can_end_sessions(world: SsoWorld) -> None:
    await world.people.user()
    await world.add_provider()
    world.provider.claims["sid"] = "sid-1"
    token = (await world.exchange(await world.sign_in())).body["access_token"]
    told = await world.people.http("/auth/sso/logout", token=token)
    assert told.body["redirect"].startswith(f"{world.provider.issuer}/end?client_id=motet+test&")
    hint = dict(parse_qsl(urlsplit(told.body["redirect"]).query))["id_token_hint"]
    payload = hint.split(".")[1]
    assert b'"sub":"s-1"' in urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    pool = world.people.ground.database.pool
    assert await pool.fetchval("SELECT count(*) FROM sso_session WHERE id_token_encrypted IS NOT NULL") == 0
    assert (await world.people.http("/auth/sso/logout", token=token)).code == "UNAUTHENTICATED"
    first, second = [(await world.exchange(await world.sign_in())).body["access_token"] for _ in range(2)]
    now = int(world.people.clock.at.timestamp())
    claims = {
        "iss": world.provider.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 60, "jti": "j-1", "sid": "sid-1",
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    }  # fmt: skip
    for wrong in ({"events": {}}, {"nonce": "x"}, {"aud": "x"}, {"iss": "x"}, {"jti": ""}, {"sid": None}, {"sid": 5}):
        assert await _logout(world, {**claims, **wrong}) == 400
    assert await _logout(world, claims) == 200
    for token in (first, second):
        assert (await world.people.http("/auth/sso/logout", token=token)).code == "UNAUTHENTICATED"
    assert await _logout(world, claims) == 400  # once


async def test_the_id_token_is_kept_sealed_while_the_session_lasts_unless_it_is_huge(world: SsoWorld) -> None:
    await world.people.user()
    await world.add_provider()
    pool = world.people.ground.database.pool
    await world.exchange(await world.sign_in())
    sealed = await pool.fetchval("SELECT id_token_encrypted FROM sso_session")
    assert b"anna" not in sealed
    assert world.people.ground.box.decrypt(sealed).count(b".") == 2
    world.provider.claims["groups"] = ["g" * 100] * 100
    token = (await world.exchange(await world.sign_in())).body["access_token"]
    assert await pool.fetchval("SELECT count(*) FROM sso_session WHERE id_token_encrypted IS NULL") == 1
    told = await world.people.http("/auth/sso/logout", token=token)
    assert "id_token_hint" not in told.body["redirect"]


async def _logout(world: SsoWorld, claims: dict[str, Any]) -> int:
    token = world.provider.token({name: value for name, value in claims.items() if value is not None})
    body = f"logout_token={token}".encode()
    told = await world.people.http(
        f"{world.path}/backchannel-logout", body, content_type="application/x-www-form-urlencoded"
    )
    return told.status


async def test_a_password_does_not_do_where_single_sign_on_is_required_but_for_break_glass(world: SsoWorld) -> None:
    await world.people.user()
    boss = await world.people.user("boss@example.org")
    await world.add_provider()
    await world.people.identity.identity_providers.require(world.admin, True, [boss])
    answers = {}
    for email, password in (("anna", PASSWORD), ("anna", "wrong"), ("boss", PASSWORD)):
        body = {"email": f"{email}@example.org", "password": password}
        answers[email, password] = await world.people.http("/auth/login", body)
    assert answers["anna", PASSWORD].code == "DENIED"
    assert answers["anna", "wrong"].code == "UNAUTHENTICATED"  # whoever guesses does not learn of it
    assert answers["boss", PASSWORD].status == 200
    assert await world.subject() == "anna@example.org ADMINISTRATOR in demo"
