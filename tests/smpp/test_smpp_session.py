"""The session: what it answers itself, what it hands up, its states, versions and bounds."""

import pytest
from smpp_sessions import BINDS, REQUEST_BODIES, bound, in_state

from motet.smpp.codec import decode, encode
from motet.smpp.constants import CommandId, CommandStatus, Tag
from motet.smpp.errors import UsageError
from motet.smpp.pdu import (
    AlertNotification,
    Bind,
    BindResp,
    Body,
    DataSm,
    Empty,
    MessageIdResp,
    Outbind,
    Pdu,
    QuerySmResp,
    Sm,
)
from motet.smpp.session import (
    CONNECTION_LOST,
    RESPONSE_INVALID,
    Event,
    Limits,
    Session,
    Side,
    State,
)

ALL_REQUESTS: dict[CommandId, Body] = REQUEST_BODIES | {
    CommandId.OUTBIND: Outbind(),
    CommandId.ALERT_NOTIFICATION: AlertNotification(),
}
SUBMITS = ("SUBMIT_SM", "SUBMIT_MULTI", "DATA_SM", "QUERY_SM", "CANCEL_SM", "REPLACE_SM")
DELIVERS = ("DELIVER_SM", "DATA_SM", "ALERT_NOTIFICATION")
# SMPP 3.4 table 2-1, by who receives; replace_sm for transceivers as in SMPP 5.0.
LEGAL: dict[tuple[Side, State], tuple[str, ...]] = {
    (Side.SMSC, State.OPEN): ("BIND_TRANSMITTER", "BIND_RECEIVER", "BIND_TRANSCEIVER"),
    (Side.SMSC, State.OUTBOUND): ("BIND_RECEIVER", "BIND_TRANSCEIVER"),
    (Side.SMSC, State.BOUND_TX): ("UNBIND", "ENQUIRE_LINK", *SUBMITS),
    (Side.SMSC, State.BOUND_RX): ("UNBIND", "ENQUIRE_LINK"),
    (Side.SMSC, State.BOUND_TRX): ("UNBIND", "ENQUIRE_LINK", *SUBMITS),
    (Side.SMSC, State.UNBINDING): ("UNBIND", "ENQUIRE_LINK", *SUBMITS),
    (Side.SMSC, State.CLOSED): (),
    (Side.ESME, State.OPEN): ("OUTBIND",),
    (Side.ESME, State.OUTBOUND): (),
    (Side.ESME, State.BOUND_TX): ("UNBIND", "ENQUIRE_LINK"),
    (Side.ESME, State.BOUND_RX): ("UNBIND", "ENQUIRE_LINK", *DELIVERS),
    (Side.ESME, State.BOUND_TRX): ("UNBIND", "ENQUIRE_LINK", *DELIVERS),
    (Side.ESME, State.UNBINDING): ("UNBIND", "ENQUIRE_LINK", *DELIVERS),
    (Side.ESME, State.CLOSED): (),
}


@pytest.mark.parametrize("command", ALL_REQUESTS, ids=lambda command: command.name)
@pytest.mark.parametrize("state", State, ids=lambda state: state.name)
@pytest.mark.parametrize("side", Side, ids=lambda side: side.name)
def test_every_command_in_every_state_is_taken_or_refused(side: Side, state: State, command: CommandId) -> None:
    session = in_state(side, state)
    session.data_to_send()
    events = session.receive_data(encode(command, 0, 77, ALL_REQUESTS[command]), 1.0)
    answers = pdus(session.data_to_send())

    if state is State.CLOSED:
        assert (events, answers) == ([], [])
    elif command.name in LEGAL[side, state]:
        inside = {CommandId.UNBIND: CommandId.UNBIND_RESP, CommandId.ENQUIRE_LINK: CommandId.ENQUIRE_LINK_RESP}
        assert [(event.command_id, event.sequence_number) for event in events] == (
            [] if command == CommandId.ENQUIRE_LINK else [(command, 77)]
        )
        assert answers == ([Pdu(inside[command], 0, 77, Empty())] if command in inside else [])
        assert session.closing is (command == CommandId.UNBIND)
    else:
        ((command_id, status, sequence, _),) = answers
        unanswerable = command in (CommandId.OUTBIND, CommandId.ALERT_NOTIFICATION)
        assert command_id == (CommandId.GENERIC_NACK if unanswerable else command | 0x80000000)
        rebinding = side is Side.SMSC and command in BINDS.values() and state in BINDS
        assert status == (CommandStatus.ESME_RALYBND if rebinding else CommandStatus.ESME_RINVBNDSTS)
        assert (sequence, events, session.state) == (77, [], state)


