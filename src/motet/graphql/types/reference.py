"""Countries, operators and their networks: what all workspaces share, keyed by code."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum

import strawberry

from motet.graphql.types.radio import Rat
from motet.graphql.types.relay import described


@strawberry.type(description="A country or territory of ISO 3166-1.")
class Country:
    code: str = described("ISO 3166-1 alpha-2, such as DE.")
    code3: str = described("ISO 3166-1 alpha-3, such as DEU.")
    number: str = described("ISO 3166-1 numeric, three digits.")
    name: str = described("The name in English.")
    mccs: list[str] = described("Mobile country codes (E.212) in use there.")
    latitude: float = described("Where its capital is, in degrees north.")
    longitude: float = described("Where its capital is, in degrees east.")
    rats: list[Rat] = described("What at least one operator there has on the air, as far as is known.")


@strawberry.input(description="Which countries. Conditions side by side must all hold.")
class CountryFilter:
    code: list[str] | None = strawberry.field(default=strawberry.UNSET, description="One of these alpha-2 codes.")
    name: str | None = strawberry.field(
        default=strawberry.UNSET, description="With this in the name, whatever the case."
    )
    mcc: str | None = strawberry.field(default=strawberry.UNSET, description="That uses this mobile country code.")
    rat: list[Rat] | None = strawberry.field(
        default=strawberry.UNSET, description="Where one of these RATs is on the air."
    )


@strawberry.enum(description="What stands behind a PLMN code.")
class OperatorKind(Enum):
    NETWORK = strawberry.enum_value("NETWORK", description="A network with cells of its own.")
    MVNO = strawberry.enum_value("MVNO", description="Uses others' networks.")
    SATELLITE = strawberry.enum_value("SATELLITE", description="Satellites.")
    RAILWAY = strawberry.enum_value("RAILWAY", description="A railway's own network (GSM-R).")
    TEST = strawberry.enum_value("TEST", description="Reserved for tests.")
    OTHER = strawberry.enum_value("OTHER", description="What it has is not known, or none of these RATs.")


@strawberry.enum(description="Whether a guest's SIM may use a network.")
class RoamingState(Enum):
    AVAILABLE = strawberry.enum_value("AVAILABLE", description="It may.")
    RESTRICTED = strawberry.enum_value("RESTRICTED", description="Within limits, such as no permanent roaming.")
    UNAVAILABLE = strawberry.enum_value("UNAVAILABLE", description="It may not.")


@strawberry.enum(description="What a network can do.")
class NetworkFeature(Enum):
    PSM = strawberry.enum_value("PSM", description="Power saving mode.")
    EDRX = strawberry.enum_value("EDRX", description="Extended discontinuous reception.")
    SMS = strawberry.enum_value("SMS", description="SMS.")


@strawberry.type(description="When a RAT of an operator ends, or has ended.")
class Sunset:
    on: date = described("The last day, at the latest.")
    source: str | None = described("Who says so.")


@strawberry.type(description="One RAT of one operator. What is not known is null.")
class Network:
    code: str = described("The operator's PLMN code.")
    rat: Rat = described("The RAT.")
    operator_name: str = described("The operator's brand, or else its name.")
    countries: list[str] = described("Alpha-2 codes of the operator's countries, the chief one first.")
    bands: list[str] = described("Its bands, such as B20 or n78.")
    possible_bands: list[str] = described("Bands of which it uses some, without its being known which.")
    psm: bool | None = described("Whether it grants power saving mode.")
    edrx: bool | None = described("Whether it grants extended discontinuous reception.")
    sms: bool | None = described("Whether SMS work there.")
    roaming: RoamingState | None = described("Whether a guest's SIM may use it.")
    on_air: bool = described("Whether it has not ended yet, as far as is known.")
    sunset: Sunset | None = described("When it ends, where that is known.")
    as_of: date | None = described("The date of what is said here.")


@strawberry.input(description="Which networks. Conditions side by side must all hold.")
class NetworkFilter:
    code: list[str] | None = strawberry.field(default=strawberry.UNSET, description="Of one of these PLMN codes.")
    country: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="In one of these countries, by alpha-2 code."
    )
    rat: list[Rat] | None = strawberry.field(default=strawberry.UNSET, description="One of these RATs.")
    band: str | None = strawberry.field(
        default=strawberry.UNSET, description="With this band for sure, such as B20 or n78."
    )
    feature: list[NetworkFeature] | None = strawberry.field(
        default=strawberry.UNSET, description="Known to have all of these."
    )
    roaming: list[RoamingState] | None = strawberry.field(
        default=strawberry.UNSET, description="In one of these states."
    )
    on_air: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Whether it has not ended yet, as far as is known."
    )
    sunset_before: date | None = strawberry.field(
        default=strawberry.UNSET, description="Known to end, or to have ended, before this day."
    )


@strawberry.type(description="Who has a PLMN code.")
class Operator:
    code: str = described("The PLMN code: MCC and MNC, 5 or 6 digits.")
    mcc: str = described("Mobile country code.")
    mnc: str = described("Mobile network code.")
    name: str = described("The company.")
    brand: str | None = described("What it calls itself towards its customers.")
    kind: OperatorKind = described("What stands behind the code.")
    operational: bool = described("Whether it is known to be in operation.")
    country: Country | None = described("The chief country; null for international and test networks.")
    countries: list[Country] = described("All its countries, the chief one first.")
    networks: list[Network] = described("Its RATs, as the current coverage has them.")


@strawberry.input(description="Which operators. Conditions side by side must all hold.")
class OperatorFilter:
    code: list[str] | None = strawberry.field(default=strawberry.UNSET, description="One of these PLMN codes.")
    country: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="In one of these countries, by alpha-2 code."
    )
    name: str | None = strawberry.field(
        default=strawberry.UNSET, description="With this in the name or brand, whatever the case."
    )
    kind: list[OperatorKind] | None = strawberry.field(default=strawberry.UNSET, description="Of one of these kinds.")
    operational: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Whether it is known to be in operation."
    )
    rat: list[Rat] | None = strawberry.field(default=strawberry.UNSET, description="With one of these RATs on the air.")
    feature: list[NetworkFeature] | None = strawberry.field(
        default=strawberry.UNSET, description="With a network on the air that is known to have all of these."
    )


@strawberry.type(description="A version of what is known of all networks. The newest counts.")
class CoverageVersion:
    number: int = described("Its number; 0 comes with Motet.")
    name: str = described("What it was called when it was imported.")
    source: str = described("Where it is from.")
    as_of: date = described("The date of what it says.")
    network_count: int = described("How many networks it has.")
    imported_by: str | None = described("Who imported it; null for the one that comes with Motet.")
    created_at: datetime | None = described("When it was imported; null for the one that comes with Motet.")
    csv: str | None = described("All of it as CSV, which `coverageImport` reads again; only of `coverageVersion`.")


@strawberry.enum(description="What became of a network from one version to another.")
class NetworkChangeKind(Enum):
    ADDED = strawberry.enum_value("ADDED", description="It is new.")
    REMOVED = strawberry.enum_value("REMOVED", description="It is gone.")
    CHANGED = strawberry.enum_value("CHANGED", description="Something of it is different.")


@strawberry.type(description="A network that differs between two versions.")
class NetworkChange:
    kind: NetworkChangeKind = described("What became of it.")
    before: Network | None = described("As it was; null for a new one.")
    after: Network | None = described("As it is; null for one that is gone.")
    changed: list[str] = described("The columns that differ, where it was changed.")
    device_count: int | None = described(
        "How many of the workspace's devices were last seen there, up to 10,000; null to the operator."
    )
