"""Activation codes of consumer eSIMs: issued to people, used by phones, whose SM-DP+ tells how it goes."""

from __future__ import annotations

import asyncio
import io
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import asyncpg
import segno

from motet.access.passwords import hash_password, password_is_right
from motet.domain.activation_code import (
    MAX_CONFIRMATION_TRIES,
    ActivationCode,
    CodeState,
    CodeStep,
    check_confirmation_code,
    next_state,
)
from motet.domain.errors import DeniedError, DomainError, InvalidError, NotFoundError
from motet.domain.event_types import (
    SIM_ACTIVATION_CODE_DELETED,
    SIM_ACTIVATION_CODE_DOWNLOADED,
    SIM_ACTIVATION_CODE_ENABLED,
    SIM_ACTIVATION_CODE_EXPIRED,
    SIM_ACTIVATION_CODE_INSTALLED,
    SIM_ACTIVATION_CODE_ISSUED,
    SIM_ACTIVATION_CODE_REFUSED,
    EventType,
)
from motet.domain.global_ids import encode_global_id
from motet.domain.identities import parse_eid
from motet.domain.ids import IdGenerator
from motet.domain.network import EsimProgress, Outcome, Verdict
from motet.domain.states import EventSource, SimStatus
from motet.fleet.journal import Change, Journal
from motet.fleet.sims.sim_step import told as told_of_sim
from motet.storage import activation_code, sim
from motet.storage.acting import system_act
from motet.storage.database import Database, PooledConnection
from motet.storage.sim import LockedSim
from motet.storage.transaction import transaction

VALIDITY: Final = timedelta(days=30)
"""How long a code can be used if nobody says."""

MAX_VALIDITY: Final = timedelta(days=365)

SWEEP_ROWS = 100
"""Codes that expire in one transaction each, per look."""

QR_SCALE = 8
"""Points a module in the PNG: some 300 points in all, which phones read from a screen and from paper."""