@pytest.mark.parametrize("command", ALL_REQUESTS, ids=lambda command: command.name)
@pytest.mark.parametrize("state", State, ids=lambda state: state.name)
@pytest.mark.parametrize("side", Side, ids=lambda side: side.name)
def test_we_send_only_what_the_state_allows(side: Side, state: State, command: CommandId) -> None:
    session = in_state(side, state)
    peer = Side.ESME if side is Side.SMSC else Side.SMSC
    if command.name in LEGAL[peer, state] and state is not State.UNBINDING:
        assert decode(session.request(command, ALL_REQUESTS[command], None, 0.0)).command_id == command
    else:
        with pytest.raises(UsageError):
            session.request(command, ALL_REQUESTS[command], None, 0.0)


@pytest.mark.parametrize("command_id", [0x0A, 0x111, 0x7FFFFFFF], ids=hex)
@pytest.mark.parametrize("state", [state for state in State if state is not State.CLOSED], ids=lambda state: state.name)
def test_an_unknown_command_is_nacked_and_the_session_lives_on(state: State, command_id: int) -> None:
    session = in_state(Side.SMSC, state)
    assert session.receive_data(header(16, command_id, 0, 5), 0.0) == []
    assert pdus(session.data_to_send()) == [
        Pdu(CommandId.GENERIC_NACK, CommandStatus.ESME_RINVCMDID, 5, Empty()),
    ]
    assert session.state is state


@pytest.mark.parametrize(
    "command_id", [*(command for command in CommandId if command & 0x80000000), 0x800000FF], ids=hex
)
@pytest.mark.parametrize("side", Side, ids=lambda side: side.name)
def test_a_response_to_nothing_is_counted_and_dropped(side: Side, command_id: int) -> None:
    session = in_state(side, State.BOUND_TRX)
    assert session.receive_data(header(16, command_id, 0, 99), 0.0) == []
    assert (session.stray_responses, session.data_to_send(), session.state) == (1, b"", State.BOUND_TRX)


@pytest.mark.parametrize("length", [0, 4, 15, 65_537, 0xFFFFFFFF])
def test_a_length_out_of_bounds_is_nacked_and_ends_the_session(length: int) -> None:
    esme, smsc = bound()
    before = esme.request(CommandId.SUBMIT_SM, Sm(), None, 0.0)
    events = smsc.receive_data(before + header(length, CommandId.SUBMIT_SM, 0, 6) + before, 0.0)
    assert [event.command_id for event in events] == [CommandId.SUBMIT_SM]
    assert pdus(smsc.data_to_send()) == [Pdu(CommandId.GENERIC_NACK, CommandStatus.ESME_RINVCMDLEN, 6, Empty())]
    assert (smsc.closing, smsc.close_reason) == (True, f"command_length {length}")
    assert smsc.receive_data(before, 0.0) == []


def test_the_largest_pdu_is_taken() -> None:
    _, smsc = bound()
    payload = b"x" * (65_536 - 16 - 17 - 4)
    octets = encode(CommandId.SUBMIT_SM, 0, 3, Sm(tlvs=((Tag.MESSAGE_PAYLOAD, payload),)))
    assert len(octets) == 65_536
    (event,) = smsc.receive_data(octets, 0.0)
    assert event.body == Sm(tlvs=((Tag.MESSAGE_PAYLOAD, payload),))


