"""Tokens for programs over HTTP, as OAuth 2.0 clients ask for them."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote_plus, urlencode

import orjson
import pytest
import pytest_asyncio
from starlette.applications import Starlette

from motet.access.api_keys import ApiKeyText, new_api_key
from motet.access.principals import Permission, Role
from motet.access.tokens import AuthenticationError
from motet.identity.api_keys import KeyChanges
from motet.identity.authenticator import WRONG_KEYS
from motet.identity.login import SecondFactorNeeded
from motet.rest.jwks import well_known_routes
from motet.rest.oauth2 import FORM_OCTETS, oauth2_routes
from motet.storage.database import Database
from people_world import HERE, PASSWORD, People, people_world


@dataclass
class Told:
    status: int
    headers: dict[str, str]
    body: Any


@dataclass
class Desk:
    """The application, and one API key of workspace demo."""

    people: People
    app: Starlette
    api_key_id: int
    key: ApiKeyText

    @property
    def basic(self) -> dict[str, str]:
        return basic(self.key.prefix, self.key.text)

    async def post(
        self, path: str, form: Any = None, headers: dict[str, str] | None = None, address: str = "192.0.2.7"
    ) -> Told:
        body = form if isinstance(form, bytes) else urlencode(form or {}).encode()
        given = {"content-type": "application/x-www-form-urlencoded", **(headers or {})}
        scope = {
            "type": "http", "http_version": "1.1", "method": "POST", "path": path, "raw_path": path.encode(),
            "query_string": b"", "headers": [(name.encode(), value.encode()) for name, value in given.items()],
            "client": (address, 5), "server": ("motet", 80), "scheme": "https", "root_path": "",
        }  # fmt: skip
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        answer = b"".join(message.get("body", b"") for message in sent[1:])
        return Told(
            sent[0]["status"],
            {name.decode(): value.decode() for name, value in sent[0]["headers"]},
            orjson.loads(answer),
        )

    async def token(self, **form: str) -> Told:
        return await self.post("/oauth2/token", {"grant_type": "client_credentials", **form}, self.basic)

    async def knows(self, token: str) -> Any:
        return await self.people.identity.authenticator.authenticate(f"Bearer {token}", "192.0.2.7")


def basic(client_id: str, secret: str) -> dict[str, str]:
    text = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return {"authorization": "Basic " + base64.b64encode(text.encode()).decode()}


async def make_key(people: People, workspace: str = "demo", **changes: Any) -> tuple[int, ApiKeyText]:
    tenant = people.demo if workspace == "demo" else people.other
    token = people.ground.authority.issue(
        "administrator", now=int(people.clock().timestamp()), ttl_s=900, workspace_id=tenant.workspace_id,
        workspace=workspace, role=Role.ADMINISTRATOR,
    )  # fmt: skip
    maker = await people.identity.authenticator.authenticate(f"Bearer {token}")
    given: KeyChanges = {"name": "a key", "scopes": ["sms:send", "sms:read"], **changes}  # type: ignore[typeddict-item]
    return await people.identity.api_keys.create(tenant.workspace_id, maker, given)


@pytest_asyncio.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    async with people_world(database) as people:
        routes = [*oauth2_routes(people.identity), *well_known_routes(people.ground.authority, "https://m.example")]
        yield Desk(people, Starlette(routes=routes), *await make_key(people))


async def test_a_key_is_exchanged_for_a_short_token(desk: Desk) -> None:
    told = await desk.token()
    assert told.status == 200
    assert (told.body["token_type"], told.body["expires_in"], told.body["scope"]) == (
        "Bearer",
        900,
        "sms:read sms:send",
    )
    assert (told.headers["cache-control"], told.headers["pragma"]) == ("no-store", "no-cache")
    principal = await desk.knows(told.body["access_token"])
    assert principal.permissions == {Permission.SMS_SEND, Permission.SMS_READ}
    assert (principal.api_key_id, principal.workspace) == (desk.api_key_id, "demo")
    assert principal.subject == f"api-key:{desk.key.prefix}"


async def test_credentials_may_stand_in_the_form_and_the_id_may_have_its_beginning(desk: Desk) -> None:
    for client_id in (desk.key.prefix, f"motet_{desk.key.prefix}"):
        for secret in (desk.key.text, desk.key.text.split("_")[2]):
            form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
            assert (await desk.post("/oauth2/token", form)).status == 200
            told = await desk.post("/oauth2/token", {"grant_type": "client_credentials"}, basic(client_id, secret))
            assert told.status == 200


async def test_a_token_is_narrowed_to_the_scope_asked_for(desk: Desk) -> None:
    told = await desk.token(scope="sms:read")
    assert told.body["scope"] == "sms:read"
    assert (await desk.knows(told.body["access_token"])).permissions == {Permission.SMS_READ}
    for scope in ("sim:read", "sms:read sim:write", " ", "nonsense"):
        told = await desk.token(scope=scope)
        assert (told.status, told.body["error"]) == (400, "invalid_scope")


async def test_parameters_without_a_value_are_as_if_they_were_not_there(desk: Desk) -> None:
    told = await desk.post(
        "/oauth2/token", b"grant_type=client_credentials&scope=&client_id=&client_secret=&state=", desk.basic
    )
    assert (told.status, told.body["scope"]) == (200, (await desk.token()).body["scope"])
    told = await desk.post("/oauth2/token", b"grant_type=client_credentials&scope=&scope=", desk.basic)
    assert (told.status, told.body["error"]) == (400, "invalid_request")


async def test_a_token_does_not_outlive_its_key(desk: Desk) -> None:
    _, key = await make_key(desk.people, expires_at=desk.people.clock() + timedelta(seconds=100))
    told = await desk.post("/oauth2/token", {"grant_type": "client_credentials"}, basic(key.prefix, key.text))
    assert told.body["expires_in"] <= 100
    await desk.people.identity.api_keys.revoke(desk.people.demo.workspace_id, desk.api_key_id)
    told = await desk.token()
    assert (told.status, told.body["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"}, 401, "invalid_client"),
        ({"grant_type": "refresh_token"}, 400, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, 400, "invalid_grant"),
        (b"grant_type=a&grant_type=b", 400, "invalid_request"),
        (b"grant_type=%00", 400, "invalid_request"),
        (b"\xff", 400, "invalid_request"),
        (b"&".join(b"a%d=1" % number for number in range(30)), 400, "invalid_request"),
        (b"a=" + b"x" * FORM_OCTETS, 413, "invalid_request"),
    ],
)
async def test_what_is_wrong_is_told_as_the_rfc_names_it(desk: Desk, form: Any, status: int, error: str) -> None:
    told = await desk.post("/oauth2/token", form)
    assert (told.status, told.body["error"]) == (status, error)
    assert "error_description" in told.body
    assert ("www-authenticate" in told.headers) == (status == 401)


@pytest.mark.parametrize("header", ["Basic", "Basic !", "Basic " + base64.b64encode(b"nocolon").decode(), "Basic 8J+S"])
async def test_a_header_that_is_no_basic_authentication_is_refused(desk: Desk, header: str) -> None:
    told = await desk.post("/oauth2/token", {"grant_type": "client_credentials"}, {"authorization": header})
    assert (told.status, told.body["error"]) == (401, "invalid_client")
    assert told.headers["www-authenticate"].startswith("Basic")


async def test_wrong_secrets_are_refused_and_credentials_stand_in_one_place(desk: Desk) -> None:
    wrong = new_api_key(desk.key.prefix).text
    told = await desk.post("/oauth2/token", {"grant_type": "client_credentials"}, basic(desk.key.prefix, wrong))
    assert (told.status, told.body["error"]) == (401, "invalid_client")
    form = {"grant_type": "client_credentials", "client_id": desk.key.prefix, "client_secret": desk.key.text}
    told = await desk.post("/oauth2/token", form, desk.basic)
    assert (told.status, told.body["error"]) == (400, "invalid_request")
    told = await desk.post("/oauth2/token", {"grant_type": "client_credentials", "client_id": "other"}, desk.basic)
    assert told.status == 401
    told = await desk.post("/oauth2/token", form, {"content-type": "application/json"})
    assert (told.status, told.body["error"]) == (400, "invalid_request")


async def test_who_guesses_has_to_wait_before_asking_about_tokens_too(desk: Desk) -> None:
    wrong = {"authorization": f"Bearer {new_api_key().text}"}
    for _ in range(2 * WRONG_KEYS.free):  # ever longer waits: one is longer than a request takes, however slow it is
        told = await desk.post("/oauth2/introspect", {"token": "x"}, wrong)
        if told.status != 401:
            break
    assert (told.status, told.body["error"]) == (429, "temporarily_unavailable")
    assert int(told.headers["retry-after"]) >= 1


async def test_addresses_of_one_network_in_ipv6_guess_together(desk: Desk) -> None:
    wrong = new_api_key()
    for number in range(2 * WRONG_KEYS.free):
        told = await desk.post(
            "/oauth2/token",
            {"grant_type": "client_credentials"},
            basic(wrong.prefix, wrong.text),
            f"2001:db8::{number}",
        )
        if told.status != 401:
            break
    assert told.status == 429


async def test_an_address_that_guesses_has_to_wait_and_a_key_in_use_does_not(desk: Desk) -> None:
    people, grant = desk.people, {"grant_type": "client_credentials"}
    listening = asyncio.create_task(people.identity.authenticator.run())
    await asyncio.wait_for(people.identity.authenticator.listening.wait(), 10)
    assert (await desk.token()).status == 200
    for _ in range(WRONG_KEYS.free + 1):
        wrong = new_api_key()
        told = await desk.post("/oauth2/token", grant, basic(wrong.prefix, wrong.text))
        assert told.status == 401
    told = await desk.post("/oauth2/token", grant, basic(wrong.prefix, wrong.text))
    assert (told.status, told.body["error"], told.headers["retry-after"]) == (429, "temporarily_unavailable", "1")
    assert (await desk.token()).status == 200
    told = await desk.post("/oauth2/token", grant, basic(wrong.prefix, wrong.text), "203.0.113.9")
    assert told.status == 401
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


async def test_a_key_with_networks_is_exchanged_and_used_from_there_alone(desk: Desk) -> None:
    _, key = await make_key(desk.people, networks=["192.0.2.0/24"])
    grant = {"grant_type": "client_credentials"}
    assert (await desk.post("/oauth2/token", grant, basic(key.prefix, key.text), "203.0.113.1")).status == 401
    token = (await desk.post("/oauth2/token", grant, basic(key.prefix, key.text))).body["access_token"]
    assert await desk.knows(token)
    with pytest.raises(AuthenticationError):
        await desk.people.identity.authenticator.authenticate(f"Bearer {token}", "203.0.113.1")


async def test_a_refresh_token_is_a_grant_too(desk: Desk) -> None:
    await desk.people.user()
    signed = await desk.people.identity.login.with_password("anna@example.org", PASSWORD, HERE)
    assert not isinstance(signed, SecondFactorNeeded)
    form = {"grant_type": "refresh_token", "refresh_token": signed.refresh_token}
    told = await desk.post("/oauth2/token", form)
    assert (told.status, set(told.body)) == (200, {"access_token", "token_type", "expires_in", "refresh_token"})
    assert (await desk.knows(told.body["access_token"])).subject == "anna@example.org"
    revoked = await desk.post("/oauth2/revoke", {"token": told.body["refresh_token"]})
    assert (revoked.status, revoked.body) == (200, {})
    with pytest.raises(AuthenticationError, match="session has ended"):
        await desk.knows(told.body["access_token"])


async def test_a_programs_token_is_revoked_by_its_own_key_alone(desk: Desk) -> None:
    token = (await desk.token()).body["access_token"]
    _, other = await make_key(desk.people)
    for headers in ({}, basic(other.prefix, other.text)):
        told = await desk.post("/oauth2/revoke", {"token": token}, headers)
        assert (told.status, told.body["error"]) == (401, "invalid_client")
    assert await desk.knows(token)
    assert (await desk.post("/oauth2/revoke", {"token": token}, desk.basic)).status == 200
    with pytest.raises(AuthenticationError, match="revoked"):
        await desk.knows(token)
    assert (await desk.post("/oauth2/revoke", {"token": token}, desk.basic)).status == 200
    assert (await desk.post("/oauth2/revoke", {"token": "nonsense"})).status == 200
    told = await desk.post("/oauth2/revoke", {"token": desk.key.text}, desk.basic)
    assert (told.status, told.body["error"]) == (400, "unsupported_token_type")
    assert (await desk.post("/oauth2/revoke", {})).body["error"] == "invalid_request"


async def test_the_audit_log_tells_of_what_was_revoked_and_of_wrong_secrets(desk: Desk) -> None:
    token = (await desk.token()).body["access_token"]
    assert (await desk.post("/oauth2/revoke", {"token": token}, desk.basic)).status == 200
    wrong = new_api_key(desk.key.prefix)
    await desk.post("/oauth2/token", {"grant_type": "client_credentials"}, basic(wrong.prefix, wrong.text))
    entries = await desk.people.ground.database.pool.fetch(
        "SELECT actor_kind, actor, action, outcome, input::text FROM audit_entry ORDER BY id"
    )
    who = f"api-key:{desk.key.prefix}"
    assert [tuple(entry)[:4] for entry in entries] == [
        ("API_KEY", who, "POST /oauth2/revoke", "DONE"),
        ("ANONYMOUS", who, "POST /oauth2/token", "UNAUTHENTICATED"),
    ]
    assert not any(secret in str(entries) for secret in (token, desk.key.text, wrong.text))


async def test_a_resource_server_of_the_workspace_is_told_what_a_token_is(desk: Desk) -> None:
    token = (await desk.token(scope="sms:read")).body["access_token"]
    told = (await desk.post("/oauth2/introspect", {"token": token}, desk.basic)).body
    assert (told["active"], told["scope"], told["client_id"]) == (True, "sms:read", desk.key.prefix)
    assert told["exp"] - told["iat"] == 900
    assert (told["aud"], told["workspace"], told["token_type"]) == ("motet", "demo", "Bearer")
    _, theirs = await make_key(desk.people, "other")
    elsewhere = basic(theirs.prefix, theirs.text)
    assert (await desk.post("/oauth2/introspect", {"token": token}, elsewhere)).body == {"active": False}
    assert (await desk.post("/oauth2/introspect", {"token": "nonsense"}, desk.basic)).body == {"active": False}
    bearer = {"authorization": f"Bearer {desk.key.text}"}
    assert (await desk.post("/oauth2/introspect", {"token": desk.key.text}, bearer)).body["active"] is True
    authority, now = desk.people.ground.authority, int(desk.people.clock().timestamp())
    network = {"authorization": "Bearer " + authority.issue_to_network("a network", now=now, ttl_s=60)}
    operators = authority.issue("operator", now=now, ttl_s=60)  # in no workspace either, which does not make it theirs
    assert (await desk.post("/oauth2/introspect", {"token": operators}, network)).body == {"active": False}
    told = await desk.post("/oauth2/introspect", {"token": token})
    assert (told.status, told.body["error"]) == (401, "invalid_client")


async def test_the_metadata_tells_where_everything_is(desk: Desk) -> None:
    for path in ("/.well-known/jwks.json", "/.well-known/oauth-authorization-server"):
        sent: list[Any] = []

        async def send(message: Any, sent: list[Any] = sent) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b"", "root_path": ""}
        await desk.app(scope, None, send)  # type: ignore[arg-type]
        body = orjson.loads(sent[1]["body"])
        if "keys" in body:
            assert [(key["kty"], key["crv"], key["alg"], "d" in key) for key in body["keys"]] == [
                ("OKP", "Ed25519", "EdDSA", False)
            ]
        else:
            assert body["issuer"] == "https://m.example"
            assert body["token_endpoint"] == "https://m.example/oauth2/token"
            assert body["jwks_uri"] == "https://m.example/.well-known/jwks.json"
            assert body["grant_types_supported"] == ["client_credentials", "refresh_token"]
