"""The viewer's second factors: set up, change, take away. Each reaches the viewer's own alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, cast

import strawberry
from strawberry.scalars import JSON
from strawberry.types import Info

from motet.access.principals import Permission
from motet.domain.global_ids import encode_global_id
from motet.fleet.rules import UNCHANGED
from motet.graphql.errors import UserError
from motet.graphql.fields import context_of, done, given, mutation, or_none, row_id_of
from motet.graphql.types.organisation import SecondFactorOf
from motet.graphql.types.relay import described
from motet.identity.second_factor.enrolment import Account


def _password() -> Any:
    return strawberry.field(
        default=strawberry.UNSET,
        description="The viewer's password; not needed within ten minutes of signing in.",
    )


@strawberry.input(description="That the viewer wants to set up an authenticator app.")
class TotpEnrollInput:
    password: str | None = _password()


@strawberry.type(description="What an authenticator app is told. It is shown this once.")
class TotpEnrollPayload:
    secret: str | None = described("The secret for typing, base32 in groups of four.")
    otpauth_uri: str | None = described("The secret as an `otpauth:` URI.")
    qr_code: str | None = described("The URI as a picture: a `data:` URI of an SVG.")
    user_errors: list[UserError] = described("Why nothing was set up; empty if it was.")


@strawberry.input(description="The proof that the app has the secret.")
class TotpConfirmInput:
    code: str = strawberry.field(description="The six digits that the app shows.")


@strawberry.type(description="What came of turning the app on.")
class TotpConfirmPayload:
    recovery_codes: list[str] | None = described(
        "With the first second factor ten recovery codes, shown this once; else empty."
    )
    user_errors: list[UserError] = described("Why it is not on; empty if it is.")


@strawberry.input(description="That the viewer wants the app away.")
class TotpDeleteInput:
    password: str | None = _password()


@strawberry.type(description="What came of taking the app away.")
class TotpDeletePayload:
    user_errors: list[UserError] = described("Why it is still there; empty if it is not.")


@strawberry.input(description="That the viewer wants new recovery codes.")
class RecoveryCodesRegenerateInput:
    password: str | None = _password()


@strawberry.type(description="New recovery codes.")
class RecoveryCodesRegeneratePayload:
    recovery_codes: list[str] | None = described(
        "Ten codes, each good once, shown this once. The old are worth nothing."
    )
    user_errors: list[UserError] = described("Why there are none; empty if there are.")


@strawberry.input(description="That the viewer wants to add a passkey.")
class PasskeyRegisterBeginInput:
    password: str | None = _password()


@strawberry.type(description="A challenge for the browser.")
class PasskeyRegisterBeginPayload:
    state: str | None = described("To be given back to `passkeyRegister`; good for five minutes, in this session.")
    options: JSON | None = described("What `navigator.credentials.create` takes as `publicKey`, binary as base64url.")
    user_errors: list[UserError] = described("Why there is no challenge; empty if there is.")


@strawberry.input(description="The browser's answer.")
class PasskeyRegisterInput:
    state: str = strawberry.field(description="The `state` of `passkeyRegisterBegin`.")
    credential: JSON = strawberry.field(
        description="What `navigator.credentials.create` gave, as RegistrationResponseJSON of WebAuthn has it."
    )
    name: str = strawberry.field(description="What the viewer calls the passkey; 1 to 100 characters.")


@strawberry.type(description="What came of adding a passkey.")
class PasskeyRegisterPayload:
    passkey_id: strawberry.ID | None = described("The id of the passkey.")
    recovery_codes: list[str] | None = described(
        "With the first second factor ten recovery codes, shown this once; else empty."
    )
    user_errors: list[UserError] = described("Why it was not added; empty if it was.")


@strawberry.input(description="What to change of a passkey.")
class PasskeyUpdateInput:
    id: strawberry.ID = strawberry.field(description="The passkey.")
    name: str = strawberry.field(description="What the viewer calls it; 1 to 100 characters.")


@strawberry.type(description="What came of changing a passkey.")
class PasskeyUpdatePayload:
    passkey_id: strawberry.ID | None = described("The id of the passkey.")
    user_errors: list[UserError] = described("Why it was not changed; empty if it was.")


@strawberry.input(description="Which passkey to take away.")
class PasskeyDeleteInput:
    id: strawberry.ID = strawberry.field(description="The passkey.")
    password: str | None = _password()


@strawberry.type(description="What came of taking a passkey away.")
class PasskeyDeletePayload:
    deleted_id: strawberry.ID | None = described("The id of the passkey that is gone.")
    user_errors: list[UserError] = described("Why it is still there; empty if it is not.")


@strawberry.input(description="Which device to trust no more.")
class TrustedDeviceDeleteInput:
    id: strawberry.ID = strawberry.field(description="The device.")


@strawberry.type(description="What came of trusting a device no more.")
class TrustedDeviceDeletePayload:
    deleted_id: strawberry.ID | None = described("The id of the device.")
    user_errors: list[UserError] = described("Why it is still trusted; empty if it is not.")


@strawberry.input(description="Whether the organisation asks for a second factor, and whom.")
class SecondFactorRequireInput:
    required: bool = strawberry.field(
        description="Whether its users, and those of organisations below it, must have one."
    )
    of: SecondFactorOf | None = strawberry.field(
        default=strawberry.UNSET, description="Which of them; EVERYONE if not given."
    )


@strawberry.type(description="What came of saying whether a second factor is asked for.")
class SecondFactorRequirePayload:
    required: bool | None = described("Whether the organisation asks for one now.")
    of: SecondFactorOf | None = described("Whom it asks; null if nobody.")
    user_errors: list[UserError] = described("Why nothing was changed; empty if it was.")


@strawberry.type
class SecondFactorMutations:
    """The part of Mutation that is about the viewer's second factors."""

    @mutation(Permission.VIEWER_WRITE, "Get a secret for an authenticator app; `totpConfirm` turns it on.")
    async def totp_enroll(
        self,
        info: Info,
        input: Annotated[TotpEnrollInput, strawberry.argument(description="The proof of who asks.")],  # noqa: A002
    ) -> TotpEnrollPayload | None:
        context = context_of(info)
        account = Account.of(context.principal)
        new = await context.services.identity.enrolment.enroll_totp(account, or_none(input.password))
        return done(secret=new.secret, otpauthUri=new.otpauth_uri, qrCode=new.qr_code)

    @mutation(Permission.VIEWER_WRITE, "Turn the authenticator app on that is being set up.", secrets=("code",))
    async def totp_confirm(
        self,
        info: Info,
        input: Annotated[TotpConfirmInput, strawberry.argument(description="A code of the app.")],  # noqa: A002
    ) -> TotpConfirmPayload | None:
        context = context_of(info)
        account = Account.of(context.principal)
        enrolled = await context.services.identity.enrolment.confirm_totp(account, input.code)
        return done(recoveryCodes=enrolled.recovery_codes)

    @mutation(Permission.VIEWER_WRITE, "Take the authenticator app away.")
    async def totp_delete(
        self,
        info: Info,
        input: Annotated[TotpDeleteInput, strawberry.argument(description="The proof of who asks.")],  # noqa: A002
    ) -> TotpDeletePayload | None:
        context = context_of(info)
        account = Account.of(context.principal)
        await context.services.identity.enrolment.delete_totp(account, or_none(input.password))
        return done()

    @mutation(Permission.VIEWER_WRITE, "Make ten new recovery codes in place of all earlier ones.")
    async def recovery_codes_regenerate(
        self,
        info: Info,
        input: Annotated[  # noqa: A002
            RecoveryCodesRegenerateInput, strawberry.argument(description="The proof of who asks.")
        ],
    ) -> RecoveryCodesRegeneratePayload | None:
        context = context_of(info)
        account = Account.of(context.principal)
        enrolment = context.services.identity.enrolment
        return done(recoveryCodes=await enrolment.regenerate_recovery_codes(account, or_none(input.password)))

    @mutation(Permission.VIEWER_WRITE, "Get a challenge for a new passkey; `passkeyRegister` takes the answer.")
    async def passkey_register_begin(
        self,
        info: Info,
        input: Annotated[  # noqa: A002
            PasskeyRegisterBeginInput, strawberry.argument(description="The proof of who asks.")
        ],
    ) -> PasskeyRegisterBeginPayload | None:
        context = context_of(info)
        account = Account.of(context.principal)
        asked = await context.services.identity.enrolment.ask_to_register_passkey(account, or_none(input.password))
        return done(state=asked.state, options=dict(asked.options))

    @mutation(Permission.VIEWER_WRITE, "Add the passkey that has answered a challenge.", secrets=("state",))
    async def passkey_register(
        self,
        info: Info,
        input: Annotated[PasskeyRegisterInput, strawberry.argument(description="The answer.")],  # noqa: A002
    ) -> PasskeyRegisterPayload | None:
        context = context_of(info)
        account = Account.of(context.principal)
        enrolled = await context.services.identity.enrolment.register_passkey(
            account, input.state, cast(Mapping[str, Any], input.credential), input.name
        )
        passkey_id = None if enrolled.passkey_id is None else encode_global_id("Passkey", enrolled.passkey_id)
        return done(passkeyId=passkey_id, recoveryCodes=enrolled.recovery_codes)

    @mutation(Permission.VIEWER_WRITE, "Give a passkey another name.")
    async def passkey_update(
        self,
        info: Info,
        input: Annotated[PasskeyUpdateInput, strawberry.argument(description="The change.")],  # noqa: A002
    ) -> PasskeyUpdatePayload | None:
        context = context_of(info)
        passkey_id = row_id_of(input.id, "Passkey", "id")
        account = Account.of(context.principal)
        await context.services.identity.enrolment.rename_passkey(account, passkey_id, input.name)
        return done(passkeyId=input.id)

    @mutation(Permission.VIEWER_WRITE, "Take a passkey away: it signs nobody in any more.")
    async def passkey_delete(
        self,
        info: Info,
        input: Annotated[PasskeyDeleteInput, strawberry.argument(description="Which passkey.")],  # noqa: A002
    ) -> PasskeyDeletePayload | None:
        context = context_of(info)
        passkey_id = row_id_of(input.id, "Passkey", "id")
        account = Account.of(context.principal)
        await context.services.identity.enrolment.delete_passkey(account, passkey_id, or_none(input.password))
        return done(deletedId=input.id)

    @mutation(Permission.VIEWER_WRITE, "Ask for the second factor again on a device that was trusted.")
    async def trusted_device_delete(
        self,
        info: Info,
        input: Annotated[TrustedDeviceDeleteInput, strawberry.argument(description="Which device.")],  # noqa: A002
    ) -> TrustedDeviceDeletePayload | None:
        context = context_of(info)
        device_id = row_id_of(input.id, "TrustedDevice", "id")
        await context.services.identity.enrolment.delete_trusted_device(Account.of(context.principal), device_id)
        return done(deletedId=input.id)

    @mutation(
        Permission.USER_WRITE,
        "Say whether the organisation of the workspace asks its users for a second factor, all or those who administer"
        " anything. Sessions without one may"
        " then do no more than set one up. For super administrators, and the administrator of its only workspace.",
    )
    async def second_factor_require(
        self,
        info: Info,
        input: Annotated[SecondFactorRequireInput, strawberry.argument(description="Whether.")],  # noqa: A002
    ) -> SecondFactorRequirePayload | None:
        context = context_of(info)
        of = given(input.of, "of")
        of = SecondFactorOf.EVERYONE.value if of is UNCHANGED else of
        await context.services.identity.second_factor_requirement.require(
            context.principal, input.required, of_administrators=of == SecondFactorOf.ADMINISTRATORS.value
        )
        return done(required=input.required, of=of if input.required else None)