@pytest.mark.parametrize("command", LEGAL[Side.SMSC, State.BOUND_TRX])
def test_a_body_that_does_not_parse_is_answered_and_the_session_lives_on(command: str) -> None:
    esme, smsc = bound()
    good = esme.request(CommandId.SUBMIT_SM, Sm(destination_addr="491"), None, 0.0)
    bad = header(17, CommandId[command], 0, 50) + b"\xff"
    events = smsc.receive_data(good + bad + good, 0.0)
    assert [event.command_id for event in events] == [CommandId.SUBMIT_SM] * 2
    ((command_id, status, sequence, _),) = pdus(smsc.data_to_send())
    assert (command_id, sequence) == (CommandId[command] | 0x80000000, 50)
    assert status == CommandStatus.ESME_RINVCMDLEN


def test_a_deliver_sm_that_does_not_parse_is_answered() -> None:
    esme, _ = bound()
    assert esme.receive_data(header(17, CommandId.DELIVER_SM, 0, 50) + b"\0", 0.0) == []
    assert esme.data_to_send() == bytes.fromhex("00000011 80000005 00000002 00000032 00")


def test_short_message_and_message_payload_together_are_refused() -> None:
    esme, smsc = bound()
    both = Sm(short_message=b"Hi", tlvs=((Tag.MESSAGE_PAYLOAD, b"Hi"),))
    assert smsc.receive_data(esme.request(CommandId.SUBMIT_SM, both, None, 0.0), 0.0) == []
    ((_, status, _, _),) = pdus(smsc.data_to_send())
    assert status == CommandStatus.ESME_RINVOPTPARAMVAL
    (event,) = esme.receive_data(smsc.request(CommandId.DELIVER_SM, both, None, 0.0), 0.0)
    assert event.body == both  # a receipt or an MO is not lost over it


def test_a_tlv_of_a_wrong_length_is_refused_from_an_esme_and_taken_from_an_smsc() -> None:
    esme, smsc = bound()
    odd = Sm(tlvs=((Tag.MESSAGE_STATE, b"\0\2"),))
    assert smsc.receive_data(esme.request(CommandId.SUBMIT_SM, odd, None, 0.0), 0.0) == []
    ((_, status, _, _),) = pdus(smsc.data_to_send())
    assert status == CommandStatus.ESME_RINVPARLEN
    (event,) = esme.receive_data(smsc.request(CommandId.DELIVER_SM, odd, None, 0.0), 0.0)
    assert event.body == odd


def test_responses_are_correlated_in_any_order_with_their_contexts() -> None:
    esme, smsc = bound()
    octets = b"".join(esme.request(CommandId.SUBMIT_SM, Sm(), number, 0.0) for number in range(5))
    events = smsc.receive_data(octets, 0.0)
    assert esme.in_flight == 5
    answers = [
        smsc.respond(CommandId.SUBMIT_SM, event.sequence_number, 0, MessageIdResp(f"id{number}"))
        for number, event in enumerate(events)
    ]
    got = esme.receive_data(b"".join(reversed(answers)), 0.0)
    assert [(event.context, event.body) for event in got] == [(n, MessageIdResp(f"id{n}")) for n in (4, 3, 2, 1, 0)]
    assert esme.in_flight == 0


def test_a_response_of_another_command_does_not_answer() -> None:
    esme, smsc = bound()
    (event,) = smsc.receive_data(esme.request(CommandId.SUBMIT_SM, Sm(), "kept", 0.0), 0.0)
    assert esme.receive_data(smsc.respond(CommandId.QUERY_SM, event.sequence_number, 0, QuerySmResp()), 0.0) == []
    assert esme.receive_data(header(17, CommandId.DELIVER_SM_RESP, 0, event.sequence_number) + b"\0", 0.0) == []
    assert (esme.stray_responses, esme.in_flight) == (2, 1)


def test_a_generic_nack_answers_our_request() -> None:
    esme, _ = bound()
    esme.request(CommandId.SUBMIT_SM, Sm(), "refused", 0.0)
    (event,) = esme.receive_data(header(16, CommandId.GENERIC_NACK, 3, 2), 0.0)
    assert event == Event(CommandId.GENERIC_NACK, 3, 2, Empty(), "refused")
    assert esme.in_flight == 0


