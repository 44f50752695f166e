"""What `motet domains` does with a database."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from motet.bootstrap.audit_commands import shell_act, told
from motet.bootstrap.postgres import command_url, open_database
from motet.config.errors import StartError
from motet.config.settings import Settings
from motet.domain.errors import DomainError
from motet.identity.sso.provider_rules import domains_of
from motet.storage import mail_domain
from motet.storage.mail_domain import HolderRow
from motet.storage.migrate import check_schema


def mail_domains(settings: Settings) -> list[HolderRow]:
    """All that are held, by name. Raises StartError."""

    async def listed() -> list[HolderRow]:
        async with (
            command_url(settings) as url,
            await open_database(url, pool_size=2) as database,
            database.pool.acquire() as connection,
        ):
            await check_schema(connection)
            return await mail_domain.holders(connection)

    return asyncio.run(listed())


def release_domain(settings: Settings, domain: str) -> tuple[HolderRow, bool]:
    """Takes a domain from the provider that holds it: who that was, and whether people can sign in by it still.
    Raises StartError."""
    try:
        (name,) = domains_of([domain])
    except DomainError as error:
        raise StartError(f"{domain}: {error.message}") from error

    async def released() -> tuple[HolderRow, bool]:
        async with command_url(settings) as url, await open_database(url, pool_size=2) as database:
            async with told(database, shell_act("domains release", {"domain": name})) as connection:
                found = await mail_domain.holders(connection, name)
                words = f"the operator has released the domain {name}"
                enabled = await mail_domain.release(connection, name, words, datetime.now(UTC))
                if not found or enabled is None:
                    raise StartError(f"no identity provider holds {name}")
            return found[0], enabled

    return asyncio.run(released())
