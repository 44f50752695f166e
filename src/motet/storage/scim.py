"""Users and groups as a provider's directory knows them (SCIM)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg

from motet.domain.errors import ConflictError
from motet.storage.database import Executor, PooledConnection


class ScimUserRow(NamedTuple):
    """A user and what the directory says of them."""

    user_id: int
    user_name: str
    external_id: str | None
    given_name: str | None
    family_name: str | None
    created_at: datetime
    updated_at: datetime
    email: str
    name: str
    status: int
    groups: Sequence[dict[str, Any]]
    """Of `id` and `name`."""


class ScimGroupRow(NamedTuple):
    """A group and its members' ids."""

    id: int
    display_name: str
    external_id: str | None
    created_at: datetime
    updated_at: datetime
    member_ids: Sequence[int]


_USE_DIRECTORY = """
UPDATE identity_provider SET scim_used_at = $2
 WHERE scim_token_hash = $1 AND enabled AND motet_open_organisation(organisation_id)
   AND (scim_used_at IS NULL OR scim_used_at < $2::timestamptz - interval '1 minute')
RETURNING id
"""
_FIND_DIRECTORY = """
SELECT id FROM identity_provider
 WHERE scim_token_hash = $1 AND enabled AND motet_open_organisation(organisation_id)
"""


async def provider_of_token(connection: Executor, token_hash: bytes, now: datetime) -> int | None:
    """The enabled provider whose directory has this token; when it was used is noted by the minute."""
    found: int | None = await connection.fetchval(_USE_DIRECTORY, token_hash, now)
    if found is None:
        found = await connection.fetchval(_FIND_DIRECTORY, token_hash)
    return found


_SET_TOKEN = "UPDATE identity_provider SET scim_token_hash = $3 WHERE organisation_id = $1 AND id = $2 RETURNING id"  # noqa: S105


async def set_token(connection: Executor, organisation_id: int, provider_id: int, token_hash: bytes | None) -> bool:
    """Give the directory another token, or None; False if the organisation has no such provider."""
    return await connection.fetchval(_SET_TOKEN, organisation_id, provider_id, token_hash) is not None


_USERS = """
SELECT s.user_id, s.user_name, s.external_id, s.given_name, s.family_name, s.created_at, s.updated_at, u.email,
       u.name, u.status,
       COALESCE((SELECT jsonb_agg(jsonb_build_object('id', g.id, 'name', g.display_name) ORDER BY g.id)
                   FROM scim_group_member m JOIN scim_group g ON g.id = m.group_id
                  WHERE m.provider_id = s.provider_id AND m.user_id = s.user_id), '[]') AS groups
  FROM scim_user s JOIN user_account u ON u.id = s.user_id
 WHERE s.provider_id = $1
   AND ($2::bigint IS NULL OR s.user_id = $2)
   AND ($3::text IS NULL OR s.user_name_key = $3)
   AND ($4::text IS NULL OR s.external_id = $4)
   AND ($5::text IS NULL OR u.email_key = $5)
 ORDER BY s.user_id OFFSET $6 LIMIT $7
"""
_COUNT_USERS = """
SELECT count(*) FROM scim_user s JOIN user_account u ON u.id = s.user_id
 WHERE s.provider_id = $1
   AND ($2::bigint IS NULL OR s.user_id = $2)
   AND ($3::text IS NULL OR s.user_name_key = $3)
   AND ($4::text IS NULL OR s.external_id = $4)
   AND ($5::text IS NULL OR u.email_key = $5)
"""


class Wanted(NamedTuple):
    """Which rows: by id, by name (lower case), by external id, users also by address. None: any."""

    id: int | None = None
    name_key: str | None = None
    external_id: str | None = None
    email_key: str | None = None


async def users(
    connection: Executor, provider_id: int, wanted: Wanted, offset: int = 0, limit: int = 1
) -> list[ScimUserRow]:
    records = await connection.fetch(_USERS, provider_id, *wanted, offset, limit)
    return [ScimUserRow(*record) for record in records]


async def count_users(connection: Executor, provider_id: int, wanted: Wanted) -> int:
    found: int = await connection.fetchval(_COUNT_USERS, provider_id, *wanted)
    return found


_ADD_USER = """
INSERT INTO scim_user (provider_id, user_id, user_name, user_name_key, external_id, given_name, family_name, created_at,
                       updated_at)
VALUES ($1, $2, $3, lower($3), $4, $5, $6, $7, $7)
"""
_CHANGE_USER = """
UPDATE scim_user SET user_name = $3, user_name_key = lower($3), external_id = $4, given_name = $5, family_name = $6,
                     updated_at = $7
 WHERE provider_id = $1 AND user_id = $2
"""


async def write_user(
    connection: PooledConnection,
    provider_id: int,
    user_id: int,
    said: tuple[str, str | None, str | None, str | None],
    at: datetime,
    *,
    is_new: bool,
) -> None:
    """`said`: user name, external id, given name, family name. Raises ConflictError for a user name that is taken, or
    a user whom the directory has already."""
    try:
        await connection.execute(_ADD_USER if is_new else _CHANGE_USER, provider_id, user_id, *said, at)
    except asyncpg.UniqueViolationError:
        raise ConflictError("There is such a user already.", path=("userName",)) from None


