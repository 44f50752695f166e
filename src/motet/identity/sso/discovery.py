"""What providers publish of themselves: where they are asked, and their keys. Kept for a while, within bounds."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from motet.identity.sso.errors import ProtocolError
from motet.identity.sso.keys import ALGORITHMS, PublicKey, keys_of
from motet.outgoing.fetching import Fetch, FetchError

WELL_KNOWN = "/.well-known/openid-configuration"
REMEMBERED_S = 3_600.0
"""How long metadata and keys are believed. A withdrawn key is trusted no longer than that."""

REFETCH_S = 30.0
"""The least time between two looks for new keys: a token with a made-up key id costs the provider nothing more."""

FAILURE_REMEMBERED_S = 5.0
"""A provider that does not answer is not asked again at once, however many people try."""

MAX_PROVIDERS = 500
"""Remembered at once; the one not used for longest is forgotten."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """A provider's metadata (OpenID Connect Discovery §3), as far as it is used."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    end_session_endpoint: str | None
    algorithms: frozenset[str]
    """Signatures of ID tokens that it makes and we take."""
    token_auth_methods: frozenset[str]
    supports_pkce: bool | None
    """Whether it says so of S256; None if it says nothing."""
    names_itself: bool
    """Whether its answers to the browser name the issuer (RFC 9207)."""


def metadata_of(issuer: str, answer: Mapping[str, Any]) -> Metadata:
    """Metadata that is fit for use and the issuer's own. Raises ProtocolError."""
    if answer.get("issuer") != issuer:
        raise ProtocolError("the metadata names another issuer")
    algorithms = _texts(answer, "id_token_signing_alg_values_supported") or frozenset({"RS256"})
    if not algorithms & ALGORITHMS.keys():
        raise ProtocolError("it signs ID tokens with no algorithm that is taken")
    kinds = _texts(answer, "response_types_supported")
    if kinds is not None and "code" not in kinds:
        raise ProtocolError("it does not support the authorization code flow")
    challenges = _texts(answer, "code_challenge_methods_supported")
    return Metadata(
        issuer=issuer,
        authorization_endpoint=_url(answer, "authorization_endpoint"),
        token_endpoint=_url(answer, "token_endpoint"),
        jwks_uri=_url(answer, "jwks_uri"),
        userinfo_endpoint=_optional_url(answer, "userinfo_endpoint"),
        end_session_endpoint=_optional_url(answer, "end_session_endpoint"),
        algorithms=algorithms & ALGORITHMS.keys(),
        token_auth_methods=_texts(answer, "token_endpoint_auth_methods_supported")
        or frozenset({"client_secret_basic"}),
        supports_pkce=None if challenges is None else "S256" in challenges,
        names_itself=answer.get("authorization_response_iss_parameter_supported") is True,
    )


def _texts(answer: Mapping[str, Any], name: str) -> frozenset[str] | None:
    value = answer.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ProtocolError(f"{name} is no list of texts")
    return frozenset(value)


def _url(answer: Mapping[str, Any], name: str) -> str:
    value = answer.get(name)
    if not isinstance(value, str) or not value.startswith(("https://", "http://")):
        raise ProtocolError(f"the metadata has no {name}")
    return value


def _optional_url(answer: Mapping[str, Any], name: str) -> str | None:
    return None if answer.get(name) is None else _url(answer, name)


@dataclass(slots=True)
class _Known:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    metadata: Metadata | None = None
    metadata_at: float = 0.0
    keys: tuple[PublicKey, ...] = ()
    keys_at: float | None = None
    failure: ProtocolError | None = None
    failed_at: float = 0.0


class Discovery:
    """Remembers what providers publish. One per node; `clock` counts seconds and does not go back."""

    def __init__(self, fetch: Fetch, clock: Callable[[], float]) -> None:
        self._fetch = fetch
        self._clock = clock
        self._known: OrderedDict[str, _Known] = OrderedDict()

    async def metadata(self, issuer: str) -> Metadata:
        """The issuer's metadata, read or remembered. Raises ProtocolError."""
        known = self._of(issuer)
        async with known.lock:  # many sign-ins at once ask once
            return await self._metadata(issuer, known)

    async def keys(self, issuer: str, *, missed: bool = False) -> tuple[PublicKey, ...]:
        """The issuer's keys; `missed` says that those remembered did not do, and has them read again, unless that was
        done a moment ago. Raises ProtocolError."""
        known = self._of(issuer)
        async with known.lock:
            metadata = await self._metadata(issuer, known)
            age = None if known.keys_at is None else self._clock() - known.keys_at
            if age is None or age >= REMEMBERED_S or (missed and age >= REFETCH_S):
                known.keys = keys_of(await self._json(known, metadata.jwks_uri, "key set"))
                known.keys_at = self._clock()
            return known.keys

    def forget(self, issuer: str) -> None:
        """Read it all again next time."""
        self._known.pop(issuer, None)

    def _of(self, issuer: str) -> _Known:
        known = self._known.setdefault(issuer, _Known())
        self._known.move_to_end(issuer)
        if len(self._known) > MAX_PROVIDERS:
            self._known.popitem(last=False)
        return known

    async def _metadata(self, issuer: str, known: _Known) -> Metadata:
        if known.metadata is None or self._clock() - known.metadata_at >= REMEMBERED_S:
            answer = await self._json(known, issuer.rstrip("/") + WELL_KNOWN, "metadata")
            metadata = metadata_of(issuer, answer)
            if known.metadata is not None and known.metadata.jwks_uri != metadata.jwks_uri:
                known.keys_at = None
            known.metadata, known.metadata_at = metadata, self._clock()
        return known.metadata

    async def _json(self, known: _Known, url: str, what: str) -> dict[str, Any]:
        if known.failure is not None and self._clock() - known.failed_at < FAILURE_REMEMBERED_S:
            raise known.failure
        try:
            reply = await self._fetch(url)
            if reply.status != 200:
                raise FetchError(f"it answered with status {reply.status}")
            answer = reply.json()
        except FetchError as error:
            known.failure, known.failed_at = ProtocolError(f"its {what} cannot be read: {error}"), self._clock()
            raise known.failure from None
        known.failure = None
        return answer
