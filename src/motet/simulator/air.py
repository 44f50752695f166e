"""Where phones are, what data they carry, which operators fail. Tells Motet; what Motet refuses does not stay.

`now` is Unix seconds. Every change goes to the store's pending writes; the caller commits them before it answers.
"""

import time
from collections.abc import Callable
from typing import Any

from motet.simulator.notices import Notice, Notices, Result, moment
from motet.simulator.phones import MAX_PHONES, Phone, PhoneIdentity
from motet.simulator.store import Store

DEFAULT_OPERATOR = "26201"
"""Where a phone comes into the air that was put nowhere."""

DEFAULT_RAT = "LTE"
DEFAULT_APN = "iot.example"
MAX_SESSIONS = 10
"""Data sessions that one phone has at a time (TS 24.301 §6.4.1.1: eight bearers, and some more)."""


class AirError(Exception):
    """It cannot be; the message says why."""


class DataSession:
    """An open data session; `sequence` is that of the next record."""

    __slots__ = ("apn", "opened_at", "phone", "sequence", "session_id")

    def __init__(self, phone: Phone, session_id: str, sequence: int, opened_at: float, apn: str) -> None:
        self.phone = phone
        self.session_id = session_id
        self.sequence = sequence
        self.opened_at = opened_at
        self.apn = apn


