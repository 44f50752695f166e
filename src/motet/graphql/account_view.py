"""The viewer's own account, as far as it is no entity of a workspace: the person, sessions, second factors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from motet.domain.global_ids import encode_global_id
from motet.graphql.context import Context
from motet.identity.second_factor.enrolment import Account

Part = Callable[[Context, Account], Awaitable[Any]]


async def _user(context: Context, account: Account) -> Any:
    found = await context.services.identity.users.find(account.user_id)
    if found is None:
        return None
    sessions = await context.services.identity.sessions.opened(account.user_id)
    return {
        "__typename": "ViewerUser",
        "id": encode_global_id("User", found.id),
        "email": found.email,
        "name": found.name,
        "locale": found.locale,
        "hasPassword": found.password_hash is not None,
        "sessions": [
            {
                "__typename": "LoginSession",
                "id": encode_global_id("LoginSession", session.id),
                "methods": session.methods,
                "address": session.address,
                "userAgent": session.user_agent,
                "createdAt": session.created_at,
                "lastUsedAt": session.last_used_at,
                "expiresAt": session.expires_at,
                "current": session.id == account.session_id,
            }
            for session in sessions
        ],
    }


async def _totp(context: Context, account: Account) -> Any:
    found = await context.services.identity.totp.status(account.user_id)
    return found and {"status": found.status, "createdAt": found.created_at, "__typename": "Totp"}


async def _recovery_codes_left(context: Context, account: Account) -> int:
    return await context.services.identity.enrolment.recovery_codes_left(account.user_id)


async def _required(context: Context, account: Account) -> bool:
    return await context.services.identity.enrolment.is_required(account)


async def _must_enrol(context: Context, account: Account) -> bool:
    return await context.services.identity.enrolment.must_enrol(account)


async def _passkeys(context: Context, account: Account) -> Any:
    return [
        {
            "id": encode_global_id("Passkey", key.id),
            "name": key.name,
            "backedUp": key.backed_up,
            "transports": list(key.transports),
            "createdAt": key.created_at,
            "lastUsedAt": key.last_used_at,
            "__typename": "Passkey",
        }
        for key in await context.services.identity.passkeys.of_user(account.user_id)
    ]


async def _trusted_devices(context: Context, account: Account) -> Any:
    return [
        {
            "id": encode_global_id("TrustedDevice", device.id),
            "userAgent": device.user_agent,
            "address": device.address,
            "createdAt": device.created_at,
            "lastUsedAt": device.last_used_at,
            "expiresAt": device.expires_at,
            "__typename": "TrustedDevice",
        }
        for device in await context.services.identity.trusted_devices.of_user(account.user_id)
    ]


ACCOUNT_PARTS: Mapping[str, Part] = {
    "user": _user,
    "totp": _totp,
    "recoveryCodesLeft": _recovery_codes_left,
    "secondFactorRequired": _required,
    "mustEnrolSecondFactor": _must_enrol,
    "passkeys": _passkeys,
    "trustedDevices": _trusted_devices,
}
"""Fields of the viewer that are read only where they are asked for; null for who is no signed-in user."""


async def account_part(context: Context, name: str) -> Any:
    """The value of one of `ACCOUNT_PARTS`, not yet in the shape that was asked for."""
    principal = context.principal
    if principal.user_id is None or principal.session_id is None:
        return None
    return await ACCOUNT_PARTS[name](context, Account(principal.user_id, principal.session_id))
