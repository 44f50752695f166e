"""The door to PostgreSQL: a pool for the edges, and lanes for the hot path. Every connection is opened here."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, TypeAlias

import asyncpg
import orjson

from motet.storage.shares import Shares

POOL_SIZE = 16
"""Connections for edges (GraphQL, REST, webhooks). The embedded server takes 60; lanes and listeners come on top."""

STATEMENT_TIMEOUT = timedelta(seconds=30)
"""No statement of an edge runs longer: its caller has gone by then."""

LANE_STATEMENT_TIMEOUT = timedelta(seconds=60)
"""A group commit that takes this long has lost its server; the lane is better opened anew."""

LANE_PLANNING = {"enable_hashjoin": "off", "enable_mergejoin": "off", "enable_seqscan": "off"}
"""A fresh partition has no statistics: a plan for an empty table must not scan a full one."""

LOCK_TIMEOUT = timedelta(seconds=10)
IDLE_TRANSACTION_TIMEOUT = timedelta(seconds=60)
CONNECT_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 5.0
MINIMUM_SERVER_VERSION = 15

AWAY = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # of a connection that the server ended just as a statement began
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
)
"""What is raised when the server cannot be reached, or ends: to be tried again, and nobody's fault."""

LOST = (*AWAY, asyncpg.PostgresError)
"""What any statement may raise: for loops that try again."""

POSTGRES_EPOCH_US = 946_684_800_000_000
"""2000-01-01T00:00:00Z, where PostgreSQL counts from, in Unix microseconds."""

Connection: TypeAlias = asyncpg.Connection
Pool: TypeAlias = asyncpg.Pool
PooledConnection: TypeAlias = "asyncpg.Connection | asyncpg.pool.PoolConnectionProxy"
Row: TypeAlias = asyncpg.Record
Executor: TypeAlias = "asyncpg.Connection | asyncpg.pool.PoolConnectionProxy | asyncpg.Pool"
"""Whatever runs a single statement."""


class Database:
    """An opened database. `pool` speaks aware datetimes and jsonb as Python values, `connect_lane` microseconds."""

    __slots__ = ("pool", "shares", "url")

    def __init__(self, url: str, pool: Pool) -> None:
        self.url = url
        self.pool = pool
        self.shares = Shares()

    @classmethod
    async def open(cls, url: str, *, pool_size: int = POOL_SIZE) -> Database:
        """Connects. Raises what asyncpg raises: OSError or PostgresError."""
        pool = await asyncpg.create_pool(
            url,
            min_size=1,
            max_size=pool_size,
            init=_prepare_edge,
            reset=_keep_session,
            timeout=CONNECT_TIMEOUT_S,
            server_settings=_server_settings("motet", STATEMENT_TIMEOUT),
        )
        return cls(url, pool)

    async def connect_lane(self, name: str = "lane") -> Connection:
        """A connection of its own for the hot path. timestamptz is an int both ways: microseconds since the Unix epoch.
        jsonb is str. The caller closes it."""
        settings = _server_settings(f"motet {name}", LANE_STATEMENT_TIMEOUT) | LANE_PLANNING
        connection = await asyncpg.connect(self.url, timeout=CONNECT_TIMEOUT_S, server_settings=settings)
        try:
            await connection.set_type_codec(
                "timestamptz", schema="pg_catalog", encoder=_encode_us, decoder=_decode_us, format="tuple"
            )
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def connect(self, name: str) -> Connection:
        """A connection of its own that speaks as the pool's do, for what holds one for long (LISTEN, locks). The caller
        closes it."""
        settings = _server_settings(f"motet {name}", STATEMENT_TIMEOUT)
        connection = await asyncpg.connect(self.url, timeout=CONNECT_TIMEOUT_S, server_settings=settings)
        await _prepare_edge(connection)
        return connection

    async def close(self) -> None:
        """Closes the pool; statements under way are given `CLOSE_TIMEOUT_S`."""
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self.pool.close()
        except TimeoutError:
            self.pool.terminate()

    async def __aenter__(self) -> Database:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _server_settings(application_name: str, statement_timeout: timedelta) -> dict[str, str]:
    return {
        "application_name": application_name,
        "statement_timeout": _milliseconds(statement_timeout),
        "lock_timeout": _milliseconds(LOCK_TIMEOUT),
        "idle_in_transaction_session_timeout": _milliseconds(IDLE_TRANSACTION_TIMEOUT),
        "timezone": "UTC",
        "jit": "off",
    }


def _milliseconds(span: timedelta) -> str:
    return str(span // timedelta(milliseconds=1))


async def _prepare_edge(connection: Connection) -> None:
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=_encode_jsonb, decoder=_decode_jsonb, format="binary"
    )


async def _keep_session(connection: PooledConnection) -> None:
    """Nothing: no statement changes its session, and RESET ALL would cost a round trip each time. asyncpg itself still
    rolls back an open transaction."""


def _encode_jsonb(value: Any) -> bytes:
    return b"\x01" + orjson.dumps(value)  # the version of jsonb's binary form


def _decode_jsonb(data: bytes) -> Any:
    return orjson.loads(memoryview(data)[1:])


def _encode_us(unix_us: int) -> tuple[int]:
    return (unix_us - POSTGRES_EPOCH_US,)


def _decode_us(value: tuple[int]) -> int:
    return value[0] + POSTGRES_EPOCH_US
