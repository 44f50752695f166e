"""An operation's fields become the reading room's selection: fragments expanded, directives decided, keys merged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from typing import Any

from graphql import (
    ArgumentNode,
    FieldNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSkipDirective,
    InlineFragmentNode,
    ListValueNode,
    ObjectFieldNode,
    ObjectValueNode,
    SelectionNode,
    Undefined,
    VariableNode,
    get_named_type,
    is_abstract_type,
    is_object_type,
)
from graphql.execution.values import get_argument_values, get_directive_values

from motet.reading.selection import Selected, SharedChildren

FIELDS_OF_A_DOCUMENT = 200
"""Root fields of a document whose selections are kept."""

SHARED_OF_A_FIELD = 20
"""Selections kept for a root field: for each combination of the values that they depend on."""


def selection_of(info: GraphQLResolveInfo[Any]) -> Selected:
    """The field that is being resolved, with its arguments and, if its type is an object, all below it."""
    selector = _Selector(info)
    key = str(info.path.key)
    if info.path.prev is not None:
        return selector.field(info.parent_type, key, info.field_nodes)
    return selector.field(info.parent_type, key, info.field_nodes, _kept(info, key))


def children_as(info: GraphQLResolveInfo[Any], type_name: str) -> tuple[Selected, ...]:
    """What is asked of the field's value when it turns out to be a `type_name`: for fields of an interface."""
    selector = _Selector(info)
    kept = _kept(info, f"{info.path.key} {type_name}")
    if kept.children is None:
        kept.keep(selector.variant(type_name, info.field_nodes))
    return kept.children or ()


class Kept:
    """A place for the selection below a root field, which depends on the document and on a few variables alone."""

    __slots__ = ("_values", "children", "shared")

    def __init__(self, shared: dict[Any, SharedChildren], values: Any) -> None:
        self.shared = shared
        self._values = values
        self.children = shared.get(values)

    def keep(self, children: tuple[Selected, ...]) -> SharedChildren:
        """The same, to be found again."""
        if len(self.shared) >= SHARED_OF_A_FIELD:
            self.shared.clear()
        self.children = self.shared[self._values] = SharedChildren(children)
        return self.children


Selections = dict[tuple[Any, ...], tuple[tuple[str, ...], dict[Any, SharedChildren]]]
"""Of a document: for each root field the variables that its selection depends on, and selections by their values."""


def _kept(info: GraphQLResolveInfo[Any], key: str) -> Kept:
    """Where the selection of a root field is kept. It lives as long as the document does."""
    selections: Selections = info.context.selections
    # The document holds its nodes. Which of them meet under the key, the variables of directives may decide.
    place = (id(info.operation), key, *map(id, info.field_nodes))
    found = selections.get(place)
    if found is None:
        if len(selections) >= FIELDS_OF_A_DOCUMENT:
            selections.clear()
        names = tuple(sorted(set(_variables_below(info.field_nodes, info.fragments, set()))))
        found = selections[place] = (names, {})
    names, shared = found
    variables = info.variable_values.coerced
    return Kept(shared, repr([variables.get(name, Undefined) for name in names]) if names else "")


def _variables_below(
    nodes: Iterable[SelectionNode], fragments: Mapping[str, Any], seen: set[str], *, root: bool = True
) -> Iterator[str]:
    """The variables that decide over what is selected below the fields, and with which arguments."""
    for node in nodes:
        if not root:
            yield from _variables_in(getattr(node, "arguments", ()))
        for directive in node.directives or ():
            yield from _variables_in(directive.arguments)
        if isinstance(node, FragmentSpreadNode):
            if node.name.value not in seen:
                seen.add(node.name.value)
                fragment = fragments[node.name.value]
                yield from _variables_below(fragment.selection_set.selections, fragments, seen, root=False)
        elif isinstance(node, FieldNode | InlineFragmentNode) and node.selection_set:
            yield from _variables_below(node.selection_set.selections, fragments, seen, root=False)


