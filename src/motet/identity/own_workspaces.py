"""The workspaces that a user is a member of: which they are, going from one to another, and where one begins."""

from __future__ import annotations

from motet.access.principals import Principal
from motet.access.tokens import AuthenticationError
from motet.domain.errors import DeniedError, NotFoundError
from motet.identity.authenticator import Authenticator
from motet.identity.sessions import Sessions, Signed
from motet.storage import own_workspace
from motet.storage.database import Database
from motet.storage.own_workspace import OwnWorkspace
from motet.storage.transaction import transaction

MAX_SHOWN = 500
"""Workspaces of one user that are listed; a super administrator finds all of its organisation by that."""


class OwnWorkspaces:
    """What users do with the workspaces that they are in. Errors are domain errors."""

    def __init__(self, database: Database, sessions: Sessions, authenticator: Authenticator) -> None:
        self._database = database
        self._sessions = sessions
        self._authenticator = authenticator

    async def of(self, principal: Principal) -> list[OwnWorkspace]:
        """The live workspaces that the principal is a member of, by name; who is no user has the one of its token."""
        if principal.user_id is not None:
            return await own_workspace.of_user(self._database.pool, principal.user_id, MAX_SHOWN)
        if principal.workspace_id is None or principal.workspace is None:
            return []
        role = None if principal.role is None else principal.role.value
        return [OwnWorkspace(principal.workspace_id, principal.workspace, role, False)]

    async def switch(self, principal: Principal, workspace_id: int | None) -> Signed:
        """Tokens of the same session for another workspace; None: for the operator.

        Raises DeniedError for who has not signed in, NotFoundError (path `workspace_id`) for a workspace that they are
        neither a member of nor a super administrator over.
        """
        user_id, session_id = _user_of(principal, workspace_id)
        try:
            return await self._sessions.switch(user_id, session_id, workspace_id)
        except AuthenticationError:  # there is no such workspace, or it has ended; the session was good a moment ago
            raise NotFoundError("There is no Workspace with this id.", path=("workspace_id",)) from None

    async def set_default(self, principal: Principal, workspace_id: int | None) -> None:
        """Where the user begins after signing in; None: in the oldest. Raises as `switch` does."""
        user_id, _ = _user_of(principal, workspace_id)
        if workspace_id is not None and await self._authenticator.elsewhere(principal, workspace_id) is None:
            raise NotFoundError("There is no Workspace with this id.", path=("workspace_id",))
        async with transaction(self._database) as connection:
            await own_workspace.set_default(connection, user_id, workspace_id)


def _user_of(principal: Principal, workspace_id: int | None) -> tuple[int, int]:
    """The user and their session. To who is neither, other workspaces than their token's are not there."""
    if principal.user_id is not None and principal.session_id is not None and principal.api_key_id is None:
        return principal.user_id, principal.session_id
    if workspace_id in (None, principal.workspace_id):
        raise DeniedError("Only who has signed in can do this.")
    raise NotFoundError("There is no Workspace with this id.", path=("workspace_id",))
