"""Users: their states, and the form of what they are known by."""

from __future__ import annotations

import re
import unicodedata
from enum import IntEnum

from motet.domain.errors import InvalidError
from motet.domain.locales import LOCALES, matching

EMAIL_CHARACTERS = 254
"""RFC 5321 §4.5.3.1.3: a path of 256 octets with its brackets."""

NAME_CHARACTERS = 200

MIN_PASSWORD_CHARACTERS = 12
MAX_PASSWORD_CHARACTERS = 256
"""NIST SP 800-63B asks for 8 at the least, with a second factor; a passphrase must fit."""

_EMAIL = re.compile(
    r"[^\s@\"(),:;<>\[\]\\\x00-\x1f\x7f]{1,64}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_][\w-]{0,61}[^\W_]"
)


class UserStatus(IntEnum):
    """Whether someone can sign in."""

    ACTIVATION_PENDING = 0
    """Invited; has not set a password yet."""
    ACTIVE = 1
    SUSPENDED = 2


def email_of(text: str, *path: str) -> tuple[str, str]:
    """An address as it is shown, and its key: two that differ in case alone are one. Raises InvalidError."""
    shown = unicodedata.normalize("NFKC", text.strip())
    if len(shown) > EMAIL_CHARACTERS or not _EMAIL.fullmatch(shown):
        raise InvalidError("This is no e-mail address.", path=path)
    return shown, shown.casefold()


def check_password_form(password: str, *path: str) -> None:
    """Raises InvalidError for one that is too short, too long, or holds what no keyboard writes."""
    if not MIN_PASSWORD_CHARACTERS <= len(password) <= MAX_PASSWORD_CHARACTERS:
        raise InvalidError(
            "A password has {least} to {most} characters.",
            path=path,
            least=MIN_PASSWORD_CHARACTERS,
            most=MAX_PASSWORD_CHARACTERS,
        )
    if not password.isprintable():
        raise InvalidError("A password holds printable characters only.", path=path)


def locale_of(text: str | None, *path: str) -> str | None:
    """The locale of this name. Raises InvalidError for one that we do not have."""
    if text is None:
        return None
    found = matching(text)
    if found is None:
        raise InvalidError("The languages are {locales}.", path=path, locales=LOCALES)
    return found


def name_of(text: str, *path: str) -> str:
    """A person's name as it is kept. Raises InvalidError."""
    name = " ".join(text.split())
    if len(name) > NAME_CHARACTERS or not name.isprintable():
        raise InvalidError("A name has at most {most} printable characters.", path=path, most=NAME_CHARACTERS)
    return name
