"""The simulated eUICCs: operations take time, fail, lose their confirmation, and are never done twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from motet.simulator.euiccs import CardBehaviour, CardSettings, Euiccs, OperationError
from motet.simulator.phones import PhoneIdentity

EID = "8" * 32
OLD, NEW = PhoneIdentity("99900000001", "001010000000001", "89"), PhoneIdentity("99900000002", "001010000000002", "88")
ENABLE = {"eid": EID, "operation": "ENABLE", "parameters": {"enables": NEW._asdict(), "disables": OLD._asdict()}}


class Phones:
    def __init__(self) -> None:
        self.seen: list[tuple[Any, ...]] = []

    def leave(self, identity: PhoneIdentity) -> None:
        self.seen.append(("left", identity.msisdn))

    def enter(self, identity: PhoneIdentity, *, attaches: bool, after: PhoneIdentity | None = None) -> None:
        assert after == OLD
        self.seen.append(("entered", identity.msisdn, attaches))


def made(directory: Path | None = None) -> tuple[Euiccs, Phones, list[tuple[Any, ...]]]:
    phones, told = Phones(), []
    return Euiccs(directory, phones, lambda *words: told.append(words)), phones, told


def test_an_operation_is_accepted_done_in_time_told_and_not_done_again() -> None:
    euiccs, phones, told = made()
    euiccs.change(EID, CardSettings(delay_s=5))
    assert euiccs.operate(7, ENABLE, 100.0).state == "accepted"
    assert euiccs.next_due() == 105
    assert euiccs.on_time(104.9) == 0
    assert euiccs.operate(7, ENABLE, 104.0).state == "accepted"
    assert euiccs.on_time(105) == 1
    assert (phones.seen, told) == ([("left", OLD.msisdn), ("entered", NEW.msisdn, True)], [(7, True, None)])
    assert euiccs.operate(7, ENABLE, 106.0).state == "done"
    assert (euiccs.on_time(1e9), euiccs.next_due()) == (0, None)


def test_cards_that_fail_lose_or_are_silent() -> None:
    euiccs, phones, told = made()
    euiccs.change(EID, CardSettings(CardBehaviour.FAIL))
    euiccs.operate(1, ENABLE, 0.0)
    euiccs.on_time(0.0)
    assert (phones.seen, told.pop()[:2], euiccs.operate(1, ENABLE, 0.0).state) == ([], (1, False), "refused")
    euiccs.change(EID, CardSettings(CardBehaviour.LOSE, attaches=False))
    euiccs.operate(2, ENABLE, 0.0)
    euiccs.on_time(0.0)
    assert (phones.seen[-1], told) == (("entered", NEW.msisdn, False), [])
    assert euiccs.operate(2, ENABLE, 0.0).state == "done"
    euiccs.change(EID, CardSettings(CardBehaviour.SILENT))
    euiccs.operate(3, ENABLE, 0.0)
    euiccs.on_time(1e9)
    assert (told, euiccs.operate(3, ENABLE, 0.0).state) == ([], "accepted")


def test_what_was_taken_survives(tmp_path: Path) -> None:
    euiccs, *_ = made(tmp_path)
    euiccs.change(EID, CardSettings(delay_s=5))
    euiccs.operate(1, ENABLE, 100.0)
    euiccs.close()
    euiccs, phones, told = made(tmp_path)
    assert euiccs.settings(EID).delay_s == 5
    euiccs.on_time(105.0)
    assert told == [(1, True, None)]
    euiccs.close()
    euiccs, phones, told = made(tmp_path)
    assert (euiccs.on_time(1e9), euiccs.operate(1, ENABLE, 200.0).state, phones.seen, told) == (0, "done", [], [])


def test_an_operation_that_a_crash_interrupts_is_done_and_told_again(tmp_path: Path) -> None:
    def crash() -> None:
        raise KeyboardInterrupt

    phones, told = Phones(), []
    euiccs = Euiccs(tmp_path, phones, lambda *words: told.append(words), crash)
    euiccs.operate(1, ENABLE, 100.0)
    with pytest.raises(KeyboardInterrupt):
        euiccs.on_time(100.0)
    euiccs.close()
    euiccs, phones, told = made(tmp_path)
    assert (euiccs.on_time(100.0), told, phones.seen[-1]) == (1, [(1, True, None)], ("entered", NEW.msisdn, True))


@pytest.mark.parametrize(
    "body",
    [
        {}, {"eid": EID}, {"eid": EID, "operation": "X"}, {"eid": 1, "operation": "ENABLE"},
        {"eid": EID, "operation": "ENABLE", "parameters": []},
        {"eid": EID, "operation": "ENABLE", "parameters": {"enables": {"msisdn": "1"}}},
        {"eid": EID, "operation": "ENABLE", "parameters": {"enables": {"msisdn": "x", "imsi": "1", "iccid": "1"}}},
    ],
)  # fmt: skip
def test_what_is_not_understood(body: dict[str, Any]) -> None:
    euiccs, *_ = made()
    with pytest.raises(OperationError):
        euiccs.operate(1, body, 0.0)
    for eid, settings in (("1", CardSettings()), (EID, CardSettings(delay_s=-1))):
        with pytest.raises(OperationError):
            euiccs.change(eid, settings)
