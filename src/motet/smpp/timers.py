"""The timers of a session (SMPP 3.4 §2.9, §7.2): what is due, decided from times alone."""

from enum import Enum, auto
from typing import NamedTuple

from motet.smpp.constants import MAX_PDU_OCTETS, VERSION_3_3


class Limits(NamedTuple):
    """Bounds and timers of a session, in seconds; None switches a timer off."""

    session_init_s: float | None = 30.0
    """From the connection to an accepted bind."""
    enquire_link_s: float | None = 30.0
    """Silence of the peer after which an enquire_link is sent."""
    response_s: float = 30.0
    """From a request to its response."""
    inactivity_s: float | None = None
    """Without any PDU but enquire_link, after which the session unbinds."""
    pdu_s: float | None = None
    """From the first octets of a PDU to its last."""
    pdu_octets: int = MAX_PDU_OCTETS
    """Largest command_length taken."""
    in_flight: int = 65_536
    """Most requests without response; a window is usually smaller and the caller's."""
    version_unsaid: int = VERSION_3_3
    """The version of an SMSC whose bind response has no sc_interface_version (§5.3.2.25: it knows no TLVs)."""
    answers_unbind: bool = True
    """False: the application answers the peer's unbind with `answer_unbind`, within `response_s`, when what it still
    owes the peer is out."""


class Due(Enum):
    """What a session has to do now."""

    NOTHING = auto()
    ENQUIRE = auto()
    UNBIND = auto()
    CLOSE = auto()


class Timers:
    """When the peer was heard and what follows from it. The response timer is the session's, per request."""

    __slots__ = ("_limits", "bind_deadline", "enquire_sent", "last_received", "last_transaction", "pdu_since")

    def __init__(self, limits: Limits, now: float) -> None:
        self._limits = limits
        self.last_received = now
        self.last_transaction = now
        self.bind_deadline = None if limits.session_init_s is None else now + limits.session_init_s
        """None once bound."""
        self.enquire_sent: float | None = None
        """When the enquire_link was sent that has no answer yet."""
        self.pdu_since: float | None = None
        """When the PDU began of which only a part is here."""

    def next_deadline(self, *, bound: bool) -> float | None:
        """When `due` is to be asked next."""
        limits = self._limits
        deadlines = [] if self.bind_deadline is None else [self.bind_deadline]
        if self.pdu_since is not None and limits.pdu_s is not None:
            deadlines.append(self.pdu_since + limits.pdu_s)
        if bound and self.enquire_sent is not None:
            deadlines.append(self.enquire_sent + limits.response_s)
        elif bound and limits.enquire_link_s is not None:
            deadlines.append(self.last_received + limits.enquire_link_s)
        if bound and limits.inactivity_s is not None:
            deadlines.append(self.last_transaction + limits.inactivity_s)
        return min(deadlines, default=None)

    def due(self, now: float, *, bound: bool) -> tuple[Due, str]:
        """What is due, and for CLOSE the reason. Anything heard of the peer is as good as its enquire_link_resp."""
        limits = self._limits
        if self.bind_deadline is not None and now >= self.bind_deadline:
            return Due.CLOSE, "no bind in time"
        if self.pdu_since is not None and limits.pdu_s is not None and now >= self.pdu_since + limits.pdu_s:
            return Due.CLOSE, "a PDU not whole in time"
        if not bound:
            return Due.NOTHING, ""
        if self.enquire_sent is not None and self.last_received >= self.enquire_sent:
            self.enquire_sent = None
        if self.enquire_sent is not None and now >= self.enquire_sent + limits.response_s:
            return Due.CLOSE, "enquire_link without response"
        if limits.inactivity_s is not None and now >= self.last_transaction + limits.inactivity_s:
            return Due.UNBIND, ""
        silent_s = limits.enquire_link_s
        if silent_s is not None and self.enquire_sent is None and now >= self.last_received + silent_s:
            self.enquire_sent = now
            return Due.ENQUIRE, ""
        return Due.NOTHING, ""
