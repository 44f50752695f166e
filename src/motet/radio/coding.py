"""What the radio codecs share: their error, how to round what cannot be encoded, and bit strings."""

from collections.abc import Sequence
from enum import Enum, StrEnum


class RadioErrorReason(StrEnum):
    """Why a value cannot be encoded, decoded or used: stable, for a program to tell apart."""

    OUT_OF_RANGE = "OUT_OF_RANGE"
    NOT_ENCODABLE = "NOT_ENCODABLE"
    """In range, but no code says exactly this, and rounding was not allowed."""
    INVALID_FOR_RAT = "INVALID_FOR_RAT"
    CONFLICTING = "CONFLICTING"
    """Each value is right, but they do not fit together."""
    MALFORMED = "MALFORMED"


class RadioError(ValueError):
    """A value that the radio interface cannot carry; the message says which and what could."""

    def __init__(self, reason: RadioErrorReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class Rounding(Enum):
    """What to do with a time that no code says exactly."""

    ERROR = "error"
    NEAREST = "nearest"
    """Of two that are equally near, the shorter."""
    UP = "up"
    DOWN = "down"


def rounded(wanted: int, encodable: Sequence[int], rounding: Rounding, unit: str) -> int:
    """The value of `encodable` (rising, without repeats) to use for `wanted`; `unit` is for the message.

    Raises RadioError: OUT_OF_RANGE outside of the first and the last whatever the rounding, NOT_ENCODABLE under
    Rounding.ERROR.
    """
    if not encodable[0] <= wanted <= encodable[-1]:
        raise RadioError(
            RadioErrorReason.OUT_OF_RANGE, f"{wanted} {unit} is outside of {encodable[0]} to {encodable[-1]} {unit}."
        )
    below = max(value for value in encodable if value <= wanted)
    above = min(value for value in encodable if value >= wanted)
    if below == wanted or rounding is Rounding.DOWN:
        return below
    if rounding is Rounding.UP:
        return above
    if rounding is Rounding.NEAREST:
        return below if wanted - below <= above - wanted else above
    raise RadioError(
        RadioErrorReason.NOT_ENCODABLE,
        f"{wanted} {unit} has no code; the nearest that have are {below} and {above} {unit}.",
    )


def bits_of(number: int, width: int) -> str:
    """The number as `width` characters of 0 and 1, the highest bit first."""
    return f"{number:0{width}b}"


def number_of(bits: str, width: int) -> int:
    """The number that exactly `width` characters of 0 and 1 stand for. Raises RadioError (MALFORMED)."""
    if len(bits) != width or not set(bits) <= {"0", "1"}:
        raise RadioError(RadioErrorReason.MALFORMED, f"This needs {width} characters of 0 and 1, not {bits[:40]!a}.")
    return int(bits, 2)
