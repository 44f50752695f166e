"""Roaming partners of a workspace: whose IMSIs its SIMs hold, what those may do where, and which are preferred."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from motet.domain.errors import InvalidError, LimitReachedError, NotFoundError
from motet.domain.ids import IdGenerator
from motet.fleet.rules import UNCHANGED, Unchanged, check_plmn, check_range, check_text
from motet.radio.rats import Rat
from motet.radio.reference import countries
from motet.storage import imsi, roaming_partner
from motet.storage.database import Database, PooledConnection
from motet.storage.transaction import transaction

MAX_PARTNERS = 200
"""Of one workspace."""
MAX_NAME_CHARACTERS = 60
MAX_TERMS = 260
"""Of one partner: as many as there are countries."""
MAX_NETWORKS = 40
"""Of one country: more than any has."""
MAX_STAY_DAYS = 3_650


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTerm:
    """What a partner's IMSIs may and can do in a country; see `motet.domain.imsi_selection.Terms`."""

    country: str
    networks: Sequence[str]
    rats: Sequence[str]
    permanent_roaming: bool = True
    max_stay_days: int | None = None
    psm: bool = False
    edrx: bool = False


class RoamingPartnerService:
    """The partners of all workspaces, each call scoped to one. Errors are domain errors; paths name input fields."""

    def __init__(self, database: Database, ids: IdGenerator, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._ids = ids
        self._clock = clock

    async def create(self, workspace_id: int, name: str, plmn: str, terms: Sequence[NewTerm]) -> int:
        """Add a partner: its id. Raises InvalidError, ConflictError for a name that is taken, LimitReachedError."""
        name, plmn, rows = _checked_name(name), check_plmn(plmn, "plmn"), checked_terms(terms)
        partner_id = self._next_id()
        async with transaction(self._database, makes=partner_id) as connection:
            if await roaming_partner.count(connection, workspace_id) >= MAX_PARTNERS:
                raise LimitReachedError("A workspace has at most {most} partners.", most=MAX_PARTNERS)
            at = datetime.fromtimestamp(self._clock(), UTC)
            await roaming_partner.insert(connection, workspace_id, partner_id, name, plmn, at)
            await self._set_terms(connection, workspace_id, partner_id, rows)
        return partner_id

    async def update(
        self,
        workspace_id: int,
        partner_id: int,
        *,
        name: str | Unchanged = UNCHANGED,
        plmn: str | Unchanged = UNCHANGED,
        terms: Sequence[NewTerm] | Unchanged = UNCHANGED,
    ) -> None:
        """Change a partner; terms are replaced as a whole. Raises NotFoundError (path `id`), InvalidError,
        ConflictError."""
        async with transaction(self._database) as connection:
            locked = await self._locked(connection, workspace_id, partner_id)
            new_name = locked["name"] if isinstance(name, Unchanged) else _checked_name(name)
            new_plmn = locked["plmn"] if isinstance(plmn, Unchanged) else check_plmn(plmn, "plmn")
            await roaming_partner.update(connection, workspace_id, partner_id, new_name, new_plmn)
            if not isinstance(terms, Unchanged):
                await self._set_terms(connection, workspace_id, partner_id, checked_terms(terms))

    async def delete(self, workspace_id: int, partner_id: int) -> None:
        """Remove a partner. Raises NotFoundError, DeniedError while SIMs have IMSIs of it (path `id`)."""
        async with transaction(self._database) as connection:
            await self._locked(connection, workspace_id, partner_id)
            await roaming_partner.delete(connection, workspace_id, partner_id)

    async def prefer(self, workspace_id: int, country: str, partner_ids: Sequence[int]) -> None:
        """Set the order of partners in a country, in place of the one before; none: no order of your own.

        Raises InvalidError, NotFoundError for a partner that the workspace has not (path `partner_ids`).
        """
        country = check_country(country, ("country",))
        if len(set(partner_ids)) < len(partner_ids):
            raise InvalidError("A partner is in the list twice.", path=("partner_ids",))
        async with transaction(self._database) as connection:
            known = await roaming_partner.known(connection, workspace_id, partner_ids)
            if any(partner_id not in known for partner_id in partner_ids):
                raise NotFoundError("There is no such partner.", path=("partner_ids",))
            ids = [self._next_id() for _ in partner_ids]
            await imsi.set_preference(connection, workspace_id, country, ids, partner_ids)

    async def _locked(self, connection: PooledConnection, workspace_id: int, partner_id: int) -> Any:
        locked = await roaming_partner.lock(connection, workspace_id, partner_id)
        if locked is None:
            raise NotFoundError("There is no such partner.", path=("id",))
        return locked

    async def _set_terms(
        self, connection: PooledConnection, workspace_id: int, partner_id: int, terms: Sequence[NewTerm]
    ) -> None:
        rows = [
            (
                workspace_id, self._next_id(), partner_id, one.country, list(one.networks), list(one.rats),
                one.permanent_roaming, one.max_stay_days, one.psm, one.edrx,
            )
            for one in terms
        ]  # fmt: skip
        await roaming_partner.set_terms(connection, workspace_id, partner_id, rows)

    def _next_id(self) -> int:
        return self._ids.next(int(self._clock() * 1_000))


def checked_terms(terms: Sequence[NewTerm]) -> list[NewTerm]:
    """The same, each network and RAT once. Raises InvalidError with the path of the field at fault."""
    if len(terms) > MAX_TERMS:
        raise InvalidError("A partner has at most {most} terms.", path=("terms",), most=MAX_TERMS)
    found: list[NewTerm] = []
    for position, one in enumerate(terms):
        path = ("terms", position)
        check_country(one.country, (*path, "country"))
        if any(one.country == other.country for other in found):
            raise InvalidError("There are terms for this country already.", path=(*path, "country"))
        if len(one.networks) > MAX_NETWORKS:
            raise InvalidError("At most {most} networks.", path=(*path, "networks"), most=MAX_NETWORKS)
        for network in one.networks:
            try:
                check_plmn(network, "networks")
            except InvalidError as error:
                raise InvalidError(error.message, path=(*path, "networks")) from None
        if unknown := sorted(set(one.rats) - {rat.name for rat in Rat}):
            raise InvalidError("There is no RAT {unknown}.", path=(*path, "rats"), unknown=unknown[0])
        if one.max_stay_days is not None:
            if one.permanent_roaming:
                raise InvalidError(
                    "Where permanent roaming is allowed, no stay is too long: leave this out.",
                    path=(*path, "max_stay_days"),
                )
            try:
                check_range(one.max_stay_days, "max_stay_days", 1, MAX_STAY_DAYS)
            except InvalidError as error:
                raise InvalidError(error.message, path=(*path, "max_stay_days")) from None
        found.append(
            NewTerm(
                country=one.country,
                networks=list(dict.fromkeys(one.networks)),
                rats=list(dict.fromkeys(one.rats)),
                permanent_roaming=one.permanent_roaming,
                max_stay_days=one.max_stay_days,
                psm=one.psm,
                edrx=one.edrx,
            )
        )
    return found


def check_country(country: str, path: tuple[str | int, ...]) -> str:
    """The country, if there is one of this code (ISO 3166 alpha-2). Raises InvalidError."""
    if country not in countries():
        raise InvalidError("A country is two capital letters, such as DE.", path=path)
    return country


def _checked_name(name: str) -> str:
    check_text(name, "name", at_least=1, at_most=MAX_NAME_CHARACTERS)
    if name != name.strip() or "\n" in name or "\t" in name:
        raise InvalidError("A name is one line and has no space at its ends.", path=("name",))
    return name
