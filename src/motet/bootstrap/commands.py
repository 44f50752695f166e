"""What the short commands do with a database: migrate it, make a workspace, issue a token."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple, TypeVar

from motet.access.principals import Role
from motet.access.standings import CUSTOM
from motet.access.tokens import AuthenticationError
from motet.bootstrap.audit_commands import in_log_of, shell_act, told
from motet.bootstrap.keys import open_secret_box, open_token_authority
from motet.bootstrap.postgres import command_url, open_database
from motet.config.errors import StartError
from motet.config.settings import Settings
from motet.domain.errors import DomainError
from motet.domain.global_ids import decode_global_id
from motet.domain.ids import MAX_NODE, IdGenerator
from motet.fleet.workspaces import create_workspace
from motet.identity.signing_keys import MAX_KEYS, note_lasting, rotate
from motet.identity.tokens import MAX_REVOKED
from motet.storage import custom_role
from motet.storage.acting import Act
from motet.storage.api_key import find_by_id
from motet.storage.database import PooledConnection
from motet.storage.migrate import Migration, check_schema, migrate
from motet.storage.revoked_token import add_revoked_token
from motet.storage.signing_key import SigningKeyRow, held
from motet.storage.workspace import find_workspace

Result = TypeVar("Result")


def migrate_database(settings: Settings) -> list[Migration]:
    """Brings the database to the newest schema, and gives the migrations that this took."""
    return asyncio.run(_with_database(settings, migrate))


class NewWorkspace(NamedTuple):
    """A workspace and its first administrator's access token."""

    name: str
    workspace_id: int
    token: str


