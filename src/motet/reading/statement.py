"""The parameters of one SQL statement, numbered as they are added."""

from __future__ import annotations

from typing import Any

from motet.reading.errors import InvalidRequestError


class Statement:
    """Collects the values of a statement; its text holds only `$n` and declared constants, never a caller's value."""

    __slots__ = ("parameters",)

    def __init__(self, *parameters: Any) -> None:
        self.parameters: list[Any] = list(parameters)

    def add(self, value: Any) -> str:
        """The placeholder for the value. Text that PostgreSQL cannot hold is the caller's fault and refused here."""
        for text in value if isinstance(value, list) else (value,):
            if isinstance(text, str) and not storable(text):
                raise InvalidRequestError("Text must be valid Unicode without NUL characters.")
        self.parameters.append(value)
        return f"${len(self.parameters)}"


def storable(text: str) -> bool:
    """Whether PostgreSQL can hold the text."""
    if "\x00" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
