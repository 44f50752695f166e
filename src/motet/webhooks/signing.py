"""Signatures of webhook attempts, as the Standard Webhooks specification 1.0 makes them (symmetric scheme, `v1`)."""

import hmac
from base64 import b64encode
from hashlib import sha256

SECRET_PREFIX = "whsec_"  # noqa: S105 -- the word before every secret, not one
SECRET_OCTETS = 32
"""Random octets in a new secret. The specification asks for 24 to 64; 32 is the block that HMAC-SHA256 yields."""


def spell_secret(key: bytes) -> str:
    """The secret as the receiver's library takes it: `whsec_` and base64 of the key, with padding."""
    return SECRET_PREFIX + b64encode(key).decode("ascii")


def message_id(delivery_id: int) -> str:
    """The `webhook-id` header of a delivery: the same over retries and replays, without a full stop."""
    return f"msg_{delivery_id}"


def signature_headers(key: bytes, delivery_id: int, attempted_at_s: int, body: bytes) -> dict[str, str]:
    """The three headers of one attempt. `attempted_at_s` is the attempt's Unix time in seconds, `body` what is sent."""
    webhook_id = message_id(delivery_id)
    signed = b"%b.%d.%b" % (webhook_id.encode("ascii"), attempted_at_s, body)
    digest = hmac.digest(key, signed, sha256)
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(attempted_at_s),
        "webhook-signature": "v1," + b64encode(digest).decode("ascii"),
    }
