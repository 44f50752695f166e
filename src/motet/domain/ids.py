"""64-bit ids that their maker gives: milliseconds, node, counter. They sort by time and never go back within a node."""

from datetime import datetime

EPOCH_MS = 1_735_689_600_000
"""2025-01-01T00:00:00Z in Unix milliseconds: 41 bits from here last until 2094."""

NODE_BITS = 10
COUNTER_BITS = 12
MAX_NODE = (1 << NODE_BITS) - 1
_TIME_SHIFT = NODE_BITS + COUNTER_BITS


class IdGenerator:
    """Makes the ids of one node. `node` is 0 to 1023; no two live nodes may share one."""

    __slots__ = ("_last", "_node")

    def __init__(self, node: int, *, after: int = 0) -> None:
        """`after` is an id that was given under this number before: every new one is larger, even if the clock goes
        back."""
        if not 0 <= node <= MAX_NODE:
            raise ValueError(f"node must be 0 to {MAX_NODE}, not {node}")
        self._node = node << COUNTER_BITS
        self._last = after

    @property
    def last(self) -> int:
        """The newest id given."""
        return self._last

    def next(self, now_ms: int) -> int:
        """An id for the Unix time `now_ms`. Past 4,096 in one millisecond, ids borrow from the next one."""
        fresh = ((now_ms - EPOCH_MS) << _TIME_SHIFT) | self._node
        if fresh <= self._last:
            fresh = self._last + 1
            if not fresh & ((1 << COUNTER_BITS) - 1):  # the counter ran over into the node's bits
                fresh = (((fresh >> _TIME_SHIFT) + 1) << _TIME_SHIFT) | self._node
        self._last = fresh
        return fresh

    def next_at(self, now: datetime) -> int:
        """An id for an aware time."""
        return self.next(int(now.timestamp() * 1_000))


def first_id_at(unix_ms: int) -> int:
    """The smallest id that any node can give at this time: a bound for partitions and ranges of time."""
    return max(0, unix_ms - EPOCH_MS) << _TIME_SHIFT


def ids_in(milliseconds: int) -> int:
    """How much ids grow in that time."""
    return milliseconds << _TIME_SHIFT


def unix_ms_of(row_id: int) -> int:
    """The Unix time in milliseconds at which the id was made."""
    return (row_id >> _TIME_SHIFT) + EPOCH_MS
