"""SMPP accounts and short codes: what ESMEs have."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import strawberry

from motet.graphql.types.relay import (
    After,
    Before,
    Connection,
    First,
    Last,
    Node,
    declared,
    described,
    read_elsewhere,
)


@strawberry.enum(description="What `data_coding` 0 means to an ESME.")
class DefaultAlphabet(Enum):
    GSM7 = strawberry.enum_value("GSM7", description="GSM 7-bit, unpacked: one octet a character.")
    ASCII = strawberry.enum_value("ASCII", description="ASCII.")
    LATIN1 = strawberry.enum_value("LATIN1", description="ISO 8859-1.")


@strawberry.enum(description="How an ESME gets long messages from devices.")
class LongMo(Enum):
    JOINED = strawberry.enum_value(
        "JOINED", description="As one deliver_sm: in short_message up to 254 octets, else in message_payload."
    )
    PARTS = strawberry.enum_value("PARTS", description="As parts with their user data headers.")


@strawberry.type(description="The credentials and the limits of an ESME that connects by SMPP.")
class SmppAccount(Node):
    id: strawberry.ID = described("The global id.")
    system_id: str = described("The name that it binds with, unique on the platform; at most 15 octets.")
    description: str = described("What it is for.")
    default_alphabet: DefaultAlphabet = described("What `data_coding` 0 means to it.")
    long_mo: LongMo = described("How it gets long messages from devices.")
    window_size: int = described("Commands that a session may have unanswered before further ones wait.")
    rate_per_second: int | None = described("Submits a second before ESME_RTHROTTLED; null: no limit.")
    max_binds: int = described("Sessions at once.")
    queue_limit: int = described("Messages not yet final before ESME_RMSGQFUL.")
    outbind_host: str | None = described("Where an outbind is sent when messages wait for it.")
    outbind_port: int | None = described("The port for outbind.")
    enabled: bool = described("Whether it may bind.")
    allowed_cidrs: list[str] = described("The networks that it may bind from; empty: from anywhere.")
    created_at: datetime = described("When the account was made.")

    @declared("The short codes whose messages go to this account.")
    def short_codes(
        self,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
    ) -> Connection[ShortCode] | None:
        read_elsewhere()

    @declared("Its sessions that are bound now, on all nodes.")
    def sessions(
        self,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
    ) -> Connection[SmppSession] | None:
        read_elsewhere()


@strawberry.enum(description="What a session may do.")
class SmppBindType(Enum):
    TRANSMITTER = strawberry.enum_value("TRANSMITTER", description="Submit.")
    RECEIVER = strawberry.enum_value("RECEIVER", description="Receive.")
    TRANSCEIVER = strawberry.enum_value("TRANSCEIVER", description="Both.")


@strawberry.type(description="An ESME's session that is bound now.")
class SmppSession(Node):
    id: strawberry.ID = described("The global id.")
    smpp_account: SmppAccount | None = described("The account that it has bound with.")
    bind_type: SmppBindType = described("How it has bound.")
    address: str = described("The ESME's IP address.")
    port: int = described("The ESME's port.")
    tls: str | None = described("The version of TLS; null: none.")
    bound_at: datetime = described("When it has bound.")


@strawberry.type(description="A short number that devices write to and that messages to them may come from.")
class ShortCode(Node):
    id: strawberry.ID = described("The global id.")
    code: str = described("The number: 3 to 8 digits, unique in the workspace.")
    description: str = described("What it is for.")
    created_at: datetime = described("When the code was made.")
    smpp_account: SmppAccount | None = described("The account that gets the messages; webhooks get them too.")
