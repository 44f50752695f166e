"""kill -9 in the middle of 20,000 messages: what was acknowledged is delivered, and little is doubled."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest
from crash_load import CrashLoad

from raw_esme import (
    BIND_RECEIVER,
    BIND_TRANSMITTER,
    MESSAGE_PAYLOAD,
    RECEIPTED_MESSAGE_ID,
    RESPONSE,
    SUBMIT_SM,
    RawEsme,
    pdu,
    sm_body,
    tlv,
)
from running_demo import RunningDemo, eventually

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
    pytest.mark.timeout(240),
]

MESSAGES = 20_000
WINDOW = 1_000
UPSTREAM_WINDOWS = 2 * 1_000
"""Of the demo's two binds to its simulated network."""
ACCOUNT_WINDOW = 2_000
"""Of the account `demo`: the receipts that may be on their way to it."""


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[RunningDemo]:
    running = RunningDemo(tmp_path / "data")
    yield running
    assert running.end() == 0


def crash_at(*points: int, crash: Callable[[], None]) -> dict[int, Callable[[], None]]:
    return dict.fromkeys(points, crash)


def test_killing_the_demo_loses_nothing_that_was_acknowledged(demo: RunningDemo) -> None:
    def crash() -> None:
        demo.kill()
        demo.start()

    load = CrashLoad(demo, MESSAGES, WINDOW)
    load.run(crash_at(4_000, 12_000, crash=crash))
    load.check(2 * UPSTREAM_WINDOWS, 2 * ACCOUNT_WINDOW)


def test_killing_the_demo_and_its_postgres_loses_nothing_that_was_acknowledged(demo: RunningDemo) -> None:
    def crash() -> None:
        os.kill(demo.postgres_pid(), signal.SIGKILL)
        demo.kill()
        demo.start()

    load = CrashLoad(demo, MESSAGES, WINDOW)
    load.run(crash_at(8_000, crash=crash))
    load.check(UPSTREAM_WINDOWS, ACCOUNT_WINDOW)


def test_killing_only_the_simulator_or_only_postgres_loses_nothing(demo: RunningDemo) -> None:
    def kill_simulator() -> None:
        os.kill(demo.simulator_pid(), signal.SIGKILL)

    def kill_postgres() -> None:
        os.kill(demo.postgres_pid(), signal.SIGKILL)

    load = CrashLoad(demo, MESSAGES, WINDOW)
    load.run({4_000: kill_simulator, 9_000: kill_postgres, 14_000: kill_simulator, 19_000: kill_postgres})
    load.check(2 * UPSTREAM_WINDOWS, 0)


def test_sigterm_in_the_middle_drains_and_doubles_nothing(demo: RunningDemo) -> None:
    load = CrashLoad(demo, MESSAGES, WINDOW)
    statuses = []

    def restart(after: Thread | None) -> None:
        if after is not None:  # a second signal while it drains would end it at once
            after.join()
        statuses.append(demo.end())
        demo.start()

    def stop() -> None:  # the client goes on answering, and submitting, while the demo ends
        load.restarting = Thread(target=restart, args=(load.restarting,))
        load.restarting.start()

    load.run(crash_at(6_000, 15_000, crash=stop))
    if load.restarting is not None:
        load.restarting.join()
    load.check(0, 0)
    assert statuses == [0, 0]


def test_killing_the_demo_loses_no_part_no_schedule_no_receipt_and_no_mo(demo: RunningDemo) -> None:
    phones = demo.phones()
    long = {f"{n:03d} " + "abcdefghij" * 40 for n in range(300)}
    scheduled = {f"scheduled {n:03d}" for n in range(300)}
    mo = {f"mo {n:03d}" for n in range(200)} | {f"long mo {n:03d} " * 30 for n in range(50)}
    ids = set()
    with RawEsme(demo.smpp) as esme:
        assert esme.bind("demo", demo.password, BIND_TRANSMITTER).status == 0
        bodies = [sm_body(phones[0], b"", tlvs=tlv(MESSAGE_PAYLOAD, text.encode())) for text in sorted(long)]
        bodies += [sm_body(phones[1], text.encode(), schedule="000000000004000R") for text in sorted(scheduled)]
        esme.send(b"".join(pdu(SUBMIT_SM, 100 + n, body) for n, body in enumerate(bodies)))
        for text in sorted(mo):
            demo.mobile_originated(phones[2], demo.short_code, text)
        for _ in bodies:
            answer = esme.take(lambda one: one.command_id == SUBMIT_SM | RESPONSE)
            assert answer.status == 0
            ids.add(answer.message_id)
    demo.kill()
    demo.start()
    eventually(lambda: {one["text"] for one in demo.inbox(phones[0])} >= long, "every long text, whole")
    eventually(lambda: {one["text"] for one in demo.inbox(phones[1])} >= scheduled, "every scheduled text")
    receipts: set[str] = set()
    texts: set[str] = set()
    with RawEsme(demo.smpp) as esme:
        assert esme.bind("demo", demo.password, BIND_RECEIVER).status == 0
        killed = False
        while receipts != ids or texts != mo:
            one = esme.deliver()
            if one.esm_class & 0x3C:
                receipts.add(one.tlvs[RECEIPTED_MESSAGE_ID].rstrip(b"\0").decode())
            else:
                texts.add(one.tlvs.get(MESSAGE_PAYLOAD, one.short_message).decode())
            if len(receipts) + len(texts) == 400 and not killed:  # half of them taken, and once more
                killed = True
                demo.kill()
                demo.start()
                esme.close()
                esme = RawEsme(demo.smpp)
                assert esme.bind("demo", demo.password, BIND_RECEIVER).status == 0
        esme.close()
    assert [one["parts"] for one in demo.inbox(phones[0])] == [3] * len(demo.inbox(phones[0]))
