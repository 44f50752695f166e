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
SIM_MOVED_OUT = EventType("sim.moved_out", None, _INFO, "The SIM went to another workspace")
SIM_MOVED_IN = EventType("sim.moved_in", None, _INFO, "The SIM came from another workspace")
SIM_DELETED = EventType("sim.deleted", 10, _INFO, "The SIM was deleted")
SIM_SCHEDULE_REFUSED = EventType("sim.schedule_refused", None, _WARN, "What was scheduled for the SIM was refused")
SIM_BATCH_REGISTERED = EventType("sim.batch_registered", None, _INFO, "The batch of SIMs was registered")
SIM_ORDER_PLACED = EventType("sim.order_placed", None, _INFO, "The order of SIMs was placed")
SIM_ORDER_PRODUCED = EventType("sim.order_produced", None, _INFO, "The SIMs of the order were produced")
SIM_ORDER_SHIPPED = EventType("sim.order_shipped", None, _INFO, "The order of SIMs was shipped")
SIM_ORDER_DELIVERED = EventType("sim.order_delivered", None, _INFO, "The order of SIMs was delivered")
SIM_ORDER_CANCELLED = EventType("sim.order_cancelled", None, _INFO, "The order of SIMs was cancelled")
SIM_ASSIGNED = EventType("sim.assigned", 51, _INFO, "The SIM was put into the device")
SIM_RELEASED = EventType("sim.released", 50, _INFO, "The SIM was taken out of the device")
SIM_PROFILE_ADDED = EventType("sim.profile_added", None, _INFO, "A profile waits for the eUICC")
SIM_PROFILE_DOWNLOADED = EventType("sim.profile_downloaded", None, _INFO, "A profile was downloaded to the eUICC")
SIM_PROFILE_ENABLED = EventType("sim.profile_enabled", None, _INFO, "Another profile of the eUICC was enabled")
SIM_PROFILE_DISABLED = EventType("sim.profile_disabled", None, _INFO, "The eUICC fell back to its fallback profile")
SIM_PROFILE_DELETED = EventType("sim.profile_deleted", None, _INFO, "A profile was deleted from the eUICC")
SIM_PROFILE_ROLLED_BACK = EventType("sim.profile_rolled_back", None, _WARN, "The eUICC went back to another profile")
SIM_FALLBACK_PROFILE_SET = EventType("sim.fallback_profile_set", None, _INFO, "The eUICC has another fallback profile")
SIM_EUICC_OPERATION_FAILED = EventType("sim.euicc_operation_failed", None, _WARN, "An operation on the eUICC failed")
SIM_EUICC_OPERATION_EXPIRED = EventType(
    "sim.euicc_operation_expired", None, _WARN, "An operation on the eUICC had no result in time"
)
SIM_IMSI_ADDED = EventType("sim.imsi_added", None, _INFO, "The SIM has another IMSI to choose from")
SIM_IMSI_REMOVED = EventType("sim.imsi_removed", None, _INFO, "An IMSI was taken from the SIM")
SIM_IMSI_SWITCHED = EventType("sim.imsi_switched", None, _INFO, "The SIM uses another of its IMSIs")
SIM_IMSI_SWITCH_FAILED = EventType("sim.imsi_switch_failed", None, _WARN, "The network did not switch the IMSI")
SIM_IMSI_EXHAUSTED = EventType("sim.imsi_exhausted", None, _WARN, "The SIM has no IMSI left that could be used")
SIM_ACTIVATION_CODE_ISSUED = EventType("sim.activation_code_issued", None, _INFO, "An activation code was issued")
SIM_ACTIVATION_CODE_DOWNLOADED = EventType(
    "sim.activation_code_downloaded", None, _INFO, "A phone has downloaded the eSIM's profile"
)
SIM_ACTIVATION_CODE_INSTALLED = EventType(
    "sim.activation_code_installed", None, _INFO, "The eSIM's profile is installed on a phone, not in use"
)
SIM_ACTIVATION_CODE_ENABLED = EventType(
    "sim.activation_code_enabled", None, _INFO, "The eSIM's profile is in use on a phone"
)
SIM_ACTIVATION_CODE_DELETED = EventType(
    "sim.activation_code_deleted", None, _INFO, "The eSIM's profile was deleted from the phone"
)
SIM_ACTIVATION_CODE_EXPIRED = EventType(
    "sim.activation_code_expired", None, _INFO, "An activation code is no longer valid"
)
SIM_ACTIVATION_CODE_REFUSED = EventType(
    "sim.activation_code_refused", None, _WARN, "A phone was refused the eSIM's profile"
)
DEVICE_CREATED = EventType("device.created", None, _INFO, "The device was made")
DEVICE_UPDATED = EventType("device.updated", None, _INFO, "The device was changed")
DEVICE_ENABLED = EventType("device.enabled", 42, _INFO, "The device was enabled")
DEVICE_DISABLED = EventType("device.disabled", 43, _INFO, "The device was disabled")
DEVICE_DELETED = EventType("device.deleted", None, _INFO, "The device was deleted")
ALERT_RAISED = EventType("alert.raised", None, _WARN, "An alert was raised")
ALERT_REMINDED = EventType("alert.reminded", None, _WARN, "An alert still lasts")
ALERT_ACKNOWLEDGED = EventType("alert.acknowledged", None, _INFO, "An alert was acknowledged")
ALERT_RESOLVED = EventType("alert.resolved", None, _INFO, "An alert is over")
SESSION_CREATED = EventType("session.created", 3, _INFO, "A data session was opened")
SESSION_UPDATED = EventType("session.updated", 4, _INFO, "A data session goes on elsewhere")
SESSION_DELETED = EventType("session.deleted", 5, _INFO, "A data session ended")
SESSION_CUT = EventType("session.cut", None, _WARN, "A data session is being cut")
QUOTA_DATA_THRESHOLD = EventType("quota.data_threshold_reached", 18, _WARN, "A data quota reached a threshold")
QUOTA_DATA_USED_UP = EventType("quota.data_used_up", 19, _WARN, "A data quota is used up")
QUOTA_SMS_THRESHOLD = EventType("quota.sms_threshold_reached", 20, _WARN, "An SMS quota reached a threshold")
QUOTA_SMS_USED_UP = EventType("quota.sms_used_up", 21, _WARN, "An SMS quota is used up")
QUOTA_DATA_ENABLED = EventType("quota.data_enabled", 52, _INFO, "A data quota was enabled")
QUOTA_DATA_DISABLED = EventType("quota.data_disabled", 53, _INFO, "A data quota was disabled")
QUOTA_SMS_ENABLED = EventType("quota.sms_enabled", 54, _INFO, "An SMS quota was enabled")
QUOTA_SMS_DISABLED = EventType("quota.sms_disabled", 55, _INFO, "An SMS quota was disabled")
QUOTA_DATA_ASSIGNED = EventType("quota.data_assigned", 56, _INFO, "A data quota was made")
QUOTA_DATA_DELETED = EventType("quota.data_deleted", 57, _INFO, "A data quota was deleted")
QUOTA_SMS_ASSIGNED = EventType("quota.sms_assigned", 58, _INFO, "An SMS quota was made")
QUOTA_SMS_DELETED = EventType("quota.sms_deleted", 59, _INFO, "An SMS quota was deleted")
QUOTA_DATA_EXPIRED = EventType("quota.data_expired", 60, _WARN, "A data quota expired")
QUOTA_SMS_EXPIRED = EventType("quota.sms_expired", None, _WARN, "An SMS quota expired")
QUOTA_UPDATED = EventType("quota.updated", None, _INFO, "A quota was changed")
QUOTA_TOPPED_UP = EventType("quota.topped_up", None, _INFO, "A quota was topped up")
QUOTA_REFILLED = EventType("quota.refilled", None, _INFO, "A quota was refilled")
QUOTA_POOL_CREATED = EventType("quota.pool_created", None, _INFO, "A quota pool was made")
QUOTA_POOL_UPDATED = EventType("quota.pool_updated", None, _INFO, "A quota pool was changed")
QUOTA_POOL_DELETED = EventType("quota.pool_deleted", None, _INFO, "A quota pool was deleted")
LIMIT_WARNING = EventType("quota.limit_warning", None, _WARN, "The device comes near its monthly limit")
LIMIT_REACHED = EventType("quota.limit_reached", None, _WARN, "The device has reached its monthly limit")
LIMIT_EXTENDED = EventType("quota.limit_extended", None, _INFO, "The device's monthly limit was extended")
DEVICE_ATTACHED = EventType("device.attached", 1, _INFO, "The device came into a network")
DEVICE_LOCATION_UPDATED = EventType("device.location_updated", 2, _INFO, "The device is elsewhere in the network")
DEVICE_DETACHED = EventType("device.detached", 15, _INFO, "The device left its network")
DEVICE_ATTACH_REFUSED = EventType("device.attach_refused", None, _WARN, "The device was kept out of a network")
DEVICE_ATTACH_FAILED = EventType("device.attach_failed", None, _WARN, "A network did not let the device in")
DEVICE_IMEI_BOUND = EventType("device.imei_bound", None, _INFO, "The SIM was locked to the equipment that it is in")
DEVICE_IMEI_CHANGED = EventType("device.imei_changed", None, _INFO, "The SIM is in other equipment than before")
DEVICE_IMEI_MISMATCH = EventType(
    "device.imei_mismatch", 11, _WARN, "The SIM is in other equipment than it is locked to"
)
DEVICE_CONNECTIVITY_RESET = EventType(
    "device.connectivity_reset", None, _INFO, "The device's connectivity is being reset"
)
DEVICE_RESET_DONE = EventType("device.reset_done", None, _INFO, "The device is back after a reset")
DEVICE_RESET_FAILED = EventType("device.reset_failed", None, _WARN, "The network did not reset the device")
SERVICE_POLICY_CREATED = EventType("service_policy.created", None, _INFO, "The service policy was made")
SERVICE_POLICY_UPDATED = EventType("service_policy.updated", None, _INFO, "The service policy was changed")
SERVICE_POLICY_DELETED = EventType("service_policy.deleted", None, _INFO, "The service policy was deleted")
COVERAGE_POLICY_CREATED = EventType("coverage_policy.created", None, _INFO, "The coverage policy was made")
COVERAGE_POLICY_UPDATED = EventType("coverage_policy.updated", None, _INFO, "The coverage policy was changed")
COVERAGE_POLICY_DELETED = EventType("coverage_policy.deleted", None, _INFO, "The coverage policy was deleted")
WORKSPACE_CREATED = EventType("workspace.created", None, _INFO, "The workspace was made")
WORKSPACE_UPDATED = EventType("workspace.updated", None, _INFO, "The workspace has another name or organisation")
WORKSPACE_SUSPENDED = EventType("workspace.suspended", None, _WARN, "Nobody is let into the workspace any more")
WORKSPACE_RESTORED = EventType("workspace.restored", None, _INFO, "People are let into the workspace again")
WORKSPACE_DELETED = EventType("workspace.deleted", None, _INFO, "The workspace was ended for good")
MEMBER_ADDED = EventType("member.added", None, _INFO, "Someone became a member of the workspace")
MEMBER_ROLE_CHANGED = EventType("member.role_changed", None, _INFO, "A member of the workspace has another role")
MEMBER_REMOVED = EventType("member.removed", None, _INFO, "Someone is a member of the workspace no more")
SMS_REFUSED = EventType("sms.refused", None, _WARN, "A message to the device was refused")
SMS_MO_REFUSED = EventType("sms.mo_refused", None, _WARN, "A message from the device was refused")
SMS_P2P_LIMIT_REACHED = EventType(
    "sms.p2p_limit_reached", None, _WARN, "The device has sent as many P2P messages as it may in 24 hours"
)

