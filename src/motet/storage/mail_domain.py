"""Mail domains that lead to identity providers, over all organisations: the operator's view."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from motet.storage.database import Executor, PooledConnection


class HolderRow(NamedTuple):
    """A domain, and whose it is."""

    domain: str
    organisation: str
    provider_id: int
    provider: str
    enabled: bool
    last_sign_in_at: datetime | None


_HOLDERS = """
SELECT d.domain, o.name, p.id, p.name, p.enabled, p.last_sign_in_at
  FROM identity_provider_domain d
  JOIN identity_provider p ON p.id = d.provider_id
  JOIN organisation o ON o.id = p.organisation_id
 WHERE $1::text IS NULL OR d.domain = $1
 ORDER BY d.domain
"""


async def holders(connection: Executor, domain: str | None = None) -> list[HolderRow]:
    """Who holds which domain; `domain`: this one alone."""
    return [HolderRow(*record) for record in await connection.fetch(_HOLDERS, domain)]


# A provider without a domain would speak for any: one that has lost its last is closed.
_RELEASE = """
WITH gone AS (DELETE FROM identity_provider_domain WHERE domain = $1 RETURNING provider_id)
UPDATE identity_provider p
   SET enabled = p.enabled AND EXISTS (SELECT FROM identity_provider_domain d
                                        WHERE d.provider_id = p.id AND d.domain <> $1),
       last_error = $2, last_error_at = $3
  FROM gone
 WHERE p.id = gone.provider_id
RETURNING p.enabled
"""


async def release(connection: PooledConnection, domain: str, words: str, at: datetime) -> bool | None:
    """Take a domain from its provider, whose administrators read `words`. Gives whether people can sign in by the
    provider now; None if nobody holds the domain."""
    enabled: bool | None = await connection.fetchval(_RELEASE, domain, words, at)
    return enabled
