"""The chain of hashes over a log's entries: what is hashed, and how each hash holds the one before it.

hash = SHA-256( hash before, 32 octets | seq, 8 octets big-endian | the entry in its canonical form ). The canonical
form is JSON (RFC 8259) in UTF-8, without spaces and needless escapes, keys in order of their code points, the time in
microseconds since 1970, whole numbers beyond 53 bits as text. An exported entry holds it as it was hashed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

GENESIS = bytes(32)
"""What stands before the first entry."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)


class Link(NamedTuple):
    """A place in a chain."""

    seq: int
    hash: bytes


START = Link(0, GENESIS)


def canonical(entry: Mapping[str, Any]) -> bytes:
    """The octets that stand for an entry: every column of it, whatever its type."""
    return json.dumps(
        {name: _plain(value) for name, value in entry.items()},
        ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False,
    ).encode("utf-8", "surrogatepass")  # fmt: skip


def exported(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The entry as plain values: what `canonical` spells."""
    return {name: _plain(value) for name, value in entry.items()}


def next_link(last: Link, entry: Mapping[str, Any]) -> Link:
    """The place of an entry behind the last one."""
    return link_of(last, canonical(entry))


def link_of(last: Link, octets: bytes) -> Link:
    """The same of an entry in its canonical form."""
    seq = last.seq + 1
    return Link(seq, hashlib.sha256(last.hash + seq.to_bytes(8, "big") + octets).digest())


def linked(last: Link, entries: Iterable[Mapping[str, Any]]) -> Iterator[Link]:
    """The places of entries in their order."""
    for entry in entries:
        last = next_link(last, entry)
        yield last


def _plain(value: Any) -> Any:
    """Readers of JSON have 53 bits for a number."""
    if value is None or isinstance(value, str | bool | float):
        return value
    if isinstance(value, datetime):
        return (value - _EPOCH) // _US
    if isinstance(value, int):
        return value if abs(value) < 1 << 53 else str(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return str(value)
