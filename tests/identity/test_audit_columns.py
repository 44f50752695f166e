"""What the audit log shows of columns, before and after: generated from the database, for every audited table."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from graphql import GraphQLInputObjectType

from motet.domain.redaction import REDACTED, is_secret, redacted
from motet.graphql.schema import SCHEMA
from motet.identity.audit import act_of
from motet.storage.acting import Act, Actor, ActorKind, Edge
from motet.storage.database import Database
from motet.storage.transaction import audited

PLAIN = {
    "alert.group_key", "invitation.email_key", "revoked_token.token_id", "scim_group.display_name_key",
    "scim_user.user_name_key", "short_code.code", "sign_in_attempt.key", "sim_purchase_order.postal_code",
    "sso_code.provider_sid", "sso_session.provider_sid", "user_account.email_key",
}  # fmt: skip
"""Columns of text whose names look secret and that are not. What is hidden by its name needs no word here."""

LOOKS_SECRET = (
    "pass",
    "secret",
    "token",
    "key",
    "code",
    "cred",
    "otp",
    "seed",
    "salt",
    "nonce",
    "cookie",
    "sid",
    "auth",
)

_AUDITED = """
SELECT c.relname AS table, a.attname AS name, format_type(a.atttypid, NULL) AS type
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE c.relnamespace = 'public'::regnamespace AND a.attgenerated = ''
   AND EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = 'audited')
 ORDER BY c.relname, a.attnum
"""
_TYPES = {"text", "text[]", "bytea", "bytea[]", "jsonb", "character varying"}


def act() -> Act:
    return act_of(Actor(ActorKind.SYSTEM, "a test"), None, Edge.SYSTEM, "x")


class Marks:
    """Markers for columns, and what they stand for."""

    def __init__(self) -> None:
        self.numbers = itertools.count(1)
        self.secret: dict[str, str] = {}
        self.plain: dict[str, str] = {}

    def value(self, column: str, type_: str) -> Any:
        """Something for the column, which one can find again; an octet string is never shown."""
        name = column.partition(".")[2]
        if type_.startswith("bytea"):
            octets = self._new(column, secret=True).encode()
            return [octets] if type_ == "bytea[]" else octets
        text = self._new(column, secret=is_secret(name))
        if type_ == "text[]":
            return [text]
        if type_ != "jsonb":
            return text
        hidden = [self._new(column, secret=True) for _ in range(4)]
        return {
            "plain": text, "wifi_password": hidden[0],
            "nested": [{"apiToken": hidden[1], "confirmationCode": hidden[2]}],
            "url": f"https://user:{hidden[3]}@example.org/x",
        }  # fmt: skip

    def _new(self, column: str, *, secret: bool) -> str:
        marker = f"marker{next(self.numbers):05}x"
        (self.secret if secret else self.plain)[marker] = column
        return marker


async def test_no_secret_of_any_column_is_shown(database: Database) -> None:
    """Each audited table's columns in a table of the same name without constraints, filled with markers."""
    marks = Marks()
    async with database.pool.acquire() as connection:
        columns: dict[str, dict[str, str]] = {}
        for row in await connection.fetch(_AUDITED):
            if row["type"] in _TYPES:
                columns.setdefault(row["table"], {})[row["name"]] = row["type"]
        assert len(columns) > 50
        await connection.execute("CREATE SCHEMA shadow")
        for table, types in columns.items():
            spelled = ", ".join(f"{name} {type_}" for name, type_ in types.items())
            await connection.execute(
                f"CREATE TABLE shadow.{table} ({spelled}); SELECT motet_audit_table('shadow.{table}')"
            )
            one, other = ([marks.value(f"{table}.{name}", type_) for name, type_ in types.items()] for _ in range(2))
            names, holes = ", ".join(types), ", ".join(f"${number}" for number in range(1, len(types) + 1))
            async with connection.transaction(), audited(connection, act()):
                for statement, values in (
                    (f"INSERT INTO shadow.{table} ({names}) VALUES ({holes})", one),  # noqa: S608 - names of ours
                    (f"UPDATE shadow.{table} SET ({names}) = ROW({holes})", other),  # noqa: S608
                    (f"DELETE FROM shadow.{table}", ()),  # noqa: S608
                ):
                    await connection.execute(statement, *values)
        rows = await connection.fetch("SELECT e::text FROM audit_entry e")
    text = "\n".join(row[0] for row in rows)
    assert len(rows) == len(columns)
    leaked = {column for marker, column in marks.secret.items() if marker in text or marker.encode().hex() in text}
    assert leaked == set()
    assert {column for marker, column in marks.plain.items() if marker not in text} == set()
    suspect = {
        column for column in marks.plain.values() if any(word in column.partition(".")[2] for word in LOOKS_SECRET)
    }
    assert suspect == PLAIN, "hide it by its name (motet.domain.redaction, motet_audit_secret), or add it to PLAIN"


