"""An ESME on a bare socket: writes what a test says, right or wrong, and fast. It shares nothing with our SMPP code."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

BIND_RECEIVER, BIND_TRANSMITTER, QUERY_SM, SUBMIT_SM, DELIVER_SM, UNBIND = 1, 2, 3, 4, 5, 6
REPLACE_SM, CANCEL_SM, BIND_TRANSCEIVER, OUTBIND, ENQUIRE_LINK, SUBMIT_MULTI = 7, 8, 9, 0x0B, 0x15, 0x21
ALERT_NOTIFICATION, DATA_SM, GENERIC_NACK, RESPONSE = 0x102, 0x103, 0x80000000, 0x80000000
MESSAGE_PAYLOAD, RECEIPTED_MESSAGE_ID, MESSAGE_STATE, NETWORK_ERROR_CODE = 0x0424, 0x001E, 0x0427, 0x0423
SC_INTERFACE_VERSION = 0x0210

DEADLINE_S = 30.0


class Pdu(NamedTuple):
    """One PDU, its body undecoded."""

    command_id: int
    status: int
    sequence: int
    body: bytes

    @property
    def message_id(self) -> str:
        """Of a submit_sm_resp or the like."""
        return self.body.split(b"\0", 1)[0].decode()


class Delivered(NamedTuple):
    """The fields of a deliver_sm that tests look at."""

    source: str
    destination: str
    esm_class: int
    data_coding: int
    short_message: bytes
    tlvs: dict[int, bytes]
    sequence: int


def pdu(command_id: int, sequence: int, body: bytes = b"", status: int = 0) -> bytes:
    """The octets of a PDU."""
    return struct.pack(">IIII", 16 + len(body), command_id, status, sequence) + body


def tlv(tag: int, value: bytes) -> bytes:
    """The octets of an optional parameter."""
    return struct.pack(">HH", tag, len(value)) + value


def bind_body(system_id: str, password: str, version: int = 0x34) -> bytes:
    """The body of any of the three binds."""
    return f"{system_id}\0{password}\0\0".encode() + bytes((version, 0, 0)) + b"\0"


def sm_body(
    destination: str,
    short_message: bytes,
    *,
    source: tuple[int, int, str] = (5, 0, "Motet"),
    dest_ton: int = 1,
    esm_class: int = 0,
    data_coding: int = 0,
    registered_delivery: int = 1,
    schedule: str = "",
    validity: str = "",
    service_type: str = "",
    replace: int = 0,
    tlvs: bytes = b"",
) -> bytes:
    """The body of a submit_sm (SMPP 3.4 §4.4.1)."""
    return b"".join(
        (
            service_type.encode(), b"\0", bytes(source[:2]), source[2].encode(), b"\0", bytes((dest_ton, 1)),
            destination.encode(), b"\0", bytes((esm_class, 0, 0)), schedule.encode(), b"\0", validity.encode(), b"\0",
            bytes((registered_delivery, replace, data_coding, 0, len(short_message))), short_message, tlvs,
        )
    )  # fmt: skip


def data_body(
    destination: str, tlvs: bytes, *, source: tuple[int, int, str] = (5, 0, "Motet"), registered_delivery: int = 1
) -> bytes:
    """The body of a data_sm (SMPP 3.4 §4.7.1)."""
    return b"".join(
        (
            b"\0", bytes(source[:2]), source[2].encode(), b"\0\1\1", destination.encode(), b"\0",
            bytes((0, registered_delivery, 0)), tlvs,
        )
    )  # fmt: skip


def multi_body(
    destinations: list[str], short_message: bytes, *, source: tuple[int, int, str] = (5, 0, "Motet")
) -> bytes:
    """The body of a submit_multi to SME addresses (SMPP 3.4 §4.5.1)."""
    return b"".join(
        (
            b"\0", bytes(source[:2]), source[2].encode(), b"\0", bytes((len(destinations),)),
            *(b"\1\1\1" + d.encode() + b"\0" for d in destinations), bytes((0, 0, 0)), b"\0\0",
            bytes((1, 0, 0, 0, len(short_message))), short_message,
        )
    )  # fmt: skip


def delivered(one: Pdu) -> Delivered:
    """Reads the body of a deliver_sm (SMPP 3.4 §4.6.1)."""
    body = one.body
    at = body.index(b"\0") + 1
    end = body.index(b"\0", at + 2)
    source, at = body[at + 2 : end].decode(), end + 1
    end = body.index(b"\0", at + 2)
    destination, at = body[at + 2 : end].decode(), end + 1
    esm_class, at = body[at], at + 3
    for _ in range(2):
        at = body.index(b"\0", at) + 1
    data_coding, length = body[at + 2], body[at + 4]
    at += 5
    short_message, at = body[at : at + length], at + length
    assert len(short_message) == length
    tlvs: dict[int, bytes] = {}
    while at < len(body):
        tag, size = struct.unpack_from(">HH", body, at)
        tlvs[tag], at = body[at + 4 : at + 4 + size], at + 4 + size
    assert at == len(body)
    return Delivered(source, destination, esm_class, data_coding, short_message, tlvs, one.sequence)


class RawEsme:
    """A connection. Reading answers nothing unless asked to."""

    def __init__(self, address: tuple[str, int], *, receive_buffer: int | None = None) -> None:
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray()
        self._kept: list[Pdu] = []
        self._sequence = 0

    def __enter__(self) -> RawEsme:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the socket, without an unbind."""
        self.socket.close()

    def send(self, octets: bytes) -> None:
        """Writes."""
        self.socket.settimeout(DEADLINE_S)
        self.socket.sendall(octets)

    def request(self, command_id: int, body: bytes = b"") -> int:
        """Sends a PDU under the next sequence number, which it gives."""
        self._sequence += 1
        self.send(pdu(command_id, self._sequence, body))
        return self._sequence

    def ask(self, command_id: int, body: bytes = b"", within_s: float = DEADLINE_S) -> Pdu:
        """The same, and waits for the response; whatever else comes is kept for `take`."""
        sequence = self.request(command_id, body)
        return self.take(lambda one: one.sequence == sequence and bool(one.command_id & RESPONSE), within_s)

    def bind(self, system_id: str, password: str, command_id: int = BIND_TRANSCEIVER, version: int = 0x34) -> Pdu:
        """Binds and gives the response."""
        return self.ask(command_id, bind_body(system_id, password, version))

    def take(self, wanted: Callable[[Pdu], bool], within_s: float = DEADLINE_S) -> Pdu:
        """The next PDU that is wanted; the others are kept in their order."""
        for position, one in enumerate(self._kept):
            if wanted(one):
                return self._kept.pop(position)
        deadline = time.monotonic() + within_s
        while True:
            fresh = self.read(deadline - time.monotonic())
            assert fresh is not None, f"the connection was closed; kept: {self._kept[:3]}"
            found = None
            for one in fresh:
                if found is None and wanted(one):
                    found = one
                else:
                    self._kept.append(one)
            if found is not None:
                return found

    def deliver(self, *, answer: bool = True, within_s: float = DEADLINE_S) -> Delivered:
        """The next deliver_sm, answered unless told not to."""
        one = self.take(lambda candidate: candidate.command_id == DELIVER_SM, within_s)
        if answer:
            self.acknowledge(one.sequence)
        return delivered(one)

    def acknowledge(self, sequence: int, status: int = 0) -> None:
        """A deliver_sm_resp."""
        self.send(pdu(DELIVER_SM | RESPONSE, sequence, b"\0", status))

    def kept(self, command_id: int) -> Delivered | None:
        """A deliver_sm that came beside what was waited for."""
        for position, one in enumerate(self._kept):
            if one.command_id == command_id:
                return delivered(self._kept.pop(position))
        return None

    def nothing_but(self, *allowed: int) -> None:
        """Asserts, with an enquire_link behind which nothing can hide, that only such commands have come."""
        assert self.ask(ENQUIRE_LINK).status == 0
        assert [one for one in self._kept if one.command_id not in allowed] == []

    def read(self, within_s: float) -> list[Pdu] | None:
        """What came with the next octets, perhaps nothing whole; None at the end. Fails when nothing comes in time."""
        self.socket.settimeout(max(0.001, within_s))
        try:
            octets = self.socket.recv(1 << 20)
        except ConnectionResetError:
            return None
        except TimeoutError:
            raise AssertionError(f"nothing came within {within_s:.1f} s; kept: {self._kept[:3]}") from None
        if not octets:
            return None
        self._buffer += octets
        return list(self._pdus())

    def ended(self, within_s: float = DEADLINE_S) -> list[Pdu]:
        """Waits for the end of the connection; what came before."""
        everything, self._kept = self._kept, []
        while (fresh := self.read(within_s)) is not None:
            everything += fresh
        return everything

    def _pdus(self) -> Iterator[Pdu]:
        buffer, at = self._buffer, 0
        while len(buffer) - at >= 16:
            length, command_id, status, sequence = struct.unpack_from(">IIII", buffer, at)
            assert 16 <= length <= 65_536, buffer[at : at + 16].hex()
            if len(buffer) - at < length:
                break
            yield Pdu(command_id, status, sequence, bytes(buffer[at + 16 : at + length]))
            at += length
        del buffer[:at]
