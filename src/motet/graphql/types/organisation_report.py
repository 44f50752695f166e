"""Reports over the workspaces of an organisation."""

from __future__ import annotations

from datetime import datetime

import strawberry

from motet.graphql.types.message import SmsStatus
from motet.graphql.types.relay import described
from motet.graphql.types.sim import SimStatus
from motet.graphql.types.usage import UsageGranularity


@strawberry.type(description="What was used.")
class UsageVolume:
    sms_mt: float = described("Messages to devices that were accepted; whole.")
    sms_mt_parts: float = described("The same in parts.")
    sms_mo: float = described("Messages from devices that were accepted.")
    sms_mo_parts: float = described("The same in parts.")
    octets_up: float = described("Octets of data from devices.")
    octets_down: float = described("Octets of data to devices.")


@strawberry.type(description="What was used in an hour, a day or a month.")
class UsagePeriod:
    start: datetime = described("When it began.")
    volume: UsageVolume = described("What all workspaces together used.")


@strawberry.type(description="How many SIMs have a status.")
class SimStatusCount:
    status: SimStatus = described("The status.")
    count: int = described("How many.")


@strawberry.type(description="How many messages ended otherwise than delivered.")
class SmsStatusCount:
    status: SmsStatus = described("How they ended.")
    count: int = described("How many, up to 10,000.")


@strawberry.type(description="What a workspace has and used.")
class WorkspaceReport:
    workspace_id: strawberry.ID = described("The workspace's global id.")
    workspace_name: str = described("Its name.")
    organisation_name: str = described("The name of the organisation that it belongs to.")
    ended_at: datetime | None = described("When it was ended; null: it lives.")
    sims: list[SimStatusCount] = described("Its SIMs by status, as they are now; a status without any is left out.")
    device_count: int = described("Its devices, as they are now.")
    volume: UsageVolume = described("What it used in the periods that began in the time asked for.")
    sms_not_delivered: list[SmsStatusCount] = described(
        "Messages of that time that were not delivered, by how they ended; an end without any is left out."
    )


@strawberry.type(description="What the workspaces of an organisation and of those below it have and used.")
class OrganisationReport:
    since: datetime = described("The beginning of the time asked for.")
    until: datetime = described("Its end.")
    granularity: UsageGranularity = described("The length of the periods.")
    workspaces: list[WorkspaceReport] = described("The workspaces by name, at most 1,000.")
    is_truncated: bool = described("Whether there are more: ask for the organisations below one by one.")
    totals: UsageVolume = described("What these workspaces used together.")
    periods: list[UsagePeriod] = described("The same by hours, days or months; one without any use is left out.")
    csv: str = described("The workspaces as CSV text (RFC 4180) with a header.")
