"""From a request's parameters to its answer: limits, parse and validate, execute or subscribe, errors for clients."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    execute,
    subscribe,
)

from motet.access.clients import Client
from motet.access.principals import Principal
from motet.graphql.context import Context, Services
from motet.graphql.documents import Documents
from motet.graphql.errors import public_error
from motet.graphql.executor import MotetExecutor
from motet.graphql.limits import Limits, check_cost, check_variables
from motet.graphql.schema import SCHEMA
from motet.graphql.selection import Selections
from motet.reading.errors import InvalidRequestError, RequestError

Response = dict[str, Any]
"""`{"data", "errors"}`; `data` is missing if the request was not executed at all."""


class BadParametersError(Exception):
    """The request's parameters are not of the types that GraphQL over HTTP asks for."""


@dataclass(frozen=True, slots=True)
class Request:
    """The parameters of one operation."""

    query: str
    variables: Mapping[str, Any]
    operation_name: str | None


@dataclass(frozen=True, slots=True)
class Prepared:
    """An operation that may be run."""

    document: DocumentNode
    selections: Selections
    operation: OperationDefinitionNode
    request: Request

    @property
    def kind(self) -> OperationType:
        return self.operation.operation


def request_of(parameters: object) -> Request:
    """The request in a decoded JSON body or message. Raises BadParametersError."""
    if not isinstance(parameters, dict):
        raise BadParametersError("The request must be a JSON object; batches are not taken.")
    query = parameters.get("query")
    variables = parameters.get("variables")
    operation_name = parameters.get("operationName")
    extensions = parameters.get("extensions")
    if not isinstance(query, str):
        raise BadParametersError("`query` must be a string.")
    if variables is not None and not isinstance(variables, dict):
        raise BadParametersError("`variables` must be an object.")
    if operation_name is not None and not isinstance(operation_name, str):
        raise BadParametersError("`operationName` must be a string.")
    if extensions is not None and not isinstance(extensions, dict):
        raise BadParametersError("`extensions` must be an object.")
    return Request(query, variables or {}, operation_name or None)


class Engine:
    """Runs operations. One per node."""

    def __init__(self, services: Services, limits: Limits, *, hide_suggestions: bool) -> None:
        self._services = services
        self._limits = limits
        self._hide_suggestions = hide_suggestions
        self._documents = Documents(SCHEMA, limits, hide_suggestions=hide_suggestions)

    def prepare(self, request: Request) -> Prepared | Response:
        """The operation to run, or the response that says why there is none."""
        document = self._documents.get(request.query)
        if document.errors or document.node is None:
            return refusal(*document.errors)
        operation = document.operation(request.operation_name)
        if operation is None:
            wanted = f"named {request.operation_name!r}" if request.operation_name else "without its `operationName`"
            return refusal(GraphQLError(f"There is no single operation {wanted}."))
        try:
            check_variables(request.variables, self._limits)
            check_cost(SCHEMA, document.node, operation, request.variables, self._limits)
        except RequestError as error:
            return refusal(GraphQLError(error.message, original_error=error))
        return Prepared(document.node, document.selections, operation, request)

    async def run(self, prepared: Prepared, principal: Principal, client: Client) -> Response:
        """The answer of a query or a mutation."""
        result = execute(
            SCHEMA,
            prepared.document,
            context_value=Context(principal, self._services, client, prepared.selections),
            variable_values=dict(prepared.request.variables),
            operation_name=prepared.request.operation_name,
            executor_class=MotetExecutor,
            hide_suggestions=self._hide_suggestions,
        )
        return _response(await result if isawaitable(result) else result)

    async def stream(
        self, prepared: Prepared, principal: Principal, client: Client
    ) -> AsyncIterator[Response] | Response:
        """The answers of a subscription, or the response that says why there is none. The caller closes the answers."""
        result = subscribe(
            SCHEMA,
            prepared.document,
            context_value=Context(principal, self._services, client, prepared.selections),
            variable_values=dict(prepared.request.variables),
            operation_name=prepared.request.operation_name,
            executor_class=MotetExecutor,
            hide_suggestions=self._hide_suggestions,
        )
        source = await result if isawaitable(result) else result
        if isinstance(source, ExecutionResult):
            return _response(source)
        return _responses(source)


async def _responses(source: Any) -> AsyncGenerator[Response, None]:
    try:
        async for result in source:
            yield _response(result)
    except Exception as error:  # noqa: BLE001 - the source itself failed: its subscriber is told, our fault is logged
        located = error if isinstance(error, GraphQLError) else GraphQLError(str(error), original_error=error)
        yield {"data": None, "errors": [public_error(located, _request_id())]}
    finally:
        await source.aclose()


def refusal(*errors: GraphQLError) -> Response:
    """The response to a request that is not executed."""
    request_id = _request_id()
    return {"errors": [public_error(error, request_id) for error in errors]}


def invalid(message: str) -> Response:
    """The response to a request whose form is wrong."""
    return refusal(_wrapped(InvalidRequestError(message)))


def _response(result: ExecutionResult) -> Response:
    if not result.errors:
        return {"data": result.data}
    request_id = _request_id()
    errors = [public_error(error, request_id) for error in result.errors]
    if result.data is None and all("path" not in error for error in errors):
        return {"errors": errors}
    return {"errors": errors, "data": result.data}


def _wrapped(error: RequestError) -> GraphQLError:
    return GraphQLError(error.message, original_error=error)


def _request_id() -> str:
    return secrets.token_hex(8)
