"""What a provider's directory finds: one resource by its id, and pages of them by a filter; users and groups alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from motet.domain.global_ids import decode_global_id
from motet.domain.ids import IdGenerator
from motet.identity.scim.patching import equality
from motet.identity.scim.resources import ScimError
from motet.identity.telling import SILENCE, Teller
from motet.storage.database import Database, Executor
from motet.storage.identity_provider import IdentityProviderRow
from motet.storage.scim import Wanted

Row = TypeVar("Row")

PAGE = 100
MAX_PAGE = 200


def row_id(scim_id: str, kind: str) -> int:
    """The row behind a SCIM id, which is a global id. Raises ScimError."""
    decoded = decode_global_id(scim_id)
    if decoded is None or decoded[0] != kind:
        raise ScimError(404, "There is no such resource.")
    return decoded[1]


def window(query: Mapping[str, str]) -> tuple[int, int]:
    """(offset, limit) of `startIndex` and `count`. Raises ScimError."""
    try:
        start, count = int(query.get("startIndex", "1")), int(query.get("count", PAGE))
    except ValueError:
        raise ScimError(400, "startIndex and count are numbers.", "invalidValue") from None
    return min(max(start, 1), 1 << 31) - 1, min(max(count, 0), MAX_PAGE)


class Rows(Protocol[Row]):
    """Reads rows of one provider."""

    async def __call__(
        self, connection: Executor, provider_id: int, wanted: Wanted, offset: int = 0, limit: int = 1
    ) -> list[Row]: ...


@dataclass(frozen=True, slots=True)
class Kind(Generic[Row]):
    """What is different between users and groups."""

    type_name: str
    """In SCIM ids."""
    noun: str
    schema: str
    most: int
    """Of one directory."""
    filters: Mapping[str, Callable[[str], Wanted]]
    """Attributes, in small letters, that rows are found by besides `id`."""
    found_by: str
    """The same for people to read."""
    rows: Rows[Row]
    count: Callable[[Executor, int, Wanted], Awaitable[int]]


class Collection(ABC, Generic[Row]):
    """The resources of one kind of all directories; calls name the provider. `base`: where SCIM is served, `now` gives
    an aware time. Raises ScimError, and ConflictError for what is taken."""

    kind: Kind[Row]

    def __init__(
        self, database: Database, ids: IdGenerator, base: str, now: Callable[[], datetime], teller: Teller = SILENCE
    ) -> None:
        """`teller` writes events."""
        self._database = database
        self._teller = teller
        self._ids = ids
        self._base = base
        self._now = now

    async def find(self, provider: IdentityProviderRow, scim_id: str) -> dict[str, Any]:
        return self._shown(await self._row(self._database.pool, provider, row_id(scim_id, self.kind.type_name)))

    async def list(
        self, provider: IdentityProviderRow, query: Mapping[str, str]
    ) -> tuple[int, int, list[dict[str, Any]]]:
        """(total, offset, page)."""
        offset, limit = window(query)
        wanted = self._wanted(query.get("filter"))
        if wanted is None:
            return 0, offset, []
        total = await self.kind.count(self._database.pool, provider.id, wanted)
        rows = await self.kind.rows(self._database.pool, provider.id, wanted, offset, limit) if limit else []
        return total, offset, [self._shown(row) for row in rows]

    async def _row(self, connection: Executor, provider: IdentityProviderRow, found_id: int) -> Row:
        rows = await self.kind.rows(connection, provider.id, Wanted(id=found_id))
        if not rows:
            raise ScimError(404, f"There is no such {self.kind.noun}.")
        return rows[0]

    async def _check_room(self, connection: Executor, provider: IdentityProviderRow) -> None:
        """Whether the locked directory may have another one."""
        if await self.kind.count(connection, provider.id, Wanted()) >= self.kind.most:
            raise ScimError(403, f"A directory has at most {self.kind.most} {self.kind.noun}s.")

    def _wanted(self, words: str | None) -> Wanted | None:
        """Which rows a filter is about; None: none can be."""
        if words is None:
            return Wanted()
        name, value = equality(words)
        name = name.removeprefix(f"{self.kind.schema.casefold()}:")
        if name == "id":
            decoded = decode_global_id(value)
            return Wanted(id=decoded[1]) if decoded is not None and decoded[0] == self.kind.type_name else None
        if name not in self.kind.filters:
            raise ScimError(400, self.kind.found_by, "invalidFilter")
        return self.kind.filters[name](value)

    @abstractmethod
    def _shown(self, row: Row) -> dict[str, Any]:
        """The resource as SCIM spells it."""
