"""Invitation, roles, suspension, erasure and passwords of people; what is mailed, and what nobody learns."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import orjson
import pytest

from motet.access.principals import ROLE_PERMISSIONS, Principal, Role, custom_grant, custom_member
from motet.access.tokens import AuthenticationError
from motet.domain.errors import ConflictError, DeniedError, InvalidError, LimitReachedError, NotFoundError
from motet.domain.users import email_of
from motet.identity.invitations import GOOD_FOR
from motet.identity.lock_out import ADDRESS_RESETS, RESETS_EVERY
from motet.identity.password_changes import RESET_GOOD_FOR
from motet.identity.sessions import Signed
from motet.storage.login_session import open_sessions
from people_world import HERE, PASSWORD, People

NEW_PASSWORD = "four wooden lanterns drift"


async def signed_in(people: People, email: str) -> Principal:
    signed = await people.identity.login.with_password(email, PASSWORD, HERE)
    assert isinstance(signed, Signed)
    return await people.identity.authenticator.authenticate(f"Bearer {signed.access_token}")


async def mails(people: People) -> list[dict[str, str]]:
    """What is queued, opened, oldest first."""
    rows = await people.ground.database.pool.fetch("SELECT sealed FROM mail ORDER BY id")
    return [orjson.loads(people.ground.box.decrypt(row["sealed"])) for row in rows]


def token_in(mail: dict[str, str]) -> str:
    found = re.search(r"#token=([\w-]+)", mail["text"])
    assert found is not None
    return found[1]


async def test_someone_is_invited_sets_a_password_and_is_signed_in(people: People) -> None:
    await people.user()
    anna = await signed_in(people, "anna@example.org")
    await people.identity.invitations.invite(
        anna, people.demo.workspace_id, "Bert@Example.org", role=Role.USER, name="Bert", locale="de"
    )
    (mail,) = await mails(people)
    assert (mail["to"], mail["subject"]) == ("Bert@Example.org", "anna@example.org lädt Sie zu demo auf Motet ein")
    assert "https://motet.example.org/account/invitation#token=" in mail["text"]
    told = await people.http("/auth/invitation", {"token": token_in(mail)})
    about = {"email": "Bert@Example.org", "name": "Bert", "workspace": "demo", "account": False, "sign_in": False}
    assert told.body == about
    weak = await people.http("/auth/invitation/accept", {"token": token_in(mail), "password": "password1234"})
    assert (weak.status, weak.code, weak.body["error"]["path"]) == (400, "INVALID", ["password"])
    told = await people.http("/auth/invitation/accept", {"token": token_in(mail), "password": NEW_PASSWORD})
    bert = await people.identity.authenticator.authenticate(f"Bearer {told.body['access_token']}")
    assert (bert.subject, bert.role, bert.workspace) == ("Bert@Example.org", Role.USER, "demo")
    again = await people.http("/auth/invitation/accept", {"token": token_in(mail), "password": NEW_PASSWORD})
    assert (again.status, again.code) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize(
    ("language", "spoken", "words"),
    [
        (None, "en", "The e-mail address or the password is not right."),
        ("de-AT, en;q=0.5", "de", "Die E-Mail-Adresse oder das Passwort ist nicht richtig."),
        ("zh-TW", "zh-TW", "電子郵件地址或密碼不正確。"),
    ],
)
async def test_errors_over_http_are_told_in_the_language_that_the_request_accepts(
    people: People, language: str | None, spoken: str, words: str
) -> None:
    wrong = {"email": "nobody@example.org", "password": PASSWORD}
    refused = await people.http("/auth/login", wrong, language=language)
    assert (refused.status, refused.code, refused.body["error"]["message"]) == (401, "UNAUTHENTICATED", words)
    headers = dict(refused.headers)
    assert (headers["content-language"], headers["vary"]) == (spoken, "Accept-Language")
    longer = await people.http("/auth/login", {"email": "x" * 1_000}, language=language)
    assert (longer.status, longer.code, longer.body["error"]["path"]) == (400, "INVALID", ["email"])


async def test_who_has_an_account_joins_by_the_link_and_keeps_their_password(people: People) -> None:
    await people.user()
    await people.user("bert@example.org", roles={"other": Role.ADMINISTRATOR})
    anna = await signed_in(people, "anna@example.org")
    await people.identity.invitations.invite(anna, people.demo.workspace_id, "bert@example.org", role=Role.OBSERVER)
    (mail,) = await mails(people)
    told = await people.http("/auth/invitation/accept", {"token": token_in(mail), "password": NEW_PASSWORD})
    assert told.body == {"joined": True}
    bert = await signed_in(people, "bert@example.org")
    switched = await people.identity.sessions.switch(bert.user_id or 0, bert.session_id or 0, people.demo.workspace_id)
    inside = await people.identity.authenticator.authenticate(f"Bearer {switched.access_token}")
    assert inside.role is Role.OBSERVER
    with pytest.raises(ConflictError):
        await people.identity.invitations.invite(anna, people.demo.workspace_id, "BERT@example.org", role=Role.USER)


async def test_an_account_of_another_organisation_joins_only_while_its_user_is_signed_in(people: People) -> None:
    """Its organisation says who comes in by it: whoever follows the link has the mailbox, and perhaps no more."""
    await people.user()
    elsewhere = await people.ground.database.pool.fetchval(
        "SELECT organisation_id FROM workspace WHERE id = $1", people.other.workspace_id
    )
    bert_id = await people.user("bert@example.org", roles={"other": Role.USER}, organisation_id=elsewhere)
    await people.user("carl@example.org", roles={"other": Role.USER}, organisation_id=elsewhere)
    anna = await signed_in(people, "anna@example.org")
    await people.identity.invitations.invite(anna, people.demo.workspace_id, "bert@example.org", role=Role.USER)
    (mail,) = await mails(people)
    token = token_in(mail)
    assert (await people.http("/auth/invitation", {"token": token})).body["sign_in"] is True
    carls, berts = [
        (await people.http("/auth/login", {"email": f"{name}@example.org", "password": PASSWORD})).body["access_token"]
        for name in ("carl", "bert")
    ]
    is_member = "SELECT EXISTS (SELECT FROM membership WHERE user_id = $1 AND workspace_id = $2)"
    for bearer in (None, carls):
        told = await people.http("/auth/invitation/accept", {"token": token, "password": NEW_PASSWORD}, token=bearer)
        assert (told.status, told.code) == (403, "DENIED")
        assert told.body["error"]["message"].startswith("Sign in as bert@example.org to accept this")
        assert not await people.ground.database.pool.fetchval(is_member, bert_id, people.demo.workspace_id)
    assert (await people.http("/auth/invitation/accept", {"token": token}, token="nonsense")).status == 401
    told = await people.http("/auth/invitation/accept", {"token": token}, token=berts)
    assert told.body == {"joined": True}
    assert await people.ground.database.pool.fetchval(is_member, bert_id, people.demo.workspace_id)


async def test_an_invitation_looks_the_same_whether_there_is_such_a_user_or_not(people: People) -> None:
    await people.user()
    await people.user("bert@example.org", roles={"other": Role.USER})
    anna = await signed_in(people, "anna@example.org")
    for email in ("bert@example.org", "carl@example.org"):
        await people.identity.invitations.invite(anna, people.demo.workspace_id, email, role=Role.USER)
    rows = await people.ground.database.pool.fetch("SELECT name, role, locale, invited_by FROM invitation ORDER BY id")
    assert rows[0] == rows[1]


async def test_only_the_newest_link_is_good_and_not_for_ever(people: People) -> None:
    await people.user()
    anna = await signed_in(people, "anna@example.org")
    for _ in range(2):
        await people.identity.invitations.invite(anna, people.demo.workspace_id, "bert@example.org", role=Role.USER)
    first, second = await mails(people)
    with pytest.raises(AuthenticationError):
        await people.identity.invitations.look(token_in(first))
    await people.identity.invitations.look(token_in(second))
    people.clock.forward(GOOD_FOR + timedelta(seconds=1))
    with pytest.raises(AuthenticationError):
        await people.identity.invitations.look(token_in(second))


async def test_nobody_is_let_in_to_a_suspended_workspace_by_a_link_that_is_good_again_later(people: People) -> None:
    await people.user()
    anna, pool = await signed_in(people, "anna@example.org"), people.ground.database.pool
    await people.identity.invitations.invite(anna, people.demo.workspace_id, "bert@example.org", role=Role.USER)
    (mail,) = await mails(people)
    given = {"token": token_in(mail), "password": NEW_PASSWORD, "name": "Bert"}
    for closing in ("UPDATE workspace SET suspended_at = {}", "UPDATE organisation SET suspended_at = {}"):
        await pool.execute(closing.format("now()"))
        for path in ("/auth/invitation", "/auth/invitation/accept"):
            assert (await people.http(path, given)).status == 401
        assert await pool.fetchval("SELECT count(*) FROM user_account WHERE email = 'bert@example.org'") == 0
        await pool.execute(closing.format("NULL"))
    assert (await people.http("/auth/invitation/accept", given)).status == 200


async def test_one_link_lets_one_in_however_many_follow_it_at_once(people: People) -> None:
    await people.user()
    anna = await signed_in(people, "anna@example.org")
    await people.identity.invitations.invite(anna, people.demo.workspace_id, "bert@example.org", role=Role.USER)
    (mail,) = await mails(people)
    tried = await asyncio.gather(
        *(people.identity.invitations.accept(token_in(mail), HERE, password=NEW_PASSWORD) for _ in range(3)),
        return_exceptions=True,
    )
    assert sum(isinstance(each, Signed) for each in tried) == 1


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"email": "no address", "role": Role.USER}, InvalidError),
        ({"email": "a@example.org\nBcc: b@example.org", "role": Role.USER}, InvalidError),
        ({"email": "a@example.org"}, InvalidError),
        ({"email": "a@example.org", "role": Role.SUPER_ADMIN}, InvalidError),
        ({"email": "a@example.org", "role": Role.USER, "locale": "tlh"}, InvalidError),
        ({"email": "a@example.org", "role": Role.USER, "name": "x" * 201}, InvalidError),
        ({"email": "a@example.org", "role_id": 5}, NotFoundError),
        ({"email": "a@example.org", "role": Role.ADMINISTRATOR}, DeniedError),
    ],
)
async def test_what_cannot_be_invited(people: People, given: dict[str, object], error: type[Exception]) -> None:
    await people.user(roles={"demo": Role.USER})
    actor = await signed_in(people, "anna@example.org")
    with pytest.raises(error):
        await people.identity.invitations.invite(actor, people.demo.workspace_id, **given)  # type: ignore[arg-type]
    assert await mails(people) == []


async def test_roles_go_down_from_ones_own_and_the_last_administrator_stays(people: People) -> None:
    anna_id = await people.user()
    bert_id = await people.user("bert@example.org", roles={"demo": Role.USER})
    anna, users, demo = await signed_in(people, "anna@example.org"), people.identity.users, people.demo.workspace_id
    with pytest.raises(DeniedError):
        await users.set_role(anna, demo, anna_id, role=Role.USER)
    await users.set_role(anna, demo, bert_id, role=Role.ADMINISTRATOR)
    bert = await signed_in(people, "bert@example.org")
    await users.set_role(bert, demo, anna_id, role=Role.OBSERVER)
    token = people.ground.authority.issue(
        "administrator@demo", now=int(people.clock().timestamp()), ttl_s=60, workspace_id=demo, workspace="demo",
        role=Role.ADMINISTRATOR,
    )  # fmt: skip
    shell = await people.identity.authenticator.authenticate(f"Bearer {token}")
    for attempt in (
        users.set_role(shell, demo, bert_id, role=Role.USER),
        users.remove(shell, demo, bert_id),
        users.suspend(shell, demo, bert_id),
        users.erase(shell, demo, bert_id),
    ):
        with pytest.raises(DeniedError, match="last administrator"):
            await attempt


async def test_two_administrators_cannot_remove_each_other_at_once(people: People) -> None:
    ids = [await people.user(f"admin{number}@example.org") for number in range(2)]
    principals = [await signed_in(people, f"admin{number}@example.org") for number in range(2)]
    tried = await asyncio.gather(
        people.identity.users.remove(principals[0], people.demo.workspace_id, ids[1]),
        people.identity.users.remove(principals[1], people.demo.workspace_id, ids[0]),
        return_exceptions=True,
    )
    assert sorted(each is None for each in tried) == [False, True]


async def test_who_is_suspended_is_out_at_once_and_back_when_activated(people: People) -> None:
    await people.user()
    bert_id = await people.user("bert@example.org", roles={"demo": Role.USER})
    anna = await signed_in(people, "anna@example.org")
    signed = await people.identity.login.with_password("bert@example.org", PASSWORD, HERE)
    assert isinstance(signed, Signed)
    await people.identity.users.suspend(anna, people.demo.workspace_id, bert_id)
    for attempt in (
        people.identity.authenticator.authenticate(f"Bearer {signed.access_token}"),
        people.identity.sessions.refresh(signed.refresh_token, HERE),
        people.identity.login.with_password("bert@example.org", PASSWORD, HERE),
    ):
        with pytest.raises(AuthenticationError):
            await attempt
    with pytest.raises(ConflictError):
        await people.identity.users.suspend(anna, people.demo.workspace_id, bert_id)
    await people.identity.users.activate(anna, people.demo.workspace_id, bert_id)
    assert (await signed_in(people, "bert@example.org")).user_id == bert_id


async def test_a_guest_can_be_taken_out_and_nothing_else(people: People) -> None:
    """Someone of another organisation is its own to suspend, erase and export."""
    await people.user()
    elsewhere = people.tenants.new_id()
    await people.tenants.execute(
        "INSERT INTO organisation (id, parent_id, name)"
        " SELECT $1, id, 'else' FROM organisation WHERE parent_id IS NULL",
        elsewhere,
    )
    guest_id = await people.user("guest@example.org", roles={"demo": Role.USER}, organisation_id=elsewhere)
    anna, users, demo = await signed_in(people, "anna@example.org"), people.identity.users, people.demo.workspace_id
    for attempt in (
        users.suspend(anna, demo, guest_id),
        users.erase(anna, demo, guest_id),
        users.export(anna, guest_id),
    ):
        with pytest.raises(DeniedError, match="another organisation"):
            await attempt
    await users.remove(anna, demo, guest_id)
    with pytest.raises(NotFoundError):
        await users.remove(anna, demo, guest_id)
    assert await people.ground.database.pool.fetchval("SELECT count(*) FROM user_account WHERE id = $1", guest_id) == 1


async def test_who_a_person_is_in_other_workspaces_of_the_organisation_counts_for_what_is_done_everywhere(
    people: People,
) -> None:
    demo, other, pool = people.demo.workspace_id, people.other.workspace_id, people.ground.database.pool
    await pool.execute(
        "UPDATE workspace SET organisation_id = (SELECT organisation_id FROM workspace WHERE id = $1)", demo
    )
    await people.user()
    await people.user("carl@example.org", roles={"other": Role.ADMINISTRATOR})
    bert_id = await people.user("bert@example.org", roles={"demo": Role.OBSERVER, "other": Role.ADMINISTRATOR})
    grant = custom_grant({*ROLE_PERMISSIONS[Role.OBSERVER], "user:read", "user:write"}, None)
    clerk = custom_member("clerk", demo, "demo", (1, "Clerks"), grant, 1 << 40)
    users = people.identity.users
    for attempt in (
        users.suspend(clerk, demo, bert_id),
        users.activate(clerk, demo, bert_id),
        users.erase(clerk, demo, bert_id),
        users.export(clerk, bert_id),
    ):
        with pytest.raises(DeniedError, match="allows more than yours"):
            await attempt
    await users.suspend(await signed_in(people, "anna@example.org"), demo, bert_id)
    await users.remove(clerk, demo, bert_id)
    left = await pool.fetch("SELECT workspace_id FROM membership WHERE user_id = $1", bert_id)
    assert [row["workspace_id"] for row in left] == [other]


async def test_a_member_who_is_nowhere_else_is_forgotten_when_removed(people: People) -> None:
    await people.user()
    bert_id = await people.user("bert@example.org", roles={"demo": Role.USER})
    anna = await signed_in(people, "anna@example.org")
    await people.identity.users.remove(anna, people.demo.workspace_id, bert_id)
    assert await people.ground.database.pool.fetchval("SELECT count(*) FROM user_account WHERE id = $1", bert_id) == 0


async def test_members_of_another_workspace_are_not_there(people: People) -> None:
    await people.user()
    other_id = await people.user("bert@example.org", roles={"other": Role.USER})
    anna, users, demo = await signed_in(people, "anna@example.org"), people.identity.users, people.demo.workspace_id
    for attempt in (
        users.set_role(anna, demo, other_id, role=Role.USER), users.remove(anna, demo, other_id),
        users.suspend(anna, demo, other_id), users.activate(anna, demo, other_id), users.erase(anna, demo, other_id),
        users.export(anna, other_id),
    ):  # fmt: skip
        with pytest.raises(NotFoundError):
            await attempt


async def test_an_export_holds_what_is_kept_and_no_secret(people: People) -> None:
    user_id = await people.user(roles={"demo": Role.OBSERVER})
    anna = await signed_in(people, "anna@example.org")
    export = await people.identity.users.export(anna, user_id)
    assert export["email"] == "anna@example.org"
    assert [each["workspace"] for each in export["memberships"]] == ["demo"]
    assert export["sessions"][0]["address"] == "192.0.2.7"
    assert "hash" not in str(export)
    assert "argon2" not in str(export)


async def test_erasing_leaves_nothing_of_a_person(people: People) -> None:
    await people.user()
    bert_id = await people.user("bert@example.org", roles={"demo": Role.USER, "other": Role.USER})
    anna = await signed_in(people, "anna@example.org")
    await signed_in(people, "bert@example.org")
    await people.identity.users.erase(anna, people.demo.workspace_id, bert_id)
    pool = people.ground.database.pool
    tables = await pool.fetch(
        "SELECT table_name FROM information_schema.columns WHERE column_name = 'user_id' AND table_schema = 'public'"
        " AND table_name NOT LIKE 'audit%'"
    )
    for table in {row["table_name"] for row in tables}:
        count = await pool.fetchval(f"SELECT count(*) FROM {table} WHERE user_id = $1", bert_id)  # noqa: S608
        assert count == 0, table


async def test_a_password_is_changed_by_who_knows_the_old_one_and_others_are_signed_out(people: People) -> None:
    user_id = await people.user()
    anna = await signed_in(people, "anna@example.org")
    await signed_in(people, "anna@example.org")
    changes = people.identity.password_changes
    with pytest.raises(DeniedError):
        await changes.change(anna, "wrong", NEW_PASSWORD, HERE)
    for bad in ("short", "x" * 257, "anna@example.org 1", "\x07bell and whistle of brass", PASSWORD):
        with pytest.raises(InvalidError):
            await changes.change(anna, PASSWORD, bad, HERE)
    await changes.change(anna, PASSWORD, NEW_PASSWORD, HERE)
    now = people.clock()
    left = await open_sessions(people.ground.database.pool, user_id, now, now - timedelta(days=1))
    assert [session.id for session in left] == [anna.session_id]
    with pytest.raises(AuthenticationError):
        await people.identity.login.with_password("anna@example.org", PASSWORD, HERE)
    (mail,) = await mails(people)
    assert mail["subject"] == "Your Motet password was changed"


async def test_a_forgotten_password_is_replaced_by_a_link_that_is_good_once(people: People) -> None:
    await people.user()
    anna = await signed_in(people, "anna@example.org")
    assert (await people.http("/auth/password/forgot", {"email": "Anna@example.org"})).status == 202
    (mail,) = await mails(people)
    assert mail["to"] == "anna@example.org"
    token = token_in(mail)
    weak = await people.http("/auth/password/reset", {"token": token, "password": "123456789012"})
    assert weak.status == 400
    assert (await people.http("/auth/password/reset", {"token": token, "password": NEW_PASSWORD})).status == 204
    assert (await people.http("/auth/password/reset", {"token": token, "password": NEW_PASSWORD})).status == 401
    signed = await people.identity.login.with_password("anna@example.org", NEW_PASSWORD, HERE)
    assert isinstance(signed, Signed)
    left = await people.identity.sessions.opened(signed.user_id)
    assert anna.session_id not in [session.id for session in left]


async def test_who_asks_for_a_new_password_learns_nothing(people: People) -> None:
    await people.user()
    emails = ("anna@example.org", "nobody@example.org", "no address")
    answers = [(await people.http("/auth/password/forgot", {"email": email})).body for email in emails]
    assert answers[0] == answers[1] == answers[2]
    assert len(await mails(people)) == 1


async def test_a_stranger_who_asks_for_many_links_fills_neither_tables_nor_the_log(people: People) -> None:
    await people.user()
    for number in range(ADDRESS_RESETS + 5):
        told = await people.http("/auth/password/forgot", {"email": f"nobody{number}@example.org"})
        assert (told.status, told.body) == (202, {"accepted": True})
    await people.http("/auth/password/forgot", {"email": "anna@example.org"})
    assert await mails(people) == []
    pool = people.ground.database.pool
    assert await pool.fetchval("SELECT count(*) FROM sign_in_attempt WHERE key LIKE 'reset %'") == ADDRESS_RESETS
    entries = await pool.fetch("SELECT outcome, code FROM audit_entry WHERE edge = 'REST'")
    assert [row["outcome"] for row in entries].count("DONE") == ADDRESS_RESETS
    assert {tuple(row) for row in entries} == {("DONE", None), ("REFUSED", "LIMIT_REACHED")}  # and these are counted
    people.clock.forward(RESETS_EVERY)
    await people.http("/auth/password/forgot", {"email": "anna@example.org"})
    assert len(await mails(people)) == 1


async def test_resets_are_few_and_only_the_newest_counts_and_not_for_long(people: People) -> None:
    await people.user()
    for _ in range(6):
        await people.identity.password_changes.forgot("anna@example.org", HERE)
    queued = await mails(people)
    assert len(queued) == 3
    for mail in queued[:-1]:
        with pytest.raises(AuthenticationError):
            await people.identity.password_changes.reset(token_in(mail), NEW_PASSWORD, HERE)
    people.clock.forward(RESET_GOOD_FOR + timedelta(seconds=1))
    with pytest.raises(AuthenticationError):
        await people.identity.password_changes.reset(token_in(queued[-1]), NEW_PASSWORD, HERE)


async def test_a_reset_is_mailed_in_ones_language(people: People) -> None:
    user_id = await people.user()
    await people.identity.password_changes.forgot("anna@example.org", HERE, "xx, fr-CA;q=0.8, de;q=0.5")
    await people.identity.users.describe(user_id, locale="it", sets_locale=True)
    await people.identity.password_changes.forgot("anna@example.org", HERE, "fr")
    assert [mail["subject"] for mail in await mails(people)] == [
        "Un nouveau mot de passe pour Motet", "Una nuova password per Motet"
    ]  # fmt: skip


async def test_open_invitations_are_bounded(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("motet.identity.invitations.OPEN_INVITATIONS", 2)
    await people.user()
    anna = await signed_in(people, "anna@example.org")
    for number in range(2):
        await people.identity.invitations.invite(
            anna, people.demo.workspace_id, f"u{number}@example.org", role=Role.USER
        )
    with pytest.raises(LimitReachedError):
        await people.identity.invitations.invite(anna, people.demo.workspace_id, "u3@example.org", role=Role.USER)


async def test_the_operator_invites_a_first_administrator(people: People) -> None:
    token = people.ground.authority.issue("operator", now=int(people.clock().timestamp()), ttl_s=60)
    operator = await people.identity.authenticator.authenticate(f"Bearer {token}")
    link = await people.identity.invitations.link_for(
        operator, people.demo.workspace_id, "first@example.org", role=Role.ADMINISTRATOR
    )
    signed = await people.identity.invitations.accept(link.partition("#token=")[2], HERE, password=NEW_PASSWORD)
    assert isinstance(signed, Signed)
    assert (signed.workspace, await mails(people)) == ("demo", [])


@pytest.mark.parametrize(
    "text",
    ["", "a", "@b.de", "a@b", "a b@c.de", "a@b..de", "a@b.de\n", "a@-b.de", "a,b@c.de", "a@b.d", "x" * 65 + "@b.de"],
)
def test_what_is_no_address(text: str) -> None:
    if text.strip() != text:
        assert email_of(text)[0] == text.strip()
        return
    with pytest.raises(InvalidError):
        email_of(text)


def test_addresses_are_one_whatever_their_case_and_width() -> None:
    assert email_of("Ａnna@Example.ORG")[1] == email_of("anna@example.org")[1]


async def test_without_mail_an_invitation_says_so(people: People) -> None:
    await people.user()
    anna = await signed_in(people, "anna@example.org")
    post = people.identity.invitations._post
    try:
        post.sends = False
        with pytest.raises(DeniedError, match="motet user invite"):
            await people.identity.invitations.invite(anna, people.demo.workspace_id, "b@example.org", role=Role.USER)
    finally:
        post.sends = True
