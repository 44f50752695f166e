"""Whether an organisation asks its users for a second factor."""

from __future__ import annotations

from motet.access.principals import Principal, Role
from motet.domain.errors import DeniedError
from motet.identity.second_factor.enrolment import Account, Enrolment
from motet.storage import second_factor
from motet.storage.database import Database
from motet.storage.identity_provider import organisation_of, stands_alone
from motet.storage.transaction import transaction


class SecondFactorRequirement:
    """The rule of each organisation; it holds for those below it too."""

    def __init__(self, database: Database, enrolment: Enrolment) -> None:
        self._database = database
        self._enrolment = enrolment

    async def require(self, principal: Principal, required: bool, *, of_administrators: bool = False) -> None:
        """Set it for the organisation of the principal's workspace: for all its users, or those alone who administer
        anything. All nodes hear of it: their sessions that have not shown a second factor may from then on do no more
        than set one up.

        Raises DeniedError for who may not, and for a user whose own session has not shown one.
        """
        organisation_id = await self._organisation_of(principal)
        if required and principal.user_id is not None and not await self._enrolment.has_shown(Account.of(principal)):
            raise DeniedError("Set up a second factor of your own first.", path=("required",))
        async with transaction(self._database) as connection:
            await second_factor.set_required(connection, organisation_id, required, required and of_administrators)

    async def _organisation_of(self, principal: Principal) -> int:
        """The rule reaches people in all workspaces of the organisation: the administrator of one of several does not
        make it."""
        if principal.workspace_id is None or principal.role not in (Role.ADMINISTRATOR, Role.SUPER_ADMIN):
            raise DeniedError("Administrators of an organisation say whether it asks for a second factor.")
        organisation_id = await organisation_of(self._database.pool, principal.workspace_id)
        if organisation_id is None:
            raise DeniedError("The workspace is gone.")
        if principal.role is Role.ADMINISTRATOR and not await stands_alone(
            self._database.pool, organisation_id, principal.workspace_id
        ):
            raise DeniedError("The organisation has more than this workspace: a super administrator does this.")
        return organisation_id
