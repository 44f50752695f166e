"""GraphQL over WebSocket: the server's side of the graphql-transport-ws protocol.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md says which messages and close codes there are.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import orjson
from graphql import GraphQLError, OperationType
from starlette.websockets import WebSocket, WebSocketDisconnect

from motet.access.clients import Client
from motet.access.principals import Principal
from motet.access.tokens import AuthenticationError
from motet.access.voices import Voice
from motet.domain.messages import said
from motet.graphql.engine import BadParametersError, Engine, Response, invalid, refusal, request_of
from motet.graphql.limits import Limits
from motet.identity.authenticator import Authenticator
from motet.storage.database import AWAY

SUBPROTOCOL = "graphql-transport-ws"

BAD_REQUEST = 4400
UNAUTHORIZED = 4401
FORBIDDEN = 4403
SUBPROTOCOL_NOT_ACCEPTABLE = 4406
INITIALISATION_TIMEOUT = 4408
ALREADY_EXISTS = 4409
TOO_MANY = 4429
TOO_BIG = 1009
GOING_AWAY = 1001
TRY_AGAIN_LATER = 1013

SEND_TIMEOUT_S = 30.0
"""A client that does not read for so long is gone."""

MAX_ID_CHARACTERS = 128

OCTETS = "octets"
"""Under which a message says how long it was."""


class _CloseError(Exception):
    """The socket is to be closed with this code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Socket:
    """One accepted socket, from its first message to its end."""

    def __init__(
        self,
        websocket: WebSocket,
        engine: Engine,
        limits: Limits,
        client: Client,
        authenticator: Authenticator,
        admit: Callable[[Principal], bool],
    ) -> None:
        """`admit` says whether the principal may have one more socket."""
        self._websocket = websocket
        self._engine = engine
        self._limits = limits
        self._client = client
        self._authenticator = authenticator
        self._admit = admit
        self._principal: Principal | None = None
        self._voice = Voice(client)
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._sending = asyncio.Lock()
        self._closing: tuple[int, str] | None = None

    async def run(self) -> None:
        """Serves the socket until one side ends it."""
        try:
            async with asyncio.timeout(self._limits.connection_init_s):
                await self._initialise()
            if self._principal is None:
                return
            async with asyncio.timeout(max(0.0, self._principal.expires_at - time.time())):
                await self._serve(self._principal)
        except TimeoutError:
            if self._principal is None:
                await self._close(INITIALISATION_TIMEOUT, "Connection initialisation timeout")
            else:
                await self._close(FORBIDDEN, "The token has expired")
        except _CloseError as close:
            await self._close(close.code, close.reason)
        except WebSocketDisconnect:
            pass
        finally:
            await self._end_operations()

    async def _serve(self, principal: Principal) -> None:
        """Takes messages until one side ends the socket, or what the principal stands on is over."""
        ending: set[asyncio.Task[None]] = set()
        unwatch = self._authenticator.watch(
            principal,
            lambda _: ending.add(asyncio.create_task(self.close(FORBIDDEN, "The token is not good any more"))),
            self._client.address,
        )
        try:
            while True:
                await self._handle(await self._receive())
        finally:
            unwatch()
            if ending:
                await asyncio.wait(ending)

    async def close(self, code: int = GOING_AWAY, reason: str = "Shutting down") -> None:
        """Ends the socket from outside."""
        await self._end_operations()
        await self._close(code, reason)

    async def _initialise(self) -> None:
        message = await self._receive()
        while message["type"] in {"ping", "pong"}:
            if message["type"] == "ping":
                await self._send({"type": "pong"})
            message = await self._receive()
        if message["type"] == "subscribe":
            raise _CloseError(UNAUTHORIZED, "Unauthorized")
        if message["type"] != "connection_init":
            raise _CloseError(BAD_REQUEST, "The first message must be connection_init")
        payload = message.get("payload")
        if payload is not None and not isinstance(payload, dict):
            raise _CloseError(BAD_REQUEST, "The payload of connection_init must be an object")
        named = {name.lower(): value for name, value in (payload or {}).items()}
        authorization = named.get("authorization", self._websocket.headers.get("authorization"))
        try:
            principal = await self._authenticator.authenticate(
                authorization if isinstance(authorization, str) else None, self._client.address
            )
        except AuthenticationError:
            raise _CloseError(FORBIDDEN, "Forbidden") from None
        except AWAY:
            raise _CloseError(TRY_AGAIN_LATER, "Try again later") from None
        if not self._admit(principal):
            raise _CloseError(TOO_MANY, "Too many sockets")
        await self._send({"type": "connection_ack"})
        self._principal, self._voice = principal, Voice(self._client, principal)

    async def _handle(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "ping":
                await self._send({"type": "pong"})
            case "pong":
                pass
            case "subscribe":
                await self._subscribe(message)
            case "complete":
                task = self._operations.pop(self._id(message), None)
                if task is not None:
                    task.cancel()
            case "connection_init":
                raise _CloseError(TOO_MANY, "Too many initialisation requests")
            case other:
                raise _CloseError(BAD_REQUEST, f"There is no message of type {other[:40]!r} here")

    async def _subscribe(self, message: dict[str, Any]) -> None:
        operation_id = self._id(message)
        if operation_id in self._operations:
            raise _CloseError(ALREADY_EXISTS, f"Subscriber for {operation_id} already exists")
        payload = message.get("payload")
        if not isinstance(payload, dict):
            raise _CloseError(BAD_REQUEST, "The payload of subscribe must be an object")
        if len(self._operations) >= self._limits.subscriptions:
            words = said("One socket carries at most {most} operations at once.", most=self._limits.subscriptions)
            error = invalid(words, self._voice)
            await self._send({"id": operation_id, "type": "error", "payload": error["errors"]})
            return
        self._operations[operation_id] = asyncio.create_task(self._operate(operation_id, payload, message[OCTETS]))

    async def _operate(self, operation_id: str, payload: dict[str, Any], octets: int) -> None:
        """Runs one operation and tells its answers. Its end is told unless the client ended it."""
        try:
            failure = await self._answers(operation_id, payload, octets)
            self._operations.pop(operation_id, None)
            if failure is None:
                await self._send({"id": operation_id, "type": "complete"})
            else:
                await self._send({"id": operation_id, "type": "error", "payload": failure["errors"]})
        except WebSocketDisconnect:
            pass  # the receiving side ends the socket
        except Exception as error:  # noqa: BLE001 - the top of a task: it is logged, and the socket lives on
            self._operations.pop(operation_id, None)
            with suppress(WebSocketDisconnect):
                errors = refusal(GraphQLError(str(error), original_error=error), voice=self._voice)["errors"]
                await self._send({"id": operation_id, "type": "error", "payload": errors})

    async def _answers(self, operation_id: str, payload: dict[str, Any], octets: int) -> Response | None:
        """Sends what there is to send; the response to a request that was not executed is returned."""
        if self._principal is None:
            raise _CloseError(UNAUTHORIZED, "Unauthorized")
        try:
            request = request_of(payload, octets)
            prepared = await self._engine.prepare(request, self._principal, self._voice)
        except BadParametersError as error:
            return invalid(error.message, self._voice)
        if isinstance(prepared, dict):
            return prepared
        if prepared.kind is not OperationType.SUBSCRIPTION:
            response = await self._engine.run(prepared, self._principal, self._client)
            if "data" not in response:
                return response
            await self._send({"id": operation_id, "type": "next", "payload": response})
            return None
        source = await self._engine.stream(prepared, self._principal, self._client)
        if isinstance(source, dict):
            return source
        try:
            async for response in source:
                await self._send({"id": operation_id, "type": "next", "payload": response})
        finally:
            await source.aclose()  # type: ignore[attr-defined]
        return None

    def _id(self, message: dict[str, Any]) -> str:
        operation_id = message.get("id")
        if not isinstance(operation_id, str) or not 0 < len(operation_id) <= MAX_ID_CHARACTERS:
            raise _CloseError(BAD_REQUEST, f"A message of this type has an id of 1 to {MAX_ID_CHARACTERS} characters")
        return operation_id

    async def _receive(self) -> dict[str, Any]:
        event = await self._websocket.receive()
        if event["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(event.get("code", 1005))
        text = event.get("text")
        if text is None:
            raise _CloseError(BAD_REQUEST, "Messages are text")
        if len(text) > self._limits.frame_octets:
            raise _CloseError(TOO_BIG, "The message is too big")
        try:
            message = orjson.loads(text)
        except orjson.JSONDecodeError:
            raise _CloseError(BAD_REQUEST, "Messages are JSON") from None
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise _CloseError(BAD_REQUEST, "Messages are objects with a type")
        message[OCTETS] = len(text)
        return message

    async def _send(self, message: dict[str, Any]) -> None:
        text = orjson.dumps(message, option=orjson.OPT_UTC_Z).decode()
        async with self._sending:
            try:
                async with asyncio.timeout(SEND_TIMEOUT_S):
                    await self._websocket.send_text(text)
            except TimeoutError:
                await self._close(GOING_AWAY, "The client does not read")
                raise WebSocketDisconnect(GOING_AWAY) from None
            except RuntimeError:  # starlette's word for a socket that is closed
                raise WebSocketDisconnect(GOING_AWAY) from None

    async def _close(self, code: int, reason: str) -> None:
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await self._websocket.close(code, reason)
        except (RuntimeError, WebSocketDisconnect, TimeoutError):
            pass  # it was closed already

    async def _end_operations(self) -> None:
        tasks = list(self._operations.values())
        self._operations.clear()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
