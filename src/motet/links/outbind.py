"""Calls ESMEs that something waits for and that are not bound, so that they bind (SMPP 3.4 §4.1.7)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import structlog

from motet.links.esme_session import EsmeSession
from motet.smpp.constants import CommandId
from motet.smpp.pdu import Outbind
from motet.storage import smpp_account

if TYPE_CHECKING:
    from motet.hub.hub import Hub

log = structlog.get_logger(__name__)

CALLED_AT_ONCE = 10_000
"""Accounts that are being called."""

EVERY_S = 30.0
ATTEMPTS = 20
"""Ten minutes of calling; whatever comes later for the account starts anew."""

NO_TARGET_S = 5.0
"""How long an account without an outbind target is not looked up again."""

TIMEOUT_S = 10.0


class OutbindCaller:
    """Calls an account's ESME until it binds."""

    def __init__(
        self,
        hub: Hub,
        system_id: str,
        connected: Callable[[], EsmeSession],
        address_of: Callable[[str, int], Awaitable[str | None]],
    ) -> None:
        """`address_of` gives the address to connect to for an outbind host, None for one that must not be."""
        self._hub = hub
        self._system_id = system_id
        self._connected = connected
        self._address_of = address_of
        self._calling: dict[int, bool] = {}
        """Accounts whose ESMEs are being called, and whether something came for them since."""
        self.stopping = False

    def call(self, account_id: int, workspace_id: int) -> None:
        """Something waits for an account without a receiving bind: ask its ESME to bind."""
        if self.stopping:
            return
        if account_id in self._calling:
            self._calling[account_id] = True
        elif len(self._calling) < CALLED_AT_ONCE:
            self._calling[account_id] = False
            self._hub.spawn(self._call(account_id, workspace_id))

    async def _call(self, account_id: int, workspace_id: int) -> None:
        """Call the ESME until it binds, or nothing new has come for one that is not to be called."""
        try:
            for _ in range(ATTEMPTS):
                target = await smpp_account.outbind_target(self._hub.pool(), workspace_id, account_id)
                if target is not None:
                    await self._outbind(account_id, *target)
                await asyncio.sleep(NO_TARGET_S if target is None else EVERY_S)
                if self._hub.esmes.has_receiver(account_id) or self.stopping:
                    return
                if target is None and not self._calling[account_id]:
                    return
                self._calling[account_id] = False
        finally:
            del self._calling[account_id]

    async def _outbind(self, account_id: int, host: str, port: int) -> None:
        try:
            address = await self._address_of(host, port)
        except OSError as error:
            log.info("outbind: the host is not known", account_id=account_id, host=host, error=str(error))
            return
        if address is None:
            log.warning("outbind refused: the address is not one to connect to", account_id=account_id, host=host)
            return
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(TIMEOUT_S):
                _, session = await loop.create_connection(self._connected, address, port)
        except (OSError, TimeoutError) as error:
            log.info("outbind: the ESME is not there", account_id=account_id, error=repr(error)[:200])
            return
        session.write(session.session.request(CommandId.OUTBIND, Outbind(self._system_id), None, loop.time()))
