"""Codes of authenticator apps: RFC 6238 with what every app takes, SHA-1, six digits, thirty seconds."""

from __future__ import annotations

import base64
import hmac

import pyotp

STEP_S = 30
DIGITS = 6
WINDOW = 1
"""Steps before and after the present one whose codes are taken: a phone's clock may be half a minute off, and typing
takes time."""

SECRET_OCTETS = 20
"""RFC 4226 §4 R6 recommends 160 bits: as long as SHA-1's own output."""


def step_at(now: float) -> int:
    """The time step of Unix second `now`. RFC 6238 §4.2."""
    return int(now) // STEP_S


def code_at(secret: bytes, step: int) -> str:
    """The six digits of a step. Secrets have at least 14 octets."""
    return pyotp.HOTP(_base32(secret), digits=DIGITS).at(step)


def matching_step(secret: bytes, code: str, now: float, *, after: int) -> int | None:
    """The step whose code this is, within the window and after step `after`, or None.

    RFC 6238 §5.2: a code is taken once, so `after` is the step of the last one that was. All steps of the window are
    compared, each in constant time.
    """
    found = None
    for step in range(step_at(now) - WINDOW, step_at(now) + WINDOW + 1):
        fits = step >= 0 and hmac.compare_digest(code_at(secret, step).encode(), code.encode(errors="replace"))
        if fits and step > after and found is None:
            found = step
    return found


def otpauth_uri(secret: bytes, account: str, issuer: str) -> str:
    """What the QR code holds: `otpauth://totp/ISSUER:ACCOUNT?secret=…&issuer=ISSUER`."""
    return pyotp.TOTP(_base32(secret), digits=DIGITS, interval=STEP_S).provisioning_uri(
        name=account, issuer_name=issuer
    )


def shown_secret(secret: bytes) -> str:
    """The secret as one types it into an app: base32 in groups of four."""
    text = _base32(secret)
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def _base32(secret: bytes) -> str:
    return base64.b32encode(secret).decode().rstrip("=")
