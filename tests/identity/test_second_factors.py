"""Second factors: set up by whoever is signed in, asked for at the next sign-in, on two nodes at once."""

from __future__ import annotations

import asyncio
import base64
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from motet.access.principals import ENROLMENT_PERMISSIONS, ROLE_PERMISSIONS, Role
from motet.access.tokens import AuthenticationError
from motet.domain.errors import ConflictError, DeniedError, InvalidError, LimitReachedError, NotFoundError
from motet.domain.totp import STEP_S, code_at, step_at
from motet.identity.lock_out import LOCK, USER_ATTEMPTS
from motet.identity.login import SecondFactorNeeded
from motet.identity.second_factor.enrolment import FRESH, Account
from motet.identity.second_factor.sign_in import Proof
from motet.identity.second_factor.totp import PENDING_FOR
from motet.identity.second_factor.trusted_devices import TRUSTED_FOR
from motet.identity.services import Identity, build_identity
from motet.identity.sessions import Signed
from motet.storage.user import set_password
from people_world import HERE, PASSWORD, People
from software_authenticator import SoftwareAuthenticator

EMAIL = "anna@example.org"


class Ada:
    """A user, their app, and two nodes."""

    def __init__(self, people: People, user_id: int, signed: Signed) -> None:
        self.people = people
        self.user_id = user_id
        self.signed = signed
        self.account = Account(user_id, signed.session_id)
        self.other_node = build_identity(people.ground)
        self.secret = b""
        self.recovery_codes: list[str] = []

    @property
    def nodes(self) -> tuple[Identity, Identity]:
        return self.people.identity, self.other_node

    def code(self, steps: int = 0) -> str:
        return code_at(self.secret, step_at(self.people.clock().timestamp()) + steps)

    async def set_up(self) -> None:
        """An authenticator app, turned on."""
        enrolment = self.people.identity.enrolment
        new = await enrolment.enroll_totp(self.account, None)
        self.secret = base64.b32decode(new.secret.replace(" ", ""))
        self.recovery_codes = (await enrolment.confirm_totp(self.account, self.code())).recovery_codes
        self.people.clock.forward(timedelta(seconds=STEP_S))

    async def asked(self, device: str | None = None) -> SecondFactorNeeded:
        needed = await self.people.identity.login.with_password(EMAIL, PASSWORD, HERE, trusted_device=device)
        assert isinstance(needed, SecondFactorNeeded)
        return needed


async def ada_in(people: People) -> Ada:
    user_id = await people.user()
    signed = await people.identity.login.with_password(EMAIL, PASSWORD, HERE)
    assert isinstance(signed, Signed)
    return Ada(people, user_id, signed)


async def test_an_app_is_shown_tried_and_then_asked_for(people: People) -> None:
    ada = await ada_in(people)
    new = await people.identity.enrolment.enroll_totp(ada.account, None)
    assert new.otpauth_uri.startswith("otpauth://totp/Motet:anna%40example.org?secret=")
    assert new.qr_code.startswith("data:image/svg+xml")
    assert new.secret not in repr(new)
    status = await people.identity.totp.status(ada.user_id)
    assert status is not None
    assert status.status == "PENDING"
    assert isinstance(await people.identity.login.with_password(EMAIL, PASSWORD, HERE), Signed)
    ada.secret = base64.b32decode(new.secret.replace(" ", ""))
    stored = await people.ground.database.pool.fetchval("SELECT secret_encrypted FROM totp")
    assert ada.secret not in stored
    with pytest.raises(InvalidError):
        await people.identity.enrolment.confirm_totp(ada.account, "000000" if ada.code() != "000000" else "000001")
    enrolled = await people.identity.enrolment.confirm_totp(ada.account, ada.code())
    assert len(enrolled.recovery_codes) == 10
    status = await people.identity.totp.status(ada.user_id)
    assert status is not None
    assert status.status == "ACTIVE"
    needed = await ada.asked()
    assert needed.methods == ("totp", "recovery_code")
    with pytest.raises(InvalidError):  # the code that turned it on is used
        await people.identity.second_step.finish(needed.mfa_token, Proof(code=ada.code()), HERE)
    people.clock.forward(timedelta(seconds=STEP_S))
    signed = await people.identity.second_step.finish(needed.mfa_token, Proof(code=ada.code()), HERE)
    methods = await people.ground.database.pool.fetchval(
        "SELECT methods FROM login_session WHERE id = $1", signed.session_id
    )
    assert methods == ["pwd", "otp", "mfa"]


