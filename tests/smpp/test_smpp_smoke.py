"""The whole life of a session in a few lines: bind, submit, receipt, unbind."""

from motet.smpp.constants import CommandId, CommandStatus
from motet.smpp.pdu import Bind, Empty, MessageIdResp, Sm
from motet.smpp.session import Session, Side, State


def test_an_esme_and_an_smsc_bind_exchange_messages_and_unbind() -> None:
    esme, smsc = Session(Side.ESME, now=0.0), Session(Side.SMSC, now=0.0)

    (bind,) = smsc.receive_data(esme.request(CommandId.BIND_TRANSCEIVER, Bind("demo", "secret"), "bind", 0.0), 0.0)
    assert bind.body == Bind("demo", "secret")
    (bound,) = esme.receive_data(smsc.accept_bind(bind, "motet", 0.0), 0.0)
    assert (bound.context, bound.command_status) == ("bind", CommandStatus.ESME_ROK)
    assert esme.state is smsc.state is State.BOUND_TRX

    sm = Sm(source_addr="7000", destination_addr="491701234567", short_message=b"Hi")
    (submit,) = smsc.receive_data(esme.request(CommandId.SUBMIT_SM, sm, 1, 1.0), 1.0)
    assert submit.body == sm
    response = smsc.respond(CommandId.SUBMIT_SM, submit.sequence_number, 0, MessageIdResp("42"))
    (answered,) = esme.receive_data(response, 1.0)
    assert (answered.context, answered.body) == (1, MessageIdResp("42"))

    (deliver,) = esme.receive_data(smsc.request(CommandId.DELIVER_SM, sm, 2, 2.0), 2.0)
    (acknowledged,) = smsc.receive_data(esme.respond(CommandId.DELIVER_SM, deliver.sequence_number, 0), 2.0)
    assert acknowledged.context == 2

    (unbind,) = smsc.receive_data(esme.request(CommandId.UNBIND, Empty(), "bye", 3.0), 3.0)
    assert unbind.command_id == CommandId.UNBIND
    assert smsc.closing
    (unbound,) = esme.receive_data(smsc.data_to_send(), 3.0)
    assert unbound.context == "bye"
    assert esme.closing
