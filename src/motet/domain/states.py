"""The closed sets of the model. Their numbers are what the database stores, so they are never reused."""

from enum import IntEnum


class SimStatus(IntEnum):
    ISSUED = 0
    FACTORY_TEST = 1
    ACTIVATED = 2
    SUSPENDED = 3
    DELETED = 4


class DeviceStatus(IntEnum):
    ENABLED = 0
    DISABLED = 1
    DELETED = 2


class ConnectivityStatus(IntEnum):
    """How far a device is connected: what the view `connectivity` makes of what networks told."""

    ATTACHED = 0
    ONLINE = 1
    OFFLINE = 2
    BLOCKED = 3


class Direction(IntEnum):
    """Seen from the network: MT goes to a device, MO comes from one."""

    MT = 0
    MO = 1


class MessageKind(IntEnum):
    """A2P has an application at one end, P2P has devices at both."""

    A2P = 0
    P2P = 1


class MessageState(IntEnum):
    """What `message.state` stores. OPEN covers every state before the final one: which of them it is follows from
    the facts beside the row (a `submit` row: IN_PROGRESS; a `waiting` row: SCHEDULED or BUFFERED; none: PENDING)."""

    OPEN = 0
    DELIVERED = 1
    FAILED = 2
    EXPIRED = 3
    CANCELLED = 4
    REJECTED = 5
    UNKNOWN = 6
    RECEIVED = 7


class WaitingReason(IntEnum):
    """Why an accepted message is in `waiting` instead of in its owner's memory."""

    SCHEDULED = 0
    """Not due before `due`."""
    LINK = 1
    """No upstream link is up, or the owner's memory is full: due whenever there is room."""
    RETRY = 2
    """Upstream asked for patience (throttled, queue full): due at `due`."""
    RECEIPT = 3
    """Upstream has it; without a receipt by `ends_at` (validity plus grace) it becomes UNKNOWN."""
    HELD = 4
    """Its owner took it from here into memory; it is due again for whoever succeeds that owner."""


class EsmeDeliveryKind(IntEnum):
    """What an ESME is owed."""

    RECEIPT = 0
    NOTIFICATION = 1
    """An intermediate notification: the message is not final yet."""
    MO = 2


class WebhookStatus(IntEnum):
    ENABLED = 0
    DISABLED = 1


class DeliveryStatus(IntEnum):
    """A webhook delivery: one event on its way to one target."""

    PENDING = 0
    DELIVERED = 1
    DEAD = 2
    """Retries are over, or the webhook was disabled; it can be replayed."""


class EventSeverity(IntEnum):
    INFO = 0
    WARN = 1
    CRITICAL = 2


class EventSource(IntEnum):
    """Who made an event."""

    NETWORK = 0
    POLICY = 1
    """A rule of ours: a policy, a quota, a state."""
    API = 2
    """Someone, through an API or the portal."""
