"""The SMPP server: where ESMEs connect, plain or with TLS, and prove who they are."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable

import structlog

from motet.access.passwords import PasswordChecker
from motet.hub.accounts import Account
from motet.hub.hub import Hub
from motet.links.esme_session import EsmeSession
from motet.smpp.constants import CommandId, CommandStatus
from motet.smpp.pdu import AlertNotification, Bind, Outbind
from motet.smpp.session import Event, Limits
from motet.storage import directory, smpp_account

log = structlog.get_logger(__name__)

MAX_SESSIONS = 10_000
"""Connections to the server at one time, bound or not."""

SESSION_LIMITS = Limits(session_init_s=30.0, enquire_link_s=30.0, response_s=30.0, answers_unbind=False)

OUTBIND_EVERY_S = 30.0
OUTBIND_ATTEMPTS = 20
"""Ten minutes of calling; whatever comes later for the account starts anew."""
NO_TARGET_S = 5.0
"""How long an account without an outbind target is not looked up again."""
OUTBIND_TIMEOUT_S = 10.0


class EsmeServer:
    """Listens, authenticates, and keeps the sessions."""

    def __init__(
        self,
        hub: Hub,
        passwords: PasswordChecker,
        *,
        system_id: str = "motet",
        outbind_address: Callable[[str, int], Awaitable[str | None]] | None = None,
        limits: Limits = SESSION_LIMITS,
    ) -> None:
        """`outbind_address` gives the address to connect to for an account's outbind host, None for one that must not
        be; without it there is no outbind."""
        self.hub = hub
        self.system_id = system_id
        self._passwords = passwords
        self._outbind_address = outbind_address
        self._limits = limits
        self._servers: list[asyncio.Server] = []
        self._sessions: set[EsmeSession] = set()
        self._calling: dict[int, bool] = {}
        """Accounts whose ESMEs are being called, and whether something came for them since."""
        self._stopping = False
        self.binds_refused = 0
        hub.on_absent_esme = self.outbind

    # Listening -------------------------------------------------------------------------------------------------------

    async def listen(self, listener: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        """Accept ESMEs on a bound socket."""
        server = await asyncio.get_running_loop().create_server(self._connected, sock=listener, ssl=tls, backlog=1_024)
        self._servers.append(server)

    def _connected(self) -> EsmeSession:
        session = EsmeSession(self, self._limits)
        if len(self._sessions) >= MAX_SESSIONS or self._stopping:
            asyncio.get_running_loop().call_soon(session.abort, "too many connections")
        else:
            self._sessions.add(session)
        return session

    def session_lost(self, session: EsmeSession, reason: str) -> None:
        """The connection has ended."""
        self._sessions.discard(session)
        account = session.account
        if account is not None:
            account.binds -= 1
            if account.binds == 0 and self.hub.accounts.get(account.id) is account:
                del self.hub.accounts[account.id]
            log.info("ESME gone", system_id=account.system_id, peer=session.peer, reason=reason)

    @property
    def session_count(self) -> int:
        return len(self._sessions)

    async def stop_listening(self) -> None:
        """Take no new connections."""
        self._stopping = True
        for server in self._servers:
            server.close()

    async def stop(self) -> None:
        """Unbind everyone and close."""
        await self.stop_listening()
        for session in list(self._sessions):
            session.unbind("the gateway stops")

    # Bind ------------------------------------------------------------------------------------------------------------

    def bind_requested(self, session: EsmeSession, event: Event) -> None:
        """Judge a bind aside: a password takes a while to check."""
        self.hub.spawn(self._bind(session, event))

    async def _bind(self, session: EsmeSession, event: Event) -> None:
        body = event.body
        assert isinstance(body, Bind)  # noqa: S101 - what the command carries
        try:
            status, account = await self._judge(body)
        except Exception as error:  # noqa: BLE001 - whatever a lost connection raises: the ESME is answered
            log.warning("a bind could not be judged", error=repr(error)[:200])
            status, account = CommandStatus.ESME_RSYSERR, None
        if session.closed or session.session.closing:
            return
        if account is None or status:
            self.binds_refused += 1
            log.info("bind refused", system_id=body.system_id, peer=session.peer, status=status.name)
            session.refuse_bind(event, status)
            return
        account.binds += 1
        self.hub.accounts[account.id] = account
        session.bound_to(account, event)
        log.info("ESME bound", system_id=account.system_id, peer=session.peer, state=session.session.state.name)

    async def _judge(self, body: Bind) -> tuple[CommandStatus, Account | None]:
        row = await smpp_account.find_account(self.hub.pool(), body.system_id)
        if not await self._passwords.verify(row["password_hash"] if row else None, body.password):
            return (CommandStatus.ESME_RINVSYSID if row is None else CommandStatus.ESME_RINVPASWD), None
        if row is None:
            return CommandStatus.ESME_RINVSYSID, None
        if not row["enabled"] or self._stopping:
            return CommandStatus.ESME_RBINDFAIL, None
        account = self.hub.accounts.get(row["id"])
        if account is None:
            codes = await directory.short_codes(self.hub.pool(), row["workspace_id"])
            source = next((code["code"] for code in codes if code["account_id"] == row["id"]), None)
            account = self.hub.accounts.get(row["id"]) or Account(row, self.hub.open_by_account, source)
        if account.binds >= row["max_binds"]:
            return CommandStatus.ESME_RALYBND, None
        return CommandStatus.ESME_ROK, account

    async def accounts_changed(self) -> None:
        """Take over changed settings; sessions of accounts that are disabled, gone or have a new password end."""
        for account in list(self.hub.accounts.values()):
            row = await smpp_account.find_account(self.hub.pool(), account.system_id)
            if row is None or not row["enabled"]:
                self._end_sessions(account, "the account was disabled")
            elif row["password_hash"] != account.password_hash:
                self._end_sessions(account, "the account has a new password")
            else:
                account.refresh(row)

    def _end_sessions(self, account: Account, reason: str) -> None:
        self.hub.accounts.pop(account.id, None)  # who binds from now on gets the account as it is then
        for session in [session for session in self._sessions if session.account is account]:
            session.unbind(reason)

    # Outbind and alerts ----------------------------------------------------------------------------------------------

    def outbind(self, account_id: int, workspace_id: int) -> None:
        """Something waits for an account without a receiving bind: ask its ESME to bind (SMPP 3.4 §4.1.7)."""
        if self._outbind_address is None or self._stopping:
            return
        if account_id in self._calling:
            self._calling[account_id] = True
        elif len(self._calling) < MAX_SESSIONS:
            self._calling[account_id] = False
            self.hub.spawn(self._call(account_id, workspace_id))

    async def _call(self, account_id: int, workspace_id: int) -> None:
        """Call the ESME until it binds, or nothing new has come for one that is not to be called."""
        try:
            for _ in range(OUTBIND_ATTEMPTS):
                target = await smpp_account.outbind_target(self.hub.pool(), workspace_id, account_id)
                if target is not None:
                    await self._outbind(account_id, *target)
                await asyncio.sleep(NO_TARGET_S if target is None else OUTBIND_EVERY_S)
                if self.hub.esmes.has_receiver(account_id) or self._stopping:
                    return
                if target is None and not self._calling[account_id]:
                    return
                self._calling[account_id] = False
        finally:
            del self._calling[account_id]

    async def _outbind(self, account_id: int, host: str, port: int) -> None:
        if self._outbind_address is None:
            return
        try:
            address = await self._outbind_address(host, port)
        except OSError as error:
            log.info("outbind: the host is not known", account_id=account_id, host=host, error=str(error))
            return
        if address is None:
            log.warning("outbind refused: the address is not one to connect to", account_id=account_id, host=host)
            return
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(OUTBIND_TIMEOUT_S):
                _, session = await loop.create_connection(self._connected, address, port)
        except (OSError, TimeoutError) as error:
            log.info("outbind: the ESME is not there", account_id=account_id, error=repr(error)[:200])
            return
        session.write(session.session.request(CommandId.OUTBIND, Outbind(self.system_id), None, loop.time()))

    def alert(self, workspace_id: int, body: AlertNotification) -> None:
        """A phone of this workspace is there again: tell its ESMEs that may receive (SMPP 3.4 §4.12)."""
        for session in self._sessions:
            if session.account is not None and session.account.workspace_id == workspace_id:
                session.alert(body)
