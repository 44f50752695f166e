"""Which passwords are taken: long enough, not easily guessed, and in no list of those that others have lost.

Guessing is estimated by zxcvbn (30,000 common passwords, names, words, keyboard walks, dates). A list of breached
passwords can be laid beside it: SHA-1 hashes in hexadecimal, sorted, one a line, as haveibeenpwned.com gives away
(`HASH:count`); it is searched on disk, whatever its size.
"""

from __future__ import annotations

import asyncio
import hashlib
import mmap
from collections.abc import Sequence
from pathlib import Path

from zxcvbn import zxcvbn

from motet.config.errors import StartError
from motet.domain.errors import InvalidError
from motet.domain.users import check_password_form

LEAST_SCORE = 3
"""Of zxcvbn's 0 to 4: more than 10^8 guesses, safe against an offline attack on a slow hash."""

JUDGED_CHARACTERS = 72
"""What is longer than that is not easily guessed if its beginning is not; judging takes longer than linear time."""

_HASH_CHARACTERS = 40


class PasswordRules:
    """Judges new passwords, off the event loop."""

    def __init__(self, breached: Path | None = None) -> None:
        """`breached` is the list. Raises StartError if it cannot be read or is no such list."""
        self._list = None if breached is None else BreachList(breached)

    async def check(self, password: str, about: Sequence[str], *path: str) -> None:
        """`about` is what others know of the user: address, name. Raises InvalidError."""
        check_password_form(password, *path)
        words = [word for text in about for word in (text, *text.replace("@", " ").replace(".", " ").split()) if word]
        guess = await asyncio.to_thread(zxcvbn, password[:JUDGED_CHARACTERS], [*words, "motet"])
        if guess["score"] < LEAST_SCORE:
            raise InvalidError("This password is too easily guessed. A few unrelated words make a good one.", path=path)
        if self._list is not None and await asyncio.to_thread(self._list.holds, password):
            raise InvalidError("This password was found in a breach elsewhere: others will try it.", path=path)


class BreachList:
    """A sorted list of SHA-1 hashes in a file."""

    def __init__(self, path: Path) -> None:
        try:
            with path.open("rb") as file:
                self._octets = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise StartError(f"cannot read the list of breached passwords {path}: {error}") from error
        first = self._octets[:_HASH_CHARACTERS]
        if len(first) < _HASH_CHARACTERS or not all(octet in b"0123456789abcdefABCDEF" for octet in first):
            raise StartError(f"{path} is no list of SHA-1 hashes, one a line, sorted")

    def holds(self, password: str) -> bool:
        """Whether the password's hash is in the list: a binary search over its lines."""
        digest = hashlib.sha1(password.encode(errors="surrogatepass"), usedforsecurity=False).hexdigest()
        wanted = digest.upper().encode()
        low, high = 0, len(self._octets)
        while low < high:
            middle = (low + high) // 2
            start = self._octets.rfind(b"\n", 0, middle) + 1
            end = self._octets.find(b"\n", middle)
            end = len(self._octets) if end < 0 else end
            line = self._octets[start : start + _HASH_CHARACTERS].upper()
            if line == wanted:
                return True
            if line < wanted:
                low = end + 1
            else:
                high = start
        return False
