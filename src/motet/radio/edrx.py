"""Extended discontinuous reception: cycle and paging time window as bits, both ways (TS 24.008 §10.5.5.32)."""

from enum import IntEnum
from typing import Final, NamedTuple

from motet.radio.coding import RadioError, RadioErrorReason, Rounding, bits_of, number_of, rounded


class EdrxMode(IntEnum):
    """What a device camps on, as the `<AcT-type>` of AT+CEDRXS counts it (TS 27.007 §7.40)."""

    EC_GSM_IOT = 1
    GSM = 2
    """A/Gb mode, as EC-GSM-IoT."""
    UTRAN = 3
    """Iu mode."""
    WB_S1 = 4
    """E-UTRAN: LTE and LTE-M."""
    NB_S1 = 5
    """NB-IoT."""


_S1_MS: Final = (
    *(5_120, 10_240, 20_480, 40_960, 61_440, 81_920, 102_400, 122_880),
    *(143_360, 163_840, 327_680, 655_360, 1_310_720, 2_621_440, 5_242_880, 10_485_760),
)
_ONLY_WB_S1: Final = frozenset((0b0000, 0b0001, 0b0100, 0b0110, 0b0111, 0b1000))
_ONLY_NB_S1: Final = frozenset((0b1110, 0b1111))
_IU_MS: Final = (10_240, 20_480, 40_960, 81_920, 163_840, 327_680, 655_360, 1_310_720, 1_966_080, 2_621_440)
_A_GB_MS: Final = (1_880, 3_760, 7_530, 12_240, 24_480, 48_960, 97_920, 195_840, 391_680, 783_360, 1_566_720, 3_133_440)
"""8, 16, 32, 52, 104 ... 13,312 multiframes of 51 TDMA frames (3,060/13 ms each), as the table rounds them."""

CYCLES_MS: Final[dict[EdrxMode, dict[int, int]]] = {
    EdrxMode.EC_GSM_IOT: dict(enumerate(_A_GB_MS)),
    EdrxMode.GSM: dict(enumerate(_A_GB_MS)),
    EdrxMode.UTRAN: dict(enumerate(_IU_MS)),
    EdrxMode.WB_S1: {code: ms for code, ms in enumerate(_S1_MS) if code not in _ONLY_NB_S1},
    EdrxMode.NB_S1: {code: ms for code, ms in enumerate(_S1_MS) if code not in _ONLY_WB_S1},
}
"""The codes that may be asked for, and the cycle of each in milliseconds (TS 24.008 table 10.5.5.32)."""

_IU_WINDOWS_MS: Final = tuple(1_000 * s for s in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 18, 20))

WINDOWS_MS: Final[dict[EdrxMode, tuple[int, ...]]] = {
    EdrxMode.UTRAN: _IU_WINDOWS_MS,
    EdrxMode.WB_S1: tuple(1_280 * (code + 1) for code in range(16)),
    EdrxMode.NB_S1: tuple(2_560 * (code + 1) for code in range(16)),
}
"""The paging time window of each code in milliseconds (same table, bits 8 to 5); A/Gb mode has none."""

SHORTEST_CYCLE_MS: Final = _S1_MS[0]
"""A cycle of 5.12 s follows the ordinary paging of the cell and has no window (TS 36.304 §7.3)."""

_RESERVED_MEANS: Final = 0b0000


class EncodedCycle(NamedTuple):
    """A cycle or a window as 4 characters of 0 and 1, what was asked for, and what the bits say, in milliseconds."""

    requested_ms: int
    encoded_ms: int
    bits: str


