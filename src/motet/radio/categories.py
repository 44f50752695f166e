"""What devices of a category can reach at most: nominal peaks, which a real cell gives to nobody."""

from __future__ import annotations

from typing import Final, NamedTuple

from motet.radio.rats import Rat


class Category(NamedTuple):
    """A category of devices; rates in kbit/s."""

    name: str
    rat: Rat
    downlink_kbps: int
    uplink_kbps: int
    source: str


CATEGORIES: Final = (
    Category("GPRS", Rat.GSM, 120, 120, "operators' figures; TS 45.002 by multislot class"),
    Category("EDGE", Rat.GSM, 1_000, 470, "operators' figures; TS 45.002 by multislot class"),
    Category("Cat 1", Rat.LTE, 10_000, 5_000, "TS 36.306 tables 4.1-1 and 4.1-2"),
    Category("Cat 1bis", Rat.LTE, 10_000, 5_000, "TS 36.306 tables 4.1-1 and 4.1-2; one antenna"),
    Category("Cat 4", Rat.LTE, 150_000, 50_000, "TS 36.306 tables 4.1-1 and 4.1-2"),
    Category("Cat M1", Rat.LTE_M, 1_000, 1_000, "TS 36.306 tables 4.1A-1 and 4.1A-2; full duplex"),
    Category("Cat NB1", Rat.NB_IOT, 26, 62, "TS 36.306 tables 4.1C-1 and 4.1C-2, with what scheduling leaves"),
    Category("Cat NB2", Rat.NB_IOT, 127, 159, "TS 36.306 tables 4.1C-1 and 4.1C-2, with what scheduling leaves"),
)
