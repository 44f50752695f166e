"""The frequency bands that IoT devices use, by number. A table, and the names people write them with."""

import re
from dataclasses import dataclass
from typing import Final

from motet.radio.coding import RadioError, RadioErrorReason
from motet.radio.rats import Rat


@dataclass(frozen=True, slots=True)
class Band:
    """A band by its number; ranges are (low, high) in kHz, equal in a TDD band. Uplink is what the device sends."""

    number: int
    uplink_khz: tuple[int, int]
    downlink_khz: tuple[int, int]

    @property
    def is_tdd(self) -> bool:
        return self.uplink_khz == self.downlink_khz

    def holds(self, other: "Band") -> bool:
        """Whether all of the other band lies in this one with the same distance from uplink to downlink."""
        return (
            self.uplink_khz[0] <= other.uplink_khz[0]
            and other.uplink_khz[1] <= self.uplink_khz[1]
            and self.downlink_khz[0] <= other.downlink_khz[0]
            and other.downlink_khz[1] <= self.downlink_khz[1]
            and self._spacing_khz == other._spacing_khz
        )

    @property
    def _spacing_khz(self) -> int:
        return self.downlink_khz[0] - self.uplink_khz[0]


def _fdd(number: int, uplink: tuple[float, float], downlink: tuple[float, float]) -> Band:
    return Band(number, _khz(uplink), _khz(downlink))


def _tdd(number: int, low: float, high: float) -> Band:
    return Band(number, _khz((low, high)), _khz((low, high)))


def _khz(mhz: tuple[float, float]) -> tuple[int, int]:
    return round(mhz[0] * 1_000), round(mhz[1] * 1_000)


def _numbers(ranges: str) -> frozenset[int]:
    ends = [[int(end) for end in one.split("-")] for one in ranges.split()]
    return frozenset(number for one in ends for number in range(one[0], one[-1] + 1))


_E_UTRA: Final = (
    _fdd(1, (1920, 1980), (2110, 2170)),
    _fdd(2, (1850, 1910), (1930, 1990)),
    _fdd(3, (1710, 1785), (1805, 1880)),
    _fdd(4, (1710, 1755), (2110, 2155)),
    _fdd(5, (824, 849), (869, 894)),
    _fdd(7, (2500, 2570), (2620, 2690)),
    _fdd(8, (880, 915), (925, 960)),
    _fdd(11, (1427.9, 1447.9), (1475.9, 1495.9)),
    _fdd(12, (699, 716), (729, 746)),
    _fdd(13, (777, 787), (746, 756)),
    _fdd(14, (788, 798), (758, 768)),
    _fdd(17, (704, 716), (734, 746)),
    _fdd(18, (815, 830), (860, 875)),
    _fdd(19, (830, 845), (875, 890)),
    _fdd(20, (832, 862), (791, 821)),
    _fdd(21, (1447.9, 1462.9), (1495.9, 1510.9)),
    _fdd(24, (1626.5, 1660.5), (1525, 1559)),
    _fdd(25, (1850, 1915), (1930, 1995)),
    _fdd(26, (814, 849), (859, 894)),
    _fdd(27, (807, 824), (852, 869)),
    _fdd(28, (703, 748), (758, 803)),
    _fdd(30, (2305, 2315), (2350, 2360)),
    _fdd(31, (452.5, 457.5), (462.5, 467.5)),
    _tdd(34, 2010, 2025),
    _tdd(38, 2570, 2620),
    _tdd(39, 1880, 1920),
    _tdd(40, 2300, 2400),
    _tdd(41, 2496, 2690),
    _tdd(42, 3400, 3600),
    _tdd(43, 3600, 3800),
    _tdd(48, 3550, 3700),
    _tdd(54, 1670, 1675),
    _fdd(65, (1920, 2010), (2110, 2200)),
    _fdd(66, (1710, 1780), (2110, 2200)),
    _fdd(70, (1695, 1710), (1995, 2020)),
    _fdd(71, (663, 698), (617, 652)),
    _fdd(72, (451, 456), (461, 466)),
    _fdd(73, (450, 455), (460, 465)),
    _fdd(74, (1427, 1470), (1475, 1518)),
    _fdd(85, (698, 716), (728, 746)),
    _fdd(87, (410, 415), (420, 425)),
    _fdd(88, (412, 417), (422, 427)),
    _fdd(103, (787, 788), (757, 758)),
    _fdd(106, (896, 901), (935, 940)),
)
"""TS 36.101 table 5.5-1, without bands that no IoT device has."""

_M1: Final = "1-5 7-8 11-14 18-21 24-28 31 39-43 48 54 66 71-74 85 87-88 106"
"""TS 36.101 §5.5E: where categories M1 and M2 are at home."""

_NB: Final = "1-5 7-8 11-14 17-21 24-26 28 31 41-43 48 54 65-66 70-74 85 87-88 103 106"
"""TS 36.101 §5.5F: where categories NB1 and NB2 are."""


