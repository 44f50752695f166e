"""IMSIs of SIMs, whose they are, which is chosen where and why."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from motet.graphql.lists import later, listed
from motet.graphql.types.radio import Rat
from motet.graphql.types.relay import Node, described
from motet.graphql.types.sim import Sim

if TYPE_CHECKING:
    from motet.graphql.types.euicc import EuiccProfile


@strawberry.enum(description="Why a SIM uses another IMSI.")
class ImsiSwitchReason(Enum):
    REQUEST = strawberry.enum_value("REQUEST", description="Someone asked for it.")
    OPERATOR_OUTAGE = strawberry.enum_value("OPERATOR_OUTAGE", description="The operator of the old one was out.")
    ATTACH_FAILURES = strawberry.enum_value("ATTACH_FAILURES", description="The old one could not attach any more.")
    STAY_ENDED = strawberry.enum_value("STAY_ENDED", description="The old one's days in the country were over.")
    CARD = strawberry.enum_value("CARD", description="The card chose by itself, and attached with it.")


@strawberry.type(description="A change from one IMSI to another.")
class ImsiSwitch(Node):
    id: strawberry.ID = described("The global id.")
    old_imsi: str = described("The IMSI before.")
    new_imsi: str = described("The IMSI from then on.")
    reason: ImsiSwitchReason = described("Why.")
    country: str | None = described("Where the SIM was, ISO 3166 alpha-2, if that was known.")
    explanation: str = described("Why that one, in words.")
    actor: str | None = described("Who asked for it, as the viewer's `subject` shows them; null if nobody in person.")
    created_at: datetime = described("When it happened.")
    sim: Sim | None = described("The SIM.")


@strawberry.type(description="What a partner's IMSIs may and can do in a country.")
class RoamingTerm(Node):
    id: strawberry.ID = described("The global id.")
    country: str = described("ISO 3166 alpha-2.")
    networks: list[str] = described("The networks that let them in, by MCC and MNC.")
    rats: list[Rat] = described("The radio access technologies that they get there.")
    permanent_roaming: bool = described("Whether they may stay as long as they like.")
    max_stay_days: int | None = described(
        "Where permanent roaming is barred: the days that one may stay; null there: none."
    )
    psm: bool = described("Whether power saving mode works there.")
    edrx: bool = described("Whether extended discontinuous reception works there.")
    partner: RoamingPartner | None = described("The partner.")


@strawberry.input(description="Which terms. Conditions side by side must all hold.")
class RoamingTermFilter:
    country: str | None = strawberry.field(default=strawberry.UNSET, description="For this country.")


@strawberry.type(description="An operator whose IMSIs your SIMs hold.")
class RoamingPartner(Node):
    id: strawberry.ID = described("The global id.")
    name: str = described("What people call it.")
    plmn: str = described("The home operator of its IMSIs: MCC and MNC.")
    created_at: datetime = described("When it was added.")
    terms = listed(RoamingTerm, "Its terms, country by country.", filter_by=RoamingTermFilter)
    imsis = listed(later("Imsi", "imsi"), "Its IMSIs.")


@strawberry.type(description="One of the IMSIs that a SIM holds.")
class Imsi(Node):
    id: strawberry.ID = described("The global id.")
    imsi: str = described("The IMSI, 14 or 15 digits.")
    home_network: str = described("MCC and MNC of the IMSI; where MNCs of both lengths are in use, the likelier.")
    active: bool = described("Whether the SIM uses it.")
    attach_failures: int = described("How many times in a row it could not attach; 3 rule it out.")
    stay_country: str | None = described("Where it attached last, ISO 3166 alpha-2.")
    stay_since: datetime | None = described(
        "Since when it is used there, other IMSIs between included: what days of permanent roaming count from."
    )
    created_at: datetime = described("When it was added.")
    sim: Sim | None = described("The SIM.")
    profile: Annotated[EuiccProfile, strawberry.lazy("motet.graphql.types.euicc")] | None = described(
        "Of an eUICC: the profile."
    )
    partner: RoamingPartner | None = described("Whose it is: that decides what it may and can do where.")


@strawberry.type(description="A partner's place in your list for a country: who is before others is used if possible.")
class ImsiPreference(Node):
    id: strawberry.ID = described("The global id.")
    country: str = described("ISO 3166 alpha-2.")
    position: int = described("Its place, from 1 on.")
    partner: RoamingPartner | None = described("The partner.")


@strawberry.input(description="Which places. Conditions side by side must all hold.")
class ImsiPreferenceFilter:
    country: str | None = strawberry.field(default=strawberry.UNSET, description="In the list for this country.")


@strawberry.enum(description="What is looked at when an IMSI is chosen.")
class ImsiFactorName(Enum):
    OPERATOR_IN_SERVICE = strawberry.enum_value("OPERATOR_IN_SERVICE", description="Its home operator works.")
    ATTACHES = strawberry.enum_value("ATTACHES", description="It did not fail to attach three times in a row.")
    COUNTRY_COVERED = strawberry.enum_value("COUNTRY_COVERED", description="Its partner has terms for the country.")
    NETWORK_IN_SERVICE = strawberry.enum_value(
        "NETWORK_IN_SERVICE", description="One of the networks that let it in works."
    )
    PERMANENT_ROAMING_ALLOWED = strawberry.enum_value(
        "PERMANENT_ROAMING_ALLOWED", description="It may stay, or its days there are not over."
    )
    PREFERENCE = strawberry.enum_value("PREFERENCE", description="Its place in your list for the country.")
    RAT = strawberry.enum_value("RAT", description="Whether it gets the technology that is asked for: 100 points.")
    NETWORKS = strawberry.enum_value("NETWORKS", description="10 points for each network that works, up to six.")
    PSM = strawberry.enum_value("PSM", description="Whether power saving mode works there: 8 points.")
    EDRX = strawberry.enum_value("EDRX", description="Whether eDRX works there: 8 points.")


@strawberry.type(description="What one factor says of one IMSI.")
class ImsiFactor:
    name: ImsiFactorName = described("What is looked at.")
    is_hard: bool = described("Whether it rules an IMSI out that does not meet it.")
    met: bool | None = described("Whether the IMSI meets it; null where it only counts.")
    points: int = described("What it adds to the score.")
    explanation: str = described("The facts, in words.")


@strawberry.type(description="An IMSI with its place in the ranking.")
class ImsiCandidate:
    imsi_id: strawberry.ID = described("The IMSI's global id.")
    imsi: str = described("The IMSI.")
    active: bool = described("Whether the SIM uses it now.")
    rank: int | None = described("Its place, 1 is used; null: a hard factor rules it out.")
    score: int = described("Its points; 0 if it is ruled out.")
    factors: list[ImsiFactor] = described("All that was looked at.")


@strawberry.type(description="Which IMSI a SIM would use in a country, and why.")
class ImsiSelection:
    country: str = described("The country, ISO 3166 alpha-2.")
    outages: list[str] = described("The operators taken to be out: those that are, and those of the question.")
    winner: Imsi | None = described("The IMSI that would be used; null if each is ruled out.")
    explanation: str = described("Why that one, in words.")
    candidates: list[ImsiCandidate] = described("All IMSIs that the SIM can use now, from best to worst.")
