"""eUICCs, their profiles, and the operations on them."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import strawberry

from motet.graphql.filters import filter_input
from motet.graphql.lists import later, listed
from motet.graphql.types.relay import Node, described
from motet.graphql.types.sim import Sim


@strawberry.enum(description="Where a profile of an eUICC is.")
class EuiccProfileState(Enum):
    AVAILABLE = strawberry.enum_value("AVAILABLE", description="It waits at the SM-DP to be downloaded.")
    DOWNLOADING = strawberry.enum_value("DOWNLOADING", description="It is on its way to the card.")
    DISABLED = strawberry.enum_value("DISABLED", description="It is on the card and not in use.")
    ENABLED = strawberry.enum_value("ENABLED", description="It is in use: exactly one of an eUICC is.")
    DELETED = strawberry.enum_value("DELETED", description="It is gone; its identities are free again.")


@strawberry.enum(description="What can be done with a profile.")
class EuiccOperationType(Enum):
    DOWNLOAD = strawberry.enum_value("DOWNLOAD", description="Load it onto the card; it is DISABLED then.")
    ENABLE = strawberry.enum_value("ENABLE", description="Use it in place of the one in use.")
    DISABLE = strawberry.enum_value("DISABLE", description="Use it no longer: the fallback profile takes over.")
    DELETE = strawberry.enum_value("DELETE", description="Remove it from the card.")
    ROLLBACK = strawberry.enum_value("ROLLBACK", description="Go back to it, the one that was in use before.")
    SET_FALLBACK = strawberry.enum_value("SET_FALLBACK", description="Make it the one that takes over from others.")


@strawberry.enum(description="How far an operation on an eUICC is.")
class EuiccOperationState(Enum):
    QUEUED = strawberry.enum_value("QUEUED", description="The network has not taken it yet.")
    SENT = strawberry.enum_value("SENT", description="The network has taken it; its result is outstanding.")
    OK = strawberry.enum_value("OK", description="The card has confirmed it.")
    FAILED = strawberry.enum_value("FAILED", description="The network or the card has refused it.")
    EXPIRED = strawberry.enum_value("EXPIRED", description="There was no result within its validity.")


@filter_input("Which profiles. Conditions side by side must all hold.")
class EuiccProfileFilter:
    state: list[EuiccProfileState] | None = strawberry.field(
        default=strawberry.UNSET,
        description="In one of these states; without such a condition deleted ones are left out.",
    )
    iccid: str | None = strawberry.field(default=strawberry.UNSET, description="With this ICCID.")


@filter_input("Which operations. Conditions side by side must all hold.")
class EuiccOperationFilter:
    state: list[EuiccOperationState] | None = strawberry.field(
        default=strawberry.UNSET, description="In one of these states."
    )
    euicc_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="On this eUICC.")


@strawberry.type(description="A step of an operation.")
class EuiccOperationStep(Node):
    id: strawberry.ID = described("The global id.")
    state: EuiccOperationState = described("What the operation was from then on.")
    reason: str | None = described("Why, where it did not go well.")
    created_at: datetime = described("When it happened.")
    operation: EuiccOperation | None = described("The operation.")


@strawberry.type(description="Something that is done with a profile; one at a time on each eUICC.")
class EuiccOperation(Node):
    id: strawberry.ID = described("The global id.")
    type: EuiccOperationType = described("What is done.")
    state: EuiccOperationState = described("How far it is.")
    valid_until: datetime = described("Without a result by then it is EXPIRED.")
    rollback_after_s: int | None = described(
        "Of ENABLE: if the SIM does not attach in so many seconds, the profile before is enabled again; null: never."
    )
    attach_by: datetime | None = described("Of ENABLE that is OK, until the SIM has attached: by when it must.")
    error: str | None = described("Why it did not go well.")
    actor: str | None = described("Who asked for it, as the viewer's `subject` shows them; null if nobody in person.")
    created_at: datetime = described("When it was asked for.")
    sent_at: datetime | None = described("When the network took it.")
    ended_at: datetime | None = described("When it ended.")
    euicc: Euicc | None = described("The eUICC.")
    profile: EuiccProfile | None = described("The profile.")
    origin: EuiccOperation | None = described("Of an automatic ROLLBACK: the operation that it undoes.")
    history = listed(EuiccOperationStep, "Its steps, oldest first.")


@strawberry.type(description="An operator's subscription on an eUICC, or on the way to it.")
class EuiccProfile(Node):
    id: strawberry.ID = described("The global id.")
    iccid: str = described("The profile's ICCID, digits, with its check digit.")
    imsi: str = described("The IMSI that the profile uses.")
    msisdn: str = described("Its telephone number; texts reach it while the profile is ENABLED.")
    plmn: str = described("Its home operator: MCC and MNC.")
    state: EuiccProfileState = described("Where it is.")
    is_fallback: bool = described("Whether it takes over when the one in use is disabled.")
    created_at: datetime = described("When it was added.")
    enabled_at: datetime | None = described("When it was last enabled.")
    euicc: Euicc | None = described("The eUICC.")
    imsis = listed(later("Imsi", "imsi"), "All IMSIs of the profile.")
    operations = listed(EuiccOperation, "What was done with it, newest first.", filter_by=EuiccOperationFilter)


@strawberry.type(description="A SIM whose operator can be changed over the air (SGP.02, SGP.32).")
class Euicc(Node):
    id: strawberry.ID = described("The global id.")
    eid: str = described("Its identifier, 32 digits of which two check the others.")
    max_profiles: int = described("How many profiles it may have, those that wait to be downloaded included.")
    created_at: datetime = described("When it was registered.")
    sim: Sim | None = described("The SIM that it is.")
    profiles = listed(EuiccProfile, "Its profiles.", filter_by=EuiccProfileFilter)
    operations = listed(EuiccOperation, "What was done with it, newest first.", filter_by=EuiccOperationFilter)


@filter_input("Which eUICCs. Conditions side by side must all hold.")
class EuiccFilter:
    eid: str | None = strawberry.field(default=strawberry.UNSET, description="With this EID.")


@strawberry.type(description="What an operation does to a profile, once the card has confirmed it.")
class EuiccEffect:
    profile_id: strawberry.ID = described("The profile.")
    iccid: str = described("Its ICCID.")
    before: EuiccProfileState = described("What it is now.")
    after: EuiccProfileState = described("What it will be.")
    is_fallback: bool = described("Whether it will be the fallback profile.")
