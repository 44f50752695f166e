"""PATCH (RFC 7644 §3.5.2) as Entra, Okta and the specification write it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from motet.identity.scim.resources import (
    GROUP_SCHEMA,
    PRIMARY,
    USER_SCHEMA,
    ScimError,
    ScimGroup,
    ScimUser,
    invalid,
    lower_keys,
    members_of,
    set_attribute,
    text,
)

PATCH_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

MAX_OPERATIONS = 1_000

_PATH = re.compile(r"(?P<name>[A-Za-z$][\w$-]*)(?:\[(?P<filter>[^\]]{1,300})\])?(?:\.(?P<part>[A-Za-z$][\w$-]*))?")
_EQUALS = re.compile(
    r'\s*(?P<name>[\w$.:-]+)\s+eq\s+(?:"(?P<value>(?:[^"\\\x00]|\\[^\x00])*)"|(?P<bare>true|false))\s*', re.IGNORECASE
)
_READ_ONLY = frozenset({"id", "meta", "groups", "schemas"})


def operations_of(body: Mapping[str, Any]) -> Iterator[tuple[str, str | None, Any]]:
    """(op, path, value) of each operation; a value without a path is taken apart. Raises ScimError."""
    given = lower_keys(body).get("operations")
    if not isinstance(given, list) or not given:
        raise ScimError(400, "Operations is a list of what to do.", "invalidSyntax")
    if len(given) > MAX_OPERATIONS:
        raise ScimError(413, f"A request holds at most {MAX_OPERATIONS} operations.")
    for operation in given:
        if not isinstance(operation, Mapping):
            raise ScimError(400, "An operation is an object.", "invalidSyntax")
        op, path, value = operation.get("op"), operation.get("path"), operation.get("value")
        if not isinstance(op, str) or op.casefold() not in ("add", "replace", "remove"):
            raise ScimError(400, "op is add, replace or remove.", "invalidSyntax")
        if path is not None and (not isinstance(path, str) or len(path) > 500):
            raise ScimError(400, "path is text.", "invalidPath")
        if path is None:
            if op.casefold() == "remove":
                raise ScimError(400, "To remove takes a path.", "noTarget")
            if not isinstance(value, Mapping):
                raise invalid("A value without a path is an object.")
            for name, inner in value.items():
                yield op.casefold(), name, inner
        else:
            yield op.casefold(), path, value


def patched_user(user: ScimUser, body: Mapping[str, Any]) -> ScimUser:
    """The user after all operations. Raises ScimError."""
    for op, path, value in operations_of(body):
        name, condition, part = _parsed(path, USER_SCHEMA)
        if name in _READ_ONLY:
            raise ScimError(400, f"{name} is not yours to change.", "mutability")
        if op == "remove" and name in ("username", "active"):
            raise ScimError(400, f"{name} cannot be removed.", "mutability")
        if name == "emails":
            if condition is not None and not _is_the_address(user, *condition):
                continue  # of another address, such as the one at home: there is one
            if op != "remove" and part is not None and part != "value":
                continue  # its type, or whether it is primary
            if op == "add" and part is None and not (value := _for_us(value)):
                continue
        user = set_attribute(user, f"{name}.{part}" if part else name, None if op == "remove" else value)
    return user


def _is_the_address(user: ScimUser, name: str, value: str) -> bool:
    """Whether `emails[name eq "value"]` is the address that we keep: it is shown as the primary one, for work."""
    return (name, value.casefold()) in (("type", "work"), ("primary", "true"), ("value", user.email.casefold()))


def _for_us(emails: Any) -> Any:
    """Of addresses that are added to the one that we keep those that would take its place."""
    if not isinstance(emails, list):
        return emails
    return [
        one
        for one in map(lower_keys, emails)
        if not isinstance(one, Mapping) or one.get("primary") in PRIMARY or one.get("type") in (None, "work")
    ]


def patched_group(group: ScimGroup, body: Mapping[str, Any]) -> ScimGroup:
    """The group after all operations. Raises ScimError."""
    for op, path, value in operations_of(body):
        name, condition, _ = _parsed(path, GROUP_SCHEMA)
        if name in _READ_ONLY:
            if op == "replace" and name == "id":
                continue  # Okta repeats the id of the group that it changes
            raise ScimError(400, f"{name} is not yours to change.", "mutability")
        if name == "members":
            group = replace(group, members=_members(group.members, op, condition, value))
        elif name == "displayname":
            shown = None if op == "remove" else text(value, "displayName")
            if shown is None:
                raise ScimError(400, "displayName is needed.", "mutability" if op == "remove" else "invalidValue")
            group = replace(group, display_name=shown)
        elif name == "externalid":
            group = replace(group, external_id=None if op == "remove" else text(value, "externalId"))
    return group


def _members(members: frozenset[str], op: str, condition: tuple[str, str] | None, value: Any) -> frozenset[str]:
    if op == "remove":
        if condition is not None:
            if condition[0] != "value":
                raise ScimError(400, "Members are picked by value.", "invalidFilter")
            return members - {condition[1]}
        return members - frozenset(members_of(value)) if value else frozenset()
    named = frozenset(members_of(value or []))
    return named if op == "replace" else members | named


def _parsed(path: str | None, schema: str) -> tuple[str, tuple[str, str] | None, str | None]:
    """(attribute, condition, sub-attribute), names in lower case. Raises ScimError."""
    plain = (path or "").strip()
    if plain.casefold().startswith(schema.casefold() + ":"):
        plain = plain[len(schema) + 1 :]
    if plain.casefold().startswith("urn:"):
        return "urn", None, None  # another schema's: not kept here
    match = _PATH.fullmatch(plain)
    if match is None:
        raise ScimError(400, "This path cannot be understood.", "invalidPath")
    condition = None if match["filter"] is None else equality(match["filter"])
    return match["name"].casefold(), condition, match["part"].casefold() if match["part"] else None


def equality(words: str) -> tuple[str, str]:
    """The attribute, in lower case, and the value of a filter `attribute eq "value"`, or `eq true`. Raises
    ScimError."""
    match = _EQUALS.fullmatch(words)
    if match is None:
        raise ScimError(400, 'A filter is one comparison: attribute eq "value".', "invalidFilter")
    return match["name"].casefold(), match["bare"] or re.sub(r"\\(.)", r"\1", match["value"])
