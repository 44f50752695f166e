"""Who acts when an identity provider, or its directory, changes people here: for the audit log."""

from __future__ import annotations

from motet.storage.acting import Actor, ActorKind
from motet.storage.identity_provider import IdentityProviderRow


def provider_actor(provider: IdentityProviderRow, *, as_directory: bool = False) -> Actor:
    """The provider. It acts in the workspace where it makes members, so that its administrators see it."""
    settings = provider.settings
    home = settings.default_workspace_id
    if home is None and settings.group_roles:
        home = settings.group_roles[0]["workspace_id"]
    what = "directory" if as_directory else "identity provider"
    return Actor(ActorKind.SYSTEM, f"{what} {settings.name}", home)
