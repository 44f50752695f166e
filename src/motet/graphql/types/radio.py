"""Words of the radio that several types use."""

from __future__ import annotations

from enum import Enum

import strawberry


@strawberry.enum(description="Radio access technology: what a device and a network speak to each other.")
class Rat(Enum):
    GSM = strawberry.enum_value(
        "GSM", description="2G: GSM, GPRS, EDGE. Up to 120 kbit/s with GPRS, 1 Mbit/s with EDGE."
    )
    UMTS = strawberry.enum_value("UMTS", description="3G: UMTS, HSPA.")
    LTE = strawberry.enum_value("LTE", description="4G: LTE of category 1 and up, which gives 10 Mbit/s down and 5 up.")
    LTE_M = strawberry.enum_value("LTE_M", description="LTE for machines: categories M1 and M2.")
    NB_IOT = strawberry.enum_value("NB_IOT", description="Narrowband IoT: categories NB1 and NB2.")
    NR = strawberry.enum_value("NR", description="5G New Radio.")
