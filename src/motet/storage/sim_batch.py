"""Batches of cards, and the cards in them that are no SIMs yet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg

from motet.storage.database import PooledConnection


class LockedBatch(NamedTuple):
    """A batch that stays as it is until the transaction ends."""

    id: int
    status: int
    quantity: int


# A code that is taken is left to its owner.
_INSERT = """
INSERT INTO sim_batch (workspace_id, id, order_id, bic, status, created_at) VALUES ($1, $2, $3, $4, 0, $5)
    ON CONFLICT (bic) DO NOTHING RETURNING id
"""


async def insert(
    connection: PooledConnection, workspace_id: int, batch_id: int, order_id: int, bic: str, created_at: datetime
) -> bool:
    """Add a batch in production, without cards. False if the code is taken."""
    made = await connection.fetchval(_INSERT, workspace_id, batch_id, order_id, bic, created_at)
    return made is not None


_LOCK = "SELECT id, status, quantity FROM sim_batch WHERE workspace_id = $1 AND id = $2 FOR UPDATE"
_LOCK_BY_BIC = "SELECT id, status, quantity FROM sim_batch WHERE workspace_id = $1 AND bic = $2 FOR UPDATE"


async def lock(connection: PooledConnection, workspace_id: int, batch_id: int) -> LockedBatch | None:
    """Lock a batch; None for an unknown one."""
    record = await connection.fetchrow(_LOCK, workspace_id, batch_id)
    return None if record is None else LockedBatch(*record)


async def lock_by_bic(connection: PooledConnection, workspace_id: int, bic: str) -> LockedBatch | None:
    """Lock the batch with this code; None for an unknown one."""
    record = await connection.fetchrow(_LOCK_BY_BIC, workspace_id, bic)
    return None if record is None else LockedBatch(*record)


_SET_STATUS = """
UPDATE sim_batch
   SET status = $3::smallint, delivered_at = CASE WHEN $3::smallint = 1 THEN $4 ELSE delivered_at END,
       registered_at = CASE WHEN $3::smallint = 2 THEN $4 ELSE registered_at END,
       registered_by = CASE WHEN $3::smallint = 2 THEN $5 ELSE registered_by END
 WHERE workspace_id = $1 AND id = $2
"""


async def set_status(
    connection: PooledConnection, workspace_id: int, batch_id: int, status: int, at: datetime, actor: str
) -> None:
    """Write the status of a locked batch and when it came to it."""
    await connection.execute(_SET_STATUS, workspace_id, batch_id, status, at, actor)


_ADD_QUANTITY = "UPDATE sim_batch SET quantity = quantity + $3 WHERE workspace_id = $1 AND id = $2"


async def add_quantity(connection: PooledConnection, workspace_id: int, batch_id: int, cards: int) -> None:
    """Count more cards of a locked batch."""
    await connection.execute(_ADD_QUANTITY, workspace_id, batch_id, cards)


CARD_COLUMNS = (
    "workspace_id", "id", "batch_id", "iccid", "eid", "imsi", "msisdn", "form_factor", "quality_grade", "package",
)  # fmt: skip


async def copy_cards(connection: PooledConnection, rows: Iterable[tuple[Any, ...]]) -> None:
    """Rows in the order of CARD_COLUMNS, of cards whose identities the transaction has claimed under their ids."""
    await connection.copy_records_to_table("sim_batch_card", records=rows, columns=CARD_COLUMNS)


_COUNTS = """
SELECT package, count(*)::integer AS cards FROM sim_batch_card
 WHERE workspace_id = $1 AND batch_id = $2 GROUP BY package
"""


async def counts(connection: PooledConnection, workspace_id: int, batch_id: int) -> dict[str, int]:
    """How many cards of each package are in the batch."""
    return {row["package"]: row["cards"] for row in await connection.fetch(_COUNTS, workspace_id, batch_id)}


_CARDS = """
SELECT id, iccid, eid, imsi, msisdn FROM sim_batch_card WHERE workspace_id = $1 AND batch_id = $2 ORDER BY id
"""


async def cards_of(connection: PooledConnection, workspace_id: int, batch_id: int) -> list[asyncpg.Record]:
    """(id, iccid, eid, imsi, msisdn) of the cards, in the order in which they were listed."""
    records: list[asyncpg.Record] = await connection.fetch(_CARDS, workspace_id, batch_id)
    return records


_MAKE_SIMS = """
INSERT INTO sim (workspace_id, id, iccid, eid, imsi, msisdn, status, form_factor, quality_grade, package, batch_id,
                 created_at)
SELECT $1, m.sim_id, c.iccid, c.eid, c.imsi, c.msisdn, 0, c.form_factor, c.quality_grade, c.package, c.batch_id, $5
  FROM unnest($3::bigint[], $4::bigint[]) AS m (card_id, sim_id)
  JOIN sim_batch_card c ON c.workspace_id = $1 AND c.id = m.card_id AND c.batch_id = $2
"""
_HAND_OVER = """
UPDATE directory d SET sim_id = m.sim_id
  FROM unnest($2::bigint[], $3::bigint[]) AS m (card_id, sim_id)
 WHERE d.sim_id = m.card_id AND d.workspace_id = $1
"""
_DROP_CARDS = "DELETE FROM sim_batch_card WHERE workspace_id = $1 AND batch_id = $2"


async def make_sims(
    connection: PooledConnection,
    workspace_id: int,
    batch_id: int,
    card_ids: Sequence[int],
    sim_ids: Sequence[int],
    at: datetime,
) -> None:
    """Make SIMs of all cards of a locked batch: `sim_ids` in the order of `card_ids`."""
    await connection.execute(_MAKE_SIMS, workspace_id, batch_id, card_ids, sim_ids, at)
    await connection.execute(_HAND_OVER, workspace_id, card_ids, sim_ids)
    await connection.execute(_DROP_CARDS, workspace_id, batch_id)


_FREE_CARDS = """
DELETE FROM directory d USING sim_batch_card c
 WHERE c.workspace_id = $1 AND c.batch_id = $2 AND d.sim_id = c.id AND d.workspace_id = $1
"""


async def drop_cards(connection: PooledConnection, workspace_id: int, batch_id: int) -> None:
    """Forget the cards of a locked batch and leave their identities to others."""
    await connection.execute(_FREE_CARDS, workspace_id, batch_id)
    await connection.execute(_DROP_CARDS, workspace_id, batch_id)
