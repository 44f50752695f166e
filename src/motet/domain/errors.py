"""The errors of the domain. Each has a stable public code; edges turn the code into their own status."""

from typing import ClassVar

from motet.domain.messages import said


class DomainError(Exception):
    """What a caller asked for cannot be done. `message` is written for the caller and holds no secret: English words,
    or a template of them with the `values` that it names, so that it can be told in other languages.

    `path` names the offending input field as a path from the root of the input, empty where none is to blame.
    """

    code: ClassVar[str]

    def __init__(self, message: str, /, *, path: tuple[str | int, ...] = (), **values: object) -> None:
        self.message = said(message, **values)
        super().__init__(self.message)
        self.path = path


class NotFoundError(DomainError):
    """The object does not exist, or belongs to someone else: the two look the same."""

    code = "NOT_FOUND"


class ConflictError(DomainError):
    """The value is taken, or the object is not in the state that was expected."""

    code = "CONFLICT"


class InvalidError(DomainError):
    """The input breaks a rule of form; `path` says where."""

    code = "INVALID"


class DeniedError(DomainError):
    """A rule says no: a policy, a quota, or the object's state."""

    code = "DENIED"


class LimitReachedError(DomainError):
    """A bound of size, rate or number is reached; trying later may help."""

    code = "LIMIT_REACHED"


class UpstreamError(DomainError):
    """The network behind us refused or did not answer."""

    code = "UPSTREAM"


DOMAIN_ERRORS: tuple[type[DomainError], ...] = (
    NotFoundError,
    ConflictError,
    InvalidError,
    DeniedError,
    LimitReachedError,
    UpstreamError,
)
"""Every member of the family: each edge's table is tested against it."""
