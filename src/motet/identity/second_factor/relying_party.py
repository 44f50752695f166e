"""What WebAuthn calls the relying party: the site whose passkeys these are, as browsers see it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

SITE_NAME = "Motet"
"""How authenticators and apps call us."""


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """WebAuthn Level 3 §5.1.2: a passkey is good for this domain, and answers come from this origin only."""

    id: str
    """The domain."""
    origin: str
    """Scheme, domain and port."""

    @classmethod
    def of(cls, public_url: str) -> RelyingParty:
        """The one of the address under which people reach this Motet."""
        url = urlsplit(public_url)
        host = url.hostname or ""
        shown = f"[{host}]" if ":" in host else host
        standard = {"https": 443, "http": 80}.get(url.scheme)
        port = "" if url.port is None or url.port == standard else f":{url.port}"
        return cls(host, f"{url.scheme}://{shown}{port}")

    @property
    def takes_passkeys(self) -> bool:
        """Whether browsers make passkeys for it: a name, over https or on this machine. Addresses have none."""
        try:
            ipaddress.ip_address(self.id)
        except ValueError:
            return self.origin.startswith("https://") or self.id == "localhost" or self.id.endswith(".localhost")
        return False
