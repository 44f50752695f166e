"""Organisations."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.domain.errors import InvalidError, NotFoundError
from motet.domain.global_ids import decode_global_id, encode_global_id
from motet.domain.organisation_report import OrganisationReport as Report
from motet.domain.organisation_report import Volume, WorkspaceReport, as_csv
from motet.domain.usage import Granularity
from motet.graphql.fields import context_of, query, raw
from motet.graphql.lists import root_list
from motet.graphql.plain import shaped
from motet.graphql.reads import answer
from motet.graphql.selection import selection_of
from motet.graphql.types.organisation import Organisation, OrganisationFilter
from motet.graphql.types.organisation_report import OrganisationReport
from motet.graphql.types.usage import UsageGranularity
from motet.reading.errors import InvalidRequestError


def _volume(volume: Volume) -> dict[str, Any]:
    names = ("smsMt", "smsMtParts", "smsMo", "smsMoParts", "octetsUp", "octetsDown")
    return {"__typename": "UsageVolume", **dict(zip(names, map(float, volume), strict=True))}


def _workspace(one: WorkspaceReport) -> dict[str, Any]:
    return {
        "__typename": "WorkspaceReport",
        "workspaceId": encode_global_id("Workspace", one.workspace_id),
        "workspaceName": one.name,
        "organisationName": one.organisation,
        "endedAt": one.ended_at,
        "sims": [
            {"__typename": "SimStatusCount", "status": status.name, "count": count}
            for status, count in sorted(one.sims.items())
        ],
        "deviceCount": one.devices,
        "volume": _volume(one.volume),
        "smsNotDelivered": [
            {"__typename": "SmsStatusCount", "status": state.name, "count": count}
            for state, count in sorted(one.outcomes.items())
        ],
    }


def _shown(report: Report, since: datetime, until: datetime, granularity: Granularity) -> dict[str, Any]:
    return {
        "__typename": "OrganisationReport",
        "since": since,
        "until": until,
        "granularity": granularity.name,
        "workspaces": [_workspace(one) for one in report.workspaces],
        "isTruncated": report.is_truncated,
        "totals": _volume(report.totals),
        "periods": [
            {"__typename": "UsagePeriod", "start": start, "volume": _volume(volume)} for start, volume in report.periods
        ],
        "csv": lambda _: as_csv(report),
    }


@strawberry.type
class OrganisationQueries:
    """The part of Query that is about organisations."""

    organisations = root_list(
        Organisation,
        Permission.ORGANISATION_READ,
        "The organisations within reach: all for the operator, for a super administrator its own and those below it,"
        " for others that of their workspace.",
        filter_by=OrganisationFilter,
    )

    @query(
        Permission.ORGANISATION_REPORT,
        "What the workspaces of an organisation and of those below it have now, and used in a time. The operator's, and"
        " super administrators'.",
    )
    async def organisation_report(
        self,
        info: Info,
        since: Annotated[datetime, strawberry.argument(description="Periods that began then or later.")],
        until: Annotated[
            datetime,
            strawberry.argument(
                description="Periods that began before. At most 31 days later by hours, 366 by days, 5 years by months."
            ),
        ],
        granularity: Annotated[
            UsageGranularity, strawberry.argument(description="The length of the periods.")
        ] = UsageGranularity.DAY,
        organisation_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="The organisation; the viewer's own if not given.")
        ] = strawberry.UNSET,
    ) -> OrganisationReport | None:
        context = context_of(info)
        selected = selection_of(raw(info))
        asked = selected.arguments.get("organisationId")
        decoded = None if asked is None else decode_global_id(asked)
        if asked is not None and (decoded is None or decoded[0] != "Organisation"):
            return answer(None)
        by = Granularity[selected.arguments.get("granularity") or "DAY"]
        reports = context.services.identity.organisation_reports
        try:
            report = await reports.make(context.principal, None if decoded is None else decoded[1], since, until, by)
        except NotFoundError:
            return answer(None)
        except InvalidError as error:
            raise InvalidRequestError(error.message) from None
        return answer(shaped(selected, _shown(report, since, until, by)))

    @query(Permission.ORGANISATION_READ, "An organisation by its id; without one, the viewer's own.")
    async def organisation(
        self,
        info: Info,
        id: Annotated[  # noqa: A002
            strawberry.ID | None, strawberry.argument(description="A global id; the viewer's own if not given.")
        ] = strawberry.UNSET,
    ) -> Organisation | None:
        context = context_of(info)
        selected = selection_of(raw(info))
        global_id = selected.arguments.get("id")
        if global_id is None:
            organisation_id = await context.services.identity.organisations.own(context.principal)
        else:
            decoded = decode_global_id(global_id)
            organisation_id = decoded[1] if decoded is not None and decoded[0] == "Organisation" else None
        if organisation_id is None:
            return answer(None)
        reader = context.services.reader
        found: Any = await reader.by_id(context.principal, "Organisation", selected.children, organisation_id)
        return found
