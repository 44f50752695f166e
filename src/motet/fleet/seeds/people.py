"""The demo's people, who can sign in at /account: an administrator, and a reseller above both tenants."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from motet.domain.organisations import OrganisationKind
from motet.domain.users import UserStatus
from motet.storage import organisation
from motet.storage.database import PooledConnection
from motet.storage.membership import add_member
from motet.storage.setting import read_setting, write_setting
from motet.storage.user import add_user, find_by_email
from motet.storage.workspace import organisation_of


@dataclass(frozen=True, slots=True)
class DemoUser:
    """Whom the ready line names."""

    email: str
    password: str = field(repr=False)


def derive_user_password(secret: bytes, email: str) -> str:
    """The same for the same secret: 20 characters of a-z and 2-7 (100 bits)."""
    digest = hmac.digest(secret, b"user password of " + email.encode(), hashlib.sha256)
    return base64.b32encode(digest).decode()[:20].lower()


async def seed_user(
    connection: PooledConnection,
    workspace: str,
    workspace_id: int,
    *,
    new_id: Callable[[], int],
    secret: bytes,
    hash_password: Callable[[str], str],
) -> DemoUser:
    """Makes the workspace's administrator once; who is there stays as they are."""
    email = f"admin@{workspace}.example"
    password = derive_user_password(secret, email)
    async with connection.transaction():
        if await find_by_email(connection, email) is None:
            user_id, home = new_id(), await organisation_of(connection, workspace_id)
            hashed = await asyncio.to_thread(hash_password, password)
            await add_user(
                connection, user_id, home, email, email, name="Ada Administrator", status=UserStatus.ACTIVE,
                password_hash=hashed,
            )  # fmt: skip
            await add_member(connection, workspace_id, user_id, "ADMINISTRATOR", None)
    return DemoUser(email, password)


PROVIDER, RESELLER = "Example Connect", "Example Reseller"
RESELLER_EMAIL = "reseller@demo.example"
TREE_SETTING = "demo.tree"
"""Says that the tree was made: whoever changes it afterwards finds it as they left it."""


async def seed_reseller(
    connection: PooledConnection,
    workspace_ids: Sequence[int],
    *,
    new_id: Callable[[], int],
    now: datetime,
    secret: bytes,
    hash_password: Callable[[str], str],
) -> DemoUser:
    """Puts the organisations of the workspaces below a reseller of a service provider, once, and makes the reseller's
    super administrator, who may switch between the workspaces and have reports over them."""
    password = derive_user_password(secret, RESELLER_EMAIL)
    async with connection.transaction():
        await organisation.lock_tree(connection)
        root = await organisation.root(connection)
        if root is not None and await read_setting(connection, TREE_SETTING) is None:
            provider, reseller = new_id(), new_id()
            await organisation.add(connection, provider, root, OrganisationKind.SERVICE_PROVIDER.value, PROVIDER, now)
            await organisation.add(connection, reseller, provider, OrganisationKind.RESELLER.value, RESELLER, now)
            for workspace_id in workspace_ids:
                await organisation.move(connection, await organisation_of(connection, workspace_id), reseller)
            if await find_by_email(connection, RESELLER_EMAIL) is None:
                await add_user(
                    connection, new_id(), reseller, RESELLER_EMAIL, RESELLER_EMAIL, name="Rita Reseller",
                    status=UserStatus.ACTIVE, password_hash=await asyncio.to_thread(hash_password, password),
                    is_super_admin=True,
                )  # fmt: skip
            await write_setting(connection, TREE_SETTING, b"1")
    return DemoUser(RESELLER_EMAIL, password)
