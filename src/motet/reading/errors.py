"""What is wrong with a read request itself, as against the objects that it asks for."""

from __future__ import annotations

from typing import ClassVar


class RequestError(Exception):
    """The request cannot be served as it stands. `message` is for the caller; `code` is public and stable."""

    code: ClassVar[str]

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidRequestError(RequestError):
    """An argument breaks a rule of form: a page size, a cursor, a filter."""

    code = "INVALID"


class ForbiddenError(RequestError):
    """The principal lacks the permission, or names no workspace."""

    code = "FORBIDDEN"


class TooComplexError(RequestError):
    """The request asks for more than one request may."""

    code = "QUERY_TOO_COMPLEX"
