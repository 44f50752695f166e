"""No secret reaches the audit log, whichever mutation it is given to: generated from the schema."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

import orjson
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLNonNull, get_named_type, is_leaf_type
from graphql_client import Client
from graphql_world import World
from test_schema import ABOUT, OWN_TYPES, STRAWBERRY_SCHEMA, WELL_FORMED, ids_of, permission_of, subject_of
from test_second_factor_mutations import user_in

from motet.access.principals import OPERATOR_PERMISSIONS, ROLE_PERMISSIONS, Permission, Role
from motet.domain.global_ids import encode_global_id
from motet.domain.redaction import is_secret
from motet.graphql.fields import SECRETS
from motet.storage.database import Database
from people_world import PASSWORD

_LAST = re.compile("(Delete|Erase|Remove|Revoke|End|EndAll|Suspend|Release|Disable|Decline|Cancel|Move)$")
_ALL = re.compile("(workspace|organisation)(Suspend|Delete)")
MUTATIONS = sorted(
    OWN_TYPES["Mutation"].fields, key=lambda name: (_ALL.match(name) is not None, _LAST.search(name) is not None, name)
)
"""What ends something comes late, and what ends everything last."""

LOOKS_SECRET = re.compile(
    r"pass|pwd|secret|token|key|code|cred|priv|otp|seed|salt|signature|signing|nonce|auth|bearer|cookie|session|state|proof|challenge"
    r"|text|body|message|content|payload|hex|csv|document$|(^|_)(pin|puk|ki|data)$",
    re.IGNORECASE,
)

PLAIN = {
    "idempotencyKey": "the caller's own word for a request",
    "key": "of a device's attribute; what is kept under it is shown unless the key says that it is secret",
    "postalCode": "an address",
    "signInUrl": "where browsers are sent; what stands behind its question mark is left out all the same",
    "tokenId": "a token's `jti`: nobody gets in by it",
    "shortCodeCreate.code": "a short code",
    "breakoutRegionUpdate.code": "a region",
}
"""Inputs, of one mutation or of all, whose names look secret and that are not: why. A new one belongs here, into
`motet.domain.redaction`, or into its mutation's `secrets`."""

SHOWN_ONCE = {"key", "otpauthUri", "qrCode", "state"}
"""Fields of answers that are secret, besides those whose names say so."""

GOOD: dict[str, dict[str, Any]] = {
    "activationCodeCreate": {"matchingId": "MARKER", "confirm": True, "confirmationCode": "MARKER"},
    "apiKeyCreate": {"scopes": ["sms:send"]},
    "passwordChange": {"oldPassword": PASSWORD, "newPassword": "a new and long MARKER"},
    "simImport": {"csv": "iccid,imsi,msisdn\n899990100000MARKER,MARKER,MARKER\n"},
    "userInvite": {"role": "USER"},
    "webhookCreate": {"eventTypes": ["sms.received"], "url": "https://hook.example.org/p?key=MARKER"},
    "webhookUpdate": {"url": "https://hook.example.org/p?MARKER=x"},
    "identityProviderUpdate": {"clientSecret": "MARKER"},
    "totpEnroll": {"password": PASSWORD},
    "passkeyRegisterBegin": {"password": PASSWORD},
}
"""Secrets, and what else has to be there, with which a mutation is done: what it changes is looked at, too."""


def inputs(mutation: str) -> Iterator[tuple[str, Any]]:
    """Every field of a mutation's input, on any level, once."""
    seen: set[str] = set()

    def walk(type_: Any) -> Iterator[tuple[str, Any]]:
        if type_.name not in seen:
            seen.add(type_.name)
            for name, of in type_.fields.items():
                yield name, of
                if isinstance(get_named_type(of.type), GraphQLInputObjectType):
                    yield from walk(get_named_type(of.type))

    yield from walk(get_named_type(OWN_TYPES["Mutation"].fields[mutation].args["input"].type))


def declared(mutation: str) -> frozenset[str]:
    """The inputs that are secret in this mutation alone."""
    fields = STRAWBERRY_SCHEMA.get_type_by_name("Mutation").fields  # type: ignore[union-attr]
    to_graphql = STRAWBERRY_SCHEMA.config.name_converter.get_graphql_name
    found: frozenset[str] = next(one for one in fields if to_graphql(one) == mutation).metadata[SECRETS]
    return found


def takes_text(type_: Any) -> bool:
    kind = get_named_type(type_)
    return is_leaf_type(kind) and not isinstance(kind, GraphQLEnumType) and kind.name in {"String", "JSON"}


def test_what_looks_secret_is_or_is_known_not_to_be() -> None:
    unknown, used = set(), set()
    for mutation in MUTATIONS:
        for name, of in inputs(mutation):
            if not takes_text(of.type) or is_secret(name) or name in declared(mutation):
                continue
            known = {name, f"{mutation}.{name}"} & set(PLAIN)
            used |= known
            if LOOKS_SECRET.search(name) and not known:
                unknown.add(f"{mutation}.{name}")
    assert unknown == set()
    assert used == set(PLAIN)


def test_what_is_declared_secret_is_an_input() -> None:
    for mutation in MUTATIONS:
        assert declared(mutation) <= {name for name, _ in inputs(mutation)}, mutation


