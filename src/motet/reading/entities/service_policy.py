"""Service policies and their versions as they are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from motet.access.principals import Permission
from motet.domain.global_ids import encode_global_id
from motet.reading.filters import contains
from motet.reading.makers import column, global_id, made
from motet.reading.model import Entity, SortKey, ToMany, ToOne, Value
from motet.reading.names import camel
from motet.reading.tag_scope import SHARED

_USED = """(SELECT count(*) FROM device d
WHERE d.workspace_id = {t}.workspace_id AND d.service_policy_id = {t}.id)"""
_USED_IN_SCOPE = f"{_USED[:-1]} AND d.tags && {{tags}}::text[])"


_DNS = "dns_config_id"
"""The one field that names an object, by its row; the API names it by its global id."""


def changes_told(changes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Differences between versions, with the names that the API has for fields."""
    return [
        {
            **change,
            **({side: _dns_config(change[side]) for side in ("before", "after")} if change["field"] == _DNS else {}),
            "field": camel(change["field"]),
            "__typename": "PolicyChange",
        }
        for change in changes
    ]


def _content(content: Mapping[str, Any]) -> dict[str, Any]:
    return {camel(name): _dns_config(value) if name == _DNS else value for name, value in content.items()}


def _dns_config(row_id: int | None) -> str | None:
    return None if row_id is None else encode_global_id("DnsConfig", row_id)


SERVICE_POLICY = Entity(
    name="ServicePolicy",
    table="service_policy",
    permission=Permission.SERVICE_POLICY_READ,
    fields={
        "id": global_id("ServicePolicy"),
        "name": column("name"),
        "description": column("description"),
        "isDefault": Value(("{t}.id = {t}.workspace_id",)),
        "version": column("version"),
        "usedCount": Value((_USED,), scoped=(_USED_IN_SCOPE,)),
        "createdAt": column("created_at"),
        "updatedAt": column("updated_at"),
        "dataEnabled": column("data_enabled"),
        "smsMtEnabled": column("sms_mt_enabled"),
        "smsMoEnabled": column("sms_mo_enabled"),
        "p2pInside": column("p2p_inside"),
        "p2pOutside": column("p2p_outside"),
        "p2pLimitPerDay": column("p2p_limit_per_day"),
        "allowedRats": column("allowed_rats"),
        "breakoutRegion": column("breakout_region"),
        "dnsConfig": ToOne("DnsConfig", "dns_config_id"),
        "apn": column("apn"),
        "internetBreakout": column("internet_breakout"),
        "interDevice": column("inter_device"),
        "imeiLockMode": column("imei_lock_mode"),
        "imeiLockAppliesToSms": column("imei_lock_applies_to_sms"),
        "applySmsQuota": column("apply_sms_quota"),
        "applyDataQuota": column("apply_data_quota"),
        "smsMtLimitPerMonth": column("sms_mt_limit_per_month"),
        "smsMoLimitPerMonth": column("sms_mo_limit_per_month"),
        "dataLimitPerMonthOctets": made(float, "data_limit_per_month_octets"),
        "limitWarningPercent": column("limit_warning_percent"),
        "smsOnNbIotRefused": column("sms_on_nb_iot_refused"),
        "devices": ToMany("Device", "service_policy_id"),
        "versions": ToMany("ServicePolicyVersion", "policy_id"),
    },
    filters={"name": contains("name")},
    orders={"CREATED_AT": SortKey(), "NAME": SortKey("name")},
    scope=SHARED,
)

SERVICE_POLICY_VERSION = Entity(
    name="ServicePolicyVersion",
    table="service_policy_version",
    permission=Permission.SERVICE_POLICY_READ,
    fields={
        "id": global_id("ServicePolicyVersion"),
        "number": column("number"),
        "createdAt": column("at"),
        "actor": column("actor"),
        "restoredFrom": column("restored_from"),
        "content": made(_content, "content"),
        "diff": made(changes_told, "changes"),
        "policy": ToOne("ServicePolicy", "policy_id"),
    },
    newest_first=True,
    scope=SHARED,
)
