"""Who may give, change or take away whose role: pure rules, the same for every edge and every way to change one.

Roles are compared by what they allow, not by a list of names, so that custom roles stand in the same order: a role is
*within* another if it allows nothing that the other does not, and sees no more.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from motet.domain.errors import DeniedError

ADMINISTRATOR = "ADMINISTRATOR"
SUPER_ADMIN = "SUPER_ADMIN"


@dataclass(frozen=True, slots=True)
class Standing:
    """A role as the rules see it."""

    role: str
    """Its name: `SUPER_ADMIN`, `ADMINISTRATOR`, `USER`, `OBSERVER`, or `CUSTOM`."""
    permissions: Set[str]
    tags: Set[str] | None = None
    """The scope of a custom role; None: all."""

    @property
    def is_super_admin(self) -> bool:
        return self.role == SUPER_ADMIN

    @property
    def is_administrator(self) -> bool:
        """Whether a workspace may rest on this member alone. A custom role is none, whatever it allows."""
        return self.role in (ADMINISTRATOR, SUPER_ADMIN)

    def is_within(self, other: Standing) -> bool:
        """Whether the role is equal to the other or lower."""
        if self.is_super_admin and not other.is_super_admin:
            return False
        sees_no_more = other.tags is None or (self.tags is not None and self.tags <= other.tags)
        return sees_no_more and self.permissions <= other.permissions


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks for the change."""

    user_id: int | None
    """None for who is no user: an API key, a token from the shell."""
    standing: Standing | None
    """In the workspace that it is about; None for the operator, who is above all of them."""

    @property
    def is_super_admin(self) -> bool:
        return self.standing is None or self.standing.is_super_admin

    def outranks(self, standing: Standing) -> bool:
        """Whether the role is the actor's own or a lower one."""
        return self.standing is None or standing.is_within(self.standing)


def check_grant(actor: Actor, wanted: Standing, *, path: tuple[str | int, ...] = ("role",)) -> None:
    """Whether the actor may give a role to someone who has none in the workspace. Raises DeniedError."""
    if not actor.outranks(wanted):
        raise DeniedError("You can give only roles that allow no more than your own.", path=path)


def check_change(
    actor: Actor,
    user_id: int,
    now: Standing,
    wanted: Standing | None,
    *,
    other_administrators: int,
    path: tuple[str | int, ...] = ("role",),
) -> None:
    """Whether the actor may give a member another role, or with `wanted` None take the membership away.

    `other_administrators` counts the active members of the workspace, but for this one, whose role is Administrator;
    count them under a lock on the workspace, so that two last ones cannot remove each other. Raises DeniedError.
    """
    check_touch(actor, user_id, is_super_admin=now.is_super_admin, path=path)
    if not actor.outranks(now):
        raise DeniedError("This member's role allows more than yours.", path=path)
    if wanted is not None:
        check_grant(actor, wanted, path=path)
    if now.is_administrator and not (wanted is not None and wanted.is_administrator):
        check_not_last(other_administrators, path=path)


def check_touch(actor: Actor, user_id: int, *, is_super_admin: bool, path: tuple[str | int, ...] = ("id",)) -> None:
    """Whether the actor may change what a user is: their role, their status, whether they are there at all.

    Nobody does it to themselves, and only a super administrator to one. Raises DeniedError.
    """
    if actor.user_id == user_id:
        raise DeniedError("Nobody changes their own role or standing: someone else has to.", path=path)
    if is_super_admin and not actor.is_super_admin:
        raise DeniedError("Only a super administrator changes or removes a super administrator.", path=path)


def check_super_admin(actor: Actor, user_id: int, *, path: tuple[str | int, ...] = ("is_super_admin",)) -> None:
    """Whether the actor may make a user a super administrator, or make one an ordinary user. Raises DeniedError."""
    check_touch(actor, user_id, is_super_admin=True, path=path)


def check_not_last(other_administrators: int, *, path: tuple[str | int, ...] = ("id",)) -> None:
    """Whether a workspace can do without one of its administrators. Raises DeniedError for its last."""
    if other_administrators < 1:
        raise DeniedError("This is the last administrator of the workspace: name another one first.", path=path)
