"""The tree of organisations: what may be below what, how deep, and what organisations and workspaces are called."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from motet.domain.errors import ConflictError, DeniedError, InvalidError, LimitReachedError
from motet.domain.messages import said


class OrganisationKind(StrEnum):
    """What an organisation is to those below it, the highest first."""

    OPERATOR = "OPERATOR"
    """The root, and no other."""
    SERVICE_PROVIDER = "SERVICE_PROVIDER"
    RESELLER = "RESELLER"
    ENTERPRISE = "ENTERPRISE"


_RANK: Final = {kind: rank for rank, kind in enumerate(OrganisationKind)}

MAX_DEPTH: Final = 8
"""Organisations from the root to a leaf, both counted: room for resellers of resellers and divisions of enterprises."""

MAX_CHILDREN: Final = 1_000
"""Organisations directly below one."""

MAX_BRANCH: Final = 10_000
"""Organisations of a branch that begins directly below the operator: no customer fills the platform for the others."""

MAX_WORKSPACES: Final = 1_000
"""Live workspaces of one organisation."""

MAX_NAME_CHARACTERS: Final = 100

WORKSPACE_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
"""What could stand in a URL or a host's name."""


def check_organisation_name(name: str) -> str:
    """The name without the white space round it. Raises InvalidError."""
    name = name.strip()
    if not 1 <= len(name) <= MAX_NAME_CHARACTERS or not name.isprintable():
        raise InvalidError(
            "A name has 1 to {most} characters that can be printed.", path=("name",), most=MAX_NAME_CHARACTERS
        )
    return name


def check_workspace_name(name: str) -> None:
    """Raises InvalidError for a name that could not stand in a URL."""
    if not WORKSPACE_NAME.fullmatch(name):
        raise InvalidError("must be 1 to 63 lower-case letters, digits and inner hyphens", path=("name",))


def may_hold(parent: OrganisationKind, child: OrganisationKind) -> bool:
    """Whether the one may be directly below the other: kinds go down, or stay. Only the root is the operator."""
    return child is not OrganisationKind.OPERATOR and _RANK[child] >= _RANK[parent]


def check_kind(parent: OrganisationKind, child: OrganisationKind, *, path: tuple[str, ...]) -> None:
    """Raises InvalidError where the child may not be below the parent."""
    if not may_hold(parent, child):
        raise InvalidError("{child} cannot be below {parent}.", path=path, child=child.value, parent=parent.value)


def check_place(
    path_of_parent: list[int], height: int, *, moved: int | None = None, path: tuple[str, ...] = ("parent_id",)
) -> None:
    """Whether a branch of this height (1: one organisation) can be put below a parent, given by the ids from the root
    down to it. `moved` is the branch's own id if it is there already.

    Raises ConflictError if the branch would be below itself, LimitReachedError if it would reach too deep.
    """
    if moved is not None and moved in path_of_parent:
        raise ConflictError("An organisation cannot be below itself.", path=path)
    if len(path_of_parent) + height > MAX_DEPTH:
        raise LimitReachedError("The tree is at most {most} organisations deep.", path=path, most=MAX_DEPTH)


def check_number(children: int, branch: int, *, added: int = 1, path: tuple[str, ...] = ("parent_id",)) -> None:
    """Whether there is room for `added` organisations below a parent that has so many, in a branch of so many.

    Raises LimitReachedError.
    """
    if children >= MAX_CHILDREN:
        raise LimitReachedError("An organisation holds at most {most} others directly.", path=path, most=MAX_CHILDREN)
    if branch + added > MAX_BRANCH:
        raise LimitReachedError("A branch of the tree has at most {most} organisations.", path=path, most=MAX_BRANCH)


def check_empty(children: int, workspaces: int, users: int) -> None:
    """Raises DeniedError for an organisation that still holds something."""
    held = []
    if children:
        held.append(said("organisations ({number})", number=children))
    if workspaces:
        held.append(said("workspaces ({number})", number=workspaces))
    if users:
        held.append(said("users ({number})", number=users))
    if held:
        raise DeniedError("The organisation still holds {held}.", path=("id",), held=held)
