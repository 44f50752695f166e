"""What the SMPP session costs per PDU, in microseconds of one CPU: `python bench/session.py` prints JSON.

Each figure is the best of several rounds of batches as they come from a busy socket, so that a neighbour's load does
not show. The hub handles eight PDUs a message; the aim is 2 µs each. The yardstick is always the same work: where it
is twice as slow (a shared core), so is everything.
"""

import json
from collections.abc import Callable
from time import process_time

from motet.smpp.codec import HEADER, encode_message_id_resp
from motet.smpp.constants import CommandId, Tag
from motet.smpp.pdu import Bind, MessageIdResp, Sm
from motet.smpp.receipt import parse_receipt, receipt_text, receipt_tlvs
from motet.smpp.session import Session, Side

BATCH = 256
ROUNDS = 100
SUBMIT_SM, DELIVER_SM = CommandId.SUBMIT_SM, CommandId.DELIVER_SM

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


Work = Callable[[], object]


def measure(cases: dict[str, Callable[[], Work]]) -> dict[str, float]:
    """Microseconds per PDU of each case's quickest round; a case prepares its work uncounted. Rounds go through all
    cases in turn, so that a slow spell of the machine hits none of them alone."""
    quickest = dict.fromkeys(cases, float("inf"))
    for _ in range(ROUNDS):
        for name, prepare in cases.items():
            work = prepare()
            start = process_time()
            work()
            quickest[name] = min(quickest[name], process_time() - start)
    return {name: round(seconds / BATCH * 1e6, 3) for name, seconds in quickest.items()}


def requests(session: Session, command: CommandId, sm: Sm) -> bytes:
    """A batch as `request` makes it."""
    return b"".join([session.request(command, sm, number, 0.0) for number in range(BATCH)])


def receiving(command: CommandId, sm: Sm) -> Work:
    """Receive a batch of requests."""
    esme, smsc = bound_pair()
    sender, receiver = (esme, smsc) if command == SUBMIT_SM else (smsc, esme)
    data = requests(sender, command, sm)
    return lambda: receiver.receive_data(data, 0.0)


def answered(command: CommandId, sm: Sm, message_id: str) -> Work:
    """Receive a batch of responses."""
    esme, smsc = bound_pair()
    sender, receiver = (esme, smsc) if command == SUBMIT_SM else (smsc, esme)
    events = receiver.receive_data(requests(sender, command, sm), 0.0)
    body = MessageIdResp(message_id)
    data = b"".join([receiver.respond(command, event.sequence_number, 0, body) for event in events])
    return lambda: sender.receive_data(data, 0.0)


def requesting(command: CommandId, sm: Sm) -> Work:
    """Make a batch of requests."""
    esme, smsc = bound_pair()
    return lambda: requests(esme if command == SUBMIT_SM else smsc, command, sm)


def responding(command: CommandId, message_id: str) -> Work:
    """Make a batch of responses."""
    respond = bound_pair()[1].respond
    return lambda: [respond(command, number, 0, MessageIdResp(message_id)) for number in range(BATCH)]


def each(call: Work) -> Work:
    """Call it a batch of times."""
    return lambda: [call() for _ in range(BATCH)]


def main() -> None:
    """Measure everything and print it."""
    message_id = "190000000000001"
    response = int(CommandId.SUBMIT_SM_RESP)
    unpack, header = HEADER.unpack_from, b"\0" * HEADER.size
    figures = measure(
        {
            "yardstick: unpack a header": lambda: each(lambda: unpack(header)),
            "receive submit_sm": lambda: receiving(SUBMIT_SM, SUBMIT),
            "receive submit_sm, service_type, validity": lambda: receiving(SUBMIT_SM, SUBMIT_VALIDITY),
            "receive submit_sm, message_payload 400": lambda: receiving(SUBMIT_SM, PAYLOAD),
            "receive submit_sm_resp": lambda: answered(SUBMIT_SM, SUBMIT, message_id),
            "receive deliver_sm, receipt": lambda: receiving(DELIVER_SM, RECEIPT_PLAIN),
            "receive deliver_sm, receipt, 3 TLVs": lambda: receiving(DELIVER_SM, RECEIPT),
            "receive deliver_sm_resp": lambda: answered(DELIVER_SM, RECEIPT_PLAIN, ""),
            "request submit_sm": lambda: requesting(SUBMIT_SM, SUBMIT),
            "request submit_sm, service_type, validity": lambda: requesting(SUBMIT_SM, SUBMIT_VALIDITY),
            "request deliver_sm, receipt, 3 TLVs": lambda: requesting(DELIVER_SM, RECEIPT),
            "respond submit_sm": lambda: responding(SUBMIT_SM, message_id),
            "respond deliver_sm": lambda: responding(DELIVER_SM, ""),
            "encode_message_id_resp": lambda: each(lambda: encode_message_id_resp(response, 0, 7, message_id)),
            "receipt_text": lambda: each(lambda: receipt_text(message_id, 2, submit_us=0, done_us=0)),
            "receipt_tlvs": lambda: each(lambda: receipt_tlvs(message_id, 2)),
            "parse_receipt, 3 TLVs": lambda: each(lambda: parse_receipt(RECEIPT_TEXT, RECEIPT.tlvs, 4)),
        }
    )
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