_SET_PERSON = "UPDATE user_account SET email = $2, email_key = $3, name = $4 WHERE id = $1"


async def set_person(connection: PooledConnection, user_id: int, email: str, email_key: str, name: str) -> None:
    """Raises ConflictError when someone has the address."""
    try:
        await connection.execute(_SET_PERSON, user_id, email, email_key, name)
    except asyncpg.UniqueViolationError:
        raise ConflictError("Someone has this mail address.", path=("emails",)) from None


_GROUPS = """
SELECT g.id, g.display_name, g.external_id, g.created_at, g.updated_at,
       ARRAY(SELECT m.user_id FROM scim_group_member m WHERE m.group_id = g.id ORDER BY m.user_id) AS member_ids
  FROM scim_group g
 WHERE g.provider_id = $1
   AND ($2::bigint IS NULL OR g.id = $2)
   AND ($3::text IS NULL OR g.display_name_key = $3)
   AND ($4::text IS NULL OR g.external_id = $4)
 ORDER BY g.id OFFSET $5 LIMIT $6
"""
_COUNT_GROUPS = """
SELECT count(*) FROM scim_group g
 WHERE g.provider_id = $1
   AND ($2::bigint IS NULL OR g.id = $2)
   AND ($3::text IS NULL OR g.display_name_key = $3)
   AND ($4::text IS NULL OR g.external_id = $4)
"""


async def groups(
    connection: Executor, provider_id: int, wanted: Wanted, offset: int = 0, limit: int = 1
) -> list[ScimGroupRow]:
    records = await connection.fetch(_GROUPS, provider_id, *wanted[:3], offset, limit)
    return [ScimGroupRow(*record) for record in records]


async def count_groups(connection: Executor, provider_id: int, wanted: Wanted) -> int:
    found: int = await connection.fetchval(_COUNT_GROUPS, provider_id, *wanted[:3])
    return found


_LOCK_PROVIDER = "SELECT FROM identity_provider WHERE id = $1 FOR NO KEY UPDATE"


async def lock_directory(connection: PooledConnection, provider_id: int) -> None:
    """One change of a directory at a time, so that its limits hold and roles follow its groups."""
    await connection.execute(_LOCK_PROVIDER, provider_id)


_ADD_GROUP = """
INSERT INTO scim_group (provider_id, id, display_name, display_name_key, external_id, created_at, updated_at)
VALUES ($1, $2, $3, lower($3), $4, $5, $5)
"""
_CHANGE_GROUP = """
UPDATE scim_group SET display_name = $3, display_name_key = lower($3), external_id = $4, updated_at = $5
 WHERE provider_id = $1 AND id = $2
"""


async def write_group(
    connection: PooledConnection,
    provider_id: int,
    group_id: int,
    display_name: str,
    external_id: str | None,
    at: datetime,
    *,
    is_new: bool,
) -> None:
    """Raises ConflictError for a name that is taken."""
    statement = _ADD_GROUP if is_new else _CHANGE_GROUP
    try:
        await connection.execute(statement, provider_id, group_id, display_name, external_id, at)
    except asyncpg.UniqueViolationError:
        raise ConflictError("There is such a group already.", path=("displayName",)) from None


_DROP_MEMBERS = "DELETE FROM scim_group_member WHERE group_id = $1 AND user_id <> ALL($2::bigint[])"
_ADD_MEMBERS = """
INSERT INTO scim_group_member (group_id, provider_id, user_id)
SELECT $2, s.provider_id, s.user_id FROM scim_user s WHERE s.provider_id = $1 AND s.user_id = ANY($3::bigint[])
ON CONFLICT DO NOTHING
"""
_COUNT_MEMBERS = "SELECT count(*) FROM scim_group_member WHERE group_id = $1"


async def set_members(connection: PooledConnection, provider_id: int, group_id: int, user_ids: Sequence[int]) -> int:
    """The members of a group: these and no others, as far as the directory has them; how many that are."""
    await connection.execute(_DROP_MEMBERS, group_id, list(user_ids))
    await connection.execute(_ADD_MEMBERS, provider_id, group_id, list(user_ids))
    found: int = await connection.fetchval(_COUNT_MEMBERS, group_id)
    return found


_DELETE_GROUP = "DELETE FROM scim_group WHERE provider_id = $1 AND id = $2"


async def delete_group(connection: PooledConnection, provider_id: int, group_id: int) -> None:
    await connection.execute(_DELETE_GROUP, provider_id, group_id)


_DELETE_USER = "DELETE FROM scim_user WHERE provider_id = $1 AND user_id = $2"


async def delete_user(connection: PooledConnection, provider_id: int, user_id: int) -> None:
    """The directory looks after the user no more."""
    await connection.execute(_DELETE_USER, provider_id, user_id)


_GROUPS_OF = """
SELECT g.display_name FROM scim_group_member m JOIN scim_group g ON g.id = m.group_id
 WHERE m.provider_id = $1 AND m.user_id = $2
"""


async def groups_of(connection: Executor, provider_id: int, user_id: int) -> frozenset[str]:
    """The names of the user's groups in the directory."""
    return frozenset(record["display_name"] for record in await connection.fetch(_GROUPS_OF, provider_id, user_id))
