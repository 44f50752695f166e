"""The eUICC side of the simulated network: takes operations, does them in time or not, and tells or keeps silent.

An operation is known by the number of its order: asked for again, it is answered with what became of it, and never done
twice. What was taken survives kill -9. A profile is a subscription, so a phone of its own in the list of phones; of an
eUICC's phones one is attached.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from motet.simulator.phones import PhoneIdentity

MAX_DELAY_S = 24 * 3600.0
MAX_OPERATIONS = 100_000
"""Operations that are remembered: the oldest make room."""

REFUSED_WORDS = "the card has refused it"
OPERATIONS = ("DOWNLOAD", "ENABLE", "DISABLE", "DELETE", "ROLLBACK", "SET_FALLBACK")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS card (
    eid TEXT PRIMARY KEY, behaviour TEXT NOT NULL, delay_s REAL NOT NULL, attaches INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS operation (
    order_id INTEGER PRIMARY KEY, eid TEXT NOT NULL, body TEXT NOT NULL, due REAL NOT NULL, state TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS operation_due ON operation (due) WHERE state = 'accepted';
"""


class CardBehaviour(StrEnum):
    """What becomes of an operation on an eUICC."""

    CONFIRM = "confirm"
    FAIL = "fail"
    """It is not done, and that is told."""
    LOSE = "lose"
    """It is done, and nobody is told: whoever asks again learns of it."""
    SILENT = "silent"
    """It is not done, and nobody is told: the card is off."""


class OperationError(ValueError):
    """An operation is not understood; the message says what is wrong with it."""


class CardSettings(NamedTuple):
    """How an eUICC behaves; `attaches`: whether its phone attaches with a profile just enabled."""

    behaviour: CardBehaviour = CardBehaviour.CONFIRM
    delay_s: float = 0.0
    attaches: bool = True


class Subscriptions(Protocol):
    """The phones, as far as profiles change them."""

    def leave(self, identity: PhoneIdentity) -> None:
        """The subscription is used no longer: its phone is detached."""

    def enter(self, identity: PhoneIdentity, *, attaches: bool, after: PhoneIdentity | None = None) -> None:
        """The subscription is used from now on, in the equipment and place of the one `after` which it comes; its phone
        is made if there is none yet."""


class Answer(NamedTuple):
    """What is said of an operation now: `done`, `accepted` or `refused`."""

    state: str
    reason: str | None = None


