"""Activation codes: SGP.22 §4.1's own examples, round trips, and the life of a profile behind one."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.domain.activation_code import (
    CODE_MOVES,
    ActivationCode,
    CodeState,
    CodeStep,
    check_confirmation_code,
    next_state,
    parse_activation_code,
)
from motet.domain.errors import DeniedError, InvalidError

SMDP, TOKEN, OID = "SMDP.GSMA.COM", "04386-AGYFT-A74Y8-3F815", "1.3.6.1.4.1.31746"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (f"1${SMDP}${TOKEN}", ActivationCode(SMDP, TOKEN)),
        (f"1${SMDP}${TOKEN}$$1", ActivationCode(SMDP, TOKEN, None, True)),
        (f"1${SMDP}${TOKEN}${OID}$1", ActivationCode(SMDP, TOKEN, OID, True)),
        (f"1${SMDP}${TOKEN}${OID}", ActivationCode(SMDP, TOKEN, OID)),
        (f"1${SMDP}$", ActivationCode(SMDP, "")),
    ],
)
def test_the_examples_of_sgp_22(text: str, code: ActivationCode) -> None:
    assert parse_activation_code("LPA:" + text) == code
    assert parse_activation_code(f" lpa:{text} ") == code
    assert parse_activation_code(text) == code
    assert code.text() == "LPA:" + text


def test_fields_of_later_versions_are_dropped() -> None:
    assert parse_activation_code(f"LPA:1${SMDP}${TOKEN}$$$C0FFEE$1") == ActivationCode(SMDP, TOKEN)


@pytest.mark.parametrize(
    "text",
    [
        "", "LPA:", "1", f"1${SMDP}", f"2${SMDP}${TOKEN}", f"1$localhost${TOKEN}", f"1$smdp..com${TOKEN}",
        f"1$-x.com${TOKEN}", f"1$10.0.0.1${TOKEN}", f"1${SMDP}$lower", f"1${SMDP}$A B", f"1${SMDP}${TOKEN}$9.1",
        f"1${SMDP}${TOKEN}$1", f"1${SMDP}${TOKEN}$$2", f"1${SMDP}$" + "A" * 101, "LPA:1$" + "a" * 300, "\0",
    ],
)  # fmt: skip
def test_what_is_no_activation_code(text: str) -> None:
    with pytest.raises(InvalidError) as raised:
        parse_activation_code(text, ("code",))
    assert raised.value.path == ("code",)


CODES = st.builds(
    ActivationCode,
    st.lists(st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True), min_size=1, max_size=3).map(
        lambda labels: ".".join([*labels, "example"])
    ),
    st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-", max_size=40),
    st.none()
    | st.lists(st.integers(0, 99_999), min_size=1, max_size=8).map(lambda arcs: ".".join(["1", *map(str, arcs)])),
    st.booleans(),
)


@given(CODES)
def test_what_is_written_is_read_again(code: ActivationCode) -> None:
    assert parse_activation_code(code.checked().text()) == code


@given(st.text(alphabet=st.characters(), max_size=60) | st.text("1$LPA:.aA", max_size=40))
def test_any_text_is_a_code_or_refused(text: str) -> None:
    try:
        code = parse_activation_code(text)
    except InvalidError:
        return
    assert parse_activation_code(code.text()) == code


@pytest.mark.parametrize("typed", ["1234", "0aZ9", "a" * 16])
def test_confirmation_codes(typed: str) -> None:
    assert check_confirmation_code(typed) == typed


@pytest.mark.parametrize("typed", ["", "123", "a" * 17, "12 34", "１２３４"])
def test_what_is_no_confirmation_code(typed: str) -> None:
    with pytest.raises(InvalidError):
        check_confirmation_code(typed)


def test_the_table_knows_every_step_in_every_state() -> None:
    assert set(CODE_MOVES) == set(itertools.product(CodeState, CodeStep))


def test_a_profile_is_downloaded_once_and_what_is_over_stays_over() -> None:
    for state in CodeState:
        if state is CodeState.ISSUED:
            assert next_state(state, CodeStep.DOWNLOAD) is CodeState.DOWNLOADED
        else:
            with pytest.raises(DeniedError):
                next_state(state, CodeStep.DOWNLOAD)
    for state, step in itertools.product((CodeState.DELETED, CodeState.EXPIRED), CodeStep):
        after = CODE_MOVES[state, step]
        assert isinstance(after, str) or after is state


def test_a_phones_use_of_a_profile() -> None:
    state = CodeState.ISSUED
    seen = []
    for step in (
        CodeStep.DOWNLOAD, CodeStep.INSTALL, CodeStep.ENABLE, CodeStep.DISABLE, CodeStep.ENABLE, CodeStep.EXPIRE,
        CodeStep.DELETE,
    ):  # fmt: skip
        state = next_state(state, step)
        seen.append(state.name)
    assert seen == ["DOWNLOADED", "INSTALLED", "ENABLED", "INSTALLED", "ENABLED", "ENABLED", "DELETED"]
