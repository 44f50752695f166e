"""The key that we sign with towards a provider, and its certificate."""

from __future__ import annotations

import textwrap
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from motet.domain.certificates import pem_of

OWN_KEY_BITS = 3_072
OWN_CERTIFICATE_TTL = timedelta(days=3_650)


def new_own_key(now: datetime) -> tuple[bytes, str]:
    """A private key (PKCS #8, DER) and its certificate (PEM), with which requests are signed. Takes some 0.2 s."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=OWN_KEY_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Motet")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + OWN_CERTIFICATE_TTL)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private, pem_of(certificate)


def base64_of(pem: str) -> str:
    """What stands between the lines of a PEM, as metadata has it."""
    return "\n".join(textwrap.wrap("".join(pem.strip().splitlines()[1:-1]), 76))
