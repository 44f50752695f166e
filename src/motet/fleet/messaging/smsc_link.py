"""What the operator does with its links to SMSCs: make, change, remove."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass

from motet.access.secrets import SecretBox
from motet.domain.errors import InvalidError, NotFoundError
from motet.fleet.rules import (
    PASSWORD_OCTETS,
    UNCHANGED,
    Unchanged,
    check_host,
    check_port,
    check_range,
    check_system_id,
    check_text,
)
from motet.storage import smsc_link
from motet.storage.database import Database
from motet.storage.smsc_link import SmscLinkSettings
from motet.storage.transaction import transaction

MAX_LINKS = 200
"""Links of the platform."""

MAX_NAME_CHARACTERS = 100
MAX_BINDS = 32
MAX_WINDOW = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SmscLinkChanges:
    """What to set; what is not named keeps its value, or the default in a new link."""

    name: str | Unchanged = UNCHANGED
    host: str | Unchanged = UNCHANGED
    port: int | Unchanged = UNCHANGED
    system_id: str | Unchanged = UNCHANGED
    password: str | Unchanged = UNCHANGED
    binds: int | Unchanged = UNCHANGED
    window_size: int | Unchanged = UNCHANGED
    enabled: bool | Unchanged = UNCHANGED
    tls: bool | Unchanged = UNCHANGED
    tls_name: str | Unchanged | None = UNCHANGED
    """None: the host's name."""


class SmscLinkService:
    """The operator's links. Errors are domain errors; paths name input fields."""

    def __init__(self, database: Database, secret_box: SecretBox, *, on_change: Callable[[], Awaitable[None]]) -> None:
        """`on_change` is called after each commit, so that links are connected, changed or closed."""
        self._database = database
        self._secret_box = secret_box
        self._on_change = on_change

    async def create(self, changes: SmscLinkChanges) -> int:
        """Add a link: its id. Raises InvalidError, ConflictError for a taken name, LimitReachedError at `MAX_LINKS`."""
        blank = SmscLinkSettings("", "", 0, "", self._secret_box.encrypt(b""), 1, 100, True, False, None)
        settings = self._applied(changes, blank)
        async with transaction(self._database) as connection:
            link_id = await smsc_link.insert(connection, settings, limit=MAX_LINKS)
        await self._on_change()
        return link_id

    async def update(self, link_id: int, changes: SmscLinkChanges) -> None:
        """Change a link. Raises NotFoundError (path `id`), InvalidError, ConflictError for a taken name."""
        async with transaction(self._database) as connection:
            settings = await smsc_link.lock_settings(connection, link_id)
            if settings is None:
                raise _not_found()
            await smsc_link.update(connection, link_id, self._applied(changes, settings))
        await self._on_change()

    async def delete(self, link_id: int) -> None:
        """Remove a link. Raises NotFoundError."""
        async with transaction(self._database) as connection:
            if not await smsc_link.delete(connection, link_id):
                raise _not_found()
        await self._on_change()

    def _applied(self, changes: SmscLinkChanges, settings: SmscLinkSettings) -> SmscLinkSettings:
        named = {name: value for name, value in asdict(changes).items() if value is not UNCHANGED}
        password = named.pop("password", None)
        if password is not None:
            if not password.isascii() or not password.isprintable() or len(password) > PASSWORD_OCTETS:
                raise InvalidError(
                    "A password has at most {most} ASCII characters.", path=("password",), most=PASSWORD_OCTETS
                )
            named["password_encrypted"] = self._secret_box.encrypt(password.encode())
        settings = settings._replace(**named)
        check_text(settings.name, "name", at_least=1, at_most=MAX_NAME_CHARACTERS)
        check_host(settings.host, "host")
        check_port(settings.port, "port")
        check_system_id(settings.system_id)
        check_range(settings.binds, "binds", 1, MAX_BINDS)
        check_range(settings.window_size, "window_size", 1, MAX_WINDOW)
        if settings.tls_name is not None:
            check_host(settings.tls_name, "tls_name")
        return settings


def _not_found() -> NotFoundError:
    return NotFoundError("No such link.", path=("id",))
