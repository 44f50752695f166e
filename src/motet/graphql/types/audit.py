"""Entries of the audit log."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import strawberry
from strawberry.scalars import JSON

from motet.graphql.types.relay import Node, described


@strawberry.enum(description="What someone has proved who they are by.")
class AuditActorKind(Enum):
    USER = strawberry.enum_value("USER", description="A person who has signed in.")
    API_KEY = strawberry.enum_value("API_KEY", description="A program with an API key.")
    TOKEN = strawberry.enum_value("TOKEN", description="A token of `motet token` for a role in the workspace.")
    OPERATOR = strawberry.enum_value("OPERATOR", description="The operator, above the workspaces.")
    NETWORK = strawberry.enum_value("NETWORK", description="A mobile network.")
    SHELL = strawberry.enum_value("SHELL", description="A command, by someone who has the database itself.")
    SYSTEM = strawberry.enum_value("SYSTEM", description="Motet, by a rule or a schedule.")
    ANONYMOUS = strawberry.enum_value("ANONYMOUS", description="Nobody yet: a sign-in that failed.")


@strawberry.enum(description="By what way something was asked for.")
class AuditEdge(Enum):
    GRAPHQL = strawberry.enum_value("GRAPHQL", description="A mutation.")
    REST = strawberry.enum_value("REST", description="A request to another path over HTTP.")
    SMPP = strawberry.enum_value("SMPP", description="A session of an ESME.")
    NETWORK = strawberry.enum_value("NETWORK", description="A report of a mobile network.")
    COMMAND = strawberry.enum_value("COMMAND", description="A command of `motet`.")
    JOB = strawberry.enum_value("JOB", description="A chunk of a job, for whoever asked for the job.")
    SYSTEM = strawberry.enum_value("SYSTEM", description="No way: Motet did it by itself.")


@strawberry.enum(description="What became of something that was asked for.")
class AuditOutcome(Enum):
    DONE = strawberry.enum_value("DONE", description="It was done.")
    REPEATED = strawberry.enum_value(
        "REPEATED", description="It was done before under the same idempotency key, and was not done again."
    )
    REFUSED = strawberry.enum_value("REFUSED", description="The input or a rule said no; `code` says why.")
    FORBIDDEN = strawberry.enum_value("FORBIDDEN", description="The actor may not do such a thing.")
    UNAUTHENTICATED = strawberry.enum_value(
        "UNAUTHENTICATED", description="The actor did not prove who they are: a sign-in failed."
    )
    FAILED = strawberry.enum_value("FAILED", description="It failed on our side, or whoever asked went away.")


@strawberry.enum(description="What was done to a row.")
class AuditOperation(Enum):
    INSERT = strawberry.enum_value("INSERT", description="It was made.")
    UPDATE = strawberry.enum_value("UPDATE", description="It was changed.")
    DELETE = strawberry.enum_value("DELETE", description="It was removed.")


@strawberry.type(description="One row that was changed.")
class AuditChange:
    table: str = described("Where it is kept, such as `device`.")
    operation: AuditOperation = described("What was done to it.")
    object_id: strawberry.ID | None = described("Its global id, if it is an object of this API.")
    before: JSON | None = described("The columns that changed, as they were; all of a row that was removed.")
    after: JSON | None = described("The columns that changed, as they are since; all of a row that was made.")


@strawberry.type(description="Something that someone asked for: who, what, from where, and what came of it.")
class AuditEntry(Node):
    id: strawberry.ID = described("The global id.")
    created_at: datetime = described("When it was done, or refused.")
    actor_kind: AuditActorKind = described("What the actor is.")
    actor: str = described("Who, as the viewer's `subject` shows them.")
    user_id: strawberry.ID | None = described("The user, if it was one; they may be gone.")
    api_key_id: strawberry.ID | None = described("The API key, if it was one; it may be gone.")
    edge: AuditEdge = described("By what way it was asked for.")
    action: str = described("What was asked for: the mutation, `POST /path`, the command, the kind of a job.")
    outcome: AuditOutcome = described("What became of it.")
    code: str | None = described("Of what was refused or failed, the code of the error.")
    path: list[str] | None = described("What of the input was at fault.")
    times: int = described("How often: refusals alike within a minute are counted in one entry from the sixth on.")
    address: str | None = described("The IP address that it came from.")
    user_agent: str | None = described("What the program there calls itself.")
    request_id: str | None = described("Of the request, as our log shows it.")
    input: JSON = described("The input, without secrets and texts.")
    changes: list[AuditChange] | None = described("The first 100 rows that were changed.")
    change_counts: JSON = described('How many rows were changed, by table and operation: `{"device.UPDATE": 5000}`.')
    sequence: int | None = described("Its number in the log's chain; null until it is sealed, about a second.")
    hash: str | None = described("Its hash in the chain, in hexadecimal digits; null until it is sealed.")


@strawberry.input(description="Which entries. Conditions side by side must all hold.")
class AuditEntryFilter:
    actor: str | None = strawberry.field(default=strawberry.UNSET, description="Of this actor, as `actor` shows them.")
    actor_kind: list[AuditActorKind] | None = strawberry.field(
        default=strawberry.UNSET, description="Of actors of one of these kinds."
    )
    edge: list[AuditEdge] | None = strawberry.field(default=strawberry.UNSET, description="By one of these ways.")
    action: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="One of these actions, such as `deviceUpdate`."
    )
    outcome: list[AuditOutcome] | None = strawberry.field(
        default=strawberry.UNSET, description="With one of these outcomes."
    )
    object_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="About the object with this global id, of whatever type."
    )
    address: str | None = strawberry.field(
        default=strawberry.UNSET, description="From this IP address, or a network such as 192.0.2.0/24."
    )
    since: datetime | None = strawberry.field(default=strawberry.UNSET, description="At this time or later.")
    until: datetime | None = strawberry.field(default=strawberry.UNSET, description="Before this time.")
    and_: list[AuditEntryFilter] | None = strawberry.field(
        name="and", default=strawberry.UNSET, description="All of these hold."
    )
    or_: list[AuditEntryFilter] | None = strawberry.field(
        name="or", default=strawberry.UNSET, description="At least one of these holds; an empty list lets nothing pass."
    )
    not_: AuditEntryFilter | None = strawberry.field(
        name="not", default=strawberry.UNSET, description="This does not hold."
    )