async def test_a_code_signs_in_once_on_two_nodes_at_the_same_time(people: People) -> None:
    ada = await ada_in(people)
    await ada.set_up()
    tokens = [(await ada.asked()).mfa_token for _ in range(2)]
    code = ada.code()
    outcomes: list[Any] = await asyncio.gather(
        *(
            node.second_step.finish(token, Proof(code=code), HERE)
            for node, token in zip(ada.nodes, tokens, strict=True)
        ),
        return_exceptions=True,
    )
    assert sorted(type(outcome) for outcome in outcomes if isinstance(outcome, Signed)) == [Signed]
    assert [outcome.path for outcome in outcomes if isinstance(outcome, InvalidError)] == [("code",)]


async def test_a_recovery_code_signs_in_once_on_two_nodes_at_the_same_time(people: People) -> None:
    ada = await ada_in(people)
    await ada.set_up()
    tokens = [(await ada.asked()).mfa_token for _ in range(2)]
    outcomes: list[Any] = await asyncio.gather(
        *(
            node.second_step.finish(token, Proof(recovery_code=ada.recovery_codes[3].upper()), HERE)
            for node, token in zip(ada.nodes, tokens, strict=True)
        ),
        return_exceptions=True,
    )
    assert len([outcome for outcome in outcomes if isinstance(outcome, Signed)]) == 1
    assert [outcome.path for outcome in outcomes if isinstance(outcome, InvalidError)] == [("recovery_code",)]
    assert await people.identity.enrolment.recovery_codes_left(ada.user_id) == 9


async def test_parallel_guesses_lock_out_on_two_nodes_and_a_right_password_forgives_none(people: People) -> None:
    ada = await ada_in(people)
    await ada.set_up()
    needed = await ada.asked()  # one attempt: not over until the second factor is shown
    wrong = "000000" if "000000" not in {ada.code(step) for step in (-1, 0, 1)} else "123456"
    outcomes = await asyncio.gather(
        *(node.second_step.finish(needed.mfa_token, Proof(code=wrong), HERE) for node in ada.nodes * 10),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, InvalidError) for outcome in outcomes) == USER_ATTEMPTS - 1
    assert sum(isinstance(outcome, LimitReachedError) for outcome in outcomes) == 21 - USER_ATTEMPTS
    for proof in (Proof(code=ada.code()), Proof(recovery_code=ada.recovery_codes[0])):
        with pytest.raises(LimitReachedError):
            await people.identity.second_step.finish(needed.mfa_token, proof, HERE)
    with pytest.raises(LimitReachedError):
        await ada.asked()
    people.clock.forward(LOCK)
    signed = await people.identity.second_step.finish((await ada.asked()).mfa_token, Proof(code=ada.code()), HERE)
    assert signed.user_id == ada.user_id


async def test_a_sign_in_is_finished_once_and_in_time(people: People) -> None:
    ada = await ada_in(people)
    await ada.set_up()
    needed = await ada.asked()
    await people.identity.second_step.finish(needed.mfa_token, Proof(recovery_code=ada.recovery_codes[0]), HERE)
    with pytest.raises(AuthenticationError):
        await people.identity.second_step.finish(needed.mfa_token, Proof(recovery_code=ada.recovery_codes[1]), HERE)
    needed = await ada.asked()
    people.clock.forward(timedelta(minutes=5))
    with pytest.raises(AuthenticationError):
        await people.identity.second_step.finish(needed.mfa_token, Proof(code=ada.code()), HERE)


