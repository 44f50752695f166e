"""What a workspace does with its DNS configurations: make, change, remove. Service policies name them."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from motet.domain.dns_config import parse_name_servers
from motet.domain.errors import NotFoundError
from motet.domain.ids import IdGenerator
from motet.fleet.rules import UNCHANGED, Unchanged, check_text
from motet.storage import dns_config
from motet.storage.database import Database
from motet.storage.transaction import transaction

MAX_DNS_CONFIGS = 100
"""Configurations of one workspace."""
MAX_NAME_CHARACTERS = 100


class DnsConfigService:
    """The configurations of all workspaces, each call scoped to one. Errors are domain errors; paths name input
    fields. A change holds for sessions from then on."""

    def __init__(self, database: Database, ids: IdGenerator, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._ids = ids
        self._clock = clock

    async def create(self, workspace_id: int, name: str, primary: str, secondary: str | None = None) -> int:
        """Add a configuration: its id. Raises InvalidError, ConflictError (path `name`), LimitReachedError."""
        check_text(name, "name", at_least=1, at_most=MAX_NAME_CHARACTERS)
        servers = parse_name_servers(primary, secondary)
        now = self._clock()
        config_id = self._ids.next(int(now * 1_000))
        async with transaction(self._database, makes=config_id) as connection:
            at = datetime.fromtimestamp(now, UTC)
            await dns_config.insert(connection, workspace_id, config_id, name, servers, at, limit=MAX_DNS_CONFIGS)
        return config_id

    async def update(
        self,
        workspace_id: int,
        config_id: int,
        *,
        name: str | Unchanged = UNCHANGED,
        primary: str | Unchanged = UNCHANGED,
        secondary: str | Unchanged | None = UNCHANGED,
    ) -> None:
        """Change a configuration; a null secondary takes it away. Raises NotFoundError (path `id`), InvalidError,
        ConflictError (path `name`)."""
        async with transaction(self._database) as connection:
            found = await dns_config.lock(connection, workspace_id, config_id)
            if found is None:
                raise _not_found()
            new_name, first, second = (
                old if isinstance(new, Unchanged) else new
                for old, new in zip(found, (name, primary, secondary), strict=True)
            )
            assert new_name is not None  # noqa: S101 - neither can be set to null
            assert first is not None  # noqa: S101
            check_text(new_name, "name", at_least=1, at_most=MAX_NAME_CHARACTERS)
            servers = parse_name_servers(first, second)
            await dns_config.update(connection, workspace_id, config_id, new_name, servers)

    async def delete(self, workspace_id: int, config_id: int) -> None:
        """Remove a configuration. Raises NotFoundError, ConflictError while a service policy names it (path `id`)."""
        async with transaction(self._database) as connection:
            if not await dns_config.delete(connection, workspace_id, config_id):
                raise _not_found()


def _not_found() -> NotFoundError:
    return NotFoundError("No such DNS configuration.", path=("id",))
