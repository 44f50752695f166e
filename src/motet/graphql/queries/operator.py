"""What only the operator reads."""

from __future__ import annotations

import strawberry

from motet.access.principals import Permission
from motet.graphql.lists import root_list
from motet.graphql.types.operator import SmscLink, Workspace, WorkspaceFilter


@strawberry.type
class OperatorQueries:
    """The part of Query that is the operator's."""

    smsc_links = root_list(SmscLink, Permission.SMSC_LINK_READ, "The links to SMSCs upstream. The operator's.")
    workspaces = root_list(
        Workspace, Permission.WORKSPACES_READ, "All workspaces. The operator's.", filter_by=WorkspaceFilter
    )
