"""Organisations as they are read: all by the operator, a super administrator's own and those below it, and by other
members that of their workspace."""

from motet.access.principals import Permission
from motet.reading.filters import any_of, contains, refers_to
from motet.reading.makers import column, global_id, made
from motet.reading.model import Entity, ToMany, ToOne
from motet.reading.reach import ADMINISTERED, OWN_ORGANISATION
from motet.reading.tag_scope import SHARED


def _second_factor_of(required: bool, of_administrators: bool) -> str | None:
    return None if not required else "ADMINISTRATORS" if of_administrators else "EVERYONE"


ORGANISATION = Entity(
    name="Organisation",
    table="organisation",
    permission=Permission.ORGANISATION_READ,
    fields={
        "id": global_id("Organisation"),
        "name": column("name"),
        "kind": column("kind"),
        "locale": column("locale"),
        "createdAt": column("created_at"),
        "suspendedAt": column("suspended_at"),
        "secondFactorOf": made(_second_factor_of, "mfa_required", "mfa_of_administrators"),
        "parent": ToOne("Organisation", "parent_id"),
        "organisations": ToMany("Organisation", "parent_id"),
        "workspaces": ToMany("Workspace", "organisation_id"),
    },
    tenant_column="id",
    operator_reads_all=True,
    scope=SHARED,
    reach=f"({{t}}.id = {OWN_ORGANISATION} OR {{t}}.path @> ARRAY[{ADMINISTERED}])",
    filters={
        "kind": any_of("kind"),
        "nameContains": contains("name"),
        "parentId": refers_to("parent_id", "Organisation"),
    },
)
