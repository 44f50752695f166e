"""How filters are declared: what each offers, and in every one `and`, `or` and `not`.

Names say the comparison: `iccid` is that value, `iccidIn` one of several, `iccidStartsWith` its beginning,
`iccidContains` a part of it; `createdAfter` and `createdBefore` a time from one on and before another;
`attemptsAtLeast` and `attemptsAtMost` a number between two. A list of states, such as `status`, is one of several.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import strawberry

C = TypeVar("C")


def filter_input(text: str) -> Callable[[type[C]], type[C]]:
    """Makes a class the filter of a list that the reading room reads, with `and`, `or` and `not` of its own kind."""

    def decorate(cls: type[C]) -> type[C]:
        name = cls.__name__
        for field, kind, spelled, meaning in (
            ("and_", f"list[{name}] | None", "and", "All of these hold."),
            ("or_", f"list[{name}] | None", "or", "At least one of these holds; an empty list lets nothing pass."),
            ("not_", f"{name} | None", "not", "This does not hold."),
        ):
            cls.__annotations__[field] = kind
            setattr(cls, field, optional(meaning, name=spelled))
        declared: type[C] = strawberry.input(cls, description=text)
        return declared

    return decorate


def optional(text: str, *, name: str | None = None) -> Any:
    """A condition, which may be left out."""
    return strawberry.field(name=name, default=strawberry.UNSET, description=text)
