"""X.509 certificates by whose keys others sign for us. Pure.

A certificate is here nothing but a key that an administrator vouches for: who issued it and until when it is good say
nothing that the administrator has not said (SAML V2.0 Metadata Interoperability Profile §2.6.1).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from motet.domain.errors import InvalidError

MAX_CERTIFICATES = 6
"""Of one provider: those of now and of the time after a roll-over, of some nodes."""

CERTIFICATE_CHARACTERS = 16 * 1024
CURVES = ("secp256r1", "secp384r1", "secp521r1")
MIN_RSA_BITS = 2_048
MAX_RSA_BITS = 8_192
"""Checking a signature with a larger one takes too long."""

_PEM = re.compile(r"\s*-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*")


def certificate_of(given: str) -> x509.Certificate:
    """A certificate in PEM, or in its base64 alone as metadata has it. Raises InvalidError for one that no signature
    may be checked with."""
    if len(given) > CERTIFICATE_CHARACTERS:
        raise InvalidError("A certificate has at most {most} characters.", most=CERTIFICATE_CHARACTERS)
    armoured = _PEM.fullmatch(given)
    try:
        octets = base64.b64decode("".join((armoured[1] if armoured else given).split()), validate=True)
        certificate = x509.load_der_x509_certificate(octets)
        key = certificate.public_key()
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        raise InvalidError("This is no X.509 certificate in PEM.") from None
    if isinstance(key, rsa.RSAPublicKey):
        if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
            raise InvalidError(
                "An RSA key has {least} to {most} bits, this one {bits}.",
                least=MIN_RSA_BITS,
                most=MAX_RSA_BITS,
                bits=key.key_size,
            )
    elif not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name not in CURVES:
        raise InvalidError("The key must be RSA, or on one of the curves P-256, P-384 and P-521.")
    return certificate


def certificates_of(given: Sequence[str]) -> list[str]:
    """As they are kept: PEM, each once. Raises InvalidError (path `certificates`)."""
    if len(given) > MAX_CERTIFICATES:
        raise InvalidError("There are at most {most} certificates.", path=("certificates",), most=MAX_CERTIFICATES)
    found: list[str] = []
    for number, one in enumerate(given):
        try:
            found.append(pem_of(certificate_of(one)))
        except InvalidError as error:
            raise InvalidError(error.message, path=("certificates", number)) from None
    return list(dict.fromkeys(found))


def pem_of(certificate: x509.Certificate) -> str:
    """In lines of 64 characters."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


@dataclass(frozen=True, slots=True)
class Shown:
    """What people compare a certificate by."""

    subject: str
    sha256: str
    """Of the whole certificate: hex digits in pairs."""
    valid_from: datetime
    valid_until: datetime


def shown(pem: str) -> Shown:
    """Of a certificate that is kept."""
    certificate = x509.load_pem_x509_certificate(pem.encode())
    try:
        subject = certificate.subject.rfc4514_string()
    except ValueError:
        subject = ""
    return Shown(
        subject[:200],
        certificate.fingerprint(hashes.SHA256()).hex(":").upper(),
        certificate.not_valid_before_utc,
        certificate.not_valid_after_utc,
    )
