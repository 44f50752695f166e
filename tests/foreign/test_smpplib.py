"""smpplib as the ESME, the way that its users write it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import smpplib.client
import smpplib.consts
import smpplib.exceptions
import smpplib.gsm

from running_demo import DEADLINE_S, RunningDemo, eventually

pytestmark = pytest.mark.timeout(120)


STATES = {
    "transmitter": smpplib.consts.SMPP_CLIENT_STATE_BOUND_TX,
    "receiver": smpplib.consts.SMPP_CLIENT_STATE_BOUND_RX,
    "transceiver": smpplib.consts.SMPP_CLIENT_STATE_BOUND_TRX,
}
RECEIPT = 0x04
"""esm_class of an SMSC delivery receipt (SMPP 3.4 §5.2.12)."""


class Esme:
    """A bound client, and what it got."""

    def __init__(self, client: smpplib.client.Client) -> None:
        self.client = client
        self.answers: list[tuple[int, str]] = []
        self.delivered: list[Any] = []
        client.set_message_sent_handler(lambda pdu: self.answers.append((pdu.status, (pdu.message_id or b"").decode())))
        client.set_error_pdu_handler(lambda pdu: self.answers.append((pdu.status, "")))
        client.set_message_received_handler(self._received)

    def _received(self, pdu: Any) -> int:
        self.delivered.append(pdu)
        return 0

    def until(self, seen: Callable[[], bool], what: str) -> None:
        """Reads PDU after PDU until it is so."""
        while not seen():
            self.client.read_once(auto_send_enquire_link=False)
        assert seen(), what

    def send(self, to: str, text: str, **fields: object) -> list[str]:
        """As smpplib's own example sends: cut into parts, each with an id."""
        parts, encoding, esm_class = smpplib.gsm.make_parts(text)
        for part in parts:
            self._send(to, short_message=part, data_coding=encoding, esm_class=esm_class, **fields)
        return self._ids(len(parts))

    def send_payload(self, to: str, payload: bytes, **fields: object) -> list[str]:
        """In one piece, however long."""
        self._send(to, short_message=b"", message_payload=payload, **fields)
        return self._ids(1)

    def _send(self, to: str, **fields: object) -> None:
        self.client.send_message(
            source_addr_ton=smpplib.consts.SMPP_TON_ALNUM,
            source_addr_npi=smpplib.consts.SMPP_NPI_UNK,
            source_addr="smpplib",
            dest_addr_ton=smpplib.consts.SMPP_TON_INTL,
            dest_addr_npi=smpplib.consts.SMPP_NPI_ISDN,
            destination_addr=to,
            **{"registered_delivery": True, **fields},
        )

    def _ids(self, count: int) -> list[str]:
        self.until(lambda: len(self.answers) >= count, "the answers")
        answers, self.answers = self.answers, []
        assert [status for status, _ in answers] == [0] * count
        return [message_id for _, message_id in answers]


@contextmanager
def bound(demo: RunningDemo, kind: str = "transceiver", system_id: str = "demo", password: str = "") -> Iterator[Esme]:
    client = smpplib.client.Client(*demo.smpp, allow_unknown_opt_params=True, timeout=DEADLINE_S)
    client.connect()
    try:
        getattr(client, f"bind_{kind}")(system_id=system_id, password=password or demo.password)
        yield Esme(client)
        client.unbind()
    finally:
        client.disconnect()


@pytest.mark.parametrize("kind", list(STATES))
def test_binds(demo: RunningDemo, kind: str) -> None:
    with bound(demo, kind) as esme:
        assert esme.client.state == STATES[kind]


@pytest.mark.parametrize(("system_id", "password", "status"), [("demo", "wrong", 0x0E), ("nobody", "wrong", 0x0F)])
def test_refused_binds(demo: RunningDemo, system_id: str, password: str, status: int) -> None:
    client = smpplib.client.Client(*demo.smpp, allow_unknown_opt_params=True, timeout=DEADLINE_S)
    client.connect()
    with pytest.raises(smpplib.exceptions.PDUError) as refused:
        client.bind_transceiver(system_id=system_id, password=password)
    assert refused.value.args[1] == status
    client.disconnect()


def test_texts_in_parts_and_as_payload(demo: RunningDemo) -> None:
    msisdn = demo.phones()[0]
    long = "Ein langer Text mit Umlauten: äöü ÄÖÜ ß. " * 10
    emoji = "Grüße 😀 Привет " * 12
    with bound(demo) as esme:
        ids = esme.send(msisdn, "Grüße 😀 Привет")
        ids += esme.send(msisdn, long)
        ids += esme.send(msisdn, emoji)
        ids += esme.send_payload(msisdn, b"y" * 400, data_coding=0)
        ids += esme.send_payload(msisdn, emoji.encode("utf-16-be"), data_coding=8)
        esme.until(lambda: len(esme.delivered) >= len(ids), "a receipt for each")
    assert {pdu.receipted_message_id.decode() for pdu in esme.delivered} == set(ids)
    for pdu in esme.delivered:
        assert pdu.short_message.startswith(b"id:" + pdu.receipted_message_id + b" sub:001 dlvrd:001 ")
        assert pdu.message_state == smpplib.consts.SMPP_MESSAGE_STATE_DELIVERED
        assert pdu.esm_class == RECEIPT
    eventually(lambda: len(demo.inbox(msisdn)) == 5, "five texts")
    assert {one["text"] for one in demo.inbox(msisdn)} == {"Grüße 😀 Привет", long, emoji, "y" * 400}


def test_mo(demo: RunningDemo) -> None:
    msisdn = demo.phones()[1]
    with bound(demo, "receiver") as esme:
        demo.mobile_originated(msisdn, demo.short_code, "Hello")
        demo.mobile_originated(msisdn, demo.short_code, "€uro " * 80)
        esme.until(lambda: len(esme.delivered) >= 2, "both texts")
    short, long = esme.delivered
    assert (short.source_addr.decode(), short.destination_addr.decode()) == (msisdn, demo.short_code)
    assert short.short_message == b"Hello"
    assert long.message_payload == b"\x1beuro " * 80
