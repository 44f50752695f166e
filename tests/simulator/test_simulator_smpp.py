"""The simulated SMSC as a foreign ESME (smpplib) sees it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import smpplib.consts
import smpplib.exceptions
import smpplib.smpp
from simulator_support import CODE, FIRST, SECOND, Esme, Network


def test_a_text_arrives_and_its_receipt_comes_back(network: Network, esme: Esme) -> None:
    message_id = esme.submit(b"hello")
    (receipt,) = esme.receipts(1)
    assert re.fullmatch(
        rf"id:{message_id} sub:001 dlvrd:001 submit date:\d{{10}} done date:\d{{10}} stat:DELIVRD err:000 text:hello",
        receipt,
    )
    pdu = esme.deliveries[0]
    assert (pdu.source_addr, pdu.destination_addr, pdu.esm_class) == (FIRST.encode(), CODE.encode(), 4)
    assert (pdu.receipted_message_id, pdu.message_state) == (message_id.encode(), 2)
    entry = network.inbox(FIRST)[-1]
    assert entry.pop("received_at").endswith("Z")
    assert entry == {"from": CODE, "text": "hello", "data_coding": 0, "hex": "68656c6c6f", "parts": 1}


def test_without_registered_delivery_no_receipt_comes(network: Network, esme: Esme) -> None:
    esme.submit(b"quiet", registered_delivery=0)
    esme.submit(b"only failures", registered_delivery=2)
    network.behave(FIRST, "reject")
    refused = esme.submit(b"refused", registered_delivery=2)
    assert [pdu.receipted_message_id.decode() for pdu in (esme.receipts(1) and esme.deliveries)] == [refused]


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [("reject", "stat:REJECTD err:021"), ("memory_full", "stat:UNDELIV err:022")],
)
def test_a_phone_that_takes_no_text_fails_it_at_once(network: Network, esme: Esme, behaviour: str, words: str) -> None:
    before = network.inbox(FIRST)
    network.behave(FIRST, behaviour)
    esme.submit(b"no")
    assert words in esme.receipts(1)[0]
    assert esme.deliveries[0].network_error_code == b"\x03\x00" + bytes([int(words[-3:])])
    assert network.inbox(FIRST) == before


def test_an_absent_phone_gets_its_texts_when_it_is_back(network: Network, esme: Esme) -> None:
    network.behave(FIRST, "absent")
    esme.submit(b"one", registered_delivery=0x11)
    assert "stat:ENROUTE err:027" in esme.receipts(1)[0]
    assert esme.deliveries[0].esm_class == 0x20
    esme.submit(b"two")
    assert network.call("GET", f"/phones/{FIRST}")["held"] == 2
    network.behave(FIRST, "deliver")
    assert ["DELIVRD" in receipt for receipt in esme.receipts(3)] == [False, True, True]
    assert network.texts(FIRST)[-2:] == ["one", "two"]


def test_a_silent_phone_shows_the_text_but_nobody_hears_of_it(network: Network, esme: Esme) -> None:
    network.behave(FIRST, "silent")
    message_id = esme.submit(b"psst")
    assert network.texts(FIRST)[-1] == "psst"
    assert esme.ask(lambda: esme.query_message(message_id=message_id, source_addr=CODE)) == message_id
    assert (esme.responses[-1].message_state, esme.responses[-1].final_date) == (1, b"")
    esme.submit(b"loud", to=SECOND)
    assert "text:loud" in esme.receipts(1)[0]


def test_a_slow_phone_delivers_later(network: Network, esme: Esme) -> None:
    network.behave(FIRST, "slow", delay_s=0.2)
    esme.submit(b"slowly")
    assert network.call("GET", f"/phones/{FIRST}")["held"] == 1
    assert "DELIVRD" in esme.receipts(1)[0]
    assert network.texts(FIRST)[-1] == "slowly"


def test_a_phone_answers_the_sender(network: Network, esme: Esme) -> None:
    network.behave(FIRST, "deliver", reply="yes €")
    esme.submit(b"ok?")
    (reply,) = esme.mo(1)
    assert (reply.source_addr, reply.destination_addr, reply.dest_addr_ton) == (FIRST.encode(), CODE.encode(), 3)
    assert (reply.short_message, reply.data_coding) == (b"yes \x1b\x65", 0)


def test_parts_with_an_8_bit_reference_are_one_text_in_any_order(network: Network, esme: Esme) -> None:
    for number, piece in ((3, b"c"), (1, b"a"), (2, b"b")):
        esme.submit(bytes((5, 0, 3, 7, 3, number)) + piece * 153, esm_class=0x40)
    assert len(set(esme.receipts(3))) == 3
    entry = network.inbox(FIRST)[-1]
    assert (entry["text"], entry["parts"]) == ("a" * 153 + "b" * 153 + "c" * 153, 3)


def test_parts_with_other_elements_and_a_16_bit_reference_are_one_text(network: Network, esme: Esme) -> None:
    for number, piece in ((1, "Гру"), (2, "сс😀")):
        udh = bytes.fromhex("0c05040b8423f00804abcd02") + bytes((number,))
        esme.submit(udh + piece.encode("utf-16-be"), esm_class=0x40, data_coding=8)
    entry = network.inbox(FIRST)[-1]
    assert (entry["text"], entry["parts"], entry["data_coding"]) == ("Грусс😀", 2, 8)


def test_parts_by_sar_parameters_are_one_text(network: Network, esme: Esme) -> None:
    for number, piece in ((2, b"world"), (1, b"hello ")):
        esme.submit(piece, sar_msg_ref_num=300, sar_total_segments=2, sar_segment_seqnum=number)
    entry = network.inbox(FIRST)[-1]
    assert (entry["text"], entry["parts"]) == ("hello world", 2)


def test_a_message_payload_is_one_text_of_several_parts(network: Network, esme: Esme) -> None:
    esme.submit(b"", message_payload=b"x" * 400)
    entry = network.inbox(FIRST)[-1]
    assert (entry["text"], entry["parts"]) == ("x" * 400, 3)


def test_binary_user_data_has_no_text(network: Network, esme: Esme) -> None:
    esme.submit(bytes.fromhex("0605040b8423f0") + bytes(range(133)), esm_class=0x40, data_coding=4)
    entry = network.inbox(FIRST)[-1]
    assert (entry["text"], entry["hex"], entry["parts"]) == (None, bytes(range(133)).hex(), 1)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"to": "4917012345678"}, 0x0B),
        ({"to": ""}, 0x0B),
        ({"esm_class": 0x40, "text": b"\x09"}, 0x43),
        ({"schedule_delivery_time": "tomorrow, please"}, 0x61),
        ({"validity_period": "next week"}, 0x62),
        ({"validity_period": "200101000000000+"}, 0x62),
    ],
)
def test_what_cannot_be_is_refused(esme: Esme, fields: dict[str, Any], status: int) -> None:
    assert esme.submit(**{"text": b"x", **fields}) == status


def test_a_plus_before_the_number_is_tolerated(network: Network, esme: Esme) -> None:
    esme.submit(b"plus", to=f"+{FIRST}")
    assert network.texts(FIRST)[-1] == "plus"
    esme.receipts(1)
    assert esme.deliveries[0].source_addr == b"+" + FIRST.encode()


def test_query_tells_the_state(network: Network, esme: Esme) -> None:
    delivered = esme.submit(b"x")
    network.behave(SECOND, "absent")
    held = esme.submit(b"x", to=SECOND)
    esme.ask(lambda: esme.query_message(message_id=delivered, source_addr=CODE))
    assert esme.responses[-1].message_state == 2
    assert re.fullmatch(rb"\d{12}\d00\+", esme.responses[-1].final_date)
    esme.ask(lambda: esme.query_message(message_id=held, source_addr=CODE))
    assert esme.responses[-1].message_state == 1
    assert esme.ask(lambda: esme.query_message(message_id="12345", source_addr=CODE)) == 0x67
    assert esme.ask(lambda: esme.query_message(message_id=held, source_addr="7001")) == 0x67


def test_cancel_ends_a_held_text_and_only_that(network: Network, esme: Esme) -> None:
    network.behave(FIRST, "absent")
    message_id = esme.submit(b"never")
    other = esme.submit(b"still")
    pdu = _request(esme, 0x08, b"\0" + message_id.encode() + b"\0" + b"\0\0" + CODE.encode() + b"\0" + b"\0\0\0")
    assert pdu == 0
    (receipt,) = esme.receipts(1)
    assert receipt.startswith(f"id:{message_id} ")
    assert "stat:DELETED" in receipt
    network.behave(FIRST, "deliver")
    assert f"id:{other} " in esme.receipts(2)[1]
    assert network.texts(FIRST)[-1] == "still"
    again = _request(esme, 0x08, b"\0" + message_id.encode() + b"\0" + b"\0\0" + CODE.encode() + b"\0" + b"\0\0\0")
    assert again == 0x11


def test_cancel_without_an_id_takes_all_that_match(network: Network, esme: Esme) -> None:
    network.behave(FIRST, "absent")
    esme.submit(b"one")
    esme.submit(b"two")
    esme.submit(b"other source", source_addr="7001")
    body = b"\0" + b"\0" + b"\0\0" + CODE.encode() + b"\0" + b"\1\1" + FIRST.encode() + b"\0"
    assert _request(esme, 0x08, body) == 0
    assert network.call("GET", f"/phones/{FIRST}")["held"] == 1
    assert _request(esme, 0x08, body) == 0x11


def test_replace_gives_a_held_text_other_words(network: Network, esme: Esme) -> None:
    network.behave(FIRST, "absent")
    message_id = esme.submit(b"old")
    body = message_id.encode() + b"\0" + b"\0\0" + CODE.encode() + b"\0" + b"\0" + b"\0" + b"\1" + b"\0" + b"\3new"
    assert _request(esme, 0x07, body) == 0
    network.behave(FIRST, "deliver")
    assert "text:new" in esme.receipts(1)[0]
    assert network.texts(FIRST)[-1] == "new"
    assert _request(esme, 0x07, body) == 0x13


def _request(esme: Esme, command_id: int, body: bytes) -> int:
    """Send a request that smpplib has no words for; the status of its response."""
    sequence = esme.next_sequence()
    octets = b"".join(value.to_bytes(4, "big") for value in (16 + len(body), command_id, 0, sequence)) + body
    esme._socket.sendall(octets)
    while True:
        header = esme._recv_exact(16)
        length, answered, status, number = (int.from_bytes(header[at : at + 4], "big") for at in (0, 4, 8, 12))
        esme.last_body = esme._recv_exact(length - 16)
        if answered == 0x05:
            esme._message_received(smpplib.smpp.parse_pdu(header + esme.last_body, client=esme))
            continue
        assert (answered, number) == (command_id | 0x80000000, sequence)
        return status


def test_submit_multi_has_one_id_and_a_receipt_for_each(network: Network, esme: Esme) -> None:
    destinations = b"".join(b"\1\1\1" + to.encode() + b"\0" for to in (FIRST, SECOND, "49170"))
    body = b"\0" + b"\3\0" + CODE.encode() + b"\0" + b"\3" + destinations + b"\0\0\0\0\0\1\0\0\0" + b"\5multi"
    assert _request(esme, 0x21, body) == 0
    message_id, _, rest = esme.last_body.partition(b"\0")
    assert rest == b"\1" + b"\1\1" + b"49170\0" + (0x0B).to_bytes(4, "big")
    receipts = esme.receipts(2)
    assert all(f"id:{message_id.decode()} " in receipt for receipt in receipts)
    assert [pdu.source_addr.decode() for pdu in esme.deliveries] == [FIRST, SECOND]
    assert network.texts(FIRST)[-1] == network.texts(SECOND)[-1] == "multi"
    nobody = b"\0" + b"\3\0" + CODE.encode() + b"\0" + b"\1" + b"\1\1\1" + b"49170\0" + b"\0\0\0\0\0\1\0\0\0" + b"\0"
    assert _request(esme, 0x21, nobody) == 0x45


def test_data_sm_carries_a_payload(network: Network, esme: Esme) -> None:
    body = b"\0" + b"\3\0" + CODE.encode() + b"\0" + b"\1\1" + FIRST.encode() + b"\0" + b"\0\1\0"
    assert _request(esme, 0x103, body + bytes.fromhex("04240004") + b"data") == 0
    assert esme.last_body.rstrip(b"\0").isdigit()
    assert network.texts(FIRST)[-1] == "data"
    assert "text:data" in esme.receipts(1)[0]


def test_a_long_mo_comes_in_parts(network: Network, esme: Esme) -> None:
    text = "Grüße " * 40
    assert network.call("POST", f"/phones/{FIRST}/mo", {"to": "7000", "text": text}) == {"accepted": True}
    first, second = esme.mo(2)
    assert first.esm_class == second.esm_class == 0x40
    ref = first.short_message[3:4]
    assert first.short_message[:6] == b"\x05\x00\x03" + ref + b"\x02\x01"
    assert second.short_message[:6] == b"\x05\x00\x03" + ref + b"\x02\x02"
    joined = first.short_message[6:] + second.short_message[6:]
    assert joined == text.replace("ü", "~").replace("ß", "\x1e").encode()


def test_mo_in_ucs2_and_in_octets(network: Network, esme: Esme) -> None:
    network.call("POST", f"/phones/{FIRST}/mo", {"to": "+491701234567", "text": "Привет"})
    network.call("POST", f"/phones/{FIRST}/mo", {"to": "7000", "hex": "00ff10"})
    network.call("POST", f"/phones/{FIRST}/mo", {"to": "7000", "hex": "f5", "data_coding": 0xF5})
    text, octets, other = esme.mo(3)
    assert (text.short_message.decode("utf-16-be"), text.data_coding) == ("Привет", 8)
    assert (text.destination_addr, text.dest_addr_ton, text.dest_addr_npi) == (b"491701234567", 1, 1)
    assert (octets.short_message, octets.data_coding, octets.dest_addr_ton) == (b"\x00\xff\x10", 4, 3)
    assert (other.short_message, other.data_coding) == (b"\xf5", 0xF5)


def test_what_comes_while_the_esme_is_away_is_kept(network: Network) -> None:
    transmitter = network.esme("transmitter")
    first = transmitter.submit(b"who hears?")
    transmitter.drop()
    network.call("POST", f"/phones/{FIRST}/mo", {"to": "7000", "text": "anyone?"})
    receiver = network.esme("receiver")
    assert f"id:{first} " in receiver.receipts(1)[0]
    assert receiver.mo(1)[0].short_message == b"anyone?"
    receiver.drop()


def test_what_a_bind_left_unanswered_goes_to_the_next(network: Network) -> None:
    first = network.esme()
    first.submit(b"x")
    first._message_received = lambda pdu: first.deliveries.append(pdu)  # reads, answers nothing
    (receipt,) = first.receipts(1)
    first.drop()
    second = network.esme()
    assert second.receipts(1) == [receipt]
    second.drop()


@pytest.mark.parametrize("status", [0x58, 0x14, 0x64])
def test_a_delivery_refused_for_now_comes_again(network: Network, esme: Esme, status: int) -> None:
    esme.answer_with = status
    network.call("POST", f"/phones/{FIRST}/mo", {"to": "7000", "text": f"again {status}"})
    esme.mo(1)
    esme.answer_with = 0
    assert [pdu.short_message for pdu in esme.mo(2)] == [f"again {status}".encode()] * 2


def test_a_delivery_refused_for_good_is_dropped(network: Network, esme: Esme) -> None:
    dropped = network.call("GET", "/stats")["dropped"]
    esme.answer_with = 0x65
    network.call("POST", f"/phones/{FIRST}/mo", {"to": "7000", "text": "no"})
    esme.mo(1)
    esme.answer_with = 0
    esme.submit(b"x")
    esme.receipts(1)
    assert network.call("GET", "/stats")["dropped"] == dropped + 1


def test_a_peer_of_version_3_3_gets_no_parameters(network: Network) -> None:
    old = network.esme(version=0x33)
    message_id = old.submit(b"old")
    assert f"id:{message_id} " in old.receipts(1)[0]
    assert old.deliveries[0].receipted_message_id is None
    old.drop()


def test_receivers_take_turns(network: Network, esme: Esme) -> None:
    other = network.esme("receiver")
    for number in range(4):
        network.call("POST", f"/phones/{FIRST}/mo", {"to": "7000", "text": str(number)})
    assert len(esme.mo(2)) == len(other.mo(2)) == 2
    other.drop()


@pytest.mark.parametrize(
    ("account", "status"), [({"password": "wrong"}, 0x0E), ({"system_id": "nobody"}, 0x0F), ({"password": ""}, 0x0E)]
)
def test_a_bind_with_wrong_words_is_refused(network: Network, account: dict[str, str], status: int) -> None:
    with pytest.raises(smpplib.exceptions.PDUError) as refused:
        Esme(network, **account)
    assert refused.value.args[1] == status


def test_a_command_that_the_bind_forbids_is_refused(network: Network) -> None:
    receiver = network.esme("receiver")
    receiver.state = smpplib.consts.SMPP_CLIENT_STATE_BOUND_TRX
    assert receiver.submit(b"x") == 0x04
    receiver.drop()


def test_unbind_is_answered_and_the_link_closed(network: Network) -> None:
    bound = network.esme()
    binds = network.call("GET", "/stats")["binds"]
    assert bound.unbind().command == "unbind_resp"
    assert bound._socket.recv(1) == b""
    bound.drop()
    assert network.call("GET", "/stats")["binds"] == binds - 1


def test_garbage_harms_nobody_else(network: Network, esme: Esme) -> None:
    stranger = network.esme()
    stranger._socket.sendall(b"\xff" * 100)
    while stranger._socket.recv(4096):
        pass
    stranger.drop()
    assert esme.submit(b"still here").isdigit()


@pytest.mark.parametrize(
    ("id_format", "in_response", "in_receipt"),
    [("dec", "1000000001", "1000000001"), ("hex", "3B9ACA01", "3B9ACA01"), ("mixed", "3B9ACA01", "1000000001")],
)
def test_message_ids_as_carriers_spell_them(
    start: Callable[..., Network], id_format: str, in_response: str, in_receipt: str
) -> None:
    esme = start("--message-id-format", id_format).esme()
    assert esme.submit(b"x") == in_response
    assert esme.receipts(1)[0].startswith(f"id:{in_receipt} ")
    assert esme.deliveries[0].receipted_message_id.decode() == in_receipt
    assert esme.ask(lambda: esme.query_message(message_id=in_response, source_addr=CODE)) == in_response
    esme.drop()