def _variables_in(arguments: Any) -> Iterator[str]:
    """The variables within arguments or a value, however deep."""
    if isinstance(arguments, VariableNode):
        yield arguments.name.value
    elif isinstance(arguments, list | tuple):
        for each in arguments:
            yield from _variables_in(each)
    elif isinstance(arguments, ArgumentNode | ObjectFieldNode):
        yield from _variables_in(arguments.value)
    elif isinstance(arguments, ListValueNode):
        yield from _variables_in(arguments.values)
    elif isinstance(arguments, ObjectValueNode):
        yield from _variables_in(arguments.fields)


class _Selector:
    def __init__(self, info: GraphQLResolveInfo[Any]) -> None:
        self._schema = info.schema
        self._fragments = info.fragments
        self._variables: Any = info.variable_values

    def field(
        self, parent: GraphQLObjectType, key: str | int, nodes: list[FieldNode], kept: Kept | None = None
    ) -> Selected:
        name = nodes[0].name.value
        declared = self._schema.get_field(parent, name)
        if declared is None:
            raise LookupError(f"{parent.name} has no field {name}.")
        arguments = get_argument_values(declared, nodes[0], self._variables) if declared.args else {}
        target = get_named_type(declared.type)
        children: tuple[Selected, ...] = ()
        if isinstance(target, GraphQLObjectType):
            if kept is None:
                children = self.children(target, nodes)
            else:
                children = kept.keep(self.children(target, nodes)) if kept.children is None else kept.children
        return Selected(
            str(key),
            name,
            {argument: _plain(value) for argument, value in arguments.items()},
            children,
            self._variants(nodes) if is_abstract_type(target) else None,
        )

    def _variants(self, nodes: Iterable[FieldNode]) -> Callable[[str], tuple[Selected, ...]]:
        """The selections by type, each made once: a shared selection keeps them."""
        made: dict[str, tuple[Selected, ...]] = {}

        def variant(type_name: str) -> tuple[Selected, ...]:
            if type_name not in made:
                made[type_name] = SharedChildren(self.variant(type_name, nodes))
            return made[type_name]

        return variant

    def variant(self, type_name: str, nodes: Iterable[FieldNode]) -> tuple[Selected, ...]:
        object_type = self._schema.type_map[type_name]
        if not isinstance(object_type, GraphQLObjectType):
            raise TypeError(f"{type_name} is no object type.")
        return self.children(object_type, nodes)

    def children(self, object_type: GraphQLObjectType, nodes: Iterable[FieldNode]) -> tuple[Selected, ...]:
        grouped: dict[str, list[FieldNode]] = {}
        spread: set[str] = set()
        for node in nodes:
            if node.selection_set:
                self._collect(object_type, node.selection_set.selections, grouped, spread)
        return tuple(self.field(object_type, key, same) for key, same in grouped.items())

    def _collect(
        self,
        object_type: GraphQLObjectType,
        selections: Iterable[SelectionNode],
        grouped: dict[str, list[FieldNode]],
        spread: set[str],
    ) -> None:
        for node in selections:
            if not self._wanted(node):
                continue
            if isinstance(node, FieldNode):
                grouped.setdefault((node.alias or node.name).value, []).append(node)
                continue
            if isinstance(node, FragmentSpreadNode):
                name = node.name.value
                if name in spread:
                    continue
                spread.add(name)
                fragment: Any = self._fragments[name]
            else:
                fragment = node
            if self._applies(fragment, object_type):
                self._collect(object_type, fragment.selection_set.selections, grouped, spread)

    def _wanted(self, node: SelectionNode) -> bool:
        if not node.directives:
            return True
        skip = get_directive_values(GraphQLSkipDirective, node, self._variables)
        include = get_directive_values(GraphQLIncludeDirective, node, self._variables)
        return not (skip and skip["if"]) and not (include and not include["if"])

    def _applies(self, fragment: Any, object_type: GraphQLObjectType) -> bool:
        if fragment.type_condition is None:
            return True
        condition = self._schema.get_type(fragment.type_condition.name.value)
        if is_object_type(condition):
            return condition is object_type
        return is_abstract_type(condition) and self._schema.is_sub_type(condition, object_type)


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return value
