"""RATs, bands and categories as reference data."""

from __future__ import annotations

from enum import Enum

import strawberry

from motet.graphql.types.radio import Rat
from motet.graphql.types.relay import described


@strawberry.enum(description="How a band parts the two directions.")
class Duplex(Enum):
    FDD = strawberry.enum_value("FDD", description="By frequency.")
    TDD = strawberry.enum_value("TDD", description="By time: both ranges are the same.")


@strawberry.type(description="A frequency band of a RAT that IoT devices use.")
class Band:
    code: str = described("Its name, such as B20 or n78.")
    number: int = described("Its number.")
    rat: Rat = described("The RAT.")
    duplex: Duplex = described("How it parts the two directions.")
    uplink_low_mhz: float = described("Where devices send, from.")
    uplink_high_mhz: float = described("Where devices send, to.")
    downlink_low_mhz: float = described("Where the network sends, from.")
    downlink_high_mhz: float = described("Where the network sends, to.")


@strawberry.type(description="A category of devices. Rates are nominal peaks.")
class DeviceCategory:
    code: str = described("Its name, such as Cat 1.")
    downlink_kbps: int = described("To the device, in kbit/s.")
    uplink_kbps: int = described("From the device, in kbit/s.")
    source: str = described("Where the figures are from.")


@strawberry.type(description="What is known of a RAT.")
class RatInfo:
    code: Rat = described("The RAT.")
    generation: str = described("2G to 5G.")
    gtp_types: list[int] = described("Its numbers as RAT Type of GTP (TS 29.274 table 8.17-1).")
    access_technologies: list[int] = described("Its numbers as <AcT> of +CEREG (TS 27.007 §10.1.22).")
    bands: list[Band] = described("Its bands.")
    edrx_cycles_seconds: list[float] = described("The eDRX cycles that may be asked for; empty where there are none.")
    paging_time_windows_seconds: list[float] = described("The paging time windows; empty where there are none.")
    psm_timers: bool = described("Whether T3412 extended and T3324 are its timers.")
    categories: list[DeviceCategory] = described("Categories of devices.")
