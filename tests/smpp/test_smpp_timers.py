"""The session's timers, moved by hand."""

from smpp_sessions import bound

from motet.smpp.codec import decode, encode
from motet.smpp.constants import CommandId
from motet.smpp.pdu import Bind, Empty, Sm
from motet.smpp.session import RESPONSE_TIMEOUT, Event, Limits, Session, Side, State


def test_a_peer_that_does_not_bind_in_time_is_closed() -> None:
    smsc = Session(Side.SMSC, now=100.0)
    assert smsc.next_deadline() == 130.0
    assert smsc.on_time(129.9) == []
    assert not smsc.closing
    smsc.on_time(130.0)
    assert (smsc.closing, smsc.close_reason, smsc.next_deadline()) == (True, "no bind in time", None)


def test_trying_to_bind_does_not_stop_the_session_init_timer() -> None:
    smsc = Session(Side.SMSC, now=0.0)
    for second in range(29):
        (event,) = smsc.receive_data(encode(CommandId.BIND_RECEIVER, 0, second, Bind()), float(second))
        smsc.refuse_bind(event, 0x0E)
    assert smsc.next_deadline() == 30.0


def test_a_silent_peer_is_asked_and_then_closed() -> None:
    esme, smsc = bound(limits=Limits(enquire_link_s=20.0, response_s=5.0))
    assert smsc.next_deadline() == 20.0
    smsc.on_time(19.0)
    assert smsc.data_to_send() == b""
    smsc.on_time(20.0)
    enquire = smsc.data_to_send()
    assert decode(enquire).command_id == CommandId.ENQUIRE_LINK
    assert (smsc.in_flight, smsc.next_deadline()) == (0, 25.0)
    smsc.on_time(25.0)
    assert (smsc.closing, smsc.close_reason) == (True, "enquire_link without response")

    assert esme.receive_data(enquire, 20.0) == []
    assert decode(esme.data_to_send())[:3] == (CommandId.ENQUIRE_LINK_RESP, 0, decode(enquire).sequence_number)


def test_an_answered_enquire_link_starts_the_silence_anew() -> None:
    esme, smsc = bound(limits=Limits(enquire_link_s=20.0, response_s=5.0))
    smsc.on_time(20.0)
    esme.receive_data(smsc.data_to_send(), 21.0)
    assert smsc.receive_data(esme.data_to_send(), 22.0) == []
    assert (smsc.next_deadline(), smsc.stray_responses) == (42.0, 0)
    smsc.on_time(41.0)
    assert (smsc.closing, smsc.data_to_send()) == (False, b"")


def test_a_nacked_enquire_link_or_any_other_pdu_shows_life() -> None:
    for life in (encode(CommandId.SUBMIT_SM, 0, 9, Sm()), encode(CommandId.GENERIC_NACK, 3, 1, Empty())):
        _, smsc = bound(limits=Limits(enquire_link_s=20.0, response_s=5.0))
        smsc.on_time(20.0)
        assert decode(smsc.data_to_send()).sequence_number == 1
        smsc.receive_data(life, 21.0)
        smsc.on_time(25.0)
        assert (smsc.closing, smsc.stray_responses) == (False, 0)
        assert smsc.next_deadline() == 41.0


def test_a_request_without_response_comes_back_once() -> None:
    esme, smsc = bound(limits=Limits(response_s=10.0, enquire_link_s=None))
    (event,) = smsc.receive_data(esme.request(CommandId.SUBMIT_SM, Sm(), "first", 1.0), 1.0)
    esme.request(CommandId.SUBMIT_SM, Sm(), "second", 2.0)
    assert esme.next_deadline() == 11.0
    assert esme.on_time(11.0) == [Event(CommandId.SUBMIT_SM_RESP, RESPONSE_TIMEOUT, 2, Empty(), "first")]
    assert esme.next_deadline() == 12.0
    assert esme.receive_data(smsc.respond(CommandId.SUBMIT_SM, event.sequence_number, 0), 11.5) == []
    assert esme.stray_responses == 1
    assert [late.context for late in esme.on_time(60.0)] == ["second"]
    assert (esme.next_deadline(), esme.closing) == (None, False)


def test_a_bind_or_unbind_without_response_ends_the_session() -> None:
    esme = Session(Side.ESME, now=0.0, limits=Limits(response_s=5.0))
    esme.request(CommandId.BIND_TRANSMITTER, Bind(), "bind", 0.0)
    assert [event.context for event in esme.on_time(5.0)] == ["bind"]
    assert (esme.closing, esme.close_reason) == (True, "no response to bind_transmitter")
    esme, _ = bound(limits=Limits(response_s=5.0))
    esme.request(CommandId.UNBIND, Empty(), "unbind", 0.0)
    assert [event.context for event in esme.on_time(5.0)] == ["unbind"]
    assert (esme.closing, esme.close_reason) == (True, "no response to unbind")


def test_an_inactive_session_unbinds() -> None:
    limits = Limits(inactivity_s=60.0, enquire_link_s=50.0, response_s=5.0)
    esme, smsc = bound(limits=limits)
    smsc.on_time(50.0)
    esme.receive_data(smsc.data_to_send(), 50.0)
    smsc.receive_data(esme.data_to_send(), 50.0)  # enquire_link is no activity
    assert smsc.next_deadline() == 60.0
    assert smsc.on_time(60.0) == []
    assert smsc.state is State.UNBINDING
    (unbind,) = esme.receive_data(smsc.data_to_send(), 60.0)
    assert unbind.command_id == CommandId.UNBIND
    assert smsc.receive_data(esme.data_to_send(), 60.0) == []
    assert (smsc.closing, smsc.close_reason) == (True, "unbound")


def test_an_inactive_session_whose_unbind_is_not_answered_closes_without_an_event() -> None:
    _, smsc = bound(limits=Limits(inactivity_s=60.0, enquire_link_s=None, response_s=5.0))
    smsc.on_time(60.0)
    assert smsc.next_deadline() == 65.0
    assert smsc.on_time(65.0) == []
    assert smsc.closing


def test_timers_can_be_off() -> None:
    off = Limits(session_init_s=None, enquire_link_s=None)
    assert Session(Side.SMSC, now=0.0, limits=off).next_deadline() is None
    _, smsc = bound(limits=off)
    assert smsc.next_deadline() is None
    assert smsc.on_time(1e9) == []
    assert smsc.data_to_send() == b""


def test_each_deadline_moves_on_once_served() -> None:
    esme, smsc = bound(limits=Limits(inactivity_s=300.0))
    for session in (esme, smsc):
        seen = []
        while (deadline := session.next_deadline()) is not None:
            seen.append(deadline)
            session.on_time(deadline)
        assert seen == sorted(set(seen))
        assert session.closing
