"""node-smpp as the ESME."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from foreign_programs import FOREIGN, node_with
from running_demo import RunningDemo, eventually

pytestmark = pytest.mark.timeout(120)

RINVBNDSTS, RINVDSTADR, RINVMSGID, RINVPASWD, RINVSYSID, RCANCELFAIL = 0x04, 0x0B, 0x0C, 0x0E, 0x0F, 0x11


def node_smpp(demo: RunningDemo, scenario: str, **arguments: object) -> Any:
    """Runs one scenario of node_esme.mjs and gives what it saw."""
    host, port = demo.smpp
    given = {"host": host, "port": port, "system_id": "demo", "password": demo.password, **arguments}
    run = subprocess.run(
        [node_with("smpp"), "node_esme.mjs", scenario, json.dumps(given)],
        cwd=FOREIGN,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_binds_of_all_kinds_and_what_is_refused(demo: RunningDemo) -> None:
    seen = node_smpp(demo, "binds", msisdn=demo.phones()[0])
    for kind in ("bind_transmitter", "bind_receiver", "bind_transceiver"):
        assert seen[kind] == [0, "motet", 0x34]
        assert seen[f"{kind}: submit_sm"] == (RINVBNDSTS if kind == "bind_receiver" else 0)
        assert seen[f"{kind}: unbind"] == 0
    assert seen["wrong password"] == RINVPASWD
    assert seen["no password"] == RINVPASWD
    assert seen["unknown account"] == RINVSYSID


def test_texts_reach_the_phone_and_their_receipts_come_back(demo: RunningDemo) -> None:
    msisdn = demo.phones()[1]
    seen = node_smpp(demo, "texts", msisdn=msisdn)
    parts = seen.pop("parts")
    for one in (*seen.values(), *parts):
        assert one["status"] == 0
        receipt = one["receipt"]
        assert (receipt["from"], receipt["to"], receipt["esm_class"]) == (msisdn, "Node", 4)
        assert (receipt["receipted_message_id"], receipt["message_state"]) == (one["id"], 2)
        assert receipt["network_error_code"] == "030000"
        assert receipt["text"].startswith(f"id:{one['id']} sub:001 dlvrd:001 submit date:")
        assert " stat:DELIVRD err:000 text:" in receipt["text"]
    inbox = demo.inbox(msisdn)
    assert [(one["text"], one["parts"]) for one in inbox] == [
        ("Hello", 1),
        ("Grüße @£$ {€}", 1),
        ("Grüße 😀 Привет", 1),
        ("naïve café", 1),
        (None, 1),
        ("p" * 390 + "0123456789", 3),
        ("", 1),
        (("abcdefghijklmnopqrstuvwxyz" * 16)[:400], 3),
    ]
    assert inbox[4]["hex"] == bytes(range(140)).hex()
    assert {one["from"] for one in inbox} == {"Node"}


@pytest.mark.parametrize("window", [1_000, 2_000])
def test_a_wide_window(demo: RunningDemo, window: int) -> None:
    msisdn = demo.phones()[2 + window // 1_000]
    seen = node_smpp(demo, "window", msisdn=msisdn, window=window, count=6_000)
    assert seen == {"statuses": {"0": 6_000}, "ids": 6_000, "receipts": 6_000, "doubled": 0, "missing": 0}
    assert {one["text"] for one in demo.inbox(msisdn)} == {f"w{n}" for n in range(1, 6_001)}


def test_query_cancel_replace_multi_and_data(demo: RunningDemo) -> None:
    phones = demo.phones()
    absent = phones[6]
    demo.behave(absent, "absent")
    foreign = demo.others_phone()
    seen = node_smpp(demo, "commands", msisdn=phones[7], second=phones[8], absent=absent, foreign=foreign)
    assert seen == {
        "delivered": [0, 2],
        "enroute": [0, 1],
        "nobody": [RINVMSGID, seen["nobody"][1]],
        "wrongSource": [RINVMSGID, seen["wrongSource"][1]],
        "replace": 0,
        "cancel": 0,
        "cancelled": [0, 4],
        "cancelAgain": RCANCELFAIL,
        "multi": [0, [[foreign, RINVDSTADR]]],
        "multiReceipts": sorted([phones[7], phones[8]]),
        "multiQuery": [0, 2],
        "data": [0, True],
        "enquire": 0,
    }
    demo.behave(absent, "deliver")
    inbox = eventually(lambda: demo.inbox(absent), "the held text")
    assert [one["text"] for one in inbox] == ["new"]
    assert [one["text"] for one in demo.inbox(phones[7])] == ["one", "to many", "by data"]
    assert [one["text"] for one in demo.inbox(phones[8])] == ["to many"]
