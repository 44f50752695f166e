"""Roles that workspaces make themselves, as they are read."""

from motet.access.principals import Permission
from motet.reading.filters import contains
from motet.reading.makers import column, global_id
from motet.reading.model import Entity, SortKey, Value
from motet.reading.tag_scope import SHARED

_MEMBERS = """(SELECT count(*) FROM membership m
WHERE m.workspace_id = {t}.workspace_id AND m.role_id = {t}.id)"""

CUSTOM_ROLE = Entity(
    name="CustomRole",
    table="custom_role",
    permission=Permission.ROLE_READ,
    fields={
        "id": global_id("CustomRole"),
        "name": column("name"),
        "description": column("description"),
        "permissions": column("permissions"),
        "tags": column("tags"),
        "version": column("version"),
        "memberCount": Value((_MEMBERS,)),
        "createdAt": column("created_at"),
        "updatedAt": column("updated_at"),
    },
    filters={"name": contains("name")},
    orders={"CREATED_AT": SortKey(), "NAME": SortKey("name")},
    scope=SHARED,
)
