"""Connectivity as it is read: the view of that name, the places, and resets."""

from __future__ import annotations

from motet.access.principals import Permission
from motet.domain.states import ConnectivityStatus
from motet.radio.reference import operators
from motet.reading.makers import column, global_id, made, state
from motet.reading.model import Entity, ToOne
from motet.reading.tag_scope import of_device


def _operator_name(plmn: str) -> str | None:
    operator = operators().get(plmn)
    return None if operator is None else operator.name


def _reset_state(open_orders: int, failed: str | None) -> str:
    return "PENDING" if open_orders else "DONE" if failed is None else "FAILED"


CONNECTIVITY = Entity(
    name="Connectivity",
    table="connectivity",
    permission=Permission.DEVICE_READ,
    fields={
        "id": global_id("Connectivity"),
        "status": state("status", ConnectivityStatus),
        "blockedBy": column("blocked_by"),
        "attached": column("attached"),
        "since": column("since"),
        "location": ToOne("Location", "location_id"),
        "locationIsStale": column("is_stale"),
        "openSessions": column("open_sessions"),
        "imeiSeen": column("imei"),
        "imeiSeenAt": column("imei_seen_at"),
        "imeiMatches": column("imei_matches"),
        "attachRefusedBy": column("refused"),
        "attachRefusedAt": column("refused_at"),
        "lastReset": ToOne("ConnectivityReset", "reset_id"),
    },
    scope=of_device("id"),
)

LOCATION = Entity(
    name="Location",
    table="location",
    permission=Permission.DEVICE_READ,
    fields={
        "id": global_id("Location"),
        "operator": column("operator"),
        "operatorName": made(_operator_name, "operator"),
        "country": column("country"),
        "rat": column("rat"),
        "cell": column("cell"),
        "networkNode": column("node"),
        "since": column("at"),
        "lastUpdatedAt": column("updated_at"),
    },
    newest_first=True,
    scope=of_device("device_id"),
)

CONNECTIVITY_RESET = Entity(
    name="ConnectivityReset",
    table="connectivity_reset",
    permission=Permission.DEVICE_READ,
    fields={
        "id": global_id("ConnectivityReset"),
        "state": made(_reset_state, "open_orders", "failed"),
        "location": column("location"),
        "data": column("data"),
        "actor": column("actor"),
        "requestedAt": column("at"),
        "doneAt": column("done_at"),
        "failure": column("failed"),
        "reattachedAt": column("reattached_at"),
    },
    newest_first=True,
    scope=of_device("device_id"),
)
