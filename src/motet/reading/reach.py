"""What a principal inside a workspace sees of what lies above it: organisations, and the workspaces beside its own.

Statements on such rows have `[workspace, organisation]` as their `$1`, where others have the workspace. The
organisation is the one that a super administrator is one of: -1 for that of the workspace, 0 for none. The operator's
statements have neither, and see all.
"""

# ruff: noqa: S608 - text of declared constants

from __future__ import annotations

from motet.access.principals import Principal, Role
from motet.reading.model import Entity

WORKSPACE = "($1::bigint[])[1]"
"""The asker's workspace, in a reach."""

OWN_ORGANISATION = f"(SELECT rw.organisation_id FROM workspace rw WHERE rw.id = {WORKSPACE})"
"""The organisation of the asker's workspace."""

ADMINISTERED = f"CASE ($1::bigint[])[2] WHEN -1 THEN {OWN_ORGANISATION} ELSE ($1::bigint[])[2] END"
"""The organisation that the asker is a super administrator of; 0, which no organisation has, if it is none."""


def seen_from(entity: Entity, principal: Principal) -> int | list[int] | None:
    """The parameter `$1` of a statement on the entity's rows; None for the operator, who has none."""
    if entity.reach is None or principal.workspace_id is None:
        return principal.workspace_id
    if principal.role is not Role.SUPER_ADMIN:
        return [principal.workspace_id, 0]
    return [principal.workspace_id, principal.organisation_id or -1]


def condition_of(entity: Entity, alias: str, *, from_tenant: bool = False) -> str:
    """The condition on a row of an entity with a reach. `from_tenant`: in a statement on rows of a workspace, where
    `$1` is that workspace alone, and nothing is in reach but what is its own."""
    condition = (entity.reach or "false").replace("{t}", alias)
    return condition.replace("$1::bigint[]", "ARRAY[$1, 0]::bigint[]") if from_tenant else condition
