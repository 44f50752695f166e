"""What the shell does with people: a link for someone's first or next password, without mail."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

from motet.access.passwords import PasswordChecker
from motet.access.principals import Role, operator
from motet.bootstrap.audit_commands import in_log_of, shell_act
from motet.bootstrap.keys import open_secret_box, open_token_authority
from motet.bootstrap.postgres import command_url, open_database
from motet.config.errors import StartError
from motet.config.settings import Settings
from motet.domain.errors import ConflictError, DomainError
from motet.domain.ids import MAX_NODE, IdGenerator
from motet.domain.users import UserStatus, email_of, name_of
from motet.fleet.workspaces import OPERATOR_NAME
from motet.identity.audit_sealing import Sealer
from motet.identity.password_changes import RESET_GOOD_FOR
from motet.identity.services import Ground, Identity, build_identity
from motet.identity.sessions import hash_token, utc_now
from motet.storage.acting import acting
from motet.storage.database import Database, PooledConnection
from motet.storage.migrate import check_schema
from motet.storage.password_reset import add_reset
from motet.storage.transaction import transaction
from motet.storage.user import add_user, find_by_email
from motet.storage.workspace import ensure_operator, find_workspace

Result = TypeVar("Result")


def invitation_link(settings: Settings, email: str, workspace: str, role: Role, name: str) -> str:
    """A link by which whoever has it becomes a member of the workspace. Raises StartError."""

    async def invite(database: Database, identity: Identity) -> str:
        async with database.pool.acquire() as connection:
            workspace_id = await find_workspace(connection, workspace)
        if workspace_id is None:
            raise StartError(f"there is no workspace named {workspace}")
        shell = operator("operator", int(time.time()) + 60)
        act = shell_act("user invite", {"email": email, "workspace": workspace, "role": role, "name": name})
        in_log_of(act, workspace_id)
        with acting(act):
            return await identity.invitations.link_for(shell, workspace_id, email, role=role, name=name)

    return asyncio.run(_with_identity(settings, invite))


def operator_link(settings: Settings, email: str, name: str) -> str:
    """Makes a person who is the operator, and gives a link to set the password by. Raises StartError."""

    async def make(database: Database, _: Identity) -> str:
        ids, now = IdGenerator(MAX_NODE), utc_now()
        shown, email_key = email_of(email)
        user_id = ids.next_at(now)
        act = shell_act("user invite", {"email": email, "operator": True, "name": name})
        async with transaction(database, act=act) as connection:
            root = await ensure_operator(connection, ids.next_at(now), OPERATOR_NAME)
            await add_user(connection, user_id, root, shown, email_key, name=name_of(name), is_super_admin=True)
            return await _reset_link(connection, settings, user_id, now)

    return asyncio.run(_with_identity(settings, make))


def password_link(settings: Settings, email: str) -> str:
    """A link to set someone's next password by, good for an hour. Raises StartError."""

    async def make(database: Database, _: Identity) -> str:
        async with transaction(database, act=shell_act("user reset", {"email": email})) as connection:
            found = await find_by_email(connection, email_of(email)[1])
            if found is None:
                raise StartError(f"there is no user with the address {email}")
            if found.status is UserStatus.SUSPENDED:
                raise ConflictError("The user is suspended.")
            return await _reset_link(connection, settings, found.id, utc_now())

    return asyncio.run(_with_identity(settings, make))


async def _reset_link(connection: PooledConnection, settings: Settings, user_id: int, now: datetime) -> str:
    token = secrets.token_urlsafe(32)
    await add_reset(connection, hash_token(token), user_id, now, now + RESET_GOOD_FOR)
    return f"{_public_url(settings)}/account/reset#token={token}"


async def _with_identity(settings: Settings, act: Callable[[Database, Identity], Awaitable[Result]]) -> Result:
    async with command_url(settings) as url, await open_database(url, pool_size=2) as database:
        async with database.pool.acquire() as connection:
            await check_schema(connection)
            box = open_secret_box(settings)
            authority = await open_token_authority(connection, box, settings)
        passwords = PasswordChecker()
        identity = build_identity(
            Ground(database, IdGenerator(MAX_NODE), authority, passwords, box, _public_url(settings))
        )
        try:
            result = await act(database, identity)
            await Sealer(database).seal()  # no node may be there to do it
            return result
        except DomainError as error:
            raise StartError(error.message) from error
        finally:
            identity.close()
            passwords.close()


def _public_url(settings: Settings) -> str:
    return settings.public_url or f"http://{settings.http.reachable}"
