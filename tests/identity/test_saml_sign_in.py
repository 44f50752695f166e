"""Signing in by a SAML provider: the whole way, and every lie that one, or someone between, may try."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import parse_qs, quote_plus, urlsplit

import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod

from motet.access.principals import Role
from motet.domain.users import UserStatus
from motet.identity.sso.admission import Provisioning
from motet.identity.sso.provider_rules import GroupRole, ProviderChanges
from people_world import PASSWORD, People
from saml_provider import NS, OURS, SECOND, STRANGER, SamlProvider, SamlWorld, asked_of, new_signing
from sso_provider import cookies_of, location

JIT = {"provisioning": int(Provisioning.JUST_IN_TIME)}
EMAIL_FORMAT = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"


@pytest_asyncio.fixture
async def world(people: People) -> AsyncIterator[SamlWorld]:
    provider = SamlProvider(people.clock)
    provider.attributes["email"] = ["anna@example.org"]
    yield SamlWorld(people, provider)


async def test_an_invited_user_signs_in_and_is_active_from_then_on(world: SamlWorld) -> None:
    await world.people.user(status=UserStatus.ACTIVATION_PENDING, roles={"demo": Role.USER})
    await world.add_provider()
    assert await world.subject() == "anna@example.org USER in demo"
    pool = world.people.ground.database.pool
    assert tuple(await pool.fetchrow("SELECT status, name FROM user_account")) == (1, "Anna Example")
    assert await pool.fetchval("SELECT methods FROM login_session") == ["fed"]
    assert tuple(await pool.fetchrow("SELECT issuer, subject FROM federated_identity")) == (
        "https://idp.example.org/saml", "anna-1",
    )  # fmt: skip
    assert await pool.fetchval("SELECT provider_sid FROM sso_session") == "s-1"
    assert await world.subject() == "anna@example.org USER in demo"


async def test_what_the_provider_is_asked(world: SamlWorld) -> None:
    await world.add_provider()
    told = await world.people.http(f"{world.path}/start?next=/devices", method="GET")
    assert location(told).startswith("https://idp.example.org/sso?tenant=1&SAMLRequest=")
    assert "Signature" not in location(told)
    asked = asked_of(location(told))
    public = "https://motet.example.org" + world.path
    assert (asked.acs_url, asked.audience) == (public + "/acs", public + "/metadata")
    attributes = dict(asked.request.attrib)
    assert attributes.pop("ID") == asked.request_id
    assert attributes.pop("IssueInstant").endswith("Z")
    assert attributes == {
        "Version": "2.0", "Destination": "https://idp.example.org/sso?tenant=1", "AssertionConsumerServiceURL": public +
        "/acs", "ProtocolBinding": "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST",
    }  # fmt: skip
    assert len(asked.relay_state) <= 80
    (name,) = cookies_of(told)
    assert name == "__Host-motet_sso_" + asked.relay_state[:12]
    again, _ = await world.ask()
    assert again.request_id != asked.request_id
    assert again.relay_state != asked.relay_state


async def test_requests_are_signed_if_it_is_said(world: SamlWorld) -> None:
    provider_id = await world.add_provider(signs_requests=True)
    told = await world.people.http(f"{world.path}/start", method="GET")
    query, _, signature = urlsplit(location(told)).query.partition("&Signature=")
    signed = query.removeprefix("tenant=1&")
    assert [part.partition("=")[0] for part in signed.split("&")] == ["SAMLRequest", "RelayState", "SigAlg"]
    assert signed.endswith(quote_plus("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"))
    metadata = etree.fromstring((await world.people.http(f"{world.path}/metadata", method="GET")).body)
    role = metadata.find("md:SPSSODescriptor", NS)
    assert role.get("AuthnRequestsSigned") == "true"
    encoded = role.findtext("md:KeyDescriptor[@use='signing']/ds:KeyInfo/ds:X509Data/ds:X509Certificate", None, NS)
    key = x509.load_der_x509_certificate(base64.b64decode(encoded)).public_key()
    octets = base64.b64decode(parse_qs("s=" + signature)["s"][0])
    key.verify(octets, signed.encode(), padding.PKCS1v15(), hashes.SHA256())  # type: ignore[union-attr, call-arg]
    sealed = await world.people.ground.database.pool.fetchval(
        "SELECT own_key_encrypted FROM identity_provider WHERE id = $1", provider_id
    )
    assert world.people.ground.box.decrypt(sealed)[:1] == b"\x30"


async def test_our_metadata_is_there_before_anyone_can_sign_in(world: SamlWorld) -> None:
    await world.add_provider(issuer="", sign_in_url=None, certificates=(), enabled=False)
    told = await world.people.http(f"{world.path}/metadata", method="GET")
    assert dict(told.headers)["content-type"] == "application/samlmetadata+xml"
    entity = etree.fromstring(told.body)
    assert entity.get("entityID") == "https://motet.example.org" + world.path + "/metadata"
    role = entity.find("md:SPSSODescriptor", NS)
    assert (role.get("WantAssertionsSigned"), role.get("AuthnRequestsSigned")) == ("true", "false")
    service = role.find("md:AssertionConsumerService", NS)
    assert service.get("Location") == "https://motet.example.org" + world.path + "/acs"
    assert (await world.people.http(f"{world.path}/start", method="GET")).code == "NOT_FOUND"
    for path in (world.provider_path(1), "/auth/sso/x"):
        assert (await world.people.http(f"{path}/metadata", method="GET")).code == "NOT_FOUND"


@pytest.mark.parametrize("signs", [("Assertion",), ("Response",), ("Assertion", "Response")])
async def test_the_assertion_must_be_signed_itself_or_by_the_response(world: SamlWorld, signs: tuple[str, ...]) -> None:
    await world.people.user()
    await world.add_provider()
    world.provider.signs = signs
    assert await world.subject() == "anna@example.org ADMINISTRATOR in demo"


async def test_an_assertion_that_nobody_signed_is_refused(world: SamlWorld) -> None:
    await world.add_provider()
    world.provider.signs = ()
    assert await world.refused() == "the Assertion is not signed"


@pytest.mark.parametrize(
    ("method", "key"),
    [
        (SignatureMethod.RSA_SHA512, None),
        (SignatureMethod.SHA256_RSA_MGF1, None),
        (SignatureMethod.ECDSA_SHA256, ec.generate_private_key(ec.SECP256R1())),
        (SignatureMethod.ECDSA_SHA384, ec.generate_private_key(ec.SECP384R1())),
    ],
)
async def test_signatures_that_are_taken(
    world: SamlWorld, method: SignatureMethod, key: ec.EllipticCurvePrivateKey | None
) -> None:
    await world.people.user()
    world.provider.signing = OURS if key is None else new_signing(key)
    world.provider.method, world.provider.digest = method, DigestAlgorithm.SHA512
    await world.add_provider(certificates=(world.provider.signing,))
    assert await world.subject() == "anna@example.org ADMINISTRATOR in demo"


@pytest.mark.parametrize(
    ("method", "digest", "words"),
    [
        (SignatureMethod.RSA_SHA1, DigestAlgorithm.SHA256, "algorithm is not one that is taken (rsa-sha1)"),
        (SignatureMethod.RSA_SHA224, DigestAlgorithm.SHA256, "algorithm is not one that is taken (rsa-sha224)"),
        (SignatureMethod.RSA_SHA256, DigestAlgorithm.SHA1, "digest is not one that is taken (sha1)"),
        (SignatureMethod.HMAC_SHA256, DigestAlgorithm.SHA256, "algorithm is not one that is taken (hmac-sha256)"),
    ],
)
async def test_weak_signatures_are_refused(
    world: SamlWorld, method: SignatureMethod, digest: DigestAlgorithm, words: str
) -> None:
    await world.add_provider()
    world.provider.method, world.provider.digest = method, digest
    assert await world.refused() == f"the signature's {words}"


async def test_a_key_that_is_none_of_the_providers_is_refused_though_its_certificate_comes_along(
    world: SamlWorld,
) -> None:
    await world.add_provider()
    world.provider.signing = STRANGER
    words = "the signature is not right, or made with a key that is none of the provider's certificates'"
    assert await world.refused() == words


async def test_several_certificates_are_good_at_once_and_their_dates_are_not_looked_at(world: SamlWorld) -> None:
    await world.people.user()
    old = new_signing(days=(-800, -400))
    await world.add_provider(certificates=(SECOND, old))
    for signing in (SECOND, old):
        world.provider.signing = signing
        assert await world.subject() == "anna@example.org ADMINISTRATOR in demo"
    world.provider.signing = OURS
    assert "none of the provider's" in await world.refused()


@pytest.mark.parametrize(
    ("says", "words"),
    [
        ({"issuer": "https://evil.example"}, "the issuer is another one (https://evil.example)"),
        ({"response_issuer": "https://evil.example"}, "the issuer is another one"),
        ({"destination": "https://other.example/acs"}, "the response is for another place (Destination)"),
        ({"recipient": "https://other.example/acs"}, "the assertion is for another place (Recipient)"),
        ({"recipient": None}, "the assertion is for another place (Recipient)"),
        ({"audience": "https://other.example"}, "the assertion is for someone else (Audience)"),
        ({"audience": None}, "the assertion does not say for whom it is (Audience)"),
        (
            {"in_response_to": None},
            "nobody has asked for this response: sign-in that begins at the provider is not taken",
        ),
        ({"confirmed_for": None}, "the assertion is the answer to another request (InResponseTo)"),
        ({"confirmed_for": "_another"}, "the assertion is the answer to another request (InResponseTo)"),
        ({"method": "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"}, "the subject must be confirmed once, as bearer"),
        ({"confirmed_until": None}, "the assertion does not say until when it may be used (NotOnOrAfter)"),
        ({"confirmed_until": "tomorrow"}, "NotOnOrAfter is no time in UTC"),
        ({"not_after": "2999-01-01T00:00:00+02:00"}, "NotOnOrAfter is no time in UTC"),
        ({"name_id": ""}, "the assertion names no subject (NameID)"),
        ({"name_id": "x" * 256}, "the assertion names no subject (NameID)"),
        ({"name_id": "anna<b/>-1"}, "NameID holds more than text"),
        ({"version": "1.1"}, "the Response is not of SAML 2.0"),
        ({"issued": None}, "the assertion is from the future: is one of the clocks wrong?"),
        ({"assertion_id": "x" * 256}, "the assertion has no id"),
    ],
)
async def test_lies(world: SamlWorld, says: dict[str, str | None], words: str) -> None:
    await world.people.user()
    await world.add_provider()
    world.provider.says = says
    assert await world.refused() == words


async def test_a_transient_name_says_nothing_of_who_someone_is(world: SamlWorld) -> None:
    await world.add_provider()
    world.provider.says = {"name_format": "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"}
    assert (await world.refused()).startswith("the NameID is a new one each time (transient)")


@pytest.mark.parametrize(
    ("name", "seconds", "words"),
    [
        ("not_after", -60, "the assertion has expired"),
        ("confirmed_until", -60, "the assertion has expired"),
        ("session_until", -60, "the session at the provider has ended"),
        ("not_before", 61, "the assertion is not good yet: is one of the clocks wrong?"),
        ("issued", 61, "the assertion is from the future: is one of the clocks wrong?"),
        ("issued", -3_601, "the assertion is too old"),
    ],
)
async def test_times_may_be_off_by_a_minute_and_no_more(world: SamlWorld, name: str, seconds: int, words: str) -> None:
    await world.people.user()
    await world.add_provider()
    world.provider.says = {name: world.people.clock.at + timedelta(seconds=seconds)}
    assert await world.refused() == words
    world.provider.says = {name: world.people.clock.at + timedelta(seconds=seconds - 1 if seconds > 0 else seconds + 1)}
    assert await world.subject() == "anna@example.org ADMINISTRATOR in demo"


async def test_who_the_provider_turns_away_is_told_so(world: SamlWorld) -> None:
    await world.add_provider()
    world.provider.says = {"status": "urn:oasis:names:tc:SAML:2.0:status:Responder"}
    world.provider.signs = ()
    assert await world.refusal() == ("provider_refused", "the provider refused: Responder")


async def test_nobody_tells_administrators_anything_in_words_of_their_own(
    world: SamlWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    await world.add_provider()
    # Whoever comes without having asked, with what the provider has not signed.
    asked, cookies = await world.ask()
    response = world.provider.answer(asked)
    for octets in (b"x", b"<a/>", response.replace(b"anna@example.org", b"eve@example.org")):
        assert (await world.give(octets, asked.relay_state, {})).error == "unasked"
        assert (await world.give(octets, "", {})).error == "unasked"
    # Whoever did ask, and answers to another question.
    other, _ = await world.ask()
    world.provider.signs = ()
    assert (await world.give(world.provider.answer(other), asked.relay_state, cookies)).error == "expired"
    assert await world.last_error() is None
    # Whoever did ask, and makes up the answer: what is wrong is told, and not what they say.
    world.provider.says = {"status": "urn:x:Call 555 0100 at once"}
    assert await world.refusal() == ("provider_refused", "the provider refused")
    world.provider.says = {"response_issuer": "Call 555 0100 at once"}
    assert await world.refusal() == ("provider_failed", "the Assertion is not signed")
    assert "why='the provider refused (Call 555 0100 at once)'" in capsys.readouterr().out


async def test_one_signature_of_what_nobody_asked_for_is_checked_at_a_time(world: SamlWorld) -> None:
    await world.people.user()
    await world.add_provider()
    asked, _ = await world.ask()
    response = world.provider.answer(asked)
    given = await asyncio.gather(*(world.give(response, "", {}) for _ in range(5)))
    assert {one.error for one in given} == {"unasked"}
    assert await world.last_error() == "a response came to a browser that had not asked: sign-in begins here"


async def test_a_response_works_once_in_the_browser_that_asked_within_ten_minutes(world: SamlWorld) -> None:
    await world.people.user()
    await world.add_provider()
    asked, cookies = await world.ask()
    response = world.provider.answer(asked)
    assert (await world.give(response, asked.relay_state, {})).error == "unasked"
    other, others = await world.ask()
    assert (await world.give(response, asked.relay_state, others)).error == "unasked"
    assert (await world.give(response, other.relay_state, others)).error == "expired"  # InResponseTo
    unasked = "a response came to a browser that had not asked: sign-in begins here"
    assert await world.last_error() == unasked, "what is no answer to what was asked is not told"
    tampered = asked.relay_state[:12] + "x" * 31
    assert (await world.give(response, tampered, cookies)).error == "expired"
    asked, cookies = await world.ask()
    response = world.provider.answer(asked)
    both = await asyncio.gather(*(world.give(response, asked.relay_state, cookies) for _ in range(2)))
    assert sorted(str(one.error) for one in both) == ["None", "expired"]
    asked, cookies = await world.ask()
    world.people.clock.forward(timedelta(seconds=601))
    late = await world.give(world.provider.answer(asked), asked.relay_state, cookies)
    assert late.error == "expired"


async def test_an_assertion_comes_once_even_if_the_provider_sends_it_again(world: SamlWorld) -> None:
    await world.people.user()
    await world.add_provider()
    world.provider.says = {"assertion_id": "_the-same"}
    assert await world.subject() == "anna@example.org ADMINISTRATOR in demo"
    assert await world.refusal() == ("expired", "this came before")


async def test_sign_in_that_begins_at_the_provider_is_refused(world: SamlWorld) -> None:
    await world.people.user()
    await world.add_provider()
    asked, _ = await world.ask()
    world.provider.says = {"in_response_to": None, "confirmed_for": None}
    signed_in = await world.give(world.provider.answer(asked), "", {})
    assert signed_in.error == "unasked"
    assert await world.last_error() == "a response came to a browser that had not asked: sign-in begins here"


async def test_an_assertion_for_one_provider_is_not_taken_by_another_with_the_same_key(world: SamlWorld) -> None:
    await world.people.user()
    first = await world.add_provider()
    asked, _ = await world.ask()
    response = world.provider.answer(asked)
    second = await world.add_provider(("example.net",))
    other, cookies = await world.ask()
    assert (await world.give(response, other.relay_state, cookies)).error == "provider_failed"
    other, cookies = await world.ask()
    world.provider_id = first  # the right answer at the wrong address
    assert (await world.give(world.provider.answer(other), other.relay_state, cookies)).error == "expired"
    world.provider_id = second
    other, cookies = await world.ask()
    world.provider.says = {"audience": asked.audience}
    assert (await world.give(world.provider.answer(other), other.relay_state, cookies)).error == "provider_failed"


async def test_an_open_id_answer_does_not_do_for_a_saml_provider(world: SamlWorld) -> None:
    await world.add_provider()
    asked, cookies = await world.ask()
    assert (await world.back({"code": "x", "state": asked.relay_state}, cookies)).error == "expired"


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (b"", "the form holds no SAMLResponse"),
        (b"SAMLResponse=a&SAMLResponse=b", "a field of the response's form came twice"),
        (b"SAMLResponse=%FF" + b"&a=" * 12, "the response's form cannot be read"),
        ("SAMLResponse=é".encode(), "the response's form cannot be read"),
        (b"SAMLResponse=" + b"x" * 600_000, "the response's form has more than"),
    ],
)
async def test_forms_that_are_none(
    world: SamlWorld, form: bytes, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    await world.add_provider()
    told = await world.people.http(f"{world.path}/acs", form, content_type="application/x-www-form-urlencoded")
    assert location(told).startswith("/account#sso_error=provider_failed&sso_reference=")
    reference = location(told)[-16:]
    (line,) = [line for line in capsys.readouterr().out.splitlines() if reference in line]
    assert words in line
    told = await world.people.http(f"{world.path}/acs", b"{}")
    assert location(told).startswith("/account#sso_error=provider_failed")


async def test_what_is_no_response_is_refused(world: SamlWorld) -> None:
    await world.add_provider()
    for octets, words in (
        (b"x", "the document is not well-formed XML"),
        (b"<a/>", "this is no SAML response (a)"),
        (f'<a:LogoutResponse xmlns:a="{NS["samlp"]}"/>'.encode(), "this is no SAML response (LogoutResponse)"),
        (b" " * 300_000, "the response has more than 262144 octets"),
    ):
        asked, cookies = await world.ask()
        assert (await world.give(octets, asked.relay_state, cookies)).error == "provider_failed"
        assert words in str(await world.last_error())
    asked, cookies = await world.ask()
    told = await world.post({"SAMLResponse": "?", "RelayState": asked.relay_state}, cookies)
    assert location(told).startswith("/account#sso_error=provider_failed")
    assert await world.last_error() == "the response is not in base64"


async def test_a_failure_has_a_reference_that_the_log_and_the_audit_log_explain(
    world: SamlWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    await world.add_provider()
    world.provider.signs = ()
    capsys.readouterr()
    signed_in = await world.sign_in()
    reference = signed_in.fragment["sso_reference"]
    (line,) = [line for line in capsys.readouterr().out.splitlines() if reference in line]
    assert "the Assertion is not signed" in line
    assert str(world.provider_id) in line


async def test_the_audit_log_has_who_was_let_in_and_who_was_not(world: SamlWorld) -> None:
    await world.add_provider(**JIT, default_workspace_id=world.people.demo.workspace_id)
    await world.exchange(await world.sign_in())
    world.provider.attributes["email"] = ["anna@elsewhere.example"]
    world.provider.says = {"name_id": "anna-2"}
    await world.sign_in()
    asked, _ = await world.ask()
    await world.give(world.provider.answer(asked), "", {})
    rows = await world.people.ground.database.pool.fetch(
        "SELECT actor, action, outcome, code FROM audit_entry WHERE action LIKE '%/auth/sso/%'"
    )
    us, acs = "identity provider Ours", "POST /auth/sso/{provider}/acs"
    assert {tuple(row) for row in rows} == {
        (us, acs, "DONE", None),
        ("anna@example.org", "POST /auth/sso/exchange", "DONE", None),
        (us, acs, "REFUSED", "NOT_ADMITTED"),
        ("single sign-on", acs, "REFUSED", "UNASKED"),
    }


async def test_the_address_is_the_attribute_or_a_name_id_that_is_one(world: SamlWorld) -> None:
    await world.people.user()
    url = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"
    await world.add_provider(mail_claim=url)
    del world.provider.attributes["email"]
    assert (await world.refusal())[0] == "mail_not_verified"
    world.provider.says = {"name_id": "Anna@Example.org", "name_format": EMAIL_FORMAT}
    assert await world.subject() == "anna@example.org ADMINISTRATOR in demo"
    world.provider.attributes[url] = ["anna@example.org"]
    world.provider.says = {"name_id": "Anna@Example.org"}
    assert await world.subject() == "anna@example.org ADMINISTRATOR in demo"
    world.provider.attributes[url] = ["anna@example.org", "boss@example.org"]
    assert (await world.refusal())[0] == "mail_not_verified"


async def test_attributes_take_no_name_that_is_ours(world: SamlWorld) -> None:
    await world.people.user()
    await world.add_provider()
    world.provider.attributes |= {"sub": ["boss"], "iss": ["https://evil.example"], "email_verified": ["false"]}
    assert await world.subject() == "anna@example.org ADMINISTRATOR in demo"
    row = await world.people.ground.database.pool.fetchrow("SELECT issuer, subject FROM federated_identity")
    assert tuple(row) == ("https://idp.example.org/saml", "anna-1")


async def test_the_rules_are_those_of_every_provider(world: SamlWorld) -> None:
    demo = world.people.demo.workspace_id
    boss = await world.people.user("boss@example.org")
    rules = [GroupRole("ops", demo, "USER"), GroupRole("bosses", demo, "ADMINISTRATOR")]
    await world.add_provider(**JIT, group_claim="http://schemas.example/groups", group_roles=rules)
    world.provider.attributes["http://schemas.example/groups"] = ["ops", "others"]
    assert await world.subject() == "anna@example.org USER in demo"
    world.provider.attributes["http://schemas.example/groups"] = ["bosses"]
    assert await world.subject() == "anna@example.org ADMINISTRATOR in demo"
    await world.people.identity.identity_providers.require(world.admin, True, [boss])
    told = await world.people.http("/auth/login", {"email": "anna@example.org", "password": PASSWORD})
    assert told.code == "UNAUTHENTICATED"  # she has no password
    world.provider.attributes["email"] = ["eve@evil.example"]
    world.provider.says = {"name_id": "eve"}
    assert await world.refusal() == ("not_admitted", "the domain evil.example is none of the provider's")


async def test_a_provider_with_another_entity_id_finds_people_by_their_addresses_again(world: SamlWorld) -> None:
    await world.people.user()
    await world.add_provider()
    await world.subject()
    changes = ProviderChanges(settings={"issuer": "https://new.example"})
    await world.people.identity.identity_providers.update(world.admin, world.provider_id, changes)
    assert "the issuer is another one" in await world.refused()
    world.provider.says = {"issuer": "https://new.example", "response_issuer": None, "name_id": "another-name"}
    assert await world.subject() == "anna@example.org ADMINISTRATOR in demo"
    found = await world.people.ground.database.pool.fetch("SELECT issuer, subject FROM federated_identity")
    assert [tuple(row) for row in found] == [("https://new.example", "another-name")]


async def test_a_provider_that_has_lost_its_domains_speaks_for_nobody(world: SamlWorld) -> None:
    await world.people.user()
    await world.add_provider()
    await world.people.ground.database.pool.execute("DELETE FROM identity_provider_domain")
    assert await world.refusal() == ("not_admitted", "the provider has no domain to speak for")


async def test_only_a_page_of_ours_comes_next(world: SamlWorld) -> None:
    await world.people.user()
    await world.add_provider()
    assert (await world.sign_in("?next=/devices")).fragment["next"] == "/devices"
    assert (await world.sign_in("?next=//evil.example")).fragment["next"] == "/"


async def test_signing_out_ends_our_session_alone(world: SamlWorld) -> None:
    await world.people.user()
    await world.add_provider()
    token = (await world.exchange(await world.sign_in())).body["access_token"]
    assert (await world.people.http("/auth/sso/logout", token=token)).body == {"redirect": None}
    assert (await world.people.http("/auth/sso/logout", token=token)).code == "UNAUTHENTICATED"
