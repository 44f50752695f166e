"""Signing in by SAML, as `SignOn` sees it."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509

from motet.access.secrets import SecretBox
from motet.domain.global_ids import encode_global_id
from motet.identity.sso.admission import Person, person_of
from motet.identity.sso.errors import ProtocolError, Refusal, SignOnError, vouched
from motet.identity.sso.id_token import LEEWAY_S, MAX_AGE_S
from motet.identity.sso.once import Once
from motet.identity.sso.protocol import Opening
from motet.identity.sso.saml.documents import RESPONSE_OCTETS
from motet.identity.sso.saml.requests import ServiceProvider, metadata_of, new_request_id, request_url
from motet.identity.sso.saml.response import EMAIL, Assertion, Expected, check_response, has_signed
from motet.storage.identity_provider import IdentityProviderRow, IdentityProviderSettings

REMEMBERED = timedelta(seconds=MAX_AGE_S + 2 * LEEWAY_S)
"""How long an assertion is known to have come: then it is too old."""

ENCODED_CHARACTERS = RESPONSE_OCTETS * 3 // 2
"""Of a response in base64, with line ends."""


def metadata_path(provider_id: int) -> str:
    """Where our metadata for a provider is; with the public URL before it, our entity id."""
    return f"/auth/sso/{encode_global_id('IdentityProvider', provider_id)}/metadata"


def acs_path(provider_id: int) -> str:
    """Where a provider sends its responses: the assertion consumer service."""
    return f"/auth/sso/{encode_global_id('IdentityProvider', provider_id)}/acs"


class SamlSignIn:
    """Web Browser SSO. We are another service provider to each identity provider, so that no assertion that was made
    for one organisation can be used in another."""

    def __init__(self, box: SecretBox, once: Once, public_url: str, now: Callable[[], datetime]) -> None:
        self._box = box
        self._once = once
        self._public_url = public_url
        self._now = now

    async def begin(self, provider: IdentityProviderRow, *, login_hint: str | None) -> Opening:
        # SAML has no hint that providers agree on; they ask for the address again.
        if not provider.settings.sign_in_url:
            raise ProtocolError("the provider is not set up: it has no signInUrl")
        request_id, state = new_request_id(), secrets.token_urlsafe(32)
        url = request_url(self._party(provider), provider.settings.sign_in_url, request_id, state, self._now())
        return Opening(url, state, {"request_id": request_id})

    async def person(
        self, provider: IdentityProviderRow, state: str, kept: Mapping[str, Any], answer: Mapping[str, str]
    ) -> Person:
        if not hmac.compare_digest(answer.get("RelayState", "").encode(), state.encode()):
            raise SignOnError(Refusal.EXPIRED, "the answer is to another sign-in (RelayState)")
        party = self._party(provider)
        expected = Expected(provider.settings.issuer, party.entity_id, party.acs_url, kept["request_id"])
        certificates = _certificates(provider)
        octets, now = _decoded(answer.get("SAMLResponse", "")), self._now().timestamp()
        # A large one takes some 0.1 s: others are answered meanwhile.
        assertion = await asyncio.to_thread(check_response, octets, certificates, expected, now)
        with vouched():
            await self._once.claim(f"assertion {provider.id} {assertion.id}", REMEMBERED)
            return person_of(claims_of(assertion, provider.settings), provider.settings)

    async def has_signed(self, provider: IdentityProviderRow, answer: Mapping[str, str]) -> bool:
        """Whether an answer that is to no sign-in of ours comes from the provider all the same."""
        try:
            octets = _decoded(answer.get("SAMLResponse", ""))
        except SignOnError:
            return False
        return await asyncio.to_thread(has_signed, octets, _certificates(provider))

    async def logout_url(self, provider: IdentityProviderRow, id_token_encrypted: bytes | None) -> str | None:
        """Single logout is not spoken."""
        return None

    def metadata(self, provider: IdentityProviderRow) -> bytes:
        """Our metadata for the provider."""
        return metadata_of(self._party(provider))

    def _party(self, provider: IdentityProviderRow) -> ServiceProvider:
        sealed = provider.settings.own_key_encrypted
        return ServiceProvider(
            entity_id=self._public_url + metadata_path(provider.id),
            acs_url=self._public_url + acs_path(provider.id),
            certificate=provider.settings.own_certificate,
            private_key=None if sealed is None else self._box.decrypt(sealed),
        )


def claims_of(assertion: Assertion, settings: IdentityProviderSettings) -> dict[str, Any]:
    """The assertion in the words of OpenID Connect, so that the same rules read both."""
    claims: dict[str, Any] = {
        name: values[0] if len(values) == 1 else list(values) for name, values in assertion.attributes.items()
    }
    if settings.mail_claim not in claims and assertion.name_format == EMAIL:
        claims[settings.mail_claim] = assertion.name_id
    return claims | {
        "iss": settings.issuer,
        "sub": assertion.name_id,
        # SAML has no word for it. The provider's word counts for the domains that are named as its own, and only there.
        "email_verified": True,
        "sid": assertion.session_index,
    }


def _certificates(provider: IdentityProviderRow) -> list[x509.Certificate]:
    return [x509.load_pem_x509_certificate(pem.encode()) for pem in provider.settings.certificates]


def _decoded(given: str) -> bytes:
    if len(given) > ENCODED_CHARACTERS:
        raise ProtocolError(f"the response has more than {RESPONSE_OCTETS} octets")
    try:
        return base64.b64decode("".join(given.split()), validate=True)
    except (binascii.Error, ValueError):
        raise ProtocolError("the response is not in base64") from None
