"""A provider's metadata (SAML Metadata §2), as an administrator hands it over: whoever does vouches for it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from motet.domain.certificates import certificates_of, shown
from motet.domain.errors import InvalidError
from motet.domain.messages import said
from motet.identity.sso.errors import ProtocolError
from motet.identity.sso.saml.documents import (
    DS,
    MD,
    METADATA_OCTETS,
    SAMLP,
    Element,
    children,
    parse_metadata,
)
from motet.storage.identity_provider import IdentityProviderRow

REDIRECT_BINDING = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"


@dataclass(frozen=True, slots=True)
class ProviderMetadata:
    """What is taken of it."""

    entity_id: str
    sign_in_url: str
    certificates: tuple[str, ...]
    """PEM."""
    wants_signed_requests: bool


def provider_metadata(given: str, now: datetime) -> ProviderMetadata:
    """Raises InvalidError (path `metadata_xml`)."""
    try:
        return _read(given, now)
    except ProtocolError as error:
        words = str(error)
        raise _invalid(f"{words[:1].upper()}{words[1:]}.") from None


def _read(given: str, now: datetime) -> ProviderMetadata:
    if len(given) > METADATA_OCTETS:
        raise _invalid(said("Metadata has at most {most} octets.", most=METADATA_OCTETS))
    root = parse_metadata(given.strip().encode(errors="replace"))
    entities = [one for one in root.iter(f"{{{MD}}}EntityDescriptor") if children(one, MD, "IDPSSODescriptor")]
    if len(entities) != 1:
        words = said("The document describes {number} SAML identity providers; it must be one.", number=len(entities))
        raise _invalid(words)
    (entity,) = entities
    role = children(entity, MD, "IDPSSODescriptor")[0]
    if SAMLP not in role.get("protocolSupportEnumeration", "").split():
        raise _invalid(said("The provider does not speak SAML 2.0."))
    for element in (entity, role):
        _check_valid(element, now)
    services = [
        one.get("Location", "")
        for one in children(role, MD, "SingleSignOnService")
        if one.get("Binding") == REDIRECT_BINDING
    ]
    if not services:
        raise _invalid(said("The provider takes no requests by HTTP-Redirect."))
    keys = [
        certificate.text or ""
        for descriptor in children(role, MD, "KeyDescriptor")
        if descriptor.get("use", "signing") == "signing"
        for certificate in descriptor.iter(f"{{{DS}}}X509Certificate")
    ]
    try:
        certificates = certificates_of(list(dict.fromkeys("".join(key.split()) for key in keys)))
    except InvalidError as error:
        raise _invalid(error.message) from None
    wants_signed = role.get("WantAuthnRequestsSigned") in ("true", "1")
    return ProviderMetadata(entity.get("entityID", ""), services[0], tuple(certificates), wants_signed)


def _check_valid(element: Element, now: datetime) -> None:
    until = element.get("validUntil")
    if until is None:
        return
    try:
        ended = datetime.fromisoformat(until) <= now
    except (ValueError, TypeError):
        raise _invalid(said("validUntil is no time in UTC.")) from None
    if ended:
        raise _invalid(said("The metadata was good until {until}.", until=until[:30]))


def saml_findings(provider: IdentityProviderRow, now: datetime) -> tuple[bool, list[str]]:
    """Whether anyone could sign in by the provider, and what there is to know, in words."""
    settings = provider.settings
    certificates = [shown(pem) for pem in settings.certificates]
    if not (settings.issuer and settings.sign_in_url and certificates):
        return False, ["Its entity id, sign-in URL or certificate is missing: import its metadata."]
    found = [
        f"People sign in at {settings.sign_in_url}.",
        f"It signs with {len(certificates)} known keys." if len(certificates) > 1 else "It signs with one known key.",
        f"Requests to it are {'' if settings.own_certificate else 'not '}signed.",
    ]
    old = [one for one in certificates if one.valid_until <= now]
    found += [f"The certificate {one.sha256[:23]}… ended {one.valid_until:%Y-%m-%d}: is it still used?" for one in old]
    return True, found


def _invalid(words: str) -> InvalidError:
    return InvalidError(words, path=("metadata_xml",))
