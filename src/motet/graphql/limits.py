"""How much one request may ask for. The defaults let GraphiQL's introspection through."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from motet.domain.messages import said
from motet.reading.errors import TooComplexError


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of the GraphQL edge."""

    body_octets: int = 1 << 20
    document_octets: int = 64 * 1024
    """Comments included."""
    tokens: int = 3_000
    """Reading and validating costs up to 40 µs each. GraphiQL's introspection has 300."""
    depth: int = 20
    """GraphiQL's introspection is 14 deep."""
    fields: int = 1_000
    """Of one operation, after fragments are expanded."""
    document_fields: int = 3_000
    """The same of all operations together."""
    repeats: int = 10_000
    """Fields that meet under one key are compared in pairs by validation, each pair in 10 µs: the squares of how often
    keys repeat, summed up."""
    aliases: int = 100
    spreads: int = 200
    directives: int = 200
    definitions: int = 100
    cost: int = 25_000
    """Of one operation, as `graphql.cost` has it."""
    bucket: int = 500_000
    """The costs that a caller may run up at once: twenty of the dearest operations."""
    restore_per_s: int = 50_000
    """What flows back into a caller's bucket: about a third of what one processor core can answer."""
    deadline_s: float = 15.0
    """For one query. A mutation that has begun is finished; further ones of the same operation are then not begun."""
    variable_values: int = 10_000
    """Values in all variables together, however nested."""
    variables_depth: int = 20
    sockets: int = 100
    """WebSockets and event streams of one subject, and sockets of one address that are not authenticated yet."""
    subscriptions: int = 100
    """Operations at once on one socket."""
    running: int = 16
    """Queries of one workspace that run at a time; others wait for their turn, within their deadline. Some more than
    keep a processor busy: who asks for thousands at once waits for itself, and not everybody for it."""
    changes: int = 1_000
    """Mutations of one caller at once, with those whose answers it has given up: they are finished all the same."""
    connection_init_s: float = 3.0
    frame_octets: int = 1 << 20


@dataclass(frozen=True, slots=True)
class _Size:
    fields: int = 0
    aliases: int = 0
    depth: int = 0


class _Measurer:
    """Measures a document without expanding it: fragments are measured once each."""

    def __init__(self, document: DocumentNode, limits: Limits) -> None:
        self._limits = limits
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._sizes: dict[str, _Size] = {}
        self._spreads = 0
        self._directives = 0

    def measure(self, selection_set: SelectionSetNode | None, level: int, introspecting: bool) -> _Size:
        if selection_set is None:
            return _Size()
        if level > self._limits.depth:
            raise TooComplexError("The document is nested more than {most} deep.", most=self._limits.depth)
        fields = aliases = depth = 0
        for node in selection_set.selections:
            self._count_directives(len(node.directives or ()))
            if isinstance(node, FieldNode):
                if node.alias and introspecting:
                    raise TooComplexError("Introspection takes no aliases.")
                below = introspecting or node.name.value in {"__schema", "__type"}
                inner = self.measure(node.selection_set, level + 1, below)
                fields += 1
                aliases += node.alias is not None
                inner = _Size(inner.fields, inner.aliases, inner.depth + 1)
            elif isinstance(node, FragmentSpreadNode):
                inner = self._spread(node.name.value, level, introspecting)
            else:
                inner = self.measure(node.selection_set, level + 1, introspecting)  # type: ignore[attr-defined]
            fields += inner.fields
            aliases += inner.aliases
            depth = max(depth, inner.depth)
        return _Size(fields, aliases, depth)

    def _spread(self, name: str, level: int, introspecting: bool) -> _Size:
        self._spreads += 1
        if self._spreads > self._limits.spreads:
            raise TooComplexError("The document spreads more than {most} fragments.", most=self._limits.spreads)
        if name not in self._sizes:
            self._sizes[name] = _Size()  # a circle ends here; validation tells of it
            fragment = self._fragments.get(name)
            if fragment is not None:
                meta = fragment.type_condition.name.value.startswith("__")
                self._sizes[name] = self.measure(fragment.selection_set, level + 1, introspecting or meta)
        return self._sizes[name]

    def count_keys(
        self,
        selection_set: SelectionSetNode | None,
        path: tuple[str, ...],
        met: Counter[tuple[str, ...]],
        within: frozenset[str],
    ) -> None:
        """Counts how many fields meet under each key of the answer, fragments expanded. Only for what `measure` let
        through: it is the number of its fields that this takes time by."""
        for node in selection_set.selections if selection_set else ():
            if isinstance(node, FieldNode):
                below = (*path, (node.alias or node.name).value)
                met[below] += 1
                self.count_keys(node.selection_set, below, met, within)
            elif isinstance(node, FragmentSpreadNode):
                name = node.name.value
                fragment = self._fragments.get(name)
                if fragment is not None and name not in within:
                    self.count_keys(fragment.selection_set, path, met, within | {name})
            else:
                self.count_keys(node.selection_set, path, met, within)  # type: ignore[attr-defined]

    def _count_directives(self, count: int) -> None:
        self._directives += count
        if self._directives > self._limits.directives:
            raise TooComplexError("The document has more than {most} directives.", most=self._limits.directives)


def check_document(document: DocumentNode, limits: Limits) -> None:
    """Raises TooComplexError for a document that would cost too much to validate or to run."""
    if len(document.definitions) > limits.definitions:
        raise TooComplexError("The document has more than {most} definitions.", most=limits.definitions)
    measurer = _Measurer(document, limits)
    fields = repeats = 0
    for node in document.definitions:
        if not isinstance(node, OperationDefinitionNode | FragmentDefinitionNode):
            continue
        meta = isinstance(node, FragmentDefinitionNode) and node.type_condition.name.value.startswith("__")
        size = measurer.measure(node.selection_set, 1, introspecting=meta)
        fields += size.fields
        for what, found, allowed in (
            (said("fields"), size.fields, limits.fields),
            (said("aliases"), size.aliases, limits.aliases),
            (said("levels"), size.depth, limits.depth),
            (said("fields in all"), fields, limits.document_fields),
        ):
            if found > allowed:
                raise TooComplexError(
                    "The operation has more than {most} {what}, fragments expanded.", most=allowed, what=what
                )
        met: Counter[tuple[str, ...]] = Counter()
        measurer.count_keys(node.selection_set, (), met, frozenset())
        repeats += sum(count * count for count in met.values() if count > 1)
        if repeats > limits.repeats:
            raise TooComplexError("The operation repeats the same fields too often.")


def check_variables(variables: Mapping[str, Any], limits: Limits) -> None:
    """Raises TooComplexError for variables that would cost too much to coerce."""
    values = 0
    stack: list[tuple[Iterator[Any], int]] = [(iter(variables.values()), 1)]
    while stack:
        items, depth = stack[-1]
        for value in items:
            values += 1
            if values > limits.variable_values:
                raise TooComplexError("The variables have more than {most} values.", most=limits.variable_values)
            if isinstance(value, dict | list):
                if depth >= limits.variables_depth:
                    raise TooComplexError(
                        "The variables are nested more than {most} deep.", most=limits.variables_depth
                    )
                stack.append((iter(value.values() if isinstance(value, dict) else value), depth + 1))
                break
        else:
            stack.pop()
