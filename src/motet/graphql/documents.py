"""Documents, parsed and validated once: doing so costs 2 ms, finding one 1 µs.

A tree is a thousand objects and more, which Python's collector walks through again and again. So only what is valid
and asked for again is remembered for long, and little of what was read is left in circles for the collector to find:
callers that sent another document every time made it stop the node for half a second.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    Token,
    parse,
    specified_rules,
    validate,
)

from motet.graphql.cost import Price, price_of
from motet.graphql.limits import Limits, check_document
from motet.graphql.selection import Selections
from motet.reading.errors import RequestError, TooComplexError

CACHED_CHARACTERS = 1 << 19
"""Source text in the cache, all together; the trees take about 40 times as much memory."""

NEW_CHARACTERS = 1 << 15
"""The same of documents that were asked for once."""

CACHED_DOCUMENT_CHARACTERS = 16 * 1024
"""Longer documents are not kept: a few of them would push out the rest."""

MAX_VALIDATION_ERRORS = 20

YOUNG = 5_000
"""New objects after which the collector looks at them, which takes a millisecond: the rules of validation leave circles
of a thousand, and the node's own pace lets 50,000 come together (`bootstrap.node`)."""

_TOKEN = re.compile(
    r'"""(?:\\"""|[^"]|"(?!""))*+(?:""")?|"(?:\\.|[^"\\\n\r])*+"?'
    r"|#[^\n\r]*|\.\.\.|[_A-Za-z][_0-9A-Za-z]*|-?[0-9][-+.0-9Ee]*|[^\s,]"
)
"""A token or a comment. What is no token counts as one: the parser tells. A string that does not end is one, too, as
far as it goes, so that nothing is looked at twice: to look for its end from each mark in it anew took a second."""


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed document, or what is wrong with it."""

    node: DocumentNode | None
    errors: tuple[GraphQLError, ...]
    selections: Selections = field(default_factory=dict)
    """What its root fields select, kept for the next request."""
    is_oversized: bool = False
    """It was refused for its size, which takes a hundredth of the time of reading it."""
    prices: dict[int, Price] = field(default_factory=dict)
    """Of its operations, by the id of their nodes."""

    def price(self, schema: GraphQLSchema, operation: OperationDefinitionNode) -> Price:
        """What one of its operations costs. Only of a document without errors."""
        price = self.prices.get(id(operation))
        if price is None:
            if self.node is None:
                raise LookupError("There is no document.")
            price = self.prices[id(operation)] = price_of(schema, self.node, operation)
        return price

    def operation(self, name: str | None) -> OperationDefinitionNode | None:
        """The operation of this name, or the only one; None if that is not one."""
        if self.node is None:
            return None
        found = [
            node
            for node in self.node.definitions
            if isinstance(node, OperationDefinitionNode) and (name is None or (node.name and node.name.value == name))
        ]
        return found[0] if len(found) == 1 else None


class _Shelf:
    """Documents by their text, up to so many characters of them; the oldest goes first."""

    def __init__(self, characters: int) -> None:
        self._room = characters
        self._documents: dict[str, Document] = {}

    def __contains__(self, source: str) -> bool:
        return source in self._documents

    def get(self, source: str) -> Document | None:
        return self._documents.get(source)

    def put(self, source: str, document: Document) -> None:
        self._documents[source] = document
        self._room -= len(source)
        while self._room < 0:
            self.take(next(iter(self._documents)))

    def take(self, source: str) -> Document | None:
        document = self._documents.pop(source, None)
        if document is not None:
            self._room += len(source)
        return document


class Documents:
    """Remembers valid documents: new ones for a short time, and those that were asked for again."""

    def __init__(
        self, schema: GraphQLSchema, limits: Limits, *, hide_suggestions: bool, introspection: bool = True
    ) -> None:
        self._schema = schema
        self._limits = limits
        self._hide_suggestions = hide_suggestions
        self._rules = specified_rules if introspection else [*specified_rules, NoSchemaIntrospectionCustomRule]
        self._new = _Shelf(NEW_CHARACTERS)
        self._kept = _Shelf(CACHED_CHARACTERS)

    def get(self, source: str) -> Document:
        """The document of a source text."""
        document = self._kept.get(source)
        if document is not None:
            return document
        document = self._new.take(source)
        if document is not None:
            self._kept.put(source, document)
            return document
        document = self._read(source)
        if not document.errors and len(source) <= CACHED_DOCUMENT_CHARACTERS:
            self._new.put(source, document)
        return document

    def __contains__(self, source: str) -> bool:
        return source in self._kept or source in self._new

    def _read(self, source: str) -> Document:
        try:
            check_size(source, self._limits)
        except TooComplexError as error:
            return Document(None, (_error(error.with_traceback(None)),), is_oversized=True)
        try:
            node = parse(source, max_tokens=self._limits.tokens)
            check_document(node, self._limits)
            errors = validate(
                self._schema,
                node,
                self._rules,
                max_errors=MAX_VALIDATION_ERRORS,
                hide_suggestions=self._hide_suggestions,
            )
        except RecursionError:
            return Document(None, (_error(TooComplexError("The document is nested too deep.")),))
        except RequestError as error:
            return Document(None, (_error(error.with_traceback(None)),))
        except GraphQLError as error:
            return Document(None, (_apart(error),))
        _untie(node)
        if gc.get_count()[0] > YOUNG:
            gc.collect(0)
        if errors:
            return Document(None, tuple(map(_apart, errors)))
        return Document(node, ())


def document_check(limits: Limits, schema: GraphQLSchema, *, introspection: bool) -> Callable[[str], list[str]]:
    """Tells what is wrong with a text that is to be kept as a document, in words."""
    documents = Documents(schema, limits, hide_suggestions=False, introspection=introspection)
    return lambda source: [error.message for error in documents.get(source).errors]


def check_size(source: str, limits: Limits) -> None:
    """Raises TooComplexError for a text of too many octets or tokens."""
    if len(source) * 4 > limits.document_octets:  # else it cannot be longer, whatever it is made of
        octets = len(source.encode(errors="surrogatepass"))
        if octets > limits.document_octets:
            raise TooComplexError("The document has more than {most} octets.", most=limits.document_octets)
    check_tokens(source, limits.tokens)


def check_tokens(source: str, limit: int) -> None:
    """Raises TooComplexError for a text of more tokens: counting them takes a twentieth of the time of parsing."""
    if len(source) <= limit:
        return
    tokens = 0
    for found in _TOKEN.finditer(source):
        tokens += found[0][0] != "#"
        if tokens > limit:
            raise TooComplexError("The document has more than {most} tokens.", most=limit)


def _error(error: RequestError) -> GraphQLError:
    return GraphQLError(error.message, original_error=error)


def _apart(error: GraphQLError) -> GraphQLError:
    """The same error without the tree that it points into."""
    return GraphQLError(error.message, source=error.source, positions=error.positions)


def _untie(node: DocumentNode) -> None:
    """Takes the chain apart that a document's tokens are in, each pointing to the ones before and behind it."""
    token: Token | None = node.loc.start_token if node.loc else None
    while token is not None:
        token.prev, token.next, token = None, None, token.next