EVENT_TYPES: Mapping[str, EventType] = {
    one.token: one
    for one in (
        SIM_REGISTERED,
        SIM_FACTORY_TEST,
        SIM_ACTIVATED,
        SIM_SUSPENDED,
        SIM_DELETED,
        SIM_MOVED_OUT,
        SIM_MOVED_IN,
        SIM_SCHEDULE_REFUSED,
        SIM_BATCH_REGISTERED,
        SIM_ORDER_PLACED,
        SIM_ORDER_PRODUCED,
        SIM_ORDER_SHIPPED,
        SIM_ORDER_DELIVERED,
        SIM_ORDER_CANCELLED,
        SIM_ASSIGNED,
        SIM_RELEASED,
        SIM_PROFILE_ADDED,
        SIM_PROFILE_DOWNLOADED,
        SIM_PROFILE_ENABLED,
        SIM_PROFILE_DISABLED,
        SIM_PROFILE_DELETED,
        SIM_PROFILE_ROLLED_BACK,
        SIM_FALLBACK_PROFILE_SET,
        SIM_EUICC_OPERATION_FAILED,
        SIM_EUICC_OPERATION_EXPIRED,
        SIM_IMSI_ADDED,
        SIM_IMSI_REMOVED,
        SIM_IMSI_SWITCHED,
        SIM_IMSI_SWITCH_FAILED,
        SIM_IMSI_EXHAUSTED,
        SIM_ACTIVATION_CODE_ISSUED,
        SIM_ACTIVATION_CODE_DOWNLOADED,
        SIM_ACTIVATION_CODE_INSTALLED,
        SIM_ACTIVATION_CODE_ENABLED,
        SIM_ACTIVATION_CODE_DELETED,
        SIM_ACTIVATION_CODE_EXPIRED,
        SIM_ACTIVATION_CODE_REFUSED,
        DEVICE_CREATED,
        DEVICE_UPDATED,
        DEVICE_ENABLED,
        DEVICE_DISABLED,
        DEVICE_DELETED,
        ALERT_RAISED,
        ALERT_REMINDED,
        ALERT_ACKNOWLEDGED,
        ALERT_RESOLVED,
        SESSION_CREATED,
        SESSION_UPDATED,
        SESSION_DELETED,
        SESSION_CUT,
        QUOTA_DATA_THRESHOLD,
        QUOTA_DATA_USED_UP,
        QUOTA_SMS_THRESHOLD,
        QUOTA_SMS_USED_UP,
        QUOTA_DATA_ENABLED,
        QUOTA_DATA_DISABLED,
        QUOTA_SMS_ENABLED,
        QUOTA_SMS_DISABLED,
        QUOTA_DATA_ASSIGNED,
        QUOTA_DATA_DELETED,
        QUOTA_SMS_ASSIGNED,
        QUOTA_SMS_DELETED,
        QUOTA_DATA_EXPIRED,
        QUOTA_SMS_EXPIRED,
        QUOTA_UPDATED,
        QUOTA_TOPPED_UP,
        QUOTA_REFILLED,
        QUOTA_POOL_CREATED,
        QUOTA_POOL_UPDATED,
        QUOTA_POOL_DELETED,
        LIMIT_WARNING,
        LIMIT_REACHED,
        LIMIT_EXTENDED,
        DEVICE_ATTACHED,
        DEVICE_LOCATION_UPDATED,
        DEVICE_DETACHED,
        DEVICE_ATTACH_REFUSED,
        DEVICE_ATTACH_FAILED,
        DEVICE_IMEI_BOUND,
        DEVICE_IMEI_CHANGED,
        DEVICE_IMEI_MISMATCH,
        DEVICE_CONNECTIVITY_RESET,
        DEVICE_RESET_DONE,
        DEVICE_RESET_FAILED,
        SERVICE_POLICY_CREATED,
        SERVICE_POLICY_UPDATED,
        SERVICE_POLICY_DELETED,
        COVERAGE_POLICY_CREATED,
        COVERAGE_POLICY_UPDATED,
        COVERAGE_POLICY_DELETED,
        WORKSPACE_CREATED,
        WORKSPACE_UPDATED,
        WORKSPACE_SUSPENDED,
        WORKSPACE_RESTORED,
        WORKSPACE_DELETED,
        MEMBER_ADDED,
        MEMBER_ROLE_CHANGED,
        MEMBER_REMOVED,
        SMS_REFUSED,
        SMS_MO_REFUSED,
        SMS_P2P_LIMIT_REACHED,
    )
}


def covers(patterns: Iterable[str], token: str) -> bool:
    """Whether one of the patterns (a token, `family.*` or `*`) covers the token of an event type."""
    return any(
        pattern == token or pattern == "*" or (pattern.endswith(".*") and token.startswith(pattern[:-1]))
        for pattern in patterns
    )
