"""The load SMSC: accepts every submit_sm with the next decimal id and sends a receipt for it at once.

    python -m bench.load_smsc --listen 127.0.0.1:0

Prints JSON lines: ready (with the port), binds whenever their number changes, and for each line `mark` on stdin what
happened since the one before. As cheap as the load client; receipts are held back by a window of unanswered deliver_sm
per bind.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import resource
import signal
import struct
import time
from collections import deque

import uvloop

from bench import wire

BIN_S = 0.05
"""Width of the bins in which submits and receipt answers are counted."""

RECEIPT_TLVS = 0x001E, 0x0427
"""receipted_message_id, message_state."""
ID_DIGITS = 10


class Traffic:
    """What all binds share."""

    def __init__(self, window: int) -> None:
        self.window = window
        self.next_id = 1
        self.binds: list[LoadSmsc] = []
        self.submits: dict[int, int] = {}
        self.answers: dict[int, int] = {}
        self.refused_answers = 0
        self.marked_cpu_s = cpu_s()
        stamp = time.strftime("%y%m%d%H%M", time.gmtime()).encode()
        self.text_middle = b" sub:001 dlvrd:001 submit date:" + stamp + b" done date:" + stamp
        self.text_middle += b" stat:DELIVRD err:000 text:"
        text_octets = 3 + ID_DIGITS + len(self.text_middle)
        self.head = bytes([wire.SMSC_DELIVERY_RECEIPT]) + b"\0\0\0\0\0\0\0\0" + bytes([text_octets]) + b"id:"
        """esm_class to sm_length, and the first letters of short_message."""
        self.tlv_head = struct.pack(">HH", RECEIPT_TLVS[0], ID_DIGITS + 1)
        self.tlv_tail = b"\0" + struct.pack(">HHB", RECEIPT_TLVS[1], 1, 2)


class LoadSmsc(asyncio.Protocol):
    """One bind of an ESME: the gateway under test."""

    def __init__(self, traffic: Traffic) -> None:
        self.traffic = traffic
        self.tail = b""
        self.sequence = 0
        self.unanswered = 0
        self.waiting: deque[bytes] = deque()
        """Bodies of receipts that wait for room."""
        self.receives = False
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def connection_lost(self, error: Exception | None) -> None:
        if self in self.traffic.binds:
            self.traffic.binds.remove(self)
            say_binds(self.traffic)

    def data_received(self, data: bytes) -> None:
        if self.tail:
            data = self.tail + data
        traffic, unpack, pack, find = self.traffic, wire.HEADER.unpack_from, wire.HEADER.pack, data.find
        head, middle, tlv_head, tlv_tail = traffic.head, traffic.text_middle, traffic.tlv_head, traffic.tlv_tail
        next_id = first_id = traffic.next_id
        position, size = 0, len(data)
        answers: list[bytes] = []
        receipts: list[bytes] = []
        answered = 0
        while size - position >= 16:
            length, command, status, sequence = unpack(data, position)
            end = position + length
            if end > size:
                break
            if command == wire.SUBMIT_SM:
                source = find(b"\0", position + 16) + 1
                destination = find(b"\0", source + 2) + 1
                body = find(b"\0", destination + 2) + 1
                message_id = b"%010d" % next_id
                next_id += 1
                answers.append(pack(27, wire.SUBMIT_SM_RESP, 0, sequence) + message_id + b"\0")
                receipts.append(
                    # The receipt comes from the message's destination: the addresses change places.
                    data[position + 16 : source] + data[destination:body] + data[source:destination]
                    + head + message_id + middle + tlv_head + message_id + tlv_tail
                )  # fmt: skip
            elif command == wire.DELIVER_SM_RESP:
                answered += 1
                if status:
                    traffic.refused_answers += 1
            else:
                self._rare(command, sequence, data[position + 16 : end])
            position = end
        self.tail = data[position:]
        traffic.next_id = next_id
        if next_id != first_id or answered:
            now = int(time.monotonic() / BIN_S)
            traffic.submits[now] = traffic.submits.get(now, 0) + next_id - first_id
            traffic.answers[now] = traffic.answers.get(now, 0) + answered
        self.unanswered -= answered
        if receipts:
            receiver = self if self.receives else next((bind for bind in traffic.binds if bind.receives), self)
            receiver.waiting.extend(receipts)
            if receiver is not self:
                receiver.transport.write(receiver.release())
        answers.append(self.release())
        self.transport.write(b"".join(answers))

    def release(self) -> bytes:
        """The receipts that the window has room for, as deliver_sm."""
        waiting = self.waiting
        count = min(self.traffic.window - self.unanswered, len(waiting))
        if count <= 0:
            return b""
        self.unanswered += count
        first = self.sequence + 1
        self.sequence += count
        if self.sequence > 0x7FFF0000:
            self.sequence = 0
        pack, take = wire.HEADER.pack, waiting.popleft
        pieces: list[bytes] = []
        for sequence in range(first, first + count):
            body = take()
            pieces += (pack(16 + len(body), wire.DELIVER_SM, 0, sequence), body)
        return b"".join(pieces)

    def _rare(self, command: int, sequence: int, body: bytes) -> None:
        traffic = self.traffic
        if command in (wire.BIND_TRANSCEIVER, wire.BIND_TRANSMITTER, wire.BIND_RECEIVER):
            self.receives = command != wire.BIND_TRANSMITTER
            self.transport.write(wire.pdu(command | wire.RESPONSE, 0, sequence, b"load\0"))
            traffic.binds.append(self)
            say_binds(traffic)
        elif command == wire.ENQUIRE_LINK:
            self.transport.write(wire.pdu(wire.ENQUIRE_LINK_RESP, 0, sequence))
        elif command == wire.UNBIND:
            self.transport.write(wire.pdu(wire.UNBIND_RESP, 0, sequence))
            self.transport.close()
        elif not command & wire.RESPONSE:
            self.transport.write(wire.pdu(wire.GENERIC_NACK, 0x3, sequence))


def say_binds(traffic: Traffic) -> None:
    print(json.dumps({"event": "binds", "count": len(traffic.binds)}), flush=True)


def take_command(traffic: Traffic) -> None:
    words = os.read(0, 4096)
    if not words:
        asyncio.get_running_loop().remove_reader(0)  # whoever started us has gone, or gives no commands
    elif words.startswith(b"mark"):
        say_mark(traffic)


def say_mark(traffic: Traffic) -> None:
    """Print what happened since the last mark, and begin anew."""
    now = cpu_s()
    figures = {
        "event": "mark",
        "submit_sm": sum(traffic.submits.values()),
        "deliver_sm_resp": sum(traffic.answers.values()),
        "deliver_sm_refused": traffic.refused_answers,
        "receipts_not_sent": sum(len(bind.waiting) for bind in traffic.binds),
        "bin_s": BIN_S,
        "submits": sorted(traffic.submits.items()),
        "answers": sorted(traffic.answers.items()),
        "cpu_s": now - traffic.marked_cpu_s,
    }
    traffic.submits.clear()
    traffic.answers.clear()
    traffic.refused_answers = 0
    traffic.marked_cpu_s = now
    print(json.dumps(figures), flush=True)


def cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def serve(host: str, port: int, window: int) -> None:
    traffic = Traffic(window)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: LoadSmsc(traffic), host, port)
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    loop.add_reader(0, take_command, traffic)
    print(json.dumps({"event": "ready", "port": server.sockets[0].getsockname()[1]}), flush=True)
    gc.collect()
    gc.disable()
    await stopped.wait()
    server.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listen", default="127.0.0.1:0", metavar="HOST:PORT")
    parser.add_argument("--window", type=int, default=1000, help="unanswered deliver_sm per bind")
    arguments = parser.parse_args()
    host, _, port = arguments.listen.rpartition(":")
    uvloop.run(serve(host, int(port), arguments.window))


if __name__ == "__main__":
    main()
