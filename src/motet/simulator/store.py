"""What survives kill -9: held texts, inboxes, parts, what an ESME has not answered, behaviours. SQLite, all SQL here.

Writes pile up in lists and become one transaction in `commit`, which runs before any answer goes out. WAL with
synchronous=NORMAL loses nothing when the process dies; what the machine's own crash could take is the last moments,
which a simulator can afford.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

MAX_FINALS = 500_000
"""Final states are kept for query_sm until so many newer texts have come."""

MAX_ORDERS = 100_000
"""Answers to orders that are kept, for orders that come again."""

_COUNTER_BLOCK = 100_000
"""Counters are reserved in blocks, so that none repeats after a crash and few writes are needed."""

_CHECKPOINT_PAGES = 4_000
"""16 MB of log: an fsync now and then instead of one for each 4 MB."""

_SQL_VARIABLES = 500
"""Row keys in one SELECT, below SQLite's smallest limit of 999."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, reserved INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS phone (
    msisdn TEXT PRIMARY KEY, behaviour TEXT NOT NULL, delay_s REAL NOT NULL, reply TEXT);
CREATE TABLE IF NOT EXISTS held (
    key INTEGER PRIMARY KEY, message_number INTEGER NOT NULL, msisdn TEXT NOT NULL,
    to_ton INTEGER NOT NULL, to_npi INTEGER NOT NULL, to_addr TEXT NOT NULL,
    accepted_at REAL NOT NULL, due REAL NOT NULL, attempted INTEGER NOT NULL, service_type TEXT NOT NULL,
    source_ton INTEGER NOT NULL, source_npi INTEGER NOT NULL, source_addr TEXT NOT NULL,
    registered_delivery INTEGER NOT NULL, data_coding INTEGER NOT NULL, udh BLOB NOT NULL, payload BLOB NOT NULL,
    not_before REAL NOT NULL, expires_at REAL NOT NULL, user_message_reference BLOB);
