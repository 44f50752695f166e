"""Answers as server-sent events, one stream for each operation (GraphQL over SSE, distinct connections mode)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import orjson

from motet.graphql.engine import Response

EVENT_STREAM = "text/event-stream"

PING_INTERVAL_S = 12.0
"""A comment this often keeps proxies from closing a quiet stream, and finds out that the client has gone."""


async def event_stream(source: AsyncIterator[Response], expires_at: int | None) -> AsyncGenerator[bytes, None]:
    """The octets of the stream: `next` for each answer, then `complete`. Ends when the token does (Unix seconds)."""
    pending: asyncio.Task[Response | None] | None = None
    try:
        yield b":\n\n"  # headers go out before the first answer
        while expires_at is None or time.time() < expires_at:
            pending = pending or asyncio.ensure_future(_next(source))
            wait = PING_INTERVAL_S if expires_at is None else max(0.0, min(PING_INTERVAL_S, expires_at - time.time()))
            done, _ = await asyncio.wait({pending}, timeout=wait)
            if not done:
                yield b":\n\n"
                continue
            answer = pending.result()
            pending = None
            if answer is None:
                break
            yield b"event: next\ndata: " + orjson.dumps(answer, option=orjson.OPT_UTC_Z) + b"\n\n"
        yield b"event: complete\ndata:\n\n"
    finally:
        if pending is not None:
            pending.cancel()
            await asyncio.wait({pending})
        close: Any = getattr(source, "aclose", None)
        if close is not None:
            await close()


async def _next(source: AsyncIterator[Response]) -> Response | None:
    return await anext(source, None)