class Asker:
    """Makes inputs in which each text is a marker, and remembers which may be found again."""

    def __init__(self, ids: dict[str, str]) -> None:
        self.ids = ids
        self.numbers = itertools.count(1)
        self.secret: dict[str, str] = {}
        """Marker -> the input that it was given as."""
        self.plain: dict[str, str] = {}

    def given(self, mutation: str, *, whole: bool) -> dict[str, Any]:
        """`whole`: every field of the input has a value; else those that are needed, and the secret ones, and what
        is known to be accepted."""
        type_ = get_named_type(OWN_TYPES["Mutation"].fields[mutation].args["input"].type)
        given = self._object(mutation, type_, whole=whole, trail=())
        if whole:
            return given
        known = WELL_FORMED.get(mutation, {})
        given |= {name: value.strip('"') for name, value in known.items() if isinstance(given.get(name), str)}
        good = GOOD.get(mutation, {})
        if "MARKER" in str(good):
            good = orjson.loads(
                orjson.dumps(good).replace(b"MARKER", self._new(mutation, self.secret).upper().encode())
            )
        return given | good

    def _object(self, mutation: str, type_: Any, *, whole: bool, trail: tuple[str, ...]) -> dict[str, Any]:
        made = {}
        for name, of in type_.fields.items():
            kind = get_named_type(of.type)
            secret = is_secret(name) or name in declared(mutation)
            if kind.name in trail or not (whole or secret or isinstance(of.type, GraphQLNonNull)):
                continue
            value = self._value(mutation, name, kind, whole=whole, trail=trail)
            made[name] = [value] if "[" in str(of.type) else value
        return made

    def _value(self, mutation: str, name: str, kind: Any, *, whole: bool, trail: tuple[str, ...]) -> Any:
        if isinstance(kind, GraphQLInputObjectType):
            return self._object(mutation, kind, whole=whole, trail=(*trail, kind.name))
        if isinstance(kind, GraphQLEnumType):
            return next(iter(kind.values))
        if kind.name == "ID":
            type_name = ABOUT.get(name, subject_of(mutation))
            return self.ids.get(type_name, encode_global_id(type_name, 1))
        if takes_text(kind):
            return self._marked(mutation, name, kind)
        return {"Int": 1, "Boolean": True, "Float": 1.5, "DateTime": "2027-01-01T00:00:00Z"}.get(
            kind.name, "2027-01-01"
        )

    def _marked(self, mutation: str, name: str, kind: Any) -> Any:
        where = f"{mutation}.{name}"
        if is_secret(name) or name in declared(mutation):
            text = self._new(where, self.secret)
            return {"id": text, "response": {"clientDataJSON": text}} if kind.name == "JSON" else text
        if kind.name == "JSON":
            return {"site": self._new(where, self.plain), "wifiPassword": self._new(where, self.secret)}
        return self._new(where, self.plain)

    def _new(self, where: str, kept: dict[str, str]) -> str:
        """Eight hexadecimal digits: as short as the shortest password, and octets if octets are wanted."""
        marker = f"fade{next(self.numbers):04x}"
        kept[marker] = where
        return marker


async def entries_of(database: Database) -> str:
    """All that the audit log holds, in small letters."""
    rows = await database.pool.fetch("SELECT e::text FROM audit_entry e")
    return "\n".join(row[0] for row in rows).casefold()


def found_in(text: str, marker: str) -> bool:
    return marker.casefold() in text or marker.encode().hex() in text


async def test_no_mutation_brings_a_secret_into_the_audit_log(world: World) -> None:
    pool = world.tenants.database.pool
    link = encode_global_id("SmscLink", await pool.fetchval("SELECT id FROM smsc_link"))
    asker = Asker({**await ids_of(world, mine=True), "SmscLink": link})
    answered: dict[str, str] = {}
    done = set()
    for mutation in MUTATIONS:
        for whole in (True, False):
            client = await caller(world, mutation, whole)
            payload = get_named_type(OWN_TYPES["Mutation"].fields[mutation].type)
            leaves = [name for name, of in payload.fields.items() if is_leaf_type(get_named_type(of.type))]
            shown = [name for name in leaves if is_secret(name) or name in SHOWN_ONCE]
            kind = mutation[0].upper() + mutation[1:] + "Input!"
            reply = await client.query(
                f"mutation ($input: {kind}) {{ x: {mutation}(input: $input) "
                f"{{ {' '.join(shown)} userErrors {{ code message path }} }} }}",
                {"input": asker.given(mutation, whole=whole)},
            )
            refused = [error["extensions"]["code"] for error in reply.json.get("errors", [])]
            assert not {"INVALID", "INTERNAL"} & set(refused), (mutation, reply.json)
            answer = reply.json["data"]["x"] or {"userErrors": ["FORBIDDEN"]}
            if not answer["userErrors"]:
                done.add(mutation)
            for name in shown:
                value = answer.get(name)
                for text in value if isinstance(value, list) else [value]:
                    if isinstance(text, str) and not isinstance(text, bool):
                        answered[text] = f"{mutation}.{name} of the answer"
    text = await entries_of(world.tenants.database)
    secrets = {**asker.secret, **answered, PASSWORD: "a password"}
    leaked = {where for marker, where in secrets.items() if found_in(text, marker)}
    assert leaked == set()
    # The test sees what it looks for: what is plain is there, each mutation has its entries, and many were done.
    assert len([marker for marker in asker.plain if found_in(text, marker)]) > len(asker.plain) // 2
    actions = {row[0] for row in await pool.fetch("SELECT DISTINCT action FROM audit_entry")}
    assert set(MUTATIONS) <= actions
    assert set(GOOD) <= done


async def caller(world: World, mutation: str, whole: bool) -> Client:
    """Someone who may: of those that have a password and factors of their own a new user each time."""
    permission = permission_of("Mutation", mutation)
    if permission is Permission.VIEWER_WRITE:
        return await user_in(world, f"{mutation}{whole}@example.org".lower(), world.demo)
    if permission in OPERATOR_PERMISSIONS:
        return world.operator()
    assert permission in ROLE_PERMISSIONS[Role.SUPER_ADMIN], mutation
    return world.client(world.demo, Role.SUPER_ADMIN)