@pytest.mark.parametrize("command", [CommandId.SUBMIT_SM, CommandId.DATA_SM])
def test_a_response_that_does_not_parse_is_told(command: CommandId) -> None:
    esme, _ = bound()
    esme.request(command, REQUEST_BODIES[command], "unclear", 0.0)
    (event,) = esme.receive_data(header(16 + 70, command | 0x80000000, 0, 2) + b"x" * 70, 0.0)
    assert event == Event(command | 0x80000000, RESPONSE_INVALID, 2, Empty(), "unclear")


def test_a_closed_session_gives_back_what_was_in_flight() -> None:
    esme, _ = bound()
    esme.request(CommandId.SUBMIT_SM, Sm(), "first", 0.0)
    esme.request(CommandId.SUBMIT_SM, Sm(), "second", 0.0)
    assert esme.close("connection lost") == [
        Event(CommandId.SUBMIT_SM_RESP, CONNECTION_LOST, 2, Empty(), "first"),
        Event(CommandId.SUBMIT_SM_RESP, CONNECTION_LOST, 3, Empty(), "second"),
    ]
    assert (esme.in_flight, esme.close_reason, esme.next_deadline()) == (0, "connection lost", None)
    assert esme.close("again") == []
    assert esme.close_reason == "connection lost"


def test_sequence_numbers_go_round_and_skip_those_in_flight() -> None:
    esme, _ = bound()
    esme.request(CommandId.SUBMIT_SM, Sm(), "old", 0.0)  # holds 2
    esme._window._next = 0x7FFFFFFF
    numbers = [decode(esme.request(CommandId.SUBMIT_SM, Sm(), None, 0.0)).sequence_number for _ in range(3)]
    assert numbers == [0x7FFFFFFF, 1, 3]


def test_requests_without_response_are_bounded() -> None:
    esme, _ = bound(limits=Limits(in_flight=2))
    esme.request(CommandId.SUBMIT_SM, Sm(), None, 0.0)
    esme.request(CommandId.SUBMIT_SM, Sm(), None, 0.0)
    with pytest.raises(UsageError, match="2 requests"):
        esme.request(CommandId.SUBMIT_SM, Sm(), None, 0.0)
    assert decode(esme.request(CommandId.UNBIND, Empty(), None, 0.0)).command_id == CommandId.UNBIND


@pytest.mark.parametrize(("version", "allowed"), [(0x00, False), (0x33, False), (0x34, True), (0x50, True)])
def test_a_peer_below_3_4_gets_no_tlvs(version: int, allowed: bool) -> None:
    esme, smsc = bound(version=version)
    assert smsc.peer_version == version
    assert smsc.tlvs_allowed is esme.tlvs_allowed is allowed
    receipt = Sm(short_message=b"id:1", tlvs=((Tag.MESSAGE_STATE, b"\2"),))
    expected = receipt if allowed else receipt._replace(tlvs=())
    assert decode(smsc.request(CommandId.DELIVER_SM, receipt, None, 0.0)).body == expected
    answer = MessageIdResp("1", ((Tag.DELIVERY_FAILURE_REASON, b"\1"),))
    for command in (CommandId.SUBMIT_SM, CommandId.DATA_SM):
        got = decode(smsc.respond(command, 9, 0, answer)).body
        assert got == (answer if allowed else MessageIdResp("1"))
    long = DataSm(tlvs=((Tag.MESSAGE_PAYLOAD, b"text"),))
    if allowed:
        assert decode(smsc.request(CommandId.DATA_SM, long, None, 0.0)).body == long
    else:
        with pytest.raises(UsageError, match="message_payload"):
            smsc.request(CommandId.DATA_SM, long, None, 0.0)


