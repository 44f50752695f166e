"""A SAML provider that others wrote, with another language and its own canonical XML, for the demo's organisation."""

from __future__ import annotations

import json
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from browser import Browser, Page
from chromium import browser
from foreign_programs import FOREIGN, node_with, program
from running_demo import DEADLINE_S, RunningDemo
from saml_provider import OURS

pytestmark = pytest.mark.timeout(120)

GROUPS = {"anna": ["ops"], "boss": ["ops", "bosses"], "both": ["ops"]}
CREATE = """mutation ($input: IdentityProviderCreateInput!) { identityProviderCreate(input: $input) {
  identityProvider { id signInPath signsRequests enabled } userErrors { code message path } } }"""
TEST = """mutation ($input: IdentityProviderTestInput!) { identityProviderTest(input: $input) { usable findings } }"""
VIEWER = "{ viewer { subject role workspace { id } } }"


@pytest.fixture(scope="module")
def idp(demo: RunningDemo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("idp")
    words = [node_with("samlify"), "saml_idp.mjs", *_files(folder), demo.facts["http"], json.dumps(GROUPS)]
    process = subprocess.Popen(words, cwd=FOREIGN, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    yield process.stdout.readline().strip()
    process.kill()
    process.communicate(timeout=DEADLINE_S)


def _files(folder: Path) -> list[str]:
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    key.write_bytes(OURS.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    certificate.write_text(OURS.pem)
    return [str(key), str(certificate)]


@pytest.fixture(scope="module")
def provider(demo: RunningDemo, idp: str) -> dict[str, Any]:
    """The provider, as the demo's administrator has set it up."""
    workspace = demo.graphql(VIEWER)["viewer"]["workspace"]["id"]
    with urllib.request.urlopen(idp + "/metadata", timeout=DEADLINE_S) as response:  # noqa: S310 - loopback
        metadata = response.read().decode()
    made = demo.graphql(
        CREATE,
        input={
            "kind": "SAML", "name": "A real one", "metadataXml": metadata, "domains": ["example.org"],
            "mailClaim": "mail", "nameClaim": "displayName", "groupClaim": "groups", "provisioning": "JUST_IN_TIME",
            "groupRoles": [
                {"group": "ops", "workspaceId": workspace, "role": "USER"},
                {"group": "bosses", "workspaceId": workspace, "role": "ADMINISTRATOR"},
            ],
        },
    )["identityProviderCreate"]  # fmt: skip
    assert made["userErrors"] == []
    found: dict[str, Any] = made["identityProvider"]
    return found


def sign_in(demo: RunningDemo, provider: dict[str, Any], name: str) -> tuple[Browser, dict[str, str]]:
    """By the provider's page; what stands behind the # of our page."""
    person = Browser()
    page = person.get(demo.facts["http"] + provider["signInPath"] + "?next=/devices")
    assert "Who are you?" in page.text, page.text
    at = urlsplit(page.url)
    page = person.get(urljoin(page.url, at.path) + "?" + urlencode({**_fields(page), "name": name}))
    # The provider's page is another site: the browser sends us no cookie with its form.
    stranger = Browser()
    again = stranger.post(_action(page), _fields(page))
    page = person.post(_action(page), _fields(again))
    assert page.url.startswith(demo.facts["http"] + "/account#")
    return person, dict(parse_qsl(urlsplit(page.url).fragment))


def _fields(page: Page) -> dict[str, str]:
    found = re.findall(r'name="(\w+)" value="([^"]*)"', page.text)
    return {name: unescape(value) for name, value in found}


def _action(page: Page) -> str:
    action = re.search(r'action="([^"]+)"', page.text)
    assert action is not None, page.text
    return unescape(action[1])


def test_the_provider_can_be_used_and_wants_signed_requests(demo: RunningDemo, provider: dict[str, Any]) -> None:
    assert provider["signsRequests"] is True
    tried = demo.graphql(TEST, input={"id": provider["id"]})["identityProviderTest"]
    assert tried["usable"] is True, tried
    assert len(tried["findings"]) == 3


@pytest.mark.parametrize(("name", "role"), [("anna", "USER"), ("boss", "ADMINISTRATOR"), ("both", "USER")])
def test_someone_signs_in_by_the_providers_page(
    demo: RunningDemo, provider: dict[str, Any], name: str, role: str
) -> None:
    person, fragment = sign_in(demo, provider, name)
    assert fragment["next"] == "/devices", fragment
    answer = person.post_json(demo.facts["http"] + "/auth/sso/exchange", {"code": fragment["sso_code"]})
    viewer = demo.graphql(VIEWER, token=json.loads(answer.text)["access_token"])["viewer"]
    assert (viewer["subject"], viewer["role"]) == (f"{name}@example.org", role)


def test_someone_signs_in_from_the_page_in_a_real_browser(
    demo: RunningDemo, provider: dict[str, Any], tmp_path: Path
) -> None:
    """The provider is another site (localhost) than we are (127.0.0.1): its form brings no cookie of ours."""
    program("chromium")
    with browser(tmp_path / "profile") as page:
        for name in ("stranger", "anna"):
            page.call("Page.navigate", url=demo.facts["http"] + "/account")
            page.types("email", f"{name}@example.org")
            page.presses("Single sign-on")
            page.sees("Who are you?")
            assert page.run("location.hostname") == "localhost"
            page.types("name", name)
            page.presses("Sign in")
            if name == "stranger":
                page.sees("The identity provider did not sign you in. (Reference: ")
        page.sees("Your account")
        page.sees("In the workspace demo, as user.")
        page.sees("anna of Example")
        assert page.run("location.href") == demo.facts["http"] + "/account"


def test_who_is_turned_away_there_is_told_so_here(demo: RunningDemo, provider: dict[str, Any]) -> None:
    _, fragment = sign_in(demo, provider, "stranger")
    assert fragment["sso_error"] == "provider_refused"
    assert re.fullmatch("[0-9a-f]{16}", fragment["sso_reference"])
