"""What is remembered by key, and forgotten by mark: `user 5`, `session 7`, as notices name what has changed."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Marked(Generic[K, V]):
    """Values by key, each with a few marks. Bounded: the oldest goes first."""

    __slots__ = ("_limit", "_marked", "_marks", "_values")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._values: dict[K, V] = {}
        self._marks: dict[K, tuple[str, ...]] = {}
        self._marked: dict[str, set[K]] = {}

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: K) -> V | None:
        return self._values.get(key)

    def put(self, key: K, value: V, marks: Iterable[str]) -> None:
        """Remember a value, in place of any other of the key."""
        self.drop(key)
        while len(self._values) >= self._limit:
            self.drop(next(iter(self._values)))
        self._values[key] = value
        self._marks[key] = tuple(marks)
        for mark in self._marks[key]:
            self._marked.setdefault(mark, set()).add(key)

    def drop(self, key: K) -> None:
        """Forget a key, if it is there."""
        self._values.pop(key, None)
        for mark in self._marks.pop(key, ()):
            keys = self._marked[mark]
            keys.discard(key)
            if not keys:
                del self._marked[mark]

    def keys(self, mark: str | None = None) -> list[K]:
        """The keys with the mark, or all."""
        return list(self._values) if mark is None else list(self._marked.get(mark, ()))

    def clear(self) -> None:
        self._values.clear()
        self._marks.clear()
        self._marked.clear()
