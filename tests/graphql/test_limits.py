"""Limits: what one request may ask for, and that too much is refused cheaply."""

from __future__ import annotations

import contextlib
import gc
import time
from collections.abc import Iterator
from typing import Any

import pytest
from graphql import get_introspection_query, parse
from graphql_client import Client
from graphql_world import World

from motet.graphql.documents import CACHED_CHARACTERS, NEW_CHARACTERS, Documents, check_tokens
from motet.graphql.limits import Limits, check_document, check_variables
from motet.graphql.schema import SCHEMA
from motet.reading.errors import TooComplexError


def doubling(levels: int) -> str:
    """Fragments of which each spreads the one below twice."""
    fragments = "".join(
        f" fragment F{n} on Query {{ a{n}: __typename ...F{n + 1} ...F{n + 1} }}" for n in range(levels)
    )
    return "{ ...F0 }" + fragments + f" fragment F{levels} on Query {{ viewer {{ subject }} }}"


TOO_COMPLEX = {
    "a document over 64 KiB": "{ __typename } #" + "x" * 65_536,
    "the same in characters of four octets": "{ __typename } #" + "😀" * 16_385,
    "10,000 aliases": "{" + " ".join(f"a{n}: __typename" for n in range(4_000)) + "}",
    "aliases of objects": "{" + " ".join(f"a{n}: viewer {{ subject }}" for n in range(101)) + "}",
    "50,000 __typename": "{" + "__typename " * 5_900 + "}",
    "tokens": "{ viewer { subject } }" + "{" * 11_000,
    "an object field x 2,000": "{" + "viewer { subject } " * 2_000 + "}",
    "an object field x 490": "{" + "viewer { subject } " * 490 + "}",
    "equal fragments": "{"
    + " ".join(f"...F{n}" for n in range(90))
    + "}"
    + " ".join(f"fragment F{n} on Query {{ viewer {{ subject }} devices {{ nodes {{ id }} }} }}" for n in range(90)),
    "operations with one large fragment": "".join(f"query Q{n} {{ ...F }} " for n in range(90))
    + "fragment F on Query {"
    + " ".join(f"a{n}: __typename" for n in range(90))
    + "}",
    "@include x 5,000": "{ __typename " + "@include(if: true) " * 1_500 + "}",
    "directives on one field": "{ __typename " + "@include(if: true) " * 201 + "}",
    "fragments doubling": doubling(13),
    "nesting": "{ devices { nodes {" + " sim { device {" * 12 + " id " + "}}" * 12 + "}}}",
    "190 deep": "{ a" * 190 + "}" * 190,
    "20,000 deep": "{a" * 20_000 + "}" * 20_000,
    "lists deep in lists": "{ devices { nodes { sim { device { imei: " * 800,
    "pages of pages": "{ devices(first: 200) { nodes { smsMessages(first: 200) { nodes { id } } } } }",
    "pages by default": "{ smppAccounts { nodes { shortCodes { nodes { smppAccount { shortCodes {"
    " nodes { id } } } } } } } }",
    "definitions": "".join(f"query Q{n} {{ __typename }} " for n in range(101)),
    "aliases in introspection": "{ __schema { a: types { name } b: types { name } } }",
    "aliases in introspection, in a fragment": "query Q { ...G } fragment G on Query { __schema { ...S } }"
    " fragment S on __Schema { a: types { name } b: types { name } }",
}


@pytest.mark.parametrize("what", TOO_COMPLEX)
async def test_too_much_is_refused_before_it_costs_anything(client: Client, what: str) -> None:
    started = time.process_time()
    reply = await client.query(TOO_COMPLEX[what])
    spent = time.process_time() - started
    assert reply.codes in (["QUERY_TOO_COMPLEX"], ["INVALID"])
    if not what.startswith(("tokens", "lists", "20,000")):  # these are no documents at all
        assert reply.codes == ["QUERY_TOO_COMPLEX"]
    assert spent < 2.0  # measured: below 0.2; the attack it stands for took seconds


@pytest.mark.parametrize(
    "text", ['"' + '\\"' * 32_000, '"""' + '\\"""' * 16_000, '""" "' * 13_000, '"\n' * 2_000 + '"' + "x" * 60_000]
)
def test_strings_without_an_end_are_looked_at_once(text: str) -> None:
    started = time.process_time()
    with contextlib.suppress(TooComplexError):
        check_tokens(text, Limits().tokens)
    assert time.process_time() - started < 0.3  # measured: below 0.01; the first took 1.3


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ('"a" "" "\\"" """b""" """""" """\\""" "" """', 6),
        ('"a', 1),
        ('"a\n b', 2),
        ('"a\\\n', 2),
        ('"""a" b', 1),
        ("# a b\n c", 1),
    ],
)
def test_strings_count_as_one_token(text: str, tokens: int) -> None:
    spaced = " " * 10 + text  # what is no longer than the limit is not counted
    check_tokens(spaced, tokens)
    with pytest.raises(TooComplexError):
        check_tokens(spaced, tokens - 1)