def test_a_bind_response_without_version_means_no_tlvs_unless_told_otherwise() -> None:
    answer = encode(CommandId.BIND_TRANSCEIVER_RESP, 0, 1, BindResp("smsc"))
    for limits, version in ((Limits(), 0x33), (Limits(version_unsaid=0x34), 0x34)):
        esme = Session(Side.ESME, now=0.0, limits=limits)
        esme.request(CommandId.BIND_TRANSCEIVER, Bind(), None, 0.0)
        esme.receive_data(answer, 0.0)
        assert (esme.peer_version, esme.tlvs_allowed, esme.state) == (version, version == 0x34, State.BOUND_TRX)


def test_a_refused_bind_may_be_tried_again() -> None:
    esme, smsc = Session(Side.ESME, now=0.0), Session(Side.SMSC, now=0.0)
    octets = esme.request(CommandId.BIND_TRANSMITTER, Bind("demo", "wrong"), "bind", 0.0)
    (event,) = smsc.receive_data(octets, 0.0)
    refusal = smsc.refuse_bind(event, CommandStatus.ESME_RINVPASWD)
    assert refusal == bytes.fromhex("00000010 80000002 0000000e 00000001")
    (refused,) = esme.receive_data(refusal, 0.0)
    assert (refused.command_status, refused.body, esme.state) == (0x0E, BindResp(), State.OPEN)
    with pytest.raises(UsageError):
        smsc.accept_bind(event, "motet", 0.0)
    (event,) = smsc.receive_data(esme.request(CommandId.BIND_TRANSMITTER, Bind("demo", "right"), "bind", 0.0), 0.0)
    esme.receive_data(smsc.accept_bind(event, "motet", 0.0), 0.0)
    assert esme.state is smsc.state is State.BOUND_TX


def test_a_second_bind_before_the_first_is_answered_is_refused() -> None:
    smsc = Session(Side.SMSC, now=0.0)
    binds = encode(CommandId.BIND_RECEIVER, 0, 1, Bind()) + encode(CommandId.BIND_RECEIVER, 0, 2, Bind())
    (event,) = smsc.receive_data(binds, 0.0)
    assert event.sequence_number == 1
    assert pdus(smsc.data_to_send()) == [
        Pdu(CommandId.BIND_RECEIVER_RESP, CommandStatus.ESME_RALYBND, 2, BindResp()),
    ]


def test_an_outbind_leads_to_a_receiver() -> None:
    smsc, esme = Session(Side.SMSC, now=0.0), Session(Side.ESME, now=0.0)
    (outbind,) = esme.receive_data(smsc.request(CommandId.OUTBIND, Outbind("motet", "pw"), "gone", 0.0), 0.0)
    assert outbind.body == Outbind("motet", "pw")
    assert esme.state is smsc.state is State.OUTBOUND
    assert smsc.in_flight == 0
    (bind,) = smsc.receive_data(esme.request(CommandId.BIND_RECEIVER, Bind(), None, 0.0), 0.0)
    esme.receive_data(smsc.accept_bind(bind, "motet", 0.0), 0.0)
    assert esme.state is smsc.state is State.BOUND_RX


def test_alert_notification_waits_for_no_response() -> None:
    esme, smsc = bound()
    (event,) = esme.receive_data(smsc.request(CommandId.ALERT_NOTIFICATION, AlertNotification(), "gone", 0.0), 0.0)
    assert event.command_id == CommandId.ALERT_NOTIFICATION
    assert smsc.in_flight == 0


def test_unbind_waits_for_its_response_and_takes_what_comes_before_it() -> None:
    esme, smsc = bound()
    deliver = smsc.request(CommandId.DELIVER_SM, Sm(), None, 0.0)
    unbind = esme.request(CommandId.UNBIND, Empty(), "bye", 0.0)
    assert esme.state is State.UNBINDING
    (late,) = esme.receive_data(deliver, 0.0)
    assert late.command_id == CommandId.DELIVER_SM
    smsc.receive_data(unbind, 0.0)
    (unbound,) = esme.receive_data(smsc.data_to_send(), 0.0)
    assert (unbound.command_id, unbound.context) == (CommandId.UNBIND_RESP, "bye")
    assert (esme.closing, esme.close_reason) == (True, "unbound")
    assert (smsc.closing, smsc.close_reason) == (True, "unbind by the peer")


