"""The catalogue of events: every type that is ever written, with the number that emnify's API gives it, if any."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from motet.domain.states import EventSeverity


class EventType(NamedTuple):
    """A kind of event. `token` is what is stored, filtered by, and subscribed to by webhooks."""

    token: str
    number: int | None
    """emnify's event type id (product documentation, "Event types"); None where it has or tells none."""
    severity: EventSeverity
    words: str


_INFO, _WARN = EventSeverity.INFO, EventSeverity.WARN

SIM_REGISTERED = EventType("sim.registered", 48, _INFO, "The SIM was registered")
SIM_FACTORY_TEST = EventType("sim.factory_test_started", 45, _INFO, "The SIM is in factory test")
SIM_ACTIVATED = EventType("sim.activated", 8, _INFO, "The SIM was activated")
SIM_SUSPENDED = EventType("sim.suspended", 9, _INFO, "The SIM was suspended")
SIM_DELETED = EventType("sim.deleted", 10, _INFO, "The SIM was deleted")
SIM_ASSIGNED = EventType("sim.assigned", 51, _INFO, "The SIM was put into the device")
SIM_RELEASED = EventType("sim.released", 50, _INFO, "The SIM was taken out of the device")
DEVICE_CREATED = EventType("device.created", None, _INFO, "The device was made")
DEVICE_UPDATED = EventType("device.updated", None, _INFO, "The device was changed")
DEVICE_ENABLED = EventType("device.enabled", 42, _INFO, "The device was enabled")
DEVICE_DISABLED = EventType("device.disabled", 43, _INFO, "The device was disabled")
DEVICE_DELETED = EventType("device.deleted", None, _INFO, "The device was deleted")
ALERT_RAISED = EventType("alert.raised", None, _WARN, "An alert was raised")
ALERT_REMINDED = EventType("alert.reminded", None, _WARN, "An alert still lasts")
ALERT_ACKNOWLEDGED = EventType("alert.acknowledged", None, _INFO, "An alert was acknowledged")
ALERT_RESOLVED = EventType("alert.resolved", None, _INFO, "An alert is over")
SMS_REFUSED = EventType("sms.refused", None, _WARN, "A message to the device was refused")
SMS_MO_REFUSED = EventType("sms.mo_refused", None, _WARN, "A message from the device was refused")

EVENT_TYPES: Mapping[str, EventType] = {
    one.token: one
    for one in (
        SIM_REGISTERED,
        SIM_FACTORY_TEST,
        SIM_ACTIVATED,
        SIM_SUSPENDED,
        SIM_DELETED,
        SIM_ASSIGNED,
        SIM_RELEASED,
        DEVICE_CREATED,
        DEVICE_UPDATED,
        DEVICE_ENABLED,
        DEVICE_DISABLED,
        DEVICE_DELETED,
        ALERT_RAISED,
        ALERT_REMINDED,
        ALERT_ACKNOWLEDGED,
        ALERT_RESOLVED,
        SMS_REFUSED,
        SMS_MO_REFUSED,
    )
}


def covers(patterns: Iterable[str], token: str) -> bool:
    """Whether one of the patterns (a token, `family.*` or `*`) covers the token of an event type."""
    return any(
        pattern == token or pattern == "*" or (pattern.endswith(".*") and token.startswith(pattern[:-1]))
        for pattern in patterns
    )
