"""The tables between the hub's words and SMPP are whole."""

import pytest

from motet.domain.errors import DOMAIN_ERRORS
from motet.domain.refusals import Refusal
from motet.domain.states import MessageState
from motet.hub.ports import Verdict
from motet.links.statuses import ERROR_STATUS, FINAL_STATE, REFUSAL_STATUS, WIRE_STATE, name_of, verdict_of
from motet.smpp.constants import CommandStatus
from motet.smpp.constants import MessageState as WireState


def test_every_refusal_has_a_status() -> None:
    assert set(REFUSAL_STATUS) == set(Refusal)
    assert CommandStatus.ESME_ROK not in REFUSAL_STATUS.values()


def test_the_statuses_of_the_contract() -> None:
    assert REFUSAL_STATUS[Refusal.UNKNOWN_DESTINATION] == CommandStatus.ESME_RINVDSTADR
    assert REFUSAL_STATUS[Refusal.THROTTLED] == CommandStatus.ESME_RTHROTTLED
    assert REFUSAL_STATUS[Refusal.QUEUE_FULL] == CommandStatus.ESME_RMSGQFUL
    for refusal in (Refusal.NO_DEVICE, Refusal.DEVICE_DISABLED, Refusal.SIM_NOT_ACTIVE):
        assert REFUSAL_STATUS[refusal] == CommandStatus.ESME_RSUBMITFAIL
        assert refusal.makes_event


def test_every_domain_error_has_a_status() -> None:
    assert set(ERROR_STATUS) == set(DOMAIN_ERRORS)


@pytest.mark.parametrize("refusal", Refusal)
def test_every_refusal_is_a_domain_error(refusal: Refusal) -> None:
    error = refusal.to_error()
    assert type(error) in DOMAIN_ERRORS
    assert error.message == refusal.words
    assert error.path == ((refusal.field,) if refusal.field else ())


def test_every_state_has_its_wire_state_and_back() -> None:
    assert set(WIRE_STATE) == set(MessageState)
    assert set(FINAL_STATE) == set(WireState) - {WireState.ENROUTE, WireState.ACCEPTED}
    for wire, state in FINAL_STATE.items():
        assert WIRE_STATE[state] == wire


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (CommandStatus.ESME_ROK, Verdict.TAKEN),
        (CommandStatus.ESME_RTHROTTLED, Verdict.BUSY),
        (CommandStatus.ESME_RMSGQFUL, Verdict.BUSY),
        (CommandStatus.ESME_RSYSERR, Verdict.TRY_LATER),
        (CommandStatus.ESME_RINVDSTADR, Verdict.REFUSED),
        (0x0400, Verdict.REFUSED),
    ],
)
def test_what_an_answer_means(status: int, verdict: Verdict) -> None:
    assert verdict_of(status) is verdict


def test_names() -> None:
    assert name_of(0x58) == "ESME_RTHROTTLED"
    assert name_of(0x0400) == "0x00000400"
