"""What the viewer shows besides a password: never another's, and never the secret part."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import strawberry

from motet.graphql.types.relay import described


@strawberry.enum(description="How far an authenticator app is.")
class TotpStatus(Enum):
    PENDING = strawberry.enum_value("PENDING", description="Its secret was shown; no code of it has come yet.")
    ACTIVE = strawberry.enum_value("ACTIVE", description="Its codes are asked for at each sign-in.")


@strawberry.type(description="An authenticator app.")
class Totp:
    status: TotpStatus = described("How far it is.")
    created_at: datetime = described("When its secret was made.")


@strawberry.type(description="A key that a device or password manager keeps for the viewer (WebAuthn).")
class Passkey:
    id: strawberry.ID = described("The id, for the mutations about it.")
    name: str = described("What the viewer calls it.")
    backed_up: bool = described("Whether it is synchronised between devices, as its authenticator says.")
    transports: list[str] = described("How the authenticator is reached: internal, usb, nfc, ble, hybrid.")
    created_at: datetime = described("When it was added.")
    last_used_at: datetime | None = described("When it last signed in; null if never.")


@strawberry.type(description="A device on which the viewer is not asked for the second factor.")
class TrustedDevice:
    id: strawberry.ID = described("The id, for the mutation about it.")
    user_agent: str | None = described("What its program said about itself.")
    address: str | None = described("The address that it was trusted from.")
    created_at: datetime = described("When it was trusted.")
    last_used_at: datetime = described("When it last spared the second factor.")
    expires_at: datetime = described("When the second factor is asked for there again.")
