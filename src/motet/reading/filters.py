"""Filters: an input object becomes one SQL condition, with `and`, `or`, `not` where a type offers them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from motet.domain.global_ids import decode_global_id
from motet.reading.errors import InvalidRequestError
from motet.reading.model import Condition, Entity
from motet.reading.statement import Statement

MAX_FILTER_TERMS = 50
"""Conditions in one filter, all levels together: more would cost planning time, not add meaning."""
MAX_FILTER_DEPTH = 5
MAX_LIST_VALUES = 100
"""Values of one list in a filter."""


def filter_condition(entity: Entity, arguments: Mapping[str, Any], alias: str, statement: Statement) -> str | None:
    """The condition that a filter stands for, or None if it lets everything through. Nulls count as absent."""
    return _all_of(entity, arguments, alias, statement, [MAX_FILTER_TERMS], MAX_FILTER_DEPTH)


def asks_for(arguments: Mapping[str, Any], field: str) -> bool:
    """Whether a filter has a condition on the field, on any of its levels."""
    for name, value in arguments.items():
        if value is None:
            continue
        inner = value if name in {"and", "or"} else [value] if name == "not" else []
        if name == field or any(asks_for(each, field) for each in inner):
            return True
    return False


def _all_of(
    entity: Entity, arguments: Mapping[str, Any], alias: str, statement: Statement, budget: list[int], depth: int
) -> str | None:
    terms: list[str] = []
    if depth == 0:
        raise InvalidRequestError("A filter may be nested {most} deep.", most=MAX_FILTER_DEPTH)
    for name, value in arguments.items():
        if value is None:
            continue
        budget[0] -= 1
        if budget[0] < 0 or (isinstance(value, list) and len(value) > MAX_LIST_VALUES):
            raise InvalidRequestError(
                "A filter may hold {most} conditions, and {max_list_values} values in a list.",
                most=MAX_FILTER_TERMS,
                max_list_values=MAX_LIST_VALUES,
            )
        if name in {"and", "or"}:
            inner = [_all_of(entity, item, alias, statement, budget, depth - 1) or "true" for item in value]
            if name == "and":
                terms += inner
            else:
                terms.append(f"({' OR '.join(inner)})" if inner else "false")
        elif name == "not":
            negated = _all_of(entity, value, alias, statement, budget, depth - 1) or "true"
            terms.append(f"({negated}) IS NOT TRUE")
        else:
            terms.append(entity.filters[name](value, alias, statement))
    return " AND ".join(f"({term})" for term in terms) or None


def equals(column: str) -> Condition:
    """The column has this value."""
    return lambda value, alias, statement: f"{alias}.{column} = {statement.add(value)}"


def equals_number(column: str) -> Condition:
    """The column holds this MSISDN or number; a leading plus is let pass."""
    return lambda value, alias, statement: f"{alias}.{column} = {statement.add(value.removeprefix('+'))}"


def one_of(column: str, states: type[IntEnum]) -> Condition:
    """The column has one of these states, given by name. An empty list matches nothing."""

    def condition(value: list[str], alias: str, statement: Statement) -> str:
        return f"{alias}.{column} = ANY({statement.add([int(states[name]) for name in value])}::smallint[])"

    return condition


def any_of(column: str) -> Condition:
    """The text column holds one of these. An empty list matches nothing."""
    return lambda value, alias, statement: f"{alias}.{column} = ANY({statement.add(value)}::text[])"


def one_of_texts(column: str) -> Condition:
    """The column has one of these values. An empty list matches nothing."""
    return lambda value, alias, statement: f"{alias}.{column} = ANY({statement.add(value)}::text[])"


def in_numbers(column: str) -> Condition:
    """The column holds one of these MSISDNs or numbers; leading pluses are let pass."""
    return lambda value, alias, statement: (
        f"{alias}.{column} = ANY({statement.add([each.removeprefix('+') for each in value])}::text[])"
    )


def starts_with(expression: str) -> Condition:
    """The text begins so. `expression` is a column or, with `{t}` for the alias, what an index holds; octets are
    compared, as an index with text_pattern_ops does."""

    def condition(value: str, alias: str, statement: Statement) -> str:
        text = expression.replace("{t}", alias) if "{t}" in expression else f"{alias}.{expression}"
        wanted = value.lower() if "lower(" in expression else value.removeprefix("+")
        low, high = statement.add(wanted), statement.add(wanted + chr(0x10FFFF))
        return f"{text} ~>=~ {low} AND {text} ~<~ {high}"

    return condition


def at_least(column: str) -> Condition:
    """The number in the column is this or greater."""
    return lambda value, alias, statement: f"{alias}.{column} >= {statement.add(value)}::bigint"


def at_most(column: str) -> Condition:
    """The number in the column is this or smaller."""
    return lambda value, alias, statement: f"{alias}.{column} <= {statement.add(value)}::bigint"


def is_null(column: str) -> Condition:
    """The column is null, if true; is not, if false."""
    return lambda value, alias, statement: f"{alias}.{column} IS {'' if value else 'NOT '}NULL"


def not_null(column: str) -> Condition:
    """The column is not null, if true; is, if false."""
    return lambda value, alias, statement: f"{alias}.{column} IS {'NOT ' if value else ''}NULL"


def since(column: str) -> Condition:
    """The time in the column is this or later."""
    return lambda value, alias, statement: f"{alias}.{column} >= {statement.add(value)}"


def until(column: str) -> Condition:
    """The time in the column is before this."""
    return lambda value, alias, statement: f"{alias}.{column} < {statement.add(value)}"


def contains(column: str) -> Condition:
    """The column contains this text, whatever the case."""

    def condition(value: str, alias: str, statement: Statement) -> str:
        return f"{alias}.{column} ILIKE {statement.add(f'%{escaped(value)}%')}"

    return condition


def escaped(text: str) -> str:
    """The text as LIKE takes it literally."""
    return text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")


def has_all(column: str) -> Condition:
    """The array column holds all of these."""
    return lambda value, alias, statement: f"{alias}.{column} @> {statement.add(value)}::text[]"


def refers_to(column: str, type_name: str) -> Condition:
    """The column holds the row of this global id. An id of another type, or none at all, matches nothing."""

    def condition(value: str, alias: str, statement: Statement) -> str:
        decoded = decode_global_id(value)
        if decoded is None or decoded[0] != type_name:
            return "false"
        return f"{alias}.{column} = {statement.add(decoded[1])}"

    return condition
