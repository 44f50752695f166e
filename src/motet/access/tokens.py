"""Access tokens: JWTs signed with Ed25519 (RFC 7519, 8037 and 9068), made and checked with keys that nodes share."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from motet.access.principals import Principal, Role, member, network, operator
from motet.domain.messages import said

ISSUER = "motet"
"""The issuer of a Motet that has not been told its public URL."""

AUDIENCE = "motet"
TOKEN_TYPE = "at+jwt"  # noqa: S105 - RFC 9068 §2.1: an access token, and no other JWT
ALGORITHM = "EdDSA"

TOKEN_OCTETS = 4096
"""Ours have about 500; longer ones are not even parsed."""

ACCESS_TTL_S = 15 * 60
"""How long an access token of a person or a program lasts. They get the next one by a refresh token or their key."""

SHORT_TTL_S = 60 * 60
"""A token that lasts longer has to be noted with the key that signs it: see `identity/signing_keys.py`."""

MAX_TTL_S = 366 * 86_400
"""No token lasts longer; so long is one remembered that was taken back."""

CACHED_TOKENS = 10_000
"""Checking a signature takes 100 µs, looking one up 0.1 µs. About 5 MB when full."""

CLOCK_SKEW_S = 60
"""How far ahead of ours the clock of the node that issued a token may be."""

_REQUIRED = ["aud", "exp", "iat", "iss", "jti", "sub"]


class AuthenticationError(Exception):
    """The caller has not proved who they are. `str()` may be shown: it tells apart only expired from invalid.
    `sentence` is the same for people, and can be told in their language."""

    def __init__(self, message: str, /, **values: object) -> None:
        super().__init__(said(message, **values))
        sentence = f"{message[:1].upper()}{message[1:]}."
        self.sentence = said(sentence, **values)


class UnknownKeyError(AuthenticationError):
    """The token names a signing key that is not known here, or not yet."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token of ours says that its signature holds for. Whether it still is so is for the database to say."""

    subject: str
    token_id: str
    issued_at: int
    """Unix seconds."""
    expires_at: int
    is_operator: bool = False
    is_network: bool = False
    workspace_id: int | None = None
    workspace: str | None = None
    role: Role | None = None
    """Of a token from the shell, which stands on nothing but itself."""
    role_id: int | None = None
    """The role of the workspace's own that a token from the shell has in place of that: to be looked up."""
    user_id: int | None = None
    session_id: int | None = None
    """The login session that a person's token stands on."""
    api_key_id: int | None = None
    """The API key that a program's token stands on."""
    key_version: str | None = None
    """Which of the key's secrets the token was given for."""
    scope: frozenset[str] | None = None
    """The permissions that a program's token is narrowed to."""


@dataclass(frozen=True, slots=True)
class CheckingKey:
    """A key that signs no more, and checks what it signed until that has expired."""

    public: bytes
    """32 octets."""
    until: int
    """Unix seconds."""


def generate_key() -> bytes:
    """A new signing key: the 32 raw octets of an Ed25519 private key."""
    return Ed25519PrivateKey.generate().private_bytes_raw()


def public_key_of(private: bytes) -> bytes:
    """The 32 raw octets that everyone may know."""
    return Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def key_id_of(public: bytes) -> str:
    """The name of a key, in a token's `kid` and in the JWKS."""
    return hashlib.sha256(public).hexdigest()[:16]


