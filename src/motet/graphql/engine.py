"""From a request's parameters to its answer: limits and cost, parse and validate, execute or subscribe, errors."""

from __future__ import annotations

import asyncio
import math
import secrets
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Hashable, Mapping
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
from motet.access.voices import Voice
from motet.domain.messages import said
from motet.graphql.context import Context, Services
from motet.graphql.cost import LEAST_COST, Price
from motet.graphql.documents import Documents
from motet.graphql.errors import public_error
from motet.graphql.executor import MotetExecutor, TimedOutError
from motet.graphql.limits import Limits, check_variables
from motet.graphql.meter import Meter
from motet.graphql.persisted import MAX_DOCUMENT_ID_CHARACTERS, Sources, persisted_hash
from motet.graphql.schema import SCHEMA
from motet.graphql.selection import Selections
from motet.graphql.throttle import Key, Throttle, cost_extension, key_of
from motet.reading.errors import InvalidRequestError, RequestError, TooComplexError
from motet.storage.shares import Turns

READING_COST = 100
"""Of a document that is not remembered, however short: the rules of validation are set up for each."""

CHARACTERS_A_COST = 2
"""Of such a document besides: parsing and validating takes as much of a processor as reading an object for every two or
three of its characters."""

OVERSIZED_PART = 20
"""Of the same, for a document that is refused for its size: no more is done than to look how long it is."""

REFUSED_TIMES = 5
"""How much more a document costs that is refused for what it says. Programs send what is right, or come to a stop soon;
people who write a query make some mistakes a minute."""

OCTETS_A_COST = 100
"""Of a request beyond `READ_FREELY`."""

READ_FREELY = 16 * 1024
"""Octets of a request, with its variables, that cost nothing."""

SHOWN_CHARACTERS = 200
"""Of a name in an error, which may be as long as a body."""

Response = dict[str, Any]
"""`{"data", "errors", "extensions"}`; `data` is missing if the request was not executed at all."""


class BadParametersError(InvalidRequestError):
    """The request's parameters are not of the types that GraphQL over HTTP asks for."""


THROTTLED = "THROTTLED"
"""Code of the error for a caller whose bucket is empty."""


@dataclass(frozen=True, slots=True)
class Request:
    """The parameters of one operation."""

    query: str | None
    variables: Mapping[str, Any]
    operation_name: str | None
    document_id: str | None = None
    sha256: str | None = None
    """Of the document, as Apollo's clients name it."""
    operation_id: str | None = None
    """By which answers are told apart where one stream carries several."""
    octets: int = 0
    """How long the request was."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """An operation that may be run; what it may cost has been taken from its caller's bucket."""

    document: DocumentNode
    selections: Selections
    operation: OperationDefinitionNode
    request: Request
    price: Price
    cost: int
    key: Key
    voice: Voice

    @property
    def kind(self) -> OperationType:
        return self.operation.operation


def request_of(parameters: object, octets: int = 0) -> Request:
    """The request in a decoded JSON body or message of so many octets. Raises BadParametersError."""
    if not isinstance(parameters, dict):
        raise BadParametersError("The request must be a JSON object; batches are not taken.")
    query = parameters.get("query")
    variables = parameters.get("variables")
    operation_name = parameters.get("operationName")
    extensions = parameters.get("extensions")
    document_id = parameters.get("documentId")
    if variables is not None and not isinstance(variables, dict):
        raise BadParametersError("`variables` must be an object.")
    if operation_name is not None and not isinstance(operation_name, str):
        raise BadParametersError("`operationName` must be a string.")
    if extensions is not None and not isinstance(extensions, dict):
        raise BadParametersError("`extensions` must be an object.")
    if document_id is not None and not (
        isinstance(document_id, str) and 0 < len(document_id) <= MAX_DOCUMENT_ID_CHARACTERS and "\0" not in document_id
    ):
        raise BadParametersError(
            "`documentId` must be a string of 1 to {most} characters.", most=MAX_DOCUMENT_ID_CHARACTERS
        )
    try:
        sha256 = persisted_hash(extensions)
    except InvalidRequestError as error:
        raise BadParametersError(error.message) from error
    if not isinstance(query, str) and (query is not None or (document_id is None and sha256 is None)):
        raise BadParametersError("`query` must be a string.")
    if document_id is not None and query:
        raise BadParametersError("Send `documentId` or `query`, not both.")
    operation_id = (extensions or {}).get("operationId")
    if operation_id is not None and not isinstance(operation_id, str):
        raise BadParametersError("`operationId` must be a string.")
    return Request(query, variables or {}, operation_name or None, document_id, sha256, operation_id, octets)


