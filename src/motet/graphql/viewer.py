"""The viewer: who asks, and as a person what is their own. Each part is read only where it is asked for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from strawberry.types import Info

from motet.access.principals import Principal
from motet.access.standings import CUSTOM
from motet.domain.global_ids import encode_global_id
from motet.graphql.account_view import ACCOUNT_PARTS, account_part
from motet.graphql.context import Context
from motet.graphql.fields import context_of, raw
from motet.graphql.plain import shaped
from motet.graphql.selection import selection_of
from motet.reading.plan import Failure
from motet.reading.reader import READ_ERRORS, Answer


async def read_viewer(info: Info) -> Any:
    """The Answer of the field `viewer`: never null; a part that cannot be read is."""
    context = context_of(info)
    values: dict[str, Any] = {}
    failures: list[Failure] = []
    for child in selection_of(raw(info)).children:
        values[child.key] = None
        try:
            if child.name == "workspace":
                if context.principal.workspace_id is None:
                    continue
                answer = await context.services.reader.by_id(
                    context.principal, "Workspace", child.children, context.principal.workspace_id
                )
                values[child.key] = answer.value
            elif child.name == "workspaces":
                values[child.key] = shaped(child, await _workspaces(context))
            elif child.name in ACCOUNT_PARTS:
                values[child.key] = shaped(child, await account_part(context, child.name))
            else:
                values[child.key] = _plain(context)[child.name]
        except READ_ERRORS as error:
            failures.append(Failure((child.key,), error))
    return Answer(values, failures)


async def _workspaces(context: Context) -> list[dict[str, Any]]:
    return [
        {
            "__typename": "ViewerWorkspace",
            "id": encode_global_id("Workspace", one.id),
            "name": one.name,
            "role": one.role,
            "isDefault": one.is_default,
        }
        for one in await context.services.identity.own_workspaces.of(context.principal)
    ]


def _role_of(principal: Principal) -> str | None:
    if principal.role is not None:
        return principal.role.value
    return None if principal.role_id is None else CUSTOM


def _plain(context: Context) -> dict[str, Any]:
    principal = context.principal
    return {
        "subject": principal.subject,
        "role": _role_of(principal),
        "roleName": principal.role_name,
        "tags": None if principal.tags is None else sorted(principal.tags),
        "isOperator": principal.is_operator,
        "permissions": sorted(permission.value for permission in principal.permissions),
        "expiresAt": datetime.fromtimestamp(principal.expires_at, UTC),
        "__typename": "Viewer",
    }
