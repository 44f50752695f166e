"""What is asked for: a tree of fields, free of GraphQL's syntax. Stage one of a read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


class SharedChildren(tuple["Selected", ...]):  # noqa: SLOT001 - a tuple of any length has no room for slots
    """A selection that many requests share, and what was compiled from it."""

    compiled: dict[Any, Any]

    def __new__(cls, children: Iterable[Selected]) -> SharedChildren:
        made = super().__new__(cls, children)
        made.compiled = {}
        return made


@dataclass(frozen=True, slots=True)
class Selected:
    """One field of the answer: `key` is its name there (the alias, if any), `name` what the model calls it.

    `arguments` hold plain values: enum values by name, ids as given, times as aware datetimes. A field without
    sub-fields has no `children`. Fragments are expanded, conditions decided and equal keys merged before.
    """

    key: str
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    children: tuple[Selected, ...] = ()
    variant: Callable[[str], tuple[Selected, ...]] | None = None
    """Of a field of an interface, which has no children: what is asked of a value of the type named."""


def fields(*names: str, **nested: Sequence[Selected]) -> tuple[Selected, ...]:
    """A selection written in Python: `fields("id", "name", sim=fields("iccid"))`."""
    return (
        *(Selected(name, name) for name in names),
        *(Selected(name, name, {}, tuple(children)) for name, children in nested.items()),
    )


def shaped(selected: Selected, value: Any) -> Any:
    """Of a value, what was selected: lists item by item, objects field by field, all else as it is. An object is a
    mapping by field name that holds its `__typename`; a member may be a function of the field's arguments."""
    if callable(value):
        value = value(selected.arguments)
    if not selected.children:
        return value
    if isinstance(value, Mapping):
        return {child.key: shaped(child, value[child.name]) for child in selected.children}
    if isinstance(value, Sequence):
        return [shaped(selected, item) for item in value]
    return value