class Engine:
    """Runs operations. One per node."""

    def __init__(
        self,
        services: Services,
        limits: Limits,
        *,
        hide_suggestions: bool,
        introspection: bool = True,
        sources: Sources | None = None,
    ) -> None:
        self.throttle = Throttle(limits.bucket, limits.restore_per_s)
        self._services = services
        self._limits = limits
        self._hide_suggestions = hide_suggestions
        self._documents = Documents(SCHEMA, limits, hide_suggestions=hide_suggestions, introspection=introspection)
        self._sources = sources or Sources()
        self._turns = Turns(limits.running)
        self._mutations: set[asyncio.Task[Response]] = set()
        self._changing: Counter[Key] = Counter()
        """Mutations under way, by caller."""

    def too_dear(self, principal: Principal, octets: int, voice: Voice) -> Response | None:
        """The refusal of a long request that its caller cannot pay for: known before it is read."""
        if octets <= READ_FREELY:
            return None
        key, arriving = key_of(principal), _arriving(octets)
        wait = self.throttle.wait_s(key, arriving)
        return self._throttled(key, arriving, wait, voice) if wait else None

    async def prepare(self, request: Request, principal: Principal, voice: Voice) -> Prepared | Response:
        """The operation to run, or the response that says why there is none."""
        key = key_of(principal)
        arriving = _arriving(request.octets)  # to be refused costs that, too
        if wait := self.throttle.take(key, arriving):
            return self._throttled(key, arriving, wait, voice)
        try:
            source = await self._sources.text_of(principal, request.query, request.sha256, request.document_id)
        except RequestError as error:
            return refusal(_wrapped(error), voice=voice)
        reading = 0
        if source not in self._documents:
            reading = READING_COST + min(len(source), self._limits.document_octets) // CHARACTERS_A_COST
            if wait := self.throttle.take(key, reading):
                return self._throttled(key, reading, wait, voice)
        document = self._documents.get(source)
        fine = reading * (REFUSED_TIMES - 1)
        if document.is_oversized:
            self.throttle.put(key, reading - reading // OVERSIZED_PART)
            return refusal(*document.errors, voice=voice)
        if document.errors or document.node is None:
            self.throttle.fine(key, fine)
            return refusal(*document.errors, voice=voice)
        operation = document.operation(request.operation_name)
        if operation is None:
            return refusal(_wrapped(_no_operation(request.operation_name)), voice=voice)
        if request.sha256 is not None and request.query is not None:
            self._sources.keep(request.sha256, source)
        price = document.price(SCHEMA, operation)
        try:
            check_variables(request.variables, self._limits)
            cost = max(LEAST_COST, price.requested(request.variables))
            if cost > self._limits.cost:
                raise TooComplexError(
                    "The operation costs up to {cost}; {most} is the most.", cost=cost, most=self._limits.cost
                )
        except RequestError as error:
            self.throttle.fine(key, fine)
            return refusal(_wrapped(error), voice=voice)
        if operation.operation is OperationType.MUTATION and self._changing[key] >= self._limits.changes:
            words = said("Too many mutations are under way at once: {most} is the most.", most=self._limits.changes)
            return self._told_to_wait(key, cost, 1.0, words, voice)
        if wait := self.throttle.take(key, cost - LEAST_COST):
            return self._throttled(key, cost, wait, voice)
        return Prepared(document.node, document.selections, operation, request, price, cost, key, voice)

    async def run(self, prepared: Prepared, principal: Principal, client: Client) -> Response:
        """The answer of a query or a mutation, with its cost."""
        if prepared.kind is OperationType.MUTATION:
            response = await self._change(prepared, principal, client)
        else:
            response = await self._query(prepared, principal, client)
        data = response.get("data")
        actual = min(prepared.cost, max(LEAST_COST, prepared.price.actual(data))) if data else LEAST_COST
        if actual < prepared.cost:
            self.throttle.put(prepared.key, prepared.cost - actual)
        response["extensions"] = cost_extension(prepared.cost, actual, self.throttle.status(prepared.key))
        return response

    async def stream(
        self, prepared: Prepared, principal: Principal, client: Client
    ) -> AsyncIterator[Response] | Response:
        """The answers of a subscription, or the response that says why there is none. The caller closes the answers."""
        result = subscribe(
            SCHEMA,
            prepared.document,
            context_value=Context(
                principal,
                self._services,
                client,
                prepared.voice,
                prepared.selections,
                meter=Meter(self.throttle, prepared.key, prepared.price, self._turns, _line_of(principal)),
            ),
            variable_values=dict(prepared.request.variables),
            operation_name=prepared.request.operation_name,
            executor_class=MotetExecutor,
            hide_suggestions=self._hide_suggestions,
        )
        source = await result if isawaitable(result) else result
        if isinstance(source, ExecutionResult):
            return _response(source, prepared.voice)
        return _responses(source, prepared.voice)

    async def finish(self) -> None:
        """Waits for changes whose callers have gone."""
        if self._mutations:
            await asyncio.wait(self._mutations)

    async def _query(self, prepared: Prepared, principal: Principal, client: Client) -> Response:
        """When it is the workspace's turn. At the deadline what runs is cancelled, its statements in the database
        too."""
        try:
            async with asyncio.timeout(self._limits.deadline_s), self._turns.of(_line_of(principal)):
                return await self._execute(prepared, principal, client)
        except TimeoutError:
            seconds = f"{self._limits.deadline_s:g}"
            late = TimedOutError("The operation took longer than {seconds} s and was ended.", seconds=seconds)
            return refusal(_wrapped(late), voice=prepared.voice)

    async def _change(self, prepared: Prepared, principal: Principal, client: Client) -> Response:
        """A change is not cut half-way, whether its caller waits for it or not: what it does is committed and told to
        the rooms that must know, or rolled back, as it ends by itself."""
        task = asyncio.create_task(self._execute(prepared, principal, client))
        self._mutations.add(task)
        self._changing[prepared.key] += 1

        def done(task: asyncio.Task[Response]) -> None:
            self._mutations.discard(task)
            self._changing[prepared.key] -= 1
            if not self._changing[prepared.key]:
                del self._changing[prepared.key]

        task.add_done_callback(done)
        return await asyncio.shield(task)

    async def _execute(self, prepared: Prepared, principal: Principal, client: Client) -> Response:
        loop = asyncio.get_running_loop()
        result = execute(
            SCHEMA,
            prepared.document,
            context_value=Context(
                principal,
                self._services,
                client,
                prepared.voice,
                prepared.selections,
                ends_at=loop.time() + self._limits.deadline_s,
            ),
            variable_values=dict(prepared.request.variables),
            operation_name=prepared.request.operation_name,
            executor_class=MotetExecutor,
            hide_suggestions=self._hide_suggestions,
        )
        return _response(await result if isawaitable(result) else result, prepared.voice)

    def _throttled(self, key: Key, cost: int, wait_s: float, voice: Voice) -> Response:
        status = self.throttle.status(key)
        message = said(
            "This costs {cost}, and {available} of {most} is available now: try again in {seconds} s.",
            cost=cost,
            available=status["currentlyAvailable"],
            most=status["maximumAvailable"],
            seconds=max(1, math.ceil(wait_s)),
        )
        return self._told_to_wait(key, cost, wait_s, message, voice)

    def _told_to_wait(self, key: Key, cost: int, wait_s: float, message: str, voice: Voice) -> Response:
        status = self.throttle.status(key)
        extensions = {"code": THROTTLED, "retryAfter": round(wait_s, 3), "cost": cost, "throttleStatus": status}
        return {
            "errors": [{"message": voice.say(message), "extensions": extensions}],
            "extensions": cost_extension(cost, None, status),
        }


def _arriving(octets: int) -> int:
    return LEAST_COST + max(0, octets - READ_FREELY) // OCTETS_A_COST


def _line_of(principal: Principal) -> Hashable:
    """With whom a query waits for its turn."""
    return principal.subject if principal.workspace_id is None else principal.workspace_id


async def _responses(source: Any, voice: Voice) -> AsyncGenerator[Response, None]:
    try:
        async for result in source:
            yield _response(result, voice)
    except Exception as error:  # noqa: BLE001 - the source itself failed: its subscriber is told, our fault is logged
        located = error if isinstance(error, GraphQLError) else GraphQLError(str(error), original_error=error)
        yield {"data": None, "errors": [public_error(located, _request_id(), voice)]}
    finally:
        await source.aclose()


def refusal(*errors: GraphQLError, voice: Voice) -> Response:
    """The response to a request that is not executed."""
    request_id = _request_id()
    return {"errors": [public_error(error, request_id, voice) for error in errors]}


def invalid(message: str, voice: Voice) -> Response:
    """The response to a request whose form is wrong."""
    return refusal(_wrapped(InvalidRequestError(message)), voice=voice)


def _no_operation(name: str | None) -> InvalidRequestError:
    if name:
        return InvalidRequestError("There is no single operation named {name!r}.", name=name[:SHOWN_CHARACTERS])
    return InvalidRequestError("There is no single operation without its `operationName`.")


def _response(result: ExecutionResult, voice: Voice) -> Response:
    if not result.errors:
        return {"data": result.data}
    request_id = _request_id()
    errors = [public_error(error, request_id, voice) for error in result.errors]
    if result.data is None and all("path" not in error for error in errors):
        return {"errors": errors}
    return {"errors": errors, "data": result.data}


def _wrapped(error: RequestError) -> GraphQLError:
    return GraphQLError(error.message, original_error=error)


def _request_id() -> str:
    return secrets.token_hex(8)