class Euiccs:
    """All simulated eUICCs. Whoever has a clock calls `on_time` when `next_due` says so."""

    def __init__(
        self,
        directory: Path | None,
        subscriptions: Subscriptions,
        tell: Callable[[int, bool, str | None], None],
        commit: Callable[[], None] = lambda: None,
    ) -> None:
        """`tell` is called with (order, ok, reason) for each operation whose end is told, `commit` to keep what
        `subscriptions` and `tell` have noted. Without a directory nothing survives the process. Raises sqlite3.Error.
        """
        self._subscriptions = subscriptions
        self._tell = tell
        self._commit = commit
        self._database = sqlite3.connect(
            ":memory:" if directory is None else directory / "euiccs.sqlite", isolation_level=None
        )
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.executescript(_SCHEMA)

    def close(self) -> None:
        self._database.close()

    def settings(self, eid: str) -> CardSettings:
        """How an eUICC behaves: one that nobody has changed confirms at once."""
        row = self._database.execute("SELECT behaviour, delay_s, attaches FROM card WHERE eid = ?", (eid,)).fetchone()
        return CardSettings() if row is None else CardSettings(CardBehaviour(row[0]), row[1], bool(row[2]))

    def change(self, eid: str, settings: CardSettings) -> None:
        """Set how an eUICC behaves, from the next operation on. Raises OperationError."""
        if not (eid.isascii() and eid.isdigit() and len(eid) == 32):
            raise OperationError("an EID has 32 digits")
        if not 0 <= settings.delay_s <= MAX_DELAY_S:
            raise OperationError(f"delay_s must be 0 to {MAX_DELAY_S:.0f}")
        self._database.execute(
            "INSERT OR REPLACE INTO card (eid, behaviour, delay_s, attaches) VALUES (?, ?, ?, ?)",
            (eid, settings.behaviour.value, settings.delay_s, settings.attaches),
        )

    def operate(self, order_id: int, body: Mapping[str, Any], now: float) -> Answer:
        """Take an operation, or say what became of one that was taken before. Raises OperationError.

        `body` as `PUT /orders/{id}` of the kind euicc has it; `now` in Unix seconds.
        """
        known = self._database.execute("SELECT state FROM operation WHERE order_id = ?", (order_id,)).fetchone()
        if known is not None:
            return _ANSWERS[known[0]]
        eid, name = body.get("eid"), body.get("operation")
        if not isinstance(eid, str) or name not in OPERATIONS:
            raise OperationError(f"an operation has an eid, and is one of {', '.join(OPERATIONS)}")
        _identities(body)
        settings = self.settings(eid)
        self._database.execute(
            "INSERT INTO operation (order_id, eid, body, due, state) VALUES (?, ?, ?, ?, 'accepted')",
            (order_id, eid, json.dumps(dict(body)), now + settings.delay_s),
        )
        self._database.execute(
            "DELETE FROM operation WHERE order_id IN (SELECT order_id FROM operation ORDER BY order_id DESC"
            " LIMIT -1 OFFSET ?)",
            (MAX_OPERATIONS,),
        )
        return _ANSWERS["accepted"]

    def next_due(self) -> float | None:
        """When an operation is to be done, in Unix seconds."""
        due = self._database.execute("SELECT min(due) FROM operation WHERE state = 'accepted'").fetchone()[0]
        return None if due is None else float(due)

    def on_time(self, now: float) -> int:
        """Do what is due: how many operations that were. One that a crash interrupts is done and told again."""
        rows = self._database.execute(
            "SELECT order_id, eid, body FROM operation WHERE state = 'accepted' AND due <= ? ORDER BY due, order_id",
            (now,),
        ).fetchall()
        for order_id, eid, text in rows:
            settings = self.settings(eid)
            state = _ENDS[settings.behaviour]
            if state == "silent":
                self._database.execute("UPDATE operation SET due = 1e12 WHERE order_id = ?", (order_id,))
                continue
            if state != "refused":
                self._apply(json.loads(text), attaches=settings.attaches)
            if state != "untold":
                self._tell(order_id, state == "done", REFUSED_WORDS if state == "refused" else None)
            self._commit()
            self._database.execute("UPDATE operation SET state = ? WHERE order_id = ?", (state, order_id))
        return len(rows)

    def _apply(self, body: Mapping[str, Any], *, attaches: bool) -> None:
        enables, disables = _identities(body)
        if disables is not None:
            self._subscriptions.leave(disables)
        if enables is not None:
            self._subscriptions.enter(enables, attaches=attaches, after=disables)


_ENDS = {
    CardBehaviour.CONFIRM: "done",
    CardBehaviour.FAIL: "refused",
    CardBehaviour.LOSE: "untold",
    CardBehaviour.SILENT: "silent",
}
_ANSWERS = {
    "accepted": Answer("accepted"),
    "done": Answer("done"),
    "untold": Answer("done"),
    "refused": Answer("refused", REFUSED_WORDS),
}


def _identities(body: Mapping[str, Any]) -> tuple[PhoneIdentity | None, PhoneIdentity | None]:
    """The subscriptions that are used after the operation, and no longer. Raises OperationError."""
    parameters = body.get("parameters")
    parameters = {} if parameters is None else parameters
    if not isinstance(parameters, Mapping):
        raise OperationError("parameters must be an object")
    found: list[PhoneIdentity | None] = []
    for name in ("enables", "disables"):
        one = parameters.get(name)
        if one is None:
            found.append(None)
            continue
        try:
            identity = PhoneIdentity(one["msisdn"], one["imsi"], one["iccid"])
        except (TypeError, KeyError):
            raise OperationError(f"{name} needs iccid, imsi and msisdn") from None
        if not all(isinstance(digits, str) and digits.isascii() and digits.isdigit() for digits in identity):
            raise OperationError(f"{name} must be digits")
        found.append(identity)
    return found[0], found[1]
