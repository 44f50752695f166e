"""Wireshark's SMPP dissector over what the demo writes, towards ESMEs and upstream."""

from __future__ import annotations

import os
import select
import signal
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from foreign_programs import missing, program
from raw_esme import (
    BIND_RECEIVER,
    BIND_TRANSCEIVER,
    BIND_TRANSMITTER,
    CANCEL_SM,
    DATA_SM,
    DELIVER_SM,
    ENQUIRE_LINK,
    GENERIC_NACK,
    MESSAGE_PAYLOAD,
    QUERY_SM,
    REPLACE_SM,
    RESPONSE,
    SUBMIT_MULTI,
    SUBMIT_SM,
    UNBIND,
    RawEsme,
    bind_body,
    data_body,
    multi_body,
    pdu,
    sm_body,
    tlv,
)
from running_demo import DEADLINE_S, RunningDemo, eventually

pytestmark = pytest.mark.timeout(120)

SOURCE = b"\x05\x00Motet\0"
LAST = b"the last one"
TEXTS = (
    (0, b"Hello"),
    (0, b""),
    (8, "Grüße 😀 Привет".encode("utf-16-be")),
    (3, "naïve".encode("latin-1")),
    (4, bytes(range(140))),
)


@contextmanager
def capture(path: Path, ports: tuple[int, int]) -> Iterator[None]:
    """Records both ports on the loopback device, from the first packet on."""
    words = [program("dumpcap"), "-i", "lo", "-f", "tcp port {} or tcp port {}".format(*ports), "-w", str(path), "-q"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as dumpcap:
        assert dumpcap.stderr is not None
        said = ""
        deadline = time.monotonic() + DEADLINE_S
        while "File:" not in said:
            assert select.select([dumpcap.stderr], [], [], deadline - time.monotonic())[0], said
            octets = os.read(dumpcap.stderr.fileno(), 4096).decode()
            if not octets:
                missing("dumpcap may not capture on the loopback device: " + said.strip())
            said += octets
        try:
            yield
        finally:
            dumpcap.send_signal(signal.SIGINT)
            dumpcap.communicate(timeout=DEADLINE_S)


def dissect(path: Path, ports: tuple[int, int]) -> list[list[str]]:
    """(source port, destination port, command ids, malformed, remarks) of every frame with SMPP in it."""
    words = [program("tshark"), "-r", str(path)]
    for port in ports:
        words += ["-d", f"tcp.port=={port},smpp"]
    words += ["-Y", "smpp || _ws.malformed", "-T", "fields", "-E", "separator=;"]
    for field in ("tcp.srcport", "tcp.dstport", "smpp.command_id", "_ws.malformed", "_ws.expert.message"):
        words += ["-e", field]
    run = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)
    return [line.split(";") for line in run.stdout.splitlines()]


def test_no_pdu_that_the_demo_writes_is_malformed(demo: RunningDemo, tmp_path: Path) -> None:
    ports = (demo.smpp[1], demo.upstream_port())
    file = tmp_path / "smpp.pcapng"
    with capture(file, ports):
        os.kill(demo.simulator_pid(), signal.SIGKILL)  # so that the upstream binds are seen too
        eventually(lambda: demo.network("/stats")["binds"] == 2, "the upstream binds")
        _everything(demo)
        with RawEsme(demo.smpp) as last:
            last.ask(QUERY_SM, LAST + b"\0" + SOURCE)
        eventually(lambda: LAST in file.read_bytes(), "the last packet in the file")
    frames = dissect(file, ports)
    ours = [frame for frame in frames if frame[1] != str(ports[0])]  # what our ESME writes is malformed on purpose
    assert [frame for frame in ours if frame[3] or "alformed" in frame[4]] == []

    def commands(position: int, port: int) -> set[int]:
        return {int(one, 16) for frame in ours if frame[position] == str(port) for one in frame[2].split(",") if one}

    binds = {BIND_RECEIVER, BIND_TRANSMITTER, BIND_TRANSCEIVER}
    asked = {SUBMIT_SM, SUBMIT_MULTI, DATA_SM, QUERY_SM, CANCEL_SM, REPLACE_SM, ENQUIRE_LINK, UNBIND} | binds
    assert commands(0, ports[0]) == {one | RESPONSE for one in asked} | {GENERIC_NACK, DELIVER_SM}
    upstream = {BIND_TRANSCEIVER, SUBMIT_SM, CANCEL_SM, REPLACE_SM}
    assert commands(1, ports[1]) - {ENQUIRE_LINK} == upstream | {DELIVER_SM | RESPONSE}
    assert commands(0, ports[1]) - {ENQUIRE_LINK | RESPONSE} == {one | RESPONSE for one in upstream} | {DELIVER_SM}