async def test_a_trusted_device_is_not_asked_until_90_days_or_a_new_password(people: People) -> None:
    ada = await ada_in(people)
    await ada.set_up()
    first, second = [await people.identity.trusted_devices.trust(ada.user_id, HERE) for _ in range(2)]
    signed = await ada.other_node.login.with_password(EMAIL, PASSWORD, HERE, trusted_device=first)
    assert isinstance(signed, Signed)
    for made_up in ("x", "é", "", "x" * 200):
        await ada.asked(made_up)
        await people.ground.database.pool.execute("DELETE FROM sign_in_attempt")
    bob = await people.user("bob@example.org")
    assert not await people.identity.trusted_devices.is_trusted(bob, first)
    devices = await people.identity.trusted_devices.of_user(ada.user_id)
    assert [(device.user_agent, device.address) for device in devices] == [("a browser", "192.0.2.7")] * 2
    with pytest.raises(NotFoundError):
        await people.identity.enrolment.delete_trusted_device(Account(bob, 1), devices[0].id)
    await people.identity.enrolment.delete_trusted_device(ada.account, devices[0].id)
    await ada.asked(first)
    assert await people.identity.trusted_devices.is_trusted(ada.user_id, second)
    people.clock.forward(timedelta(seconds=1))
    async with people.ground.database.pool.acquire() as connection:
        password_hash = await people.ground.passwords.hash(PASSWORD)
        await set_password(connection, ada.user_id, password_hash, people.clock())
    await ada.asked(second)
    assert await people.identity.trusted_devices.of_user(ada.user_id) == []
    people.clock.forward(timedelta(seconds=1))
    third = await people.identity.trusted_devices.trust(ada.user_id, HERE)
    people.clock.forward(TRUSTED_FOR)
    assert not await people.identity.trusted_devices.is_trusted(ada.user_id, third)


async def test_changes_need_the_password_once_the_sign_in_is_no_longer_fresh(people: People) -> None:
    ada = await ada_in(people)
    people.clock.forward(FRESH)
    enrolment = people.identity.enrolment
    for password in (None, "wrong"):
        with pytest.raises(DeniedError) as caught:
            await enrolment.enroll_totp(ada.account, password)
        assert caught.value.path == ("password",)
    await enrolment.enroll_totp(ada.account, PASSWORD)
    for _ in range(USER_ATTEMPTS):
        with pytest.raises(DeniedError):
            await enrolment.enroll_totp(ada.account, "wrong")
    with pytest.raises(LimitReachedError):
        await enrolment.enroll_totp(ada.account, PASSWORD)
    people.clock.forward(PENDING_FOR)
    with pytest.raises(ConflictError):
        await enrolment.confirm_totp(ada.account, "123456")


async def test_a_session_without_the_second_factor_does_not_change_it(people: People) -> None:
    ada = await ada_in(people)
    before = await people.identity.login.with_password(EMAIL, PASSWORD, HERE)
    assert isinstance(before, Signed)
    await ada.set_up()
    enrolment, thin = people.identity.enrolment, Account(ada.user_id, before.session_id)
    for change in (
        enrolment.enroll_totp(thin, PASSWORD),
        enrolment.delete_totp(thin, PASSWORD),
        enrolment.regenerate_recovery_codes(thin, PASSWORD),
        enrolment.ask_to_register_passkey(thin, PASSWORD),
    ):
        with pytest.raises(DeniedError, match="second factor"):
            await change
    await people.identity.sessions.end(ada.user_id, ada.signed.session_id)
    with pytest.raises(DeniedError, match="ended"):
        await enrolment.delete_totp(ada.account, PASSWORD)


async def test_a_trusted_device_does_not_let_anybody_change_what_it_stands_in_for(people: People) -> None:
    ada = await ada_in(people)
    await ada.set_up()
    device = await people.identity.second_step.trust(ada.user_id, HERE)
    thief = await people.identity.login.with_password(EMAIL, PASSWORD, HERE, trusted_device=device)
    assert isinstance(thief, Signed)
    enrolment, of_thief = people.identity.enrolment, Account(ada.user_id, thief.session_id)
    for change in (
        enrolment.enroll_totp(of_thief, PASSWORD),
        enrolment.delete_totp(of_thief, PASSWORD),
        enrolment.regenerate_recovery_codes(of_thief, None),
        enrolment.ask_to_register_passkey(of_thief, None),
    ):
        with pytest.raises(DeniedError, match="second factor"):
            await change
    assert len(await enrolment.regenerate_recovery_codes(ada.account, PASSWORD)) == 10


