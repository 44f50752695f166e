"""The control API: what it shows, and what it says to bad input."""

from __future__ import annotations

from typing import Any

import pytest
from simulator_support import FIRST, SECOND, Network


def test_the_ready_line_says_how_to_get_in(network: Network) -> None:
    ready = network.ready
    assert ready["event"] == "ready"
    assert ready["smpp"].keys() == {"host", "port", "system_id", "password"}
    assert ready["network"].startswith("http://127.0.0.1:")
    assert (ready["phones"], ready["first_phone"]) == (5, FIRST)


def test_phones_are_listed_and_found(network: Network) -> None:
    first = {
        "msisdn": FIRST,
        "imsi": "001010000000001",
        "iccid": "8999901000000000013",
        "behaviour": "deliver",
    }
    assert network.call("GET", "/phones")[0] == first
    assert len(network.call("GET", "/phones")) == 5
    assert network.call("GET", "/phones?limit=1") == [first]
    assert network.call("GET", "/phones?limit=0") == []
    assert network.call("GET", f"/phones?msisdn={FIRST}") == [first]
    assert network.call("GET", "/phones?msisdn=49170") == []


def test_a_phone_is_shown_with_its_settings(network: Network) -> None:
    network.behave(SECOND, "slow", delay_s=3, reply="later")
    shown = network.call("GET", f"/phones/{SECOND}")
    assert (shown["behaviour"], shown["delay_s"], shown["reply"], shown["inbox"]) == ("slow", 3, "later", [])


def test_what_a_patch_leaves_out_stays(network: Network) -> None:
    network.call("PATCH", f"/phones/{SECOND}", {"reply": "hi"})
    assert network.behave(SECOND, "silent")["reply"] == "hi"
    assert network.call("PATCH", f"/phones/{SECOND}", {})["behaviour"] == "silent"
    assert network.call("PATCH", f"/phones/{SECOND}", {"reply": None})["reply"] is None


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"behaviour": "dance"}, "behaviour must be one of deliver, absent, memory_full, reject, slow, silent"),
        ({"behaviour": None}, "behaviour must be one of deliver, absent, memory_full, reject, slow, silent"),
        ({"behaviour": ["deliver"]}, "behaviour must be one of deliver, absent, memory_full, reject, slow, silent"),
        ({"delay_s": -1}, "delay_s must be 0 to 604800"),
        ({"delay_s": "1"}, "delay_s must be a number of seconds"),
        ({"delay_s": True}, "delay_s must be a number of seconds"),
        ({"delay_s": float("nan")}, "delay_s must be 0 to 604800"),
        ({"delay_s": 10**400}, "delay_s must be 0 to 604800"),
        ({"reply": 5}, "reply must be null or a text of at most 10000 characters"),
        (
            {"colour": "red"},
            "unknown field 'colour', known are behaviour, delay_s, reply, attached, operator, rat, cell, imei",
        ),
        ([], "the body must be a JSON object"),
    ],
)
def test_a_bad_patch_changes_nothing(network: Network, body: Any, message: str) -> None:
    before = network.call("GET", f"/phones/{FIRST}")
    assert network.refused("PATCH", f"/phones/{FIRST}", body) == (400, message)
    assert network.call("GET", f"/phones/{FIRST}") == before


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"text": "x"}, "to must be the address that the text goes to"),
        ({"to": "", "text": "x"}, "to must be the address that the text goes to"),
        ({"to": 7000, "text": "x"}, "to must be the address that the text goes to"),
        ({"to": "1" * 21, "text": "x"}, "to must have at most 20 ASCII characters"),
        ({"to": "ü", "text": "x"}, "to must have at most 20 ASCII characters"),
        ({"to": "7000"}, "exactly one of text and hex is needed"),
        ({"to": "7000", "text": "x", "hex": "00"}, "exactly one of text and hex is needed"),
        ({"to": "7000", "text": 1}, "text must be a string"),
        ({"to": "7000", "text": "x", "data_coding": 8}, "data_coding goes with hex; for text it is chosen"),
        ({"to": "7000", "hex": "0"}, "hex must be octets in hexadecimal"),
        ({"to": "7000", "hex": 5}, "hex must be octets in hexadecimal"),
        ({"to": "7000", "hex": "00", "data_coding": 256}, "data_coding must be 0 to 255"),
        ({"to": "7000", "hex": "00", "data_coding": "4"}, "data_coding must be 0 to 255"),
        ({"to": "7000", "text": "x" * (153 * 255 + 1)}, "the text needs more than 255 parts"),
        ({"to": "7000", "text": "x", "when": 1}, "unknown field 'when', known are to, text, hex, data_coding"),
        ("x", "the body must be a JSON object"),
    ],
)
def test_a_bad_mo_is_not_sent(network: Network, body: Any, message: str) -> None:
    assert network.refused("POST", f"/phones/{FIRST}/mo", body) == (400, message)
    assert network.call("GET", "/stats")["undelivered"] == 0


def test_a_reply_with_half_a_surrogate_pair_is_kept_whole(network: Network) -> None:
    assert network.call("PATCH", f"/phones/{SECOND}", {"reply": "a\ud83d"})["reply"] == "a\ufffd"
    assert network.call("PATCH", f"/phones/{SECOND}", {"reply": "\ud83d\ude00"})["reply"] == "😀"


def test_no_json_is_said_so(network: Network) -> None:
    status, message = network.refused("PATCH", f"/phones/{FIRST}")
    assert (status, message.partition(":")[0]) == (400, "the body is no JSON")


@pytest.mark.parametrize(
    ("method", "path", "answer"),
    [
        ("GET", "/phones/49170", (404, "no phone '49170'")),
        ("PATCH", "/phones/49170", (404, "no phone '49170'")),
        ("POST", "/phones/49170/mo", (404, "no phone '49170'")),
        ("GET", "/nothing", (404, "Not Found")),
        ("DELETE", f"/phones/{FIRST}", (405, "Method Not Allowed")),
        ("GET", "/phones?limit=many", (400, "limit must be a number")),
        ("GET", "/phones?limit=-1", (400, "limit must be a number")),
    ],
)
def test_what_is_not_there_is_said_in_json(network: Network, method: str, path: str, answer: tuple[int, str]) -> None:
    assert network.refused(method, path, {} if method != "GET" else None) == answer


def test_a_body_over_1_mib_is_refused(network: Network) -> None:
    assert network.refused("POST", f"/phones/{FIRST}/mo", {"to": "7000", "text": "x" * (1 << 20)})[0] == 413


def test_stats_count_what_went_by(network: Network) -> None:
    before = network.call("GET", "/stats")
    esme = network.esme()
    esme.submit(b"x")
    esme.receipts(1)
    esme.submit(b"refused", to="1")
    after = network.call("GET", "/stats")
    assert after["binds"] == 1
    assert after["binds_total"] == before["binds_total"] + 1
    assert after["submit_sm"] == before["submit_sm"] + 1
    assert after["deliver_sm"] == before["deliver_sm"] + 1
