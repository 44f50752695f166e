"""Access tokens: JWTs signed with Ed25519 (RFC 7519, RFC 8037), made and checked by nodes that share the keys."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from motet.access.principals import Principal, Role, member, network, operator

ISSUER = "motet"
ALGORITHM = "EdDSA"
TOKEN_OCTETS = 4096
"""Ours have about 400; longer ones are not even parsed."""

CACHED_TOKENS = 10_000
"""Checking a signature takes 100 µs, looking one up 0.1 µs. About 5 MB when full."""

CLOCK_SKEW_S = 60
"""How far ahead of ours the clock of the node that issued a token may be."""

_REQUIRED = ["exp", "iat", "iss", "sub"]


class AuthenticationError(Exception):
    """The caller has not proved who they are. `str()` may be shown: it tells apart only expired from invalid."""


def generate_key() -> bytes:
    """A new signing key: the 32 raw octets of an Ed25519 private key."""
    return Ed25519PrivateKey.generate().private_bytes_raw()


class TokenAuthority:
    """Issues with the first key and accepts all of them, so that keys can be changed while tokens live."""

    __slots__ = ("_cache", "_private", "_public", "_signing_kid")

    def __init__(self, keys: Sequence[bytes]) -> None:
        """`keys` are from `generate_key`, newest first, at least one."""
        privates = [Ed25519PrivateKey.from_private_bytes(key) for key in keys]
        self._private = privates[0]
        self._public = {_kid(private.public_key()): private.public_key() for private in privates}
        self._signing_kid = next(iter(self._public))
        self._cache: dict[str, Principal] = {}

    def issue(
        self,
        subject: str,
        *,
        now: int,
        ttl_s: int,
        workspace_id: int | None = None,
        workspace: str | None = None,
        role: Role | None = None,
    ) -> str:
        """A token for a member of a workspace (all three given) or the operator (none given). `now` in Unix seconds."""
        claims = self._claims(subject, now, ttl_s)
        if workspace_id is None and workspace is None and role is None:
            claims["operator"] = True
        elif workspace_id is not None and workspace is not None and role is not None:
            # A string: a 64-bit number would lose its end in whatever reads claims as JavaScript does.
            claims |= {"workspace_id": str(workspace_id), "workspace": workspace, "role": role.value}
        else:
            raise ValueError("a member has workspace_id, workspace and role; the operator has none")
        return jwt.encode(claims, self._private, algorithm=ALGORITHM, headers={"kid": self._signing_kid})

    def issue_to_user(
        self, subject: str, *, now: int, ttl_s: int, user_id: int, session_id: int, workspace_id: int | None
    ) -> str:
        """A token of a login session, for one workspace or, without one, as the operator. It says who, not what they
        may do: that is looked up."""
        claims = self._claims(subject, now, ttl_s) | {"user_id": str(user_id), "session_id": str(session_id)}
        if workspace_id is not None:
            claims["workspace_id"] = str(workspace_id)
        return jwt.encode(claims, self._private, algorithm=ALGORITHM, headers={"kid": self._signing_kid})

    def issue_to_network(self, subject: str, *, now: int, ttl_s: int) -> str:
        """A token for a mobile network, good for `/network/v1` and nothing else. `now` in Unix seconds."""
        claims = self._claims(subject, now, ttl_s) | {"network": True}
        return jwt.encode(claims, self._private, algorithm=ALGORITHM, headers={"kid": self._signing_kid})

    def verify(self, token: str, now: int) -> Principal:
        """The principal that the token speaks for at Unix second `now`. Raises AuthenticationError.

        One with a `session_id` is only claimed: without permissions, to be looked up.
        """
        principal = self._cache.get(token)
        if principal is None:
            principal = self._check(token, now)
            if len(self._cache) >= CACHED_TOKENS:
                del self._cache[next(iter(self._cache))]
            self._cache[token] = principal
        if principal.expires_at <= now:
            self._cache.pop(token, None)
            raise AuthenticationError("the token has expired")
        return principal

    def _check(self, token: str, now: int) -> Principal:
        if len(token) > TOKEN_OCTETS or not token.isascii():
            raise AuthenticationError("the token is not valid")
        try:
            key = self._public[jwt.get_unverified_header(token).get("kid", "")]
            claims = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                issuer=ISSUER,
                # Times are checked against `now`, not against the library's clock.
                options={"require": _REQUIRED, "verify_exp": False, "verify_iat": False, "verify_nbf": False},
            )
            issued_at, expires_at = claims["iat"], claims["exp"]
            if type(issued_at) is not int or type(expires_at) is not int or issued_at > now + CLOCK_SKEW_S:
                raise AuthenticationError("the token is not valid")
            return _principal(claims, expires_at)
        except (jwt.PyJWTError, KeyError, ValueError, TypeError) as error:
            raise AuthenticationError("the token is not valid") from error

    @staticmethod
    def _claims(subject: str, now: int, ttl_s: int) -> dict[str, object]:
        jti = secrets.token_urlsafe(12)
        return {"iss": ISSUER, "sub": subject, "iat": now, "exp": now + ttl_s, "jti": jti}


def _principal(claims: Mapping[str, Any], expires_at: int) -> Principal:
    """Whoever the claims of a token of ours name. Raises KeyError, ValueError or TypeError for claims that no token of
    ours has."""
    subject, token_id = claims["sub"], claims.get("jti")
    if claims.get("network") is True:
        return replace(network(subject, expires_at), token_id=token_id)
    if claims.get("operator") is True:
        return replace(operator(subject, expires_at), token_id=token_id)
    if "session_id" in claims:
        workspace_id = claims.get("workspace_id")
        return Principal(
            subject,
            None if workspace_id is None else int(workspace_id),
            None,
            None,
            False,
            frozenset(),
            expires_at,
            user_id=int(claims["user_id"]),
            session_id=int(claims["session_id"]),
            token_id=token_id,
        )
    workspace_id, role = int(claims["workspace_id"]), Role(claims["role"])
    return replace(member(subject, workspace_id, claims["workspace"], role, expires_at), token_id=token_id)


def _kid(key: Ed25519PublicKey) -> str:
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]