async def test_what_a_thin_session_began_does_not_end_once_there_is_a_second_factor(people: People) -> None:
    ada = await ada_in(people)
    thief = await people.identity.login.with_password(EMAIL, PASSWORD, HERE)
    assert isinstance(thief, Signed)
    thin, enrolment = Account(ada.user_id, thief.session_id), people.identity.enrolment
    begun = await enrolment.ask_to_register_passkey(ada.account, None)
    of_thief = await enrolment.ask_to_register_passkey(thin, None)
    secret = base64.b32decode((await enrolment.enroll_totp(thin, None)).secret.replace(" ", ""))
    device = SoftwareAuthenticator("https://motet.example.org", "motet.example.org")
    await enrolment.register_passkey(ada.account, begun.state, device.create(begun.options), "Ada's")
    ada.secret = secret
    for change in (
        enrolment.confirm_totp(thin, ada.code()),
        enrolment.register_passkey(thin, of_thief.state, device.create(of_thief.options), "The thief's"),
    ):
        with pytest.raises(DeniedError, match="second factor"):
            await change
    methods = "SELECT methods FROM login_session WHERE id = $1"
    assert await people.ground.database.pool.fetchval(methods, thief.session_id) == ["pwd"]


async def test_a_sign_in_that_began_with_a_former_password_is_not_finished(people: People) -> None:
    ada = await ada_in(people)
    await ada.set_up()
    begun = await ada.asked()
    principal = await people.identity.authenticator.authenticate(f"Bearer {ada.signed.access_token}")
    await people.identity.password_changes.change(principal, PASSWORD, "another horse, battery and staple", HERE)
    with pytest.raises(AuthenticationError, match="sign in again"):
        await people.identity.second_step.finish(begun.mfa_token, Proof(code=ada.code()), HERE)


async def test_another_app_takes_over_once_it_is_confirmed(people: People) -> None:
    ada = await ada_in(people)
    await ada.set_up()
    old = ada.secret
    new = await people.identity.enrolment.enroll_totp(ada.account, None)
    assert await people.identity.totp.check(ada.user_id, ada.code())
    ada.secret = base64.b32decode(new.secret.replace(" ", ""))
    assert (await people.identity.enrolment.confirm_totp(ada.account, ada.code())).recovery_codes == []
    people.clock.forward(timedelta(seconds=STEP_S))
    assert not await people.identity.totp.check(ada.user_id, code_at(old, step_at(people.clock().timestamp())))
    assert await people.identity.totp.check(ada.user_id, ada.code())


async def test_recovery_codes_are_made_anew_and_go_with_the_last_factor(people: People) -> None:
    ada = await ada_in(people)
    enrolment = people.identity.enrolment
    with pytest.raises(DeniedError):
        await enrolment.regenerate_recovery_codes(ada.account, None)
    with pytest.raises(NotFoundError):
        await enrolment.delete_totp(ada.account, None)
    await ada.set_up()
    fresh = await enrolment.regenerate_recovery_codes(ada.account, None)
    assert len({*fresh, *ada.recovery_codes}) == 20
    token = (await ada.asked()).mfa_token
    with pytest.raises(InvalidError):
        await people.identity.second_step.finish(token, Proof(recovery_code=ada.recovery_codes[0]), HERE)
    await people.identity.second_step.finish(token, Proof(recovery_code=fresh[0]), HERE)
    await people.identity.trusted_devices.trust(ada.user_id, HERE)
    await enrolment.delete_totp(ada.account, None)
    assert await enrolment.recovery_codes_left(ada.user_id) == 0
    assert await people.identity.trusted_devices.of_user(ada.user_id) == []
    assert isinstance(await people.identity.login.with_password(EMAIL, PASSWORD, HERE), Signed)


