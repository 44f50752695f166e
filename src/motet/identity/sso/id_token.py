"""ID tokens (OpenID Connect Core §3.1.3.7) and logout tokens (Back-Channel Logout §2.6): what makes one good. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from joserfc import jws
from joserfc.errors import JoseError

from motet.identity.sso.errors import ProtocolError
from motet.identity.sso.keys import ALGORITHMS, PublicKey, fitting

TOKEN_OCTETS = 64 * 1024
"""Tokens with many groups have some 10 KB."""

LEEWAY_S = 60
"""How far a provider's clock may be off."""

MAX_AGE_S = 3_600
"""An older token was not made for this sign-in."""

SUBJECT_CHARACTERS = 255
"""OpenID Connect Core §2."""

LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"

# The library's own bounds (8,000 octets) are too small for people in many groups; TOKEN_OCTETS bounds the whole.
_REGISTRY = jws.JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False)
_REGISTRY.max_header_length = _REGISTRY.max_payload_length = _REGISTRY.max_signature_length = TOKEN_OCTETS

Claims = Mapping[str, Any]


class UnknownKeyError(ProtocolError):
    """None of the keys at hand can have signed it: perhaps the provider has new ones."""

    def __init__(self) -> None:
        super().__init__("the token is signed with a key that the provider does not publish")


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must say."""

    issuer: str
    client_id: str


def check_id_token(
    token: str, keys: Sequence[PublicKey], expected: Expected, nonce: str, now: int, *, access_token: str | None = None
) -> Claims:
    """The claims of an ID token that is good at Unix second `now`. Raises ProtocolError, UnknownKeyError."""
    header, claims = _verified(token, keys)
    _check_common(claims, expected, now)
    _check_subject(claims)
    given = claims.get("nonce")
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), nonce.encode()):
        raise ProtocolError("the ID token was made for another sign-in (nonce)")
    at_hash = claims.get("at_hash")
    if at_hash is not None and access_token is not None and at_hash != _left_half(access_token, header["alg"]):
        raise ProtocolError("the access token is not the one that the ID token names (at_hash)")
    return claims


def check_logout_token(token: str, keys: Sequence[PublicKey], expected: Expected, now: int) -> Claims:
    """The claims of a logout token that is good at Unix second `now`. Raises ProtocolError, UnknownKeyError."""
    _, claims = _verified(token, keys)
    _check_common(claims, expected, now)
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict):
        raise ProtocolError("the token is no logout token")
    if "nonce" in claims:
        raise ProtocolError("a logout token has no nonce")
    if not isinstance(claims.get("jti"), str) or not 0 < len(claims["jti"]) <= SUBJECT_CHARACTERS:
        raise ProtocolError("the logout token has no name (jti)")
    if "sub" in claims:
        _check_subject(claims)
    sid = claims.get("sid")
    if sid is not None and not isinstance(sid, str):
        raise ProtocolError("sid is no text")
    if sid is None and "sub" not in claims:
        raise ProtocolError("the logout token names nobody")
    return claims


def _verified(token: str, keys: Sequence[PublicKey]) -> tuple[dict[str, Any], Claims]:
    if len(token) > TOKEN_OCTETS or not token.isascii() or token.count(".") != 2:
        raise ProtocolError("this is no signed token")
    header = _header_of(token)
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise ProtocolError(f"the token's algorithm is not one that is taken ({str(algorithm)[:20]})")
    if "crit" in header:
        raise ProtocolError("the token has critical extensions")
    kid = header.get("kid")
    if kid is not None and not isinstance(kid, str):
        raise ProtocolError("the token's key id is no text")
    chosen = fitting(keys, algorithm, kid)
    if not chosen:
        raise UnknownKeyError
    for key in chosen:
        try:
            payload = jws.deserialize_compact(token.encode(), key, algorithms=[algorithm], registry=_REGISTRY).payload
        except (JoseError, ValueError):
            continue
        return header, _object(payload)
    if kid is None or not any(key.kid == kid for key in chosen):
        raise UnknownKeyError
    raise ProtocolError("the token's signature is not right")


def _header_of(token: str) -> dict[str, Any]:
    part = token.partition(".")[0]
    try:
        return _object(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, ValueError):
        raise ProtocolError("this is no signed token") from None


def _object(octets: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(octets)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise ProtocolError("the token holds no JSON object")
    return found


def _check_common(claims: Claims, expected: Expected, now: int) -> None:
    if claims.get("iss") != expected.issuer:
        raise ProtocolError("the token is another issuer's")
    audience = claims.get("aud")
    audiences = [audience] if isinstance(audience, str) else audience
    if not isinstance(audiences, list) or expected.client_id not in audiences:
        raise ProtocolError("the token is for another client (aud)")
    party = claims.get("azp")
    if (len(audiences) > 1 and party is None) or (party is not None and party != expected.client_id):
        raise ProtocolError("the token was given to another client (azp)")
    expires_at, issued_at = _time(claims, "exp"), _time(claims, "iat")
    if expires_at <= now - LEEWAY_S:
        raise ProtocolError("the token has expired")
    if issued_at > now + LEEWAY_S:
        raise ProtocolError("the token is from the future: is one of the clocks wrong?")
    if issued_at < now - MAX_AGE_S:
        raise ProtocolError("the token is too old")
    if "nbf" in claims and _time(claims, "nbf") > now + LEEWAY_S:
        raise ProtocolError("the token is not good yet")


def _check_subject(claims: Claims) -> None:
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= SUBJECT_CHARACTERS or not subject.isprintable():
        raise ProtocolError("the token names no subject")


def _time(claims: Claims, name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ProtocolError(f"the token has no {name}")
    return value


def _left_half(access_token: str, algorithm: str) -> str:
    """OpenID Connect Core §3.1.3.6. Ed25519 goes with SHA-512."""
    bits = algorithm[-3:] if algorithm[-3:].isdigit() else "512"
    digest = hashlib.new(f"sha{bits}", access_token.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
