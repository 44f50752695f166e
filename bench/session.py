"""What the SMPP session costs per PDU, in microseconds of one CPU: `python bench/session.py` prints JSON.

Each figure is the best of several rounds of batches as they come from a busy socket, so that a neighbour's load does
not show. The hub handles eight PDUs a message; the aim is 2 µs each.
"""

import json
from collections.abc import Callable
from time import process_time

from motet.smpp.constants import CommandId, Tag
from motet.smpp.pdu import Bind, MessageIdResp, Sm
from motet.smpp.receipt import parse_receipt, receipt_text, receipt_tlvs
from motet.smpp.session import Session, Side

BATCH = 256
ROUNDS = 60

SUBMIT = Sm("", 5, 0, "Motet", 1, 1, "491701234567", registered_delivery=1, short_message=b"Hello from the bench")
SUBMIT_VALIDITY = SUBMIT._replace(service_type="CMT", validity_period="000001000000000R")
RECEIPT_TEXT = receipt_text("190000000000001", 2, submit_us=1_795_299_960_000_000, done_us=1_795_299_960_000_000)
RECEIPT = Sm(
    "",
    1,
    1,
    "491701234567",
    1,
    1,
    "7000",
    esm_class=4,
    short_message=RECEIPT_TEXT,
    tlvs=receipt_tlvs("190000000000001", 2),
)
RECEIPT_PLAIN = RECEIPT._replace(tlvs=())
PAYLOAD = SUBMIT._replace(short_message=b"", tlvs=((Tag.MESSAGE_PAYLOAD, b"x" * 400),))


def bound_pair() -> tuple[Session, Session]:
    """An ESME and an SMSC, bound as transceivers."""
    esme, smsc = Session(Side.ESME, now=0.0), Session(Side.SMSC, now=0.0)
    (bind,) = smsc.receive_data(esme.request(CommandId.BIND_TRANSCEIVER, Bind("bench", "secret"), None, 0.0), 0.0)
    esme.receive_data(smsc.accept_bind(bind, "motet", 0.0), 0.0)
    return esme, smsc


def best(prepare: Callable[[], Callable[[], object]]) -> float:
    """Microseconds per PDU of the quickest round; `prepare` is not counted."""
    quickest = float("inf")
    for _ in range(ROUNDS):
        work = prepare()
        start = process_time()
        work()
        quickest = min(quickest, process_time() - start)
    return round(quickest / BATCH * 1e6, 3)


def main() -> None:
    """Measure everything and print it."""
    esme, smsc = bound_pair()
    numbers = range(BATCH)

    def requests(session: Session, command: CommandId, sm: Sm) -> list[bytes]:
        session.close("") if session.in_flight > 60_000 else None
        return [session.request(command, sm, number, 0.0) for number in numbers]

    def receiving(sender: Session, receiver: Session, command: CommandId, sm: Sm) -> Callable[[], object]:
        data = b"".join(requests(sender, command, sm))
        return lambda: receiver.receive_data(data, 0.0)

    def answers(
        sender: Session, receiver: Session, command: CommandId, sm: Sm, message_id: str
    ) -> Callable[[], object]:
        events = receiver.receive_data(b"".join(requests(sender, command, sm)), 0.0)
        body = MessageIdResp(message_id)
        data = b"".join([receiver.respond(command, event.sequence_number, 0, body) for event in events])
        return lambda: sender.receive_data(data, 0.0)

    def responding(command: CommandId, session: Session, message_id: str) -> Callable[[], object]:
        respond = session.respond
        return lambda: [respond(command, number, 0, MessageIdResp(message_id)) for number in numbers]

    def fresh() -> tuple[Session, Session]:
        return bound_pair()

    submit, deliver = CommandId.SUBMIT_SM, CommandId.DELIVER_SM
    message_id = "190000000000001"
    figures = {
        "receive submit_sm": best(lambda: receiving(*fresh(), submit, SUBMIT)),
        "receive submit_sm, service_type, validity": best(lambda: receiving(*fresh(), submit, SUBMIT_VALIDITY)),
        "receive submit_sm, message_payload 400": best(lambda: receiving(*fresh(), submit, PAYLOAD)),
        "receive submit_sm_resp": best(lambda: answers(*fresh(), submit, SUBMIT, message_id)),
        "receive deliver_sm, receipt": best(lambda: receiving(*fresh()[::-1], deliver, RECEIPT_PLAIN)),
        "receive deliver_sm, receipt, 3 TLVs": best(lambda: receiving(*fresh()[::-1], deliver, RECEIPT)),
        "receive deliver_sm_resp": best(lambda: answers(*fresh()[::-1], deliver, RECEIPT_PLAIN, "")),
        "request submit_sm": best(lambda: (s := fresh()[0], lambda: requests(s, submit, SUBMIT))[1]),
        "request submit_sm, service_type, validity": best(
            lambda: (s := fresh()[0], lambda: requests(s, submit, SUBMIT_VALIDITY))[1]
        ),
        "request deliver_sm, receipt, 3 TLVs": best(
            lambda: (s := fresh()[1], lambda: requests(s, deliver, RECEIPT))[1]
        ),
        "respond submit_sm": best(lambda: responding(submit, smsc, message_id)),
        "respond deliver_sm": best(lambda: responding(deliver, esme, "")),
        "receipt_text": best(
            lambda: lambda: [receipt_text(message_id, 2, submit_us=number, done_us=number) for number in numbers]
        ),
        "parse_receipt, 3 TLVs": best(
            lambda: lambda: [parse_receipt(RECEIPT.short_message, RECEIPT.tlvs, 4) for _ in numbers]
        ),
    }
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
