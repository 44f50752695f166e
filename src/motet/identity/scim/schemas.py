"""What SCIM's discovery endpoints say of us (RFC 7643 §5-§7): fixed but for the address."""

from __future__ import annotations

from typing import Any

from motet.identity.scim.collection import MAX_PAGE
from motet.identity.scim.resources import GROUP_SCHEMA, USER_SCHEMA

CONFIG_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
SCHEMA_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Schema"
TYPE_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"


def service_provider_config(base: str) -> dict[str, Any]:
    """What is supported."""
    return {
        "schemas": [CONFIG_SCHEMA],
        "patch": {"supported": True},
        "bulk": {"supported": False, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": True, "maxResults": MAX_PAGE},
        "changePassword": {"supported": False},
        "sort": {"supported": False},
        "etag": {"supported": False},
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "Bearer token",
                "description": "The provider's SCIM token, which its administrator is shown once.",
                "primary": True,
            }
        ],
        "meta": {"resourceType": "ServiceProviderConfig", "location": f"{base}/ServiceProviderConfig"},
    }


def resource_types(base: str) -> list[dict[str, Any]]:
    """Users and groups."""
    return [
        {
            "schemas": [TYPE_SCHEMA],
            "id": name,
            "name": name,
            "endpoint": f"/{name}s",
            "description": words,
            "schema": schema,
            "meta": {"resourceType": "ResourceType", "location": f"{base}/ResourceTypes/{name}"},
        }
        for name, words, schema in (
            ("User", "A person of the organisation.", USER_SCHEMA),
            ("Group", "People whose role a rule may give.", GROUP_SCHEMA),
        )
    ]


def schemas(base: str) -> list[dict[str, Any]]:
    """The attributes that are kept."""
    return [
        {
            "schemas": [SCHEMA_SCHEMA],
            "id": schema,
            "name": name,
            "description": words,
            "attributes": attributes,
            "meta": {"resourceType": "Schema", "location": f"{base}/Schemas/{schema}"},
        }
        for schema, name, words, attributes in (
            (USER_SCHEMA, "User", "A person of the organisation.", _USER),
            (GROUP_SCHEMA, "Group", "People whose role a rule may give.", _GROUP),
        )
    ]


def _attribute(
    name: str,
    words: str,
    kind: str = "string",
    *,
    multi: bool = False,
    required: bool = False,
    exact: bool = False,
    mutability: str = "readWrite",
    uniqueness: str = "none",
    parts: list[dict[str, Any]] | None = None,
    values: list[str] | None = None,
    refers_to: list[str] | None = None,
) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": name,
        "type": kind,
        "multiValued": multi,
        "description": words,
        "required": required,
        "caseExact": exact,
        "mutability": mutability,
        "returned": "default",
        "uniqueness": uniqueness,
    }
    extra = {"subAttributes": parts, "canonicalValues": values, "referenceTypes": refers_to}
    return shown | {key: value for key, value in extra.items() if value is not None}


_USER = [
    _attribute("userName", "What the directory calls the person.", required=True, uniqueness="server"),
    _attribute("displayName", "What people see; the same as name.formatted."),
    _attribute(
        "name",
        "The person's name.",
        "complex",
        parts=[
            _attribute("formatted", "All of it."),
            _attribute("givenName", "The given name."),
            _attribute("familyName", "The family name."),
        ],
    ),
    _attribute(
        "active", "Whether they may sign in; true if a new person is given without it.", "boolean", required=True
    ),
    _attribute(
        "emails",
        "The mail address: one is kept. A directory that gives none must have it as userName.",
        "complex",
        multi=True,
        required=True,
        parts=[
            _attribute("value", "The address.", required=True),
            _attribute("type", "Always work.", mutability="readOnly", values=["work"]),
            _attribute("primary", "Always true.", "boolean", mutability="readOnly"),
        ],
    ),
    _attribute(
        "groups",
        "The groups of the directory that they are in.",
        "complex",
        multi=True,
        mutability="readOnly",
        parts=[
            _attribute("value", "The group's id.", mutability="readOnly"),
            _attribute("display", "Its name.", mutability="readOnly"),
            _attribute("$ref", "Where it is.", "reference", mutability="readOnly", refers_to=["Group"]),
        ],
    ),
]

_GROUP = [
    _attribute("displayName", "What rules call the group.", required=True, uniqueness="server"),
    _attribute(
        "members",
        "Users of the directory.",
        "complex",
        multi=True,
        parts=[
            _attribute("value", "The user's id.", mutability="immutable"),
            _attribute("type", "Always User.", mutability="immutable", values=["User"]),
            _attribute("$ref", "Where they are.", "reference", mutability="immutable", refers_to=["User"]),
        ],
    ),
]
