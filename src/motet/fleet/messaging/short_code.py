"""What a workspace does with its short codes: make, change, remove."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable

from motet.domain.errors import InvalidError, NotFoundError
from motet.domain.ids import IdGenerator
from motet.fleet.rules import MAX_DESCRIPTION_CHARACTERS, UNCHANGED, Unchanged, check_text
from motet.storage import short_code
from motet.storage.database import Database
from motet.storage.transaction import transaction

MAX_SHORT_CODES = 1_000
"""Short codes of one workspace."""

_CODE = re.compile(r"[0-9]{3,8}")


class ShortCodeService:
    """The short codes of all workspaces, each call scoped to one. Errors are domain errors; paths name input fields."""

    def __init__(
        self,
        database: Database,
        ids: IdGenerator,
        *,
        on_change: Callable[[], Awaitable[None]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`on_change` is called after each commit, so that whoever keeps short codes in memory reads them again."""
        self._database = database
        self._ids = ids
        self._on_change = on_change
        self._clock = clock

    async def create(
        self, workspace_id: int, code: str, *, account_id: int | None = None, description: str = ""
    ) -> int:
        """Add a short code of 3 to 8 digits: its id.

        Raises InvalidError, ConflictError for a code that the workspace has, NotFoundError for the account,
        LimitReachedError at `MAX_SHORT_CODES`.
        """
        if not _CODE.fullmatch(code):
            raise InvalidError("A short code has 3 to 8 digits.", path=("code",))
        check_text(description, "description", at_most=MAX_DESCRIPTION_CHARACTERS)
        short_code_id = self._ids.next(int(self._clock() * 1_000))
        async with transaction(self._database, makes=short_code_id) as connection:
            await short_code.insert(
                connection, workspace_id, short_code_id, code, account_id, description, limit=MAX_SHORT_CODES
            )
        await self._on_change()
        return short_code_id

    async def update(
        self,
        workspace_id: int,
        short_code_id: int,
        *,
        account_id: int | Unchanged | None = UNCHANGED,
        description: str | None = None,
    ) -> None:
        """Change the account that gets the messages (None: webhooks alone) or the description (None: as it is).

        Raises NotFoundError (path `id` or `smpp_account_id`), InvalidError.
        """
        if description is not None:
            check_text(description, "description", at_most=MAX_DESCRIPTION_CHARACTERS)
        async with transaction(self._database) as connection:
            found = await short_code.update(
                connection,
                workspace_id,
                short_code_id,
                changes_account=account_id is not UNCHANGED,
                account_id=None if isinstance(account_id, Unchanged) else account_id,
                description=description,
            )
            if not found:
                raise _not_found()
        await self._on_change()

    async def delete(self, workspace_id: int, short_code_id: int) -> None:
        """Remove a short code; messages to it are then like those to any unowned number. Raises NotFoundError."""
        async with transaction(self._database) as connection:
            if not await short_code.delete(connection, workspace_id, short_code_id):
                raise _not_found()
        await self._on_change()


def _not_found() -> NotFoundError:
    return NotFoundError("No such short code.", path=("id",))
