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

    # Notices, whose words stand in a frame of their own. All have time and address besides.
    TOTP_ADDED = "totp_added"
    TOTP_REMOVED = "totp_removed"
    PASSKEY_ADDED = "passkey_added"
    """name."""
    PASSKEY_REMOVED = "passkey_removed"
    """name."""
    RECOVERY_CODES_MADE = "recovery_codes_made"
    RECOVERY_CODE_USED = "recovery_code_used"
    """left."""
    DEVICE_TRUSTED = "device_trusted"
    """days, device."""
    EMAIL_CHANGED = "email_changed"
    """email."""
    SIGN_IN_LOCKED = "sign_in_locked"


FRAME = "notice"
"""The text round a notice's `what`."""


@dataclass(frozen=True, slots=True)
class Written:
    """A letter in somebody's language."""

    subject: str
    text: str


def write(letter: Letter, locale: str, facts: Mapping[str, str]) -> Written:
    """The letter in the language. Facts come from people: line ends in them are made blanks, so that none can add to a
    subject."""
    language = _WORDS[locale if letter.value in _WORDS.get(locale, {}) else LOCALES[0]]
    words = language[letter.value]
    plain = {name: " ".join(value.split()) for name, value in facts.items()}
    subject = words["subject"].format_map(plain)
    if "what" in words:
        return Written(subject, language[FRAME]["text"].format_map(plain | {"what": words["what"].format_map(plain)}))
    return Written(subject, words["text"].format_map(plain))


def _read() -> dict[str, dict[str, dict[str, str]]]:
    text = resources.files("motet.domain").joinpath("letters.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


_WORDS = _read()
"""By language, letter, and `subject`, `text` or `what`."""
