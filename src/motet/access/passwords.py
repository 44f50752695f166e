"""Passwords of ESMEs and people: argon2id hashes, made and checked off the event loop, in constant time."""

from __future__ import annotations

import asyncio
import hashlib
import os
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

THREADS = 2
"""Checks at once. More would let a storm of binds take every core and 19 MiB each."""

REMEMBERED = 4_096
"""Right answers kept, so that an ESME's many binds and reconnects cost one hash. Only a keyed digest is kept."""

PASSWORD_OCTETS = 1_024
"""Longer ones are wrong by length; SMPP has at most 8."""

# OWASP's second choice for argon2id (19 MiB, 2 passes): about 20 ms.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)

_NOBODYS_HASH = "$argon2id$v=19$m=19456,t=2,p=1$6V84eKkfQTk1VSgnxiVDeQ$Og50amKeCejSXq0qn+TL4b6aNhJzg6Wxr3Si45sYVng"
"""What an unknown account's password is compared with: it takes as long to be wrong."""


def hash_password(password: str) -> str:
    """An argon2id hash in its usual text form. Takes about 20 ms: not for the event loop."""
    return _hasher.hash(password)


class PasswordChecker:
    """Checks passwords in a few threads and remembers right answers. One per node; `close` it."""

    __slots__ = ("_key", "_pool", "_right")

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="password")
        self._key = os.urandom(32)
        self._right: dict[bytes, None] = {}

    async def hash(self, password: str) -> str:
        """`hash_password`, off the loop."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, hash_password, password)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether the password is right. `None` is for an unknown account: False, after as long as any wrong one."""
        if len(password.encode(errors="surrogatepass")) > PASSWORD_OCTETS:
            password_hash, password = None, ""
        digest = b""
        if password_hash is not None:
            fact = f"{password_hash}\0{password}".encode(errors="surrogatepass")
            digest = hashlib.blake2b(fact, key=self._key, digest_size=32).digest()
            if digest in self._right:
                return True
        loop = asyncio.get_running_loop()
        right = await loop.run_in_executor(self._pool, password_is_right, password_hash or _NOBODYS_HASH, password)
        if password_hash is None or not right:
            return False
        if len(self._right) >= REMEMBERED:
            del self._right[next(iter(self._right))]
        self._right[digest] = None
        return True

    def close(self) -> None:
        """Ends the threads; checks under way finish."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def password_is_right(password_hash: str, password: str) -> bool:
    """Whether the hash is of this password; False for what is no hash. As slow as `hash_password`."""
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False
