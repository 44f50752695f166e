"""OpenID Connect against a provider on loopback that lies, answers rubbish, or changes its keys."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import pytest_asyncio
from aiohttp import web

from motet.identity.sso.discovery import FAILURE_REMEMBERED_S, REFETCH_S, REMEMBERED_S, Discovery
from motet.identity.sso.errors import ProtocolError, Refusal, SignOnError
from motet.identity.sso.oidc import OidcClient, RelyingParty, new_flow
from motet.outgoing.fetching import Fetcher
from motet.outgoing.targets import LOOPBACK_NETWORKS, TargetPolicy
from sso_provider import (
    CLIENT_ID,
    SECRET,
    Provider,
    hmac_with_the_public_key,
    new_key,
    none_token,
    served,
)


@dataclass
class Signing:
    """A client of a served provider; `at` counts its seconds."""

    provider: Provider
    at: float = 0.0
    policy: TargetPolicy = field(default_factory=lambda: TargetPolicy.of(LOOPBACK_NETWORKS))

    def __post_init__(self) -> None:
        self.fetcher = Fetcher(self.policy)
        self.discovery = Discovery(self.fetcher, lambda: self.at)
        self.client = OidcClient(self.fetcher, self.discovery, self.provider.now)

    @property
    def party(self) -> RelyingParty:
        return RelyingParty(self.provider.issuer, CLIENT_ID, SECRET, "https://motet.example.org/auth/sso/x/callback")

    async def claims(self, **answer: str) -> Any:
        """Of someone who agrees; `answer` is put over what the browser comes back with."""
        flow = new_flow()
        asked = dict(parse_qsl(urlsplit(await self.client.authorization_url(self.party, flow)).query))
        back = {"code": self.provider.grant(asked), "state": flow.state} | answer
        return (await self.client.signed_in(self.party, flow, back)).claims

    async def refusal(self, **answer: str) -> str:
        with pytest.raises(SignOnError) as raised:
            await self.claims(**answer)
        return str(raised.value)


@pytest_asyncio.fixture
async def signing() -> AsyncIterator[Signing]:
    async with served(Provider()) as provider:
        signing = Signing(provider)
        yield signing
        signing.fetcher.close()


async def test_an_honest_provider_is_believed(signing: Signing) -> None:
    claims = await signing.claims(iss=signing.provider.issuer)
    assert {name: claims[name] for name in signing.provider.claims} == signing.provider.claims


LIES: dict[str, tuple[dict[str, Any], str]] = {
    "nonce": ({"overrides": {"nonce": "another"}}, "the ID token was made for another sign-in (nonce)"),
    "no nonce": ({"overrides": {"nonce": None}}, "the ID token was made for another sign-in (nonce)"),
    "audience": ({"overrides": {"aud": "another"}}, "the token is for another client (aud)"),
    "audiences without azp": ({"overrides": {"aud": [CLIENT_ID, "x"]}}, "the token was given to another client (azp)"),
    "azp": ({"overrides": {"azp": "x"}}, "the token was given to another client (azp)"),
    "issuer": ({"overrides": {"iss": "https://evil.example"}}, "the token is another issuer's"),
    "no subject": ({"overrides": {"sub": None}}, "the token names no subject"),
    "no exp": ({"overrides": {"exp": None}}, "the token has no exp"),
    "expired": ({"overrides": {"exp": 1_700_000_000}}, "the token has expired"),
    "future": ({"overrides": {"iat": 1 << 33, "exp": 1 << 34}}, "the token is from the future: is one of the clocks"),
    "old": ({"overrides": {"iat": 1_700_000_000}}, "the token is too old"),
    "not yet": ({"overrides": {"nbf": 1 << 33}}, "the token is not good yet"),
    "at_hash": ({"overrides": {"at_hash": "x"}}, "the access token is not the one that the ID token names (at_hash)"),
    "none": ({"lie": none_token}, "the token's algorithm is not one that is taken (none)"),
    "hmac": ({"lie": hmac_with_the_public_key}, "the token's algorithm is not one that is taken (HS256)"),
    "no jwt": ({"lie": lambda *_: "x.y"}, "this is no signed token"),
    "not signed by it": (
        {"lie": lambda provider, claims: provider.token(claims, key=new_key("one"))},
        "the token's signature is not right",
    ),
    "unknown key": (
        {"lie": lambda provider, claims: provider.token(claims, key=new_key("x"))},
        "the token is signed with a key that the provider does not publish",
    ),
    "metadata of another": ({"metadata": {"issuer": "https://evil.example"}}, "the metadata names another issuer"),
    "RFC 9207": (
        {"metadata": {"authorization_response_iss_parameter_supported": True}},
        "the answer is another issuer's (RFC 9207)",
    ),
}


@pytest.mark.parametrize("lie", LIES)
async def test_what_a_provider_must_not_say_is_refused(signing: Signing, lie: str) -> None:
    knobs, words = LIES[lie]
    for name, value in knobs.items():
        setattr(signing.provider, name, value)
    assert (await signing.refusal()).startswith(words)


async def test_answers_of_another_issuer_or_of_no_use_are_refused(signing: Signing) -> None:
    assert await signing.refusal(iss="https://evil.example") == "the answer is another issuer's (RFC 9207)"
    assert await signing.refusal(state="another") == "the answer is to another sign-in (state)"
    assert await signing.refusal(code="") == "the answer holds no code"
    assert await signing.refusal(code="made up") == "it did not take the code (400 invalid_grant)"
    assert await signing.refusal(error="access_denied") == "the provider refused: access_denied"
    assert await signing.refusal(error="Call 555\n<b>") == "the provider refused (Call 555<b>)"


async def test_a_code_of_another_sign_in_does_not_pass_pkce(signing: Signing) -> None:
    stolen = signing.provider.grant(
        {"code_challenge": "x" * 43, "nonce": "n", "redirect_uri": signing.party.redirect_uri}
    )
    assert await signing.refusal(code=stolen) == "it did not take the code (400 invalid_grant)"


METADATA: dict[str, tuple[dict[str, Any], str]] = {
    "only none": ({"id_token_signing_alg_values_supported": ["none", "HS256"]}, "it signs ID tokens with no algorithm"),
    "no list": ({"id_token_signing_alg_values_supported": "RS256"}, "id_token_signing_alg_values_supported is no list"),
    "no code flow": ({"response_types_supported": ["id_token"]}, "it does not support the authorization code flow"),
    "no endpoint": ({"token_endpoint": None}, "the metadata has no token_endpoint"),
    "script": ({"authorization_endpoint": "javascript:alert(1)"}, "the metadata has no authorization_endpoint"),
    "file": ({"jwks_uri": "file:///etc/passwd"}, "the metadata has no jwks_uri"),
    "private address": ({"jwks_uri": "http://10.0.0.1/keys"}, "its key set cannot be read: The host's address is not"),
    "link-local": ({"token_endpoint": "http://169.254.169.254/"}, "its token endpoint: The host's address is not"),
}


@pytest.mark.parametrize("case", METADATA)
async def test_metadata_that_cannot_be_used_is_refused(signing: Signing, case: str) -> None:
    signing.provider.metadata, words = METADATA[case]
    assert (await signing.refusal()).startswith(words)


async def test_a_private_address_is_not_asked_unless_the_operator_allows_it() -> None:
    async with served(Provider()) as provider:
        signing = Signing(provider, policy=TargetPolicy())
        assert "Plain http is not allowed" in await signing.refusal()
        signing = Signing(provider, policy=TargetPolicy(allow_http=True))
        assert "not allowed for plain http" in await signing.refusal()
        assert provider.asked == []


def _stream(octets: bytes, content_type: str = "application/json") -> web.StreamResponse:
    return web.Response(body=octets, content_type=content_type)


def _moved() -> web.StreamResponse:
    return web.Response(status=302, headers={"location": "http://169.254.169.254/latest/meta-data"})


RUBBISH: list[tuple[Callable[[], web.StreamResponse], str]] = [
    (_moved, "it answered with a redirect (302), which is not followed"),
    (lambda: _stream(b'{"x":"' + b"x" * 300_000 + b'"}'), "the answer has more than 262144 octets"),
    (lambda: _stream(b"{"), "the answer is not valid JSON"),
    (lambda: _stream(b"[" * 100_000), "the answer is not valid JSON"),
    (lambda: _stream(b"[]"), "the answer is no JSON object"),
    (lambda: _stream(b"<html>", "text/html"), "the answer is text/html, not JSON"),
    (lambda: web.json_response({"error": "no\nluck"}, status=500), "500"),
]


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/jwks", "/token", "/userinfo"])
async def test_answers_that_cannot_be_used_are_refused(signing: Signing, path: str) -> None:
    del signing.provider.claims["email"]
    for answer, words in RUBBISH:
        signing.discovery.forget(signing.provider.issuer)
        signing.provider.answers[path] = answer
        assert words in (refusal := await signing.refusal())
        assert "\n" not in refusal


async def test_a_slow_answer_is_not_waited_for(signing: Signing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("motet.outgoing.fetching.FETCH_TIMEOUT_S", 0.2)
    signing.provider.hangs.add("/jwks")
    assert await signing.refusal() == "its key set cannot be read: no answer within 0.2 s"


async def test_new_keys_are_found_and_made_up_ones_ask_no_more_than_once_in_a_while(signing: Signing) -> None:
    await signing.claims()
    signing.provider.keys = [new_key("new"), *signing.provider.keys]
    unknown = "the token is signed with a key that the provider does not publish"
    assert await signing.refusal() == unknown  # the keys were read a moment ago
    signing.at += REFETCH_S
    await signing.claims()
    signing.provider.lie = lambda provider, claims: provider.token(claims, key=new_key("made up"))
    for _ in range(3):
        assert await signing.refusal() == unknown
    assert signing.provider.asked.count("/jwks") == 2
    signing.provider.lie = None
    del signing.provider.keys[0]
    await signing.claims()
    signing.at += REMEMBERED_S
    signing.provider.lie = lambda provider, claims: provider.token(claims, key=_WITHDRAWN)
    assert await signing.refusal() == unknown
    assert signing.provider.asked.count("/.well-known/openid-configuration") == 2


_WITHDRAWN = new_key("new")


async def test_a_provider_that_fails_is_not_asked_again_at_once(signing: Signing) -> None:
    signing.provider.answers["/.well-known/openid-configuration"] = lambda: web.json_response({}, status=503)
    for _ in range(3):
        assert "status 503" in await signing.refusal()
    assert len(signing.provider.asked) == 1
    signing.provider.answers.clear()
    signing.at += FAILURE_REMEMBERED_S
    await signing.claims()


async def test_a_public_client_shows_no_secret_and_one_that_posts_it_does(signing: Signing) -> None:
    party = RelyingParty(signing.provider.issuer, CLIENT_ID, None, signing.party.redirect_uri)
    flow = new_flow()
    await signing.client.authorization_url(party, flow)
    with pytest.raises(ProtocolError, match="invalid_client") as raised:
        await signing.client.signed_in(party, flow, {"code": "x", "state": flow.state})
    assert raised.value.refusal is Refusal.PROVIDER
    assert signing.provider.forms[-1].keys() == {"grant_type", "code", "redirect_uri", "code_verifier", "client_id"}
    signing.discovery.forget(signing.provider.issuer)
    signing.provider.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    assert "invalid_client" in await signing.refusal()
    assert (signing.provider.forms[-1]["client_id"], signing.provider.forms[-1]["client_secret"]) == (CLIENT_ID, SECRET)
