"""The load ESME: submits as fast as the windows allow (or at a rate), takes receipts, and keeps the time of each.

    python -m bench.load_client smpp://system_id:password@host:port --messages 100000 --binds 4 --window 500

Prints JSON lines: progress, then the result. Written to cost about 10 µs of CPU a message, so that what is measured is
the gateway: one protocol call-back per read, prebuilt PDUs, arrays indexed by the sequence number.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import resource
import sys
import time
from array import array
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvloop

from bench import wire

RATE_TICK_S = 0.002
"""A paced run sends what has become due this often, an equal share on each bind."""
PROGRESS_S = 0.25
DRAIN_S = 30.0
"""Without any answer or receipt for this long, the run is over, complete or not."""


class Run:
    """What all binds share. Messages are numbered from 1; the number is the sequence number on the wire too."""

    def __init__(self, messages: int, templates: list[tuple[bytes, bytes]], *, paced: bool) -> None:
        self.messages = messages
        self.templates = templates
        self.paced = paced
        self.allowed = 0 if paced else messages
        """Messages that may have been sent by now."""
        self.sent = 0
        self.accepted = 0
        self.refused: dict[int, int] = {}
        self.receipts = 0
        self.not_delivered = 0
        self.unmatched = 0
        blank = array("d", [0.0])
        self.sent_at = blank * (messages + 1)
        self.accepted_at = blank * (messages + 1)
        self.receipt_at = blank * (messages + 1)
        self.numbers: dict[bytes, int] = {}
        self.early: dict[bytes, float] = {}
        """Receipts that came before their submit_sm_resp, as they may on another bind."""
        self.last_news = time.monotonic()

    @property
    def answered(self) -> int:
        return self.accepted + sum(self.refused.values())

    @property
    def complete(self) -> bool:
        return self.answered == self.messages and self.receipts == self.accepted


class LoadEsme(asyncio.Protocol):
    """One transceiver bind."""

    def __init__(self, run: Run, window: int, bind: bytes) -> None:
        self.run = run
        self.window = window
        self.bind = bind
        self.in_flight = 0
        self.tail = b""
        self.bound: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.unbound: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        self.transport.write(wire.pdu(wire.BIND_TRANSCEIVER, 0, 1, self.bind))

    def connection_lost(self, error: Exception | None) -> None:
        for future in (self.bound, self.unbound):
            if not future.done():
                future.set_exception(error or ConnectionError("the gateway closed the connection"))
                future.exception()  # whoever waits sees it; nobody need

    def data_received(self, data: bytes) -> None:
        if self.tail:
            data = self.tail + data
        run, unpack = self.run, wire.HEADER.unpack_from
        now = time.monotonic()
        position, size = 0, len(data)
        answers: list[bytes] = []
        accepted = receipts = 0
        accepted_at, receipt_at, numbers, early = run.accepted_at, run.receipt_at, run.numbers, run.early
        while size - position >= 16:
            length, command, status, sequence = unpack(data, position)
            end = position + length
            if end > size:
                break
            if command == wire.SUBMIT_SM_RESP:
                self.in_flight -= 1
                if status:
                    run.refused[status] = run.refused.get(status, 0) + 1
                else:
                    accepted += 1
                    accepted_at[sequence] = now
                    numbers[data[position + 16 : end - 1]] = sequence
                    if early:
                        self._match_early(data[position + 16 : end - 1], sequence)
            elif command == wire.DELIVER_SM:
                start = data.find(b"id:", position + 33, end) + 3
                message_id = data[start : data.find(b" ", start, end)]
                number = numbers.pop(message_id, 0)
                if number:
                    receipts += 1
                    receipt_at[number] = now
                else:
                    early[message_id] = now
                answers.append(wire.DELIVER_SM_RESP_HEAD + data[position + 12 : position + 16] + b"\0")
            else:
                self._rare(command, status, sequence)
            position = end
        self.tail = data[position:]
        run.not_delivered += receipts - min(receipts, data.count(b"stat:DELIVRD", 0, position)) if receipts else 0
        run.accepted += accepted
        run.receipts += receipts
        run.last_news = now
        room = min(self.window - self.in_flight, run.allowed - run.sent)
        if room > 0:
            answers.append(self._submits(room, now))
        if answers:
            self.transport.write(b"".join(answers))

    def _match_early(self, message_id: bytes, number: int) -> None:
        run = self.run
        at = run.early.pop(message_id, None)
        if at is not None:
            run.receipt_at[number] = at
            run.receipts += 1
            del run.numbers[message_id]

    def _submits(self, count: int, now: float) -> bytes:
        run = self.run
        first = run.sent + 1
        run.sent += count
        self.in_flight += count
        run.sent_at[first : first + count] = array("d", [now]) * count
        templates, pack = run.templates, wire.SEQUENCE.pack
        many = len(templates)
        return b"".join(
            [piece for n in range(first, first + count) for head, body in (templates[n % many],)
             for piece in (head, pack(n), body)]
        )  # fmt: skip

    def send_some(self, most: int = sys.maxsize) -> None:
        """Send up to `most`, as far as the window and the run allow."""
        room = min(most, self.window - self.in_flight, self.run.allowed - self.run.sent)
        if room > 0:
            self.transport.write(self._submits(room, time.monotonic()))

    def _rare(self, command: int, status: int, sequence: int) -> None:
        if command == wire.BIND_TRANSCEIVER | wire.RESPONSE:
            if status:
                self.bound.set_exception(ConnectionError(f"bind refused with command_status {status:#x}"))
            else:
                self.bound.set_result(None)
        elif command == wire.ENQUIRE_LINK:
            self.transport.write(wire.pdu(wire.ENQUIRE_LINK_RESP, 0, sequence))
        elif command == wire.UNBIND:
            self.transport.write(wire.pdu(wire.UNBIND_RESP, 0, sequence))
        elif command == wire.UNBIND_RESP and not self.unbound.done():
            self.unbound.set_result(None)
        elif command == wire.GENERIC_NACK:
            self.in_flight -= 1
            self.run.refused[-1] = self.run.refused.get(-1, 0) + 1


async def pace(run: Run, esmes: list[LoadEsme], rate: float) -> None:
    """Let `rate` messages a second go, an equal share on each bind that has room."""
    began = time.monotonic()
    turn = 0
    while run.allowed < run.messages:
        await asyncio.sleep(RATE_TICK_S)
        run.allowed = min(run.messages, int((time.monotonic() - began) * rate))
        turn += 1
        for index in range(len(esmes)):
            left = len(esmes) - index
            esmes[(turn + index) % len(esmes)].send_some(-((run.sent - run.allowed) // left))


def progress(run: Run) -> None:
    fields = {"event": "progress", "sent": run.sent, "accepted": run.accepted, "receipts": run.receipts}
    print(json.dumps(fields | {"messages": run.messages}), flush=True)


async def load(arguments: argparse.Namespace, run: Run) -> dict[str, object]:
    target = urlsplit(arguments.target)
    bind = wire.bind_body(target.username or "", target.password or "")
    loop = asyncio.get_running_loop()
    esmes = []
    for _ in range(arguments.binds):
        _, esme = await loop.create_connection(
            lambda: LoadEsme(run, arguments.window, bind), target.hostname, target.port
        )
        await esme.bound
        esmes.append(esme)
    print(json.dumps({"event": "bound"}), flush=True)
    gc.collect()
    gc.disable()
    before = resource.getrusage(resource.RUSAGE_SELF)
    run.last_news = began = time.monotonic()
    if arguments.rate:
        pacing = asyncio.create_task(pace(run, esmes, arguments.rate))
    else:
        pacing = None
        for esme in esmes:
            esme.send_some()
    while not run.complete and time.monotonic() - run.last_news < DRAIN_S:
        await asyncio.sleep(PROGRESS_S)
        progress(run)
    ended = time.monotonic()
    after = resource.getrusage(resource.RUSAGE_SELF)
    if pacing:
        pacing.cancel()
    for esme in esmes:
        esme.transport.write(wire.pdu(wire.UNBIND, 0, 0x7FFFFFFF))
    await asyncio.wait([esme.unbound for esme in esmes], timeout=2)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"began": began, "ended": ended, "cpu_s": cpu_s}


def result(arguments: argparse.Namespace, run: Run, figures: dict[str, object]) -> dict[str, object]:
    """The figures of the run; with `--save` the times of each message too, for the plot."""
    import numpy  # after the load: it is of no use to it

    sent_at, accepted_at, receipt_at = (
        numpy.frombuffer(times, dtype=numpy.float64)[1 : run.sent + 1]
        for times in (run.sent_at, run.accepted_at, run.receipt_at)
    )
    if arguments.save:
        numpy.savez(arguments.save, sent_at=sent_at, accepted_at=accepted_at, receipt_at=receipt_at)
    accepted, receipted = accepted_at > 0, receipt_at > 0
    return {
        "event": "result",
        "messages": run.messages,
        "sent": run.sent,
        "accepted": run.accepted,
        "refused": {f"{status:#x}": count for status, count in run.refused.items()},
        "receipts": run.receipts,
        "receipts_not_delivrd": run.not_delivered,
        "receipts_unmatched": len(run.early),
        "accepted_without_receipt": len(run.numbers),
        "accepted_per_s": steady_rate(numpy, accepted_at[accepted]),
        "receipts_per_s": steady_rate(numpy, receipt_at[receipted]),
        "response_ms": percentiles(numpy, (accepted_at - sent_at)[accepted]),
        "accept_to_receipt_ms": percentiles(numpy, (receipt_at - accepted_at)[accepted & receipted]),
        **figures,
    }


def steady_rate(numpy: Any, times: Any) -> float:
    """Events per second between the tenth and the ninetieth hundredth of them: without warm-up and tail."""
    if len(times) < 100:
        return 0.0
    ordered = numpy.sort(times)
    first, last = len(ordered) // 10, len(ordered) * 9 // 10
    return round((last - first) / max(float(ordered[last] - ordered[first]), 1e-9), 1)


def percentiles(numpy: Any, spans: Any) -> dict[str, float]:
    if not len(spans):
        return {}
    found = numpy.percentile(numpy.maximum(spans, 0), [50, 99, 100]) * 1_000
    return dict(zip(("p50", "p99", "max"), (round(float(one), 3) for one in found), strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", help="smpp://system_id:password@host:port")
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--binds", type=int, default=4)
    parser.add_argument("--window", type=int, default=500)
    parser.add_argument("--rate", type=float, default=0.0, help="messages per second; 0: as fast as it goes")
    parser.add_argument("--source", default="12345")
    parser.add_argument("--text", default="Meter reading 004711 please, answer by SMS. Motet relay benchmark.")
    parser.add_argument("--msisdns", type=Path, help="file of destinations, one a line")
    parser.add_argument("--save", type=Path, help="write the times of each message here (.npz)")
    arguments = parser.parse_args()
    msisdns = arguments.msisdns.read_text().split() if arguments.msisdns else ["491700000001"]
    templates = [wire.submit_template(arguments.source, msisdn, arguments.text.encode()) for msisdn in msisdns]
    run = Run(arguments.messages, templates, paced=bool(arguments.rate))
    figures = uvloop.run(load(arguments, run))
    print(json.dumps(result(arguments, run, figures)), flush=True)
    sys.exit(0 if run.complete else 1)


if __name__ == "__main__":
    main()
