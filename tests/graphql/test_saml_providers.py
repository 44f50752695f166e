"""SAML providers through GraphQL: set up by metadata or by hand, and what must not be."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from graphql_client import Client
from graphql_world import World

from motet.domain.certificates import shown
from saml_provider import ENTITY_ID, NS, OURS, SECOND, SIGN_IN_URL, metadata_of, new_signing

FIELDS = """id kind issuer signInUrl certificates { pem sha256 subject validUntil } metadataPath acsPath redirectPath
  signsRequests
  ownCertificate { sha256 subject } clientId mailClaim nameClaim groupClaim enabled domains"""
CREATE = f"""mutation ($input: IdentityProviderCreateInput!) {{ identityProviderCreate(input: $input) {{
  identityProvider {{ {FIELDS} }} userErrors {{ code message path }} }} }}"""
UPDATE = f"""mutation ($input: IdentityProviderUpdateInput!) {{ identityProviderUpdate(input: $input) {{
  identityProvider {{ {FIELDS} }} userErrors {{ code message path }} }} }}"""
TEST = """mutation ($input: IdentityProviderTestInput!) { identityProviderTest(input: $input) { usable findings } }"""
NEW = {"kind": "SAML", "name": "New", "domains": ["example.org"]}


async def ask(client: Client, document: str, **given: Any) -> dict[str, Any]:
    (payload,) = (await client.query(document, {"input": given})).data.values()
    found: dict[str, Any] = payload
    return found


async def made(client: Client, document: str = CREATE, **given: Any) -> dict[str, Any]:
    payload = await ask(client, document, **given)
    assert payload["userErrors"] == []
    found: dict[str, Any] = payload["identityProvider"]
    return found


async def test_a_provider_is_made_of_its_metadata(world: World) -> None:
    client = world.client(world.demo)
    provider = await made(client, **NEW, metadataXml=metadata_of([OURS.pem, SECOND.pem, OURS.pem]), nameClaim="cn")
    path = f"/auth/sso/{provider['id']}"
    assert provider | {"id": ""} == {
        "id": "", "kind": "SAML", "issuer": ENTITY_ID, "signInUrl": SIGN_IN_URL, "metadataPath": path + "/metadata",
        "acsPath": path + "/acs", "redirectPath": None, "signsRequests": False, "ownCertificate": None,
        "clientId": "", "mailClaim": "email", "nameClaim": "cn", "groupClaim": None, "enabled": True,
        "domains": ["example.org"], "certificates": [
            {
                "pem": one.pem, "sha256": shown(one.pem).sha256, "subject": "CN=idp.example.org",
                "validUntil": one.certificate.not_valid_after_utc.isoformat().replace("+00:00", "Z"),
            }
            for one in (OURS, SECOND)
        ],
    }  # fmt: skip
    tried = await ask(client, TEST, id=provider["id"])
    assert tried == {
        "usable": True,
        "findings": [
            f"People sign in at {SIGN_IN_URL}.", "It signs with 2 known keys.", "Requests to it are not signed.",
        ],
    }  # fmt: skip


async def test_a_provider_that_wants_our_metadata_first_is_made_without_its_own(world: World) -> None:
    client = world.client(world.demo)
    provider = await made(client, **NEW, enabled=False)
    assert (provider["issuer"], provider["signInUrl"], provider["certificates"]) == ("", None, [])
    assert (await ask(client, TEST, id=provider["id"]))["usable"] is False
    refused = await ask(client, UPDATE, id=provider["id"], enabled=True)
    assert [error["path"] for error in refused["userErrors"]] == [["input", "issuer"]]
    now = await made(client, UPDATE, id=provider["id"], enabled=True, metadataXml=metadata_of([OURS.pem]))
    assert (now["enabled"], now["issuer"], len(now["certificates"])) == (True, ENTITY_ID, 1)
    rolled = await made(client, UPDATE, id=provider["id"], certificates=[OURS.pem, SECOND.pem])
    assert len(rolled["certificates"]) == 2
    assert rolled["issuer"] == ENTITY_ID


async def test_a_provider_is_made_by_hand_with_certificates_in_any_dress(world: World) -> None:
    client = world.client(world.demo)
    bare = "".join(OURS.pem.splitlines()[1:-1])
    provider = await made(
        client, **NEW, issuer="urn:example:idp", signInUrl="https://10.0.0.8/sso", certificates=[bare, OURS.pem]
    )
    assert [one["pem"] for one in provider["certificates"]] == [OURS.pem]


async def test_requests_are_signed_where_the_metadata_wants_it_or_someone_says_so(world: World) -> None:
    client = world.client(world.demo)
    wanted = metadata_of([OURS.pem], role='WantAuthnRequestsSigned="true"')
    provider = await made(client, **NEW, metadataXml=wanted)
    assert provider["signsRequests"] is True
    assert provider["ownCertificate"]["subject"] == "CN=Motet"
    same = await made(client, UPDATE, id=provider["id"], signsRequests=True)
    assert same["ownCertificate"] == provider["ownCertificate"]
    off = await made(client, UPDATE, id=provider["id"], signsRequests=False)
    assert (off["signsRequests"], off["ownCertificate"]) == (False, None)
    again = await made(client, UPDATE, id=provider["id"], signsRequests=True)
    assert again["ownCertificate"]["sha256"] != provider["ownCertificate"]["sha256"]
    apart = await made(client, **{**NEW, "domains": ["example.net"]}, metadataXml=wanted, signsRequests=False)
    assert apart["signsRequests"] is False


OIDC = {"name": "New", "issuer": "https://idp.example.org", "clientId": "motet"}
BY_HAND = {**NEW, "issuer": ENTITY_ID, "signInUrl": SIGN_IN_URL, "certificates": [OURS.pem]}


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({**BY_HAND, "metadataXml": metadata_of([OURS.pem])}, ["issuer"]),
        ({**NEW, "metadataXml": metadata_of([OURS.pem]), "certificates": []}, ["certificates"]),
        (NEW, ["issuer"]),
        ({**BY_HAND, "issuer": None}, ["issuer"]),
        ({**BY_HAND, "issuer": ""}, ["issuer"]),
        ({**BY_HAND, "issuer": "x" * 1_025}, ["issuer"]),
        ({**BY_HAND, "signInUrl": ""}, ["signInUrl"]),
        ({**BY_HAND, "signInUrl": "http://idp.example.org"}, ["signInUrl"]),
        ({**BY_HAND, "signInUrl": "javascript:alert(1)"}, ["signInUrl"]),
        ({**BY_HAND, "signInUrl": "https://u:p@idp.example.org"}, ["signInUrl"]),
        ({**BY_HAND, "certificates": []}, ["certificates"]),
        ({**BY_HAND, "certificates": None}, ["certificates"]),
        ({**BY_HAND, "certificates": ["x"]}, ["certificates", "0"]),
        ({**BY_HAND, "certificates": [OURS.pem, "MIIB"]}, ["certificates", "1"]),
        ({**BY_HAND, "certificates": [OURS.pem] * 7}, ["certificates"]),
        ({**BY_HAND, "domains": []}, ["domains"]),
        ({**BY_HAND, "nameClaim": ""}, ["nameClaim"]),
        ({**BY_HAND, "clientId": "motet"}, ["clientId"]),
        ({**BY_HAND, "clientSecret": "secret"}, ["clientSecret"]),
        ({**BY_HAND, "scopes": ["openid"]}, ["scopes"]),
        ({**BY_HAND, "trustsUnverifiedMail": True}, ["trustsUnverifiedMail"]),
        ({**OIDC, "signInUrl": SIGN_IN_URL}, ["signInUrl"]),
        ({**OIDC, "certificates": [OURS.pem]}, ["certificates"]),
        ({**OIDC, "metadataXml": metadata_of([OURS.pem])}, ["metadataXml"]),
        ({**OIDC, "signsRequests": False}, ["signsRequests"]),
        ({"name": "New", "clientId": "motet"}, ["issuer"]),
        ({"name": "New", "issuer": "https://idp.example.org"}, ["clientId"]),
    ],
)
async def test_what_a_provider_must_not_be_is_said_where(world: World, given: dict[str, Any], path: list[str]) -> None:
    refused = await ask(world.client(world.demo), CREATE, **given)
    assert [(error["code"], error["path"]) for error in refused["userErrors"]] == [("INVALID", ["input", *path])]
    assert refused["identityProvider"] is None


WEAK = new_signing(rsa.generate_private_key(public_exponent=65_537, key_size=1_024))  # noqa: S505
SMALL = new_signing(ec.generate_private_key(ec.SECP192R1()))


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("", "not well-formed"),
        ("<a/>", "describes 0 SAML identity providers"),
        ("<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>", "holds a DTD"),
        (metadata_of([OURS.pem], protocol="urn:oasis:names:tc:SAML:1.1:protocol"), "does not speak SAML 2.0"),
        (metadata_of([OURS.pem], binding="urn:oasis:names:tc:SAML:2.0:bindings:SOAP"), "by HTTP-Redirect"),
        (metadata_of([OURS.pem], entity='validUntil="2020-01-01T00:00:00Z"'), "good until 2020-01-01"),
        (metadata_of([OURS.pem], role='validUntil="never"'), "validUntil is no time"),
        (metadata_of([WEAK.pem]), "2048 to 8192 bits"),
        (metadata_of([SMALL.pem]), "P-256, P-384 and P-521"),
        (metadata_of([new_signing().pem for _ in range(7)]), "at most 6"),
        (
            f'<md:EntitiesDescriptor xmlns:md="{NS["md"]}">'
            + 2 * metadata_of([OURS.pem]).partition("-->")[2]
            + "</md:EntitiesDescriptor>",
            "describes 2 SAML identity providers",
        ),
        ("<a>" + "x" * 262_144 + "</a>", "at most 262144 octets"),
    ],
)
async def test_metadata_that_is_not_taken_is_explained(world: World, document: str, words: str) -> None:
    refused = await ask(world.client(world.demo), CREATE, **NEW, metadataXml=document)
    (error,) = refused["userErrors"]
    assert (error["code"], error["path"]) == ("INVALID", ["input", "metadataXml"])
    assert words in error["message"]


async def test_a_kind_that_speaks_for_itself_stays(world: World) -> None:
    client = world.client(world.demo)
    provider = await made(client, **BY_HAND)
    reply = await client.query(UPDATE, {"input": {"id": provider["id"], "kind": "OIDC"}})
    assert b"kind" in reply.body
    refused = await ask(client, UPDATE, id=provider["id"], clientSecret="secret")
    assert [error["path"] for error in refused["userErrors"]] == [["input", "clientSecret"]]


async def test_an_old_certificate_is_found(world: World) -> None:
    client = world.client(world.demo)
    old = new_signing(days=(-800, -400))
    provider = await made(client, **{**BY_HAND, "certificates": [old.pem]})
    finding = (await ask(client, TEST, id=provider["id"]))["findings"][-1]
    ended = old.certificate.not_valid_after_utc
    assert ended < datetime.now(UTC)
    assert finding.endswith(f"ended {ended:%Y-%m-%d}: is it still used?")


async def test_another_tenants_provider_is_not_found(world: World) -> None:
    provider = await made(world.client(world.demo), **BY_HAND)
    refused = await ask(world.client(world.other), UPDATE, id=provider["id"], metadataXml=metadata_of([OURS.pem]))
    assert [error["code"] for error in refused["userErrors"]] == ["NOT_FOUND"]
