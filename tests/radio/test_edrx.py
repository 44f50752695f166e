"""eDRX cycles and paging time windows: TS 24.008 §10.5.5.32."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.radio.coding import RadioError, RadioErrorReason, Rounding
from motet.radio.edrx import (
    CYCLES_MS,
    EdrxMode,
    EncodedCycle,
    check_edrx,
    decode_cycle,
    decode_window,
    encode_cycle,
    encode_window,
    is_valid_cycle,
)

_WB, _NB, _IU, _EC = EdrxMode.WB_S1, EdrxMode.NB_S1, EdrxMode.UTRAN, EdrxMode.EC_GSM_IOT

_TABLE = """
0000  5.12      wb  -   10.24    1.88
0001  10.24     wb  -   20.48    3.76
0010  20.48     wb  nb  40.96    7.53
0011  40.96     wb  nb  81.92    12.24
0100  61.44     wb  -   163.84   24.48
0101  81.92     wb  nb  327.68   48.96
0110  102.40    wb  -   655.36   97.92
0111  122.88    wb  -   1310.72  195.84
1000  143.36    wb  -   1966.08  391.68
1001  163.84    wb  nb  2621.44  783.36
1010  327.68    wb  nb  -        1566.72
1011  655.36    wb  nb  -        3133.44
1100  1310.72   wb  nb  -        -
1101  2621.44   wb  nb  -        -
1110  5242.88   -   nb  -        -
1111  10485.76  -   nb  -        -
"""
"""Code, S1 seconds, whether LTE-M and NB-IoT have it, Iu seconds, A/Gb seconds (table 10.5.5.32)."""


def _ms(seconds: str) -> int:
    return round(float(seconds) * 1_000)


def _rows(mode: EdrxMode) -> dict[str, int]:
    rows: dict[str, int] = {}
    for line in _TABLE.strip().splitlines():
        code, s1, wb, nb, iu, a_gb = line.split()
        cell = {_WB: s1 if wb == "wb" else "-", _NB: s1 if nb == "nb" else "-", _IU: iu}.get(mode, a_gb)
        if cell != "-":
            rows[code] = _ms(cell)
    return rows


@pytest.mark.parametrize("mode", EdrxMode)
def test_the_whole_table_both_ways(mode: EdrxMode) -> None:
    rows = _rows(mode)
    for code in (f"{number:04b}" for number in range(16)):
        assert is_valid_cycle(mode, code) is (code in rows)
    for code, ms in rows.items():
        assert decode_cycle(mode, code) == ms
        assert encode_cycle(mode, ms) == EncodedCycle(ms, ms, code)


def test_a_gb_cycles_are_so_many_multiframes() -> None:
    multiframes = (8, 16, 32, *(52 * 2**power for power in range(9)))
    exact_ms = [count * 3_060 / 13 for count in multiframes]
    for ms, exact in zip(CYCLES_MS[EdrxMode.GSM].values(), exact_ms, strict=True):
        assert abs(ms - exact) < 10


@pytest.mark.parametrize(
    ("mode", "code", "read_as_ms"),
    [
        (_NB, "0000", None),
        (_NB, "0001", None),
        (_NB, "0100", 20_480),
        (_NB, "0110", 20_480),
        (_NB, "0111", 20_480),
        (_NB, "1000", 20_480),
        (_WB, "1110", 2_621_440),
        (_WB, "1111", 2_621_440),
        (_IU, "1010", 10_240),
        (_IU, "1111", 10_240),
        (_EC, "1100", 1_880),
    ],
)
def test_codes_of_another_mode_are_read_as_the_notes_say(mode: EdrxMode, code: str, read_as_ms: int | None) -> None:
    assert decode_cycle(mode, code) == read_as_ms
    assert not is_valid_cycle(mode, code)


def test_the_worked_example_is_for_lte_m_and_not_for_nb_iot() -> None:
    assert encode_cycle(_WB, 143_360).bits == "1000"
    with pytest.raises(RadioError, match=r"NB_S1 has no eDRX cycle of 143.36 s; WB_S1 would have") as raised:
        encode_cycle(_NB, 143_360)
    assert raised.value.reason is RadioErrorReason.INVALID_FOR_RAT


def test_the_longest_cycle_of_nb_iot_is_not_for_lte_m() -> None:
    with pytest.raises(RadioError, match=r"WB_S1 has no eDRX cycle of 10485.76 s; NB_S1 would have") as raised:
        encode_cycle(_WB, 10_485_760)
    assert raised.value.reason is RadioErrorReason.INVALID_FOR_RAT


@pytest.mark.parametrize(
    ("mode", "cycle_ms", "rounding", "expected"),
    [
        (_NB, 143_360, Rounding.UP, (163_840, "1001")),
        (_NB, 143_360, Rounding.DOWN, (81_920, "0101")),
        (_NB, 143_360, Rounding.NEAREST, (163_840, "1001")),
        (_WB, 60_000, Rounding.NEAREST, (61_440, "0100")),
        (_WB, 60_000, Rounding.DOWN, (40_960, "0011")),
        (_WB, 92_160, Rounding.NEAREST, (81_920, "0101")),
    ],
)
def test_rounding_a_cycle(mode: EdrxMode, cycle_ms: int, rounding: Rounding, expected: tuple[int, str]) -> None:
    assert encode_cycle(mode, cycle_ms, rounding) == EncodedCycle(cycle_ms, *expected)


@pytest.mark.parametrize("rounding", Rounding)
@pytest.mark.parametrize("cycle_ms", [0, 5_119, 10_485_761])
def test_a_cycle_out_of_range_is_never_rounded(cycle_ms: int, rounding: Rounding) -> None:
    with pytest.raises(RadioError) as raised:
        encode_cycle(_WB, cycle_ms, rounding)
    assert raised.value.reason is RadioErrorReason.OUT_OF_RANGE


def test_a_cycle_that_nobody_has() -> None:
    with pytest.raises(
        RadioError, match="60000 ms has no code; the nearest that have are 40960 and 61440 ms"
    ) as raised:
        encode_cycle(_WB, 60_000)
    assert raised.value.reason is RadioErrorReason.NOT_ENCODABLE


@pytest.mark.parametrize(
    ("mode", "bits", "window_ms"),
    [
        (_WB, "0000", 1_280),
        (_WB, "0011", 5_120),
        (_WB, "0111", 10_240),
        (_WB, "1111", 20_480),
        (_NB, "0000", 2_560),
        (_NB, "0111", 20_480),
        (_NB, "1111", 40_960),
        (_IU, "0000", 0),
        (_IU, "1010", 10_000),
        (_IU, "1011", 12_000),
        (_IU, "1111", 20_000),
    ],
)
def test_window_vectors_both_ways(mode: EdrxMode, bits: str, window_ms: int) -> None:
    assert decode_window(mode, bits) == window_ms
    assert encode_window(mode, window_ms) == EncodedCycle(window_ms, window_ms, bits)


@pytest.mark.parametrize("mode", [EdrxMode.EC_GSM_IOT, EdrxMode.GSM])
def test_a_gb_mode_has_no_window(mode: EdrxMode) -> None:
    with pytest.raises(RadioError, match="has no paging time window"):
        decode_window(mode, "0000")
    with pytest.raises(RadioError, match="has no paging time window"):
        encode_window(mode, 1_280)


@pytest.mark.parametrize("bits", ["", "00", "00000", "000a", "0x1f"])
def test_only_four_characters_of_0_and_1_are_read(bits: str) -> None:
    for read in (decode_cycle, decode_window, is_valid_cycle):
        with pytest.raises(RadioError, match="4 characters of 0 and 1") as raised:
            read(_WB, bits)
        assert raised.value.reason is RadioErrorReason.MALFORMED


def test_a_window_is_shorter_than_its_cycle() -> None:
    check_edrx(_WB, 143_360, 10_240)
    check_edrx(_WB, 5_120, None)
    check_edrx(_NB, 40_960, 38_400)
    with pytest.raises(RadioError, match=r"of 40.96 s is not shorter than the eDRX cycle of 40.96 s") as raised:
        check_edrx(_NB, 40_960, 40_960)
    assert raised.value.reason is RadioErrorReason.CONFLICTING
    with pytest.raises(RadioError, match=r"5.12 s has no paging time window"):
        check_edrx(_WB, 5_120, 1_280)
    with pytest.raises(RadioError, match="has no eDRX cycle"):
        check_edrx(_NB, 5_120, None)
    with pytest.raises(RadioError, match="has no code"):
        check_edrx(_NB, 40_960, 3_000)


@given(st.sampled_from(EdrxMode), st.integers(10_240, 2_621_440))
def test_rounding_brackets_the_cycle(mode: EdrxMode, cycle_ms: int) -> None:
    cycle_ms = max(cycle_ms, min(CYCLES_MS[mode].values()))
    down = encode_cycle(mode, cycle_ms, Rounding.DOWN)
    up = encode_cycle(mode, cycle_ms, Rounding.UP)
    nearest = encode_cycle(mode, cycle_ms, Rounding.NEAREST)
    assert down.encoded_ms <= cycle_ms <= up.encoded_ms
    assert nearest.encoded_ms in (down.encoded_ms, up.encoded_ms)
    for encoded in (down, up, nearest):
        assert decode_cycle(mode, encoded.bits) == encoded.encoded_ms
