"""Why a sign-in by a provider comes to nothing: a code for the browser, and words for the administrator alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

_CODE = re.compile(r"[A-Za-z_]{1,40}")
"""A code of OAuth (RFC 6749 §4.1.2.1) or of SAML (Core §3.2.2.2). It holds no sentence that somebody could be told."""


class Refusal(StrEnum):
    """What the person in front of the browser is told."""

    EXPIRED = "expired"
    """The time is over, the answer came twice, or it came to another browser: start again."""
    UNASKED = "unasked"
    """The provider's answer came to a browser that had not asked, or that has waited too long: start here."""
    PROVIDER = "provider_failed"
    """The provider cannot be reached, or what it answers is not right."""
    REFUSED = "provider_refused"
    """The provider says no, or the person did."""
    MAIL = "mail_not_verified"
    """The provider names no address, or none that it has verified."""
    NOT_ADMITTED = "not_admitted"
    """The organisation's rules: domain, invitation, suspension, no role."""


class SignOnError(Exception):
    """A sign-in that comes to nothing. `str()` is for the log."""

    def __init__(self, refusal: Refusal, words: str, *, quoted: str = "") -> None:
        """`quoted` is what came by the browser and is not ours: it could be anybody's."""
        super().__init__(f"{words} ({quoted})" if quoted else words)
        self.refusal = refusal
        self.words = words
        self.is_vouched = False
        """Whether what it is about came from the provider for certain, by its signature."""
        self.provider_id: int | None = None
        """Where it is known."""


class ProtocolError(SignOnError):
    """The provider said what it must not say."""

    def __init__(self, words: str, *, quoted: str = "") -> None:
        super().__init__(Refusal.PROVIDER, words, quoted=quoted)


def refused_by_provider(*codes: str, message: str = "") -> SignOnError:
    """The provider says no, by codes of its protocol, which are words without spaces, and perhaps in a sentence."""
    known = [code for code in codes if _CODE.fullmatch(code)]
    strange = [*(code for code in codes if code not in known), *filter(None, [message])]
    words = "the provider refused" + (f": {' '.join(known)}" if known else "")
    return SignOnError(Refusal.REFUSED, words, quoted=" ".join(strange))


@contextmanager
def vouched() -> Iterator[None]:
    """What goes wrong inside is about what the provider has signed."""
    try:
        yield
    except SignOnError as error:
        error.is_vouched = True
        raise


def told_to_administrators(error: SignOnError) -> str | None:
    """What the organisation's administrators read of it; None: nothing. Anybody can have a browser sent to us with an
    answer that nobody asked for, so of those nothing is told unless the provider has signed them; and of an answer to a
    sign-in that did begin here, which anybody can begin, too, in our own words alone."""
    if error.is_vouched:
        return str(error)
    return None if error.refusal in (Refusal.EXPIRED, Refusal.UNASKED) else error.words
