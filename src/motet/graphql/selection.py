"""An operation's fields become the reading room's selection: fragments expanded, directives decided, keys merged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSkipDirective,
    SelectionNode,
    get_named_type,
    is_abstract_type,
    is_object_type,
)
from graphql.execution.values import get_argument_values, get_directive_values

from motet.reading.selection import Selected


def selection_of(info: GraphQLResolveInfo[Any]) -> Selected:
    """The field that is being resolved, with its arguments and, if its type is an object, all below it."""
    return _Selector(info).field(info.parent_type, info.path.key, info.field_nodes)


def children_as(info: GraphQLResolveInfo[Any], type_name: str) -> tuple[Selected, ...]:
    """What is asked of the field's value when it turns out to be a `type_name`: for fields of an interface."""
    return _Selector(info).variant(type_name, info.field_nodes)


class _Selector:
    def __init__(self, info: GraphQLResolveInfo[Any]) -> None:
        self._schema = info.schema
        self._fragments = info.fragments
        self._variables: Any = info.variable_values

    def field(self, parent: GraphQLObjectType, key: str | int, nodes: list[FieldNode]) -> Selected:
        name = nodes[0].name.value
        declared = self._schema.get_field(parent, name)
        if declared is None:
            raise LookupError(f"{parent.name} has no field {name}.")
        arguments = get_argument_values(declared, nodes[0], self._variables) if declared.args else {}
        target = get_named_type(declared.type)
        return Selected(
            str(key),
            name,
            {argument: _plain(value) for argument, value in arguments.items()},
            self.children(target, nodes) if isinstance(target, GraphQLObjectType) else (),
            (lambda type_name: self.variant(type_name, nodes)) if is_abstract_type(target) else None,
        )

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
