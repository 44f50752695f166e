"""GraphQL documents that clients may name instead of sending, of a workspace or of the whole installation."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Sequence

from motet.domain.document_manifest import check_document_id
from motet.domain.errors import InvalidError, NotFoundError
from motet.domain.ids import IdGenerator
from motet.storage import trusted_document
from motet.storage.database import Database
from motet.storage.transaction import transaction

MAX_DOCUMENTS = 10_000
"""Documents of a workspace, and of the installation."""

REMEMBERED_S = 2.0
"""How long what was found, or not found, is remembered: a document that was removed is run no longer than that."""

REMEMBERED_CHARACTERS = 4 << 20
"""Text that is remembered, all together."""

_OVERHEAD_CHARACTERS = 200

SHA256_PREFIX = "sha256:"

Check = Callable[[str], Sequence[str]]
"""What is wrong with a document's text, in words."""


class TrustedDocumentService:
    """All workspaces' documents; None stands for the installation, whose documents every workspace may name."""

    def __init__(
        self,
        database: Database,
        ids: IdGenerator,
        check: Check,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._ids = ids
        self._check = check
        self._clock = clock
        self._monotonic = monotonic
        self._found: dict[tuple[int | None, str], tuple[str | None, float]] = {}
        self._characters = 0

    async def add(self, workspace_id: int | None, documents: Sequence[tuple[str, str]]) -> int:
        """Adds (id, text), all or none, and says how many were not there yet. To add what is there changes nothing.

        Raises InvalidError for an id or a text that is none, ConflictError for an id that has another text,
        LimitReachedError at `MAX_DOCUMENTS`.
        """
        if not documents:
            raise InvalidError("There must be at least one document.", path=("documents",))
        rows = []
        for place, (document_id, text) in enumerate(documents):
            try:
                check_document_id(document_id)
            except InvalidError as error:
                raise InvalidError(error.message, path=("documents", place, "document_id")) from error
            wrong = self._check(text)
            if wrong:
                raise InvalidError(
                    "The document {document_id}: {wrong}",
                    path=("documents", place, "text"),
                    document_id=document_id[:80],
                    wrong=wrong[0],
                )
            sha256 = hashlib.sha256(text.encode()).hexdigest()
            rows.append((self._ids.next(int(self._clock() * 1_000)), document_id, sha256, text))
            await asyncio.sleep(0)  # each takes milliseconds to validate, and others wait
        async with transaction(self._database) as connection:
            added = await trusted_document.insert(connection, workspace_id, rows, limit=MAX_DOCUMENTS)
        self._forget()
        return added

    async def delete(self, workspace_id: int | None, row_id: int) -> None:
        """Removes one. Raises NotFoundError."""
        async with transaction(self._database) as connection:
            if not await trusted_document.delete(connection, workspace_id, row_id):
                raise NotFoundError("No such document.", path=("id",))
        self._forget()

    async def text_of(self, workspace_id: int | None, document_id: str) -> str | None:
        """The text that a member of the workspace means by an id, or by `sha256:` and the hash of the text."""
        key, now = (workspace_id, document_id), self._monotonic()
        found = self._found.get(key)
        if found is not None and now < found[1]:
            return found[0]
        sha256 = None
        if document_id.startswith(SHA256_PREFIX):
            sha256 = document_id.removeprefix(SHA256_PREFIX).lower()
        text = await trusted_document.find(self._database.pool, workspace_id, document_id, sha256)
        self._remember(key, text, now + REMEMBERED_S)
        return text

    def _remember(self, key: tuple[int | None, str], text: str | None, until: float) -> None:
        before = self._found.pop(key, None)
        if before is not None:
            self._characters -= _size(before[0])
        self._found[key] = (text, until)
        self._characters += _size(text)
        while self._characters > REMEMBERED_CHARACTERS:
            self._characters -= _size(self._found.pop(next(iter(self._found)))[0])

    def _forget(self) -> None:
        self._found.clear()
        self._characters = 0


def _size(text: str | None) -> int:
    return len(text or "") + _OVERHEAD_CHARACTERS
