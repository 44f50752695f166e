"""What a workspace does with its SMPP accounts: make, change, give a new password, remove."""

from __future__ import annotations

import secrets
import string
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass

from motet.access.passwords import PasswordChecker
from motet.domain.cidrs import Network, parse_cidr
from motet.domain.errors import InvalidError, NotFoundError
from motet.domain.ids import IdGenerator
from motet.fleet.rules import (
    MAX_DESCRIPTION_CHARACTERS,
    PASSWORD_OCTETS,
    UNCHANGED,
    Unchanged,
    check_host,
    check_port,
    check_range,
    check_system_id,
    check_text,
)
from motet.storage import smpp_account, smpp_session
from motet.storage.database import Database
from motet.storage.smpp_account import SmppAccountSettings
from motet.storage.transaction import transaction

MAX_ACCOUNTS = 100
"""Accounts of one workspace."""

MAX_WINDOW = 10_000
MAX_RATE = 100_000
MAX_BINDS = 100
MAX_QUEUE = 10_000_000
MAX_CIDRS = 100
"""Networks of one account: they are gone through at each bind."""

ALPHABETS = ("GSM7", "ASCII", "LATIN1")
LONG_MO = ("JOINED", "PARTS")

_PASSWORD_ALPHABET = "".join(c for c in string.ascii_letters + string.digits if c not in "0O1lI")
"""57 characters that are told apart on paper: eight of them are 46 bits."""

