"""Who acts, and what they may do. Roles and their permissions are one table."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Permission(StrEnum):
    """One thing that a field, a mutation or a route needs, as `noun:verb`."""

    VIEWER_READ = "viewer:read"
    VIEWER_WRITE = "viewer:write"
    """One's own account: password, second factors, sessions. Everyone has it, and it reaches nobody else's."""
    WORKSPACE_READ = "workspace:read"
    WORKSPACE_WRITE = "workspace:write"
    SIM_READ = "sim:read"
    SIM_WRITE = "sim:write"
    SIM_ORDER_READ = "sim_order:read"
    SIM_ORDER_WRITE = "sim_order:write"
    SIM_PRODUCTION_WRITE = "sim_production:write"
    DEVICE_READ = "device:read"
    DEVICE_WRITE = "device:write"
    SERVICE_POLICY_READ = "service_policy:read"
    SERVICE_POLICY_WRITE = "service_policy:write"
    COVERAGE_POLICY_READ = "coverage_policy:read"
    COVERAGE_POLICY_WRITE = "coverage_policy:write"
    IP_ADDRESS_SPACE_READ = "ip_address_space:read"
    IP_ADDRESS_SPACE_WRITE = "ip_address_space:write"
    DNS_CONFIG_READ = "dns_config:read"
    DNS_CONFIG_WRITE = "dns_config:write"
    SMS_READ = "sms:read"
    SMS_SEND = "sms:send"
    USAGE_READ = "usage:read"
    QUOTA_READ = "quota:read"
    QUOTA_WRITE = "quota:write"
    EVENT_READ = "event:read"
    JOB_READ = "job:read"
    JOB_WRITE = "job:write"
    ALERT_READ = "alert:read"
    ALERT_WRITE = "alert:write"
    TICKET_READ = "ticket:read"
    TICKET_WRITE = "ticket:write"
    WEBHOOK_READ = "webhook:read"
    WEBHOOK_WRITE = "webhook:write"
    SHORT_CODE_READ = "short_code:read"
    SHORT_CODE_WRITE = "short_code:write"
    SMPP_ACCOUNT_READ = "smpp_account:read"
    SMPP_ACCOUNT_WRITE = "smpp_account:write"
    USER_READ = "user:read"
    USER_WRITE = "user:write"
    IDENTITY_PROVIDER_READ = "identity_provider:read"
    IDENTITY_PROVIDER_WRITE = "identity_provider:write"
    ROLE_READ = "role:read"
    ROLE_WRITE = "role:write"
    API_KEY_READ = "api_key:read"
    API_KEY_WRITE = "api_key:write"
    AUDIT_READ = "audit:read"
    TRUSTED_DOCUMENT_READ = "trusted_document:read"
    TRUSTED_DOCUMENT_WRITE = "trusted_document:write"
    REFERENCE_READ = "reference:read"
    REFERENCE_WRITE = "reference:write"
    SMSC_LINK_READ = "smsc_link:read"
    SMSC_LINK_WRITE = "smsc_link:write"
    WORKSPACES_READ = "workspaces:read"
    WORKSPACES_WRITE = "workspaces:write"
    ORGANISATION_READ = "organisation:read"
    ORGANISATION_WRITE = "organisation:write"
    ORGANISATION_REPORT = "organisation:report"
    SIM_MOVE = "sim:move"
    NETWORK_WRITE = "network:write"


class Role(StrEnum):
    """What a member of a workspace is."""

    SUPER_ADMIN = "SUPER_ADMIN"
    """An administrator in every workspace of an organisation and of those below it, which it administers, too."""
    ADMINISTRATOR = "ADMINISTRATOR"
    USER = "USER"
    """Runs the fleet: everything but people, keys and credentials."""
    OBSERVER = "OBSERVER"
    """Reads the fleet."""


_P = Permission

OPERATOR_PERMISSIONS = frozenset(
    {
        _P.VIEWER_READ,
        _P.VIEWER_WRITE,
        _P.REFERENCE_READ,
        _P.REFERENCE_WRITE,
        _P.SMSC_LINK_READ,
        _P.SMSC_LINK_WRITE,
        _P.WORKSPACES_READ,
        _P.WORKSPACES_WRITE,
        _P.AUDIT_READ,
        _P.SIM_ORDER_READ,
        _P.SIM_PRODUCTION_WRITE,
        _P.TRUSTED_DOCUMENT_READ,
        _P.TRUSTED_DOCUMENT_WRITE,
        _P.SIM_MOVE,
        _P.ORGANISATION_READ,
        _P.ORGANISATION_WRITE,
        _P.ORGANISATION_REPORT,
    }
)
"""The operator stands above the workspaces: what it does inside one, it does by naming it."""

NETWORK_PERMISSIONS = frozenset({_P.NETWORK_WRITE})
"""A mobile network tells what happens in it, and reads nothing."""

SHARED_PERMISSIONS = frozenset(
    {
        _P.VIEWER_READ,
        _P.VIEWER_WRITE,
        _P.REFERENCE_READ,
        _P.SIM_ORDER_READ,
        _P.SIM_MOVE,
        _P.ORGANISATION_READ,
        _P.TRUSTED_DOCUMENT_READ,
        _P.TRUSTED_DOCUMENT_WRITE,
        _P.AUDIT_READ,
    }
)
"""What members of a workspace have in it, and the operator above all."""

SUPER_ADMIN_PERMISSIONS = frozenset({_P.ORGANISATION_WRITE, _P.ORGANISATION_REPORT})
"""What a super administrator has in its organisation and those below it, and the operator above all."""

ENROLMENT_PERMISSIONS = frozenset({_P.VIEWER_READ, _P.VIEWER_WRITE})
"""What a user has until they have the second factor that their organisation asks for: enough to set one up."""

_ABOVE_WORKSPACES = (OPERATOR_PERMISSIONS | NETWORK_PERMISSIONS) - SHARED_PERMISSIONS

_OBSERVER = frozenset(
    {
        _P.VIEWER_READ,
        _P.VIEWER_WRITE,
        _P.REFERENCE_READ,
        _P.WORKSPACE_READ,
        _P.ORGANISATION_READ,
        _P.SIM_READ,
        _P.SIM_ORDER_READ,
        _P.DEVICE_READ,
        _P.SERVICE_POLICY_READ,
        _P.COVERAGE_POLICY_READ,
        _P.IP_ADDRESS_SPACE_READ,
        _P.DNS_CONFIG_READ,
        _P.SMS_READ,
        _P.USAGE_READ,
        _P.QUOTA_READ,
        _P.EVENT_READ,
        _P.JOB_READ,
        _P.ALERT_READ,
        _P.TICKET_READ,
        _P.WEBHOOK_READ,
        _P.SHORT_CODE_READ,
        _P.SMPP_ACCOUNT_READ,
    }
)
_USER = _OBSERVER | {
    _P.SIM_WRITE,
    _P.SIM_MOVE,
    _P.SIM_ORDER_WRITE,
    _P.DEVICE_WRITE,
    _P.SERVICE_POLICY_WRITE,
    _P.COVERAGE_POLICY_WRITE,
    _P.IP_ADDRESS_SPACE_WRITE,
    _P.DNS_CONFIG_WRITE,
    _P.SMS_SEND,
    _P.QUOTA_WRITE,
    _P.JOB_WRITE,
    _P.ALERT_WRITE,
    _P.TICKET_WRITE,
    _P.WEBHOOK_WRITE,
    _P.SHORT_CODE_WRITE,
}
_ADMINISTRATOR = frozenset(_P) - _ABOVE_WORKSPACES

ROLE_PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.SUPER_ADMIN: _ADMINISTRATOR | SUPER_ADMIN_PERMISSIONS,
    Role.ADMINISTRATOR: _ADMINISTRATOR,
    Role.USER: _USER,
    Role.OBSERVER: _OBSERVER,
}


ADMINISTRATIVE = tuple(
    sorted(permission.value for permission in _ADMINISTRATOR - _USER if permission.value.endswith(":write"))
)
"""What makes an administrator of who has one of these by a role of the workspace's own: people, roles, keys and
credentials are changed by them."""

GRANTABLE = _ADMINISTRATOR
"""What a custom role may hold: nothing that an administrator of the workspace does not have."""

EVERYONES = frozenset({_P.VIEWER_READ, _P.VIEWER_WRITE, _P.REFERENCE_READ})
"""What every role of a workspace has: one's own account, and what is nobody's."""

GRANTABLE_WITH_TAGS = _OBSERVER | {
    _P.VIEWER_WRITE,
    _P.SIM_WRITE,
    _P.DEVICE_WRITE,
    _P.SMS_SEND,
    _P.QUOTA_WRITE,
    _P.JOB_WRITE,
    _P.ALERT_WRITE,
    _P.TICKET_WRITE,
    _P.USER_READ,
    _P.ROLE_READ,
}
"""What a role that is bound to tags may hold: it reads the workspace's configuration, and changes only what devices
have. Who changes what all devices share (policies, addresses, webhooks, accounts, keys, people) acts on devices outside
of the scope, and who reads the audit log sees them."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a role or a key lets its holder do."""

    permissions: frozenset[Permission]
    tags: frozenset[str] | None = None
    """As `Principal.tags`."""


