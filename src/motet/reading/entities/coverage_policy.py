"""Coverage policies and their versions as they are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from motet.access.principals import Permission
from motet.reading.entities.service_policy import changes_told
from motet.reading.filters import contains
from motet.reading.makers import column, global_id, made
from motet.reading.model import Entity, SortKey, ToMany, ToOne, Value
from motet.reading.names import camel
from motet.reading.tag_scope import SHARED

_USED = """(SELECT count(*) FROM device d
WHERE d.workspace_id = {t}.workspace_id AND d.coverage_policy_id = {t}.id)"""
_USED_IN_SCOPE = f"{_USED[:-1]} AND d.tags && {{tags}}::text[])"


def _denials(entries: Sequence[str]) -> list[dict[str, Any]]:
    """`26201` or `26201:NB_IOT`."""
    return [
        {"operator": operator, "rat": rat or None, "__typename": "OperatorDenial"}
        for operator, _, rat in (entry.partition(":") for entry in entries)
    ]


def _steering(entries: Sequence[str]) -> list[dict[str, Any]]:
    """`26201=70`."""
    return [
        {"operator": operator, "weight": int(weight), "__typename": "OperatorPreference"}
        for operator, _, weight in (entry.partition("=") for entry in entries)
    ]


def _plain(name: str, value: Any) -> Any:
    """A field of a version in the shape that the policy itself has."""
    make = {"operators_denied": _denials, "steering": _steering}.get(name)
    if make is None or value is None:
        return value
    return [{key: each for key, each in entry.items() if key != "__typename"} for entry in make(value)]


def _content(content: Mapping[str, Any]) -> dict[str, Any]:
    return {camel(name): _plain(name, value) for name, value in content.items()}


def coverage_changes_told(changes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Differences between versions, in the API's names and shapes."""
    plain = [
        {"field": change["field"]} | {side: _plain(change["field"], change[side]) for side in ("before", "after")}
        for change in changes
    ]
    return changes_told(plain)


COVERAGE_POLICY = Entity(
    name="CoveragePolicy",
    table="coverage_policy",
    permission=Permission.COVERAGE_POLICY_READ,
    fields={
        "id": global_id("CoveragePolicy"),
        "name": column("name"),
        "description": column("description"),
        "version": column("version"),
        "usedCount": Value((_USED,), scoped=(_USED_IN_SCOPE,)),
        "createdAt": column("created_at"),
        "updatedAt": column("updated_at"),
        "countriesAllowed": column("countries_allowed"),
        "countriesDenied": column("countries_denied"),
        "operatorsAllowed": column("operators_allowed"),
        "operatorsDenied": made(_denials, "operators_denied"),
        "ratsAllowed": column("rats_allowed"),
        "ratsDenied": column("rats_denied"),
        "steering": made(_steering, "steering"),
        "devices": ToMany("Device", "coverage_policy_id"),
        "versions": ToMany("CoveragePolicyVersion", "policy_id"),
    },
    filters={"name": contains("name")},
    orders={"CREATED_AT": SortKey(), "NAME": SortKey("name")},
    scope=SHARED,
)

COVERAGE_POLICY_VERSION = Entity(
    name="CoveragePolicyVersion",
    table="coverage_policy_version",
    permission=Permission.COVERAGE_POLICY_READ,
    fields={
        "id": global_id("CoveragePolicyVersion"),
        "number": column("number"),
        "createdAt": column("at"),
        "actor": column("actor"),
        "restoredFrom": column("restored_from"),
        "content": made(_content, "content"),
        "diff": made(coverage_changes_told, "changes"),
        "policy": ToOne("CoveragePolicy", "policy_id"),
    },
    newest_first=True,
    scope=SHARED,
)
