"""What a mobile network and Motet tell each other, as plain values: facts from the network, orders to it, answers.

The ports that carry them stand in `fleet/network_ports.py`, the default adapters in the room `network`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any, TypeAlias

MAX_SESSION_ID_CHARACTERS = 64
"""A data session's name in its network: a GTP charging id and a node's name fit in."""


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A SIM as its network knows it."""

    iccid: str
    imsi: str
    """The active one."""
    msisdn: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a SIM is in the visited network."""

    operator: str
    """PLMN: MCC and MNC, five or six digits."""
    country: str | None = None
    """ISO 3166 alpha-2; None: as the MCC says."""
    rat: str | None = None
    """A name of radio.rats.Rat, such as LTE_M."""
    cell: str | None = None
    """Cell global identity: MCC-MNC-LAC-CI, or as the network spells it."""
    node: str | None = None
    """VLR, SGSN or MME: a global title or a host name."""


# From the network ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Attached:
    """A SIM has come into a network. `imei` is an IMEI or IMEISV, where the network has asked for it."""

    at: datetime
    sim: str
    """Its ICCID, IMSI or MSISDN."""
    place: Place
    imei: str | None = None


@dataclass(frozen=True, slots=True)
class LocationUpdated:
    """An attached SIM is elsewhere, or still there: another operator, RAT, cell or node."""

    at: datetime
    sim: str
    place: Place
    imei: str | None = None


@dataclass(frozen=True, slots=True)
class Detached:
    """A SIM has left, or its network has purged it."""

    at: datetime
    sim: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ImeiSeen:
    """The network learnt which equipment a SIM is in."""

    at: datetime
    sim: str
    imei: str


@dataclass(frozen=True, slots=True)
class AttachFailed:
    """A SIM tried to attach and could not, by the network's own decision."""

    at: datetime
    sim: str
    reason: str
    operator: str | None = None
    rat: str | None = None


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """What a data session carried since its record before. `session_id` and `sequence` count it exactly once."""

    at: datetime
    """The end of the span that it covers, and of the session where `closed`."""
    sim: str
    session_id: str
    sequence: int
    """From 0 on, one more with each record of the session."""
    octets_up: int
    """Sent by the device since the record before."""
    octets_down: int
    opened_at: datetime
    closed: bool = False
    cause: str | None = None
    """Why it ended, in the network's words."""
    apn: str | None = None
    ip_address: str | None = None
    region: str | None = None
    """Code of the breakout region that the session really used."""
    operator: str | None = None
    rat: str | None = None
    imei: str | None = None


@dataclass(frozen=True, slots=True)
class OperatorOutage:
    """A visited network fails, or works again."""

    at: datetime
    operator: str
    out: bool


@dataclass(frozen=True, slots=True)
class OperationResult:
    """How an order ended that the network had only accepted."""

    at: datetime
    order_id: int
    ok: bool
    reason: str | None = None
    detail: dict[str, Any] | None = None
    """What the operation brought to light, such as the profiles of an eUICC."""


@dataclass(frozen=True, slots=True)
class EsimProgress:
    """A phone has done, or wants to do, something with an activation code; its SM-DP+ tells (SGP.22 §5.3.5, §5.6.4)."""

    at: datetime
    smdp_address: str
    matching_id: str
    step: str
    """A name of domain.activation_code.CodeStep: DOWNLOAD, INSTALL, ENABLE, DISABLE or DELETE."""
    eid: str | None = None
    confirmation_code: str | None = None


Notification: TypeAlias = (
    Attached
    | LocationUpdated
    | Detached
    | ImeiSeen
    | AttachFailed
    | SessionRecord
    | OperatorOutage
    | OperationResult
    | EsimProgress
)
"""All that a network tells without being asked."""


class Verdict(StrEnum):
    """What became of a notification; on the wire, so never renamed."""

    DONE = "done"
    STALE = "stale"
    """Something newer was told before: noted, and nothing else."""
    REFUSED = "refused"
    """Motet does not let it be: the network is to keep the SIM out, or to close the session."""
    UNKNOWN_SIM = "unknown_sim"
    """No live SIM has this number."""
    UNKNOWN_ORDER = "unknown_order"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer to one notification."""

    verdict: Verdict
    reason: str | None = None
    """Why it was refused: a name of domain.refusals.Refusal."""
    words: str | None = None
    detail: dict[str, Any] | None = None
    """What the network is to heed besides, such as `throttle_kbit_s`."""
    repeated: bool = False
    """It was told before, and this is what was answered then."""


# To the network -----------------------------------------------------------------------------------------------------


class OrderKind(StrEnum):
    """What a network can be asked to do. Stored, and on the wire, so never renamed."""

    SUBSCRIBER = "subscriber"
    """Know this SIM, or know it anew: its identities, and whether data and SMS are barred."""
    CANCEL_LOCATION = "cancel_location"
    """Forget where the SIM is: it has to attach anew (TS 29.002 §8.1.3, TS 29.272 §5.2.1.2)."""
    CUT_DATA = "cut_data"
    """Close its data sessions."""
    EUICC = "euicc"
    """An operation on the profiles of an eUICC."""
    SWITCH_IMSI = "switch_imsi"
    """Use another of the card's IMSIs."""


class OrderState(IntEnum):
    """What became of an order. Those below DONE are open. Stored, so the numbers are never reused."""

    WAITING = 0
    """To be sent, or sent again."""
    ACCEPTED = 1
    """The network works on it and will say how it ended."""
    DONE = 2
    REFUSED = 3
    """By the network, or because there is none."""
    GIVEN_UP = 4
    """The network did not answer for too long."""


@dataclass(frozen=True, slots=True)
class Barring:
    """What a SIM may not do now, for a network that decides by itself while Motet cannot be asked."""

    data: bool
    sms: bool


@dataclass(frozen=True, slots=True)
class EuiccOperation:
    """One step on an eUICC. `name` is ENABLE, DISABLE, DELETE, DOWNLOAD, AUDIT or another that both sides know."""

    eid: str
    name: str
    iccid: str | None = None
    """The profile."""
    parameters: dict[str, Any] | None = None
    """Plain JSON, such as the activation code of a download."""


class ReplyState(StrEnum):
    """What a network says of an order."""

    DONE = "done"
    ACCEPTED = "accepted"
    """It will say later, by an OperationResult."""
    REFUSED = "refused"
    """Not now and not later: asking again is no use."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The network's answer to an order; no answer at all is a NetworkUnreachableError."""

    state: ReplyState
    reason: str | None = None


class NetworkUnreachableError(Exception):
    """The network did not answer, or not in a way that says what became of the order: it is asked again."""