_NR: Final = (
    _fdd(1, (1920, 1980), (2110, 2170)),
    _fdd(2, (1850, 1910), (1930, 1990)),
    _fdd(3, (1710, 1785), (1805, 1880)),
    _fdd(5, (824, 849), (869, 894)),
    _fdd(7, (2500, 2570), (2620, 2690)),
    _fdd(8, (880, 915), (925, 960)),
    _fdd(12, (699, 716), (729, 746)),
    _fdd(13, (777, 787), (746, 756)),
    _fdd(14, (788, 798), (758, 768)),
    _fdd(18, (815, 830), (860, 875)),
    _fdd(20, (832, 862), (791, 821)),
    _fdd(25, (1850, 1915), (1930, 1995)),
    _fdd(26, (814, 849), (859, 894)),
    _fdd(28, (703, 748), (758, 803)),
    _fdd(30, (2305, 2315), (2350, 2360)),
    _tdd(34, 2010, 2025),
    _tdd(38, 2570, 2620),
    _tdd(39, 1880, 1920),
    _tdd(40, 2300, 2400),
    _tdd(41, 2496, 2690),
    _tdd(48, 3550, 3700),
    _fdd(65, (1920, 2010), (2110, 2200)),
    _fdd(66, (1710, 1780), (2110, 2200)),
    _fdd(70, (1695, 1710), (1995, 2020)),
    _fdd(71, (663, 698), (617, 652)),
    _fdd(74, (1427, 1470), (1475, 1518)),
    _tdd(77, 3300, 4200),
    _tdd(78, 3300, 3800),
    _tdd(79, 4400, 5000),
    _fdd(85, (698, 716), (728, 746)),
    _tdd(90, 2496, 2690),
    _fdd(100, (874.4, 880), (919.4, 925)),
    _tdd(101, 1900, 1910),
    _fdd(105, (663, 703), (612, 652)),
    _tdd(257, 26500, 29500),
    _tdd(258, 24250, 27500),
    _tdd(260, 37000, 40000),
    _tdd(261, 27500, 28350),
)
"""TS 38.104 tables 5.2-1 and 5.2-2 (TS 38.101-1 and -2 for devices), without bands that no IoT device has."""

_UTRA: Final = (
    _fdd(1, (1920, 1980), (2110, 2170)),
    _fdd(2, (1850, 1910), (1930, 1990)),
    _fdd(4, (1710, 1755), (2110, 2155)),
    _fdd(5, (824, 849), (869, 894)),
    _fdd(6, (830, 840), (875, 885)),
    _fdd(8, (880, 915), (925, 960)),
    _fdd(9, (1749.9, 1784.9), (1844.9, 1879.9)),
    _fdd(19, (830, 845), (875, 890)),
)
"""TS 25.101 table 5.0; 6, 9 and 19 are Japan's."""

_GERAN: Final = (
    _fdd(2, (1850, 1910), (1930, 1990)),
    _fdd(3, (1710, 1785), (1805, 1880)),
    _fdd(5, (824, 849), (869, 894)),
    _fdd(8, (880, 915), (925, 960)),
)
"""TS 45.005 §2 under the numbers of the same bands in UTRA: PCS 1900, DCS 1800, GSM 850, E-GSM 900."""

BANDS: Final[dict[Rat, dict[int, Band]]] = {
    Rat.GSM: {band.number: band for band in _GERAN},
    Rat.UMTS: {band.number: band for band in _UTRA},
    Rat.LTE: {band.number: band for band in _E_UTRA},
    Rat.LTE_M: {band.number: band for band in _E_UTRA if band.number in _numbers(_M1)},
    Rat.NB_IOT: {band.number: band for band in _E_UTRA if band.number in _numbers(_NB)},
    Rat.NR: {band.number: band for band in _NR},
}

_GSM_NAMES: Final = {"850": 5, "900": 8, "1800": 3, "1900": 2}
_NAME: Final = re.compile(
    r"\s*(?:(?:E-?)?GSM|DCS|PCS|LTE|UMTS|WCDMA|NR)?[\s-]*(?:BAND|B|N)?\s*([0-9]{1,4})\s*(?:MHZ)?\s*"
)


def parse_band(rat: Rat, name: str) -> Band:
    """The band of a name as data sheets write it: `20`, `B20`, `Band 20`, `n78`, for GSM also `GSM 900`, `DCS1800`.

    Raises RadioError: MALFORMED, or INVALID_FOR_RAT if the RAT has no such band.
    """
    match = _NAME.fullmatch(name[:40].upper())
    if match is None:
        raise RadioError(RadioErrorReason.MALFORMED, f"{name[:40]!a} is not the name of a band.")
    digits = match[1]
    number = _GSM_NAMES.get(digits, int(digits)) if rat is Rat.GSM else int(digits)
    band = BANDS[rat].get(number)
    if band is None:
        known = ", ".join(str(one) for one in BANDS[rat])
        raise RadioError(RadioErrorReason.INVALID_FOR_RAT, f"{rat.name} has no band {number}; known are {known}.")
    return band


def band_name(rat: Rat, number: int) -> str:
    """The band as it is usually written: `B20`, `n78`."""
    return f"n{number}" if rat is Rat.NR else f"B{number}"