_NAMES = """
password smppPassword wifi-password passwd pass_phrase secret_encrypted api_key_id apiKeyId apiKey
api-key key idempotencyKey email_key qr_svg qr tokenId token_id token refreshTOKEN token_hash tokens
pin PIN pin1 mapping spinning text context payloadHex hexagon nonce seed seeded otp totp kid
privateKey public_key ki wiki opc ADM1 code code_hash matchingId matching_id x x1 1 _ - Änderung
straße Ki_ short_message udh tlvs authorization bearerToken lpa LPA salted salt
"""


async def test_the_database_and_the_code_know_the_same_secrets(database: Database) -> None:
    names = {*_NAMES.split(), ""}
    for type_ in SCHEMA.type_map.values():
        names |= set(type_.fields) if isinstance(type_, GraphQLInputObjectType) else set()
    names |= {row["name"] for row in await database.pool.fetch(_AUDITED)}
    rows = await database.pool.fetch("SELECT n, motet_audit_secret(n) FROM unnest($1::text[]) AS n", sorted(names))
    assert [tuple(row) for row in rows if is_secret(row[0]) is not row[1]] == []


async def shown_by_the_database(database: Database, name: str, value: Any) -> Any:
    return await database.pool.fetchval("SELECT motet_audit_shown($1, $2::jsonb)", name, value)


DEEP: Any = "x"
for _ in range(50):
    DEEP = [DEEP]


@pytest.mark.parametrize(("value", "shown"), [
    ("https://u:p@h/x?key=1#a", "https://[redacted]@h/x?[redacted]"),
    ("https://u:p@ss@h/x", "https://[redacted]@h/x"),
    ("see https://u:p@h and smpp://v:q@k", "see https://[redacted]@h and smpp://[redacted]@k"),
    ("https://h/x@y", "https://h/x@y"),
    ({"a": ["https://u:p@h"], "pin": "1", "b": None}, {"a": ["https://[redacted]@h"], "pin": REDACTED, "b": None}),
    ({"password": None, "secrets": {"a": 1}}, {"password": None, "secrets": REDACTED}),
    ({"a": 2**60, "b": True, "c": 1.5, "d": {}, "e": []}, {"a": str(2**60), "b": True, "c": 1.5, "d": {}, "e": []}),
])  # fmt: skip
async def test_inputs_and_columns_are_shown_alike(database: Database, value: Any, shown: Any) -> None:
    assert redacted({"x": value}) == {"x": shown}
    assert await shown_by_the_database(database, "x", value) == shown


async def test_what_is_deep_or_long_is_not_shown(database: Database) -> None:
    assert "nested" in str(await shown_by_the_database(database, "x", DEEP))
    assert "nested" in str(redacted({"x": DEEP}))
    assert await shown_by_the_database(database, "x", "y" * 1001) == "[1001 characters]"
    assert await shown_by_the_database(database, "x", ["y" * 4000]) == "[4004 characters of JSON]"
    assert redacted({"x": "y" * 501}) == {"x": "[501 characters]"}
