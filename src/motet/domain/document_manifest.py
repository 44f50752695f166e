"""Manifests of GraphQL documents, as the builds of clients write them: Apollo's, Relay's maps, lists."""

from __future__ import annotations

from typing import Any

from motet.domain.errors import InvalidError

MAX_MANIFEST_DOCUMENTS = 10_000
MAX_DOCUMENT_ID_CHARACTERS = 256

APOLLO_FORMAT = "apollo-persisted-query-manifest"


def read_manifest(manifest: Any) -> list[tuple[str, str]]:
    """(id, text) of each document in the decoded JSON, ids once. Raises InvalidError.

    Known are Apollo's `{"format": …, "version": 1, "operations": [{"id", "body", …}]}`, a map from id to text as
    Relay's compiler and most others write it, and a list of `{"id" or "documentId", "body" or "text" or "query"}`.
    """
    if isinstance(manifest, dict) and "format" in manifest:
        if manifest["format"] != APOLLO_FORMAT or manifest.get("version") != 1:
            raise InvalidError("Of manifests with a format only {format}, version 1, is known.", format=APOLLO_FORMAT)
        entries = [_entry(one) for one in _list(manifest.get("operations"))]
    elif isinstance(manifest, dict):
        entries = list(manifest.items())
    else:
        entries = [_entry(one) for one in _list(manifest)]
    if not 0 < len(entries) <= MAX_MANIFEST_DOCUMENTS:
        raise InvalidError("A manifest has 1 to {most} documents.", most=MAX_MANIFEST_DOCUMENTS)
    found: dict[str, str] = {}
    for document_id, text in entries:
        check_document_id(document_id)
        if not isinstance(text, str) or found.setdefault(document_id, text) != text:
            raise InvalidError("The document {document_id!r} must have one text.", document_id=document_id[:60])
    return list(found.items())


def check_document_id(document_id: Any) -> None:
    """Raises InvalidError for what cannot be an id: 1 to 256 visible ASCII characters."""
    if (
        not isinstance(document_id, str)
        or not 0 < len(document_id) <= MAX_DOCUMENT_ID_CHARACTERS
        or not all("!" <= character <= "~" for character in document_id)
    ):
        raise InvalidError("A document's id has 1 to {most} visible ASCII characters.", most=MAX_DOCUMENT_ID_CHARACTERS)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise InvalidError("A manifest is a list of documents, or a map from id to text.")
    return value


def _entry(one: Any) -> tuple[Any, Any]:
    if not isinstance(one, dict):
        raise InvalidError("A document in a list is an object with an id and a body.")
    document_id = next((one[name] for name in ("id", "documentId") if name in one), None)
    return document_id, next((one[name] for name in ("body", "text", "query") if name in one), None)
