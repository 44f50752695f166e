"""Wireshark's SMPP dissector, which is not ours, over everything that the codec writes."""

import json
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from smpp_sessions import bound
from smpp_vectors import VECTORS

from motet.smpp.codec import encode, encode_message_id_resp
from motet.smpp.constants import CommandId
from motet.smpp.pdu import MessageIdResp, QuerySmResp, Sm
from motet.smpp.receipt import receipt_text, receipt_tlvs
from motet.smpp.session import Session, Side

TSHARK = shutil.which("tshark")


@pytest.mark.skipif(TSHARK is None, reason="tshark is not installed")
def test_the_dissector_finds_nothing_malformed_and_names_every_command(tmp_path: Path) -> None:
    stream = [encode(*pdu) for _, pdu in VECTORS.values()] + answers()
    capture = tmp_path / "smpp.pcap"
    capture.write_bytes(pcap(stream))
    read = subprocess.run(
        [str(TSHARK), "-r", str(capture), "-d", "tcp.port==2775,smpp", "-T", "json", "-J", "smpp _ws.malformed"],
        capture_output=True,
        check=True,
        timeout=60,
    )
    packets = [packet["_source"]["layers"] for packet in json.loads(read.stdout)]
    assert len(packets) == len(stream)
    for packet, octets in zip(packets, stream, strict=True):
        assert "_ws.malformed" not in packet, octets.hex()
        assert int(packet["smpp"]["smpp.command_id"], 16) == int.from_bytes(octets[4:8], "big"), octets.hex()
    assert b"Malformed" not in read.stdout


def answers() -> list[bytes]:
    """What a session writes beside the vectors: error answers, receipts, its own requests."""
    esme, smsc = bound()
    receipt = Sm(
        source_addr="491701234",
        destination_addr="7000",
        esm_class=4,
        short_message=receipt_text("42", 2, submit_us=0, done_us=0, text=b"Hi"),
        tlvs=receipt_tlvs("42", 2),
    )
    commands = [
        c for c in CommandId if not c & 0x80000000 and c not in (CommandId.OUTBIND, CommandId.ALERT_NOTIFICATION)
    ]
    smsc.on_time(30.0)
    refused = Session(Side.SMSC, now=0.0)
    refused.receive_data(encode(CommandId.SUBMIT_SM, 0, 1, Sm()), 0.0)
    return [
        *(smsc.respond(command, 9, 0x45) for command in commands),
        smsc.request(CommandId.DELIVER_SM, receipt, None, 0.0),
        esme.respond(CommandId.DELIVER_SM, 3, 0),
        esme.respond(CommandId.DELIVER_SM, 3, 0x64),
        smsc.respond(CommandId.DATA_SM, 4, 0, MessageIdResp("42")),
        smsc.respond(CommandId.QUERY_SM, 4, 0, QuerySmResp("42", "261121221030000+", 2)),
        encode_message_id_resp(CommandId.SUBMIT_SM_RESP, 0, 5, "42"),
        smsc.data_to_send(),
        refused.data_to_send(),
    ]


def pcap(payloads: list[bytes]) -> bytes:
    """A capture of one TCP segment (IPv4, from port 40,000 to 2775) per payload."""
    packets = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 101)]
    sequence = 1
    for payload in payloads:
        tcp = struct.pack(">HHIIBBHHH", 40_000, 2775, sequence, 1, 0x50, 0x18, 8192, 0, 0)
        size = 40 + len(payload)
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, size, 0, 0, 64, 6, 0, b"\x7f\0\0\1", b"\x7f\0\0\2")
        packets.append(struct.pack("<IIII", 0, 0, size, size) + ip + tcp + payload)
        sequence += len(payload)
    return b"".join(packets)
