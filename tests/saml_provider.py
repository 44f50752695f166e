"""A SAML identity provider of ours that can be made to lie, and a browser that signs in by it."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.signer import XMLSigner

from motet.domain.certificates import pem_of
from motet.domain.global_ids import encode_global_id
from motet.identity.sso.kinds import ProviderKind
from motet.identity.sso.provider_rules import ProviderChanges
from people_world import People, Told
from sso_provider import SignedIn, SsoWorld, cookie_header, cookies_of, location

ENTITY_ID = "https://idp.example.org/saml"
SIGN_IN_URL = "https://idp.example.org/sso?tenant=1"
NS = {
    "samlp": "urn:oasis:names:tc:SAML:2.0:protocol", "saml": "urn:oasis:names:tc:SAML:2.0:assertion",
    "ds": "http://www.w3.org/2000/09/xmldsig#", "md": "urn:oasis:names:tc:SAML:2.0:metadata",
}  # fmt: skip
POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class Signing:
    """A key and its certificate."""

    key: Key
    certificate: x509.Certificate

    @property
    def pem(self) -> str:
        return pem_of(self.certificate)


def new_signing(key: Key | None = None, *, days: tuple[int, int] = (-1, 3_650)) -> Signing:
    """`days`: from when to when the certificate is good, from now."""
    key = key or rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp.example.org")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now + timedelta(days=days[0])).not_valid_after(now + timedelta(days=days[1]))
    return Signing(key, builder.sign(key, hashes.SHA256()))


OURS, SECOND, STRANGER = new_signing(), new_signing(), new_signing()


@dataclass
class Asked:
    """What a browser brings."""

    parameters: dict[str, str]
    request: Any
    """The AuthnRequest."""

    @property
    def request_id(self) -> str:
        return str(self.request.get("ID"))

    @property
    def relay_state(self) -> str:
        return self.parameters["RelayState"]

    @property
    def acs_url(self) -> str:
        return str(self.request.get("AssertionConsumerServiceURL"))

    @property
    def audience(self) -> str:
        return str(self.request.findtext("saml:Issuer", namespaces=NS))


@dataclass
class SamlProvider:
    """Knobs are fields; set them before the sign-in that is to go wrong."""

    now: Callable[[], datetime]
    signing: Signing = OURS
    method: SignatureMethod = SignatureMethod.RSA_SHA256
    digest: DigestAlgorithm = DigestAlgorithm.SHA256
    signs: tuple[str, ...] = ("Assertion",)
    """Of Assertion and Response."""
    says: dict[str, Any] = field(default_factory=dict)
    """What stands in the response in place of the right thing, by the names in `_response`; None leaves it out."""
    attributes: dict[str, list[str]] = field(default_factory=lambda: {"name": ["Anna Example"]})
    before: Callable[[Any], None] = lambda _: None
    """Changes the response before it is signed."""
    after: Callable[[Any], Any] = lambda _: None
    """Changes it afterwards, or gives another one."""
    octets: Callable[[bytes], bytes] = lambda octets: octets
    """Changes what is sent."""
    counter: int = 0

    def answer(self, asked: Asked) -> bytes:
        """The response to someone who has signed in."""
        response = etree.fromstring(self._response(asked).encode())
        self.before(response)
        if "Assertion" in self.signs:
            response = self.sign(response, response.find("saml:Assertion", NS))
        if "Response" in self.signs:
            response = self.sign(response, response)
        changed = self.after(response)
        return self.octets(etree.tostring(response if changed is None else changed))

    def sign(self, response: Any, element: Any) -> Any:
        """The response with a signature in this element of it, behind the issuer."""
        place = etree.Element(f"{{{NS['ds']}}}Signature", {"Id": "placeholder"}, {"ds": NS["ds"]})
        element.insert(1, place)
        hmac = self.method.name.startswith("HMAC")
        signed = _Signer(self.method, self.digest).sign(
            response, key=self.signing.pem.encode() if hmac else self.signing.key, cert=[self.signing.certificate],
            reference_uri="#" + element.get("ID"), id_attribute="ID",
        )  # fmt: skip
        return etree.fromstring(etree.tostring(signed))

    def _response(self, asked: Asked) -> str:
        self.counter += 1
        now = self.now().astimezone(UTC)
        told = {
            "status": "urn:oasis:names:tc:SAML:2.0:status:Success",
            "destination": asked.acs_url,
            "in_response_to": asked.request_id,
            "response_issuer": ENTITY_ID,
            "response_id": f"_r{self.counter}",
            "assertion_id": f"_a{self.counter}",
            "issuer": ENTITY_ID,
            "issued": now,
            "version": "2.0",
            "name_id": "anna-1",
            "name_format": "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
            "method": "urn:oasis:names:tc:SAML:2.0:cm:bearer",
            "recipient": asked.acs_url,
            "confirmed_for": asked.request_id,
            "confirmed_until": now + timedelta(minutes=5),
            "not_before": now - timedelta(seconds=30),
            "not_after": now + timedelta(minutes=5),
            "audience": asked.audience,
            "session_until": None,
        } | self.says
        attributes = "".join(
            f'<saml:Attribute Name="{name}">'
            + "".join(f"<saml:AttributeValue>{value}</saml:AttributeValue>" for value in values)
            + "</saml:Attribute>"
            for name, values in self.attributes.items()
        )
        audience = "" if told["audience"] is None else f"<saml:Audience>{told['audience']}</saml:Audience>"
        restriction = f"<saml:AudienceRestriction>{audience}</saml:AudienceRestriction>" if audience else ""
        issuer = told["response_issuer"]
        return f"""<samlp:Response xmlns:samlp="{NS["samlp"]}" xmlns:saml="{NS["saml"]}" Version="{told["version"]}"
{_some("ID", told["response_id"])} {_some("Destination", told["destination"])}
{_some("InResponseTo", told["in_response_to"])} {_some("IssueInstant", now)}>
{"" if issuer is None else f"<saml:Issuer>{issuer}</saml:Issuer>"}
<samlp:Status><samlp:StatusCode Value="{told["status"]}"/></samlp:Status>
<saml:Assertion Version="2.0" {_some("ID", told["assertion_id"])} {_some("IssueInstant", told["issued"])}>
<saml:Issuer>{told["issuer"]}</saml:Issuer>
<saml:Subject><saml:NameID {_some("Format", told["name_format"])}>{told["name_id"]}</saml:NameID>
<saml:SubjectConfirmation Method="{told["method"]}"><saml:SubjectConfirmationData
{_some("Recipient", told["recipient"])} {_some("InResponseTo", told["confirmed_for"])}
{_some("NotOnOrAfter", told["confirmed_until"])}/>
</saml:SubjectConfirmation></saml:Subject>
<saml:Conditions {_some("NotBefore", told["not_before"])} {_some("NotOnOrAfter", told["not_after"])}>
{restriction}</saml:Conditions>
<saml:AuthnStatement {_some("AuthnInstant", now)} SessionIndex="s-1"
{_some("SessionNotOnOrAfter", told["session_until"])}>
<saml:AuthnContext/></saml:AuthnStatement>
<saml:AttributeStatement>{attributes}</saml:AttributeStatement>
</saml:Assertion></samlp:Response>"""


class _Signer(XMLSigner):
    """Signs by old algorithms too: the provider may lie."""

    def __init__(self, method: SignatureMethod, digest: DigestAlgorithm) -> None:
        super().__init__(
            signature_algorithm=SignatureMethod.RSA_SHA256, digest_algorithm=DigestAlgorithm.SHA256,
            c14n_algorithm=EXCLUSIVE,
        )  # fmt: skip
        self.sign_alg, self.digest_alg = method, digest


def _some(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        value = value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return f'{name}="{value}"'


def asked_of(url: str) -> Asked:
    """What a provider reads of the address to which a browser is sent."""
    parameters = dict(parse_qsl(urlsplit(url).query))
    request = etree.fromstring(zlib.decompress(base64.b64decode(parameters["SAMLRequest"]), -zlib.MAX_WBITS))
    return Asked(parameters, request)


def metadata_of(certificates: list[str], **changes: str) -> str:
    """A provider's metadata document."""
    keys = "".join(
        f'<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="{NS["ds"]}"><ds:X509Data><ds:X509Certificate>\n'
        f"{''.join(pem.splitlines()[1:-1])}\n</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        for pem in certificates
    )
    binding = changes.get("binding", "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect")
    protocol = changes.get("protocol", NS["samlp"])
    return f"""<?xml version="1.0" encoding="UTF-8"?><!-- made by a provider -->
<md:EntityDescriptor xmlns:md="{NS["md"]}" entityID="{ENTITY_ID}" {changes.get("entity", "")}>
<md:IDPSSODescriptor protocolSupportEnumeration="{protocol}" {changes.get("role", "")}>{keys}
<md:SingleSignOnService Binding="{POST}" Location="https://idp.example.org/post"/>
<md:SingleSignOnService Binding="{binding}" Location="{SIGN_IN_URL}"/>
</md:IDPSSODescriptor></md:EntityDescriptor>"""


