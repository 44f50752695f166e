"""A provider's public keys (RFC 7517), and which algorithms they may be used with. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, OKPKey, RSAKey

from motet.domain.certificates import MAX_RSA_BITS, MIN_RSA_BITS
from motet.identity.sso.errors import ProtocolError

ALGORITHMS: Mapping[str, tuple[str, str | None]] = {
    "RS256": ("RSA", None), "RS384": ("RSA", None), "RS512": ("RSA", None),
    "PS256": ("RSA", None), "PS384": ("RSA", None), "PS512": ("RSA", None),
    "ES256": ("EC", "P-256"), "ES384": ("EC", "P-384"), "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"), "Ed25519": ("OKP", "Ed25519"),
}  # fmt: skip
"""Signatures that are taken: the kind of key and its curve. Never `none`, and never HS…, whose key would be the public
one (RFC 8725 §2.1, §3.1)."""

MAX_KEYS = 50

PublicKey = RSAKey | ECKey | OKPKey


def keys_of(answer: Mapping[str, Any]) -> tuple[PublicKey, ...]:
    """The keys of a key set that signatures may be checked with; others are passed over. Raises ProtocolError."""
    given = answer.get("keys")
    if not isinstance(given, list):
        raise ProtocolError("the key set holds no keys")
    if len(given) > MAX_KEYS:
        raise ProtocolError(f"the key set holds more than {MAX_KEYS} keys")
    return tuple(key for key in map(_key_of, given) if key is not None)


def _key_of(given: Any) -> PublicKey | None:
    if not isinstance(given, dict) or given.get("use", "sig") != "sig":
        return None
    if given.get("kty") not in ("RSA", "EC", "OKP"):
        return None
    public = {name: value for name, value in given.items() if name in _PUBLIC_PARTS}
    try:
        key = JWKRegistry.import_key(public)
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    if isinstance(key, RSAKey) and not MIN_RSA_BITS <= key.raw_value.key_size <= MAX_RSA_BITS:
        return None
    return key if isinstance(key, RSAKey | ECKey | OKPKey) else None


_PUBLIC_PARTS = frozenset({"kty", "kid", "alg", "n", "e", "crv", "x", "y"})
"""A private part that a provider shows by mistake is not taken in."""


def fitting(keys: Sequence[PublicKey], algorithm: str, kid: str | None) -> list[PublicKey]:
    """The keys that may have made a signature by this algorithm, under this key id if it has one."""
    kind, curve = ALGORITHMS[algorithm]
    return [
        key
        for key in keys
        if key.key_type == kind
        and (curve is None or key.get("crv") == curve)
        and key.get("alg", algorithm) == algorithm
        and (kid is None or key.kid is None or key.kid == kid)
    ]
