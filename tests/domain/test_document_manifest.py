"""Manifests of documents, as clients' builds write them."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.domain.document_manifest import MAX_MANIFEST_DOCUMENTS, read_manifest
from motet.domain.errors import InvalidError

APOLLO = {
    "format": "apollo-persisted-query-manifest",
    "version": 1,
    "operations": [{"id": "dc67", "name": "Viewer", "type": "query", "body": "query Viewer { viewer { subject } }"}],
}


@pytest.mark.parametrize(
    "manifest",
    [
        APOLLO,
        {"dc67": "query Viewer { viewer { subject } }"},
        [{"id": "dc67", "body": "query Viewer { viewer { subject } }"}],
        [{"documentId": "dc67", "text": "query Viewer { viewer { subject } }"}],
        [{"id": "dc67", "query": "query Viewer { viewer { subject } }"}] * 2,
    ],
)
def test_apollos_relays_and_lists_are_read(manifest: Any) -> None:
    assert read_manifest(manifest) == [("dc67", "query Viewer { viewer { subject } }")]


@pytest.mark.parametrize(
    "manifest",
    [
        None,
        5,
        {},
        [],
        [5],
        [{}],
        {"x": 5},
        {"": "{ a }"},
        {"a b": "{ a }"},
        {"ä": "{ a }"},
        {"x" * 257: "{ a }"},
        {**APOLLO, "version": 2},
        {**APOLLO, "format": "other"},
        {**APOLLO, "operations": None},
        [{"id": "x", "body": "{ a }"}, {"id": "x", "body": "{ b }"}],
        {str(n): "{ a }" for n in range(MAX_MANIFEST_DOCUMENTS + 1)},
    ],
)
def test_what_is_none_is_refused(manifest: Any) -> None:
    with pytest.raises(InvalidError):
        read_manifest(manifest)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_any_json_is_read_or_refused(manifest: Any) -> None:
    with suppress(InvalidError):
        assert read_manifest(manifest)
