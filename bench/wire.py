"""The few octets of SMPP 3.4 that the load tools need, prepared beforehand: they must cost next to nothing.

Nothing here shares code with the product: a fault of its codec must show, not cancel out.
"""

from __future__ import annotations

import struct

HEADER = struct.Struct(">IIII")
"""command_length, command_id, command_status, sequence_number."""
SEQUENCE = struct.Struct(">I")

GENERIC_NACK = 0x80000000
BIND_RECEIVER, BIND_TRANSMITTER, BIND_TRANSCEIVER = 0x1, 0x2, 0x9
SUBMIT_SM, SUBMIT_SM_RESP = 0x4, 0x80000004
DELIVER_SM, DELIVER_SM_RESP = 0x5, 0x80000005
UNBIND, UNBIND_RESP = 0x6, 0x80000006
ENQUIRE_LINK, ENQUIRE_LINK_RESP = 0x15, 0x80000015
RESPONSE = 0x80000000

ESME_ROK, ESME_RINVBNDSTS, ESME_RBINDFAIL = 0x0, 0x4, 0xD
SMSC_DELIVERY_RECEIPT = 0x04

DELIVER_SM_RESP_HEAD = struct.pack(">III", 17, DELIVER_SM_RESP, 0)


def pdu(command_id: int, status: int, sequence: int, body: bytes = b"") -> bytes:
    return HEADER.pack(16 + len(body), command_id, status, sequence) + body


def bind_body(system_id: str, password: str) -> bytes:
    """system_id, password, system_type, interface_version 3.4, addr_ton, addr_npi, address_range."""
    return system_id.encode() + b"\0" + password.encode() + b"\0\0\x34\0\0\0"


def submit_template(source: str, destination: str, text: bytes) -> tuple[bytes, bytes]:
    """What comes before and after the sequence number in a submit_sm that asks for a receipt."""
    body = (
        b"\0"  # service_type
        + (b"\x05\x00" if not source.isdigit() else b"\x01\x01" if len(source) > 7 else b"\x03\x00")
        + source.encode()
        + b"\0\x01\x01"
        + destination.encode()
        + b"\0\0\0\0\0\0\x01\0\0\0"  # esm_class … registered_delivery 1 … sm_default_msg_id
        + bytes([len(text)])
        + text
    )
    return struct.pack(">III", 16 + len(body), SUBMIT_SM, 0), body
