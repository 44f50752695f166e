"""What a provider is asked: an AuthnRequest by HTTP-Redirect (Bindings §3.4), and our metadata. Pure."""

from __future__ import annotations

import base64
import secrets
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote_plus, urlencode, urlsplit, urlunsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from lxml import etree

from motet.identity.sso.saml.documents import DS, MD, SAML, SAMLP
from motet.identity.sso.saml.own_key import base64_of

POST_BINDING = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"


@dataclass(frozen=True, slots=True)
class ServiceProvider:
    """Us, as one provider knows us."""

    entity_id: str
    acs_url: str
    certificate: str | None = None
    """PEM; None: requests are not signed."""
    private_key: bytes | None = field(default=None, repr=False)
    """PKCS #8, DER."""


def new_request_id() -> str:
    """160 random bits. An xs:ID begins with a letter or underscore (Core §1.3.4)."""
    return "_" + secrets.token_hex(20)


def request_url(party: ServiceProvider, sign_in_url: str, request_id: str, relay_state: str, now: datetime) -> str:
    """Where the browser is sent. `relay_state` has at most 80 octets (§3.4.3)."""
    request = etree.Element(f"{{{SAMLP}}}AuthnRequest", nsmap={"samlp": SAMLP, "saml": SAML})
    for name, value in {
        "ID": request_id,
        "Version": "2.0",
        "IssueInstant": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "Destination": sign_in_url,
        "ProtocolBinding": POST_BINDING,
        "AssertionConsumerServiceURL": party.acs_url,
    }.items():
        request.set(name, value)
    etree.SubElement(request, f"{{{SAML}}}Issuer").text = party.entity_id
    etree.SubElement(request, f"{{{SAMLP}}}NameIDPolicy").set("AllowCreate", "true")
    raw = zlib.compressobj(wbits=-zlib.MAX_WBITS)  # DEFLATE without a header (§3.4.4.1)
    deflated = raw.compress(etree.tostring(request)) + raw.flush()
    pairs = {"SAMLRequest": base64.b64encode(deflated).decode(), "RelayState": relay_state}
    query = urlencode(pairs)
    if party.private_key is not None:
        query = _signed(query, party.private_key)
    url = urlsplit(sign_in_url)
    return urlunsplit(url._replace(query="&".join(part for part in (url.query, query) if part), fragment=""))


def _signed(query: str, private_key: bytes) -> str:
    # The key is our own, and was sealed since we made it: to prove its primes anew takes a tenth of a second, which
    # anybody could ask for.
    key = serialization.load_der_private_key(private_key, None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(key, rsa.RSAPrivateKey)  # noqa: S101 - we make no others
    query += "&SigAlg=" + quote_plus(RSA_SHA256)
    signature = key.sign(query.encode(), padding.PKCS1v15(), hashes.SHA256())
    return query + "&Signature=" + quote_plus(base64.b64encode(signature))


def metadata_of(party: ServiceProvider) -> bytes:
    """Our metadata (Metadata §2.4.4), for a provider to read."""
    entity = etree.Element(f"{{{MD}}}EntityDescriptor", nsmap={"md": MD, "ds": DS})
    entity.set("entityID", party.entity_id)
    role = etree.SubElement(entity, f"{{{MD}}}SPSSODescriptor")
    role.set("AuthnRequestsSigned", "true" if party.private_key is not None else "false")
    role.set("WantAssertionsSigned", "true")
    role.set("protocolSupportEnumeration", SAMLP)
    if party.certificate is not None:
        key = etree.SubElement(role, f"{{{MD}}}KeyDescriptor")
        key.set("use", "signing")
        data = etree.SubElement(etree.SubElement(key, f"{{{DS}}}KeyInfo"), f"{{{DS}}}X509Data")
        etree.SubElement(data, f"{{{DS}}}X509Certificate").text = base64_of(party.certificate)
    for name in ("1.1:nameid-format:emailAddress", "2.0:nameid-format:persistent"):
        etree.SubElement(role, f"{{{MD}}}NameIDFormat").text = f"urn:oasis:names:tc:SAML:{name}"
    service = etree.SubElement(role, f"{{{MD}}}AssertionConsumerService")
    for name, value in {"Binding": POST_BINDING, "Location": party.acs_url, "index": "0", "isDefault": "true"}.items():
        service.set(name, value)
    return etree.tostring(entity, xml_declaration=True, encoding="UTF-8", pretty_print=True)
