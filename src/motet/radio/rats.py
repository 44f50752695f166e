"""Radio access technologies, and the numbers that other specifications give them."""

from enum import IntEnum
from typing import Final

from motet.radio.edrx import EdrxMode


class Rat(IntEnum):
    """What a device and a network speak to each other. The numbers may be stored, so they are never reused."""

    GSM = 0
    """2G: GSM, GPRS, EDGE."""
    UMTS = 1
    """3G: UMTS, HSPA."""
    LTE = 2
    """4G, categories 1 and up."""
    LTE_M = 3
    """LTE categories M1 and M2."""
    NB_IOT = 4
    """LTE categories NB1 and NB2."""
    NR = 5
    """5G."""


RAT_OF_GTP: Final[dict[int, Rat]] = {
    1: Rat.UMTS,
    2: Rat.GSM,
    6: Rat.LTE,
    8: Rat.NB_IOT,
    9: Rat.LTE_M,
    10: Rat.NR,
}
"""RAT Type of GTP to RAT (TS 29.274 table 8.17-1, TS 29.060 §7.7.50); what is missing is none of ours (3: WLAN)."""

RAT_OF_ACT: Final[dict[int, Rat]] = {
    0: Rat.GSM,
    1: Rat.GSM,
    2: Rat.UMTS,
    3: Rat.GSM,
    4: Rat.UMTS,
    5: Rat.UMTS,
    6: Rat.UMTS,
    7: Rat.LTE,
    8: Rat.GSM,
    9: Rat.NB_IOT,
    10: Rat.LTE,
    11: Rat.NR,
    12: Rat.NR,
    13: Rat.LTE,
}
"""`<AcT>` of +CREG, +CGREG and +CEREG to RAT (TS 27.007 §10.1.22). LTE-M says 7 too: only the module knows."""

EDRX_MODE_OF_RAT: Final[dict[Rat, EdrxMode]] = {
    Rat.GSM: EdrxMode.GSM,
    Rat.UMTS: EdrxMode.UTRAN,
    Rat.LTE: EdrxMode.WB_S1,
    Rat.LTE_M: EdrxMode.WB_S1,
    Rat.NB_IOT: EdrxMode.NB_S1,
}
"""Whose eDRX table a RAT follows; that of NR is not in TS 24.008."""
