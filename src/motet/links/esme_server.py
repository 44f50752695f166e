"""The SMPP server: where ESMEs connect, plain or with TLS, and prove who they are."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence

import structlog

from motet.access.passwords import PasswordChecker
from motet.domain.cidrs import Address, peer_of, permits
from motet.domain.seats import SeatLimits, Seats
from motet.hub.accounts import Account
from motet.hub.hub import Hub
from motet.links.esme_binds import BindJudge, BindRules
from motet.links.esme_session import EsmeSession
from motet.links.outbind import OutbindCaller
from motet.links.tls_listener import TlsListener
from motet.smpp.constants import CommandId, CommandStatus
from motet.smpp.pdu import AlertNotification, Bind
from motet.smpp.session import Event, Limits
from motet.storage import smpp_account, smpp_session
from motet.storage.smpp_session import BoundSession

log = structlog.get_logger(__name__)

SESSION_LIMITS = Limits(session_init_s=30.0, enquire_link_s=30.0, response_s=30.0, pdu_s=30.0, answers_unbind=False)

FAILED_BINDS = 10
"""Refused binds on one connection; then it is closed."""

_BIND_TYPES = {
    CommandId.BIND_TRANSMITTER: "TRANSMITTER",
    CommandId.BIND_RECEIVER: "RECEIVER",
    CommandId.BIND_TRANSCEIVER: "TRANSCEIVER",
}


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
        seats: SeatLimits = SeatLimits(),  # noqa: B008 (immutable)
        rules: BindRules = BindRules(),  # noqa: B008 (immutable)
    ) -> None:
        """`outbind_address` gives the address to connect to for an account's outbind host, None for one that must not
        be; without it there is no outbind."""
        self.hub = hub
        self.system_id = system_id
        self._limits = limits
        self._servers: list[asyncio.Server] = []
        self._tls: list[TlsListener] = []
        self._seats: Seats[EsmeSession] = Seats(seats)
        self._sessions: set[EsmeSession] = set()
        self._bound: dict[int, EsmeSession] = {}
        """By the id of their row in smpp_session."""
        self._gone: list[int] = []
        """Rows of sessions that ended, to be deleted."""
        self._forgetting = False
        self._judge = BindJudge(hub, passwords, rules)
        self._stopping = False
        self.binds_refused: dict[str, int] = {}
        """By the status that they were answered with."""
        self._outbind: OutbindCaller | None = None
        if outbind_address is not None:
            self._outbind = OutbindCaller(hub, system_id, self.connected, outbind_address)
            hub.on_absent_esme = self._outbind.call

    # Listening -------------------------------------------------------------------------------------------------------

    async def listen(self, listener: socket.socket, tls: Callable[[], ssl.SSLContext] | None = None) -> None:
        """Accept ESMEs on a bound socket; with TLS if there is what gives the context that is good now."""
        if tls is not None:
            accepting = TlsListener(listener, tls, self.connected, self.hub.spawn)
            accepting.start()
            self._tls.append(accepting)
            return
        server = await asyncio.get_running_loop().create_server(self.connected, sock=listener, backlog=1_024)
        self._servers.append(server)

    def connected(self) -> EsmeSession:
        """The protocol of a new connection."""
        return EsmeSession(self, self._limits)

    def arrived(self, session: EsmeSession) -> None:
        """The connection stands."""
        address = session.address
        place = session.peer if address is None else peer_of(address)
        if self._stopping or not self._seats.take(session, place):
            session.abort("the gateway stops" if self._stopping else "too many connections")
            return
        self._sessions.add(session)

    def session_lost(self, session: EsmeSession, reason: str) -> None:
        """The connection has ended."""
        self._seats.leave(session)
        self._sessions.discard(session)
        account = session.account
        if account is None:
            return
        self._judge.release(account)
        if self._bound.pop(session.id, None) is not None:
            self._forget(session.id)
        log.info("ESME gone", system_id=account.system_id, peer=session.peer, reason=reason)

    def _forget(self, session_id: int) -> None:
        """Have the row of an ended session deleted, those of many at once together."""
        self._gone.append(session_id)
        if not self._forgetting:
            self._forgetting = True
            self.hub.spawn(self._forget_gone())

    async def _forget_gone(self) -> None:
        await asyncio.sleep(0)
        try:
            while self._gone:
                gone, self._gone = self._gone, []
                try:
                    await smpp_session.delete(self.hub.pool(), self.hub.incarnation, gone)
                except Exception as error:  # noqa: BLE001 - the database is away: the next that ends takes them along
                    log.warning("ended sessions could not be noted", error=repr(error)[:200])
                    self._gone.extend(gone)
                    return
        finally:
            self._forgetting = False

    @property
    def session_count(self) -> int:
        return len(self._sessions)

    @property
    def unbound_count(self) -> int:
        """Connections that have not bound yet."""
        return self._seats.unbound

    async def stop_listening(self) -> None:
        """Take no new connections."""
        self._stopping = True
        if self._outbind is not None:
            self._outbind.stopping = True
        for server in self._servers:
            server.close()
        for accepting in self._tls:
            accepting.stop()

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
        account: Account | None = None
        try:
            status, account, reason = await self._judge.judge(body, session.address, lambda: session.closed)
            if account is not None:
                await self._note(session, account, event)
        except Exception as error:  # noqa: BLE001 - whatever a lost connection raises: the ESME is answered
            log.warning("a bind could not be judged", error=repr(error)[:200])
            status, reason = CommandStatus.ESME_RSYSERR, "no database"
        if self._stopping and not status:
            status, reason = CommandStatus.ESME_RBINDFAIL, "the gateway stops"
        if account is not None and not status and not _may_stay(account, session.address):
            status, reason = CommandStatus.ESME_RBINDFAIL, "the account was changed"
        if account is not None and not status and not (session.closed or session.session.closing):
            self._seats.bound(session)
            self._bound[session.id] = session
            session.bound_to(account, event)
            log.info("ESME bound", system_id=account.system_id, peer=session.peer, state=session.session.state.name)
            return
        if account is not None:
            self._judge.release(account)
            if session.id:
                self._forget(session.id)
                session.id = 0
        if not session.closed and not session.session.closing:
            self._refuse(session, event, body.system_id, status, reason)

    def _refuse(self, session: EsmeSession, event: Event, system_id: str, status: CommandStatus, reason: str) -> None:
        self.binds_refused[status.name] = self.binds_refused.get(status.name, 0) + 1
        log.info("bind refused", system_id=system_id, peer=session.peer, status=status.name, reason=reason)
        session.refuse_bind(event, status)
        session.failed_binds += 1
        if session.failed_binds >= FAILED_BINDS:
            session.unbind("too many refused binds")

    async def _note(self, session: EsmeSession, account: Account, event: Event) -> None:
        """Write the session down, before it is bound: an operator sees whoever is."""
        if session.address is None:
            return  # no socket of the internet's
        session_id = self.hub.next_id()
        bound = BoundSession(
            account.workspace_id, session_id, account.id, self.hub.incarnation,
            _BIND_TYPES[CommandId(event.command_id)], session.address, session.port, session.tls,
        )  # fmt: skip
        async with self.hub.pool().acquire() as connection, connection.transaction():
            await smpp_session.insert(connection, bound, peer_of(session.address))
        session.id = session_id

    async def accounts_changed(self) -> None:
        """Take over changed settings; sessions end whose account is disabled, gone or has a new password, or that come
        from where it may not bind any more."""
        for account in list(self.hub.accounts.values()):
            row = await smpp_account.find_account(self.hub.pool(), account.system_id)
            if row is None or not row["enabled"]:
                account.enabled = False
                self._end_sessions(account, "the account was disabled")
            elif row["password_hash"] != account.password_hash:
                account.enabled = False
                self._end_sessions(account, "the account has a new password")
            else:
                account.refresh(row)
                for session in [session for session in self._sessions if session.account is account]:
                    if not _may_stay(account, session.address):
                        session.unbind("the account may not bind from this address any more")

    def _end_sessions(self, account: Account, reason: str) -> None:
        self.hub.accounts.pop(account.id, None)  # who binds from now on gets the account as it is then
        for session in [session for session in self._sessions if session.account is account]:
            session.unbind(reason)

    def end_session(self, session_id: int) -> None:
        """Unbind a session that is here; others are other nodes'."""
        session = self._bound.get(session_id)
        if session is not None:
            session.unbind("someone asked for it")

    def binds_failed(self, incarnation: int, failures: Sequence[str]) -> None:
        """Binds were judged, and wrong, by this incarnation of a node: what is this one's own was counted before."""
        if incarnation != self.hub.incarnation:
            self._judge.failures.heard(failures)

    # Alerts ----------------------------------------------------------------------------------------------------------

    def alert(self, workspace_id: int, body: AlertNotification) -> None:
        """A phone of this workspace is there again: tell its ESMEs that may receive (SMPP 3.4 §4.12)."""
        for session in self._sessions:
            if session.account is not None and session.account.workspace_id == workspace_id:
                session.alert(body)


def _may_stay(account: Account, address: Address | None) -> bool:
    """Whether the account, as it is now, may have a session from there."""
    return account.enabled and permits(account.allowed_cidrs, address)
