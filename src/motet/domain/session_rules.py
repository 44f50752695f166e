"""What decides over a record of a data session: whether it counts, where it puts the device, what its quota says."""

from __future__ import annotations

import ipaddress
from datetime import datetime, timedelta

from motet.domain.coverage_policy import Network
from motet.domain.network import MAX_SESSION_ID_CHARACTERS, SessionRecord
from motet.domain.quota import ExhaustionAction, Quota, QuotaStatus
from motet.domain.refusals import Refusal
from motet.domain.traffic_rules import Facts

MAX_AGE = timedelta(days=31)
"""A record may come this late."""

MAX_AHEAD = timedelta(hours=1)
"""A network's clock may be this far ahead of ours."""

MAX_OCTETS = 1 << 50
MAX_SEQUENCE = (1 << 31) - 1
MAX_TEXT_CHARACTERS = 100


def fault_of(record: SessionRecord, now: datetime) -> str | None:
    """Why a record cannot be counted, or None."""
    if not 0 < len(record.session_id) <= MAX_SESSION_ID_CHARACTERS or not record.session_id.isprintable():
        return f"A session's id has 1 to {MAX_SESSION_ID_CHARACTERS} printable characters"
    if not 0 <= record.sequence <= MAX_SEQUENCE:
        return f"A sequence is 0 to {MAX_SEQUENCE}"
    if not (0 <= record.octets_up <= MAX_OCTETS and 0 <= record.octets_down <= MAX_OCTETS):
        return f"Octets are 0 to {MAX_OCTETS}"
    if record.at > now + MAX_AHEAD or record.at < now - MAX_AGE:
        return "The record's time is too far from now"
    texts = (record.apn, record.region, record.operator, record.rat, record.imei, record.cause)
    if any(text is not None and (len(text) > MAX_TEXT_CHARACTERS or not text.isprintable()) for text in texts):
        return f"Texts have at most {MAX_TEXT_CHARACTERS} printable characters"
    try:
        if record.ip_address is not None:
            ipaddress.ip_address(record.ip_address)
    except ValueError:
        return "The IP address is none"
    return None


def facts_at(facts: Facts, operator: str | None, rat: str | None) -> Facts:
    """The facts for a session that is where its record says, which is newer than what else is known."""
    if operator is None and rat is None:
        return facts
    known = facts.network or Network()
    same = operator is None or operator == known.operator
    country = known.country if same else None
    return facts._replace(network=Network(country, operator or known.operator, rat or known.rat))


def quota_refusal(quota: Quota | None) -> tuple[Refusal | None, int | None]:
    """Why a quota that applies lets nothing pass, or the rate that it still lets pass."""
    if quota is None or quota.status is QuotaStatus.DISABLED:
        return Refusal.NO_QUOTA, None
    if quota.status is QuotaStatus.EXPIRED:
        return Refusal.QUOTA_EXPIRED, None
    if quota.status is QuotaStatus.EXHAUSTED:
        if quota.action is ExhaustionAction.THROTTLE:
            return None, quota.throttle_rate
        return Refusal.QUOTA_USED_UP, None
    return None, None
