"""Members of a workspace and invitations to it, as they are read. Secrets are no fields."""

from motet.access.principals import Permission
from motet.domain.users import UserStatus
from motet.reading.filters import contains, one_of, one_of_texts
from motet.reading.makers import column, global_id, state
from motet.reading.model import Entity, ToOne
from motet.reading.tag_scope import SHARED

USER = Entity(
    name="User",
    table="workspace_user",
    permission=Permission.USER_READ,
    fields={
        "id": global_id("User"),
        "email": column("email"),
        "name": column("name"),
        "locale": column("locale"),
        "status": state("status", UserStatus),
        "role": column("role"),
        "customRole": ToOne("CustomRole", "role_id"),
        "hasPassword": column("has_password"),
        "joinedAt": column("joined_at"),
        "createdAt": column("created_at"),
        "activatedAt": column("activated_at"),
        "lastLoginAt": column("last_login_at"),
    },
    filters={"email": contains("email"), "role": one_of_texts("role"), "status": one_of("status", UserStatus)},
    sparse=frozenset({"email", "role", "status"}),
    scope=SHARED,
)

INVITATION = Entity(
    name="Invitation",
    table="invitation",
    permission=Permission.USER_READ,
    fields={
        "id": global_id("Invitation"),
        "email": column("email"),
        "name": column("name"),
        "locale": column("locale"),
        "role": column("role"),
        "customRole": ToOne("CustomRole", "role_id"),
        "invitedBy": column("invited_by"),
        "createdAt": column("created_at"),
        "expiresAt": column("expires_at"),
    },
    scope=SHARED,
)