async def test_an_organisation_asks_for_a_second_factor_of_all_below_it(people: People) -> None:
    pool = people.ground.database.pool
    root = await pool.fetchval("SELECT id FROM organisation WHERE parent_id IS NULL")
    below = people.tenants.new_id()
    await pool.execute("INSERT INTO organisation (id, name, parent_id) VALUES ($1, 'below', $2)", below, root)
    await people.user("eve@example.org", organisation_id=below)
    await pool.execute("UPDATE organisation SET mfa_required = true WHERE id = $1", root)
    signed = await people.identity.login.with_password("eve@example.org", PASSWORD, HERE)
    assert isinstance(signed, Signed)
    authenticate = people.identity.authenticator.authenticate
    principal = await authenticate(f"Bearer {signed.access_token}")
    assert principal.permissions == ENROLMENT_PERMISSIONS
    eve = Ada(people, signed.user_id, signed)
    await eve.set_up()
    principal = await authenticate(f"Bearer {signed.access_token}")
    assert principal.permissions == ROLE_PERMISSIONS[Role.ADMINISTRATOR]
    with pytest.raises(DeniedError, match="asks for a second factor"):
        await people.identity.enrolment.delete_totp(eve.account, None)
    again = await people.identity.login.with_password("eve@example.org", PASSWORD, HERE)
    assert isinstance(again, SecondFactorNeeded)
    full = await people.identity.second_step.finish(again.mfa_token, Proof(code=eve.code()), HERE)
    principal = await authenticate(f"Bearer {full.access_token}")
    assert principal.permissions == ROLE_PERMISSIONS[Role.ADMINISTRATOR]
    device = await people.identity.trusted_devices.trust(signed.user_id, HERE)
    trusted = await people.identity.login.with_password("eve@example.org", PASSWORD, HERE, trusted_device=device)
    assert isinstance(trusted, Signed)
    assert (await authenticate(f"Bearer {trusted.access_token}")).permissions == principal.permissions


async def asks_administrators(people: People) -> asyncpg.Pool:
    """The root asks its administrators alone."""
    pool = people.ground.database.pool
    await pool.execute(
        "UPDATE organisation SET mfa_required = true, mfa_of_administrators = true WHERE parent_id IS NULL"
    )
    return pool


CLERK = ("sim:read", "user:read", "audit:read")
KEEPER = ("sim:read", "api_key:write")


@pytest.mark.parametrize(
    ("role", "permissions", "is_super_admin", "asked"),
    [
        ("OBSERVER", None, False, False),
        ("USER", None, False, False),
        ("ADMINISTRATOR", None, False, True),
        ("SUPER_ADMIN", None, False, True),
        ("USER", None, True, True),
        ("CUSTOM", CLERK, False, False),
        ("CUSTOM", KEEPER, False, True),
    ],
)
async def test_an_organisation_asks_its_administrators_alone(
    people: People, role: str, permissions: tuple[str, ...] | None, is_super_admin: bool, asked: bool
) -> None:
    pool = await asks_administrators(people)
    user_id = await people.user()
    await pool.execute("UPDATE user_account SET is_super_admin = $1", is_super_admin)
    if permissions is not None:
        await pool.execute(
            "INSERT INTO custom_role (workspace_id, id, name, permissions) VALUES ($1, 1, 'x', $2)",
            people.demo.workspace_id, list(permissions),
        )  # fmt: skip
    await pool.execute("UPDATE membership SET role = $1, role_id = $2", role, 1 if permissions else None)
    signed = await people.identity.login.with_password(EMAIL, PASSWORD, HERE)
    assert isinstance(signed, Signed)
    principal = await people.identity.authenticator.authenticate(f"Bearer {signed.access_token}")
    assert (principal.permissions == ENROLMENT_PERMISSIONS) is asked
    ada = Ada(people, user_id, signed)
    assert await people.identity.enrolment.must_enrol(ada.account) is asked
    refreshed = await people.identity.sessions.refresh(signed.refresh_token, HERE)
    principal = await people.identity.authenticator.authenticate(f"Bearer {refreshed.access_token}")
    assert (principal.permissions == ENROLMENT_PERMISSIONS) is asked
    await ada.set_up()
    if asked:
        with pytest.raises(DeniedError, match="asks for a second factor"):
            await people.identity.enrolment.delete_totp(ada.account, None)
    else:
        await people.identity.enrolment.delete_totp(ada.account, None)


