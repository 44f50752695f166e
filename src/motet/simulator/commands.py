"""What the SMSC does with each SMPP request of a bound ESME: one function each, in one table."""

from collections.abc import Callable
from typing import Any

from motet.simulator.centre import SmsCentre
from motet.simulator.phones import Phone
from motet.simulator.texts import Address, RefusedError, submission_of, submission_of_data
from motet.smpp.constants import CommandId, CommandStatus, MessageState
from motet.smpp.pdu import (
    Body,
    CancelSm,
    DataSm,
    DestinationSme,
    MessageIdResp,
    QuerySm,
    QuerySmResp,
    ReplaceSm,
    Sm,
    SubmitMulti,
    SubmitMultiResp,
    UnsuccessSme,
)
from motet.smpp.smpp_time import absolute_time


def submit_sm(centre: SmsCentre, asked: Sm, now: float) -> MessageIdResp:
    """SMPP 3.4 §4.4."""
    to = Address(asked.dest_addr_ton, asked.dest_addr_npi, asked.destination_addr)
    replace = asked.replace_if_present_flag == 1
    return MessageIdResp(centre.submit(submission_of(asked, now), to, now, replace=replace))


def data_sm(centre: SmsCentre, asked: DataSm, now: float) -> MessageIdResp:
    """SMPP 3.4 §4.7."""
    to = Address(asked.dest_addr_ton, asked.dest_addr_npi, asked.destination_addr)
    return MessageIdResp(centre.submit(submission_of_data(asked, now), to, now))


def submit_multi(centre: SmsCentre, asked: SubmitMulti, now: float) -> SubmitMultiResp:
    """SMPP 3.4 §4.5. There are no distribution lists."""
    submission = submission_of(asked, now)
    recipients: list[tuple[Address, Phone]] = []
    refused: list[UnsuccessSme] = []
    for destination in asked.destinations:
        if not isinstance(destination, DestinationSme):
            raise RefusedError(CommandStatus.ESME_RINVDLNAME)
        to = Address(*destination)
        try:
            recipients.append((to, centre.phone_of(to)))
        except RefusedError as refusal:
            refused.append(UnsuccessSme(*destination, refusal.status))
    if not recipients:
        raise RefusedError(CommandStatus.ESME_RSUBMITFAIL)
    return SubmitMultiResp(centre.submit_to_many(submission, recipients, now), tuple(refused))


def query_sm(centre: SmsCentre, asked: QuerySm, now: float) -> QuerySmResp:
    """SMPP 3.4 §4.8. Errors over one octet do not fit error_code and show as 255."""
    found = centre.query(asked.message_id, asked.source_addr)
    final_date = "" if found.done_at is None else absolute_time(int(found.done_at * 1_000_000))
    return QuerySmResp(asked.message_id, final_date, MessageState(found.state), min(found.error, 255))


def cancel_sm(centre: SmsCentre, asked: CancelSm, now: float) -> None:
    """SMPP 3.4 §4.9."""
    centre.cancel(asked, now)


def replace_sm(centre: SmsCentre, asked: ReplaceSm, now: float) -> None:
    """SMPP 3.4 §4.10."""
    centre.replace(asked, now)


COMMANDS: dict[int, Callable[[SmsCentre, Any, float], Body | None]] = {
    CommandId.SUBMIT_SM: submit_sm,
    CommandId.DATA_SM: data_sm,
    CommandId.SUBMIT_MULTI: submit_multi,
    CommandId.QUERY_SM: query_sm,
    CommandId.CANCEL_SM: cancel_sm,
    CommandId.REPLACE_SM: replace_sm,
}
"""By command; each takes the body and the Unix time, returns the answer's body, and raises RefusedError."""
