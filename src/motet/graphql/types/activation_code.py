"""Activation codes of consumer eSIMs."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import strawberry

from motet.graphql.filters import filter_input
from motet.graphql.lists import listed
from motet.graphql.types.relay import Node, described
from motet.graphql.types.sim import Sim


@strawberry.enum(description="Where the profile behind an activation code is.")
class ActivationCodeState(Enum):
    ISSUED = strawberry.enum_value("ISSUED", description="It waits for a phone.")
    DOWNLOADED = strawberry.enum_value("DOWNLOADED", description="A phone has it; the code can be used no more.")
    INSTALLED = strawberry.enum_value("INSTALLED", description="It is on the phone's eUICC and not in use.")
    ENABLED = strawberry.enum_value("ENABLED", description="It is in use.")
    DELETED = strawberry.enum_value("DELETED", description="The phone has deleted it.")
    EXPIRED = strawberry.enum_value("EXPIRED", description="Nobody used the code in time, or it was revoked.")


@filter_input("Which activation codes. Conditions side by side must all hold.")
class ActivationCodeFilter:
    state: list[ActivationCodeState] | None = strawberry.field(
        default=strawberry.UNSET, description="In one of these states."
    )
    sim_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="Of this SIM.")
    matching_id: str | None = strawberry.field(default=strawberry.UNSET, description="With this matching id.")


@strawberry.type(description="A step in the life of an activation code.")
class ActivationCodeStep(Node):
    id: strawberry.ID = described("The global id.")
    state: ActivationCodeState = described("What it was from then on.")
    eid: str | None = described("The phone's eUICC, if one took part.")
    actor: str | None = described("Who did it, as the viewer's `subject` shows them; null: the phone, or time.")
    created_at: datetime = described("When it happened.")
    activation_code: ActivationCode | None = described("The code.")


@strawberry.type(description="What a phone scans to get a SIM as an eSIM (SGP.22 §4.1). It is good for one download.")
class ActivationCode(Node):
    id: strawberry.ID = described("The global id.")
    code: str = described("The code as the QR symbol has it, such as LPA:1$smdp.example.com$A1B2C-D3E4F.")
    smdp_address: str = described("The domain name of the SM-DP+ that has the profile.")
    matching_id: str = described("What the SM-DP+ finds the profile by.")
    oid: str | None = described("The SM-DP+'s object identifier, if the phone is to check it.")
    confirmation_required: bool = described("Whether the phone asks for a confirmation code.")
    state: ActivationCodeState = described("Where the profile is.")
    eid: str | None = described("The eUICC of the phone that has it.")
    qr_svg: str = described("The QR symbol as an SVG element.")
    qr_png: str = described("The QR symbol as a PNG file in base64.")
    expires_at: datetime = described("Not used by then it is EXPIRED.")
    created_at: datetime = described("When it was issued.")
    changed_at: datetime = described("When its state changed last.")
    sim: Sim | None = described("The SIM that the phone gets.")
    history = listed(ActivationCodeStep, "Its life, oldest first.")
