"""What a principal whose role is bound to tags sees: of devices those with one of the tags, of what belongs to a device
what belongs to one of these.

Every entity declares one of these scopes as its `Entity.scope`. A scope is a condition on a row: `{t}` stands for the
row's alias, `{tags}` for the parameter that holds the tags. It is added to the statements of such principals only: all
others' are what they would be without it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ground:
    """Rows of a table with tags, that a scope looks at."""

    table: str
    row_id: str
    """Which row it is for a row in the scope; null where it is none of this table."""


@dataclass(frozen=True, slots=True)
class TagScope:
    """Which rows there are within a tag scope."""

    condition: str
    is_rare: bool = False
    """Whether rows of the scope may be far apart in a table that grows without end: then a page of a list at the root
    looks at a bounded number of rows."""
    rests_on: tuple[Ground, ...] = ()
    """The rows whose tags decide: who changes such a row keeps these as they are meanwhile."""

    def of(self, alias: str, tags: str) -> str:
        """The condition on the row of this alias."""
        return self.condition.replace("{t}", alias).replace("{tags}", tags)


SHARED = TagScope("{tags}::text[] IS NOT NULL")
"""Configuration of the workspace, which is no device's: read as the permissions say. (A parameter has to be used.)"""

NOTHING = TagScope("{tags}::text[] IS NULL")
"""No row: it tells of all devices at once, or of none in particular."""

TAGGED = TagScope("{t}.tags && {tags}::text[]", rests_on=(Ground("device", "{t}.id"),))
"""Devices themselves."""

_OF_DEVICE = (
    "EXISTS (SELECT FROM device sd WHERE sd.workspace_id = {t}.workspace_id AND sd.id = {t}.{column}"
    " AND sd.tags && {tags}::text[])"
)
_OF_SIM = (
    "EXISTS (SELECT FROM sim ss JOIN device sd ON sd.workspace_id = ss.workspace_id AND sd.id = ss.device_id"
    " WHERE ss.workspace_id = {t}.workspace_id AND ss.id = {t}.{column} AND sd.tags && {tags}::text[])"
)
_DEVICE_OF_SIM = "(SELECT ss.device_id FROM sim ss WHERE ss.workspace_id = {t}.workspace_id AND ss.id = {t}.{column})"


def of_device(column: str, *, is_rare: bool = False) -> TagScope:
    """Rows whose `column` is the id of a device in the scope."""
    return TagScope(_OF_DEVICE.replace("{column}", column), is_rare, (Ground("device", f"{{t}}.{column}"),))


def of_sim(column: str) -> TagScope:
    """Rows whose `column` is the id of a SIM that is in such a device now: a SIM in no device is nobody's."""
    ground = Ground("device", _DEVICE_OF_SIM.replace("{column}", column))
    return TagScope(_OF_SIM.replace("{column}", column), rests_on=(ground,))


def of_device_or_sim(device: str, sim: str, *, is_rare: bool = False) -> TagScope:
    """Rows of such a device; those of no device, of a SIM that is in one now."""
    by_device, by_sim = of_device(device).condition, of_sim(sim).condition
    ground = Ground("device", f"coalesce({{t}}.{device}, {_DEVICE_OF_SIM.replace('{column}', sim)})")
    return TagScope(f"CASE WHEN {{t}}.{device} IS NULL THEN {by_sim} ELSE {by_device} END", is_rare, (ground,))


def of_row(table: str, column: str, scope: TagScope) -> TagScope:
    """Rows whose `column` is the id of a row of `table` that is in its own scope."""
    alias = f"s_{table}"
    there = f"FROM {table} {alias} WHERE {alias}.workspace_id = {{t}}.workspace_id AND {alias}.id = {{t}}.{column}"
    grounds = (
        Ground(ground.table, f"(SELECT {ground.row_id.replace('{t}', alias)} {there})") for ground in scope.rests_on
    )
    return TagScope(f"EXISTS (SELECT {there} AND {scope.condition.replace('{t}', alias)})", rests_on=tuple(grounds))
