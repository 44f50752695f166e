"""The sign-in and account page in a real browser, with a virtual authenticator for passkeys."""

from __future__ import annotations

import asyncio
import base64
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import uvicorn
from graphql_world import World, make_world
from starlette.applications import Starlette
from starlette.routing import Route

from chromium import Page, browser
from foreign_programs import program
from motet.access.passwords import hash_password
from motet.access.principals import Role, member
from motet.bootstrap.http import PathSwitch
from motet.domain.totp import code_at, step_at
from motet.domain.users import UserStatus
from motet.identity.sessions import hash_token
from motet.rest.account_page import account_routes
from motet.rest.auth import auth_routes
from motet.rest.second_factor import second_factor_routes
from motet.storage.database import Database
from motet.storage.password_reset import add_reset
from motet.storage.user import add_user
from people_world import HERE, PASSWORD
from running_demo import eventually

EMAIL = "ada@example.org"
PASSWORD_HASH = hash_password(PASSWORD)


@dataclass
class Site:
    """Motet as a browser reaches it."""

    world: World
    url: str

    async def user(self, email: str = EMAIL) -> int:
        pool, world = self.world.tenants.database.pool, self.world
        organisation_id = await pool.fetchval("SELECT id FROM organisation WHERE parent_id IS NULL")
        user_id = world.tenants.new_id()
        async with pool.acquire() as connection:
            await add_user(
                connection, user_id, organisation_id, email, email,
                name="Ada", status=UserStatus.ACTIVE, password_hash=PASSWORD_HASH,
            )  # fmt: skip
            await connection.execute(
                "INSERT INTO membership (workspace_id, user_id, role) VALUES ($1, $2, 'ADMINISTRATOR')",
                world.demo.workspace_id, user_id,
            )  # fmt: skip
        return user_id


@asynccontextmanager
async def site(database: Database) -> AsyncIterator[Site]:
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://localhost:{listener.getsockname()[1]}"
    async with make_world(database, url) as world:
        identity = world.services.identity
        routes: list[Route] = [
            *auth_routes(identity, secure=False),
            *second_factor_routes(identity, secure=False),
            *account_routes(),
        ]
        application = PathSwitch({"/graphql": world.app}, Starlette(routes=routes))
        server = uvicorn.Server(uvicorn.Config(application, lifespan="off", log_config=None, access_log=False))
        serving = asyncio.create_task(server.serve([listener]))
        try:
            yield Site(world, url)
        finally:
            server.should_exit = True
            await serving