def role_grant(role: Role) -> Grant:
    """One of the roles that every workspace has."""
    return Grant(ROLE_PERMISSIONS[role])


def custom_grant(permissions: Collection[str], tags: Collection[str] | None) -> Grant:
    """A custom role as it is stored. Codes that are unknown by now, or that such a role may not hold, are nothing."""
    grantable = GRANTABLE if tags is None else GRANTABLE_WITH_TAGS
    held = EVERYONES | {permission for permission in grantable if permission.value in permissions}
    return Grant(held, None if tags is None else frozenset(tags))


def narrowed(grant: Grant, permissions: Collection[str] | None, tags: Collection[str] | None) -> Grant:
    """What is left of a role for a key of its holder that names permissions, tags, or both; None: as the role has it.

    Never more than the role: of two tag scopes what both name is left, which may be nothing.
    """
    held = grant.permissions
    if permissions is not None:
        held = frozenset(permission for permission in held if permission.value in permissions)
    bound = grant.tags
    if tags is not None:
        bound = frozenset(tags) if bound is None else bound & frozenset(tags)
    if bound is not None:
        held = held & GRANTABLE_WITH_TAGS
    return Grant(held, bound)


class Languages(NamedTuple):
    """In which words somebody is told what is wrong (BCP 47); None: not chosen."""

    own: str | None = None
    """What the user has chosen."""
    organisations: str | None = None
    """What their organisation has."""


