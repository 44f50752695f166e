"""What an operation costs, by the rules that Shopify made known: an object costs 1, a scalar nothing, a connection as
many objects as its page can hold, and what is nested in it that many times; a mutation or a subscription costs 10.

A document's operations are priced once: what depends on variables is worked out for each request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    is_abstract_type,
    is_composite_type,
)

from motet.reading.page import DEFAULT_PAGE, MAX_PAGE

OBJECT_COST = 1
MUTATION_COST = 10
"""Of a root field that changes something, or that listens; what it shows comes on top."""

INTROSPECTION_COST = 100
"""Of `__schema` and `__type`: they are answered field by field."""

LEAST_COST = 1
"""Of an operation: no request is for nothing."""

_SIZES = frozenset({"first", "last", "ids"})
_SHOWS_OBJECTS = frozenset({"nodes", "edges"})


@dataclass(frozen=True, slots=True)
class _Variable:
    """A size that a variable gives."""

    name: str
    default: Any
    """What the operation declares for when it is left out."""

    def of(self, variables: Mapping[str, Any]) -> int:
        return _clamped(variables.get(self.name, self.default))


@dataclass(frozen=True, slots=True)
class _Part:
    """A field that shows objects."""

    key: str
    """In the answer."""
    cost: int
    """Of each object."""
    sizes: tuple[int | _Variable, ...]
    """How many there can be: the largest of these."""
    below: Price

    def size(self, variables: Mapping[str, Any]) -> int:
        return max(size if isinstance(size, int) else size.of(variables) for size in self.sizes)


@dataclass(frozen=True, slots=True)
class Price:
    """What a selection costs."""

    parts: tuple[_Part, ...] = ()
    choices: tuple[Price, ...] = ()
    """What is selected of each type that an interface's value may be: one of them counts."""
    fixed: int | None = field(init=False, default=None)
    """The cost, where no variable has a say."""

    def __post_init__(self) -> None:
        varies = any(not isinstance(size, int) for part in self.parts for size in part.sizes)
        below = [*(part.below for part in self.parts), *self.choices]
        if not varies and all(price.fixed is not None for price in below):
            object.__setattr__(self, "fixed", self._requested({}))

    def requested(self, variables: Mapping[str, Any]) -> int:
        """The most that it can come to with these variables."""
        return self._requested(variables) if self.fixed is None else self.fixed

    def actual(self, value: Mapping[str, Any]) -> int:
        """What was shown, in an answer to this selection."""
        cost = 0
        for part in self.parts:
            shown = value.get(part.key)
            if shown is None:
                continue
            below = part.below
            if isinstance(shown, list):
                cost += part.cost * (len(shown) - shown.count(None))
                if below.parts or below.choices:
                    cost += sum([below.actual(item) for item in shown if isinstance(item, dict)])
            else:
                cost += part.cost
                if (below.parts or below.choices) and isinstance(shown, dict):
                    cost += below.actual(shown)
        if self.choices:
            cost += max(choice.actual(value) for choice in self.choices)
        return cost

    def _requested(self, variables: Mapping[str, Any]) -> int:
        cost = sum(part.size(variables) * (part.cost + part.below.requested(variables)) for part in self.parts)
        return cost + max((choice.requested(variables) for choice in self.choices), default=0)


def price_of(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> Price:
    """The price of an operation. The document must be valid and within `check_document`. What a directive may leave
    out counts."""
    root = schema.get_root_type(operation.operation)
    return Price() if root is None else _Pricer(schema, document, operation).selection(operation.selection_set, root)


class _Pricer:
    def __init__(self, schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> None:
        self._schema = schema
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._defaults = {
            node.variable.name.value: _literal(node.default_value) for node in operation.variable_definitions or ()
        }
        self._root = schema.get_root_type(operation.operation)
        self._root_cost = OBJECT_COST if operation.operation is OperationType.QUERY else MUTATION_COST

    def selection(self, selection_set: SelectionSetNode, parent: Any) -> Price:
        parts: list[_Part] = []
        by_type: dict[str, list[_Part]] = {}
        self._collect(selection_set, parent, parts, by_type, is_abstract_type(parent))
        return Price(tuple(parts), tuple(Price(tuple(one)) for one in by_type.values()))

    def _collect(
        self,
        selection_set: SelectionSetNode,
        parent: Any,
        parts: list[_Part],
        by_type: dict[str, list[_Part]],
        abstract: bool,
    ) -> None:
        """Adds what is selected to the parts, or, of a type that an interface's value may be, to that type's."""
        for node in selection_set.selections:
            if isinstance(node, FieldNode):
                part = self._part(node, parent)
                if part is not None:
                    parts.append(part)
                continue
            fragment: Any = self._fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            condition = fragment.type_condition
            inner = self._schema.type_map[condition.name.value] if condition else parent
            of_one = abstract and isinstance(inner, GraphQLObjectType)
            into = by_type.setdefault(inner.name, []) if of_one else parts
            self._collect(fragment.selection_set, inner, into, by_type, abstract and not of_one)

    def _part(self, node: FieldNode, parent: Any) -> _Part | None:
        name, key = node.name.value, (node.alias or node.name).value
        if name in {"__schema", "__type"}:
            return _Part(key, INTROSPECTION_COST, (1,), Price())
        if node.selection_set is None or not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
            return None
        declared = self._schema.get_field(parent, name)
        target = get_named_type(declared.type) if declared is not None else None
        if declared is None or not is_composite_type(target):
            return None
        cost = self._root_cost if parent is self._root else OBJECT_COST
        sizes: tuple[int | _Variable, ...] = (1,)
        if parent.name.endswith("Edge") or name == "pageInfo":
            cost = 0  # the edge has counted
        elif target.name.endswith("Connection"):
            if _shows_objects(node.selection_set):
                cost, sizes = cost - OBJECT_COST, self._sizes(node) or (DEFAULT_PAGE,)
        elif not _SIZES.isdisjoint(declared.args):
            sizes = self._sizes(node) or (DEFAULT_PAGE,)
        return _Part(key, cost, sizes, self.selection(node.selection_set, target))

    def _sizes(self, node: FieldNode) -> tuple[int | _Variable, ...]:
        return tuple(self._size(argument.value) for argument in node.arguments or () if argument.name.value in _SIZES)

    def _size(self, value: ValueNode) -> int | _Variable:
        if isinstance(value, VariableNode):
            return _Variable(value.name.value, self._defaults.get(value.name.value))
        return _clamped(_literal(value))


def _shows_objects(selection_set: SelectionSetNode) -> bool:
    """Whether more than a connection's count is asked for; fragments may hide it."""
    return any(
        not isinstance(node, FieldNode) or node.name.value in _SHOWS_OBJECTS for node in selection_set.selections
    )


def _literal(value: ValueNode | None) -> Any:
    if isinstance(value, IntValueNode):
        return int(value.value)
    return value.values if isinstance(value, ListValueNode) else None


def _clamped(value: Any) -> int:
    """More than a page may have is refused where it is read; null is what is read without an argument."""
    if isinstance(value, list | tuple):
        value = len(value)
    return max(1, min(value, MAX_PAGE)) if isinstance(value, int) else DEFAULT_PAGE
