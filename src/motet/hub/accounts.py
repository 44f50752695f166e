"""SMPP accounts as the hub sees them: who may bind, how fast and how much."""

from __future__ import annotations

import time
from collections.abc import Mapping

from motet.domain.cidrs import Network
from motet.domain.refusals import Refusal
from motet.storage.database import Row

BURST_S = 1.0
"""A rate of N a second lets N pass at once after a second of silence."""


class Account:
    """One account, shared by all its binds on this node."""

    __slots__ = (
        "_bucket_at",
        "_open",
        "_tokens",
        "allowed_cidrs",
        "binds",
        "default_alphabet",
        "enabled",
        "id",
        "long_mo",
        "max_binds",
        "password_hash",
        "queue_limit",
        "rate_per_s",
        "source",
        "system_id",
        "window_size",
        "workspace_id",
    )

    def __init__(self, row: Row, open_by_account: Mapping[int, int], source: str | None) -> None:
        """`row` has the columns of smpp_account, `open_by_account` counts open messages. `source` is the address of
        messages that name none."""
        self.id: int = row["id"]
        self.workspace_id: int = row["workspace_id"]
        self.system_id: str = row["system_id"]
        self.password_hash: str = row["password_hash"]
        self.binds = 0
        self._open = open_by_account
        self.source = source
        self._tokens = 0.0
        self._bucket_at = 0.0
        self.rate_per_s: int | None = None
        self.refresh(row)

    def refresh(self, row: Row) -> None:
        """Take over changed settings."""
        self.default_alphabet: str = row["default_alphabet"]
        self.long_mo: str = row["long_mo"]
        self.window_size: int = row["window_size"]
        if row["rate_per_s"] != self.rate_per_s:
            self._tokens = float(row["rate_per_s"] or 0)
        self.rate_per_s = row["rate_per_s"]
        self.max_binds: int = row["max_binds"]
        self.queue_limit: int = row["queue_limit"]
        self.enabled: bool = row["enabled"]
        self.allowed_cidrs: tuple[Network, ...] = tuple(row["allowed_cidrs"])

    def admit(self, count: int = 1) -> Refusal | None:
        """Whether that many more messages may come now."""
        if self._open.get(self.id, 0) >= self.queue_limit:
            return Refusal.QUEUE_FULL
        if self.rate_per_s is not None:
            now = time.monotonic()
            self._tokens = min(self.rate_per_s * BURST_S, self._tokens + (now - self._bucket_at) * self.rate_per_s)
            self._bucket_at = now
            if self._tokens < min(count, self.rate_per_s * BURST_S):
                return Refusal.THROTTLED
            self._tokens -= count
        return None