@pytest.mark.parametrize(
    "query",
    [
        get_introspection_query(descriptions=True),
        "{ devices(first: 200) { nodes { id smsMessages { nodes { id text } pageInfo { hasNextPage } } } } }",
        "{" + " ".join(f"a{n}: viewer {{ subject }}" for n in range(100)) + "}",
        "{ __typename } #" + "x" * 60_000,
    ],
)
async def test_what_people_ask_for_is_let_through(client: Client, query: str) -> None:
    assert (await client.query(query)).data


async def test_the_page_size_of_a_variable_counts(client: Client) -> None:
    query = """query ($first: Int, $inner: Int) {
      devices(first: $first) { nodes { smsMessages(first: $inner) { nodes { id } } } } }"""
    assert (await client.query(query, {"first": 200, "inner": 200})).codes == ["QUERY_TOO_COMPLEX"]
    assert (await client.query(query, {"first": 10, "inner": 200})).data
    assert (await client.query(query, {})).data


@pytest.mark.parametrize(
    ("variables", "refused"),
    [
        ({}, False),
        ({"a": [1] * 9_990}, False),
        ({"a": [1] * 10_001}, True),
        ({"a": {str(n): [n] for n in range(6_000)}}, True),
        ({"a": [[[[[[[[[[1]]]]]]]]]]}, False),
    ],
)
def test_variables_are_counted(variables: dict[str, Any], refused: bool) -> None:
    if not refused:
        check_variables(variables, Limits())
        return
    with pytest.raises(TooComplexError):
        check_variables(variables, Limits())


def test_variables_may_not_be_nested_deep() -> None:
    deep: Any = 1
    for _ in range(25):
        deep = [deep]
    with pytest.raises(TooComplexError):
        check_variables({"a": deep}, Limits())


async def test_many_integers_for_an_enum_list_are_refused_cheaply(client: Client) -> None:
    query = "query ($s: [SimStatus!]) { sims(filter: {status: $s}) { totalCount } }"
    reply = await client.query(query, {"s": [1] * 100_000})
    assert reply.codes == ["QUERY_TOO_COMPLEX"]


def test_circular_fragments_end() -> None:
    check_document(parse("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }"), Limits())


VIEWER = "{ viewer { subject } }"


def strangers(characters: int) -> Iterator[str]:
    """So many characters of valid documents, each asked for once."""
    return (f"{{ a{n}: __typename }}#" + "x" * 16_000 for n in range(characters // 16_000 + 1))


def test_documents_are_read_once_and_the_oldest_forgotten() -> None:
    documents = Documents(SCHEMA, Limits(), hide_suggestions=False)
    first = documents.get(VIEWER)
    assert documents.get(VIEWER) is first
    for source in strangers(CACHED_CHARACTERS):
        documents.get(source)
        documents.get(source)
    assert documents.get(VIEWER) is not first
    assert sum(map(len, documents._kept._documents)) <= CACHED_CHARACTERS


def test_documents_asked_for_once_do_not_push_out_those_in_use() -> None:
    documents = Documents(SCHEMA, Limits(), hide_suggestions=False)
    documents.get(VIEWER)
    used = documents.get(VIEWER)
    for source in strangers(CACHED_CHARACTERS):
        documents.get(source)
    assert documents.get(VIEWER) is used
    assert sum(map(len, documents._new._documents)) <= NEW_CHARACTERS


@pytest.mark.parametrize("source", ["{ nothing }", "{ a" * 190 + "}" * 190, "{ unclosed", VIEWER])
def test_strangers_documents_do_not_fill_the_memory(source: str) -> None:
    documents = Documents(SCHEMA, Limits(), hide_suggestions=True)
    gc.collect()
    before = len(gc.get_objects())
    for n in range(200):
        documents.get(f"{source} #{n}")
    gc.collect()
    assert len(gc.get_objects()) - before < 20_000, "200 trees of 60 objects at most"


async def test_suggestions_are_made_where_graphiql_is_served_only(client: Client) -> None:
    assert "viewer" in (await client.query("{ viewr { subject } }")).json["errors"][0]["message"]
    hidden = Documents(SCHEMA, Limits(), hide_suggestions=True)
    assert "viewer" not in str(hidden.get("{ viewr { subject } }").errors[0])


async def test_filters_are_bounded(client: Client) -> None:
    query = "query ($f: DeviceFilter) { devices(filter: $f) { totalCount } }"
    deep: Any = {"name": "x"}
    for _ in range(6):
        deep = {"not": deep}
    for filter_ in (deep, {"or": [{"name": "x"}] * 51}, {"tags": ["x"] * 101}):
        assert (await client.query(query, {"f": filter_})).codes == ["INVALID"]


async def test_ids_of_nodes_are_bounded(world: World, client: Client) -> None:
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    assert (await client.query(query, {"ids": ["x"] * 200})).data["nodes"] == [None] * 200
    assert (await client.query(query, {"ids": ["x"] * 201})).codes == ["INVALID"]
    assert (await client.query(query, {"ids": []})).data["nodes"] == []