NOT_CHOSEN = Languages()


@dataclass(frozen=True, slots=True)
class Principal:
    """Someone who has proved who they are: a member of one workspace with a role, or the operator or a mobile network
    with neither."""

    subject: str
    """Who, as the audit log shows it: `administrator@demo`, `operator`."""
    workspace_id: int | None
    workspace: str | None
    """The workspace's name."""
    role: Role | None
    """None for the operator, a network, a key, and a member whose role is a custom one."""
    is_operator: bool
    permissions: frozenset[Permission]
    expires_at: int
    """Unix seconds from which on the principal is nobody."""
    organisation_id: int | None = None
    """The user's organisation; None for who is no user."""
    user_id: int | None = None
    session_id: int | None = None
    """The login session that a user's token belongs to."""
    api_key_id: int | None = None
    token_id: str | None = None
    """The token's own name (`jti`), by which it can be revoked."""
    tags: frozenset[str] | None = None
    """The scope of a custom role: of devices, and what belongs to them, those with one of these tags. None: all."""
    role_id: int | None = None
    """The custom role of a member who has one."""
    role_name: str | None = None
    """What the workspace calls it."""
    languages: Languages = NOT_CHOSEN

    def allows(self, permission: Permission) -> bool:
        """Whether the principal may do this, in its own workspace or, for the operator, above them."""
        return permission in self.permissions


def member(
    subject: str, workspace_id: int, workspace: str, role: Role, expires_at: int, *, token_id: str | None = None
) -> Principal:
    """A principal of one workspace, with its role's permissions."""
    return Principal(
        subject, workspace_id, workspace, role, False, ROLE_PERMISSIONS[role], expires_at, token_id=token_id
    )


def custom_member(
    subject: str, workspace_id: int, workspace: str, role: tuple[int, str] | None, grant: Grant, expires_at: int
) -> Principal:
    """A principal of one workspace with what a custom role (its id and name) or a key grants."""
    role_id, role_name = (None, None) if role is None else role
    return Principal(
        subject,
        workspace_id,
        workspace,
        None,
        False,
        grant.permissions,
        expires_at,
        tags=grant.tags,
        role_id=role_id,
        role_name=role_name,
    )


def operator(subject: str, expires_at: int, *, token_id: str | None = None) -> Principal:
    """A principal above the workspaces."""
    return Principal(subject, None, None, None, True, OPERATOR_PERMISSIONS, expires_at, token_id=token_id)


def network(subject: str, expires_at: int, *, token_id: str | None = None) -> Principal:
    """A mobile network, which tells of the SIMs of all workspaces."""
    return Principal(subject, None, None, None, False, NETWORK_PERMISSIONS, expires_at, token_id=token_id)