def _everything(demo: RunningDemo) -> None:
    """Every command and most answers of it, receipts and MO."""
    msisdn, absent, full = demo.phones()[:3]
    demo.behave(absent, "absent")
    demo.behave(full, "memory_full")
    for kind in (BIND_RECEIVER, BIND_TRANSMITTER):
        with RawEsme(demo.smpp) as esme:
            esme.bind("demo", "wrong", kind)
            esme.bind("nobody", "wrong", kind, 0x33)
            assert esme.bind("demo", demo.password, kind).status == 0
            esme.ask(SUBMIT_SM, sm_body(msisdn, b"one", registered_delivery=0))
            esme.ask(UNBIND)
    with RawEsme(demo.smpp) as esme:
        assert esme.bind("demo", demo.password).status == 0
        receipts = 0
        for data_coding, text in TEXTS:
            for wanted in (0, 1, 2, 0x11):
                body = sm_body(msisdn, text, data_coding=data_coding, registered_delivery=wanted)
                assert esme.ask(SUBMIT_SM, body).status == 0
                receipts += wanted in (1, 0x11)
        payload = tlv(MESSAGE_PAYLOAD, "€".encode("utf-16-be") * 400)
        assert esme.ask(SUBMIT_SM, sm_body(msisdn, b"", data_coding=8, tlvs=payload)).status == 0
        assert esme.ask(DATA_SM, data_body(msisdn, payload + tlv(0x0204, b"\0\7"))).status == 0
        assert esme.ask(SUBMIT_SM, sm_body(full, b"full")).status == 0
        assert esme.ask(SUBMIT_SM, sm_body(absent, b"note", registered_delivery=0x10)).status == 0
        assert esme.ask(SUBMIT_MULTI, multi_body([msisdn, "49"], b"multi")).status == 0
        receipts += 5
        held = esme.ask(SUBMIT_SM, sm_body(absent, b"held")).message_id.encode() + b"\0"
        for name in (held, b"12345\0", b"x" * 30 + b"\0"):
            esme.ask(QUERY_SM, name + SOURCE)
            esme.ask(REPLACE_SM, name + SOURCE + b"\0\0\1\0\3new")
            esme.ask(CANCEL_SM, b"\0" + name + SOURCE + b"\1\1" + absent.encode() + b"\0")
            esme.ask(QUERY_SM, name + SOURCE)
        receipts += 1
        for text in ("short", "l" * 300, "Привет 😀"):
            demo.mobile_originated(msisdn, demo.short_code, text)
        for command_id in (SUBMIT_SM, SUBMIT_MULTI, DATA_SM, QUERY_SM, CANCEL_SM, REPLACE_SM):
            esme.ask(command_id, b"\xff" * 9)
        esme.ask(SUBMIT_SM, sm_body("49", b"nobody"))
        esme.ask(ENQUIRE_LINK)
        for _ in range(receipts + 3):
            esme.deliver()
        sequence = esme.request(0x99)
        assert esme.take(lambda one: one.sequence == sequence).command_id == GENERIC_NACK
        assert esme.ask(UNBIND).status == 0
    with RawEsme(demo.smpp) as old:
        assert old.ask(BIND_TRANSCEIVER, bind_body("demo", demo.password, 0x33)).status == 0
        old.ask(SUBMIT_SM, sm_body(msisdn, b"old"))
        demo.mobile_originated(msisdn, demo.short_code, "p" * 300)
        for _ in range(3):
            old.deliver()
        old.send(struct.pack(">IIII", 15, SUBMIT_SM, 0, 9))
        old.ended()
    with RawEsme(demo.smpp) as unbound:
        unbound.send(pdu(SUBMIT_SM, 1, sm_body(msisdn, b"too early")))
        unbound.take(lambda one: one.command_id == SUBMIT_SM | RESPONSE)
