"""Errors as GraphQL shows them: one table from domain errors to `userErrors`, one place that decides what is told."""

from __future__ import annotations

import re
from enum import Enum
from typing import Any

import strawberry
import structlog
from graphql import GraphQLError

from motet.access.voices import Voice
from motet.domain.errors import (
    ConflictError,
    DeniedError,
    DomainError,
    InvalidError,
    LimitReachedError,
    NotFoundError,
    UpstreamError,
)
from motet.domain.messages import said
from motet.graphql.types.relay import described
from motet.reading.errors import RequestError, TooComplexError
from motet.reading.names import camel as camel

_log = structlog.get_logger(__name__)


@strawberry.enum(description="What kind of trouble a mutation had.")
class UserErrorCode(Enum):
    NOT_FOUND = strawberry.enum_value("NOT_FOUND", description="There is no such object, or it is someone else's.")
    CONFLICT = strawberry.enum_value("CONFLICT", description="The value is taken, or the object's state is another.")
    INVALID = strawberry.enum_value("INVALID", description="The input breaks a rule of form; `path` says where.")
    DENIED = strawberry.enum_value("DENIED", description="A rule says no: a policy, or the object's state.")
    LIMIT_REACHED = strawberry.enum_value("LIMIT_REACHED", description="A bound of number, size or rate is reached.")
    UPSTREAM = strawberry.enum_value("UPSTREAM", description="The network behind us refused or did not answer.")


@strawberry.type(description="Why a mutation did not do what it was asked to.")
class UserError:
    code: UserErrorCode = described("What kind of trouble.")
    message: str = described("What is wrong, in words.")
    path: list[str] | None = described("The input field at fault, from `input` on; null where none is.")


USER_ERROR_CODES: dict[type[DomainError], str] = {
    NotFoundError: "NOT_FOUND",
    ConflictError: "CONFLICT",
    InvalidError: "INVALID",
    DeniedError: "DENIED",
    LimitReachedError: "LIMIT_REACHED",
    UpstreamError: "UPSTREAM",
}
"""Every member of DOMAIN_ERRORS; a test compares."""

INTERNAL = said("Something went wrong on our side.")

_TOO_MANY_TOKENS = re.compile(r"Document contains more tha[nt] \d+ tokens")


def user_error(error: DomainError, voice: Voice) -> dict[str, Any]:
    """The values of a UserError."""
    path = ["input", *(camel(str(step)) for step in error.path)] if error.path else None
    return {"code": USER_ERROR_CODES[type(error)], "message": voice.say(error.message), "path": path}


def public_error(error: GraphQLError, request_id: str, voice: Voice) -> dict[str, Any]:
    """A top-level error as the client may see it. What is our own fault is logged under the request id, not told. What
    graphql-core says of a document is in English."""
    cause = error.original_error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    message = error.message
    if isinstance(cause, RequestError | InvalidError):
        code, message = cause.code, cause.message
    elif cause is not None:
        _log.error("graphql_internal_error", request_id=request_id, path=error.path, exc_info=cause)
        extensions = {"code": "INTERNAL", "requestId": request_id}
        return _located({"message": voice.say(INTERNAL), "extensions": extensions}, error)
    elif _TOO_MANY_TOKENS.search(error.message):
        code = TooComplexError.code
    else:
        code = "INVALID"
    return _located({"message": voice.say(message), "extensions": {"code": code}}, error)


def _located(shown: dict[str, Any], error: GraphQLError) -> dict[str, Any]:
    if error.locations:
        shown["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
    if error.path:
        shown["path"] = list(error.path)
    return shown
