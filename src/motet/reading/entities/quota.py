"""Quotas, their pools and their top-ups as they are read."""

from __future__ import annotations

from motet.access.principals import Permission
from motet.domain.quota import ExhaustionAction, QuotaService, QuotaStatus, Refill
from motet.reading.entities.usage import whole
from motet.reading.filters import equals, one_of, refers_to
from motet.reading.makers import column, global_id, state
from motet.reading.model import Entity, ToMany, ToOne, Value
from motet.reading.tag_scope import Ground, TagScope, of_device, of_row

_POOL = TagScope("{t}.tag = ANY({tags}::text[])", rests_on=(Ground("quota_pool", "{t}.id"),))
"""The pool of a tag of the scope: all of its devices are in it."""

_QUOTA = TagScope(
    f"CASE WHEN {{t}}.pool_id IS NULL THEN {of_device('device_id').condition}"
    f" ELSE {of_row('quota_pool', 'pool_id', _POOL).condition} END",
    rests_on=(Ground("device", "{t}.device_id"), Ground("quota_pool", "{t}.pool_id")),
)

QUOTA = Entity(
    name="Quota",
    table="quota",
    permission=Permission.QUOTA_READ,
    fields={
        "id": global_id("Quota"),
        "service": state("service", QuotaService),
        "status": state("status", QuotaStatus),
        "volume": whole("volume"),
        "used": whole("used"),
        "remaining": Value(("greatest(0, {t}.volume - {t}.used)",), float),
        "refillVolume": whole("refill_volume"),
        "refill": state("refill", Refill),
        "timeZone": column("time_zone"),
        "rollover": column("rollover"),
        "thresholdPercents": column("thresholds"),
        "action": state("action", ExhaustionAction),
        "throttleRate": column("throttle_rate"),
        "periodStartedAt": column("period_started_at"),
        "nextRefillAt": column("next_refill_at"),
        "expiresAt": column("expires_at"),
        "statusChangedAt": column("status_changed_at"),
        "createdAt": column("created_at"),
        "device": ToOne("Device", "device_id"),
        "pool": ToOne("QuotaPool", "pool_id"),
        "topUps": ToMany("QuotaTopUp", "quota_id"),
    },
    filters={
        "service": one_of("service", QuotaService),
        "status": one_of("status", QuotaStatus),
        "deviceId": refers_to("device_id", "Device"),
        "poolId": refers_to("pool_id", "QuotaPool"),
    },
    scope=_QUOTA,
)

QUOTA_POOL = Entity(
    name="QuotaPool",
    table="quota_pool",
    permission=Permission.QUOTA_READ,
    fields={
        "id": global_id("QuotaPool"),
        "name": column("name"),
        "tag": column("tag"),
        "createdAt": column("created_at"),
        "quotas": ToMany("Quota", "pool_id"),
    },
    filters={"tag": equals("tag")},
    scope=_POOL,
)

QUOTA_TOP_UP = Entity(
    name="QuotaTopUp",
    table="quota_top_up",
    permission=Permission.QUOTA_READ,
    fields={
        "id": global_id("QuotaTopUp"),
        "amount": whole("amount"),
        "actor": column("actor"),
        "at": column("at"),
        "quota": ToOne("Quota", "quota_id"),
    },
    newest_first=True,
    scope=of_row("quota", "quota_id", _QUOTA),
)