def test_an_application_may_answer_unbind_when_its_own_answers_are_out() -> None:
    esme, smsc = bound(limits=Limits(answers_unbind=False, response_s=5.0))
    submit = esme.request(CommandId.SUBMIT_SM, Sm(), "kept", 0.0)
    first, unbind = smsc.receive_data(submit + esme.request(CommandId.UNBIND, Empty(), "bye", 0.0), 0.0)
    assert unbind.command_id == CommandId.UNBIND
    assert (smsc.state, smsc.closing, smsc.data_to_send()) == (State.UNBINDING, False, b"")
    smsc.receive_data(encode(CommandId.SUBMIT_SM, 0, 9, Sm()), 0.0)
    assert [pdu[:3] for pdu in pdus(smsc.data_to_send())] == [(CommandId.SUBMIT_SM_RESP, 4, 9)]
    answers = smsc.respond(CommandId.SUBMIT_SM, first.sequence_number, 0, MessageIdResp("42")) + smsc.answer_unbind()
    assert [event.context for event in esme.receive_data(answers, 0.0)] == ["kept", "bye"]
    assert smsc.closing
    with pytest.raises(UsageError):
        smsc.answer_unbind()


def test_a_kept_unbind_is_answered_in_time_all_the_same() -> None:
    esme, smsc = bound(limits=Limits(answers_unbind=False, response_s=5.0))
    smsc.receive_data(esme.request(CommandId.UNBIND, Empty(), None, 10.0), 10.0)
    assert smsc.next_deadline() == 15.0
    assert smsc.on_time(15.0) == []
    assert [pdu[0] for pdu in pdus(smsc.data_to_send())] == [CommandId.UNBIND_RESP]
    assert smsc.closing


@pytest.mark.parametrize(
    ("command", "status", "body", "octets"),
    [
        (CommandId.SUBMIT_SM, 0x58, None, "00000010 80000004 00000058 00000007"),
        (CommandId.SUBMIT_SM, 0x58, MessageIdResp(""), "00000010 80000004 00000058 00000007"),
        (CommandId.SUBMIT_SM, 0, None, "00000011 80000004 00000000 00000007 00"),
        (CommandId.DELIVER_SM, 0, None, "00000011 80000005 00000000 00000007 00"),
        (CommandId.DELIVER_SM, 0x64, None, "00000011 80000005 00000064 00000007 00"),
        (CommandId.QUERY_SM, 0x67, None, "00000010 80000003 00000067 00000007"),
        (CommandId.QUERY_SM, 0x67, QuerySmResp("1"), "00000010 80000003 00000067 00000007"),
        (CommandId.CANCEL_SM, 0, None, "00000010 80000008 00000000 00000007"),
        (CommandId.REPLACE_SM, 0x13, None, "00000010 80000007 00000013 00000007"),
        (CommandId.DATA_SM, 0x64, None, "00000010 80000103 00000064 00000007"),
        (
            CommandId.DATA_SM,
            0xFE,
            MessageIdResp("", ((Tag.DELIVERY_FAILURE_REASON, b"\1"),)),
            "00000016 80000103 000000fe 00000007 00 0425 0001 01",
        ),
    ],
)
def test_answers_have_the_body_that_the_specification_gives(
    command: CommandId, status: int, body: Body | None, octets: str
) -> None:
    _, smsc = bound()
    assert smsc.respond(command, 7, status, body) == bytes.fromhex(octets)


def pdus(data: bytes) -> list[Pdu]:
    """The PDUs of a stream."""
    found = []
    while data:
        length = int.from_bytes(data[:4], "big")
        found.append(decode(data[:length]))
        data = data[length:]
    return found


def header(length: int, command_id: int, status: int, sequence: int) -> bytes:
    """The 16 octets of a header."""
    return b"".join(number.to_bytes(4, "big") for number in (length, command_id, status, sequence))
