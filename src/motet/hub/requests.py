"""What edges ask the hub for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime

Allowed = Callable[[], AbstractAsyncContextManager[None]]
"""Whether whoever asks may do it: entered once, when it takes effect, and left once it is stored. Raises a DomainError
on entering. What is asked of an upstream takes effect when that is asked, and nothing is held while it answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendRequest:
    """An MT that somebody other than an ESME submits. The device is named by exactly one of three."""

    workspace_id: int
    device_id: int | None = None
    msisdn: str | None = None
    """Digits only."""
    iccid: str | None = None
    source: str | None = None
    """A short code, an alphanumeric sender of up to 11 characters or an MSISDN; None: the hub chooses."""
    text: str | None = None
    """Exclusive with `payload`; may be empty."""
    payload: bytes | None = None
    """User data as the network carries it; GSM 7-bit unpacked."""
    data_coding: int | None = None
    expires_at: datetime | None = None
    """Aware."""
    scheduled_at: datetime | None = None
    """Aware."""
    idempotency_key: str | None = None
