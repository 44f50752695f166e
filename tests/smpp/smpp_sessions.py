"""Sessions in the state that a test needs."""

from motet.smpp.constants import RESPONSE_BIT, CommandId
from motet.smpp.pdu import (
    Bind,
    Body,
    CancelSm,
    DataSm,
    DestinationSme,
    Empty,
    Outbind,
    Pdu,
    QuerySm,
    ReplaceSm,
    Sm,
    SubmitMulti,
)
from motet.smpp.session import Event, Limits, Session, Side, State

BINDS = {
    State.BOUND_TX: CommandId.BIND_TRANSMITTER,
    State.BOUND_RX: CommandId.BIND_RECEIVER,
    State.BOUND_TRX: CommandId.BIND_TRANSCEIVER,
}
_DEFAULT = Limits()
FROM_SMSC = {CommandId.OUTBIND, CommandId.DELIVER_SM, CommandId.ALERT_NOTIFICATION}

REQUEST_BODIES: dict[CommandId, Body] = {
    CommandId.BIND_RECEIVER: Bind("demo", "secret"),
    CommandId.BIND_TRANSMITTER: Bind("demo", "secret"),
    CommandId.BIND_TRANSCEIVER: Bind("demo", "secret"),
    CommandId.SUBMIT_SM: Sm(),
    CommandId.DELIVER_SM: Sm(),
    CommandId.SUBMIT_MULTI: SubmitMulti(destinations=(DestinationSme(1, 1, "491"),)),
    CommandId.DATA_SM: DataSm(),
    CommandId.QUERY_SM: QuerySm(),
    CommandId.CANCEL_SM: CancelSm(),
    CommandId.REPLACE_SM: ReplaceSm(),
    CommandId.UNBIND: Empty(),
    CommandId.ENQUIRE_LINK: Empty(),
}


def bound(
    state: State = State.BOUND_TRX, *, version: int = 0x34, now: float = 0.0, limits: Limits = _DEFAULT
) -> tuple[Session, Session]:
    """An ESME and an SMSC that are bound to each other."""
    esme, smsc = Session(Side.ESME, now=now, limits=limits), Session(Side.SMSC, now=now, limits=limits)
    bind = Bind("demo", "secret", interface_version=version)
    (event,) = smsc.receive_data(esme.request(BINDS[state], bind, None, now), now)
    esme.receive_data(smsc.accept_bind(event, "motet", now), now)
    return esme, smsc


def in_state(side: Side, state: State) -> Session:
    """A session of `side` in any state."""
    session = Session(side, now=0.0)
    if state in BINDS:
        esme, smsc = bound(state)
        session = esme if side is Side.ESME else smsc
    elif state is State.OUTBOUND:
        smsc = Session(Side.SMSC, now=0.0)
        outbind = smsc.request(CommandId.OUTBIND, Outbind("motet", "secret"), None, 0.0)
        session.receive_data(outbind, 0.0)
        session = session if side is Side.ESME else smsc
    elif state is State.UNBINDING:
        session = in_state(side, State.BOUND_TRX)
        session.request(CommandId.UNBIND, Empty(), None, 0.0)
    elif state is State.CLOSED:
        session.close("the test wants it so")
    assert session.state is state
    return session


def session_for(pdu: Pdu) -> tuple[Session, Event]:
    """A session in which the PDU is legal, what it answers in flight, and the event that it must give."""
    command = CommandId(pdu.command_id)
    if not command & RESPONSE_BIT:
        is_bind = command in BINDS.values()
        side = Side.ESME if command in FROM_SMSC else Side.SMSC
        state = State.OPEN if is_bind or command == CommandId.OUTBIND else State.BOUND_TRX
        return in_state(side, state), Event(*pdu, None)
    request = CommandId.SUBMIT_SM if command == CommandId.GENERIC_NACK else CommandId(command & ~RESPONSE_BIT)
    side = Side.SMSC if request == CommandId.DELIVER_SM else Side.ESME
    session = in_state(side, State.OPEN if request in BINDS.values() else State.BOUND_TRX)
    session.request(request, REQUEST_BODIES[request], "context", 0.0)
    return session, Event(*pdu, "context")