async def test_who_becomes_an_administrator_anywhere_is_asked_everywhere(people: People) -> None:
    pool = await asks_administrators(people)
    user_id = await people.user()
    await pool.execute("UPDATE membership SET role = 'USER'")
    signed = await people.identity.login.with_password(EMAIL, PASSWORD, HERE)
    assert isinstance(signed, Signed)
    other = await people.tenants.workspace("elsewhere")
    authenticator = people.identity.authenticator
    principal = await authenticator.authenticate(f"Bearer {signed.access_token}")
    assert principal.permissions == ROLE_PERMISSIONS[Role.USER]
    listening = asyncio.create_task(authenticator.run())
    await asyncio.wait_for(authenticator.listening.wait(), 10)
    told: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    authenticator.watch(principal, told.set_result)
    await pool.execute(
        "INSERT INTO membership (workspace_id, user_id, role) VALUES ($1, $2, 'ADMINISTRATOR')",
        other.workspace_id, user_id,
    )  # fmt: skip
    assert await asyncio.wait_for(told, 10) == "the permissions have changed"
    principal = await authenticator.authenticate(f"Bearer {signed.access_token}")
    assert principal.permissions == ENROLMENT_PERMISSIONS
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


async def test_an_organisation_that_asks_everybody_outweighs_one_that_asks_administrators(people: People) -> None:
    pool = await asks_administrators(people)
    root = await pool.fetchval("SELECT id FROM organisation WHERE parent_id IS NULL")
    below = people.tenants.new_id()
    await pool.execute("INSERT INTO organisation (id, name, parent_id) VALUES ($1, 'below', $2)", below, root)
    await people.user("eve@example.org", organisation_id=below)
    await pool.execute("UPDATE membership SET role = 'USER'")
    signed = await people.identity.login.with_password("eve@example.org", PASSWORD, HERE)
    assert isinstance(signed, Signed)
    authenticate = people.identity.authenticator.authenticate
    assert (await authenticate(f"Bearer {signed.access_token}")).permissions == ROLE_PERMISSIONS[Role.USER]
    await pool.execute("UPDATE organisation SET mfa_required = true WHERE id = $1", below)
    assert (await authenticate(f"Bearer {signed.access_token}")).permissions == ENROLMENT_PERMISSIONS


async def test_the_whole_way_over_http(people: People) -> None:
    ada = await ada_in(people)
    await ada.set_up()
    asked = await people.http("/auth/login", {"email": EMAIL, "password": PASSWORD})
    assert asked.body["methods"] == ["totp", "recovery_code"]
    token = asked.body["mfa_token"]
    for body, path in (
        ({"mfa_token": token}, ["code"]),
        ({"mfa_token": token, "code": "1", "recovery_code": "2"}, ["code"]),
        ({"mfa_token": token, "code": 123456}, ["code"]),
        ({"mfa_token": token, "code": ""}, ["code"]),
        ({"mfa_token": token, "passkey": "x"}, ["passkey"]),
        ({"mfa_token": token, "passkey": {"state": "x"}}, ["credential"]),
        ({"mfa_token": token, "passkey": {"state": "x", "credential": {}}}, ["state"]),
        ({"code": "123456"}, ["mfa_token"]),
    ):
        told = await people.http("/auth/mfa", body)
        assert (told.status, told.code, told.body["error"]["path"]) == (400, "INVALID", path), body
    rows = await people.ground.database.pool.fetch(
        "SELECT actor, outcome, input FROM audit_entry WHERE action = 'POST /auth/mfa' AND input ? 'recovery_code'"
    )
    secret = {"mfa_token": "[redacted]", "code": "[redacted]", "recovery_code": "[redacted]"}
    assert [tuple(row) for row in rows] == [(EMAIL, "REFUSED", secret)]
    told = await people.http("/auth/mfa", {"mfa_token": "made up", "code": "123456"})
    assert (told.status, told.code) == (401, "UNAUTHENTICATED")
    told = await people.http(
        "/auth/mfa", {"mfa_token": token, "code": ada.code(), "cookie": True, "remember_device": True}
    )
    assert told.status == 200, told.body
    assert "refresh_token" not in told.body
    refresh, device = told.cookies
    for cookie, name, days in ((refresh, "motet_refresh", 14), (device, "motet_device", 90)):
        parts = {part.strip().lower() for part in cookie.split(";")}
        assert cookie.startswith(f"{name}=")
        assert {"httponly", "secure", "samesite=strict", "path=/auth", f"max-age={days * 86400}"} <= parts
    kept = device.split(";")[0]
    again = await people.http("/auth/login", {"email": EMAIL, "password": PASSWORD}, cookie=kept)
    assert "access_token" in again.body
    asked = await people.http("/auth/login", {"email": EMAIL, "password": PASSWORD})
    told = await people.http(
        "/auth/mfa",
        {"mfa_token": asked.body["mfa_token"], "recovery_code": ada.recovery_codes[0], "remember_device": True},
    )
    assert (told.status, told.cookies) == (200, [])
    again = await people.http("/auth/login", {"email": EMAIL, "password": PASSWORD, "device": told.body["device"]})
    assert "access_token" in again.body


