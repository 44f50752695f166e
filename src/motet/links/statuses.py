"""The one table from the hub's words to SMPP command_status, and back for what SMSCs answer."""

from collections.abc import Mapping

from motet.domain.errors import (
    ConflictError,
    DeniedError,
    DomainError,
    InvalidError,
    LimitReachedError,
    NotFoundError,
    UpstreamError,
)
from motet.domain.refusals import Refusal
from motet.domain.states import MessageState
from motet.hub.ports import Verdict
from motet.smpp.constants import CommandStatus
from motet.smpp.constants import MessageState as WireState

REFUSAL_STATUS: Mapping[Refusal, CommandStatus] = {
    Refusal.THROTTLED: CommandStatus.ESME_RTHROTTLED,
    Refusal.QUEUE_FULL: CommandStatus.ESME_RMSGQFUL,
    Refusal.UNKNOWN_DESTINATION: CommandStatus.ESME_RINVDSTADR,
    Refusal.BAD_SOURCE: CommandStatus.ESME_RINVSRCADR,
    Refusal.BAD_EXPIRY: CommandStatus.ESME_RINVEXPIRY,
    Refusal.BAD_SCHEDULE: CommandStatus.ESME_RINVSCHED,
    Refusal.TOO_LONG: CommandStatus.ESME_RINVMSGLEN,
    Refusal.BAD_TEXT: CommandStatus.ESME_RSUBMITFAIL,
    Refusal.NO_DEVICE: CommandStatus.ESME_RSUBMITFAIL,
    Refusal.DEVICE_DISABLED: CommandStatus.ESME_RSUBMITFAIL,
    Refusal.SIM_NOT_ACTIVE: CommandStatus.ESME_RSUBMITFAIL,
    Refusal.SMS_MT_NOT_ALLOWED: CommandStatus.ESME_RSUBMITFAIL,
    Refusal.SMS_MO_NOT_ALLOWED: CommandStatus.ESME_RSUBMITFAIL,
    Refusal.P2P_INSIDE_NOT_ALLOWED: CommandStatus.ESME_RSUBMITFAIL,
    Refusal.P2P_OUTSIDE_NOT_ALLOWED: CommandStatus.ESME_RSUBMITFAIL,
    Refusal.P2P_LIMIT_REACHED: CommandStatus.ESME_RSUBMITFAIL,
    Refusal.DATA_NOT_ALLOWED: CommandStatus.ESME_RSUBMITFAIL,
    Refusal.IMEI_MISMATCH: CommandStatus.ESME_RSUBMITFAIL,
    Refusal.NETWORK_NOT_ALLOWED: CommandStatus.ESME_RSUBMITFAIL,
    Refusal.RAT_NOT_ALLOWED: CommandStatus.ESME_RSUBMITFAIL,
    Refusal.SMS_ON_NB_IOT: CommandStatus.ESME_RSUBMITFAIL,
    Refusal.NO_QUOTA: CommandStatus.ESME_RSUBMITFAIL,
    Refusal.QUOTA_USED_UP: CommandStatus.ESME_RSUBMITFAIL,
    Refusal.QUOTA_EXPIRED: CommandStatus.ESME_RSUBMITFAIL,
    Refusal.QUOTA_THROTTLED: CommandStatus.ESME_RTHROTTLED,
    Refusal.MONTH_LIMIT_REACHED: CommandStatus.ESME_RSUBMITFAIL,
    Refusal.KEY_CONFLICT: CommandStatus.ESME_RSUBMITFAIL,
    Refusal.NOT_STORABLE: CommandStatus.ESME_RSUBMITFAIL,
    Refusal.STOPPING: CommandStatus.ESME_RSYSERR,
}

ERROR_STATUS: Mapping[type[DomainError], CommandStatus] = {
    NotFoundError: CommandStatus.ESME_RINVMSGID,
    ConflictError: CommandStatus.ESME_RSUBMITFAIL,
    InvalidError: CommandStatus.ESME_RSUBMITFAIL,
    DeniedError: CommandStatus.ESME_RSUBMITFAIL,
    LimitReachedError: CommandStatus.ESME_RTHROTTLED,
    UpstreamError: CommandStatus.ESME_RSYSERR,
}
"""For a request about one message; the command's own failure status takes the place of ESME_RSUBMITFAIL."""

WIRE_STATE: Mapping[int, WireState] = {
    MessageState.OPEN: WireState.ENROUTE,
    MessageState.DELIVERED: WireState.DELIVERED,
    MessageState.EXPIRED: WireState.EXPIRED,
    MessageState.CANCELLED: WireState.DELETED,
    MessageState.FAILED: WireState.UNDELIVERABLE,
    MessageState.REJECTED: WireState.REJECTED,
    MessageState.UNKNOWN: WireState.UNKNOWN,
    MessageState.RECEIVED: WireState.DELIVERED,
}

FINAL_STATE: Mapping[int, MessageState] = {
    WireState.DELIVERED: MessageState.DELIVERED,
    WireState.EXPIRED: MessageState.EXPIRED,
    WireState.DELETED: MessageState.CANCELLED,
    WireState.UNDELIVERABLE: MessageState.FAILED,
    WireState.UNKNOWN: MessageState.UNKNOWN,
    WireState.REJECTED: MessageState.REJECTED,
}
"""What a receipt's state makes of the message; ENROUTE and ACCEPTED are not final."""

_VERDICTS: Mapping[int, Verdict] = {
    CommandStatus.ESME_ROK: Verdict.TAKEN,
    CommandStatus.ESME_RTHROTTLED: Verdict.BUSY,
    CommandStatus.ESME_RMSGQFUL: Verdict.BUSY,
    CommandStatus.ESME_RSYSERR: Verdict.TRY_LATER,
    CommandStatus.ESME_RX_T_APPN: Verdict.TRY_LATER,
    CommandStatus.ESME_RINVBNDSTS: Verdict.TRY_LATER,
}

TRY_AGAIN: frozenset[int] = frozenset(
    (
        CommandStatus.ESME_RX_T_APPN,
        CommandStatus.ESME_RMSGQFUL,
        CommandStatus.ESME_RTHROTTLED,
        CommandStatus.ESME_RSYSERR,
    )
)
"""Answers of an ESME to a delivery that mean: not now."""


def verdict_of(status: int) -> Verdict:
    """What an SMSC's submit_sm_resp means. Whatever is not known to be of the moment is for good."""
    return _VERDICTS.get(status, Verdict.REFUSED)


def name_of(status: int) -> str:
    """The status as SMPP 3.4 spells it, or its number in hexadecimal."""
    try:
        return CommandStatus(status).name
    except ValueError:
        return f"0x{status & 0xFFFFFFFF:08X}"
