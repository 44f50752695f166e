"""The demo's administrator as a person, who can sign in at /account."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field

from motet.domain.users import UserStatus
from motet.storage.database import PooledConnection
from motet.storage.membership import add_member
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