class TokenAuthority:
    """Issues with one key and accepts others beside it, so that keys can be changed while tokens live."""

    __slots__ = ("_cache", "_private", "_public", "issuer", "kid")

    def __init__(self, keys: Sequence[bytes], *, issuer: str = ISSUER) -> None:
        """`keys` are from `generate_key`, newest first, at least one: that one signs. `issuer` is the public URL of
        this Motet, if it has been told."""
        self.issuer = issuer
        self.kid = ""
        self._cache: dict[str, Principal] = {}
        self.use(keys[0], [CheckingKey(public_key_of(key), 1 << 62) for key in keys[1:]])

    def use(self, private: bytes, others: Sequence[CheckingKey]) -> None:
        """From now on `private` signs, and tokens of `others` are good besides."""
        self._private = Ed25519PrivateKey.from_private_bytes(private)
        own = self._private.public_key()
        self.kid = key_id_of(own.public_bytes_raw())
        self._public: dict[str, tuple[Ed25519PublicKey, int]] = {self.kid: (own, 1 << 62)}
        for other in others:
            self._public[key_id_of(other.public)] = (Ed25519PublicKey.from_public_bytes(other.public), other.until)
        self._cache.clear()

    def key_ids(self, now: int) -> set[str]:
        """The names of the keys that are good at Unix second `now`."""
        return {kid for kid, (_, until) in self._public.items() if now < until}

    def jwks(self, now: int) -> dict[str, list[dict[str, str]]]:
        """The public keys that hold at Unix second `now`, as a JSON Web Key Set (RFC 7517, RFC 8037 §2)."""
        return {
            "keys": [
                {
                    "kty": "OKP",
                    "crv": "Ed25519",
                    "x": base64.urlsafe_b64encode(key.public_bytes_raw()).rstrip(b"=").decode(),
                    "kid": kid,
                    "use": "sig",
                    "alg": ALGORITHM,
                }
                for kid, (key, until) in self._public.items()
                if now < until
            ]
        }

    def issue(
        self,
        subject: str,
        *,
        now: int,
        ttl_s: int,
        workspace_id: int | None = None,
        workspace: str | None = None,
        role: Role | None = None,
        role_id: int | None = None,
    ) -> str:
        """A token that stands on nothing but itself, for a member of a workspace (all three given) or the operator
        (none given). With `role_id` in place of `role` it stands on that role of the workspace's own. `now` in Unix
        seconds."""
        if workspace_id is None and workspace is None and role is None and role_id is None:
            return self._sign(subject, now, ttl_s, operator=True)
        if workspace_id is None or workspace is None or (role is None) == (role_id is None):
            raise ValueError("a member has workspace_id, workspace and one role; the operator has none")
        has = {"role_id": str(role_id)} if role is None else {"role": role.value}
        return self._sign(subject, now, ttl_s, workspace_id=str(workspace_id), workspace=workspace, **has)

    def issue_to_network(self, subject: str, *, now: int, ttl_s: int) -> str:
        """A token for a mobile network, good for `/network/v1` and nothing else. `now` in Unix seconds."""
        return self._sign(subject, now, ttl_s, network=True)

    def issue_to_user(
        self, subject: str, *, now: int, ttl_s: int, user_id: int, session_id: int, workspace_id: int | None
    ) -> str:
        """A token of a login session, for one workspace or, without one, as the operator. It says who, not what they
        may do: that is looked up."""
        workspace = {} if workspace_id is None else {"workspace_id": str(workspace_id)}
        return self._sign(subject, now, ttl_s, user_id=str(user_id), session_id=str(session_id), **workspace)

    def issue_to_key(
        self,
        subject: str,
        api_key_id: int,
        client_id: str,
        key_version: str,
        scope: frozenset[str] | None,
        *,
        now: int,
        ttl_s: int = ACCESS_TTL_S,
    ) -> str:
        """A token of a program that has shown its API key, narrowed to the permissions in `scope` if that is given."""
        narrowed = {} if scope is None else {"scope": " ".join(sorted(scope))}
        named = {"api_key_id": str(api_key_id), "client_id": client_id, "key_version": key_version}
        return self._sign(subject, now, ttl_s, **named, **narrowed)

    def claims(self, token: str, now: int) -> Claims:
        """What the token says, checked: signature, issuer, audience, times. `now` in Unix seconds.

        Raises AuthenticationError; UnknownKeyError where other keys than ours might know better.
        """
        if len(token) > TOKEN_OCTETS or not token.isascii():
            raise AuthenticationError("the token is not valid")
        try:
            header = jwt.get_unverified_header(token)
            kid = header.get("kid")
            key, until = self._public.get(kid, (None, 0)) if isinstance(kid, str) else (None, 0)
            if key is None:
                raise UnknownKeyError("the token is not valid")
            if header.get("typ") != TOKEN_TYPE or now >= until:
                raise AuthenticationError("the token is not valid")
            claims = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=[self.issuer, ISSUER],
                # Times are checked against `now`, not against the library's clock.
                options={"require": _REQUIRED, "verify_exp": False, "verify_iat": False, "verify_nbf": False},
            )
            issued_at, expires_at = claims["iat"], claims["exp"]
            if type(issued_at) is not int or type(expires_at) is not int or issued_at > now + CLOCK_SKEW_S:
                raise AuthenticationError("the token is not valid")
            read = _read(claims, issued_at, expires_at)
        except (jwt.PyJWTError, KeyError, ValueError, TypeError) as error:
            raise AuthenticationError("the token is not valid") from error
        if expires_at <= now:
            raise AuthenticationError("the token has expired")
        return read

    def verify(self, token: str, now: int) -> Principal:
        """The principal that the token speaks for at Unix second `now`. Raises AuthenticationError.

        One with a `session_id` or a `role_id` is only claimed: without permissions, to be looked up.
        """
        principal = self._cache.get(token)
        if principal is None:
            principal = principal_of(self.claims(token, now))
            if len(self._cache) >= CACHED_TOKENS:
                del self._cache[next(iter(self._cache))]
            self._cache[token] = principal
        if principal.expires_at <= now:
            self._cache.pop(token, None)
            raise AuthenticationError("the token has expired")
        return principal

    def _sign(self, subject: str, now: int, ttl_s: int, **more: Any) -> str:
        # Ids are strings: a 64-bit number would lose its end in whatever reads claims as JavaScript does.
        if ttl_s > MAX_TTL_S:
            raise ValueError(f"a token lasts at most {MAX_TTL_S} seconds")
        claims = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "sub": subject,
            "iat": now,
            "exp": now + ttl_s,
            "jti": secrets.token_urlsafe(12),
            **more,
        }
        return jwt.encode(claims, self._private, algorithm=ALGORITHM, headers={"kid": self.kid, "typ": TOKEN_TYPE})