_GROUPS, _GROUP_CHARACTERS = 4, 5
_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Without what looks alike: 100 bits in 20 characters."""

_CONFIRMATION_DIGITS = 6

_EVENTS: Final[dict[CodeState, EventType]] = {
    CodeState.ISSUED: SIM_ACTIVATION_CODE_ISSUED,
    CodeState.DOWNLOADED: SIM_ACTIVATION_CODE_DOWNLOADED,
    CodeState.INSTALLED: SIM_ACTIVATION_CODE_INSTALLED,
    CodeState.ENABLED: SIM_ACTIVATION_CODE_ENABLED,
    CodeState.DELETED: SIM_ACTIVATION_CODE_DELETED,
    CodeState.EXPIRED: SIM_ACTIVATION_CODE_EXPIRED,
}


class Issued(NamedTuple):
    """A new code. `confirmation_code` is told once, and not kept."""

    code_id: int
    confirmation_code: str | None


class PhoneStep(NamedTuple):
    """What an SM-DP+ tells of a phone with a code."""

    smdp_address: str
    matching_id: str
    step: CodeStep
    eid: str | None = None
    confirmation_code: str | None = None


class Profile(NamedTuple):
    """What the SM-DP+ puts into the profile."""

    iccid: str
    imsi: str
    msisdn: str


class ActivationCodeService:
    """The codes of all workspaces. Errors are domain errors; paths name input fields."""

    def __init__(
        self, database: Database, ids: IdGenerator, journal: Journal, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._ids = ids
        self._journal = journal
        self._clock = clock

    async def issue(
        self,
        workspace_id: int,
        actor: str,
        sim_id: int,
        smdp_address: str,
        *,
        matching_id: str | None = None,
        oid: str | None = None,
        confirm: bool = False,
        confirmation_code: str | None = None,
        expires_at: datetime | None = None,
    ) -> Issued:
        """Issue a code for a SIM: whoever shows it to the SM-DP+ gets the SIM's profile, once.

        `confirm` asks for a confirmation code too, one of our making if none is given. Raises InvalidError,
        NotFoundError, DeniedError for a deleted SIM, ConflictError if the SIM has a code that is not over.
        """
        now = self._now()
        code = ActivationCode(smdp_address, _matching_id() if matching_id is None else matching_id, oid, confirm)
        code.checked()
        if confirmation_code is not None and not confirm:
            raise InvalidError("This goes with `confirm`.", path=("confirmation_code",))
        if confirm:
            confirmation_code = (
                "".join(secrets.choice("0123456789") for _ in range(_CONFIRMATION_DIGITS))
                if confirmation_code is None
                else check_confirmation_code(confirmation_code)
            )
        expires_at = now + VALIDITY if expires_at is None else expires_at
        if not now < expires_at <= now + MAX_VALIDITY:
            raise InvalidError("This must be in the future, at most a year ahead.", path=("expires_at",))
        hashed = None if confirmation_code is None else await asyncio.to_thread(hash_password, confirmation_code)
        svg, png = await asyncio.to_thread(qr_symbols, code.text())
        code_id = self._next_id()
        async with transaction(self._database, makes=code_id, after=self._journal.committed) as connection:
            locked = await sim.lock(connection, workspace_id, sim_id)
            if locked is None:
                raise NotFoundError("There is no such SIM.", path=("sim_id",))
            if locked.status == SimStatus.DELETED:
                raise DeniedError("The SIM is deleted.", path=("sim_id",))
            await activation_code.insert(
                connection,
                workspace_id,
                code_id,
                sim_id,
                smdp_address=code.smdp_address,
                matching_id=code.matching_id,
                oid=code.oid,
                confirmation_hash=hashed,
                qr_svg=svg,
                qr_png=png,
                expires_at=expires_at,
                created_at=now,
            )
            await self._note(connection, workspace_id, code_id, CodeState.ISSUED, None, actor, sim_id, locked)
        return Issued(code_id, confirmation_code)

    async def revoke(self, workspace_id: int, actor: str, code_id: int) -> None:
        """Let a code that nobody used expire now; one that is over stays. Raises NotFoundError, DeniedError."""
        async with transaction(self._database, after=self._journal.committed) as connection:
            found = await activation_code.lock(connection, workspace_id, code_id)
            if found is None:
                raise NotFoundError("There is no such activation code.", path=("id",))
            await self._step(connection, found, CodeStep.REVOKE, None, actor)

    async def told(self, connection: PooledConnection, told: PhoneStep) -> Profile | DomainError:
        """A phone has done, or wants to do, something with a code: its profile, or why not, which is written too.

        NotFoundError for a code that was never issued, DeniedError for a step that is not possible: the code was used
        or is over, the confirmation code is wrong, another phone has it. InvalidError for an EID that is none. In the
        caller's transaction, after which `committed` is to be called.
        """
        unknown = NotFoundError("There is no such activation code.", path=("matching_id",))
        try:
            eid = None if told.eid is None else parse_eid(told.eid, ("eid",))
        except InvalidError as error:
            return error
        found = await activation_code.lock_by_matching_id(connection, told.smdp_address, told.matching_id)
        locked = None if found is None else await sim.lock(connection, found["workspace_id"], found["sim_id"])
        if found is None or locked is None:
            return unknown
        try:
            await self._judge(connection, found, told, eid, locked)
            await self._step(connection, found, told.step, eid, None)
        except DeniedError as error:
            detail = {**_told(locked, found["id"]), "eid": eid, "step": told.step.name, "reason": error.message}
            change = Change(SIM_ACTIVATION_CODE_REFUSED, locked.device_id, found["sim_id"], detail, EventSource.NETWORK)
            await self._journal.write(connection, found["workspace_id"], None, [change])
            return error
        return Profile(locked.iccid, locked.imsi, locked.msisdn)

    async def progressed(self, connection: PooledConnection, told: EsimProgress) -> Outcome:
        """See `Esims.progressed`. `reason` is the error's code."""
        step = PhoneStep(told.smdp_address, told.matching_id, CodeStep[told.step], told.eid, told.confirmation_code)
        answer = await self.told(connection, step)
        if isinstance(answer, DomainError):
            return Outcome(Verdict.REFUSED, answer.code, answer.message)
        return Outcome(Verdict.DONE, detail={"profile": answer._asdict()})

    def committed(self) -> None:
        """The transaction of `told` has ended well."""
        self._journal.committed()

    async def sweep(self) -> None:
        """Expire the codes that nobody used in time."""
        for row in await activation_code.expired(self._database.pool, self._now(), SWEEP_ROWS):
            act = system_act("activationCodeExpiry", "schedule")
            async with transaction(self._database, after=self._journal.committed, act=act) as connection:
                found = await activation_code.lock(connection, row["workspace_id"], row["id"])
                if found is not None and found["expires_at"] <= self._now():
                    await self._step(connection, found, CodeStep.EXPIRE, None, None)

    async def _judge(
        self,
        connection: PooledConnection,
        found: asyncpg.Record,
        told: PhoneStep,
        eid: str | None,
        locked: LockedSim,
    ) -> None:
        """Raises DeniedError for what the table of states cannot know. A wrong confirmation code is counted; the last
        one ends the code."""
        if found["eid"] is not None and eid is not None and eid != found["eid"]:
            raise DeniedError("Another phone has used this code.", path=("eid",))
        if told.step is not CodeStep.DOWNLOAD:
            return
        next_state(CodeState(found["state"]), CodeStep.DOWNLOAD)
        if locked.status == SimStatus.DELETED:
            raise DeniedError("The SIM is deleted.", path=("matching_id",))
        if found["expires_at"] <= self._now():
            await self._step(connection, found, CodeStep.EXPIRE, None, None)
            raise DeniedError("The code is no longer valid.", path=("matching_id",))
        if found["confirmation_hash"] is None:
            return
        given = told.confirmation_code
        if given is None:
            raise DeniedError("A confirmation code is required.", path=("confirmation_code",))
        if not await asyncio.to_thread(password_is_right, found["confirmation_hash"], given):
            tries = await activation_code.count_try(connection, found["workspace_id"], found["id"])
            if tries >= MAX_CONFIRMATION_TRIES:
                await self._step(connection, found, CodeStep.REVOKE, None, None)
            raise DeniedError("The confirmation code is wrong.", path=("confirmation_code",))

    async def _step(
        self, connection: PooledConnection, found: asyncpg.Record, step: CodeStep, eid: str | None, actor: str | None
    ) -> None:
        """Move a locked code, and tell it. Raises DeniedError; a step that changes nothing is not told."""
        before = CodeState(found["state"])
        after = next_state(before, step)
        if after is before:
            return
        locked = await sim.lock(connection, found["workspace_id"], found["sim_id"])
        if locked is not None:
            await self._note(connection, found["workspace_id"], found["id"], after, eid, actor, found["sim_id"], locked)

    async def _note(
        self,
        connection: PooledConnection,
        workspace_id: int,
        code_id: int,
        state: CodeState,
        eid: str | None,
        actor: str | None,
        sim_id: int,
        locked: LockedSim,
    ) -> None:
        at = self._now()
        await activation_code.set_state(connection, workspace_id, code_id, state, eid, at)
        await activation_code.add_step(connection, workspace_id, self._next_id(), code_id, state, eid, actor, at)
        detail = _told(locked, code_id)
        if eid is not None:
            detail["eid"] = eid
        source = EventSource.API if actor is not None else EventSource.NETWORK
        source = EventSource.POLICY if actor is None and state is CodeState.EXPIRED else source
        change = Change(_EVENTS[state], locked.device_id, sim_id, detail, source)
        await self._journal.write(connection, workspace_id, actor, [change])

    def _next_id(self) -> int:
        return self._ids.next(int(self._clock() * 1_000))

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)


def qr_symbols(text: str) -> tuple[str, bytes]:
    """The QR symbol of a text as SVG, and as PNG (ISO/IEC 18004; error correction M, as SGP.22 leaves open)."""
    symbol = segno.make(text, error="m", micro=False)
    png = io.BytesIO()
    symbol.save(png, kind="png", scale=QR_SCALE)
    return symbol.svg_inline(scale=QR_SCALE, omitsize=True), png.getvalue()


def _matching_id() -> str:
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP_CHARACTERS)) for _ in range(_GROUPS))
    return "-".join(groups)


def _told(locked: LockedSim, code_id: int) -> dict[str, Any]:
    return {
        **told_of_sim(locked.iccid, locked.imsi, locked.msisdn),
        "activation_code": encode_global_id("ActivationCode", code_id),
    }
