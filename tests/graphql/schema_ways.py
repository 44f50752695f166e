"""Ways through the schema: a query for any list there is, generated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphql import GraphQLNonNull, get_named_type

from motet.access.principals import OPERATOR_PERMISSIONS, ROLE_PERMISSIONS, Role
from motet.graphql.fields import PERMISSION
from motet.graphql.schema import SCHEMA, STRAWBERRY_SCHEMA

CONNECTIONS = [
    (type_name, field)
    for type_name, type_ in sorted(SCHEMA.type_map.items())
    for field, of in getattr(type_, "fields", {}).items()
    if get_named_type(of.type).name.endswith("Connection")
]

ROOTS = STRAWBERRY_SCHEMA.get_type_by_name("Query").fields  # type: ignore[union-attr]
OPERATORS = {
    STRAWBERRY_SCHEMA.config.name_converter.get_graphql_name(root)
    for root in ROOTS
    if root.metadata[PERMISSION] in OPERATOR_PERMISSIONS - ROLE_PERMISSIONS[Role.SUPER_ADMIN]
}
"""Query fields that only the operator may ask for."""


def is_connection(of: Any) -> bool:
    return get_named_type(of.type).name.endswith("Connection")


def ways() -> dict[str, tuple[str, ...]]:
    """For each type that a list at the root leads to, the fields that lead there: lists, and single objects."""
    found: dict[str, tuple[str, ...]] = {}
    ahead: list[tuple[str, tuple[str, ...]]] = []
    for name, of in SCHEMA.type_map["Query"].fields.items():  # type: ignore[attr-defined]
        if is_connection(of) and name not in OPERATORS:
            ahead.append((get_named_type(of.type).name.removesuffix("Connection"), (name,)))
    while ahead:
        type_name, way = ahead.pop(0)
        if type_name in found:
            continue
        found[type_name] = way
        for name, of in SCHEMA.type_map[type_name].fields.items():  # type: ignore[attr-defined]
            target = get_named_type(of.type).name
            if hasattr(SCHEMA.type_map[target], "fields") and not any(
                isinstance(at.type, GraphQLNonNull) for at in of.args.values()
            ):
                ahead.append((target.removesuffix("Connection"), (*way, name)))
    return found


WAYS = ways()


def along(type_name: str, inner: str, parents: int) -> str:
    """A query that asks `inner` of objects of the type, below so many rows of a list at the root."""
    shown, fields = inner, list(WAYS[type_name])
    types = ["Query", *(step for step in _types_along(type_name))]
    for depth, (name, parent) in reversed(list(enumerate(zip(fields, types, strict=False)))):
        of = SCHEMA.type_map[parent].fields[name]  # type: ignore[attr-defined]
        size = f"(first: {parents if depth == 0 else 2})" if is_connection(of) else ""
        shown = f"{name}{size} {{ nodes {{ {shown} }} }}" if is_connection(of) else f"{name} {{ {shown} }}"
    return f"{{ {shown} }}"


def _types_along(type_name: str) -> Iterator[str]:
    parent = "Query"
    for name in WAYS[type_name]:
        parent = get_named_type(SCHEMA.type_map[parent].fields[name].type).name.removesuffix("Connection")  # type: ignore[attr-defined]
        yield parent


def shown_of(type_name: str, field: str) -> str:
    """A field that every node of the list has."""
    target = get_named_type(SCHEMA.type_map[type_name].fields[field].type).name.removesuffix("Connection")  # type: ignore[attr-defined]
    return "id" if "id" in SCHEMA.type_map[target].fields else "__typename"  # type: ignore[attr-defined]


def asked(type_name: str, field: str, page: str, shape: str) -> str:
    """The list with what it needs of arguments."""
    arguments = SCHEMA.type_map[type_name].fields[field].args.items()  # type: ignore[attr-defined]
    given = [f"{name}: 0" for name, at in arguments if str(at.type) == "Int!"]
    given += [f'{name}: "x"' for name, at in arguments if str(at.type) in {"String!", "ID!"}]
    given += [page] if page else []
    shown = shape.replace("%s", shown_of(type_name, field))
    return f"{field}({', '.join(given)}) {shown}" if given else f"{field} {shown}"
