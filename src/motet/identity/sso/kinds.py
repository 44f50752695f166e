"""The protocols that identity providers speak."""

from __future__ import annotations

from enum import IntEnum


class ProviderKind(IntEnum):
    """What a provider speaks."""

    OIDC = 0
    SAML = 1
