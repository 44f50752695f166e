"""What can be set of a device, and the rules of form for it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from motet.domain.errors import DeniedError, InvalidError
from motet.domain.identities import parse_imei
from motet.domain.imei_lock import parse_allowed
from motet.fleet.rules import UNCHANGED, Unchanged, check_text
from motet.storage.device import DeviceSettings

MAX_NAME_CHARACTERS = 100
MAX_TAGS = 50
"""Tags of one device: as many as a page of a portal can show."""
MAX_TAG_CHARACTERS = 50

MAX_ATTRIBUTES = 50
"""Attributes of one device: they are read with each row of a list."""
MAX_ATTRIBUTE_CHARACTERS = 255

_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_.\-]{0,49}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceChanges:
    """What to set; what is not named keeps its value, or the default in a new device."""

    name: str | Unchanged = UNCHANGED
    tags: Sequence[str] | Unchanged = UNCHANGED
    add_tags: Sequence[str] | Unchanged = UNCHANGED
    """Besides those that it has, or is given by `tags`."""
    remove_tags: Sequence[str] | Unchanged = UNCHANGED
    imei: str | Unchanged | None = UNCHANGED
    imei_lock: bool | Unchanged = UNCHANGED
    imei_allowed: Sequence[str] | Unchanged = UNCHANGED
    service_policy_id: int | Unchanged = UNCHANGED
    """In a new device, the workspace's default policy unless another is named."""
    coverage_policy_id: int | Unchanged | None = UNCHANGED
    """None: every network."""
    attributes: Mapping[str, Any] | Unchanged = UNCHANGED
    """All that it is to have, key to text."""
    set_attributes: Mapping[str, Any] | Unchanged = UNCHANGED
    """Key to text, besides those that it has; None removes one."""


def new_settings(workspace_id: int) -> DeviceSettings:
    """What a new device has where nothing else is said; its name is missing."""
    return DeviceSettings("", [], None, False, workspace_id, None, {}, [])


def applied(changes: DeviceChanges, settings: DeviceSettings) -> DeviceSettings:
    """The settings as the changes make them. Raises InvalidError."""
    name = settings.name if isinstance(changes.name, Unchanged) else changes.name
    imei = settings.imei if isinstance(changes.imei, Unchanged) else changes.imei
    imei_lock = settings.imei_lock if isinstance(changes.imei_lock, Unchanged) else changes.imei_lock
    check_text(name, "name", at_least=1, at_most=MAX_NAME_CHARACTERS)
    if name != name.strip() or "\n" in name or "\t" in name:
        raise InvalidError("A name is one line and has no space at its ends.", path=("name",))
    service, coverage = changes.service_policy_id, changes.coverage_policy_id
    return DeviceSettings(
        name,
        _tags(changes, settings.tags),
        None if imei is None else parse_imei(imei, ("imei",)),
        imei_lock,
        settings.service_policy_id if isinstance(service, Unchanged) else service,
        settings.coverage_policy_id if isinstance(coverage, Unchanged) else coverage,
        _attributes(changes, settings.attributes),
        settings.imei_allowed if isinstance(changes.imei_allowed, Unchanged) else parse_allowed(changes.imei_allowed),
    )


def check_stays_within(tags: Collection[str], within: Set[str] | None) -> None:
    """Raises DeniedError (path `tags`) if a device with these tags is none that someone bound to `within` may make or
    leave behind; None: to no tags."""
    if within is not None and within.isdisjoint(tags):
        raise DeniedError("A device keeps one of the tags that your role is bound to.", path=("tags",))


def _tags(changes: DeviceChanges, tags: list[str]) -> list[str]:
    """Each tag once, in the order given."""
    if not isinstance(changes.tags, Unchanged):
        tags = _checked_tags(changes.tags, "tags")
    if not isinstance(changes.add_tags, Unchanged):
        tags = [*tags, *_checked_tags(changes.add_tags, "add_tags")]
    if not isinstance(changes.remove_tags, Unchanged):
        gone = set(changes.remove_tags)
        tags = [tag for tag in tags if tag not in gone]
    tags = list(dict.fromkeys(tags))
    if len(tags) > MAX_TAGS:
        raise InvalidError("A device has at most {most} tags.", path=("tags",), most=MAX_TAGS)
    return tags


def _checked_tags(tags: Sequence[str], field: str) -> list[str]:
    for tag in tags:
        check_text(tag, field, at_least=1, at_most=MAX_TAG_CHARACTERS)
    return list(tags)


def _attributes(changes: DeviceChanges, attributes: dict[str, str]) -> dict[str, str]:
    if not isinstance(changes.attributes, Unchanged):
        attributes = _checked_attributes(changes.attributes, "attributes")
    if not isinstance(changes.set_attributes, Unchanged):
        given = changes.set_attributes
        if not isinstance(given, Mapping):
            raise InvalidError("This must be an object of texts by key.", path=("set_attributes",))
        gone = {key for key, value in given.items() if value is None}
        set_ = _checked_attributes({key: value for key, value in given.items() if key not in gone}, "set_attributes")
        attributes = {key: value for key, value in attributes.items() if key not in gone} | set_
    if len(attributes) > MAX_ATTRIBUTES:
        raise InvalidError("A device has at most {most} attributes.", path=("attributes",), most=MAX_ATTRIBUTES)
    return attributes


def _checked_attributes(attributes: Any, field: str) -> dict[str, str]:
    if not isinstance(attributes, Mapping):
        raise InvalidError("This must be an object of texts by key.", path=(field,))
    for key, value in attributes.items():
        if not _KEY.fullmatch(key):
            raise InvalidError(
                "A key is a letter and up to 49 letters, digits, dots, hyphens and underscores.", path=(field,)
            )
        if not isinstance(value, str):
            raise InvalidError("An attribute's value is text: {key}.", path=(field,), key=key)
        check_text(value, field, at_most=MAX_ATTRIBUTE_CHARACTERS)
    return dict(attributes)
