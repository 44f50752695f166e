"""Parts of MO messages that wait for their other parts. Times are int microseconds since 1970."""

from collections.abc import Sequence
from typing import Any

import asyncpg

MO_PART_COLUMNS = (
    "source", "destination", "ref", "total", "number", "workspace_id", "sim_id", "device_id", "received_at",
    "data_coding", "protocol_id", "source_ton", "source_npi", "dest_ton", "dest_npi", "udh", "payload",
)  # fmt: skip
_COLUMNS = ", ".join(MO_PART_COLUMNS)

# Serialises the nodes at which parts of one text arrive.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended($1, 1297044557))"


async def lock(connection: asyncpg.Connection, source: str, destination: str) -> None:
    """Be alone with the parts of this pair of addresses until the end of the transaction."""
    await connection.execute(_LOCK, f"{source} {destination}")


_PARTS = (
    f"SELECT {_COLUMNS} FROM mo_part WHERE source = $1 AND destination = $2 AND ref = $3 AND total = $4 ORDER BY number"  # noqa: S608
)

_INSERT = f"""
INSERT INTO mo_part ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
"""  # noqa: S608

_DELETE = "DELETE FROM mo_part WHERE source = $1 AND destination = $2 AND ref = $3 AND total = $4"


async def parts(
    connection: asyncpg.Connection, source: str, destination: str, ref: int, total: int
) -> list[asyncpg.Record]:
    records: list[asyncpg.Record] = await connection.fetch(_PARTS, source, destination, ref, total)
    return records


async def insert(connection: asyncpg.Connection, row: tuple[Any, ...]) -> None:
    """Keep one part; in the order of MO_PART_COLUMNS."""
    await connection.execute(_INSERT, *row)


async def delete(connection: asyncpg.Connection, source: str, destination: str, ref: int, total: int) -> None:
    await connection.execute(_DELETE, source, destination, ref, total)


_OLD = """
SELECT DISTINCT source, destination, ref, total FROM mo_part WHERE received_at <= $1 LIMIT $2
"""


async def incomplete_since(connection: asyncpg.Connection, before_us: int, limit: int) -> Sequence[asyncpg.Record]:
    """Texts of which a part has waited since before that time."""
    records: list[asyncpg.Record] = await connection.fetch(_OLD, before_us, limit)
    return records
