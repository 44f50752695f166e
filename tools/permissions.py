"""Makes docs/permissions.md, the matrix of roles and permissions, from the code: `python -m tools.permissions`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from motet.access.principals import NETWORK_PERMISSIONS, OPERATOR_PERMISSIONS, ROLE_PERMISSIONS, Permission
from motet.graphql.fields import PERMISSION
from motet.graphql.schema import STRAWBERRY_SCHEMA
from motet.reading.entities import ENTITIES
from motet.rest.permissions import ROUTES

TARGET = Path(__file__).parents[1] / "docs/permissions.md"

_INTRODUCTION = """\
# Permissions

Made from the code by `make schema`; a test compares the two. Every field of Query, Mutation and Subscription and every
REST route declares what it takes, and a test fails for one that does not. Without it the answer is `FORBIDDEN`, or 403.

What a role allows holds in one workspace. A super administrator has its role in every workspace of its organisation
and of those below it ([organisations](organisations.md)). The operator stands above the workspaces: inside one it is
what it switches to. A *network* is the token of a mobile network.
"""

COLUMNS: Mapping[str, frozenset[Permission]] = {
    "Operator": OPERATOR_PERMISSIONS,
    **{role.value.replace("_", " ").capitalize(): held for role, held in ROLE_PERMISSIONS.items()},
    "Network": NETWORK_PERMISSIONS,
}


def page() -> str:
    """The text of the page."""
    return "\n".join((_INTRODUCTION, *_matrix(), "", *_uses(), ""))


def _matrix() -> Iterator[str]:
    yield "## Who has which"
    yield ""
    yield f"| Permission | {' | '.join(COLUMNS)} |"
    yield f"|---|{':-:|' * len(COLUMNS)}"
    for permission in sorted(Permission, key=str):
        marks = " | ".join("✓" if permission in held else "" for held in COLUMNS.values())
        yield f"| `{permission.value}` | {marks} |"


def _uses() -> Iterator[str]:
    yield "## What takes which"
    yield ""
    yield "Types are those that can be read with it, wherever they turn up: by `node`, in a list, below another object."
    yield ""
    yield "| Permission | Queries and subscriptions | Mutations | Types | REST |"
    yield "|---|---|---|---|---|"
    taken = {root: fields_by_permission(root) for root in ("Query", "Mutation", "Subscription")}
    for permission in (*sorted(Permission, key=str), None):
        cells = [
            [*taken["Query"].get(permission, ()), *taken["Subscription"].get(permission, ())],
            taken["Mutation"].get(permission, []),
            sorted(name for name, entity in ENTITIES.items() if entity.permission is permission),
            sorted(path for path, takes in ROUTES.items() if takes == permission),
        ]
        if any(cells):
            name = "none but to be someone" if permission is None else f"`{permission.value}`"
            yield f"| {name} | {' | '.join(', '.join(f'`{one}`' for one in cell) for cell in cells)} |"
    yield ""
    yield "| Route without a permission | Who may ask |"
    yield "|---|---|"
    for path, takes in sorted(ROUTES.items()):
        if not isinstance(takes, Permission):
            yield f"| `{path}` | {takes} |"


def fields_by_permission(root: str) -> dict[Permission | None, list[str]]:
    """The names of a root type's fields, sorted, by what they take."""
    found: dict[Permission | None, list[str]] = {}
    definition = STRAWBERRY_SCHEMA.get_type_by_name(root)
    for field in definition.fields:  # type: ignore[union-attr]
        name = STRAWBERRY_SCHEMA.config.name_converter.get_graphql_name(field)
        found.setdefault(field.metadata[PERMISSION], []).append(name)
    return {permission: sorted(names) for permission, names in found.items()}


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
