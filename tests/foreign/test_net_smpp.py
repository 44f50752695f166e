"""Perl's Net::SMPP as the ESME."""

from __future__ import annotations

import subprocess

from foreign_programs import FOREIGN, perl_with
from running_demo import RunningDemo

RINVPASWD, RINVSYSID = 14, 15


def test_net_smpp_binds_submits_queries_replaces_and_cancels(demo: RunningDemo) -> None:
    perl = perl_with("Net::SMPP")
    host, port = demo.smpp
    phones = demo.phones()
    demo.behave(phones[1], "absent")
    words = [host, str(port), "demo", demo.password, phones[0], phones[1]]
    run = subprocess.run(
        [perl, "net_smpp_esme.pl", *words], cwd=FOREIGN, capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert dict(line.split(" ", 1) for line in run.stdout.splitlines()) == {
        "new_transmitter": "0",
        "new_transmitter_unbind": "0",
        "new_receiver": "0",
        "new_receiver_unbind": "0",
        "new_transceiver": "0",
        "new_transceiver_unbind": "0",
        "wrong_password": str(RINVPASWD),
        "unknown_account": str(RINVSYSID),
        "submit_sm": "0",
        "receipt": "DELIVRD",
        "query_sm": "0 2",
        "replace_sm": "0",
        "cancel_sm": "0",
        "cancelled": "DELETED",
        "data_sm": "0",
        "submit_multi": "0",
        "enquire_link": "0",
        "unbind": "0",
    }
    assert [one["text"] for one in demo.inbox(phones[0])] == ["From Perl", "d" * 400, "to two"]
    assert demo.inbox(phones[1]) == []
