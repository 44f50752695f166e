"""Binds of ESMEs that failed, as nodes tell them to each other: nothing of them is stored."""

from __future__ import annotations

from collections.abc import Sequence

from motet.storage.database import Executor

_TELL = "SELECT pg_notify('motet_change', 'failed_binds ' || $1::bigint || ' ' || array_to_string($2::text[], ' '))"


async def tell(connection: Executor, incarnation: int, failures: Sequence[str]) -> None:
    """Tell all nodes what this incarnation has judged wrong; words without spaces, 7,900 octets at most."""
    await connection.execute(_TELL, incarnation, list(failures))
