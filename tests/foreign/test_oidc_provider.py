"""A certified provider for the demo's organisation: someone signs in by its own pages, and is a user here."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import pytest

from browser import Browser
from chromium import browser
from foreign_programs import FOREIGN, node_with, program
from running_demo import DEADLINE_S, RunningDemo

pytestmark = pytest.mark.timeout(120)

SECRET = "s3cret: with + and / signs"
GROUPS = {"anna": ["ops"], "boss": ["ops", "bosses"], "unverified": ["ops"]}

CREATE = """mutation ($input: IdentityProviderCreateInput!) { identityProviderCreate(input: $input) {
  identityProvider { id redirectPath } userErrors { code message path } } }"""
UPDATE = """mutation ($input: IdentityProviderUpdateInput!) { identityProviderUpdate(input: $input) {
  identityProvider { id signInPath hasClientSecret } userErrors { code message path } } }"""
TEST = """mutation ($input: IdentityProviderTestInput!) { identityProviderTest(input: $input) { usable findings } }"""
VIEWER = "{ viewer { subject role workspace { id } } }"


@pytest.fixture(scope="module")
def provider(demo: RunningDemo) -> Iterator[dict[str, Any]]:
    """The provider, as the demo's administrator has set it up: each side needs something of the other's."""
    workspace = demo.graphql(VIEWER)["viewer"]["workspace"]["id"]
    made = demo.graphql(
        CREATE,
        input={
            "name": "A real one", "issuer": "https://not.yet.example", "enabled": False, "domains": ["example.org"],
            "provisioning": "JUST_IN_TIME", "groupClaim": "groups", "groupRoles": [
                {"group": "ops", "workspaceId": workspace, "role": "USER"},
                {"group": "bosses", "workspaceId": workspace, "role": "ADMINISTRATOR"},
            ],
        },
    )["identityProviderCreate"]  # fmt: skip
    assert made["userErrors"] == []
    ours = made["identityProvider"]
    words = [
        node_with("oidc-provider"), "oidc_provider.mjs", "motet", SECRET, demo.facts["http"], ours["redirectPath"],
        json.dumps(GROUPS),
    ]  # fmt: skip
    process = subprocess.Popen(words, cwd=FOREIGN, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        issuer = process.stdout.readline().strip()
        theirs = {"issuer": issuer, "clientId": "motet", "clientSecret": SECRET, "enabled": True}
        ready = demo.graphql(UPDATE, input={"id": ours["id"], **theirs})["identityProviderUpdate"]
        assert ready["userErrors"] == []
        yield ready["identityProvider"]
    finally:
        process.kill()
        process.communicate(timeout=DEADLINE_S)


def sign_in(demo: RunningDemo, provider: dict[str, Any], name: str) -> tuple[Browser, dict[str, str]]:
    """By the provider's pages for login and consent; what stands behind the # of our page."""
    person = Browser()
    page = person.get(demo.facts["http"] + provider["signInPath"] + "?next=/devices")
    for _ in range(2):
        action = re.search(r'<form[^>]* action="([^"]+)"', page.text)
        assert action is not None, page.text
        prompt = re.search(r'name="prompt" value="(\w+)"', page.text)
        assert prompt is not None
        form = {"prompt": prompt[1]} | ({"login": name, "password": "any"} if prompt[1] == "login" else {})
        page = person.post(urljoin(page.url, action[1]), form)
        if urlsplit(page.url).path == "/account":
            break
    assert page.url.startswith(demo.facts["http"] + "/account#")
    return person, dict(parse_qsl(urlsplit(page.url).fragment))


def exchanged(demo: RunningDemo, person: Browser, fragment: dict[str, str]) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(
        person.post_json(demo.facts["http"] + "/auth/sso/exchange", {"code": fragment["sso_code"]}).text
    )
    return answer


def test_the_provider_can_be_used(demo: RunningDemo, provider: dict[str, Any]) -> None:
    assert provider["hasClientSecret"] is True
    tried = demo.graphql(TEST, input={"id": provider["id"]})["identityProviderTest"]
    assert tried["usable"] is True, tried
    assert len(tried["findings"]) == 2  # nothing to complain of


@pytest.mark.parametrize(("name", "role"), [("anna", "USER"), ("boss", "ADMINISTRATOR")])
def test_someone_signs_in_by_the_providers_pages(
    demo: RunningDemo, provider: dict[str, Any], name: str, role: str
) -> None:
    person, fragment = sign_in(demo, provider, name)
    assert fragment["next"] == "/devices"
    token = exchanged(demo, person, fragment)["access_token"]
    viewer = demo.graphql(VIEWER, token=token)["viewer"]
    assert (viewer["subject"], viewer["role"]) == (f"{name}@example.org", role)
    assert exchanged(demo, person, fragment)["error"]["code"] == "UNAUTHENTICATED"  # the code was for once
    left = json.loads(person.post_json(demo.facts["http"] + "/auth/sso/logout", {}, token).text)
    assert "/session/end?" in left["redirect"]
    assert "Do you want to sign-out" in person.get(left["redirect"]).text


def test_someone_signs_in_from_the_page_in_a_real_browser(
    demo: RunningDemo, provider: dict[str, Any], tmp_path: Path
) -> None:
    program("chromium")
    with browser(tmp_path / "profile") as page:
        page.call("Page.navigate", url=demo.facts["http"] + "/account")
        page.types("email", "anna@example.org")
        page.presses("Single sign-on")
        page.types("login", "anna")
        page.types("password", "any")
        page.presses("Sign-in")
        page.presses("Continue")
        page.sees("Your account")
        page.sees("In the workspace demo, as user.")
        page.sees("anna of Example")
        assert page.run("location.href") == demo.facts["http"] + "/account"
        page.presses("Sign out")
        page.sees("Do you want to sign-out from")  # the provider asks on a page of its own


def test_who_is_not_verified_stays_out(demo: RunningDemo, provider: dict[str, Any]) -> None:
    _, fragment = sign_in(demo, provider, "unverified")
    assert re.fullmatch("[0-9a-f]{16}", fragment.pop("sso_reference"))
    assert fragment == {"sso_error": "mail_not_verified"}