def principal_of(claims: Claims) -> Principal:
    """Whoever the claims name, as far as they say it: with a `session_id` or a `role_id` they are without permissions,
    which are to be looked up. Raises AuthenticationError for a token that stands on an API key."""
    if claims.is_network:
        return network(claims.subject, claims.expires_at, token_id=claims.token_id)
    if claims.is_operator:
        return operator(claims.subject, claims.expires_at, token_id=claims.token_id)
    if claims.session_id is not None:
        return Principal(
            claims.subject,
            claims.workspace_id,
            None,
            None,
            False,
            frozenset(),
            claims.expires_at,
            user_id=claims.user_id,
            session_id=claims.session_id,
            token_id=claims.token_id,
        )
    if claims.workspace_id is None or claims.workspace is None or (claims.role is None) == (claims.role_id is None):
        raise AuthenticationError("the token is not valid")
    if claims.role is None:
        return Principal(
            claims.subject,
            claims.workspace_id,
            claims.workspace,
            None,
            False,
            frozenset(),
            claims.expires_at,
            token_id=claims.token_id,
            role_id=claims.role_id,
        )
    return member(
        claims.subject,
        claims.workspace_id,
        claims.workspace,
        claims.role,
        claims.expires_at,
        token_id=claims.token_id,
    )


def _read(claims: dict[str, Any], issued_at: int, expires_at: int) -> Claims:
    said = (str(claims["sub"]), str(claims["jti"]), issued_at, expires_at)
    if claims.get("network") is True:
        return Claims(*said, is_network=True)
    if claims.get("operator") is True:
        return Claims(*said, is_operator=True)
    if "session_id" in claims:
        workspace_id = claims.get("workspace_id")
        return Claims(
            *said,
            user_id=int(claims["user_id"]),
            session_id=int(claims["session_id"]),
            workspace_id=None if workspace_id is None else int(workspace_id),
        )
    if "api_key_id" in claims:
        scope = claims.get("scope")
        return Claims(
            *said,
            api_key_id=int(claims["api_key_id"]),
            key_version=str(claims["key_version"]),
            scope=None if scope is None else frozenset(scope.split()),
        )
    return Claims(
        *said,
        workspace_id=int(claims["workspace_id"]),
        workspace=str(claims["workspace"]),
        **({"role_id": int(claims["role_id"])} if "role_id" in claims else {"role": Role(claims["role"])}),
    )