CREATE TABLE IF NOT EXISTS final (
    key INTEGER PRIMARY KEY, message_number INTEGER NOT NULL, source_addr TEXT NOT NULL, to_addr TEXT NOT NULL,
    state INTEGER NOT NULL, done_at REAL, error INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS inbox (
    row INTEGER PRIMARY KEY, msisdn TEXT NOT NULL, source_addr TEXT NOT NULL, data_coding INTEGER NOT NULL,
    payload BLOB NOT NULL, parts INTEGER NOT NULL, received_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS part (
    row INTEGER PRIMARY KEY, msisdn TEXT NOT NULL, source_addr TEXT NOT NULL, ref INTEGER NOT NULL,
    ref_bits INTEGER NOT NULL, total INTEGER NOT NULL, number INTEGER NOT NULL, data_coding INTEGER NOT NULL,
    payload BLOB NOT NULL, received_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS outgoing (
    row INTEGER PRIMARY KEY, receipt INTEGER NOT NULL, made_at REAL NOT NULL, pdu BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS added_phone (msisdn TEXT PRIMARY KEY, imsi TEXT NOT NULL, iccid TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS air (
    msisdn TEXT PRIMARY KEY, attached INTEGER NOT NULL, wanted INTEGER NOT NULL, operator TEXT, rat TEXT, cell TEXT,
    imei TEXT, reason TEXT, words TEXT);
CREATE TABLE IF NOT EXISTS session (
    session_id TEXT PRIMARY KEY, msisdn TEXT NOT NULL, sequence INTEGER NOT NULL, opened_at REAL NOT NULL,
    apn TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS outage (operator TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS notice (row INTEGER PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS done_order (id INTEGER PRIMARY KEY, answer TEXT NOT NULL);
"""

_PUT_COUNTER = "INSERT OR REPLACE INTO counter (name, reserved) VALUES (?, ?)"
_PUT_PHONE = "INSERT OR REPLACE INTO phone (msisdn, behaviour, delay_s, reply) VALUES (?, ?, ?, ?)"
_PUT_HELD = (
    "INSERT OR REPLACE INTO held (key, message_number, msisdn, to_ton, to_npi, to_addr, accepted_at, due, attempted,"
    " service_type, source_ton, source_npi, source_addr, registered_delivery, data_coding, udh, payload, not_before,"
    " expires_at, user_message_reference) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_PUT_FINAL = (
    "INSERT OR REPLACE INTO final (key, message_number, source_addr, to_addr, state, done_at, error)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_PUT_INBOX = (
    "INSERT INTO inbox (row, msisdn, source_addr, data_coding, payload, parts, received_at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_PUT_PART = (
    "INSERT INTO part (row, msisdn, source_addr, ref, ref_bits, total, number, data_coding, payload, received_at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_PUT_OUTGOING = "INSERT INTO outgoing (row, receipt, made_at, pdu) VALUES (?, ?, ?, ?)"
_PUT_FACT = "INSERT OR REPLACE INTO fact (name, value) VALUES (?, ?)"
_PUT_ADDED = "INSERT OR REPLACE INTO added_phone (msisdn, imsi, iccid) VALUES (?, ?, ?)"
_PUT_AIR = (
    "INSERT OR REPLACE INTO air (msisdn, attached, wanted, operator, rat, cell, imei, reason, words)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_PUT_SESSION = "INSERT OR REPLACE INTO session (session_id, msisdn, sequence, opened_at, apn) VALUES (?, ?, ?, ?, ?)"
_PUT_OUTAGE = "INSERT OR REPLACE INTO outage (operator) VALUES (?)"
_PUT_NOTICE = "INSERT OR REPLACE INTO notice (row, body) VALUES (?, ?)"
_PUT_ORDER = "INSERT OR REPLACE INTO done_order (id, answer) VALUES (?, ?)"
_DELETE_SESSION = "DELETE FROM session WHERE session_id = ?"
_DELETE_OUTAGE = "DELETE FROM outage WHERE operator = ?"
_DELETE_NOTICE = "DELETE FROM notice WHERE row = ?"
_DELETE_HELD = "DELETE FROM held WHERE key = ?"
_DELETE_INBOX = "DELETE FROM inbox WHERE row = ?"
_TRIM_INBOX = "DELETE FROM inbox WHERE row < ?"
_DELETE_PART = "DELETE FROM part WHERE row = ?"
_DELETE_OUTGOING = "DELETE FROM outgoing WHERE row = ?"
_TRIM_FINALS = "DELETE FROM final WHERE key < ?"

_TRIM_ORDERS = "DELETE FROM done_order WHERE id <= (SELECT id FROM done_order ORDER BY id DESC LIMIT 1 OFFSET ?)"

_COUNTERS = "SELECT name, reserved FROM counter"
_PHONES = "SELECT msisdn, behaviour, delay_s, reply FROM phone"
_HELD = (
    "SELECT key, message_number, msisdn, to_ton, to_npi, to_addr, accepted_at, due, attempted, service_type,"
    " source_ton, source_npi, source_addr, registered_delivery, data_coding, udh, payload, not_before, expires_at,"
    " user_message_reference FROM held ORDER BY key"
)
_FINALS = (
    "SELECT message_number, source_addr, to_addr, state, done_at, error FROM final"
    " WHERE key BETWEEN ? AND ? AND message_number = ? ORDER BY key"
)
_INBOX_ROWS = "SELECT row, msisdn FROM inbox ORDER BY row"
_INBOX = "SELECT source_addr, data_coding, payload, parts, received_at FROM inbox WHERE row IN ({}) ORDER BY row"
_PARTS = (
    "SELECT row, msisdn, source_addr, ref, ref_bits, total, number, data_coding, payload, received_at FROM part"
    " ORDER BY row"
)
_OUTGOING = "SELECT row, receipt, made_at, pdu FROM outgoing ORDER BY row"
_FACT = "SELECT value FROM fact WHERE name = ?"
_ADDED = "SELECT msisdn, imsi, iccid FROM added_phone ORDER BY rowid"
_AIR = "SELECT msisdn, attached, wanted, operator, rat, cell, imei, reason, words FROM air"
_SESSIONS = "SELECT session_id, msisdn, sequence, opened_at, apn FROM session ORDER BY rowid"
_OUTAGES = "SELECT operator FROM outage"
_NOTICES = "SELECT row, body FROM notice ORDER BY row"
_ORDER = "SELECT answer FROM done_order WHERE id = ?"


class StoreError(Exception):
    """The data directory cannot be used; the message is for the person who started the simulator."""


class FinalRow(NamedTuple):
    """`done_at` is None where the network never learnt what became of the text."""

    message_number: int
    source_addr: str
    to_addr: str
    state: int
    done_at: float | None
    error: int


class InboxRow(NamedTuple):
    """A text as the phone shows it, parts joined; `payload` without headers, `received_at` in Unix seconds."""

    source_addr: str
    data_coding: int
    payload: bytes
    parts: int
    received_at: float


class Store:
    """The pending writes and the database. The lists hold rows in the order of the table's columns."""

    def __init__(self, directory: Path | None) -> None:
        """Without a directory all is in memory. Raises StoreError, for a directory in use as well."""
        self.phones: list[tuple[str, str, float, str | None]] = []
        self.held: list[tuple[object, ...]] = []
        self.held_done: list[tuple[int]] = []
        self.finals: list[tuple[int, int, str, str, int, float | None, int]] = []
        self.inbox: list[tuple[int, str, str, int, bytes, int, float]] = []
        self.inbox_done: list[tuple[int]] = []
        self.inbox_trimmed: list[tuple[int]] = []
        self.parts: list[tuple[object, ...]] = []
        self.parts_done: list[tuple[int]] = []
        self.outgoing: list[tuple[int, bool, float, bytes]] = []
        self.outgoing_done: list[tuple[int]] = []
        self.added: list[tuple[str, ...]] = []
        self.air: list[tuple[object, ...]] = []
        self.sessions: list[tuple[object, ...]] = []
        self.sessions_done: list[tuple[str]] = []
        self.outages: list[tuple[str]] = []
        self.outages_done: list[tuple[str]] = []
        self.notices: list[tuple[int, str]] = []
        self.notices_done: list[tuple[int]] = []
        self.orders: list[tuple[int, str]] = []
        self._facts: list[tuple[str, str]] = []
        self._counters: list[tuple[str, int]] = []
        self._order: tuple[tuple[str, list[tuple[object, ...]]], ...] = (
            (_PUT_COUNTER, self._counters),
            (_PUT_PHONE, self.phones),
            (_PUT_HELD, self.held),
            (_PUT_INBOX, self.inbox),
            (_PUT_PART, self.parts),
            (_PUT_FINAL, self.finals),
            (_PUT_OUTGOING, self.outgoing),
            (_PUT_FACT, self._facts),
            (_PUT_ADDED, self.added),
            (_PUT_AIR, self.air),
            (_PUT_SESSION, self.sessions),
            (_DELETE_SESSION, self.sessions_done),
            (_PUT_OUTAGE, self.outages),
            (_DELETE_OUTAGE, self.outages_done),
            (_PUT_NOTICE, self.notices),
            (_DELETE_NOTICE, self.notices_done),
            (_DELETE_NOTICE, self.notices_done),
            (_PUT_ORDER, self.orders),
            (_DELETE_HELD, self.held_done),
            (_DELETE_INBOX, self.inbox_done),
            (_TRIM_INBOX, self.inbox_trimmed),
            (_DELETE_PART, self.parts_done),
            (_DELETE_OUTGOING, self.outgoing_done),
        )  # type: ignore[assignment]  # each list holds its own table's rows
        self._finals_since_trim = 0
        self._database = _open(directory)
        self._reserved = dict(self._database.execute(_COUNTERS).fetchall())

    def commit(self) -> None:
        """Make all pending writes durable, in one transaction. Raises sqlite3.Error, after which nothing may go on."""
        execute = self._database.execute
        begun = False
        for statement, rows in self._order:
            if rows:
                if not begun:
                    execute("BEGIN IMMEDIATE")
                    begun = True
                self._database.executemany(statement, rows)
                if rows is self.finals:
                    self._trim_finals()
                rows.clear()
        if begun:
            execute("COMMIT")

    def close(self) -> None:
        """Commit what is pending and give the directory back."""
        self.commit()
        self._database.close()

    def numbers(self, name: str, first: int) -> Iterator[int]:
        """Numbers that go up and never repeat, not after kill -9 either; `first` is the first ever."""
        number = self._reserved.get(name, first)
        while True:
            reserved = number + _COUNTER_BLOCK
            self._counters.append((name, reserved))
            while number < reserved:
                yield number
                number += 1

    def all_phones(self) -> list[tuple[str, str, float, str | None]]:
        """msisdn, behaviour, delay_s, reply of the phones that were ever changed."""
        return self._database.execute(_PHONES).fetchall()

    def fact(self, name: str, new: str) -> str:
        """Something that stays the same for as long as the directory does: `new` the first time."""
        row = self._database.execute(_FACT, (name,)).fetchone()
        if row is None:
            self._facts.append((name, new))
        return new if row is None else str(row[0])

    def order(self, order_id: int) -> str | None:
        """What was answered to an order."""
        self.commit()
        row = self._database.execute(_ORDER, (order_id,)).fetchone()
        return None if row is None else str(row[0])

    def all_added(self) -> list[tuple[str, str, str]]:
        """msisdn, imsi, iccid of phones that came after the start, or got other numbers."""
        return self._database.execute(_ADDED).fetchall()

    def all_air(self) -> list[tuple[Any, ...]]:
        """Where phones are, as `air` rows."""
        return self._database.execute(_AIR).fetchall()

    def all_sessions(self) -> list[tuple[str, str, int, float, str]]:
        """Open data sessions, oldest first, as `session` rows."""
        return self._database.execute(_SESSIONS).fetchall()

    def all_outages(self) -> list[str]:
        """Operators that fail."""
        return [operator for (operator,) in self._database.execute(_OUTAGES)]

    def all_notices(self) -> list[tuple[int, str]]:
        """What Motet has not been told yet, oldest first."""
        return self._database.execute(_NOTICES).fetchall()

    def all_held(self) -> Iterator[tuple[object, ...]]:
        """The held texts, oldest first, as `held` rows."""
        return iter(self._database.execute(_HELD))

    def all_inbox_rows(self) -> Iterator[tuple[int, str]]:
        """Key and msisdn of every text in an inbox, oldest first."""
        return iter(self._database.execute(_INBOX_ROWS))

    def all_parts(self) -> Iterator[tuple[int, str, str, int, int, int, int, int, bytes, float]]:
        """The parts that wait for others, oldest first, as `part` rows."""
        return iter(self._database.execute(_PARTS))

    def all_outgoing(self) -> Iterator[tuple[int, int, float, bytes]]:
        """What an ESME has not answered yet, oldest first."""
        return iter(self._database.execute(_OUTGOING))

    def finals_of(self, first_key: int, last_key: int, message_number: int) -> list[FinalRow]:
        """The final states of a message's texts, whose keys are in that range."""
        self.commit()
        rows = self._database.execute(_FINALS, (first_key, last_key, message_number))
        return [FinalRow(*row) for row in rows]

    def inbox_of(self, rows: Sequence[int]) -> list[InboxRow]:
        """The texts with these keys, oldest first."""
        self.commit()
        found: list[InboxRow] = []
        keys = iter(rows)
        while chunk := list(islice(keys, _SQL_VARIABLES)):
            statement = _INBOX.format(", ".join("?" * len(chunk)))
            found.extend(InboxRow(*row) for row in self._database.execute(statement, chunk))
        return found

    def _trim_finals(self) -> None:
        self._finals_since_trim += len(self.finals)
        if self._finals_since_trim >= MAX_FINALS // 10:
            self._finals_since_trim = 0
            self._database.execute(_TRIM_FINALS, (self.finals[-1][0] - MAX_FINALS,))


def _open(directory: Path | None) -> sqlite3.Connection:
    try:
        if directory is None:
            database = sqlite3.connect(":memory:", isolation_level=None)
        else:
            directory.mkdir(parents=True, exist_ok=True)
            database = sqlite3.connect(directory / "network.sqlite", isolation_level=None, timeout=2)
            database.execute("PRAGMA locking_mode = EXCLUSIVE")  # two simulators on one directory: the second fails
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            database.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        database.executescript("BEGIN IMMEDIATE;" + _SCHEMA + "COMMIT;")
        database.execute(_TRIM_ORDERS, (MAX_ORDERS,))
    except (OSError, sqlite3.Error) as error:
        where = "memory" if directory is None else f"the data directory {directory}"
        raise StoreError(f"the simulated network cannot use {where}: {error}") from error
    return database
