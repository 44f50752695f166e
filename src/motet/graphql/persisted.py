"""Documents that clients name instead of sending: automatic persisted queries, and trusted documents.

https://www.apollographql.com/docs/apollo-server/performance/apq has the protocol of the former; the latter are named by
`documentId`, as the appendix of GraphQL over HTTP says, or as Apollo's clients name any persisted query.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Protocol

from motet.access.principals import Principal
from motet.reading.errors import InvalidRequestError, RequestError

KEPT_CHARACTERS = 4 << 20
"""Text of automatic persisted queries, all together: some hundred long ones, or thousands as they are."""

MAX_DOCUMENT_ID_CHARACTERS = 256

SHA256 = "sha256:"

_HASH = re.compile(r"[0-9a-fA-F]{64}")


class PersistedQueryNotFoundError(RequestError):
    """The client is to send the text once more. Apollo's clients know the message."""

    code = "PERSISTED_QUERY_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("PersistedQueryNotFound")


class UntrustedDocumentError(RequestError):
    """Only documents that were registered are run here."""

    code = "UNTRUSTED_DOCUMENT"


class TrustedDocuments(Protocol):
    """Where registered documents are found."""

    async def text_of(self, workspace_id: int | None, document_id: str) -> str | None:
        """The text, of the workspace or of the installation."""


class PersistedQueries:
    """Texts by their SHA-256, from the clients themselves: the hash makes sure that nobody gets another's. The oldest
    goes first."""

    def __init__(self, kept_characters: int = KEPT_CHARACTERS) -> None:
        self._kept_characters = kept_characters
        self._texts: dict[str, str] = {}
        self._characters = 0

    def get(self, sha256: str) -> str:
        """The text. Raises PersistedQueryNotFoundError."""
        text = self._texts.get(sha256)
        if text is None:
            raise PersistedQueryNotFoundError
        return text

    def keep(self, sha256: str, text: str) -> None:
        """Keeps a text whose hash was checked."""
        if sha256 in self._texts:
            return
        self._texts[sha256] = text
        self._characters += len(text)
        while self._characters > self._kept_characters:
            oldest = next(iter(self._texts))
            self._characters -= len(self._texts.pop(oldest))


def persisted_hash(extensions: Mapping[str, Any] | None) -> str | None:
    """The hash in `extensions.persistedQuery`, None without one. Raises InvalidRequestError."""
    named = extensions.get("persistedQuery") if extensions else None
    if named is None:
        return None
    if not isinstance(named, dict) or named.get("version") != 1:
        raise InvalidRequestError("PersistedQueryNotSupported: `persistedQuery` has version 1 and a `sha256Hash`.")
    sha256 = named.get("sha256Hash")
    if not isinstance(sha256, str) or not _HASH.fullmatch(sha256):
        raise InvalidRequestError("The `sha256Hash` of `persistedQuery` must be 64 hex digits.")
    return sha256.lower()


def check_hash(sha256: str, text: str) -> None:
    """Raises InvalidRequestError if the hash is not the text's."""
    if hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest() != sha256:
        raise InvalidRequestError("provided sha does not match query")


class Sources:
    """Finds the text of what a request asks for."""

    def __init__(self, trusted: TrustedDocuments | None = None, *, trusted_only: bool = False) -> None:
        self._trusted = trusted
        self._trusted_only = trusted_only
        self._queries = PersistedQueries()

    async def text_of(
        self, principal: Principal, query: str | None, sha256: str | None, document_id: str | None
    ) -> str:
        """The text. Raises RequestError."""
        if document_id is None and sha256 is None:
            return self._sent(query)
        named = await self._registered(principal, document_id if document_id is not None else f"{SHA256}{sha256}")
        if named is not None:
            return named
        if sha256 is None:
            raise UntrustedDocumentError("There is no document of this id.")
        if self._trusted_only:
            # What a client of Apollo's answers by sending the text, which is then refused with the reason.
            raise PersistedQueryNotFoundError if query is None else _only_registered()
        if query is None:
            return self._queries.get(sha256)
        check_hash(sha256, query)
        return query

    def keep(self, sha256: str, text: str) -> None:
        """Keeps a text that came with this hash and turned out to be a good document."""
        self._queries.keep(sha256, text)

    def _sent(self, query: str | None) -> str:
        if self._trusted_only:
            raise _only_registered()
        if query is None:
            raise InvalidRequestError("`query` must be a string.")
        return query

    async def _registered(self, principal: Principal, document_id: str) -> str | None:
        return None if self._trusted is None else await self._trusted.text_of(principal.workspace_id, document_id)


def _only_registered() -> UntrustedDocumentError:
    return UntrustedDocumentError("Only registered documents are run here: name one by its `documentId`.")
