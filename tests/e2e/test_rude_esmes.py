"""ESMEs that break the rules, octet by octet, on a bare socket: the answer is the contract's and the others go on."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator

import pytest

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
    SC_INTERFACE_VERSION,
    SUBMIT_MULTI,
    SUBMIT_SM,
    UNBIND,
    RawEsme,
    bind_body,
    multi_body,
    pdu,
    sm_body,
    tlv,
)
from running_demo import RunningDemo, eventually

pytestmark = pytest.mark.timeout(120)

ROK, RINVMSGLEN, RINVCMDLEN, RINVCMDID, RINVBNDSTS, RALYBND = 0, 1, 2, 3, 4, 5
RINVDSTADR, RINVMSGID, RINVPASWD, RINVSYSID, RINVSRCADR = 0x0B, 0x0C, 0x0E, 0x0F, 0x0A
RSUBMITFAIL, RINVSCHED, RINVEXPIRY, RINVOPTPARSTREAM, RINVPARLEN = 0x45, 0x61, 0x62, 0xC0, 0xC2


@pytest.fixture
def esme(demo: RunningDemo) -> Iterator[RawEsme]:
    """Bound as transceiver."""
    with RawEsme(demo.smpp) as bound:
        assert bound.bind("demo", demo.password).status == ROK
        yield bound
        assert bound.ask(UNBIND).status == ROK


def submit(esme: RawEsme, msisdn: str, text: bytes = b"Hello", **fields: object) -> int:
    return esme.ask(SUBMIT_SM, sm_body(msisdn, text, **fields)).status  # type: ignore[arg-type]


def test_what_is_refused_at_the_bind(demo: RunningDemo) -> None:
    for system_id, password, status in (
        ("demo", "wrong", RINVPASWD),
        ("demo", "", RINVPASWD),
        ("nobody", demo.password, RINVSYSID),
        ("", "", RINVSYSID),
        ("other", demo.password, RINVPASWD),
    ):
        with RawEsme(demo.smpp) as esme:
            assert esme.bind(system_id, password).status == status
            # The same connection may try again.
            assert esme.bind("demo", demo.password).status == ROK


@pytest.mark.parametrize("version", [0x00, 0x33, 0x34, 0x50])
def test_binds_of_other_versions(demo: RunningDemo, version: int) -> None:
    with RawEsme(demo.smpp) as esme:
        answer = esme.bind("demo", demo.password, version=version)
        assert answer.status == ROK
        assert (struct.pack(">HHB", SC_INTERFACE_VERSION, 1, 0x34) in answer.body) == (version >= 0x34)


def test_wrong_bind_for_the_command(demo: RunningDemo) -> None:
    msisdn = demo.phones()[0]
    requests = {
        SUBMIT_SM: sm_body(msisdn, b"no"),
        SUBMIT_MULTI: multi_body([msisdn], b"no"),
        QUERY_SM: b"1\0\0\0\0",
        CANCEL_SM: b"\x001\0\0\0\0\0\0\0",
        REPLACE_SM: b"1\0\0\0\0\0\0\0\0\0",
    }
    with RawEsme(demo.smpp) as unbound:
        for command_id, body in requests.items():
            assert unbound.ask(command_id, body).status == RINVBNDSTS
        assert unbound.ask(UNBIND).status in (ROK, RINVBNDSTS)
    with RawEsme(demo.smpp) as receiver:
        assert receiver.bind("demo", demo.password, BIND_RECEIVER).status == ROK
        for command_id, body in requests.items():
            answer = receiver.ask(command_id, body)
            assert (answer.command_id, answer.status) == (command_id | RESPONSE, RINVBNDSTS)
        assert receiver.bind("demo", demo.password, BIND_TRANSMITTER).status in (RINVBNDSTS, RALYBND)
        assert receiver.ask(ENQUIRE_LINK).status == ROK
    assert "no" not in [one["text"] for one in demo.inbox(msisdn)]


def test_octet_by_octet(demo: RunningDemo) -> None:
    msisdn = demo.phones()[1]
    with RawEsme(demo.smpp) as esme:
        stream = (
            pdu(BIND_TRANSCEIVER, 1, bind_body("demo", demo.password))
            + pdu(SUBMIT_SM, 2, sm_body(msisdn, b"octet by octet"))
            + pdu(ENQUIRE_LINK, 3)
        )
        # What comes before the bind is answered would be refused: wait for that answer only.
        bind_length = int.from_bytes(stream[:4], "big")
        for octet in stream[:bind_length]:
            esme.send(bytes((octet,)))
        assert esme.take(lambda one: one.command_id == BIND_TRANSCEIVER | RESPONSE).status == ROK
        for octet in stream[bind_length:]:
            esme.send(bytes((octet,)))
        sent = esme.take(lambda one: one.command_id == SUBMIT_SM | RESPONSE)
        assert (sent.status, sent.sequence) == (ROK, 2)
        assert esme.take(lambda one: one.command_id == ENQUIRE_LINK | RESPONSE).sequence == 3
        assert esme.deliver().short_message.startswith(b"id:" + sent.message_id.encode())
    assert [one["text"] for one in demo.inbox(msisdn)] == ["octet by octet"]


@pytest.mark.parametrize("length", [0, 4, 15, 65_537, 70_000, 0xFFFFFFFF])
@pytest.mark.parametrize("bound", [False, True])
def test_a_command_length_out_of_bounds_is_nacked_and_closes(demo: RunningDemo, length: int, bound: bool) -> None:
    with RawEsme(demo.smpp) as esme:
        if bound:
            assert esme.bind("demo", demo.password).status == ROK
        esme.send(struct.pack(">IIII", length, SUBMIT_SM, 0, 9))
        everything = [one for one in esme.ended() if one.command_id != DELIVER_SM]
        assert [(one.command_id, one.status) for one in everything] == [(GENERIC_NACK, RINVCMDLEN)]


def test_a_pdu_of_65_536_octets_is_taken_in(demo: RunningDemo, esme: RawEsme) -> None:
    msisdn = demo.phones()[2]
    body = sm_body(msisdn, b"", tlvs=tlv(MESSAGE_PAYLOAD, b"x" * (153 * 255)))
    assert esme.ask(SUBMIT_SM, body).status == ROK
    assert len(eventually(lambda: demo.inbox(msisdn), "the longest text")[0]["text"]) == 153 * 255
    filling = 65_536 - 16 - len(sm_body(msisdn, b"", tlvs=tlv(MESSAGE_PAYLOAD, b"")))
    body = sm_body(msisdn, b"", tlvs=tlv(MESSAGE_PAYLOAD, b"x" * filling))
    assert len(body) == 65_520
    assert esme.ask(SUBMIT_SM, body).status == RINVMSGLEN


def test_unknown_commands_are_nacked_and_the_session_lives_on(esme: RawEsme) -> None:
    for command_id in (0x00000000, 0x0000000A, 0x00000022, 0x00000112, 0x7FFFFFFF):
        sequence = esme.request(command_id, b"whatever")
        nack = esme.take(lambda one, wanted=sequence: one.sequence == wanted)  # type: ignore[misc]
        assert (nack.command_id, nack.status) == (GENERIC_NACK, RINVCMDID), hex(command_id)
    # Responses to nothing are not answered.
    esme.send(pdu(SUBMIT_SM | RESPONSE, 77, b"1\0") + pdu(GENERIC_NACK, 78) + pdu(0x80000022, 79))
    assert esme.ask(ENQUIRE_LINK).status == ROK


def test_bodies_that_do_not_parse_get_their_own_response(demo: RunningDemo, esme: RawEsme) -> None:
    msisdn = demo.phones()[3]
    good = sm_body(msisdn, b"Hello")
    bad = {
        "empty": b"",
        "cut in the addresses": good[:12],
        "cut in the text": good[:-2],
        "no terminator": b"\0\1\1" + b"4" * 60,
        "a TLV that is too long": good + struct.pack(">HH", MESSAGE_PAYLOAD, 99) + b"short",
        "half a TLV": good + b"\x04",
        "text and payload": sm_body(msisdn, b"Hello", tlvs=tlv(MESSAGE_PAYLOAD, b"and more")),
    }
    for name, body in bad.items():
        answer = esme.ask(SUBMIT_SM, body)
        assert answer.command_id == SUBMIT_SM | RESPONSE, name
        assert answer.status != ROK, name
    for command_id in (SUBMIT_MULTI, DATA_SM, QUERY_SM, CANCEL_SM, REPLACE_SM):
        answer = esme.ask(command_id, b"\xff\xff")
        assert (answer.command_id, answer.status != ROK) == (command_id | RESPONSE, True), hex(command_id)
    assert submit(esme, msisdn, b"still here") == ROK
    assert [one["text"] for one in eventually(lambda: demo.inbox(msisdn), "the text")] == ["still here"]


def test_what_a_submission_is_refused_for(demo: RunningDemo, esme: RawEsme) -> None:
    msisdn, foreign = demo.phones()[4], demo.others_phone()
    assert submit(esme, "4915100000") == RINVDSTADR
    assert submit(esme, foreign) == RINVDSTADR
    assert submit(esme, "") == RINVDSTADR
    assert submit(esme, "Hello") == RINVDSTADR
    assert submit(esme, msisdn, dest_ton=5) == RINVDSTADR
    assert submit(esme, msisdn, source=(5, 0, "TwelveChars!")) == RINVSRCADR
    assert submit(esme, msisdn, schedule="tomorrow") == RINVSCHED
    assert submit(esme, msisdn, validity="261121") == RINVEXPIRY
    assert submit(esme, msisdn, validity="200101000000000+") == RINVEXPIRY
    assert submit(esme, msisdn, source=(1, 1, msisdn), dest_ton=0) == ROK
    inbox = eventually(lambda: demo.inbox(msisdn), "the one that was good")
    assert [one["from"] for one in inbox] == [msisdn]


def test_garbage_ends_no_other_session(demo: RunningDemo, esme: RawEsme) -> None:
    dice = random.Random(20_261_121)  # noqa: S311 - the same garbage every time
    msisdn = demo.phones()[5]
    for _ in range(150):
        with RawEsme(demo.smpp) as rude:
            try:
                if dice.random() < 0.5:
                    rude.send(pdu(BIND_TRANSCEIVER, 1, bind_body("demo", demo.password)))
                rude.send(_garbage(dice))
            except OSError:
                continue  # it was closed while we wrote
    assert submit(esme, msisdn, b"unmoved") == ROK
    assert [one["text"] for one in eventually(lambda: demo.inbox(msisdn), "the text")] == ["unmoved"]
    assert demo.process.poll() is None
    log = demo.errors.read_text()
    assert "Traceback" not in log, log[log.index("Traceback") - 500 :][:3000]


def _garbage(dice: random.Random) -> bytes:
    kinds: tuple[Callable[[], bytes], ...] = (
        lambda: dice.randbytes(dice.randrange(1, 4_000)),
        lambda: b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        lambda: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + dice.randbytes(500),
        lambda: pdu(dice.choice((1, 2, 3, 4, 5, 6, 7, 8, 9, 0x15, 0x21, 0x103)), dice.randrange(1 << 32),
                    dice.randbytes(dice.randrange(200)), dice.randrange(256)),
        lambda: pdu(dice.choice((1, 2, 3, 4, 5, 6, 7, 8, 9, 0x15, 0x21, 0x103)) | RESPONSE, dice.randrange(1 << 32),
                    dice.randbytes(dice.randrange(200)), dice.randrange(256)),
    )  # fmt: skip
    return b"".join(dice.choice(kinds)() for _ in range(dice.randrange(1, 6)))
