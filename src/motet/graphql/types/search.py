"""What the search finds."""

from __future__ import annotations

from enum import Enum

import strawberry

from motet.graphql.types.relay import Node, described


@strawberry.enum(description="What an object was found by.")
class SearchField(Enum):
    ID = strawberry.enum_value("ID", description="Its global id.")
    ICCID = strawberry.enum_value("ICCID", description="A SIM's ICCID, with or without its check digit.")
    EID = strawberry.enum_value("EID", description="The EID of a SIM's eUICC.")
    IMSI = strawberry.enum_value("IMSI", description="A SIM's IMSI: the one in use, or another that it may use.")
    MSISDN = strawberry.enum_value("MSISDN", description="A SIM's MSISDN, with or without plus.")
    IMEI = strawberry.enum_value("IMEI", description="A device's IMEI, of 14 or 15 digits, or an IMEISV of 16.")
    IP_ADDRESS = strawberry.enum_value("IP_ADDRESS", description="A device's address.")
    NAME = strawberry.enum_value("NAME", description="A device's name, whatever the case.")
    TAG = strawberry.enum_value("TAG", description="A device's tag, all of it.")
    BIC = strawberry.enum_value("BIC", description="The code of a batch of SIM cards.")
    MESSAGE_ID = strawberry.enum_value("MESSAGE_ID", description="A message's id, as an ESME was told it.")
    SMSC_MESSAGE_ID = strawberry.enum_value(
        "SMSC_MESSAGE_ID", description="The id that an SMSC gave a message or a part of it."
    )


@strawberry.type(description="Something that was found.")
class SearchMatch:
    field: SearchField = described("What it was found by.")
    value: str = described("What that is, in full.")
    exact: bool = described("Whether that is what was asked for, and not only its beginning or a part of it.")
    node: Node | None = described(
        "What was found: a `Sim`, a `Device`, an `SmsMessage`, a `SimBatch`; anything by `ID`."
    )


@strawberry.type(description="What a search found, the best first.")
class SearchResult:
    matches: list[SearchMatch] = described("Each object once: whole identifiers, then beginnings, then parts of names.")
    has_more: bool = described("Whether there is more than was asked for: a longer query finds less.")
