"""Messages: COPY in, one final update, and the hub's own reads. Times are int microseconds since 1970."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import asyncpg

Rows: TypeAlias = Sequence[tuple[Any, ...]]

PLAIN_COLUMNS = (
    "workspace_id", "id", "device_id", "sim_id", "submission_id", "account_id", "owner", "submitted_at", "expires_at",
    "direction", "kind", "data_coding", "esm_class", "registered_delivery", "part_count", "source_ton", "source_npi",
    "source", "destination", "payload",
)  # fmt: skip
"""What nearly every message has: the rest of the columns keep their defaults."""

FULL_COLUMNS = (
    *PLAIN_COLUMNS,
    "dest_ton", "dest_npi", "protocol_id", "priority", "service_type", "udh", "tlvs", "segment_ref", "segment_total",
    "segment_number", "scheduled_at", "origin_id", "state", "error", "error_detail", "final_at",
)  # fmt: skip


async def copy_plain(connection: asyncpg.Connection, rows: Rows) -> None:
    await connection.copy_records_to_table("message", records=rows, columns=PLAIN_COLUMNS)


async def copy_full(connection: asyncpg.Connection, rows: Rows) -> None:
    await connection.copy_records_to_table("message", records=rows, columns=FULL_COLUMNS)


_EXISTS = "SELECT EXISTS (SELECT FROM message WHERE workspace_id = $1 AND id = $2)"


async def exists(connection: asyncpg.Connection, workspace_id: int, message_id: int) -> bool:
    """Whether an insert whose answer was lost did commit."""
    return bool(await connection.fetchval(_EXISTS, workspace_id, message_id))


# Written so that it is fast on a partition without statistics, where plans went wrong by a factor of 50: device_id is
# in the key, or a generic plan may take the other index; no range of ids, no plain `state = 0` and no constant
# workspace, which the planner takes for one row and then walks all messages for each of ours.
_FINISH = """
UPDATE message m
   SET state = u.state, error = u.error, final_at = u.final_at, attempts = u.attempts, error_detail = u.error_detail
  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::smallint[], $5::text[], $6::timestamptz[], $7::smallint[],
              $8::text[])
       AS u (workspace_id, device_id, id, state, error, final_at, attempts, error_detail)
 WHERE m.workspace_id = u.workspace_id AND m.device_id = u.device_id AND m.id = u.id
   AND CASE WHEN m.state = 0 THEN true ELSE false END
"""


_FINISH_DELIVERED = """
UPDATE message m
   SET state = 1, final_at = u.final_at, attempts = $2
  FROM (SELECT $1::bigint AS workspace_id, r.device_id, r.id, r.final_at
          FROM unnest($3::bigint[], $4::bigint[], $5::timestamptz[]) AS r (device_id, id, final_at) OFFSET 0) u
 WHERE m.workspace_id = u.workspace_id AND m.device_id = u.device_id AND m.id = u.id
   AND CASE WHEN m.state = 0 THEN true ELSE false END
"""


async def finish(connection: asyncpg.Connection, rows: Rows) -> None:
    """Give messages their final state.

    Rows: (workspace_id, device_id, id, state, error, final_at, attempts, error_detail).
    """
    await connection.execute(_FINISH, *zip(*rows, strict=True))


async def finish_delivered(connection: asyncpg.Connection, workspace_id: int, attempts: int, rows: Rows) -> None:
    """The same for DELIVERED without an error, which nearly all are: each array less saves its cost a row.

    Rows: (device_id, id, final_at), all of one workspace and with as many attempts.
    """
    await connection.execute(_FINISH_DELIVERED, workspace_id, attempts, *zip(*rows, strict=True))


_STATE_OF = "SELECT state FROM message WHERE workspace_id = $1 AND id = $2"


async def state_of(connection: asyncpg.Connection, workspace_id: int, message_id: int) -> int | None:
    """The stored state, or None for an unknown message."""
    state: int | None = await connection.fetchval(_STATE_OF, workspace_id, message_id)
    return state


LOAD_COLUMNS = (
    "m.workspace_id, m.id, m.device_id, m.sim_id, m.submission_id, m.account_id, m.submitted_at, m.expires_at, m.kind, "
    "m.direction, m.data_coding, m.esm_class, m.registered_delivery, m.part_count, m.source_ton, m.source_npi, "
    "m.source, m.destination, m.payload, m.dest_ton, m.dest_npi, m.protocol_id, m.priority, m.service_type, m.udh, "
    "m.tlvs, m.segment_ref, m.segment_total, m.segment_number, m.scheduled_at, m.origin_id, m.state, m.error, "
    "m.final_at, m.attempts"
)

_LOAD = f"""
SELECT {LOAD_COLUMNS}
  FROM unnest($1::bigint[], $2::bigint[]) AS k (workspace_id, id)
  JOIN message m ON m.workspace_id = k.workspace_id AND m.id = k.id
 WHERE m.id BETWEEN $3 AND $4
 ORDER BY m.id