class Air:
    """The visited networks as a whole."""

    def __init__(
        self,
        store: Store,
        phones: dict[str, Phone],
        notices: Notices,
        wake: Callable[[Phone], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`wake` is called when texts that wait for the phone may go on."""
        self.clock = clock
        self.phones = phones
        self.outages: set[str] = set(store.all_outages())
        self._store = store
        self._notices = notices
        self._wake = wake
        self._numbers = store.numbers("session", 1)
        self._sessions: dict[str, DataSession] = {}
        self._by_phone: dict[str, dict[str, DataSession]] = {}
        for session_id, msisdn, sequence, opened_at, apn in store.all_sessions():
            if phone := phones.get(msisdn):
                self._keep(DataSession(phone, session_id, sequence, opened_at, apn))
        notices.on_answer = self.answered

    def sessions_of(self, phone: Phone) -> list[DataSession]:
        """The phone's open data sessions, oldest first."""
        return list(self._by_phone.get(phone.identity.msisdn, {}).values())

    def add_phone(self, identity: PhoneIdentity) -> Phone:
        """A phone for a new subscription; one with its number gets its other numbers. Raises AirError."""
        phone = self.phones.get(identity.msisdn)
        if phone is None:
            if len(self.phones) >= MAX_PHONES:
                raise AirError(f"there are {MAX_PHONES} phones already")
            phone = self.phones[identity.msisdn] = Phone(identity)
            phone.attached = False
            self._store.added.append(tuple(identity))
            self._save(phone)
        elif phone.identity != identity:
            phone.identity = identity
            self._store.added.append(tuple(identity))
        return phone

    def place(self, phone: Phone, now: float, changes: dict[str, Any]) -> Notice | None:
        """Put the phone somewhere: `attached`, `operator`, `rat`, `cell`, `imei`. What Motet is told of it."""
        attached = changes.pop("attached", phone.attached or (phone.wanted and "operator" in changes))
        moved = {name for name, value in changes.items() if name != "imei" and getattr(phone, name) != value}
        for name, value in changes.items():
            setattr(phone, name, value)
        if not attached:
            phone.wanted = False
            notice = self.detach(phone, now, "SWITCHED_OFF") if phone.attached else None
            if notice is None and "imei" in changes and phone.imei is not None:
                notice = self._notices.add("imei_seen", now, sim=phone.identity.iccid, imei=phone.imei)
            self._save(phone)
            return notice
        phone.wanted = True
        if not phone.attached or "operator" in moved or "attached" in changes:
            return self.attach(phone, now)
        notice = self._notices.add("location_updated", now, **self._where(phone))
        self._save(phone)
        return notice

    def attach(self, phone: Phone, now: float) -> Notice | None:
        """The phone tries to get into its network."""
        phone.operator = phone.operator or DEFAULT_OPERATOR
        phone.rat = phone.rat or DEFAULT_RAT
        phone.refused = None
        if phone.operator in self.outages:
            if phone.attached:
                self.detach(phone, now, "OUTAGE")
            self._save(phone)
            return self._notices.add(
                "attach_failed", now, sim=phone.identity.imsi, reason="OUTAGE", operator=phone.operator, rat=phone.rat
            )
        phone.attached = True
        self._save(phone)
        self._wake(phone)
        return self._notices.add("attached", now, **self._where(phone))

    def detach(self, phone: Phone, now: float, reason: str) -> Notice | None:
        """The phone is in no network any more; its data sessions end."""
        self.close_sessions(phone, now, reason)
        phone.attached = False
        self._save(phone)
        return self._notices.add("detached", now, sim=phone.identity.iccid, reason=reason)

    def set_outage(self, operator: str, now: float, *, out: bool) -> int:
        """The operator's network fails, or works again: how many phones were thrown out, or tried to come back."""
        if out == (operator in self.outages):
            return 0
        self._notices.add("outage", now, operator=operator, out=out)
        there = [phone for phone in self.phones.values() if phone.operator == operator]
        if out:
            self.outages.add(operator)
            self._store.outages.append((operator,))
            there = [phone for phone in there if phone.attached]
            for phone in there:
                self.detach(phone, now, "OUTAGE")
                self.attach(phone, now)
        else:
            self.outages.discard(operator)
            self._store.outages_done.append((operator,))
            there = [phone for phone in there if phone.wanted and not phone.attached]
            for phone in there:
                self.attach(phone, now)
        return len(there)

    def bring_back(self, phone: Phone, now: float) -> None:
        """What kept the phone out may be over: it tries again, as phones do."""
        phone.wanted = True
        if not phone.attached:
            self.attach(phone, now)

    def reattach(self, phone: Phone, now: float) -> None:
        """The network forgets the phone, which comes anew (TS 23.401 §5.3.8.4: re-attach required)."""
        if phone.attached:
            self.detach(phone, now, "CANCEL_LOCATION")
            self.attach(phone, now)

    def leave(self, identity: PhoneIdentity) -> None:
        """See `euiccs.Subscriptions`."""
        phone = self.phones.get(identity.msisdn)
        if phone is not None:
            phone.wanted = False
            if phone.attached:
                self.detach(phone, self.clock(), "PROFILE_DISABLED")
            self._save(phone)

    def enter(self, identity: PhoneIdentity, *, attaches: bool, after: PhoneIdentity | None = None) -> None:
        """See `euiccs.Subscriptions`."""
        phone = self.add_phone(identity)
        if after is not None and (before := self.phones.get(after.msisdn)) is not None:
            phone.operator, phone.rat, phone.cell, phone.imei = before.operator, before.rat, before.cell, before.imei
        if attaches:
            self.bring_back(phone, self.clock())
        else:
            phone.wanted = False
            self._save(phone)

    def open_session(
        self, phone: Phone, now: float, apn: str | None, session_id: str | None
    ) -> tuple[DataSession, Notice | None]:
        """Open a data session, which Motet is asked about by its first record. Raises AirError."""
        if len(self.sessions_of(phone)) >= MAX_SESSIONS:
            raise AirError(f"a phone has at most {MAX_SESSIONS} data sessions")
        session_id = session_id or f"{phone.identity.msisdn}-{next(self._numbers)}"
        session = DataSession(phone, session_id, 0, now, apn or DEFAULT_APN)
        self._keep(session)
        return session, self.record(session, now)

    def drop(self, session: DataSession) -> None:
        """Motet did not let it be: there is nothing more to tell of it."""
        self._forget(session)

    def record(
        self, session: DataSession, now: float, up: int = 0, down: int = 0, cause: str | None = None
    ) -> Notice | None:
        """Tell what the session carried; with a cause it is closed."""
        phone = session.phone
        notice = self._notices.add(
            "session",
            now,
            sim=phone.identity.iccid,
            session_id=session.session_id,
            sequence=session.sequence,
            octets_up=up,
            octets_down=down,
            opened_at=moment(session.opened_at),
            closed=True if cause else None,
            cause=cause,
            apn=session.apn,
            operator=phone.operator,
            rat=phone.rat,
            imei=phone.imei,
        )
        session.sequence += 1
        if cause:
            self._forget(session)
        else:
            self._store.sessions.append(
                (session.session_id, phone.identity.msisdn, session.sequence, session.opened_at, session.apn)
            )
        return notice

    def close_sessions(self, phone: Phone, now: float, cause: str) -> int:
        """End the phone's data sessions: how many there were."""
        sessions = self.sessions_of(phone)
        for session in sessions:
            self.record(session, now, cause=cause)
        return len(sessions)

    def session(self, phone: Phone, session_id: str | None) -> DataSession | None:
        """The phone's session of that name, or its newest one."""
        if session_id is not None:
            found = self._sessions.get(session_id)
            return found if found is not None and found.phone is phone else None
        sessions = self.sessions_of(phone)
        return sessions[-1] if sessions else None

    def answered(self, notice: Notice, result: Result) -> None:
        """Motet has answered: what it refuses does not stay."""
        if result.get("verdict") != "refused":
            return
        body = notice.body
        refused = (str(result.get("reason")), str(result.get("words")))
        if body["type"] == "session":
            session = self._sessions.get(body["session_id"])
            if session is not None and result.get("decision") == "REFUSE":
                self._forget(session)
            elif session is not None:
                self.record(session, self.clock(), cause="CUT")
        elif body["type"] in ("attached", "location_updated"):
            phone = next((one for one in self._named(body["sim"])), None)
            if phone is not None and phone.attached:
                self.close_sessions(phone, self.clock(), "REFUSED")
                phone.attached, phone.refused = False, refused
                self._save(phone)

    def _named(self, imsi: str) -> list[Phone]:
        return [phone for phone in self.phones.values() if phone.identity.imsi == imsi]

    def _where(self, phone: Phone) -> dict[str, Any]:
        return {
            "sim": phone.identity.imsi,
            "operator": phone.operator or DEFAULT_OPERATOR,
            "rat": phone.rat or DEFAULT_RAT,
            "cell": phone.cell,
            "imei": phone.imei,
        }

    def _keep(self, session: DataSession) -> None:
        self._sessions[session.session_id] = session
        self._by_phone.setdefault(session.phone.identity.msisdn, {})[session.session_id] = session

    def _forget(self, session: DataSession) -> None:
        self._sessions.pop(session.session_id, None)
        of_phone = self._by_phone.get(session.phone.identity.msisdn, {})
        of_phone.pop(session.session_id, None)
        if not of_phone:
            self._by_phone.pop(session.phone.identity.msisdn, None)
        self._store.sessions_done.append((session.session_id,))

    def _save(self, phone: Phone) -> None:
        reason, words = phone.refused or (None, None)
        self._store.air.append(
            (
                phone.identity.msisdn, phone.attached, phone.wanted, phone.operator, phone.rat, phone.cell, phone.imei,
                reason, words,
            )
        )  # fmt: skip


def restore(store: Store, phones: dict[str, Phone]) -> None:
    """Bring phones back to where the store knows them, before texts are looked at."""
    for msisdn, imsi, iccid in store.all_added():
        identity = PhoneIdentity(msisdn, imsi, iccid)
        phone = phones.get(msisdn)
        if phone is None:
            phones[msisdn] = Phone(identity)
        else:
            phone.identity = identity
    for msisdn, attached, wanted, operator, rat, cell, imei, reason, words in store.all_air():
        if phone := phones.get(msisdn):
            phone.attached, phone.wanted = bool(attached), bool(wanted)
            phone.operator, phone.rat, phone.cell, phone.imei = operator, rat, cell, imei
            phone.refused = None if reason is None else (reason, words or "")
