"""What is told of quotas and monthly limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from motet.domain import event_types as types
from motet.domain.event_types import EventType
from motet.domain.global_ids import encode_global_id
from motet.domain.quota import Happening, MonthLimit, Quota, QuotaService, Told
from motet.domain.states import EventSource
from motet.fleet.journal import Change
from motet.storage.quota import StoredQuota

DATA, SMS = QuotaService.DATA, QuotaService.SMS

HAPPENED: Final[Mapping[tuple[QuotaService, Happening], EventType]] = {
    (DATA, Happening.THRESHOLD_REACHED): types.QUOTA_DATA_THRESHOLD,
    (DATA, Happening.USED_UP): types.QUOTA_DATA_USED_UP,
    (DATA, Happening.EXPIRED): types.QUOTA_DATA_EXPIRED,
    (DATA, Happening.REFILLED): types.QUOTA_REFILLED,
    (SMS, Happening.THRESHOLD_REACHED): types.QUOTA_SMS_THRESHOLD,
    (SMS, Happening.USED_UP): types.QUOTA_SMS_USED_UP,
    (SMS, Happening.EXPIRED): types.QUOTA_SMS_EXPIRED,
    (SMS, Happening.REFILLED): types.QUOTA_REFILLED,
}
ASSIGNED: Final = {DATA: types.QUOTA_DATA_ASSIGNED, SMS: types.QUOTA_SMS_ASSIGNED}
DELETED: Final = {DATA: types.QUOTA_DATA_DELETED, SMS: types.QUOTA_SMS_DELETED}
ENABLED: Final = {DATA: types.QUOTA_DATA_ENABLED, SMS: types.QUOTA_SMS_ENABLED}
DISABLED: Final = {DATA: types.QUOTA_DATA_DISABLED, SMS: types.QUOTA_SMS_DISABLED}


def happened(stored: StoredQuota, told: Told) -> Change:
    """The change that tells of something that came of use or time."""
    kind = HAPPENED[stored.quota.service, told.what]
    extra: dict[str, Any] = {}
    words = None
    if told.percent is not None:
        extra = {
            "threshold_percentage": told.percent,
            "threshold_volume": stored.quota.volume * told.percent // 100,
        }
    if told.what is Happening.THRESHOLD_REACHED:
        words = f"{kind.words}: {told.percent} % are used"
    return Change(kind, stored.device_id, detail={**detail_of(stored), **extra}, source=EventSource.POLICY, words=words)


def asked_for(kind: EventType, stored: StoredQuota, **extra: Any) -> Change:
    """The change that tells of something that somebody did."""
    return Change(kind, stored.device_id, detail={**detail_of(stored), **extra})


def detail_of(stored: StoredQuota) -> dict[str, Any]:
    quota: Quota = stored.quota
    return {
        "quota": {
            "id": encode_global_id("Quota", stored.id),
            "pool_id": None if stored.pool_id is None else encode_global_id("QuotaPool", stored.pool_id),
        },
        "traffic_type": quota.service.name,
        "volume": quota.volume,
        "used": quota.used,
    }


def limit_told(
    device_id: int, kind: MonthLimit, *, reached: bool, used: int, limit: int, percent: int | None
) -> Change:
    """A device has reached its monthly limit, or comes near it."""
    return Change(
        types.LIMIT_REACHED if reached else types.LIMIT_WARNING,
        device_id,
        detail={"limit": kind.name, "used": used, "volume": limit, "warning_percentage": percent},
        source=EventSource.POLICY,
    )