def encode_cycle(mode: EdrxMode, cycle_ms: int, rounding: Rounding = Rounding.ERROR) -> EncodedCycle:
    """The bits for an eDRX cycle. Raises RadioError: INVALID_FOR_RAT if another mode has it but this one does not,
    OUT_OF_RANGE, NOT_ENCODABLE."""
    codes = {ms: code for code, ms in CYCLES_MS[mode].items()}
    if rounding is Rounding.ERROR and cycle_ms not in codes:
        others = [other.name for other, cycles in CYCLES_MS.items() if cycle_ms in cycles.values()]
        if others:
            raise RadioError(
                RadioErrorReason.INVALID_FOR_RAT,
                f"{mode.name} has no eDRX cycle of {_seconds(cycle_ms)}; {', '.join(others)} would have.",
            )
    encoded_ms = rounded(cycle_ms, sorted(codes), rounding, "ms")
    return EncodedCycle(cycle_ms, encoded_ms, bits_of(codes[encoded_ms], 4))


def decode_cycle(mode: EdrxMode, bits: str) -> int | None:
    """The cycle in milliseconds that a receiver takes the bits for; None if it takes eDRX for not asked.

    Codes of the other S1 mode and reserved codes are read as the notes of table 10.5.5.32 say: in NB-S1 mode 0000 and
    0001 as no eDRX, 0100, 0110, 0111 and 1000 as 0010; in WB-S1 mode 1110 and 1111 as 1101; the rest as 0000.
    `is_valid_cycle` tells whether the code may be sent. Raises RadioError (MALFORMED).
    """
    code = number_of(bits, 4)
    cycles = CYCLES_MS[mode]
    if code in cycles:
        return cycles[code]
    if mode is EdrxMode.NB_S1:
        return None if code in (0b0000, 0b0001) else cycles[0b0010]
    return cycles[0b1101 if mode is EdrxMode.WB_S1 else _RESERVED_MEANS]


def is_valid_cycle(mode: EdrxMode, bits: str) -> bool:
    """Whether the mode has this code (4 characters of 0 and 1). Raises RadioError (MALFORMED)."""
    return number_of(bits, 4) in CYCLES_MS[mode]


def encode_window(mode: EdrxMode, window_ms: int, rounding: Rounding = Rounding.ERROR) -> EncodedCycle:
    """The bits for a paging time window. Raises RadioError: INVALID_FOR_RAT in A/Gb mode, OUT_OF_RANGE,
    NOT_ENCODABLE."""
    windows = _windows(mode)
    encoded_ms = rounded(window_ms, windows, rounding, "ms")
    return EncodedCycle(window_ms, encoded_ms, bits_of(windows.index(encoded_ms), 4))


def decode_window(mode: EdrxMode, bits: str) -> int:
    """The paging time window in milliseconds; 0 in Iu mode means that none is used. Raises RadioError (MALFORMED,
    INVALID_FOR_RAT in A/Gb mode)."""
    return _windows(mode)[number_of(bits, 4)]


def check_edrx(mode: EdrxMode, cycle_ms: int, window_ms: int | None) -> None:
    """Raises RadioError unless the mode has this cycle, and this window (None: the network chooses) is shorter.

    The cycle of 5.12 s has no window.
    """
    encode_cycle(mode, cycle_ms)
    if window_ms is None:
        return
    encode_window(mode, window_ms)
    if cycle_ms == SHORTEST_CYCLE_MS:
        raise RadioError(RadioErrorReason.CONFLICTING, "An eDRX cycle of 5.12 s has no paging time window.")
    if window_ms >= cycle_ms:
        raise RadioError(
            RadioErrorReason.CONFLICTING,
            f"A paging time window of {_seconds(window_ms)} is not shorter than the eDRX cycle of "
            f"{_seconds(cycle_ms)}.",
        )


def _windows(mode: EdrxMode) -> tuple[int, ...]:
    windows = WINDOWS_MS.get(mode)
    if windows is None:
        raise RadioError(RadioErrorReason.INVALID_FOR_RAT, f"{mode.name} has no paging time window.")
    return windows


def _seconds(ms: int) -> str:
    return f"{ms / 1_000:g} s" if ms < 1_000_000 else f"{ms / 1_000:.2f} s"
