"""Which band a network means by a frequency: operators say "LTE 800", modules say "B20"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from motet.radio.rats import Rat

JAPAN: Final = frozenset(("440", "441"))
CHINA: Final = frozenset(("460",))
NORTH_AMERICA: Final = frozenset(("302", "310", "311", "312", "313", "314", "315", "316", "330", "332", "535"))
"""The MCCs of Canada and the United States with its islands."""

_ELSEWHERE: Final[Mapping[Rat, Mapping[int, tuple[int, ...]]]] = {
    Rat.GSM: {850: (5,), 900: (8,), 1800: (3,), 1900: (2,)},
    Rat.UMTS: {850: (5,), 900: (8,), 1700: (4,), 1900: (2,), 2100: (1,)},
    Rat.LTE: {
        410: (87, 88), 450: (31, 72), 600: (71,), 700: (28,), 800: (20,), 850: (5, 26), 900: (8,), 1700: (4, 66),
        1800: (3,), 1900: (2, 25), 2100: (1,), 2300: (40,), 2500: (41,), 2600: (7,), 3500: (42,), 3700: (43,),
    },
    Rat.NB_IOT: {700: (28,), 800: (20,), 900: (8,), 1800: (3,)},
    Rat.NR: {
        600: (71, 105), 700: (28,), 800: (20,), 850: (5, 26), 900: (8,), 1700: (66,), 1800: (3,), 2100: (1,),
        2300: (40,), 2500: (41,), 2600: (7, 38, 41), 3500: (78,), 3600: (78,), 3700: (77, 78), 3800: (77, 78),
        4700: (79,), 4900: (79,), 26000: (258,), 28000: (257, 261), 39000: (260,),
    },
}  # fmt: skip
"""What a frequency in MHz usually means: one band where that is sure, all that it can be where it is not."""

_TDD: Final[Mapping[int, tuple[int, ...]]] = {
    1900: (39,), 2300: (40,), 2500: (41,), 2600: (38, 41), 3500: (42,), 3700: (43,),
}  # fmt: skip
"""LTE where the operator says TDD."""

_THERE: Final[tuple[tuple[frozenset[str], Mapping[Rat, Mapping[int, tuple[int, ...]]]], ...]] = (
    (
        JAPAN,
        {
            Rat.UMTS: {800: (6, 19), 850: (6, 19), 1700: (9,)},
            Rat.LTE: {800: (18, 19, 26), 850: (18, 19, 26), 1500: (11, 21), 1700: (3,)},
            Rat.NR: {1700: (3,), 3500: (77, 78), 3700: (77, 78), 28000: (257,)},
        },
    ),
    (CHINA, {Rat.LTE: {1900: (39,), 2600: (41,)}, Rat.NR: {2600: (41,)}}),
    (
        NORTH_AMERICA,
        {
            Rat.LTE: {700: (12, 13, 14, 17), 800: (26, 27), 2100: (4, 66), 2300: (30,), 3500: (48,)},
            Rat.NR: {
                700: (12, 14), 1900: (2, 25), 2100: (66,), 2300: (30,), 3500: (48, 77, 78), 3700: (77,),
                28000: (257, 261),
            },
        },
    ),
)  # fmt: skip
"""Where the same frequency means something else, by the networks' MCC."""


def bands_at(rat: Rat, mhz: int, mcc: str, *, is_tdd: bool = False) -> tuple[int, ...]:
    """The bands that a network with this MCC can mean; empty where that is not known."""
    for mccs, tables in _THERE:
        if mcc in mccs and mhz in tables.get(rat, {}):
            return tables[rat][mhz]
    if is_tdd and rat is Rat.LTE:
        return _TDD.get(mhz, ())
    return _ELSEWHERE.get(rat, {}).get(mhz, ())
