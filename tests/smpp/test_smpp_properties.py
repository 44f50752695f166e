"""What holds for every PDU, every stream of octets and every way of cutting it."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from smpp_sessions import bound, in_state
from smpp_vectors import VECTORS

from motet.smpp import pdu as pdus
from motet.smpp.codec import decode, encode, encode_sm
from motet.smpp.constants import RESPONSE_BIT, CommandId, CommandStatus
from motet.smpp.layouts import LAYOUTS
from motet.smpp.pdu import Body, DestinationSme, DistributionList, Pdu, Sm, UnsuccessSme
from motet.smpp.session import RESPONSE_TIMEOUT, Event, Session, Side, State
from motet.smpp.window import Window

OCTET = st.integers(0, 255)
TIME = st.sampled_from(["", "261121221030000+", "000001000000000R"])
MOST_CHARACTERS = {
    "system_id": 15,
    "password": 8,
    "system_type": 12,
    "address_range": 40,
    "service_type": 5,
    "message_id": 64,
    "final_date": 16,
    "dl_name": 20,
}


def text(most: int) -> st.SearchStrategy[str]:
    return st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=most)


def field(make: type, name: str) -> st.SearchStrategy[object]:
    """Any legal value of a field."""
    if name == "tlvs":
        return st.lists(st.tuples(st.integers(0, 0xFFFF), st.binary(max_size=20)), max_size=3).map(tuple)
    if name in ("schedule_delivery_time", "validity_period"):
        return TIME
    if name == "short_message":
        return st.binary(max_size=254)
    if name == "destinations":
        sme = st.builds(DestinationSme, OCTET, OCTET, text(20))
        return st.lists(sme | st.builds(DistributionList, text(20)), min_size=1, max_size=254).map(tuple)
    if name == "unsuccess_sme":
        refused = st.builds(UnsuccessSme, OCTET, OCTET, text(20), st.integers(0, 0xFFFFFFFF))
        return st.lists(refused, max_size=20).map(tuple)
    if name in ("source_addr", "destination_addr", "esme_addr"):
        return text(64 if make in (pdus.DataSm, pdus.AlertNotification) else 20)
    if name in MOST_CHARACTERS:
        return text(MOST_CHARACTERS[name])
    return OCTET


def bodies(command: int) -> st.SearchStrategy[Body]:
    make = LAYOUTS[command].make
    assert isinstance(make, type)
    return st.builds(make, *(field(make, name) for name in make._fields))  # type: ignore[attr-defined]


def any_pdu() -> st.SearchStrategy[Pdu]:
    commands = st.sampled_from(sorted(LAYOUTS))
    numbers = st.integers(0, 0xFFFFFFFF)
    return commands.flatmap(lambda c: st.builds(Pdu, st.just(c), numbers, numbers, bodies(c)))


@given(any_pdu())
@settings(max_examples=400, deadline=None)
def test_every_pdu_decodes_to_what_was_encoded(pdu: Pdu) -> None:
    octets = encode(*pdu)
    assert int.from_bytes(octets[:4], "big") == len(octets)
    assert decode(octets) == pdu


@given(bodies(CommandId.SUBMIT_SM), st.integers(1, 0x7FFFFFFF))
@settings(max_examples=200, deadline=None)
def test_the_fast_encoder_of_submit_sm_agrees_with_the_table(sm: Sm, sequence: int) -> None:
    for command in (CommandId.SUBMIT_SM, CommandId.DELIVER_SM):
        assert encode_sm(command, sequence, sm) == encode(command, 0, sequence, sm)


def cuts(size: int) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(0, size), max_size=8).map(lambda at: [0, *sorted(at), size])


@given(st.lists(any_pdu(), max_size=6), st.sampled_from(Side), st.data())
@settings(max_examples=150, deadline=None)
def test_how_a_stream_is_cut_does_not_matter(stream: list[Pdu], side: Side, data: st.DataObject) -> None:
    octets = b"".join(encode(*pdu) for pdu in stream)
    whole, cut = in_state(side, State.BOUND_TRX), in_state(side, State.BOUND_TRX)
    for session in (whole, cut):
        for context in range(3):
            session.request(CommandId.ENQUIRE_LINK, pdus.Empty(), context, 0.0)
    events = whole.receive_data(octets, 1.0)
    pieces = [octets[start:end] for start, end in pairwise(data.draw(cuts(len(octets))))]
    assert [event for piece in pieces for event in cut.receive_data(piece, 1.0)] == events
    assert (cut.data_to_send(), cut.state, cut.in_flight) == (whole.data_to_send(), whole.state, whole.in_flight)


@given(st.lists(st.binary(max_size=80), max_size=5), st.sampled_from(Side), st.sampled_from(State))
@settings(max_examples=300, deadline=None)
def test_any_octets_give_events_or_a_clean_end(pieces: list[bytes], side: Side, state: State) -> None:
    survives(in_state(side, state), pieces)


@given(
    st.lists(st.sampled_from(list(VECTORS.values())), min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(0, 400), OCTET), max_size=6),
    st.sampled_from(["set", "insert", "delete"]),
    st.sampled_from(Side),
    st.sampled_from([State.OPEN, State.BOUND_TRX]),
)
@settings(max_examples=400, deadline=None)
def test_valid_pdus_with_wrong_octets_give_events_or_a_clean_end(
    stream: list[tuple[str, Pdu]], changes: list[tuple[int, int]], how: str, side: Side, state: State
) -> None:
    octets = bytearray(b"".join(bytes.fromhex(vector) for vector, _ in stream))
    for at, value in changes:
        position = at % max(len(octets), 1)
        if how == "insert":
            octets.insert(position, value)
        elif how == "delete":
            del octets[position : position + 1]
        elif octets:
            octets[position] = value
    session = in_state(side, state)
    if state is State.BOUND_TRX:
        command = CommandId.SUBMIT_SM if side is Side.ESME else CommandId.DELIVER_SM
        session.request(command, Sm(), "context", 0.0)
    survives(session, [bytes(octets)])


@given(any_pdu().filter(lambda pdu: not pdu.command_id & RESPONSE_BIT), st.data())
@settings(max_examples=300, deadline=None)
def test_a_broken_length_field_inside_a_pdu_never_reaches_into_the_next(pdu: Pdu, data: st.DataObject) -> None:
    """The PDU behind a damaged one is read as if the damage were not there."""
    esme, smsc = bound()
    octets = bytearray(encode(*pdu))
    if len(octets) > 16:
        octets[data.draw(st.integers(16, len(octets) - 1))] = data.draw(OCTET)
    marker = esme.request(CommandId.SUBMIT_SM, Sm(destination_addr="marker"), None, 0.0)
    events = smsc.receive_data(bytes(octets) + marker, 0.0)
    assert smsc.closing or events[-1].body == Sm(destination_addr="marker")


@given(st.lists(st.sampled_from(["take", "answer", "wrap"]), max_size=40))
def test_a_sequence_number_is_never_given_twice(steps: list[str]) -> None:
    window = Window()
    for step in steps:
        if step == "wrap":
            window._next = 0x7FFFFFFF
        elif step == "answer" and window.requests:
            del window.requests[min(window.requests)]
        else:
            sequence = window.take_sequence()
            assert sequence not in window.requests
            assert 1 <= sequence <= 0x7FFFFFFF
            window.requests[sequence] = (0, None, 0.0)


def survives(session: Session, pieces: list[bytes]) -> None:
    """Feed the pieces and see that everything that comes out is well formed and bounded."""
    for piece in pieces:
        for event in session.receive_data(piece, 1.0):
            assert isinstance(event, Event)
            assert event.command_id in set(CommandId)
            assert event.command_status >= RESPONSE_TIMEOUT - 2
        assert len(session._rest) <= 65_536 + len(piece)
    answers = session.data_to_send()
    while answers:
        length = int.from_bytes(answers[:4], "big")
        answer = decode(answers[:length])
        assert answer.command_id & RESPONSE_BIT
        assert answer.command_status in set(CommandStatus)
        answers = answers[length:]
    assert session.closing is (session.close_reason is not None)
    assert (session.next_deadline() is None) is session.closing
