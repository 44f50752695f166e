"""Signing in by OpenID Connect, as `SignOn` sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from motet.access.secrets import SecretBox
from motet.domain.global_ids import encode_global_id
from motet.identity.sso.admission import Person, person_of
from motet.identity.sso.id_token import Claims
from motet.identity.sso.oidc import Flow, OidcClient, RelyingParty, new_flow
from motet.identity.sso.protocol import Opening
from motet.storage.identity_provider import IdentityProviderRow

HINT_CHARACTERS = 6_000
"""Of an ID token that is kept for signing out: an address with a longer one is more than servers take."""


def callback_path(provider_id: int) -> str:
    """Where a provider sends browsers back to: each has a path of its own. With one for all, a provider of evil could
    send the browser on to another one, be handed its code as an answer to itself, and use it (mix-up, RFC 9700 §4.4):
    few providers name themselves in their answers."""
    return f"/auth/sso/{encode_global_id('IdentityProvider', provider_id)}/callback"


class OidcSignIn:
    """The code flow. We are known to each provider by a redirect URI of its own."""

    def __init__(self, client: OidcClient, box: SecretBox, public_url: str) -> None:
        self._client = client
        self._box = box
        self._public_url = public_url

    async def begin(self, provider: IdentityProviderRow, *, login_hint: str | None) -> Opening:
        flow = new_flow()
        url = await self._client.authorization_url(self._party(provider), flow, login_hint=login_hint)
        return Opening(url, flow.state, {"nonce": flow.nonce, "verifier": flow.verifier})

    async def person(
        self, provider: IdentityProviderRow, state: str, kept: Mapping[str, Any], answer: Mapping[str, str]
    ) -> Person:
        flow = Flow(state, kept["nonce"], kept["verifier"])
        signed_in = await self._client.signed_in(self._party(provider), flow, answer)
        person = person_of(signed_in.claims, provider.settings)
        if len(signed_in.id_token) > HINT_CHARACTERS:
            return person
        return replace(person, id_token_encrypted=self._box.encrypt(signed_in.id_token.encode()))

    async def logout_url(self, provider: IdentityProviderRow, id_token_encrypted: bytes | None) -> str | None:
        hint = None if id_token_encrypted is None else self._box.decrypt(id_token_encrypted).decode()
        return await self._client.logout_url(self._party(provider), f"{self._public_url}/account", hint=hint)

    async def logout_claims(self, provider: IdentityProviderRow, token: str) -> Claims:
        """What the provider's logout token says. Raises ProtocolError."""
        return await self._client.logout_claims(self._party(provider), token)

    def _party(self, provider: IdentityProviderRow) -> RelyingParty:
        """Us, as this provider knows us."""
        settings = provider.settings
        sealed = settings.client_secret_encrypted
        return RelyingParty(
            issuer=settings.issuer,
            client_id=settings.client_id,
            client_secret=None if sealed is None else self._box.decrypt(sealed).decode(),
            redirect_uri=self._public_url + callback_path(provider.id),
            scopes=tuple(settings.scopes),
        )
