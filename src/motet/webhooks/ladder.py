"""When a failed delivery is tried again, and when it is given up."""

from typing import Final

RETRY_DELAYS_S: Final = (
    2,
    5,
    30,
    2 * 60,
    8 * 60,
    30 * 60,
    3600,
    2 * 3600,
    4 * 3600,
    8 * 3600,
    12 * 3600,
    20 * 3600,
    24 * 3600,
)
"""Seconds before each retry, counted from the end of the attempt before it: three days in all, less 19 minutes."""

MAX_ATTEMPTS: Final = len(RETRY_DELAYS_S) + 1

JITTER: Final = 0.1
"""A delay is stretched or shortened by up to a tenth, so that what failed together does not come back together."""


def retry_at(attempts: int, now: float, chance: float) -> float | None:
    """The Unix time of the next attempt after `attempts` failed ones (1 or more), or None: it is dead.

    `chance` is a random number from 0 to 1: the caller's dice. The ladder counts attempts, not time, so that a gateway
    that was down for days gives its deliveries their retries all the same.
    """
    if attempts > len(RETRY_DELAYS_S):
        return None
    return now + RETRY_DELAYS_S[max(attempts, 1) - 1] * (1 - JITTER + 2 * JITTER * chance)
