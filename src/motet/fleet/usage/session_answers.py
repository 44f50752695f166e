"""What is answered to a network about a data session, in the words in which all notifications are answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from motet.domain.data_session import Decision, SessionVerdict
from motet.domain.network import Outcome, SessionRecord, Verdict
from motet.fleet.usage.session import SessionService
from motet.fleet.usage.session_settings import SessionSettings

_NOT_OURS: Final = {"UNKNOWN_SUBSCRIBER": Verdict.UNKNOWN_SIM, "INVALID_RECORD": Verdict.INVALID}


class SessionAnswers:
    """The port `SessionRecords` over the service that counts and decides."""

    def __init__(self, sessions: SessionService, settings: SessionSettings) -> None:
        self._sessions = sessions
        self._settings = settings

    async def ingest(self, records: Sequence[SessionRecord]) -> list[Outcome]:
        """See `SessionRecords.ingest`. A session that may be opened is told what it is to have."""
        outcomes = [outcome_of(verdict) for verdict in await self._sessions.ingest(records)]
        opened = [
            record
            for record, outcome in zip(records, outcomes, strict=True)
            if record.sequence == 0 and outcome.verdict is Verdict.DONE
        ]
        settings = await self._settings.of(opened)
        return [
            replace(outcome, detail={**(outcome.detail or {}), "session": settings[record.sim]})
            if record.sequence == 0 and outcome.verdict is Verdict.DONE and record.sim in settings
            else outcome
            for record, outcome in zip(records, outcomes, strict=True)
        ]


def outcome_of(verdict: SessionVerdict) -> Outcome:
    """REFUSED with `decision` REFUSE (do not open it) or CUT (close it now), else DONE."""
    detail: dict[str, object] = {}
    if verdict.throttle_kbit_s is not None:
        detail["throttle_kbit_s"] = verdict.throttle_kbit_s
    if verdict.decision is Decision.ALLOW:
        return Outcome(Verdict.DONE, None, verdict.words, detail or None, verdict.repeated)
    kind = _NOT_OURS.get(verdict.reason or "", Verdict.REFUSED)
    if kind is Verdict.REFUSED:
        detail["decision"] = verdict.decision.value
    return Outcome(kind, verdict.reason, verdict.words, detail or None, verdict.repeated)
