"""What signing on needs of a protocol, whichever it is: where a browser goes, and who has come back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from motet.identity.sso.admission import Person
from motet.storage.identity_provider import IdentityProviderRow


@dataclass(frozen=True, slots=True)
class Opening:
    """A sign-in that begins."""

    url: str
    """Where the browser is sent."""
    state: str
    """What comes back with the browser, and names the sign-in."""
    kept: Mapping[str, Any]
    """What is needed when it does: the browser carries it, sealed."""


class SignInProtocol(Protocol):
    """One for each ProviderKind."""

    async def begin(self, provider: IdentityProviderRow, *, login_hint: str | None) -> Opening:
        """Raises SignOnError if the provider cannot be reached."""

    async def person(
        self, provider: IdentityProviderRow, state: str, kept: Mapping[str, Any], answer: Mapping[str, str]
    ) -> Person:
        """Who has signed in, by what the browser came back with. Raises SignOnError."""

    async def logout_url(self, provider: IdentityProviderRow, id_token_encrypted: bytes | None) -> str | None:
        """Where the browser ends its session at the provider, if there is such a place; with the ID token of the
        `Person`, if there was one. Raises SignOnError."""
