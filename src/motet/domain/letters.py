"""The mails that people get: which there are, and their words in each language.

Plain text: every mail program shows it, and a link can be seen for what it is. A language that lacks a letter falls
back to English.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from importlib import resources

from motet.domain.locales import LOCALES


class Letter(Enum):
    """What is written, by the facts that its words need."""

    INVITATION = "invitation"
    """workspace, inviter, link, days."""
    PASSWORD_RESET = "password_reset"  # noqa: S105 - a letter's name
    """link, minutes, address."""
    PASSWORD_CHANGED = "password_changed"  # noqa: S105
    """time, address."""


@dataclass(frozen=True, slots=True)
class Written:
    """A letter in somebody's language."""

    subject: str
    text: str


def write(letter: Letter, locale: str, facts: Mapping[str, str]) -> Written:
    """The letter in the language. Facts come from people: line ends in them are made blanks, so that none can add to a
    subject."""
    words = _WORDS.get(locale, {}).get(letter.value) or _WORDS[LOCALES[0]][letter.value]
    plain = {name: " ".join(value.split()) for name, value in facts.items()}
    return Written(words["subject"].format_map(plain), words["text"].format_map(plain))


def _read() -> dict[str, dict[str, dict[str, str]]]:
    text = resources.files("motet.domain").joinpath("letters.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


_WORDS = _read()
"""By language, letter, and `subject` or `text`."""
