"""Alert rules and alerts as they are read."""

from __future__ import annotations

from motet.access.principals import Permission
from motet.domain.alerts import AlertGrouping, AlertState
from motet.domain.states import EventSeverity
from motet.reading.filters import one_of, refers_to
from motet.reading.makers import column, global_id, state, time_of_id
from motet.reading.model import Entity, ToMany, ToOne
from motet.reading.tag_scope import SHARED, of_device_or_sim

ALERT_RULE = Entity(
    name="AlertRule",
    table="alert_rule",
    permission=Permission.ALERT_READ,
    fields={
        "id": global_id("AlertRule"),
        "name": column("name"),
        "enabled": column("enabled"),
        "eventTypes": column("event_types"),
        "minimumSeverity": state("minimum_severity", EventSeverity),
        "deviceTags": column("device_tags"),
        "groupBy": state("group_by", AlertGrouping),
        "threshold": column("threshold"),
        "windowS": column("window_s"),
        "severity": state("severity", EventSeverity),
        "quietS": column("quiet_s"),
        "resolvedBy": column("resolved_by"),
        "remindS": column("remind_s"),
        "createdAt": column("created_at"),
        "alerts": ToMany("Alert", "rule_id"),
    },
    scope=SHARED,
)

ALERT = Entity(
    name="Alert",
    table="alert",
    permission=Permission.ALERT_READ,
    fields={
        "id": global_id("Alert"),
        "state": state("state", AlertState),
        "severity": state("severity", EventSeverity),
        "ruleName": column("rule_name"),
        "eventCount": column("event_count"),
        "firstEventAt": column("first_event_at"),
        "lastEventAt": column("last_event_at"),
        "acknowledgedAt": column("acknowledged_at"),
        "acknowledgedBy": column("acknowledged_by"),
        "resolvedAt": column("resolved_at"),
        "createdAt": time_of_id(),
        "rule": ToOne("AlertRule", "rule_id"),
        "lastEvent": ToOne("Event", "last_event_id"),
        "device": ToOne("Device", "device_id"),
        "sim": ToOne("Sim", "sim_id"),
    },
    filters={
        "state": one_of("state", AlertState),
        "severity": one_of("severity", EventSeverity),
        "ruleId": refers_to("rule_id", "AlertRule"),
        "deviceId": refers_to("device_id", "Device"),
    },
    newest_first=True,
    scope=of_device_or_sim("device_id", "sim_id"),
)