class Person:
    """Someone in front of the page: all that they do waits until it can be done."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def open(self, url: str) -> None:
        self.page.call("Page.navigate", url=url)

    def sees(self, words: str) -> None:
        self.page.sees(words)

    def sees_not(self, words: str) -> None:
        eventually(lambda: words not in (self.page.run("document.body.innerText") or ""), f"gone: {words}")

    def types(self, field: str, text: str, form: str = "") -> None:
        self.page.types(field, text, form)

    def presses(self, label: str) -> None:
        self.page.presses(label)

    def signs_in(self, password: str = PASSWORD) -> None:
        self.types("email", EMAIL)
        self.types("password", password, "[data-form=sign-in]")
        self.page.run("document.querySelector('[data-form=sign-in]').requestSubmit()")

    def sets_up_an_app(self) -> bytes:
        self.presses("Set up")
        shown = eventually(lambda: self.page.run("document.querySelector('#totp-secret').innerText"), "the secret")
        secret = base64.b32decode(shown.replace(" ", ""))
        self.types("code", code_at(secret, step_at(time.time()) - 1), "#totp-setup")
        self.presses("Turn on")
        self.sees("Keep these in a safe place")
        return secret


async def in_browser(tmp_path: Path, act: Callable[[Person], Any]) -> Any:
    """The browser waits for answers that this event loop gives: it is driven from a thread."""

    program("chromium")

    def driven() -> Any:
        with browser(tmp_path / "profile") as page:
            return act(Person(page))

    return await asyncio.to_thread(driven)


async def test_an_app_is_set_up_and_asked_for_and_a_recovery_code_stands_in(database: Database, tmp_path: Path) -> None:
    async with site(database) as made:
        await made.user()

        def act(person: Person) -> Any:
            page = person.page
            person.open(f"{made.url}/account")
            person.sees("Sign in")
            person.types("email", EMAIL)
            person.types("password", "wrong", "[data-form=sign-in]")
            person.page.run("document.querySelector('[data-form=sign-in]').requestSubmit()")
            person.sees("The e-mail address or the password is not right.")
            person.signs_in()
            person.sees("Your account")
            assert page.run("document.activeElement.id") == "account-title"
            secret = person.sets_up_an_app()
            codes = page.run("[...document.querySelectorAll('#recovery-list li')].map((each) => each.innerText)")
            assert len(codes) == 10
            person.presses("I have kept them")
            person.sees("10 left")
            assert page.run("document.querySelectorAll('#recovery-list li').length") == 0
            # A new page goes on with the cookie, which no script sees.
            person.open(f"{made.url}/account")
            person.sees("Your account")
            assert "motet" not in page.run("document.cookie")
            assert page.run("localStorage.length + sessionStorage.length") == 0
            person.presses("Sign out")
            person.sees("You are signed out.")
            person.signs_in()
            person.sees("One more step")
            person.types("code", "000000")
            person.presses("Continue")
            person.sees("This is not the code")
            page.run("document.querySelector('[name=remember]').click()")
            person.types("code", code_at(secret, step_at(time.time())))
            person.presses("Continue")
            person.sees("Chrome on Linux")  # the trusted device
            person.presses("Sign out")
            person.signs_in()
            person.sees("Your account")
            person.presses("Trust no more")
            person.sees("No trusted devices.")
            person.presses("Sign out")
            person.signs_in()
            person.sees("One more step")
            person.presses("Use a recovery code")
            person.types("recovery", codes[0].upper())
            person.presses("Continue")
            person.sees("9 left")
            return page.run(
                "performance.getEntriesByType('resource').map(r => r.name).filter(n => !n.startsWith(location.origin)"
                " && !n.startsWith('data:'))"
            )

        assert await in_browser(tmp_path, act) == []


async def test_a_passkey_is_made_and_signs_in_by_itself_and_after_the_password(
    database: Database, tmp_path: Path
) -> None:
    async with site(database) as made:
        await made.user()

        def act(person: Person) -> None:
            page = person.page
            page.call("WebAuthn.enable")
            page.call(
                "WebAuthn.addVirtualAuthenticator",
                options={
                    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
                    "isUserVerified": True, "automaticPresenceSimulation": True,
                },
            )  # fmt: skip
            person.open(f"{made.url}/account")
            person.signs_in()
            person.sees("No passkeys yet.")
            person.presses("Add a passkey")
            person.sees("Keep these in a safe place")
            person.presses("I have kept them")
            person.presses("Rename")
            page.run("document.querySelector('#ask-input').value = 'My laptop'")
            page.run("document.querySelector('#ask form').requestSubmit()")
            person.sees("My laptop")
            person.presses("Add a passkey")
            person.sees("This device has a passkey for this account already.")
            person.presses("Sign out")
            person.sees("You are signed out.")
            person.presses("Sign in with a passkey")
            person.sees("Your account")
            person.presses("Sign out")
            person.signs_in()
            person.sees("Your browser will ask for your passkey.")
            person.presses("Continue")
            person.sees("Your account")
            person.presses("Delete")
            person.sees("It signs you in no more.")
            page.run("document.querySelector('#ask form').requestSubmit()")
            person.sees("No passkeys yet.")
            person.presses("Sign out")
            person.sees("You are signed out.")
            person.presses("Sign in with a passkey")
            person.sees("This passkey's answer is not valid here.")

        await in_browser(tmp_path, act)


async def test_who_must_have_a_second_factor_is_led_to_it(database: Database, tmp_path: Path) -> None:
    async with site(database) as made:
        await made.user()
        await made.world.tenants.database.pool.execute("UPDATE organisation SET mfa_required = true")

        def act(person: Person) -> None:
            person.open(f"{made.url}/account")
            person.signs_in()
            person.sees("Your organisation asks for a second factor.")
            person.sets_up_an_app()
            person.sees_not("Your organisation asks for a second factor.")
            person.presses("I have kept them")
            person.presses("Remove")
            person.sees("You are no longer asked for its codes.")
            person.page.run("document.querySelector('#ask form').requestSubmit()")
            person.sees("Your organisation asks for a second factor: set up another one first.")

        await in_browser(tmp_path, act)


async def test_the_page_speaks_the_browsers_language_until_one_is_chosen(database: Database, tmp_path: Path) -> None:
    async with site(database) as made:
        user_id = await made.user()

        def choose(person: Person, locale: str) -> None:
            person.page.run(
                f"(() => {{ const box = document.querySelector('#language'); box.value = '{locale}';"
                " box.dispatchEvent(new Event('change', {bubbles: true})); })()"
            )

        def act(person: Person) -> None:
            agent = person.page.run("navigator.userAgent")
            person.page.call("Network.setUserAgentOverride", userAgent=agent, acceptLanguage="de-AT,de,en")
            person.open(f"{made.url}/account")
            person.sees("Mit einem Passkey anmelden")
            assert person.page.run("document.documentElement.lang + ' ' + document.title") == "de Anmelden · Motet"
            person.signs_in("wrong")
            person.sees("Die E-Mail-Adresse oder das Passwort ist nicht richtig.")
            choose(person, "fr")
            person.sees("Se connecter avec une clé d'accès")
            person.signs_in("wrong")
            person.sees("L'adresse e-mail ou le mot de passe est incorrect.")
            person.signs_in()
            person.sees("Votre compte")
            choose(person, "ja")
            person.sees("サインイン中の端末")
            person.presses("設定")
            person.sees("アプリで読み取ってください")
            person.types("code", "000000", "#totp-setup")
            person.presses("有効にする")
            person.sees("アプリに現在表示されているコードではありません。")
            person.page.run("localStorage.clear()")
            person.open(f"{made.url}/account")
            person.sees("サインイン中の端末")  # what the user has chosen, wherever they are

        await in_browser(tmp_path, act)
        assert await database.pool.fetchval("SELECT locale FROM user_account WHERE id = $1", user_id) == "ja"


async def test_a_password_is_changed_and_forgotten_and_sessions_are_ended(database: Database, tmp_path: Path) -> None:
    async with site(database) as made:
        user_id = await made.user()
        elsewhere = await made.world.services.identity.login.complete(user_id, ("pwd",), HERE)
        token, loop = "a-link-from-a-mail", asyncio.get_running_loop()

        async def mail() -> None:
            now = datetime.now(UTC)
            async with database.pool.acquire() as connection:
                await add_reset(connection, hash_token(token), user_id, now, now + timedelta(hours=1))

        fresh = "seven wet otters on a tram"

        def act(person: Person) -> None:
            person.open(f"{made.url}/account")
            person.signs_in()
            person.sees("Sign out everywhere else")
            person.presses("Sign out there")
            person.sees_not("Sign out everywhere else")
            person.types("old", "wrong", "[data-form=password]")
            person.types("password", fresh, "[data-form=password]")
            person.types("again", "another", "[data-form=password]")
            person.presses("Change the password")
            person.sees("The two passwords differ.")
            person.types("again", fresh, "[data-form=password]")
            person.presses("Change the password")
            person.sees("The old password is not right.")
            assert person.page.run("document.activeElement.name") == "old"
            person.types("old", PASSWORD, "[data-form=password]")
            person.presses("Change the password")
            person.sees("Your password is changed.")
            person.presses("Sign out")
            person.sees("You are signed out.")
            person.signs_in(fresh)
            person.sees("Your account")
            person.presses("Sign out")
            person.presses("Forgot your password?")
            person.types("email", "nobody@example.org", "[data-form=forgot]")
            person.presses("Send the link")
            person.sees("a mail is on its way")
            asyncio.run_coroutine_threadsafe(mail(), loop).result(30)
            # The link of a mail; the address bar forgets its token.
            person.open(f"{made.url}/account/reset#token={token}")
            person.sees("Choose a new password")
            assert person.page.run("location.href") == f"{made.url}/account/reset"
            person.types("password", "short", "[data-form=reset]")
            person.types("again", "short", "[data-form=reset]")
            person.presses("Set the password")
            person.sees("A password has 12 to 256 characters.")
            for field in ("password", "again"):
                person.types(field, "eight dry otters on a tram", "[data-form=reset]")
            person.presses("Set the password")
            person.sees("Your new password is set.")
            person.signs_in("eight dry otters on a tram")
            person.sees("Your account")

        await in_browser(tmp_path, act)
        ended = await database.pool.fetchval(
            "SELECT ended_at IS NOT NULL FROM login_session WHERE id = $1", elsewhere.session_id
        )
        assert ended


async def test_an_invitation_is_accepted(database: Database, tmp_path: Path) -> None:
    async with site(database) as made:
        identity = made.world.services.identity
        user_id = await made.user()
        signed = await identity.login.complete(user_id, ("pwd",), HERE)
        inviter = await identity.authenticator.authenticate(f"Bearer {signed.access_token}")
        link = await identity.invitations.link_for(
            inviter, made.world.demo.workspace_id, "bob@example.org", role=Role.USER
        )
        other = made.world.other
        theirs = member("administrator", other.workspace_id, other.name, Role.ADMINISTRATOR, 1 << 40)
        elsewhere = await identity.invitations.link_for(theirs, other.workspace_id, EMAIL, role=Role.OBSERVER)

        def act(person: Person) -> None:
            person.open(link)
            person.sees("You, bob@example.org, were invited to the workspace demo.")
            assert person.page.run("location.href") == f"{made.url}/account/invitation"
            person.types("name", "Bob", "[data-form=invitation]")
            for field in ("password", "again"):
                person.types(field, "seven wet otters on a tram", "[data-form=invitation]")
            person.presses("Accept the invitation")
            person.sees("In the workspace demo, as user.")
            person.open("about:blank")
            person.open(link)
            person.sees("Sign in with a passkey")  # it was good once
            person.open("about:blank")
            person.open(elsewhere)  # for who has an account of another organisation, and not for Bob
            person.presses("Accept the invitation")
            person.sees(f"Sign in as {EMAIL} to accept this")
            person.page.call("Network.clearBrowserCookies")
            person.open("about:blank")
            person.open(elsewhere)
            person.sees(f"You, {EMAIL}, were invited to the workspace other. Sign in to accept.")
            person.signs_in()
            person.sees("You have joined.")

        await in_browser(tmp_path, act)
        joined = "SELECT role FROM membership WHERE user_id = $1 AND workspace_id = $2"
        assert await database.pool.fetchval(joined, user_id, other.workspace_id) == "OBSERVER"
