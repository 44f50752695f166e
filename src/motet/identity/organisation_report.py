"""Reports over all workspaces of an organisation, for the operator and super administrators."""

from __future__ import annotations

from datetime import datetime

from motet.access.principals import Principal
from motet.domain.errors import NotFoundError
from motet.domain.ids import first_id_at
from motet.domain.organisation_report import (
    MAX_WORKSPACES,
    OUTCOME_BOUND,
    OUTCOMES,
    OrganisationReport,
    Volume,
    WorkspaceReport,
    check_span,
)
from motet.domain.states import MessageState, SimStatus
from motet.domain.usage import Granularity
from motet.identity.reach import root_of
from motet.storage import organisation
from motet.storage import organisation_report as storage
from motet.storage.database import Database


class OrganisationReports:
    """Makes reports."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def make(
        self,
        principal: Principal,
        organisation_id: int | None,
        since: datetime,
        until: datetime,
        granularity: Granularity,
    ) -> OrganisationReport:
        """What the workspaces of an organisation (None: the principal's own) and of those below it have now, and used
        in the periods that began in that time.

        Raises InvalidError (path `until`), NotFoundError for an organisation out of reach.
        """
        check_span(since, until, granularity)
        async with self._database.pool.acquire() as connection:
            root = await root_of(connection, principal)
            asked = organisation_id or root
            if await organisation.find(connection, asked, root) is None:
                raise NotFoundError("No such organisation.", path=("organisation_id",))
            rows = await storage.workspaces(connection, asked, since, MAX_WORKSPACES + 1)
            ids = [row["id"] for row in rows[:MAX_WORKSPACES]]
            span = (int(granularity), since, until)
            used = {row[0]: Volume(*row[1:]) for row in await storage.by_workspace(connection, ids, *span)}
            periods = [(row[0], Volume(*row[1:])) for row in await storage.by_period(connection, ids, *span)]
            devices = await storage.devices(connection, ids)
            sims: dict[int, dict[SimStatus, int]] = {}
            for row in await storage.sims(connection, ids):
                sims.setdefault(row["workspace_id"], {})[SimStatus(row["status"])] = row["n"]
            messages = (first_id_at(int(since.timestamp() * 1_000)), first_id_at(int(until.timestamp() * 1_000)))
            ended: dict[int, dict[MessageState, int]] = {}
            states = [int(state) for state in OUTCOMES]
            for row in await storage.outcomes(connection, ids, states, messages, OUTCOME_BOUND):
                ended.setdefault(row["workspace_id"], {})[MessageState(row["state"])] = row["n"]
        return OrganisationReport(
            [
                WorkspaceReport(
                    row["id"],
                    row["name"],
                    row["organisation"],
                    row["ended_at"],
                    sims.get(row["id"], {}),
                    devices.get(row["id"], 0),
                    used.get(row["id"], Volume()),
                    ended.get(row["id"], {}),
                )
                for row in rows[:MAX_WORKSPACES]
            ],
            len(rows) > MAX_WORKSPACES,
            periods,
        )
