"""eUICCs: add profiles, and operate on them."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.domain.euicc import OperationType
from motet.domain.global_ids import encode_global_id
from motet.fleet.cards.euicc import ROLLBACK_AFTER_S, VALIDITY_S, NewProfile, Operated
from motet.graphql.errors import UserError
from motet.graphql.fields import context_of, done, given, given_or_null, idempotency_key, mutation, or_none, row_id_of
from motet.graphql.scoping import Scoping
from motet.graphql.types.euicc import EuiccEffect, EuiccOperation, EuiccProfile
from motet.graphql.types.relay import described

_PROFILE = "The profile."
_VALIDITY = "How many seconds the operation may take, 60 to 2,592,000; 86,400 if not given."
_DRY_RUN = "Only tell what would happen; default false."
_EFFECTS = "What it does to which profile once the card has confirmed it; after a dry run, would do."
_OPERATION = "The operation; null after a dry run."
_ERRORS = "Why it was not ordered; empty if it was, or could be."


@strawberry.input(description="A profile that the SM-DP has for an eUICC.")
class EuiccProfileAddInput:
    euicc_id: strawberry.ID = strawberry.field(description="The eUICC.")
    iccid: str = strawberry.field(description="The profile's ICCID, 19 or 20 digits.")
    imsi: str = strawberry.field(description="The IMSI that it begins with, 14 or 15 digits; `imsiAdd` adds others.")
    msisdn: str = strawberry.field(description="Its number, 7 to 15 digits in international form.")
    plmn: str | None = strawberry.field(
        default=strawberry.UNSET, description="Its home operator, MCC and MNC; as the IMSI says if not given."
    )
    idempotency_key: str | None = idempotency_key()


@strawberry.type(description="What came of adding a profile.")
class EuiccProfileAddPayload:
    euicc_profile: EuiccProfile | None = described("The profile; it is AVAILABLE.")
    user_errors: list[UserError] = described("Why it was not added; empty if it was.")


@strawberry.input(description="Which profile to download.")
class EuiccProfileDownloadInput:
    id: strawberry.ID = strawberry.field(description=_PROFILE)
    validity_s: int | None = strawberry.field(default=strawberry.UNSET, description=_VALIDITY)
    dry_run: bool | None = strawberry.field(default=strawberry.UNSET, description=_DRY_RUN)
    idempotency_key: str | None = idempotency_key()


@strawberry.type(description="What came of ordering a download.")
class EuiccProfileDownloadPayload:
    operation: EuiccOperation | None = described(_OPERATION)
    effects: list[EuiccEffect] | None = described(_EFFECTS)
    user_errors: list[UserError] = described(_ERRORS)


@strawberry.input(description="Which profile to enable.")
class EuiccProfileEnableInput:
    id: strawberry.ID = strawberry.field(description=_PROFILE)
    rollback_after_s: int | None = strawberry.field(
        default=strawberry.UNSET,
        description="Go back if the SIM does not attach within so many seconds, 10 to 86,400; 600 if not given, null:"
        " never.",
    )
    validity_s: int | None = strawberry.field(default=strawberry.UNSET, description=_VALIDITY)
    dry_run: bool | None = strawberry.field(default=strawberry.UNSET, description=_DRY_RUN)
    idempotency_key: str | None = idempotency_key()


@strawberry.type(description="What came of ordering that a profile be enabled.")
class EuiccProfileEnablePayload:
    operation: EuiccOperation | None = described(_OPERATION)
    effects: list[EuiccEffect] | None = described(_EFFECTS)
    user_errors: list[UserError] = described(_ERRORS)


@strawberry.input(description="Which profile to disable.")
class EuiccProfileDisableInput:
    id: strawberry.ID = strawberry.field(description=_PROFILE)
    validity_s: int | None = strawberry.field(default=strawberry.UNSET, description=_VALIDITY)
    dry_run: bool | None = strawberry.field(default=strawberry.UNSET, description=_DRY_RUN)
    idempotency_key: str | None = idempotency_key()


@strawberry.type(description="What came of ordering that a profile be disabled.")
class EuiccProfileDisablePayload:
    operation: EuiccOperation | None = described(_OPERATION)
    effects: list[EuiccEffect] | None = described(_EFFECTS)
    user_errors: list[UserError] = described(_ERRORS)


@strawberry.input(description="Which profile to delete.")
class EuiccProfileDeleteInput:
    id: strawberry.ID = strawberry.field(description=_PROFILE)
    validity_s: int | None = strawberry.field(default=strawberry.UNSET, description=_VALIDITY)
    dry_run: bool | None = strawberry.field(default=strawberry.UNSET, description=_DRY_RUN)
    idempotency_key: str | None = idempotency_key()


@strawberry.type(description="What came of ordering that a profile be deleted. It is gone once the operation is OK.")
class EuiccProfileDeletePayload:
    operation: EuiccOperation | None = described(_OPERATION)
    effects: list[EuiccEffect] | None = described(_EFFECTS)
    user_errors: list[UserError] = described(_ERRORS)


@strawberry.input(description="Which profile to make the fallback profile.")
class EuiccProfileSetFallbackInput:
    id: strawberry.ID = strawberry.field(description=_PROFILE)
    validity_s: int | None = strawberry.field(default=strawberry.UNSET, description=_VALIDITY)
    dry_run: bool | None = strawberry.field(default=strawberry.UNSET, description=_DRY_RUN)
    idempotency_key: str | None = idempotency_key()


@strawberry.type(description="What came of ordering another fallback profile.")
class EuiccProfileSetFallbackPayload:
    operation: EuiccOperation | None = described(_OPERATION)
    effects: list[EuiccEffect] | None = described(_EFFECTS)
    user_errors: list[UserError] = described(_ERRORS)


@strawberry.input(description="Which eUICC to take back to the profile before.")
class EuiccRollbackInput:
    id: strawberry.ID = strawberry.field(description="The eUICC.")
    validity_s: int | None = strawberry.field(default=strawberry.UNSET, description=_VALIDITY)
    dry_run: bool | None = strawberry.field(default=strawberry.UNSET, description=_DRY_RUN)
    idempotency_key: str | None = idempotency_key()


@strawberry.type(description="What came of ordering the way back.")
class EuiccRollbackPayload:
    operation: EuiccOperation | None = described(_OPERATION)
    effects: list[EuiccEffect] | None = described(_EFFECTS)
    user_errors: list[UserError] = described(_ERRORS)


_NOUN = ("operation", "EuiccOperation")


@strawberry.type
class EuiccMutations:
    """The part of Mutation that is about eUICCs."""

    @mutation(
        Permission.SIM_WRITE,
        "Add a profile to an eUICC, which has at most `maxProfiles`. It is AVAILABLE: download and enable it then.",
        ("euiccProfile", "EuiccProfile"),
        scoping=Scoping.IDS,
    )
    async def euicc_profile_add(
        self,
        info: Info,
        input: Annotated[EuiccProfileAddInput, strawberry.argument(description="The profile.")],  # noqa: A002
    ) -> EuiccProfileAddPayload | None:
        context = context_of(info)
        euicc_id = row_id_of(input.euicc_id, "Euicc", "euicc_id")
        new = NewProfile(iccid=input.iccid, imsi=input.imsi, msisdn=input.msisdn, plmn=or_none(input.plmn))
        return done(
            await context.services.euiccs.add_profile(context.workspace_id, context.principal.subject, euicc_id, new)
        )

    @mutation(Permission.SIM_WRITE, "Download a profile that is AVAILABLE.", _NOUN, scoping=Scoping.IDS)
    async def euicc_profile_download(
        self,
        info: Info,
        input: Annotated[EuiccProfileDownloadInput, strawberry.argument(description="Which profile.")],  # noqa: A002
    ) -> EuiccProfileDownloadPayload | None:
        return await _operate(info, OperationType.DOWNLOAD, input)

    @mutation(
        Permission.SIM_WRITE,
        "Enable a profile that is on the card. Once it is confirmed the SIM has the profile's ICCID, IMSI and MSISDN,"
        " and the next SMS goes there.",
        _NOUN,
        scoping=Scoping.IDS,
    )
    async def euicc_profile_enable(
        self,
        info: Info,
        input: Annotated[EuiccProfileEnableInput, strawberry.argument(description="Which profile.")],  # noqa: A002
    ) -> EuiccProfileEnablePayload | None:
        return await _operate(info, OperationType.ENABLE, input)

    @mutation(
        Permission.SIM_WRITE, "Disable the profile in use: the fallback profile takes over.", _NOUN, scoping=Scoping.IDS
    )
    async def euicc_profile_disable(
        self,
        info: Info,
        input: Annotated[EuiccProfileDisableInput, strawberry.argument(description="Which profile.")],  # noqa: A002
    ) -> EuiccProfileDisablePayload | None:
        return await _operate(info, OperationType.DISABLE, input)

    @mutation(
        Permission.SIM_WRITE,
        "Delete a profile that is neither in use nor the fallback profile.",
        _NOUN,
        scoping=Scoping.IDS,
    )
    async def euicc_profile_delete(
        self,
        info: Info,
        input: Annotated[EuiccProfileDeleteInput, strawberry.argument(description="Which profile.")],  # noqa: A002
    ) -> EuiccProfileDeletePayload | None:
        return await _operate(info, OperationType.DELETE, input)

    @mutation(
        Permission.SIM_WRITE,
        "Make a profile the one that takes over when another is disabled.",
        _NOUN,
        scoping=Scoping.IDS,
    )
    async def euicc_profile_set_fallback(
        self,
        info: Info,
        input: Annotated[EuiccProfileSetFallbackInput, strawberry.argument(description="Which profile.")],  # noqa: A002
    ) -> EuiccProfileSetFallbackPayload | None:
        return await _operate(info, OperationType.SET_FALLBACK, input)

    @mutation(
        Permission.SIM_WRITE,
        "Enable the profile that was in use before, or else the fallback profile.",
        _NOUN,
        scoping=Scoping.IDS,
    )
    async def euicc_rollback(
        self,
        info: Info,
        input: Annotated[EuiccRollbackInput, strawberry.argument(description="Which eUICC.")],  # noqa: A002
    ) -> EuiccRollbackPayload | None:
        return await _operate(info, OperationType.ROLLBACK, input, euicc_id=row_id_of(input.id, "Euicc", "id"))


async def _operate(info: Info, kind: OperationType, asked: Any, *, euicc_id: int | None = None) -> Any:
    context = context_of(info)
    validity_s = given(asked.validity_s, "validity_s")
    rollback_after_s = given_or_null(getattr(asked, "rollback_after_s", strawberry.UNSET))
    operated = await context.services.euiccs.operate(
        context.workspace_id,
        context.principal.subject,
        kind,
        euicc_id=euicc_id,
        profile_id=None if euicc_id is not None else row_id_of(asked.id, "EuiccProfile", "id"),
        validity_s=validity_s if isinstance(validity_s, int) else VALIDITY_S,
        rollback_after_s=rollback_after_s if isinstance(rollback_after_s, int | None) else ROLLBACK_AFTER_S,
        dry_run=bool(or_none(asked.dry_run)),
    )
    return done(operated.operation_id, effects=_effects(operated))


def _effects(operated: Operated) -> list[dict[str, Any]]:
    return [
        {
            "profileId": encode_global_id("EuiccProfile", one.profile_id),
            "iccid": one.iccid,
            "before": one.before,
            "after": one.after,
            "isFallback": one.is_fallback,
            "__typename": "EuiccEffect",
        }
        for one in operated.effects
    ]