"""  # noqa: S608 - a constant of this module


async def load(connection: asyncpg.Connection, keys: Sequence[tuple[int, int]]) -> list[asyncpg.Record]:
    """The rows of messages by (workspace_id, id), in the order of their ids."""
    if not keys:
        return []
    ids = [message_id for _, message_id in keys]
    records: list[asyncpg.Record] = await connection.fetch(
        _LOAD, [workspace_id for workspace_id, _ in keys], ids, min(ids), max(ids)
    )
    return records


# The rows of one submission got their ids in one go: a second's worth of ids (1000 << 22) holds them all.
_SUBMISSION = f"""
SELECT {LOAD_COLUMNS}
  FROM message m
 WHERE m.workspace_id = $1 AND m.id BETWEEN $2 AND $2 + 4194304000 AND m.submission_id = $2 AND m.account_id = $3
 ORDER BY m.id
 LIMIT 255
"""  # noqa: S608 - a constant of this module


async def load_submission(
    connection: asyncpg.Connection, workspace_id: int, submission_id: int, account_id: int
) -> list[asyncpg.Record]:
    """The rows that an account knows by one id: one, or one a destination of a submit_multi."""
    records: list[asyncpg.Record] = await connection.fetch(_SUBMISSION, workspace_id, submission_id, account_id)
    return records


_REPLACE = """
UPDATE message
   SET payload = $3, part_count = $4, registered_delivery = $5, expires_at = $6,
       scheduled_at = coalesce($7, scheduled_at)
 WHERE workspace_id = $1 AND id = $2 AND state = 0
"""


async def replace(
    connection: asyncpg.Connection,
    workspace_id: int,
    message_id: int,
    payload: bytes,
    part_count: int,
    registered_delivery: int,
    expires_at: int,
    scheduled_at: int | None,
) -> None:
    """Give an open message another text (SMPP 3.4 §4.10)."""
    await connection.execute(
        _REPLACE, workspace_id, message_id, payload, part_count, registered_delivery, expires_at, scheduled_at
    )


async def copy_outcomes(connection: asyncpg.Connection, rows: Rows) -> None:
    """Rows: (workspace_id, state, message_id), for every end but DELIVERED and RECEIVED."""
    await connection.copy_records_to_table("outcome", records=rows, columns=("workspace_id", "state", "message_id"))


_OPEN_BETWEEN = """
SELECT m.id FROM message m
 WHERE m.workspace_id = $1 AND m.account_id = $2 AND m.state = 0 AND m.direction = 0 AND m.id >= $7
   AND m.source = $3 AND m.destination = $4 AND ($5 = '' OR m.service_type = $5)
   AND m.device_id IN (SELECT s.device_id FROM sim s WHERE s.workspace_id = $1 AND s.msisdn = $4)
 ORDER BY m.id LIMIT $6
"""


async def open_between(
    connection: asyncpg.Connection,
    workspace_id: int,
    account_id: int,
    addresses: tuple[str, str, str],
    limit: int,
    since_id: int = 0,
) -> list[int]:
    """Open messages of an account by (source, destination, service_type); an empty service_type matches any."""
    rows = await connection.fetch(_OPEN_BETWEEN, workspace_id, account_id, *addresses, limit, since_id)
    return [row["id"] for row in rows]
