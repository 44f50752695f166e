"""Power saving: timers, cycles, AT commands, and whether a module fits."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import strawberry

from motet.graphql.types.radio import Rat
from motet.graphql.types.reference import Country, Network
from motet.graphql.types.relay import described


@strawberry.enum(description="Which timer an octet is for: the same bits mean other times in the other.")
class PsmTimer(Enum):
    T3412_EXTENDED = strawberry.enum_value(
        "T3412_EXTENDED", description="The period of tracking area updates: GPRS timer 3 (TS 24.008 §10.5.7.4a)."
    )
    T3324 = strawberry.enum_value("T3324", description="The active time: GPRS timer 2 (TS 24.008 §10.5.7.4).")


@strawberry.enum(description="What to do with a time that no code says exactly.")
class Rounding(Enum):
    ERROR = strawberry.enum_value("ERROR", description="Refuse it.")
    NEAREST = strawberry.enum_value("NEAREST", description="Take the nearest; of two, the shorter.")
    UP = strawberry.enum_value("UP", description="Take the next longer.")
    DOWN = strawberry.enum_value("DOWN", description="Take the next shorter.")


@strawberry.type(description="A timer of power saving mode as an octet.")
class EncodedTimer:
    timer: PsmTimer = described("Which timer.")
    bits: str = described("The octet, 8 characters of 0 and 1, the highest bit first.")
    requested_seconds: int = described("What was asked for.")
    encoded_seconds: int = described("What the octet says.")
    exact: bool = described("Whether both are the same.")


@strawberry.type(description="What an octet of power saving mode says.")
class DecodedTimer:
    timer: PsmTimer = described("Which timer.")
    bits: str = described("The octet.")
    seconds: int | None = described("The time; null if it deactivates the timer.")
    deactivated: bool = described("Whether it deactivates the timer.")
    canonical_bits: str | None = described("The octet that Motet would use for this time.")


@strawberry.type(description="A cycle or window of eDRX as bits.")
class EncodedCycle:
    bits: str = described("4 characters of 0 and 1, the highest bit first.")
    requested_seconds: float = described("What was asked for.")
    encoded_seconds: float = described("What the bits say.")
    exact: bool = described("Whether both are the same.")


@strawberry.type(description="eDRX settings as bits.")
class EncodedEdrx:
    rat: Rat = described("The RAT, whose table counts.")
    cycle: EncodedCycle = described("The eDRX cycle.")
    paging_time_window: EncodedCycle | None = described("The paging time window, if one was asked for.")


@strawberry.type(description="What bits of eDRX say.")
class DecodedEdrx:
    rat: Rat = described("The RAT, whose table counts.")
    bits: str = described("The cycle's bits.")
    cycle_seconds: float | None = described(
        "The cycle that a receiver takes them for; null if it takes eDRX for not asked."
    )
    valid: bool = described("Whether the RAT has this code; if not, a receiver reads it as another.")
    paging_time_window_seconds: float | None = described("The paging time window, if its bits were given.")


@strawberry.enum(description="What an AT command does with power saving mode (TS 27.007 §7.38).")
class PsmMode(Enum):
    OFF = strawberry.enum_value("OFF", description="0: off.")
    ON = strawberry.enum_value("ON", description="1: on.")
    RESET = strawberry.enum_value("RESET", description="2: off, and the timers as the maker had them.")


@strawberry.enum(description="What an AT command does with eDRX (TS 27.007 §7.40).")
class EdrxSwitch(Enum):
    OFF = strawberry.enum_value("OFF", description="0: off.")
    ON = strawberry.enum_value("ON", description="1: on.")
    ON_WITH_REPORTS = strawberry.enum_value("ON_WITH_REPORTS", description="2: on, and tell changes by +CEDRXP.")
    RESET = strawberry.enum_value("RESET", description="3: off, and the values as the maker had them.")


@strawberry.enum(description="What a device camps on, as AT commands about eDRX count it.")
class EdrxMode(Enum):
    EC_GSM_IOT = strawberry.enum_value("EC_GSM_IOT", description="1: EC-GSM-IoT (A/Gb mode).")
    GSM = strawberry.enum_value("GSM", description="2: GSM (A/Gb mode).")
    UTRAN = strawberry.enum_value("UTRAN", description="3: 3G (Iu mode).")
    WB_S1 = strawberry.enum_value("WB_S1", description="4: LTE and LTE-M (WB-S1 mode).")
    NB_S1 = strawberry.enum_value("NB_S1", description="5: NB-IoT (NB-S1 mode).")


@strawberry.input(description="AT+CPSMS. Give `mode` alone, or times with it.")
class AtPsmInput:
    mode: PsmMode = strawberry.field(description="What to do.")
    tau_seconds: int | None = strawberry.field(
        default=strawberry.UNSET, description="The period to ask for (T3412 extended)."
    )
    active_seconds: int | None = strawberry.field(
        default=strawberry.UNSET, description="The active time to ask for (T3324)."
    )


@strawberry.input(description="AT+CEDRXS.")
class AtEdrxInput:
    switch: EdrxSwitch = strawberry.field(description="What to do.")
    rat: Rat | None = strawberry.field(default=strawberry.UNSET, description="For which RAT; needed with a cycle.")
    cycle_seconds: float | None = strawberry.field(default=strawberry.UNSET, description="The cycle to ask for.")


@strawberry.enum(description="Which AT command a line is.")
class AtCommandKind(Enum):
    CPSMS = strawberry.enum_value("CPSMS", description="What a device asks for of power saving mode.")
    CEDRXS = strawberry.enum_value("CEDRXS", description="What a device asks for of eDRX.")
    EDRX_REPORT = strawberry.enum_value(
        "EDRX_REPORT", description="+CEDRXS:, +CEDRXP: or +CEDRXRDP:, what a modem tells of eDRX."
    )
    CEREG = strawberry.enum_value("CEREG", description="+CEREG:, where a device is registered, and with which timers.")


@strawberry.type(description="What a line of AT commands says.")
class AtCommand:
    kind: AtCommandKind = described("Which command.")
    line: str = described("The line in its standard form.")
    psm_mode: PsmMode | None = described("CPSMS: what to do.")
    edrx_switch: EdrxSwitch | None = described("CEDRXS: what to do.")
    edrx_mode: EdrxMode | None = described("What the eDRX values are for; null if eDRX is not in use.")
    registered: bool | None = described("CEREG: whether the device is registered.")
    stat: int | None = described("CEREG: the state of registration as a number.")
    rat: Rat | None = described("CEREG: the RAT; the modem says LTE for LTE-M, too.")
    tracking_area: str | None = described("CEREG: the tracking area code, hexadecimal.")
    cell: str | None = described("CEREG: the cell id, hexadecimal.")
    tau: DecodedTimer | None = described("T3412 extended: asked for (CPSMS) or granted (CEREG).")
    active: DecodedTimer | None = described("T3324: asked for (CPSMS) or granted (CEREG).")
    requested_cycle_seconds: float | None = described("The eDRX cycle that was asked for.")
    provided_cycle_seconds: float | None = described("The eDRX cycle that the network gave.")
    paging_time_window_seconds: float | None = described("The paging time window that the network gave.")


@strawberry.enum(description="How well a module and a network go together.")
class ModuleFit(Enum):
    YES = strawberry.enum_value("YES", description="They share a band.")
    POSSIBLE = strawberry.enum_value(
        "POSSIBLE",
        description="Only if the network announces the cell under the module's band too, or uses a band of which that"
        " is not known.",
    )
    NO = strawberry.enum_value("NO", description="They share none.")


@strawberry.input(description="What a module has of a RAT.")
class ModuleBandsInput:
    rat: Rat = strawberry.field(description="The RAT.")
    bands: list[str] = strawberry.field(
        description="Its bands as data sheets write them: `20`, `B20`, `n78`, `GSM 900`. At most 60."
    )


@strawberry.type(description="How a module goes with a network in one RAT.")
class RatFit:
    rat: Rat = described("The RAT.")
    fit: ModuleFit = described("How well they go together.")
    shared_bands: list[str] = described("The bands that both have.")
    unheard_bands: list[str] = described("The network's bands that the module does not hear.")
    reason: str = described("Why, in words.")


@strawberry.type(description="How a module goes with an operator's networks.")
class OperatorFit:
    code: str = described("The operator's PLMN code.")
    name: str = described("The operator's brand, or else its name.")
    fit: ModuleFit = described("The best of all RATs.")
    usable_rats: list[Rat] = described("The RATs that surely work.")
    rats: list[RatFit] = described("Each RAT that either side has.")


@strawberry.type(description="Whether a module works in a country.")
class ModuleCheck:
    country: Country = described("The country.")
    fit: ModuleFit = described("The best of all operators.")
    operators: list[OperatorFit] = described("Each operator with a network on the air, the best first.")


@strawberry.type(description="How a device saves power.")
class PowerProfile:
    rat: Rat | None = described("The RAT that it is for.")
    psm_enabled: bool = described("Whether the device uses power saving mode: it has an active time.")
    tau_seconds: int | None = described("The period of its updates (T3412 extended); null: it makes none.")
    active_seconds: int | None = described("How long it listens after it has sent (T3324).")
    edrx_cycle_seconds: float | None = described("Its eDRX cycle; null: it uses none.")
    paging_time_window_seconds: float | None = described("Its paging time window, if known.")
    learned: bool = described("Whether its modem told; else someone did.")
    updated_at: datetime = described("When it was said.")
    warnings: list[str] = described("What is legal in it and yet hardly meant.")


@strawberry.enum(description="Whether a device listens.")
class ReachabilityState(Enum):
    ALWAYS = strawberry.enum_value("ALWAYS", description="It uses no power saving mode.")
    OPEN = strawberry.enum_value("OPEN", description="Now, until the window closes.")
    ASLEEP = strawberry.enum_value("ASLEEP", description="When the window opens, or it sends of its own accord.")
    UNKNOWN = strawberry.enum_value("UNKNOWN", description="It sleeps and was never heard.")


@strawberry.type(description="The window in which a device listens now, or will next.")
class Reachability:
    state: ReachabilityState = described("Whether it listens.")
    opens_at: datetime | None = described("When the window opens, or opened.")
    closes_at: datetime | None = described("When it closes; null: it does not, or that cannot be told.")
    page_within_seconds: float = described("How long a page takes at most while the device listens.")
    page_certain: bool = described("Whether the window holds a whole eDRX cycle: if not, a page may miss it.")
    silent_periods: int = described("Updates that were due since it was heard last: from 1 on the window is reckoned.")
    last_heard_at: datetime | None = described("When it was heard last: by its network, or by an SMS.")
    reason: str = described("Why, in words.")


@strawberry.type(description="A network that ends soon, or has ended, with devices on it.")
class SunsetAlert:
    network: Network = described("The network.")
    days_left: int = described("Days until it ends; negative if it has.")
    device_count: int = described("How many of the workspace's devices were last seen there, up to 10,001.")
