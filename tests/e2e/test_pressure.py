"""ESMEs that write without reading, and far more than their window: memory stays bounded and the others are served."""

from __future__ import annotations

import pytest

from raw_esme import BIND_TRANSCEIVER, DELIVER_SM, ENQUIRE_LINK, RESPONSE, SUBMIT_SM, RawEsme, bind_body, pdu, sm_body
from running_demo import RunningDemo, eventually

pytestmark = pytest.mark.timeout(120)

GROWTH_MIB = 64
"""What a rude peer may cost the gateway, the kernel's buffers not counted."""

FLOOD = 30_000
"""Messages at once: 15 times the account's window."""

NOT_READ_S = 3.0
"""A write that does not get on for so long is one that nobody reads."""


@pytest.fixture
def warm(demo: RunningDemo) -> RunningDemo:
    """A demo whose caches and connections are there, so that growth is the test's."""
    served(demo, demo.phones()[0], 2_000)
    return demo


def served(demo: RunningDemo, msisdn: str, count: int = 1) -> None:
    """An ESME that behaves gets its answers and its receipts."""
    with RawEsme(demo.smpp) as esme:
        assert esme.bind("other", demo.facts["other"]["smpp"]["password"]).status == 0
        assert esme.ask(SUBMIT_SM, sm_body(demo.others_phone(), b"from the other tenant")).status == 0
        esme.deliver()
    with RawEsme(demo.smpp) as esme:
        assert esme.bind("demo", demo.password).status == 0
        esme.send(b"".join(pdu(SUBMIT_SM, 100 + n, sm_body(msisdn, b"x", registered_delivery=0)) for n in range(count)))
        for n in range(count):
            assert esme.take(lambda one, n=n: one.sequence == 100 + n).status == 0  # type: ignore[misc]


def write_on(rude: RawEsme, requests: bytes, limit: int) -> None:
    """Writes the requests over and over, up to `limit` octets."""
    written = 0
    while written < limit:
        written += rude.socket.send(requests[written % len(requests) :])


def test_a_peer_that_never_reads_is_no_longer_read_and_costs_little(warm: RunningDemo) -> None:
    before = warm.resident_mib()
    with RawEsme(warm.smpp, receive_buffer=4_096) as rude:
        rude.send(pdu(BIND_TRANSCEIVER, 1, bind_body("demo", warm.password)))
        rude.socket.settimeout(NOT_READ_S)
        with pytest.raises(TimeoutError):
            write_on(rude, b"".join(pdu(ENQUIRE_LINK, n) for n in range(2, 4_002)), 256 << 20)
        assert warm.resident_mib() - before < GROWTH_MIB
        served(warm, warm.phones()[1])


def test_a_flood_far_beyond_the_window_is_all_answered(warm: RunningDemo) -> None:
    msisdn = warm.phones()[2]
    before = warm.resident_mib()
    with RawEsme(warm.smpp) as esme:
        assert esme.bind("demo", warm.password).status == 0
        esme.send(b"".join(pdu(SUBMIT_SM, 100 + n, sm_body(msisdn, b"%d" % n)) for n in range(FLOOD)))
        ids: set[str] = set()
        answered: set[int] = set()
        receipts = 0
        while receipts < FLOOD or len(answered) < FLOOD:
            out: list[bytes] = []
            for one in esme.read(30.0) or ():
                if one.command_id == SUBMIT_SM | RESPONSE:
                    assert one.status == 0
                    answered.add(one.sequence)
                    ids.add(one.message_id)
                elif one.command_id == DELIVER_SM:
                    receipts += 1
                    out.append(pdu(DELIVER_SM | RESPONSE, one.sequence, b"\0"))
            esme.send(b"".join(out))
        assert len(ids) == FLOOD
    assert warm.resident_mib() - before < GROWTH_MIB
    assert len({one["text"] for one in warm.inbox(msisdn)}) == FLOOD


def test_receipts_that_nobody_answers_stay_in_the_database(warm: RunningDemo) -> None:
    """A receiver that reads and never answers: its window is all that it gets, the rest waits."""
    msisdn = warm.phones()[3]
    count = 6_000
    before = warm.resident_mib()
    with RawEsme(warm.smpp) as mute:
        assert mute.bind("demo", warm.password).status == 0
        mute.send(b"".join(pdu(SUBMIT_SM, 100 + n, sm_body(msisdn, b"%d" % n)) for n in range(count)))
        seen = [0, 0]

        def read() -> bool:
            for one in mute.read(30.0) or ():
                seen[0] += one.command_id == SUBMIT_SM | RESPONSE
                seen[1] += one.command_id == DELIVER_SM
            return seen == [count, 2_000]

        eventually(read, f"all submitted, a window of receipts: {seen}")
        eventually(lambda: len(warm.inbox(msisdn)) == count, "all delivered")
        assert mute.ask(ENQUIRE_LINK).status == 0
        assert mute.kept(DELIVER_SM) is None
        assert warm.resident_mib() - before < GROWTH_MIB
    with RawEsme(warm.smpp) as good:
        assert good.bind("demo", warm.password).status == 0
        for _ in range(count):
            good.deliver()
        good.nothing_but(ENQUIRE_LINK)