async def test_a_passkey_over_http_in_place_of_the_password_and_after_it(people: People) -> None:
    ada = await ada_in(people)
    key = SoftwareAuthenticator("https://motet.example.org", "motet.example.org")
    enrolment = people.identity.enrolment
    asked = await enrolment.ask_to_register_passkey(ada.account, None)
    enrolled = await enrolment.register_passkey(ada.account, asked.state, key.create(dict(asked.options)), "phone")
    assert len(enrolled.recovery_codes) == 10
    options = (await people.http("/auth/passkey/options", {})).body
    told = await people.http(
        "/auth/passkey/verify", {"state": options["state"], "credential": key.get(options["options"])}
    )
    assert told.status == 200, told.body
    step = (await people.http("/auth/login", {"email": EMAIL, "password": PASSWORD})).body
    assert step["methods"] == ["passkey", "recovery_code"]
    options = (await people.http("/auth/passkey/options", {"mfa_token": step["mfa_token"]})).body
    proof = {"state": options["state"], "credential": key.get(options["options"])}
    told = await people.http("/auth/mfa", {"mfa_token": step["mfa_token"], "passkey": proof})
    assert told.status == 200, told.body
    told = await people.http("/auth/mfa", {"mfa_token": step["mfa_token"], "passkey": proof})
    assert told.status == 400
    # While guesses have the password locked, the key still opens.
    await asyncio.gather(
        *(people.identity.login.with_password(EMAIL, "wrong", HERE) for _ in range(9)), return_exceptions=True
    )
    assert (await people.http("/auth/login", {"email": EMAIL, "password": PASSWORD})).status == 429
    options = (await people.http("/auth/passkey/options", {})).body
    proof = {"state": options["state"], "credential": key.get(options["options"])}
    assert (await people.http("/auth/passkey/verify", proof)).status == 200
    assert enrolled.passkey_id is not None
    with pytest.raises(NotFoundError):
        await enrolment.delete_passkey(Account(await people.user("bob@example.org"), 1), enrolled.passkey_id, None)
    await enrolment.rename_passkey(ada.account, enrolled.passkey_id, " my phone ")
    assert [each.name for each in await people.identity.passkeys.of_user(ada.user_id)] == ["my phone"]
    await enrolment.delete_passkey(ada.account, enrolled.passkey_id, None)
    options = (await people.http("/auth/passkey/options", {})).body
    proof = {"state": options["state"], "credential": key.get(options["options"])}
    assert (await people.http("/auth/passkey/verify", proof)).status == 400
    assert isinstance(await people.identity.login.with_password(EMAIL, PASSWORD, HERE), Signed)


async def test_a_suspended_users_passkey_signs_nobody_in(people: People) -> None:
    ada = await ada_in(people)
    key = SoftwareAuthenticator("https://motet.example.org", "motet.example.org")
    asked = await people.identity.enrolment.ask_to_register_passkey(ada.account, None)
    await people.identity.enrolment.register_passkey(ada.account, asked.state, key.create(dict(asked.options)), "x")
    await people.ground.database.pool.execute("UPDATE user_account SET status = 2 WHERE id = $1", ada.user_id)
    sign_in = people.identity.second_step.ask_to_sign_in()
    whose = await people.identity.second_step.whose(sign_in.state, key.get(dict(sign_in.options)))
    with pytest.raises(AuthenticationError):
        await people.identity.second_step.sign_in(whose, HERE)
