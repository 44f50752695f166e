"""Execution of root fields. What the reading room answers is already in the shape asked for and goes out as it is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from graphql import GraphQLError, GraphQLObjectType, GraphQLOutputType, GraphQLResolveInfo, OperationType
from graphql.execution import Executor
from graphql.execution.executor import to_nodes
from graphql.pyutils import Path

from motet.domain.messages import said
from motet.reading.errors import RequestError
from motet.reading.reader import Answer

MAX_PLACES = 100
"""Errors told for one part that could not be read: it is null wherever it was asked for, up to 200 x 200 times."""


class TimedOutError(RequestError):
    """The operation took longer than one may."""

    code = "TIMEOUT"


class MotetExecutor(Executor[Any]):
    """graphql-core's executor, which hands an `Answer` on without walking through it and tells what is null in it."""

    def execute_field(
        self,
        parent_type: GraphQLObjectType,
        source: Any,
        field_details_list: Any,
        path: Path,
        position_context: Any,
    ) -> Any:
        if path.prev is None and self.operation.operation is OperationType.MUTATION:
            ends_at = self.context_value.ends_at
            if ends_at is not None and asyncio.get_running_loop().time() >= ends_at:
                text = said("This was not begun: the operation's time was up.")
                error = GraphQLError(
                    text, to_nodes(field_details_list), path=path.as_list(), original_error=TimedOutError(text)
                )
                self.collected_errors.add(error, path)
                return None
        return super().execute_field(parent_type, source, field_details_list, path, position_context)

    def complete_value(
        self,
        return_type: GraphQLOutputType,
        field_details_list: Any,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,
        position_context: Any,
    ) -> Any:
        if not isinstance(result, Answer):
            return super().complete_value(return_type, field_details_list, info, path, result, position_context)
        for failure in result.failures:
            for place in list(_places(result.value, failure.path))[:MAX_PLACES]:
                at = path.as_list() + place
                error = GraphQLError(
                    getattr(failure.error, "message", str(failure.error)),
                    to_nodes(field_details_list),
                    path=at,
                    original_error=failure.error,
                )
                self.collected_errors.add(error, _path(at))
        return result.value


def _places(value: Any, keys: tuple[str, ...]) -> Iterator[list[str | int]]:
    """The places in the answer that the keys lead to, through every list on the way."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            for place in _places(item, keys):
                yield [index, *place]
    elif isinstance(value, dict) and keys:
        if keys[0] in value:
            for place in _places(value[keys[0]], keys[1:]):
                yield [keys[0], *place]
    elif value is None and not keys:
        yield []


def _path(steps: list[str | int]) -> Path | None:
    path: Path | None = None
    for step in steps:
        path = Path(path, step, None)
    return path
