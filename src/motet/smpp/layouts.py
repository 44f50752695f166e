"""The mandatory fields of each PDU body as one table (SMPP 3.4 §4), and the reader and writer that follow it.

submit_sm and deliver_sm have a fast path of their own in codec.py; it falls back to this table for whatever is unusual.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, NamedTuple

from motet.smpp.constants import (
    DEST_FLAG_DISTRIBUTION_LIST,
    DEST_FLAG_SME,
    MAX_DESTINATIONS,
    MAX_SHORT_MESSAGE_OCTETS,
    CommandId,
    CommandStatus,
)
from motet.smpp.errors import BodyError, UsageError
from motet.smpp.pdu import (
    AlertNotification,
    Bind,
    BindResp,
    Body,
    CancelSm,
    DataSm,
    DestinationSme,
    DistributionList,
    Empty,
    MessageIdResp,
    Outbind,
    QuerySm,
    QuerySmResp,
    ReplaceSm,
    Sm,
    SubmitMulti,
    SubmitMultiResp,
    UnsuccessSme,
)
from motet.smpp.tlv import encode_tlvs, tlvs_at

_RINVCMDLEN = CommandStatus.ESME_RINVCMDLEN
_RINVOPTPARSTREAM = CommandStatus.ESME_RINVOPTPARSTREAM


class Field(NamedTuple):
    """How one field is read and written. `read(data, position, end) -> (value, position)` raises BodyError."""

    read: Callable[[bytes, int, int], tuple[Any, int]]
    write: Callable[[Any], bytes]


class Layout(NamedTuple):
    """The type of a body and its mandatory fields, in order; TLVs may follow.

    `rest_status` answers octets behind the fields that are no TLVs.
    """

    make: Callable[..., Body]
    fields: tuple[Field, ...]
    rest_status: int = CommandStatus.ESME_RINVCMDLEN


def body_at(layout: Layout, data: bytes, position: int, end: int) -> Body:
    """The body in `data[position:end]`. BodyError with the fitting status if it breaks the specification."""
    values: list[Any] = []
    for read, _ in layout.fields:
        value, position = read(data, position, end)
        values.append(value)
    if position < end:
        try:
            values.append(tlvs_at(data, position, end))
        except BodyError:
            raise BodyError(layout.rest_status) from None
    return layout.make(*values)


def lenient_body_at(layout: Layout, data: bytes, position: int, end: int) -> Body:
    """The body of a response, which may lack its NULs, its last fields or all of it, and whose broken TLVs are dropped.

    Peers leave such things out when the status is an error, and nobody can answer a response with an error.
    BodyError only if a field is there and longer than the specification allows.
    """
    values: list[Any] = []
    for read, _ in layout.fields:
        if position >= end:
            return layout.make(*values)
        try:
            value, position = read(data, position, end)
        except BodyError:
            # What stands there may only lack its NUL, or the rest of it.
            value, position = read(data[position:end] + b"\0" * _MISSING_OCTETS, 0, end - position + _MISSING_OCTETS)
            values.append(value)
            return layout.make(*values)
        values.append(value)
    if position < end:
        with suppress(BodyError):
            values.append(tlvs_at(data, position, end))
    return layout.make(*values)


_MISSING_OCTETS = 16


def encode_body(layout: Layout, body: Body) -> bytes:
    """The wire form of the body. UsageError if a field does not fit."""
    if not isinstance(layout.make, type) or type(body) is not layout.make:
        raise UsageError(f"{type(body).__name__} is not the body of this command")
    parts = [field.write(value) for field, value in zip(layout.fields, body, strict=False)]
    parts.append(encode_tlvs(body.tlvs))
    return b"".join(parts)


def c_string(most: int, status: int, *, exact: bool = False) -> Field:
    """A C-octet string of at most `most` octets with its NUL; `exact`: of 1 octet or of `most` (times, §7.1.1)."""

    def read(data: bytes, position: int, end: int) -> tuple[str, int]:
        nul = data.find(0, position, min(end, position + most))
        if nul < 0:
            raise BodyError(status if end - position >= most else _RINVCMDLEN)
        if exact and nul != position and nul - position != most - 1:
            raise BodyError(status)
        return data[position:nul].decode("latin-1"), nul + 1

    def write(value: str) -> bytes:
        try:
            encoded = value.encode("latin-1")
        except UnicodeEncodeError:
            raise UsageError(f"{value!r} is not Latin-1") from None
        if len(encoded) >= most or b"\0" in encoded or (exact and encoded and len(encoded) != most - 1):
            raise UsageError(f"{value!r} does not fit a C-octet string of {most} octets")
        return encoded + b"\0"

    return Field(read, write)


def _read_integer(octets: int) -> Callable[[bytes, int, int], tuple[int, int]]:
    def read(data: bytes, position: int, end: int) -> tuple[int, int]:
        after = position + octets
        if after > end:
            raise BodyError(_RINVCMDLEN)
        return int.from_bytes(data[position:after], "big"), after

    return read


def _write_octet(value: int) -> bytes:
    if not 0 <= value <= 0xFF:
        raise UsageError(f"{value} does not fit an octet")
    return bytes((value,))


def _read_short_message(data: bytes, position: int, end: int) -> tuple[bytes, int]:
    if position >= end:
        raise BodyError(_RINVCMDLEN)
    after = position + 1 + data[position]
    if after > end or data[position] > MAX_SHORT_MESSAGE_OCTETS:
        raise BodyError(CommandStatus.ESME_RINVMSGLEN)
    return data[position + 1 : after], after


def _write_short_message(value: bytes) -> bytes:
    if len(value) > MAX_SHORT_MESSAGE_OCTETS:
        raise UsageError(f"short_message has {len(value)} octets, over {MAX_SHORT_MESSAGE_OCTETS}")
    return bytes((len(value),)) + value


def _read_destinations(
    data: bytes, position: int, end: int
) -> tuple[tuple[DestinationSme | DistributionList, ...], int]:
    count, position = _OCTET.read(data, position, end)
    if not 1 <= count <= MAX_DESTINATIONS:
        raise BodyError(CommandStatus.ESME_RINVNUMDESTS)
    destinations: list[DestinationSme | DistributionList] = []
    for _ in range(count):
        flag, position = _OCTET.read(data, position, end)
        if flag == DEST_FLAG_SME:
            ton, position = _OCTET.read(data, position, end)
            npi, position = _OCTET.read(data, position, end)
            address, position = _DESTINATION.read(data, position, end)
            destinations.append(DestinationSme(ton, npi, address))
        elif flag == DEST_FLAG_DISTRIBUTION_LIST:
            name, position = _DL_NAME.read(data, position, end)
            destinations.append(DistributionList(name))
        else:
            raise BodyError(CommandStatus.ESME_RINVDESTFLAG)
    return tuple(destinations), position


def _write_destinations(destinations: tuple[DestinationSme | DistributionList, ...]) -> bytes:
    if not 1 <= len(destinations) <= MAX_DESTINATIONS:
        raise UsageError(f"{len(destinations)} destinations, not 1 to {MAX_DESTINATIONS}")
    parts = [bytes((len(destinations),))]
    for destination in destinations:
        if isinstance(destination, DestinationSme):
            parts.append(bytes((DEST_FLAG_SME,)) + _write_address(destination))
        else:
            parts.append(bytes((DEST_FLAG_DISTRIBUTION_LIST,)) + _DL_NAME.write(destination.dl_name))
    return b"".join(parts)


def _write_address(sme: DestinationSme | UnsuccessSme) -> bytes:
    return _write_octet(sme.dest_addr_ton) + _write_octet(sme.dest_addr_npi) + _DESTINATION.write(sme.destination_addr)


def _read_unsuccess(data: bytes, position: int, end: int) -> tuple[tuple[UnsuccessSme, ...], int]:
    count, position = _OCTET.read(data, position, end)
    refused = []
    for _ in range(count):
        ton, position = _OCTET.read(data, position, end)
        npi, position = _OCTET.read(data, position, end)
        address, position = _DESTINATION.read(data, position, end)
        status, position = _read_status(data, position, end)
        refused.append(UnsuccessSme(ton, npi, address, status))
    return tuple(refused), position


def _write_unsuccess(refused: tuple[UnsuccessSme, ...]) -> bytes:
    if len(refused) > MAX_DESTINATIONS:
        raise UsageError(f"{len(refused)} refused destinations, over {MAX_DESTINATIONS}")
    parts = [bytes((len(refused),))]
    for sme in refused:
        if not 0 <= sme.error_status_code <= 0xFFFF_FFFF:
            raise UsageError(f"error_status_code {sme.error_status_code} does not fit four octets")
        parts.append(_write_address(sme) + sme.error_status_code.to_bytes(4, "big"))
    return b"".join(parts)


_read_status = _read_integer(4)
_OCTET = Field(_read_integer(1), _write_octet)
_SYSTEM_ID = c_string(16, CommandStatus.ESME_RINVSYSID)
_PASSWORD = c_string(9, CommandStatus.ESME_RINVPASWD)
_SYSTEM_TYPE = c_string(13, CommandStatus.ESME_RINVSYSTYP)
_ADDRESS_RANGE = c_string(41, CommandStatus.ESME_RINVPARLEN)
_SERVICE_TYPE = c_string(6, CommandStatus.ESME_RINVSERTYP)
_SOURCE = c_string(21, CommandStatus.ESME_RINVSRCADR)
_DESTINATION = c_string(21, CommandStatus.ESME_RINVDSTADR)
_LONG_SOURCE = c_string(65, CommandStatus.ESME_RINVSRCADR)
_LONG_DESTINATION = c_string(65, CommandStatus.ESME_RINVDSTADR)
_DL_NAME = c_string(21, CommandStatus.ESME_RINVDLNAME)
_MESSAGE_ID = c_string(65, CommandStatus.ESME_RINVMSGID)
_SCHEDULE = c_string(17, CommandStatus.ESME_RINVSCHED, exact=True)
_VALIDITY = c_string(17, CommandStatus.ESME_RINVEXPIRY, exact=True)
_FINAL_DATE = c_string(17, CommandStatus.ESME_RINVEXPIRY)
_SHORT_MESSAGE = Field(_read_short_message, _write_short_message)
_DESTINATIONS = Field(_read_destinations, _write_destinations)
_UNSUCCESS = Field(_read_unsuccess, _write_unsuccess)

_SOURCE_ADDRESS = (_OCTET, _OCTET, _SOURCE)
_DESTINATION_ADDRESS = (_OCTET, _OCTET, _DESTINATION)
_OCTETS_3 = (_OCTET, _OCTET, _OCTET)
_SM_TAIL = (*_OCTETS_3, _SCHEDULE, _VALIDITY, _OCTET, _OCTET, _OCTET, _OCTET, _SHORT_MESSAGE)

SM: Final = Layout(Sm, (_SERVICE_TYPE, *_SOURCE_ADDRESS, *_DESTINATION_ADDRESS, *_SM_TAIL), _RINVOPTPARSTREAM)
MESSAGE_ID_RESP: Final = Layout(MessageIdResp, (_MESSAGE_ID,))
_BIND = Layout(Bind, (_SYSTEM_ID, _PASSWORD, _SYSTEM_TYPE, *_OCTETS_3, _ADDRESS_RANGE))
_BIND_RESP = Layout(BindResp, (_SYSTEM_ID,))
_EMPTY = Layout(Empty, ())

LAYOUTS: Final[dict[int, Layout]] = {
    CommandId.GENERIC_NACK: _EMPTY,
    CommandId.BIND_RECEIVER: _BIND,
    CommandId.BIND_RECEIVER_RESP: _BIND_RESP,
    CommandId.BIND_TRANSMITTER: _BIND,
    CommandId.BIND_TRANSMITTER_RESP: _BIND_RESP,
    CommandId.QUERY_SM: Layout(QuerySm, (_MESSAGE_ID, *_SOURCE_ADDRESS)),
    CommandId.QUERY_SM_RESP: Layout(QuerySmResp, (_MESSAGE_ID, _FINAL_DATE, _OCTET, _OCTET)),
    CommandId.SUBMIT_SM: SM,
    CommandId.SUBMIT_SM_RESP: MESSAGE_ID_RESP,
    CommandId.DELIVER_SM: SM,
    CommandId.DELIVER_SM_RESP: MESSAGE_ID_RESP,
    CommandId.UNBIND: _EMPTY,
    CommandId.UNBIND_RESP: _EMPTY,
    CommandId.REPLACE_SM: Layout(
        ReplaceSm, (_MESSAGE_ID, *_SOURCE_ADDRESS, _SCHEDULE, _VALIDITY, _OCTET, _OCTET, _SHORT_MESSAGE)
    ),
    CommandId.REPLACE_SM_RESP: _EMPTY,
    CommandId.CANCEL_SM: Layout(CancelSm, (_SERVICE_TYPE, _MESSAGE_ID, *_SOURCE_ADDRESS, *_DESTINATION_ADDRESS)),
    CommandId.CANCEL_SM_RESP: _EMPTY,
    CommandId.BIND_TRANSCEIVER: _BIND,
    CommandId.BIND_TRANSCEIVER_RESP: _BIND_RESP,
    CommandId.OUTBIND: Layout(Outbind, (_SYSTEM_ID, _PASSWORD)),
    CommandId.ENQUIRE_LINK: _EMPTY,
    CommandId.ENQUIRE_LINK_RESP: _EMPTY,
    CommandId.SUBMIT_MULTI: Layout(
        SubmitMulti, (_SERVICE_TYPE, *_SOURCE_ADDRESS, _DESTINATIONS, *_SM_TAIL), _RINVOPTPARSTREAM
    ),
    CommandId.SUBMIT_MULTI_RESP: Layout(SubmitMultiResp, (_MESSAGE_ID, _UNSUCCESS)),
    CommandId.ALERT_NOTIFICATION: Layout(
        AlertNotification, (_OCTET, _OCTET, _LONG_SOURCE, _OCTET, _OCTET, _LONG_DESTINATION), _RINVOPTPARSTREAM
    ),
    CommandId.DATA_SM: Layout(
        DataSm,
        (_SERVICE_TYPE, _OCTET, _OCTET, _LONG_SOURCE, _OCTET, _OCTET, _LONG_DESTINATION, *_OCTETS_3),
        _RINVOPTPARSTREAM,
    ),
    CommandId.DATA_SM_RESP: MESSAGE_ID_RESP,
}
"""Every command of SMPP 3.4 §5.1.2.1."""
