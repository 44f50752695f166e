"""Users and groups as SCIM spells them (RFC 7643 §4), read from and written to plain values. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from motet.domain.errors import InvalidError
from motet.domain.users import NAME_CHARACTERS, email_of

USER_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Group"

TEXT_CHARACTERS = 255
"""Of a user name, a group's name, an external id."""

MAX_MEMBERS = 10_000
"""Of a group, in one request."""


class ScimError(Exception):
    """A request that cannot be done; `scim_type` as in RFC 7644 §3.12."""

    def __init__(self, status: int, detail: str, scim_type: str | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.scim_type = scim_type


def invalid(detail: str) -> ScimError:
    return ScimError(400, detail, "invalidValue")


@dataclass(frozen=True, slots=True)
class ScimUser:
    """What a directory says of a person."""

    user_name: str
    email: str
    external_id: str | None = None
    name: str = ""
    """As it is shown."""
    given_name: str | None = None
    family_name: str | None = None
    active: bool = True


@dataclass(frozen=True, slots=True)
class ScimGroup:
    """What a directory says of a group."""

    display_name: str
    external_id: str | None = None
    members: frozenset[str] = frozenset()
    """SCIM ids of users."""


def lower_keys(value: Any) -> Any:
    """Attribute names are compared without regard to case (RFC 7643 §2.1)."""
    if isinstance(value, Mapping):
        return {str(name).casefold(): lower_keys(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [lower_keys(inner) for inner in value]
    return value


def user_of(given: Mapping[str, Any], *, was: ScimUser | None = None) -> ScimUser:
    """The user in a body (POST, PUT). Raises ScimError."""
    body = lower_keys(given)
    user_name = _text(body, "username")
    if user_name is None:
        raise invalid("userName is needed.")
    name = body.get("name") or {}
    if not isinstance(name, Mapping):
        raise invalid("name is an object.")
    given_name, family_name = _text(name, "givenname"), _text(name, "familyname")
    shown = _text(body, "displayname") or _text(name, "formatted")
    active = boolean(body.get("active"), "active", otherwise=True)
    return ScimUser(
        user_name=user_name,
        email=_mail(body.get("emails")) or user_name,
        external_id=_text(body, "externalid"),
        name=shown or " ".join(part for part in (given_name, family_name) if part),
        given_name=given_name,
        family_name=family_name,
        active=active,
    )


def group_of(given: Mapping[str, Any]) -> ScimGroup:
    """The group in a body (POST, PUT). Raises ScimError."""
    body = lower_keys(given)
    display_name = _text(body, "displayname")
    if display_name is None:
        raise invalid("displayName is needed.")
    return ScimGroup(display_name, _text(body, "externalid"), frozenset(members_of(body.get("members") or [])))


def members_of(value: Any) -> list[str]:
    """The ids in `members`. Raises ScimError."""
    items = value if isinstance(value, list) else [value]
    if len(items) > MAX_MEMBERS:
        raise ScimError(413, f"A request names at most {MAX_MEMBERS} members.")
    found = [lower_keys(item).get("value") if isinstance(item, Mapping) else item for item in items]
    if not all(isinstance(one, str) for one in found):
        raise invalid("A member is an object with a value.")
    return found


def boolean(value: Any, name: str, *, otherwise: bool) -> bool:
    """Entra writes booleans as text. Raises ScimError."""
    if value is None:
        return otherwise
    if isinstance(value, str) and value.casefold() in ("true", "false"):
        return value.casefold() == "true"
    if not isinstance(value, bool):
        raise invalid(f"{name} is a boolean.")
    return value


def _switch(value: Any, name: str) -> bool:
    """A boolean that must be there: nobody is shut out by what was left out. Raises ScimError."""
    if value is None:
        raise invalid(f"{name} is a boolean.")
    return boolean(value, name, otherwise=False)


def check_mail(user: ScimUser) -> tuple[str, str]:
    """The address as it is shown, and its key. Raises ScimError."""
    try:
        return email_of(user.email)
    except InvalidError:
        raise invalid("There must be a mail address in emails, or as userName.") from None


def text(value: Any, name: str) -> str | None:
    """A text, null for an empty one. Raises ScimError."""
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > TEXT_CHARACTERS or not value.isprintable():
        raise invalid(f"{name} has at most {TEXT_CHARACTERS} printable characters.")
    return value


def _text(body: Mapping[str, Any], name: str) -> str | None:
    return text(body.get(name), name)


PRIMARY = (True, "True", "true")
"""How directories say of an address that it is the primary one."""


def _mail(emails: Any) -> str | None:
    """The primary address, else that for work, else the first."""
    if emails is None:
        return None
    if not isinstance(emails, list) or not all(isinstance(one, Mapping) for one in emails):
        raise invalid("emails is a list of objects.")
    ranked = sorted(emails, key=lambda one: (one.get("primary") not in PRIMARY, one.get("type") != "work"))
    return _text(ranked[0], "value") if ranked else None


Set = Callable[[ScimUser, Any], ScimUser]

_USER_PATHS: Mapping[str, Set] = {
    "username": lambda user, value: replace(user, user_name=_needed(value, "userName")),
    "externalid": lambda user, value: replace(user, external_id=text(value, "externalId")),
    "displayname": lambda user, value: replace(user, name=_shown(value, "displayName")),
    "name.formatted": lambda user, value: replace(user, name=_shown(value, "name.formatted")),
    "name.givenname": lambda user, value: replace(user, given_name=text(value, "name.givenName")),
    "name.familyname": lambda user, value: replace(user, family_name=text(value, "name.familyName")),
    "active": lambda user, value: replace(user, active=_switch(value, "active")),
    "emails.value": lambda user, value: replace(user, email=text(value, "emails") or user.user_name),
    "emails": lambda user, value: replace(user, email=_mail(lower_keys(value)) or user.user_name),
}


def set_attribute(user: ScimUser, path: str, value: Any) -> ScimUser:
    """The user with one attribute as the directory has it now; None takes it away. What is not kept here (titles,
    telephone numbers …) is passed over. Raises ScimError."""
    path = path.casefold()
    if path == "name":
        value = lower_keys(value) if isinstance(value, Mapping) else {}
        for part in ("formatted", "givenname", "familyname"):
            if part in value or not value:
                user = _USER_PATHS[f"name.{part}"](user, value.get(part))
        return user
    return _USER_PATHS[path](user, value) if path in _USER_PATHS else user


def _needed(value: Any, name: str) -> str:
    found = text(value, name)
    if found is None:
        raise invalid(f"{name} is needed.")
    return found


def _shown(value: Any, name: str) -> str:
    return (text(value, name) or "")[:NAME_CHARACTERS]


def user_resource(
    user: ScimUser, user_id: str, created: datetime, updated: datetime, base: str, groups: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    """The user as it is answered. `groups`: (id, name)."""
    name = {"formatted": user.name, "givenName": user.given_name, "familyName": user.family_name}
    shown = {
        "schemas": [USER_SCHEMA],
        "id": user_id,
        "externalId": user.external_id,
        "userName": user.user_name,
        "displayName": user.name,
        "name": {part: value for part, value in name.items() if value},
        "emails": [{"value": user.email, "type": "work", "primary": True}],
        "active": user.active,
        "groups": [{"value": group, "display": shown, "$ref": f"{base}/Groups/{group}"} for group, shown in groups],
        "meta": _meta("User", f"{base}/Users/{user_id}", created, updated),
    }
    return {key: value for key, value in shown.items() if value not in (None, "", {}, [])}


def group_resource(group: ScimGroup, group_id: str, created: datetime, updated: datetime, base: str) -> dict[str, Any]:
    """The group as it is answered."""
    shown = {
        "schemas": [GROUP_SCHEMA],
        "id": group_id,
        "externalId": group.external_id,
        "displayName": group.display_name,
        "members": [{"value": one, "type": "User", "$ref": f"{base}/Users/{one}"} for one in sorted(group.members)],
        "meta": _meta("Group", f"{base}/Groups/{group_id}", created, updated),
    }
    return {key: value for key, value in shown.items() if value not in (None, [])}


def _meta(kind: str, location: str, created: datetime, updated: datetime) -> dict[str, str]:
    return {
        "resourceType": kind,
        "created": created.isoformat().replace("+00:00", "Z"),
        "lastModified": updated.isoformat().replace("+00:00", "Z"),
        "location": location,
    }
