"""GraphQL documents that clients may name: of a workspace, or (with None for it) of the installation."""

from collections.abc import Sequence

from motet.domain.errors import ConflictError, LimitReachedError
from motet.storage.database import Executor, PooledConnection, Row

# $2 and $3 are what the client named: an id, and a hash if it is one. A workspace's own go before the installation's.
_FIND = """
SELECT source
  FROM trusted_document
 WHERE (workspace_id = $1 OR workspace_id IS NULL) AND (document_id = ANY($2::text[]) OR sha256 = $3)
 ORDER BY workspace_id NULLS LAST, document_id = ANY($2::text[]) DESC
 LIMIT 1
"""


async def find(executor: Executor, workspace_id: int | None, document_id: str, sha256: str | None) -> str | None:
    """The text of a document by its id or its SHA-256 in hex; None for one that is not there."""
    named = [document_id] if sha256 is None else [document_id, sha256]
    source: str | None = await executor.fetchval(_FIND, workspace_id, named, sha256)
    return source


_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('trusted_document', coalesce($1, 0::bigint)))"
_INSERT = """
INSERT INTO trusted_document (workspace_id, id, document_id, sha256, source)
SELECT $1, n.id, n.document_id, n.sha256, n.source
  FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[]) AS n (id, document_id, sha256, source)
    ON CONFLICT ON CONSTRAINT trusted_document_taken DO NOTHING
RETURNING id
"""
_CHANGED = """
SELECT n.document_id
  FROM unnest($2::text[], $3::text[]) AS n (document_id, sha256)
  JOIN trusted_document d ON d.workspace_id IS NOT DISTINCT FROM $1 AND d.document_id = n.document_id
 WHERE d.sha256 <> n.sha256
 LIMIT 1
"""
_COUNT = "SELECT count(*) FROM trusted_document WHERE workspace_id IS NOT DISTINCT FROM $1"


async def insert(
    connection: PooledConnection,
    workspace_id: int | None,
    rows: Sequence[tuple[int, str, str, str]],
    *,
    limit: int,
) -> int:
    """Adds (id, document id, SHA-256, text) and says how many were not there yet. Needs a transaction.

    Raises ConflictError for an id that has another text, LimitReachedError beyond `limit` documents.
    """
    await connection.execute(_LOCK, workspace_id)
    ids, names, hashes, sources = (list(column) for column in zip(*rows, strict=True))
    taken = await connection.fetchval(_CHANGED, workspace_id, names, hashes)
    if taken is not None:
        raise ConflictError("The document {taken} is there with another text.", path=("documents",), taken=taken)
    added = await connection.fetch(_INSERT, workspace_id, ids, names, hashes, sources)
    if await connection.fetchval(_COUNT, workspace_id) > limit:
        raise LimitReachedError("There can be {most} documents.", most=limit)
    return len(added)


_DELETE = "DELETE FROM trusted_document WHERE workspace_id IS NOT DISTINCT FROM $1 AND id = $2 RETURNING id"


async def delete(connection: PooledConnection, workspace_id: int | None, row_id: int) -> bool:
    """Removes a document; False for an unknown one."""
    return await connection.fetchval(_DELETE, workspace_id, row_id) is not None


_DELETE_BY_NAME = """
DELETE FROM trusted_document WHERE workspace_id IS NOT DISTINCT FROM $1 AND document_id = $2 RETURNING id
"""


async def delete_named(connection: PooledConnection, workspace_id: int | None, document_id: str) -> bool:
    """Removes a document by the id that clients name; False for an unknown one."""
    return await connection.fetchval(_DELETE_BY_NAME, workspace_id, document_id) is not None


_LIST = """
SELECT document_id, sha256, length(source) AS characters, created_at
  FROM trusted_document
 WHERE workspace_id IS NOT DISTINCT FROM $1
 ORDER BY id
 LIMIT $2
"""


async def listed(executor: Executor, workspace_id: int | None, limit: int) -> list[Row]:
    """What there is: document_id, sha256, characters, created_at; the oldest first."""
    rows: list[Row] = await executor.fetch(_LIST, workspace_id, limit)
    return rows
