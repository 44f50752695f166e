"""Whatever an ESME submits, the SMSC takes it or refuses it, and what it took can be stored and restored."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from motet.simulator import store as store_module
from motet.simulator.centre import SmsCentre
from motet.simulator.commands import COMMANDS
from motet.simulator.message_ids import MessageIdFormat
from motet.simulator.phones import Behaviour, directory, numbered_phones
from motet.simulator.store import Store
from motet.simulator.texts import RefusedError
from motet.smpp.constants import CommandId, Tag
from motet.smpp.pdu import CancelSm, DataSm, DestinationSme, DistributionList, QuerySm, ReplaceSm, Sm, SubmitMulti

NOW = 1_800_000_000.0
_PHONES = ("99900000001", "99900000002", "+99900000001")

_octet = st.integers(0, 255)
_latin = st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=20)
_service_type = st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=5)
_number = st.sampled_from(_PHONES) | _latin
_time = st.sampled_from(["", "000001000000000R", "000000000000000R", "261121221030000+", "991231235959948-"]) | _latin
_message = st.binary(max_size=254) | st.binary(max_size=100).map(lambda rest: b"\x05\x00\x03\x01\x02\x01" + rest)
_esm_class = st.sampled_from([0, 0x40, 0x03, 0x43]) | _octet
_tlvs = st.lists(
    st.tuples(
        st.sampled_from([Tag.SAR_MSG_REF_NUM, Tag.USER_MESSAGE_REFERENCE]).map(int), st.binary(min_size=2, max_size=2)
    )
    | st.tuples(st.sampled_from([Tag.SAR_TOTAL_SEGMENTS, Tag.SAR_SEGMENT_SEQNUM]).map(int), st.binary(max_size=2))
    | st.tuples(st.just(int(Tag.MESSAGE_PAYLOAD)), st.binary(max_size=500))
    | st.tuples(st.just(int(Tag.QOS_TIME_TO_LIVE)), st.binary(max_size=4)),
    max_size=4,
).map(tuple)
_message_id = st.sampled_from(["", "1000000001", "1000000002", "x"]) | _latin
_common = (_octet, _octet, _number)
_submits = st.tuples(
    _esm_class, _octet, _octet, _time, _time, _octet, st.integers(0, 1), _octet, _octet, _message, _tlvs
)
_destinations = st.lists(
    st.builds(DestinationSme, _octet, _octet, _number) | st.builds(DistributionList, _latin), max_size=4
).map(tuple)
_requests = st.one_of(
    st.tuples(
        st.just(CommandId.SUBMIT_SM),
        st.builds(lambda head, tail: Sm(*head, *tail), st.tuples(_service_type, *_common, *_common), _submits),
    ),
    st.tuples(
        st.just(CommandId.SUBMIT_MULTI),
        st.builds(
            lambda head, tail: SubmitMulti(*head, *tail), st.tuples(_service_type, *_common, _destinations), _submits
        ),
    ),
    st.tuples(
        st.just(CommandId.DATA_SM),
        st.builds(DataSm, _service_type, *_common, *_common, _esm_class, _octet, _octet, _tlvs),
    ),
    st.tuples(st.just(CommandId.QUERY_SM), st.builds(QuerySm, _message_id, *_common)),
    st.tuples(st.just(CommandId.CANCEL_SM), st.builds(CancelSm, _service_type, _message_id, *_common, *_common)),
    st.tuples(
        st.just(CommandId.REPLACE_SM),
        st.builds(ReplaceSm, _message_id, *_common, _time, _time, _octet, _octet, _message, _tlvs),
    ),
)
_behaviours = st.sampled_from(Behaviour)


@settings(deadline=None)
@given(st.lists(st.tuples(_requests, _behaviours, st.floats(0, 200_000)), max_size=12))
def test_any_requests_are_taken_or_refused(steps: list[tuple[tuple[CommandId, Any], Behaviour, float]]) -> None:
    store = Store(None)
    centre = SmsCentre(store, directory(numbered_phones(2)), MessageIdFormat.DEC)
    now = NOW
    for (command_id, body), behaviour, pause_s in steps:
        centre.set_behaviour(centre.phones[_PHONES[0]], behaviour, 10.0, "reply")
        with suppress(RefusedError):
            COMMANDS[command_id](centre, body, now)
        store.commit()
        now += pause_s
        centre.on_time(now)
    store.commit()
    again = SmsCentre(store, directory(numbered_phones(2)), MessageIdFormat.DEC)
    assert again.held.keys() == centre.held.keys()
    for key, text in centre.held.items():
        assert again.held[key].submission == text.submission
    for phone, known in zip(again.phones.values(), centre.phones.values(), strict=True):
        assert phone.inbox_rows == known.inbox_rows
        assert phone.part_sets.keys() == known.part_sets.keys()
    assert len(again.deliveries) == len(centre.deliveries)
    store.close()


def test_final_states_are_bounded(monkeypatch: Any) -> None:
    monkeypatch.setattr(store_module, "MAX_FINALS", 100)
    store = Store(None)
    for key in range(1, 1_001):
        store.finals.append((key, key, "7000", "1", 2, NOW, 0))
        if key % 50 == 0:
            store.commit()
    assert [row.message_number for row in store.finals_of(1_000, 1_000, 1_000)] == [1_000]
    assert store.finals_of(850, 850, 850) == []
    store.close()


def test_numbers_never_repeat(tmp_path: Path) -> None:
    given_out: list[int] = []
    for _ in range(3):
        store = Store(tmp_path)
        numbers = store.numbers("message", 1)
        given_out += [next(numbers) for _ in range(5)]
        store.close()
    assert given_out == sorted(set(given_out))
    assert given_out[0] == 1