def make_workspace(settings: Settings, name: str, ttl_s: int) -> NewWorkspace:
    """Raises StartError for a name that is taken or not fit."""

    act = shell_act("workspace create", {"name": name})

    async def make(connection: PooledConnection) -> NewWorkspace:
        await check_schema(connection)
        ids = IdGenerator(MAX_NODE)  # hubs take the lowest free numbers, so this one is the shell's
        try:
            async with connection.transaction():
                workspace_id = await create_workspace(connection, lambda: ids.next(time.time_ns() // 1_000_000), name)
        except DomainError as error:
            raise StartError(f"the name {name!r}: {error.message}") from error
        token = await _token(connection, settings, name, Role.ADMINISTRATOR, ttl_s, act)
        return NewWorkspace(name, workspace_id, token)

    return asyncio.run(_with_database(settings, make, act))


def issue_token(settings: Settings, workspace: str | None, role: Role | str, ttl_s: int) -> str:
    """A token for this role in the workspace, or the operator's if that is None; a role that is plain text is one of
    the workspace's own, by its id or name. Raises StartError if there is none."""

    act = shell_act("token", {"workspace": workspace, "role": role if workspace else "operator", "ttlSeconds": ttl_s})

    async def issue(connection: PooledConnection) -> str:
        await check_schema(connection)
        return await _token(connection, settings, workspace, role, ttl_s, act)

    return asyncio.run(_with_database(settings, issue, act))


def issue_network_token(settings: Settings, name: str, ttl_s: int) -> str:
    """A token for the mobile network of this name. Raises StartError for a name that is none."""
    if not re.fullmatch(r"[0-9A-Za-z._-]{1,40}", name):
        raise StartError("--network must be 1 to 40 letters, digits, dots, dashes or underscores")

    async def issue(connection: PooledConnection) -> str:
        await check_schema(connection)
        authority = await open_token_authority(connection, open_secret_box(settings), settings)
        now = int(time.time())
        await note_lasting(connection, authority, ttl_s, now)
        return authority.issue_to_network(f"network:{name}", now=now, ttl_s=ttl_s)

    act = shell_act("token", {"network": name, "ttlSeconds": ttl_s})
    return asyncio.run(_with_database(settings, issue, act))


def rotate_keys(settings: Settings, *, end_tokens: bool) -> str:
    """Lets a new key sign access tokens, and gives its name. `end_tokens`: none that was issued before is good any
    more. Raises StartError."""

    async def change(connection: PooledConnection) -> str:
        await check_schema(connection)
        box = open_secret_box(settings)
        await open_token_authority(connection, box, settings)
        try:
            await rotate(connection, box, datetime.now(UTC), end_others=end_tokens)
        except DomainError as error:
            raise StartError(error.message) from error
        return (await open_token_authority(connection, box, settings)).kid

    return asyncio.run(_with_database(settings, change, shell_act("keys rotate", {"endOthers": end_tokens})))


def revoke_token(settings: Settings, token: str) -> str:
    """Takes an access token back before its time, and gives its `jti`. Raises StartError for one that is none."""

    act = shell_act("token revoke")

    async def revoke(connection: PooledConnection) -> str:
        authority = await open_token_authority(connection, open_secret_box(settings), settings)
        now = datetime.now(UTC)
        try:
            claims = authority.claims(token.strip(), int(now.timestamp()))
        except AuthenticationError as error:
            raise StartError(f"{error}: there is nothing to take back") from None
        workspace_id = claims.workspace_id
        if claims.api_key_id is not None:
            row = await find_by_id(connection, claims.api_key_id)
            workspace_id = None if row is None else row.workspace_id
        in_log_of(act, workspace_id)
        ends = datetime.fromtimestamp(claims.expires_at, UTC)
        try:
            await add_revoked_token(connection, claims.token_id, workspace_id, now, ends, limit=MAX_REVOKED)
        except DomainError as error:
            raise StartError(f"{error.message} `motet token --revoke-all` ends all of them at once.") from None
        return claims.token_id

    return asyncio.run(_with_database(settings, revoke, act))


def list_keys(settings: Settings) -> list[SigningKeyRow]:
    """The keys of access tokens, the one that signs first."""

    async def read(connection: PooledConnection) -> list[SigningKeyRow]:
        await check_schema(connection)
        return await held(connection, datetime.now(UTC), MAX_KEYS)

    return asyncio.run(_with_database(settings, read))


async def _token(
    connection: PooledConnection, settings: Settings, workspace: str | None, role: Role | str, ttl_s: int, act: Act
) -> str:
    authority = await open_token_authority(connection, open_secret_box(settings), settings)
    now = int(time.time())
    await note_lasting(connection, authority, ttl_s, now)
    if workspace is None:
        return authority.issue("operator", now=now, ttl_s=ttl_s)
    workspace_id = await find_workspace(connection, workspace)
    if workspace_id is None:
        raise StartError(f"there is no workspace named {workspace}")
    in_log_of(act, workspace_id)
    issue = partial(authority.issue, now=now, ttl_s=ttl_s, workspace_id=workspace_id, workspace=workspace)
    if isinstance(role, Role):
        return issue(f"{role.lower().replace('_', '-')}@{workspace}", role=role)
    role_id = await _custom_role(connection, workspace_id, role)
    if role_id is None:
        raise StartError(f"the workspace {workspace} has no role of its own with the id or name {role}")
    return issue(f"{CUSTOM.lower()}@{workspace}", role_id=role_id)


async def _custom_role(connection: PooledConnection, workspace_id: int, text: str) -> int | None:
    """The role of the workspace's own with this global id or name."""
    decoded = decode_global_id(text)
    if decoded is not None and decoded[0] == "CustomRole":
        found = await custom_role.find(connection, workspace_id, decoded[1])
        return None if found is None else decoded[1]
    return await custom_role.id_of(connection, workspace_id, text)


async def _with_database(
    settings: Settings, do: Callable[[PooledConnection], Awaitable[Result]], act: Act | None = None
) -> Result:
    """With an act it is done in one transaction, which leaves an entry in the audit log."""
    async with command_url(settings) as url, await open_database(url, pool_size=1) as database:
        if act is not None:
            async with told(database, act) as connection:
                return await do(connection)
        async with database.pool.acquire() as connection:
            return await do(connection)
