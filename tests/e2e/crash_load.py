"""A load that survives crashes of the gateway, and what must be true of it afterwards.

Every text is used once, also when a message is sent again because its answer never came. So a text that a phone shows
twice was doubled by the gateway, and a receipt that comes twice too.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from threading import Thread

from raw_esme import (
    BIND_TRANSCEIVER,
    DELIVER_SM,
    ENQUIRE_LINK,
    RECEIPTED_MESSAGE_ID,
    RESPONSE,
    SUBMIT_SM,
    UNBIND,
    RawEsme,
    bind_body,
    delivered,
    pdu,
    sm_body,
)
from running_demo import RunningDemo, eventually

SOURCE = (5, 0, "Load")
QUIET_S = 120.0


class CrashLoad:
    """`count` messages at `window`, over all the demo's phones, each until it is acknowledged."""

    def __init__(self, demo: RunningDemo, count: int, window: int) -> None:
        self.demo = demo
        self.window = window
        self._phones = demo.phones()
        self._todo = [f"{number:06d}" for number in range(count, 0, -1)]
        self._tries: Counter[str] = Counter()
        self._in_flight: dict[int, tuple[str, str]] = {}
        self.acknowledged: dict[str, tuple[str, str]] = {}
        """message_id -> (number called, text)."""
        self.receipts: Counter[str] = Counter()
        self._refused: Counter[int] = Counter()
        self.connections = 0
        self.restarting: Thread | None = None
        """Set by an event that leaves the restart for later; awaited once the connection has ended."""

    def run(self, events: dict[int, Callable[[], None]], within_s: float = QUIET_S) -> None:
        """Sends everything. When so many are acknowledged, the event happens; it leaves a demo that is up or coming up.

        Ends when all are acknowledged and all have their receipt."""
        deadline = time.monotonic() + within_s
        due = sorted(events)
        while self._todo or len(self.receipts.keys() & self.acknowledged.keys()) < len(self.acknowledged):
            assert time.monotonic() < deadline, self.summary()
            if self.restarting is not None:
                self.restarting.join()
                self.restarting = None
            try:
                with RawEsme(self.demo.smpp) as esme:
                    self._session(esme, events, due, deadline)
            except (OSError, AssertionError) as error:
                if time.monotonic() > deadline:
                    raise AssertionError(f"{self.summary()}: {error}") from error
        assert not due, f"never happened: {due}"

    def _session(self, esme: RawEsme, events: dict[int, Callable[[], None]], due: list[int], deadline: float) -> None:
        self.connections += 1
        esme.send(pdu(BIND_TRANSCEIVER, 1, bind_body("demo", self.demo.password)))
        sequence = 1
        bound = False
        try:
            while True:
                fresh = esme.read(deadline - time.monotonic())
                if fresh is None:
                    return
                out: list[bytes] = []
                for one in fresh:
                    if one.command_id == SUBMIT_SM | RESPONSE:
                        msisdn, text = self._in_flight.pop(one.sequence)
                        if one.status:
                            self._refused[one.status] += 1
                            self._todo.append(text)
                        else:
                            assert one.message_id not in self.acknowledged
                            self.acknowledged[one.message_id] = (msisdn, text)
                    elif one.command_id == DELIVER_SM:
                        message_id = delivered(one).tlvs[RECEIPTED_MESSAGE_ID].rstrip(b"\0").decode()
                        self.receipts[message_id] += 1
                        out.append(pdu(DELIVER_SM | RESPONSE, one.sequence, b"\0"))
                    elif one.command_id == BIND_TRANSCEIVER | RESPONSE:
                        assert one.status == 0, one
                        bound = True
                    elif one.command_id == ENQUIRE_LINK:
                        out.append(pdu(ENQUIRE_LINK | RESPONSE, one.sequence))
                    elif one.command_id == UNBIND:
                        out.append(pdu(UNBIND | RESPONSE, one.sequence))
                if due and len(self.acknowledged) >= due[0]:
                    events[due.pop(0)]()
                while bound and self._todo and len(self._in_flight) < self.window:
                    text = self._todo.pop()
                    number = text.split("/")[0]
                    self._tries[number] += 1
                    text = f"{number}/{self._tries[number]}"
                    msisdn = self._phones[int(number) % len(self._phones)]
                    sequence += 1
                    self._in_flight[sequence] = (msisdn, text)
                    out.append(pdu(SUBMIT_SM, sequence, sm_body(msisdn, text.encode(), source=SOURCE)))
                if out:
                    with suppress(OSError):  # killed: read on, what was answered before counts
                        esme.send(b"".join(out))
                if not self._todo and not self._in_flight and not self.acknowledged.keys() - self.receipts.keys():
                    return
        finally:
            self._todo += [text for _, text in self._in_flight.values()]
            self._in_flight.clear()

    def summary(self) -> str:
        """Where it stands."""
        missing = len(self.acknowledged.keys() - self.receipts.keys())
        return (
            f"{len(self._todo)} to do, {len(self.acknowledged)} acknowledged, {missing} without receipt, "
            f"refused {dict(self._refused)}, {self.connections} connections"
        )

    def check(self, doubled_at_most: int, receipts_doubled_at_most: int) -> None:
        """Accepted and not delivered: 0. Doubled, towards phones and in receipts: at most so many."""
        wanted = Counter(self.acknowledged.values())

        def shown() -> Counter[tuple[str, str]]:
            return Counter(
                (msisdn, one["text"])
                for msisdn in self._phones
                for one in self.demo.inbox(msisdn)
                if one["from"] == SOURCE[2]
            )

        eventually(lambda: not wanted.keys() - shown().keys(), f"all delivered; {self.summary()}")
        inboxes = shown()
        assert not self.acknowledged.keys() - self.receipts.keys()
        doubled = sum(inboxes.values()) - len(inboxes)
        receipts_doubled = sum(self.receipts.values()) - len(self.receipts)
        print(f"{self.summary()}; doubled {doubled}, receipts doubled {receipts_doubled}")
        assert doubled <= doubled_at_most
        assert receipts_doubled <= receipts_doubled_at_most
