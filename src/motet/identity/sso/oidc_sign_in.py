"""Signing in by OpenID Connect, as `SignOn` sees it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from motet.access.secrets import SecretBox
from motet.identity.sso.admission import Person, person_of
from motet.identity.sso.id_token import Claims
from motet.identity.sso.oidc import Flow, OidcClient, RelyingParty, new_flow
from motet.identity.sso.protocol import Opening
from motet.storage.identity_provider import IdentityProviderRow

CALLBACK_PATH = "/auth/sso/callback"


class OidcSignIn:
    """The code flow."""

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
        return person_of(await self._client.claims(self._party(provider), flow, answer), provider.settings)

    async def logout_url(self, provider: IdentityProviderRow) -> str | None:
        return await self._client.logout_url(self._party(provider), f"{self._public_url}/account")

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
            redirect_uri=self._public_url + CALLBACK_PATH,
            scopes=tuple(settings.scopes),
        )
