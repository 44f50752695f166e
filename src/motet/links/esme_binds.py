"""Judges binds: who may, how soon after failures, and in which time, whoever asks.

Order of judgement: the pace of the address, then of the account, then the password, then the account's state. A wrong
password and an unknown system_id take as long as each other, and an address that an account may not bind from learns
nothing of its password.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from motet.access.passwords import PasswordChecker
from motet.domain.back_off import BackOff, Pace
from motet.domain.cidrs import Address, peer_of, permits
from motet.hub.accounts import Account
from motet.links.failed_binds import FailedBinds
from motet.smpp.constants import CommandStatus
from motet.smpp.pdu import Bind
from motet.storage import directory, smpp_account
from motet.storage.database import Row

if TYPE_CHECKING:
    from motet.hub.hub import Hub

ADDRESSES = 50_000
"""Addresses whose failures are remembered; one takes about 200 octets."""

ACCOUNTS = 10_000

LOOK_UPS = 4
"""Accounts looked up at once: a storm of binds leaves connections of the pool to others."""

STRANGERS = 8
"""Passwords from addresses that their account is not known at, checked at once; further ones wait in turn, and those
whose account is known at their address pass them by."""

REFUSAL_S = 1.0
"""How long the answer to an attempt that is refused unheard is held back: who asks again at once gains nothing."""

ADDRESS_PACE = Pace(free=20, first_s=0.5, most_s=60.0, patience_s=5.0)
"""Of an address, whatever it tries. A configuration with an old password is judged again within a minute."""

KNOWN_PACE = Pace(free=20, first_s=0.5, most_s=5.0, patience_s=5.0)
"""Of an account at an address that it has bound from. What others do there, or elsewhere by its name, counts not."""

ACCOUNT_PACE = Pace(free=50, first_s=0.25, most_s=2.0, patience_s=2.0)
"""Of an account at addresses that it has not bound from. A delay, never a refusal: who knows a system_id cannot lock
its ESME out."""


@dataclass(frozen=True, slots=True)
class BindRules:
    """The paces, and what time is; tests have their own."""

    address: Pace = ADDRESS_PACE
    known: Pace = KNOWN_PACE
    account: Pace = ACCOUNT_PACE
    clock: Callable[[], float] | None = None
    """Seconds; the event loop's if not given."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class Judgement(NamedTuple):
    """The answer, and the account if it is ESME_ROK; its `binds` has then been counted up."""

    status: CommandStatus
    account: Account | None
    reason: str
    """For the log."""


class BindJudge:
    """Judges the binds of one server."""

    def __init__(self, hub: Hub, passwords: PasswordChecker, rules: BindRules) -> None:
        self._hub = hub
        self._passwords = passwords
        self._sleep = rules.sleep
        self._clock = rules.clock or asyncio.get_running_loop().time
        self._addresses = BackOff(rules.address, ADDRESSES)
        self._known = BackOff(rules.known, ADDRESSES)
        self._accounts = BackOff(rules.account, ACCOUNTS)
        counts = {"address": self._addresses, "known": self._known, "account": self._accounts}
        self.failures = FailedBinds(hub, counts, self._clock)
        self._look_ups = asyncio.Semaphore(LOOK_UPS)
        self._strangers = asyncio.Semaphore(STRANGERS)

    async def judge(self, body: Bind, address: Address | None, gone: Callable[[], bool]) -> Judgement:
        """What a bind is answered; `gone` says that nobody is there any more to answer. Raises what a lost database
        connection raises."""
        peer = None if address is None else peer_of(address)
        async with self._look_ups:
            row = await smpp_account.find_for_bind(self._hub.pool(), body.system_id, peer)
        known = row is not None and row["known"]
        paced, kind = self._addresses, "address"
        key: tuple[int | Address | None, ...] = (peer,)
        if row is not None and known:
            paced, kind, key = self._known, "known", (row["id"], peer)
        wait_s = paced.turn(key, self._clock())
        if wait_s is None:
            await self._sleep(REFUSAL_S)
            return Judgement(CommandStatus.ESME_RBINDFAIL, None, "too many failures")
        if row is not None and not known:
            wait_s = max(wait_s, self._accounts.delay_s((row["id"],), self._clock()))
        if wait_s:
            await self._sleep(wait_s)
        fits = row is not None and permits(tuple(row["allowed_cidrs"]), address)
        password_hash = row["password_hash"] if row is not None and fits else None
        if known:
            right = await self._passwords.verify(password_hash, body.password)
        else:
            async with self._strangers:
                # Who asks and does not wait for the answer costs no check, and counts as wrong.
                right = not gone() and await self._passwords.verify(password_hash, body.password)
        if row is None or not right:
            self.failures.failed(kind, *key)
            if row is None:
                return Judgement(CommandStatus.ESME_RINVSYSID, None, "unknown system_id")
            if not fits:
                return Judgement(CommandStatus.ESME_RBINDFAIL, None, "address not allowed")
            self.failures.failed("account", row["id"])
            return Judgement(CommandStatus.ESME_RINVPASWD, None, "wrong password")
        return await self._admit(row)

    async def _admit(self, row: Row) -> Judgement:
        """The password is right: whether the account may have another session."""
        if not row["enabled"]:
            return Judgement(CommandStatus.ESME_RBINDFAIL, None, "disabled")
        accounts = self._hub.accounts
        account = accounts.get(row["id"])
        if account is None:
            codes = await directory.short_codes(self._hub.pool(), row["workspace_id"])
            source = next((code["code"] for code in codes if code["account_id"] == row["id"]), None)
            account = accounts.get(row["id"]) or Account(row, self._hub.open_by_account, source)
        if account.binds >= row["max_binds"]:
            return Judgement(CommandStatus.ESME_RALYBND, None, "all binds are taken")
        account.binds += 1
        accounts[account.id] = account
        try:
            return await self._as_of_now(account)
        except BaseException:
            self.release(account)
            raise

    async def _as_of_now(self, account: Account) -> Judgement:
        """Whoever changes the account from now on ends its sessions; what changed while it was judged is seen here."""
        row = await smpp_account.find_account(self._hub.pool(), account.system_id)
        if row is not None and row["enabled"] and row["password_hash"] == account.password_hash:
            account.refresh(row)
            return Judgement(CommandStatus.ESME_ROK, account, "")
        self.release(account)
        return Judgement(CommandStatus.ESME_RBINDFAIL, None, "the account was changed")

    def release(self, account: Account) -> None:
        """One bind of the account less."""
        account.binds -= 1
        if account.binds == 0 and self._hub.accounts.get(account.id) is account:
            del self._hub.accounts[account.id]
