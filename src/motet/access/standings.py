"""Principals and roles as the rules of roles see them."""

from __future__ import annotations

from collections.abc import Set

from motet.access.principals import ROLE_PERMISSIONS, Permission, Principal, Role
from motet.domain.role_rules import Actor, Standing

CUSTOM = "CUSTOM"
"""What a membership says whose role is one that people have made."""


def actor_of(principal: Principal) -> Actor:
    """Who asks, for the rules: in the principal's own workspace, or above all of them."""
    if principal.is_operator:
        return Actor(principal.user_id, None)
    role = CUSTOM if principal.role is None else principal.role.value
    return Actor(principal.user_id, Standing(role, principal.permissions, principal.tags))


def standing_of(role: Role) -> Standing:
    """One of the roles that every workspace has."""
    return Standing(role.value, ROLE_PERMISSIONS[role])


def custom_standing(permissions: Set[Permission], tags: Set[str] | None) -> Standing:
    """A role that people have made."""
    return Standing(CUSTOM, permissions, tags)
