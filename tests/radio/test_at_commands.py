"""AT commands about power saving, built and read: TS 27.007."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.radio.at_commands import (
    EdrxReport,
    EdrxSetting,
    EdrxSwitch,
    PsmMode,
    PsmSetting,
    Registration,
    build_cedrxp,
    build_cedrxs,
    build_cereg,
    build_cereg_command,
    build_cpsms,
    edrx_setting,
    parse_cedrxs,
    parse_cereg,
    parse_cpsms,
    parse_edrx_report,
    psm_setting,
)
from motet.radio.coding import RadioError, RadioErrorReason, Rounding
from motet.radio.edrx import EdrxMode
from motet.radio.rats import EDRX_MODE_OF_RAT, RAT_OF_GTP, Rat

_EXAMPLE = PsmSetting(PsmMode.ON, periodic_tau="01001110", active_time="00000101")


def _octets() -> st.SearchStrategy[str | None]:
    return st.none() | st.integers(0, 255).map(lambda octet: f"{octet:08b}")


def _nibbles() -> st.SearchStrategy[str | None]:
    return st.none() | st.integers(0, 15).map(lambda nibble: f"{nibble:04b}")


def _numbers(most: int) -> st.SearchStrategy[int | None]:
    return st.none() | st.integers(0, most)


def test_asking_for_140_hours_and_10_seconds() -> None:
    assert psm_setting(140 * 3_600, 10) == _EXAMPLE
    assert build_cpsms(_EXAMPLE) == 'AT+CPSMS=1,,,"01001110","00000101"'


@pytest.mark.parametrize(
    "line",
    [
        'AT+CPSMS=1,,,"01001110","00000101"',
        "AT+CPSMS=1,,,01001110,00000101",
        'at+cpsms = 1, , , "01001110" , "00000101"\r\n',
        "AT+CPSMS=[1,,,“01001110”,“00000101”]",
        '+CPSMS: 1,,,"01001110","00000101"',
        "+CPSMS:1,,,'01001110','00000101'",
    ],
)
def test_a_psm_setting_is_read_in_every_spelling(line: str) -> None:
    assert parse_cpsms(line) == _EXAMPLE


@pytest.mark.parametrize(
    ("setting", "line"),
    [
        (PsmSetting(PsmMode.OFF), "AT+CPSMS=0"),
        (PsmSetting(PsmMode.RESET), "AT+CPSMS=2"),
        (PsmSetting(PsmMode.ON), "AT+CPSMS=1"),
        (PsmSetting(PsmMode.ON, active_time="00100001"), 'AT+CPSMS=1,,,,"00100001"'),
        (
            PsmSetting(PsmMode.ON, "00000110", "01000010", "01001110", "00000101"),
            'AT+CPSMS=1,"00000110","01000010","01001110","00000101"',
        ),
    ],
)
def test_psm_settings_both_ways(setting: PsmSetting, line: str) -> None:
    assert build_cpsms(setting) == line
    assert parse_cpsms(line) == setting


def test_an_empty_psm_command_switches_off() -> None:
    assert parse_cpsms("AT+CPSMS=") == PsmSetting(PsmMode.OFF)


def test_times_that_do_not_fit_are_not_asked_for() -> None:
    with pytest.raises(RadioError, match="has no code"):
        psm_setting(72 * 3_600, 10)
    assert psm_setting(72 * 3_600, 10, Rounding.UP).periodic_tau == "01001000"
    with pytest.raises(RadioError, match="leaves no sleep"):
        psm_setting(60, 60)


@pytest.mark.parametrize(
    ("setting", "line"),
    [
        (EdrxSetting(EdrxSwitch.ON, EdrxMode.WB_S1, "1000"), 'AT+CEDRXS=1,4,"1000"'),
        (EdrxSetting(EdrxSwitch.ON_WITH_REPORTS, EdrxMode.NB_S1, "1001"), 'AT+CEDRXS=2,5,"1001"'),
        (EdrxSetting(EdrxSwitch.OFF, EdrxMode.NB_S1), "AT+CEDRXS=0,5"),
        (EdrxSetting(EdrxSwitch.OFF), "AT+CEDRXS=0"),
        (EdrxSetting(EdrxSwitch.RESET), "AT+CEDRXS=3"),
    ],
)
def test_edrx_settings_both_ways(setting: EdrxSetting, line: str) -> None:
    assert build_cedrxs(setting) == line
    assert parse_cedrxs(line) == setting


def test_asking_for_a_cycle() -> None:
    assert build_cedrxs(edrx_setting(EdrxMode.WB_S1, 143_360)) == 'AT+CEDRXS=1,4,"1000"'
    assert build_cedrxs(edrx_setting(EdrxMode.NB_S1, 143_360, Rounding.UP, reports=True)) == 'AT+CEDRXS=2,5,"1001"'
    with pytest.raises(RadioError) as raised:
        edrx_setting(EdrxMode.NB_S1, 143_360)
    assert raised.value.reason is RadioErrorReason.INVALID_FOR_RAT


@pytest.mark.parametrize(
    ("line", "report"),
    [
        ('+CEDRXS: 4,"1000"', EdrxReport(EdrxMode.WB_S1, "1000")),
        ('+CEDRXP: 4,"1000","1000","0111"', EdrxReport(EdrxMode.WB_S1, "1000", "1000", "0111")),
        ('+CEDRXRDP: 5,"1001","1010","0011"', EdrxReport(EdrxMode.NB_S1, "1001", "1010", "0011")),
        ("+CEDRXRDP: 0", EdrxReport(None)),
        ('+CEDRXP: 0,"1000"', EdrxReport(None, "1000")),
        ('+CEDRXS: [4,"1000","1000","0111"]', EdrxReport(EdrxMode.WB_S1, "1000", "1000", "0111")),
        ('+cedrxp:4,"1000",,"0111"', EdrxReport(EdrxMode.WB_S1, "1000", None, "0111")),
    ],
)
def test_edrx_reports_are_read(line: str, report: EdrxReport) -> None:
    assert parse_edrx_report(line) == report


def test_an_edrx_report_is_built() -> None:
    report = EdrxReport(EdrxMode.WB_S1, "1000", "1000", "0111")
    assert build_cedrxp(report) == '+CEDRXP: 4,"1000","1000","0111"'
    assert build_cedrxp(EdrxReport(None)) == "+CEDRXP: 0"


@pytest.mark.parametrize(
    ("line", "registration"),
    [
        ("+CEREG: 5,1", Registration(1, n=5)),
        ("+CEREG: 1", Registration(1)),
        ("+CEREG: 2,,,", Registration(2)),
        (
            '+CEREG: 1,"002F","0012BEEF",7',
            Registration(1, tac="002F", ci="0012BEEF", act=7),
        ),
        (
            '+CEREG: 5,1,"002F","0012BEEF",9,,,"00000101","01001110"',
            Registration(1, 5, "002F", "0012BEEF", 9, None, None, "00000101", "01001110"),
        ),
        (
            '+CEREG: 5,"002F","0012BEEF",9,,,"00100001","00000110"',
            Registration(5, None, "002F", "0012BEEF", 9, None, None, "00100001", "00000110"),
        ),
        (
            "+CEREG: 1,002f,0012beef,7,,,11100000,11100000",
            Registration(1, None, "002F", "0012BEEF", 7, None, None, "11100000", "11100000"),
        ),
        ("+CEREG: 4,3,,,,0,15", Registration(3, n=4, cause_type=0, reject_cause=15)),
        ("+CEREG: 90", Registration(90)),
    ],
)
def test_registrations_are_read_as_answer_and_as_report(line: str, registration: Registration) -> None:
    assert parse_cereg(line) == registration


def test_the_grants_are_in_the_registration() -> None:
    granted = parse_cereg('+CEREG: 5,"002F","0012BEEF",9,,,"00100001","00000110"')
    assert (granted.is_registered, granted.rat, granted.active_s, granted.tau_s) == (True, Rat.NB_IOT, 60, 3_600)
    refused = parse_cereg('+CEREG: 1,"002F","0012BEEF",7,,,"11100000","11100000"')
    assert (refused.is_registered, refused.rat, refused.active_s, refused.tau_s) == (True, Rat.LTE, None, None)
    silent = parse_cereg("+CEREG: 5,2")
    assert (silent.is_registered, silent.rat, silent.active_s, silent.tau_s) == (False, None, None, None)
    assert parse_cereg('+CEREG: 1,"01","02",99').rat is None


def test_registrations_are_built() -> None:
    registration = Registration(1, 5, "002F", "0012BEEF", 9, None, None, "00000101", "01001110")
    assert build_cereg(registration) == '+CEREG: 5,1,"002F","0012BEEF",9,,,"00000101","01001110"'
    assert build_cereg(Registration(2)) == "+CEREG: 2"
    assert build_cereg_command(5) == "AT+CEREG=5"
    for n in (-1, 6):
        with pytest.raises(RadioError, match="takes 0 to 5"):
            build_cereg_command(n)


_READERS = (parse_cpsms, parse_cedrxs, parse_edrx_report, parse_cereg)


@pytest.mark.parametrize(
    ("read", "line", "message"),
    [
        (parse_cpsms, "", "This should be +CPSMS, not ''."),
        (parse_cpsms, "AT+CPSMS?", "This should be +CPSMS, not 'AT+CPSMS?'."),
        (parse_cpsms, "OK", "This should be +CPSMS, not 'OK'."),
        (parse_cpsms, "AT+CPSMS=3", "This should be one of 0, 1, 2, not '3'."),
        (parse_cpsms, "AT+CPSMS=1,,,0100111,", "This needs 8 characters of 0 and 1, not '0100111'."),
        (parse_cpsms, "AT+CPSMS=1,,,,,", "+CPSMS has at most 5 fields, this has 6."),
        (parse_cpsms, "AT+CPSMS=" + "1" * 250, "A line of 259 characters is no AT command of ours."),
        (parse_cedrxs, '+CEDRXS: 4,"1000"', "This should be an AT+CEDRXS= command, not '+CEDRXS: 4,\"1000\"'."),
        (parse_cedrxs, "AT+CEDRXS=1,6", "This should be one of 1, 2, 3, 4, 5, not '6'."),
        (parse_cedrxs, "AT+CEDRXS=x", "This should be a number, not 'X'."),
        (parse_cedrxs, "AT+CPSMS=1", "This should be +CEDRXS, not 'AT+CPSMS=1'."),
        (parse_edrx_report, "AT+CEDRXS=1,4", "This should be a report of eDRX, not 'AT+CEDRXS=1,4'."),
        (parse_edrx_report, '+CEDRXP: 4,"100"', "This needs 4 characters of 0 and 1, not '100'."),
        (parse_cereg, "AT+CEREG=5", "This should be a report of the registration, not 'AT+CEREG=5'."),
        (parse_cereg, "+CEREG:", "This should be a report of the registration, not '+CEREG:'."),
        (parse_cereg, '+CEREG: 1,"00ZZ"', "This should be a hexadecimal number, not '00ZZ'."),
        (parse_cereg, "+CEREG: 123456", "This should be a number, not '123456'."),
        (parse_cereg, "+CEREG: ²", "This should be a number, not '\\xb2'."),
    ],
)
def test_what_is_no_such_line_is_refused(read: object, line: str, message: str) -> None:
    assert callable(read)
    with pytest.raises(RadioError) as raised:
        read(line)
    assert (raised.value.message, raised.value.reason) == (message, RadioErrorReason.MALFORMED)


@given(st.text(max_size=60) | st.text('AT+CPSMSEDRXG=:,01"[] 2459abc²', max_size=60).map(lambda rest: "+CEREG:" + rest))
def test_any_line_is_read_or_refused(line: str) -> None:
    for read in _READERS:
        with suppress(RadioError):
            read(line)


@given(st.builds(PsmSetting, st.sampled_from(PsmMode), _octets(), _octets(), _octets(), _octets()))
def test_any_psm_setting_comes_back(setting: PsmSetting) -> None:
    assert parse_cpsms(build_cpsms(setting)) == setting


@given(st.builds(EdrxSetting, st.sampled_from(EdrxSwitch), st.none() | st.sampled_from(EdrxMode), _nibbles()))
def test_any_edrx_setting_comes_back(setting: EdrxSetting) -> None:
    assert parse_cedrxs(build_cedrxs(setting)) == setting


@given(st.builds(EdrxReport, st.none() | st.sampled_from(EdrxMode), _nibbles(), _nibbles(), _nibbles()))
def test_any_edrx_report_comes_back(report: EdrxReport) -> None:
    assert parse_edrx_report(build_cedrxp(report)) == report


@given(
    st.builds(
        Registration,
        st.integers(0, 10),
        _numbers(5),
        st.none() | st.integers(0, 0xFFFF).map("{:04X}".format),
        st.none() | st.integers(0, 0xFFFFFFF).map("{:08X}".format),
        _numbers(13),
        _numbers(1),
        _numbers(255),
        _octets(),
        _octets(),
    )
)
def test_any_registration_comes_back(registration: Registration) -> None:
    assert parse_cereg(build_cereg(registration)) == registration


def test_the_numbers_of_other_specifications() -> None:
    assert RAT_OF_GTP == {1: Rat.UMTS, 2: Rat.GSM, 6: Rat.LTE, 8: Rat.NB_IOT, 9: Rat.LTE_M, 10: Rat.NR}
    assert set(EDRX_MODE_OF_RAT) == set(Rat) - {Rat.NR}
    assert EDRX_MODE_OF_RAT[Rat.LTE_M] is EdrxMode.WB_S1