DEFAULTS = SmppAccountSettings(
    description="",
    default_alphabet="GSM7",
    long_mo="JOINED",
    window_size=1_000,
    rate_per_s=None,
    max_binds=16,
    queue_limit=1_000_000,
    outbind_host=None,
    outbind_port=None,
    enabled=True,
    allowed_cidrs=(),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SmppAccountChanges:
    """What to set; what is not named keeps its value, or the default in a new account."""

    description: str | Unchanged = UNCHANGED
    default_alphabet: str | Unchanged = UNCHANGED
    long_mo: str | Unchanged = UNCHANGED
    window_size: int | Unchanged = UNCHANGED
    rate_per_s: int | Unchanged | None = UNCHANGED
    """None: no limit."""
    max_binds: int | Unchanged = UNCHANGED
    queue_limit: int | Unchanged = UNCHANGED
    outbind_host: str | Unchanged | None = UNCHANGED
    outbind_port: int | Unchanged | None = UNCHANGED
    enabled: bool | Unchanged = UNCHANGED
    allowed_cidrs: Sequence[str] | Unchanged = UNCHANGED
    """Networks in text; none: any address may bind."""

    def applied_to(self, settings: SmppAccountSettings) -> SmppAccountSettings:
        """The settings with the changes, checked. Raises InvalidError."""
        named = {name: value for name, value in asdict(self).items() if value is not UNCHANGED}
        if "allowed_cidrs" in named:
            named["allowed_cidrs"] = _networks(named["allowed_cidrs"])
        return _checked(settings._replace(**named))


class SmppAccountService:
    """The SMPP accounts of all workspaces, each call scoped to one. Errors are domain errors; paths name inputs."""

    def __init__(
        self,
        database: Database,
        passwords: PasswordChecker,
        ids: IdGenerator,
        *,
        on_change: Callable[[], Awaitable[None]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`on_change` is called after each commit, so that whoever keeps accounts in memory reads them again."""
        self._database = database
        self._passwords = passwords
        self._ids = ids
        self._on_change = on_change
        self._clock = clock

    async def create(self, workspace_id: int, system_id: str, changes: SmppAccountChanges) -> tuple[int, str]:
        """Add an account: its id and its password of 8 characters, which is shown this once.

        Raises InvalidError, ConflictError for a taken system_id, LimitReachedError at `MAX_ACCOUNTS`.
        """
        check_system_id(system_id)
        settings = changes.applied_to(DEFAULTS)
        password, password_hash = await self._new_password()
        account_id = self._ids.next(int(self._clock() * 1_000))
        async with transaction(self._database, makes=account_id) as connection:
            await smpp_account.insert(
                connection, workspace_id, account_id, system_id, password_hash, settings, limit=MAX_ACCOUNTS
            )
        await self._on_change()
        return account_id, password

    async def update(self, workspace_id: int, account_id: int, changes: SmppAccountChanges) -> None:
        """Change an account; its sessions keep what they bound with, and end where they may not be any more.

        Raises NotFoundError (path `id`), InvalidError.
        """
        async with transaction(self._database) as connection:
            settings = await smpp_account.lock_settings(connection, workspace_id, account_id)
            if settings is None:
                raise _not_found()
            await smpp_account.update(connection, workspace_id, account_id, changes.applied_to(settings))
        await self._on_change()

    async def rotate_password(self, workspace_id: int, account_id: int) -> str:
        """Give the account a new password, which is shown this once; the old one ends. Raises NotFoundError."""
        password, password_hash = await self._new_password()
        async with transaction(self._database) as connection:
            if not await smpp_account.set_password(connection, workspace_id, account_id, password_hash):
                raise _not_found()
        await self._on_change()
        return password

    async def end_session(self, workspace_id: int, session_id: int) -> None:
        """End a session of an ESME, on whichever node it is; it may bind again. Raises NotFoundError (path `id`)."""
        async with transaction(self._database) as connection:
            if not await smpp_session.ask_to_end(connection, workspace_id, session_id):
                raise NotFoundError("No such session.", path=("id",))

    async def delete(self, workspace_id: int, account_id: int) -> None:
        """Remove an account; its messages stay. Raises NotFoundError, ConflictError while a short code leads to it."""
        async with transaction(self._database) as connection:
            if not await smpp_account.delete(connection, workspace_id, account_id):
                raise _not_found()
        await self._on_change()

    async def _new_password(self) -> tuple[str, str]:
        password = "".join(secrets.choice(_PASSWORD_ALPHABET) for _ in range(PASSWORD_OCTETS))
        return password, await self._passwords.hash(password)


def _networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """The networks, each once. Raises InvalidError."""
    if len(texts) > MAX_CIDRS:
        raise InvalidError("There may be at most {most} networks.", path=("allowed_cidrs",), most=MAX_CIDRS)
    found: dict[Network, None] = {}
    for position, text in enumerate(texts):
        try:
            found[parse_cidr(text)] = None
        except ValueError:
            raise InvalidError(
                "This must be a network such as 192.0.2.0/24 or 2001:db8::/32, with no bits behind its prefix.",
                path=("allowed_cidrs", str(position)),
            ) from None
    return tuple(found)


def _checked(settings: SmppAccountSettings) -> SmppAccountSettings:
    check_text(settings.description, "description", at_most=MAX_DESCRIPTION_CHARACTERS)
    for field, value, known in (
        ("default_alphabet", settings.default_alphabet, ALPHABETS),
        ("long_mo", settings.long_mo, LONG_MO),
    ):
        if value not in known:
            raise InvalidError("This must be one of {known}.", path=(field,), known=known)
    check_range(settings.window_size, "window_size", 1, MAX_WINDOW)
    if settings.rate_per_s is not None:
        check_range(settings.rate_per_s, "rate_per_second", 1, MAX_RATE)
    check_range(settings.max_binds, "max_binds", 1, MAX_BINDS)
    check_range(settings.queue_limit, "queue_limit", 1, MAX_QUEUE)
    if (settings.outbind_host is None) != (settings.outbind_port is None):
        missing = "outbind_host" if settings.outbind_host is None else "outbind_port"
        raise InvalidError("Outbind needs a host and a port.", path=(missing,))
    if settings.outbind_host is not None and settings.outbind_port is not None:
        check_host(settings.outbind_host, "outbind_host")
        check_port(settings.outbind_port, "outbind_port")
    return settings


def _not_found() -> NotFoundError:
    return NotFoundError("No such SMPP account.", path=("id",))
