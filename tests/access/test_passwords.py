"""Passwords: right, wrong, unknown, and how much memory a right one takes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from motet.access import passwords
from motet.access.passwords import PasswordChecker, hash_password


@pytest.fixture
def checker() -> Iterator[PasswordChecker]:
    made = PasswordChecker()
    yield made
    made.close()


async def test_right_and_wrong(checker: PasswordChecker) -> None:
    stored = await checker.hash("pässword")
    assert stored.startswith("$argon2id$")
    for _ in range(2):  # the second time from memory
        assert await checker.verify(stored, "pässword")
        assert not await checker.verify(stored, "password")
        assert not await checker.verify(stored, "")


async def test_an_unknown_account_is_refused_whatever_it_says(checker: PasswordChecker) -> None:
    assert not await checker.verify(None, "x")
    assert not await checker.verify("not a hash", "x")
    assert not await checker.verify(hash_password("x"), "x" * 2000)
    assert not await checker.verify(hash_password("x"), "\ud800")


async def test_right_answers_remembered_are_bounded(checker: PasswordChecker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "REMEMBERED", 2)
    for number in range(4):
        assert await checker.verify(hash_password(str(number)), str(number))
    assert len(checker._right) == 2
