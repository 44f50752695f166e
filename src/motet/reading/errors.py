"""What is wrong with a read request itself, as against the objects that it asks for."""

from __future__ import annotations

from typing import ClassVar

from motet.domain.messages import said


class RequestError(Exception):
    """The request cannot be served as it stands. `message` is for the caller, words or a template with its `values` as
    those of domain errors; `code` is public and stable."""

    code: ClassVar[str]

    def __init__(self, message: str, /, **values: object) -> None:
        self.message = said(message, **values)
        super().__init__(self.message)


class InvalidRequestError(RequestError):
    """An argument breaks a rule of form: a page size, a cursor, a filter."""

    code = "INVALID"


class ForbiddenError(RequestError):
    """The principal lacks the permission, or names no workspace."""

    code = "FORBIDDEN"


class TooComplexError(RequestError):
    """The request asks for more than one request may."""

    code = "QUERY_TOO_COMPLEX"
