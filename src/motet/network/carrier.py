"""Orders to a network over HTTP: `PUT {base}/orders/{id}`, which a carrier or the simulated network answers."""

from __future__ import annotations

from typing import Any, Final

import aiohttp
import orjson

from motet.domain.network import (
    Barring,
    EuiccOperation,
    NetworkUnreachableError,
    OrderKind,
    Reply,
    ReplyState,
    Subscriber,
)

TIMEOUT_S = 10.0
"""A network that takes longer is asked again; it knows the order by its id."""

MAX_ANSWER_OCTETS = 64 * 1024
CONNECTIONS = 16

_NOT_NOW: Final = frozenset({401, 403, 407, 408, 421, 425, 429})
"""4xx that say nothing of the order: a token that is not good yet, too many at a time."""


class HttpCarrier:
    """The ports SubscriberPort, EuiccPort and ImsiPort of one network."""

    def __init__(self, url: str, token: str | None) -> None:
        self._url = url.rstrip("/")
        self._token = token
        self._session: aiohttp.ClientSession | None = None

    async def put(self, order_id: int, subscriber: Subscriber, barring: Barring | None) -> Reply:
        barred = None if barring is None else {"data": barring.data, "sms": barring.sms}
        return await self._order(order_id, OrderKind.SUBSCRIBER, subscriber, {"barred": barred})

    async def cancel_location(self, order_id: int, subscriber: Subscriber) -> Reply:
        return await self._order(order_id, OrderKind.CANCEL_LOCATION, subscriber, {})

    async def cut_data(self, order_id: int, subscriber: Subscriber, reason: str | None) -> Reply:
        return await self._order(order_id, OrderKind.CUT_DATA, subscriber, {"reason": reason})

    async def submit(self, order_id: int, operation: EuiccOperation) -> Reply:
        body = {
            "eid": operation.eid,
            "operation": operation.name,
            "profile": operation.iccid,
            "parameters": operation.parameters or {},
        }
        return await self._order(order_id, OrderKind.EUICC, None, body)

    async def switch(self, order_id: int, subscriber: Subscriber, imsi: str) -> Reply:
        return await self._order(order_id, OrderKind.SWITCH_IMSI, subscriber, {"imsi": imsi})

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _order(
        self, order_id: int, kind: OrderKind, subscriber: Subscriber | None, body: dict[str, Any]
    ) -> Reply:
        order: dict[str, Any] = {"kind": kind.value, **body}
        if subscriber is not None:
            order["sim"] = {"iccid": subscriber.iccid, "imsi": subscriber.imsi, "msisdn": subscriber.msisdn}
        headers = {"content-type": "application/json"}
        if self._token:
            headers["authorization"] = f"Bearer {self._token}"
        try:
            async with self._client().put(
                f"{self._url}/orders/{order_id}", data=orjson.dumps(order), headers=headers, allow_redirects=False
            ) as response:
                answer = await response.content.read(MAX_ANSWER_OCTETS)
                return _reply(response.status, answer)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise NetworkUnreachableError(f"{type(error).__name__}: {error}"[:200]) from error

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
                connector=aiohttp.TCPConnector(limit=CONNECTIONS),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session


def _reply(status: int, answer: bytes) -> Reply:
    """200: as `state` says; 202: accepted; 4xx: refused, but for those that say nothing of the order; else: again."""
    try:
        body = orjson.loads(answer or b"{}")
    except orjson.JSONDecodeError:
        body = {}
    said = body if isinstance(body, dict) else {}
    reason = said.get("reason", said.get("error"))
    reason = str(reason)[:200] if reason is not None else None
    if status == 200 and said.get("state") in tuple(ReplyState):
        return Reply(ReplyState(said["state"]), reason)
    if status == 202:
        return Reply(ReplyState.ACCEPTED, reason)
    if 400 <= status < 500 and status not in _NOT_NOW:
        return Reply(ReplyState.REFUSED, reason or f"HTTP {status}")
    raise NetworkUnreachableError(f"HTTP {status}" + (f": {reason}" if reason else ""))
