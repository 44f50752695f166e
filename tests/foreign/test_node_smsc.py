"""A carrier that we did not write: node-smpp as the SMSC behind the demo."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from foreign_programs import FOREIGN, node_with
from raw_esme import MESSAGE_PAYLOAD, SUBMIT_SM, RawEsme, sm_body, tlv
from running_demo import RunningDemo

USER_MESSAGE_REFERENCE = 0x0204
PHONE = "99900000001"


class NodeSmsc:
    """The process and what it prints."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [node_with("smpp"), "node_smsc.mjs"], cwd=FOREIGN, stdout=subprocess.PIPE, text=True
        )
        self.port = int(self._line())

    def submitted(self) -> dict[str, Any]:
        """The next submit_sm that it took."""
        taken: dict[str, Any] = json.loads(self._line())
        return taken

    def _line(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "node ended"
        return line

    def end(self) -> None:
        self.process.kill()
        self.process.wait(30)
        if self.process.stdout is not None:
            self.process.stdout.close()


@pytest.fixture
def smsc() -> Iterator[NodeSmsc]:
    running = NodeSmsc()
    yield running
    running.end()


def test_node_smpp_takes_texts_with_their_optional_parameters_and_its_receipts_come_back(
    smsc: NodeSmsc, tmp_path: Path
) -> None:
    demo = RunningDemo(tmp_path / "data", "--smsc", f"smpp://a:b@127.0.0.1:{smsc.port}?binds=2")
    with RawEsme(demo.smpp) as esme:
        assert esme.bind("demo", demo.password).status == 0
        reference = tlv(USER_MESSAGE_REFERENCE, b"\x12\x34")
        message_id = esme.ask(SUBMIT_SM, sm_body(PHONE, b"Hi", tlvs=reference)).message_id
        taken = smsc.submitted()
        assert (taken["destination_addr"], taken["message"], taken["user_message_reference"]) == (PHONE, "Hi", 0x1234)
        receipt = esme.deliver()
        assert receipt.short_message.startswith(f"id:{message_id} sub:001 dlvrd:001 ".encode())
        assert receipt.tlvs[USER_MESSAGE_REFERENCE] == b"\x12\x34"
        esme.ask(SUBMIT_SM, sm_body(PHONE, b"", tlvs=tlv(MESSAGE_PAYLOAD, b"z" * 300)))
        parts = [smsc.submitted(), smsc.submitted()]
        assert [part["parts"] for part in parts] == [2, 2]
        assert "".join(part["message"] for part in parts) == "z" * 300
        assert b"stat:DELIVRD" in esme.deliver().short_message
        esme.nothing_but()
    assert demo.end() == 0
