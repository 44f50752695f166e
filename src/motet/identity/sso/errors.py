"""Why a sign-in by a provider comes to nothing: a code for the browser, and words for the administrator alone."""

from __future__ import annotations

from enum import StrEnum


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
    """A sign-in that comes to nothing. `str()` is for the log and the organisation's administrator."""

    def __init__(self, refusal: Refusal, words: str) -> None:
        super().__init__(words)
        self.refusal = refusal
        self.provider_id: int | None = None
        """Where it is known."""


class ProtocolError(SignOnError):
    """The provider said what it must not say."""

    def __init__(self, words: str) -> None:
        super().__init__(Refusal.PROVIDER, words)
