"""What `motet documents` does with a database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from motet.bootstrap.audit_commands import in_log_of, shell_act
from motet.bootstrap.postgres import command_url, open_database
from motet.config.errors import StartError
from motet.config.settings import Settings
from motet.domain.errors import DomainError
from motet.domain.ids import MAX_NODE, IdGenerator
from motet.fleet.documents.trusted_document import MAX_DOCUMENTS, TrustedDocumentService
from motet.graphql.documents import document_check
from motet.graphql.limits import Limits
from motet.graphql.schema import SCHEMA
from motet.identity.audit_sealing import Sealer
from motet.storage.acting import acting
from motet.storage.database import Database, Row
from motet.storage.migrate import check_schema
from motet.storage.transaction import transaction
from motet.storage.trusted_document import delete_named, listed
from motet.storage.workspace import find_workspace

Result = TypeVar("Result")


def add_documents(settings: Settings, workspace: str | None, documents: Sequence[tuple[str, str]]) -> int:
    """Registers (id, text) and says how many are new. Raises StartError for what is no good document."""

    async def add(database: Database, workspace_id: int | None) -> int:
        check = document_check(Limits(), SCHEMA, introspection=True)
        ids = IdGenerator(MAX_NODE)  # hubs take the lowest free numbers, so this one is the shell's
        act = shell_act("documents add", {"workspace": workspace, "documents": [name for name, _ in documents]})
        in_log_of(act, workspace_id)
        try:
            with acting(act):
                return await TrustedDocumentService(database, ids, check).add(workspace_id, documents)
        except DomainError as error:
            raise StartError(error.message) from error

    return _with_database(settings, workspace, add)


def remove_document(settings: Settings, workspace: str | None, document_id: str) -> None:
    """Raises StartError if there is none."""

    async def remove(database: Database, workspace_id: int | None) -> None:
        act = shell_act("documents remove", {"workspace": workspace, "document": document_id})
        in_log_of(act, workspace_id)
        async with transaction(database, act=act) as connection:
            if not await delete_named(connection, workspace_id, document_id):
                raise StartError(f"there is no document {document_id}")

    _with_database(settings, workspace, remove)


def list_documents(settings: Settings, workspace: str | None) -> list[Row]:
    """What is registered, the oldest first."""
    return _with_database(
        settings, workspace, lambda database, workspace_id: listed(database.pool, workspace_id, MAX_DOCUMENTS)
    )


def _with_database(
    settings: Settings, workspace: str | None, act: Callable[[Database, int | None], Awaitable[Result]]
) -> Result:
    async def run() -> Result:
        async with command_url(settings) as url, await open_database(url, pool_size=1) as database:
            async with database.pool.acquire() as connection:
                await check_schema(connection)
                workspace_id = None if workspace is None else await find_workspace(connection, workspace)
            if workspace is not None and workspace_id is None:
                raise StartError(f"there is no workspace named {workspace}")
            result = await act(database, workspace_id)
            await Sealer(database).seal()  # no node may be there to do it
            return result

    return asyncio.run(run())
