"""Mails about what was changed of somebody's way in: in the same transaction, in their language, once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import orjson
import pytest
from test_second_factors import EMAIL, Ada, ada_in

from motet.domain.errors import DomainError, InvalidError
from motet.domain.totp import STEP_S
from motet.identity.lock_out import LOCK, USER_ATTEMPTS
from motet.identity.notices import LOCKED_AGAIN
from motet.identity.second_factor.sign_in import Proof
from people_world import HERE, PASSWORD, People
from software_authenticator import SoftwareAuthenticator


async def subjects(people: People) -> list[str]:
    """Of the mails that are queued, oldest first."""
    rows = await people.ground.database.pool.fetch("SELECT sealed FROM mail ORDER BY id")
    mails = [orjson.loads(people.ground.box.decrypt(row["sealed"])) for row in rows]
    assert {mail["to"] for mail in mails} <= {EMAIL}
    return [mail["subject"] for mail in mails]


async def newest(people: People) -> str:
    row = await people.ground.database.pool.fetchrow("SELECT sealed FROM mail ORDER BY id DESC LIMIT 1")
    assert row is not None
    return str(orjson.loads(people.ground.box.decrypt(row["sealed"]))["text"])


async def register_passkey(people: People, ada: Ada, name: str) -> int:
    asked = await people.identity.enrolment.ask_to_register_passkey(ada.account, None)
    key = SoftwareAuthenticator("https://motet.example.org", "motet.example.org")
    enrolled = await people.identity.enrolment.register_passkey(
        ada.account, asked.state, key.create(dict(asked.options)), name
    )
    assert enrolled.passkey_id is not None
    return enrolled.passkey_id


async def test_an_app_that_comes_and_goes_is_told_of(people: People) -> None:
    ada = await ada_in(people)
    await people.identity.enrolment.enroll_totp(ada.account, None)
    assert await subjects(people) == []
    await ada.set_up()
    assert await subjects(people) == ["An authenticator app was added to your Motet account"]
    assert "If it was not you, change your password at once" in await newest(people)
    await people.identity.enrolment.regenerate_recovery_codes(ada.account, None)
    await people.identity.enrolment.delete_totp(ada.account, None)
    assert (await subjects(people))[1:] == [
        "New recovery codes for your Motet account",
        "The authenticator app was removed from your Motet account",
    ]


async def test_passkeys_are_told_of_by_name(people: People) -> None:
    ada = await ada_in(people)
    passkey_id = await register_passkey(people, ada, " Ada's phone ")
    assert "The passkey Ada's phone was added" in await newest(people)
    await people.identity.enrolment.delete_passkey(ada.account, passkey_id, None)
    assert "The passkey Ada's phone was removed" in await newest(people)
    assert len(await subjects(people)) == 2


async def test_a_recovery_code_and_a_trusted_device_are_told_of_with_where(people: People) -> None:
    ada = await ada_in(people)
    await ada.set_up()
    asked = await ada.asked()
    with pytest.raises(InvalidError):
        await people.identity.second_step.finish(asked.mfa_token, Proof(recovery_code="AAAA-BBBB"), HERE)
    assert len(await subjects(people)) == 1
    await people.identity.second_step.finish(asked.mfa_token, Proof(recovery_code=ada.recovery_codes[0]), HERE)
    text = await newest(people)
    assert "with a recovery code. 9 are left." in text
    assert "from 192.0.2.7." in text
    await people.identity.second_step.trust(ada.user_id, HERE)
    assert "not asked for on a device any more, for 90 days: a browser" in await newest(people)
    assert len(await subjects(people)) == 3


async def test_notices_are_in_the_users_language_else_the_organisations(people: People) -> None:
    ada = await ada_in(people)
    await people.ground.database.pool.execute("UPDATE organisation SET locale = 'fr'")
    await register_passkey(people, ada, "eins")
    await people.identity.users.describe(ada.user_id, locale="de", sets_locale=True)
    await register_passkey(people, ada, "zwei")
    assert await subjects(people) == [
        "Une clé d'accès a été ajoutée à votre compte Motet",
        "Zu Ihrem Motet-Konto wurde ein Passkey hinzugefügt",
    ]


async def test_what_did_not_happen_is_not_told_of(people: People) -> None:
    ada = await ada_in(people)
    await people.identity.enrolment.enroll_totp(ada.account, None)
    for refused in (
        people.identity.enrolment.confirm_totp(ada.account, "no code"),
        people.identity.enrolment.delete_totp(ada.account, "wrong password"),
        people.identity.enrolment.regenerate_recovery_codes(ada.account, None),
        people.identity.enrolment.delete_passkey(ada.account, 1, None),
    ):
        with pytest.raises(DomainError):
            await refused
    assert await subjects(people) == []


async def wrong(people: People, email: str = EMAIL) -> None:
    with pytest.raises(Exception, match=r"not right|Too many"):
        await people.identity.login.with_password(email, "not the password", HERE)


async def test_who_is_locked_out_is_told_once_a_day(people: People) -> None:
    await people.user()
    for _ in range(USER_ATTEMPTS - 1):
        await wrong(people)
        await wrong(people, "nobody@example.org")
    await people.identity.notices.tell_locked()
    assert await subjects(people) == []
    await wrong(people)
    await wrong(people, "nobody@example.org")
    await asyncio.gather(people.identity.notices.tell_locked(), people.identity.notices.tell_locked())
    await wrong(people)
    await people.identity.notices.tell_locked()
    assert await subjects(people) == ["Too many attempts to sign in to your Motet account"]
    for told in (1, 1, 2):
        people.clock.forward(LOCK + timedelta(seconds=STEP_S) if told == 1 else LOCKED_AGAIN)
        for _ in range(USER_ATTEMPTS):
            await wrong(people)
        await people.identity.notices.tell_locked()
        assert len(await subjects(people)) == told


async def test_of_several_who_are_locked_out_those_are_told_who_were_not_today(people: People) -> None:
    await people.user()
    await people.user("bert@example.org")
    for locked in ((EMAIL,), (EMAIL, "bert@example.org")):
        for email in locked:
            for _ in range(USER_ATTEMPTS):
                await wrong(people, email)
        await people.identity.notices.tell_locked()
        people.clock.forward(LOCK + timedelta(seconds=STEP_S))
    rows = await people.ground.database.pool.fetch("SELECT sealed FROM mail ORDER BY id")
    told = [orjson.loads(people.ground.box.decrypt(row["sealed"]))["to"] for row in rows]
    assert told == [EMAIL, "bert@example.org"]


async def test_a_right_password_at_the_last_attempt_locks_nobody(people: People) -> None:
    await people.user()
    for _ in range(USER_ATTEMPTS - 1):
        await wrong(people)
    await people.identity.login.with_password(EMAIL, PASSWORD, HERE)
    await people.identity.notices.tell_locked()
    assert await subjects(people) == []