@dataclass
class SamlWorld(SsoWorld):
    """People, a SAML provider of demo's organisation, and the ways to sign in by it."""

    people: People
    provider: SamlProvider  # type: ignore[assignment]
    provider_id: int = 0

    async def add_provider(
        self,
        domains: tuple[str, ...] = ("example.org",),
        certificates: tuple[Signing, ...] = (OURS,),
        signs_requests: bool | None = None,
        **settings: Any,
    ) -> int:
        named: dict[str, Any] = {
            "name": "Ours", "issuer": ENTITY_ID, "sign_in_url": SIGN_IN_URL,
            "certificates": [one.pem for one in certificates], **settings,
        }  # fmt: skip
        group_roles = named.pop("group_roles", None)
        changes = ProviderChanges(
            settings=named, domains=domains, group_roles=group_roles, signs_requests=signs_requests
        )
        providers = self.people.identity.identity_providers
        self.provider_id = await providers.create(self.admin, changes, ProviderKind.SAML)
        return self.provider_id

    async def ask(self, query: str = "") -> tuple[Asked, dict[str, str]]:
        """What the provider is asked, and the browser's cookies."""
        told = await self.people.http(f"{self.path}/start{query}", method="GET")
        assert told.status == 303, told
        return asked_of(location(told)), cookies_of(told)

    async def post(self, form: dict[str, str], cookies: dict[str, str], path: str | None = None) -> Told:
        return await self.people.http(
            path or f"{self.path}/acs", urlencode(form).encode(), cookie=cookie_header(cookies),
            content_type="application/x-www-form-urlencoded",
        )  # fmt: skip

    async def give(self, response: bytes, relay_state: str, cookies: dict[str, str]) -> SignedIn:
        """The provider's page has the browser post the response, which goes as a browser does it: first without
        cookies, since the page is another site's."""
        form = {"SAMLResponse": base64.b64encode(response).decode(), "RelayState": relay_state}
        told = await self.post(form, {})
        if told.status == 200:
            page = told.body.decode()
            again = {name: unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', page)}
            assert again == {**form, "again": "1"}
            told = await self.post(again, cookies)
        assert told.status == 303, told
        at = urlsplit(location(told))
        assert (at.netloc, at.path) == ("", "/account")
        return SignedIn(dict(parse_qsl(at.fragment)), cookies | cookies_of(told))

    async def sign_in(self, query: str = "") -> SignedIn:
        asked, cookies = await self.ask(query)
        return await self.give(self.provider.answer(asked), asked.relay_state, cookies)

    async def refused(self) -> str:
        """The administrator's words for a lie, after which nobody is signed in."""
        signed_in = await self.sign_in()
        assert signed_in.error == "provider_failed", (signed_in, await self.last_error())
        pool = self.people.ground.database.pool
        assert await pool.fetchval("SELECT count(*) FROM sso_code") == 0
        return str(await self.last_error())

    def provider_path(self, provider_id: int) -> str:
        return f"/auth/sso/{encode_global_id('IdentityProvider', provider_id)}"
