"""IMSIs of SIMs, the partners whose they are, and your order of them."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.fleet.cards.roaming_partner import NewTerm
from motet.fleet.rules import UNCHANGED, Unchanged
from motet.graphql.errors import UserError
from motet.graphql.fields import context_of, done, given, idempotency_key, mutation, or_none, row_id_of
from motet.graphql.scoping import Scoping
from motet.graphql.types.imsi import Imsi, RoamingPartner
from motet.graphql.types.radio import Rat
from motet.graphql.types.relay import described
from motet.graphql.types.sim import Sim


@strawberry.input(description="What a partner's IMSIs may and can do in a country.")
class RoamingTermInput:
    country: str = strawberry.field(description="ISO 3166 alpha-2, such as DE.")
    networks: list[str] = strawberry.field(description="The networks that let them in, by MCC and MNC; up to 40.")
    rats: list[Rat] = strawberry.field(description="The radio access technologies that they get there.")
    permanent_roaming: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Whether they may stay as long as they like; default true."
    )
    max_stay_days: int | None = strawberry.field(
        default=strawberry.UNSET,
        description="Where permanent roaming is barred: the days that one may stay, 1 to 3,650; none if not given.",
    )
    psm: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Whether power saving mode works there; default false."
    )
    edrx: bool | None = strawberry.field(default=strawberry.UNSET, description="Whether eDRX works there; default no.")


@strawberry.input(description="A new partner.")
class RoamingPartnerCreateInput:
    name: str = strawberry.field(description="What people call it: 1 to 60 characters, one line.")
    plmn: str = strawberry.field(description="The home operator of its IMSIs: MCC and MNC, five or six digits.")
    terms: list[RoamingTermInput] | None = strawberry.field(
        default=strawberry.UNSET, description="Its terms, one of each country."
    )
    idempotency_key: str | None = idempotency_key()


@strawberry.type(description="What came of adding a partner.")
class RoamingPartnerCreatePayload:
    roaming_partner: RoamingPartner | None = described("The partner.")
    user_errors: list[UserError] = described("Why it was not added; empty if it was.")


@strawberry.input(description="What to change of a partner; what is left out stays.")
class RoamingPartnerUpdateInput:
    id: strawberry.ID = strawberry.field(description="The partner.")
    name: str | None = strawberry.field(
        default=strawberry.UNSET, description="What people call it: 1 to 60 characters, one line."
    )
    plmn: str | None = strawberry.field(default=strawberry.UNSET, description="The home operator of its IMSIs.")
    terms: list[RoamingTermInput] | None = strawberry.field(
        default=strawberry.UNSET, description="All its terms, in place of those that it has."
    )


@strawberry.type(description="What came of changing a partner.")
class RoamingPartnerUpdatePayload:
    roaming_partner: RoamingPartner | None = described("The partner, as it is now.")
    user_errors: list[UserError] = described("Why it was not changed; empty if it was.")


@strawberry.input(description="Which partner to remove.")
class RoamingPartnerDeleteInput:
    id: strawberry.ID = strawberry.field(description="The partner; no IMSI may be its any more.")


@strawberry.type(description="What came of removing a partner.")
class RoamingPartnerDeletePayload:
    deleted_id: strawberry.ID | None = described("The id of the partner that is gone.")
    user_errors: list[UserError] = described("Why it was not removed; empty if it was.")


@strawberry.input(description="Your order of partners in a country.")
class ImsiPreferenceSetInput:
    country: str = strawberry.field(description="ISO 3166 alpha-2, such as DE.")
    partner_ids: list[strawberry.ID] = strawberry.field(
        description="The partners, the one to be preferred first; those not named come behind. Empty: no order."
    )


@strawberry.type(description="What came of setting your order of partners.")
class ImsiPreferenceSetPayload:
    country: str | None = described("The country.")
    partner_ids: list[strawberry.ID] | None = described("The order, as it is now.")
    user_errors: list[UserError] = described("Why it was not set; empty if it was.")


@strawberry.input(description="One more IMSI of a SIM.")
class ImsiAddInput:
    sim_id: strawberry.ID = strawberry.field(description="The SIM.")
    imsi: str = strawberry.field(description="The IMSI, 14 or 15 digits; no other SIM has it.")
    partner_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="Whose it is.")
    profile_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Of an eUICC: the profile; the enabled one if not given."
    )
    idempotency_key: str | None = idempotency_key()


@strawberry.type(description="What came of adding an IMSI.")
class ImsiAddPayload:
    imsi: Imsi | None = described("The IMSI; it is not in use.")
    user_errors: list[UserError] = described("Why it was not added; empty if it was.")


@strawberry.input(description="Whose an IMSI is.")
class ImsiUpdateInput:
    id: strawberry.ID = strawberry.field(description="The IMSI.")
    partner_id: strawberry.ID | None = strawberry.field(description="Its partner; null: nobody who has terms.")


@strawberry.type(description="What came of changing whose an IMSI is.")
class ImsiUpdatePayload:
    imsi: Imsi | None = described("The IMSI, as it is now.")
    user_errors: list[UserError] = described("Why it was not changed; empty if it was.")


@strawberry.input(description="Which IMSI to take from its SIM.")
class ImsiRemoveInput:
    id: strawberry.ID = strawberry.field(description="The IMSI; it must not be in use.")


@strawberry.type(description="What came of removing an IMSI.")
class ImsiRemovePayload:
    deleted_id: strawberry.ID | None = described("The id of the IMSI that is gone.")
    user_errors: list[UserError] = described("Why it was not removed; empty if it was.")


@strawberry.input(description="Which IMSI a SIM is to use.")
class SimSwitchImsiInput:
    id: strawberry.ID = strawberry.field(description="The SIM.")
    imsi_id: strawberry.ID = strawberry.field(description="One of its IMSIs.")


@strawberry.type(description="What came of switching to another IMSI.")
class SimSwitchImsiPayload:
    sim: Sim | None = described("The SIM, as it is now.")
    user_errors: list[UserError] = described("Why it was not switched; empty if it was.")


@strawberry.type
class ImsiMutations:
    """The part of Mutation that is about IMSIs."""

    @mutation(Permission.SIM_WRITE, "Add an operator whose IMSIs your SIMs hold.", ("roamingPartner", "RoamingPartner"))
    async def roaming_partner_create(
        self,
        info: Info,
        input: Annotated[RoamingPartnerCreateInput, strawberry.argument(description="The partner.")],  # noqa: A002
    ) -> RoamingPartnerCreatePayload | None:
        context = context_of(info)
        terms = _terms(or_none(input.terms) or [])
        return done(await context.services.roaming_partners.create(context.workspace_id, input.name, input.plmn, terms))

    @mutation(
        Permission.SIM_WRITE,
        "Change a partner. IMSIs are chosen by its new terms from then on.",
        ("roamingPartner", "RoamingPartner"),
    )
    async def roaming_partner_update(
        self,
        info: Info,
        input: Annotated[RoamingPartnerUpdateInput, strawberry.argument(description="The changes.")],  # noqa: A002
    ) -> RoamingPartnerUpdatePayload | None:
        context = context_of(info)
        partner_id = row_id_of(input.id, "RoamingPartner", "id")
        terms = given(input.terms, "terms")
        await context.services.roaming_partners.update(
            context.workspace_id,
            partner_id,
            name=given(input.name, "name"),
            plmn=given(input.plmn, "plmn"),
            terms=UNCHANGED if isinstance(terms, Unchanged) else _terms(terms),
        )
        return done(partner_id)

    @mutation(Permission.SIM_WRITE, "Remove a partner of which no SIM has IMSIs.")
    async def roaming_partner_delete(
        self,
        info: Info,
        input: Annotated[RoamingPartnerDeleteInput, strawberry.argument(description="Which partner.")],  # noqa: A002
    ) -> RoamingPartnerDeletePayload | None:
        context = context_of(info)
        partner_id = row_id_of(input.id, "RoamingPartner", "id")
        await context.services.roaming_partners.delete(context.workspace_id, partner_id)
        return done(deletedId=input.id)

    @mutation(
        Permission.SIM_WRITE,
        "Set which partners' IMSIs are preferred in a country: who is before others is used if that is possible.",
    )
    async def imsi_preference_set(
        self,
        info: Info,
        input: Annotated[ImsiPreferenceSetInput, strawberry.argument(description="The order.")],  # noqa: A002
    ) -> ImsiPreferenceSetPayload | None:
        context = context_of(info)
        partner_ids = [row_id_of(each, "RoamingPartner", "partner_ids") for each in input.partner_ids]
        await context.services.roaming_partners.prefer(context.workspace_id, input.country, partner_ids)
        return done(country=input.country, partnerIds=list(input.partner_ids))

    @mutation(Permission.SIM_WRITE, "Give a SIM one more IMSI to choose from.", ("imsi", "Imsi"), scoping=Scoping.IDS)
    async def imsi_add(
        self,
        info: Info,
        input: Annotated[ImsiAddInput, strawberry.argument(description="The IMSI.")],  # noqa: A002
    ) -> ImsiAddPayload | None:
        context = context_of(info)
        partner_id, profile_id = or_none(input.partner_id), or_none(input.profile_id)
        return done(
            await context.services.imsis.add(
                context.workspace_id,
                context.principal.subject,
                row_id_of(input.sim_id, "Sim", "sim_id"),
                input.imsi,
                partner_id=None if partner_id is None else row_id_of(partner_id, "RoamingPartner", "partner_id"),
                profile_id=None if profile_id is None else row_id_of(profile_id, "EuiccProfile", "profile_id"),
            )
        )

    @mutation(Permission.SIM_WRITE, "Say whose an IMSI is.", ("imsi", "Imsi"), scoping=Scoping.IDS)
    async def imsi_update(
        self,
        info: Info,
        input: Annotated[ImsiUpdateInput, strawberry.argument(description="The change.")],  # noqa: A002
    ) -> ImsiUpdatePayload | None:
        context = context_of(info)
        imsi_id = row_id_of(input.id, "Imsi", "id")
        partner_id = None if input.partner_id is None else row_id_of(input.partner_id, "RoamingPartner", "partner_id")
        await context.services.imsis.set_partner(context.workspace_id, imsi_id, partner_id)
        return done(imsi_id)

    @mutation(
        Permission.SIM_WRITE,
        "Take an IMSI that is not in use from its SIM; it is free for another then.",
        scoping=Scoping.IDS,
    )
    async def imsi_remove(
        self,
        info: Info,
        input: Annotated[ImsiRemoveInput, strawberry.argument(description="Which IMSI.")],  # noqa: A002
    ) -> ImsiRemovePayload | None:
        context = context_of(info)
        imsi_id = row_id_of(input.id, "Imsi", "id")
        await context.services.imsis.remove(context.workspace_id, context.principal.subject, imsi_id)
        return done(deletedId=input.id)

    @mutation(
        Permission.SIM_WRITE,
        "Let a SIM use another of its IMSIs, from now on. Refused for one whose operator is out, or that must not be"
        " used where the SIM is.",
        ("sim", "Sim"),
        scoping=Scoping.IDS,
    )
    async def sim_switch_imsi(
        self,
        info: Info,
        input: Annotated[SimSwitchImsiInput, strawberry.argument(description="What to use.")],  # noqa: A002
    ) -> SimSwitchImsiPayload | None:
        context = context_of(info)
        sim_id, imsi_id = row_id_of(input.id, "Sim", "id"), row_id_of(input.imsi_id, "Imsi", "imsi_id")
        await context.services.imsis.switch(context.workspace_id, context.principal.subject, sim_id, imsi_id)
        return done(sim_id)


def _terms(given: list[RoamingTermInput]) -> list[NewTerm]:
    return [
        NewTerm(
            country=one.country,
            networks=one.networks,
            rats=[rat.name for rat in one.rats],
            permanent_roaming=or_none(one.permanent_roaming) is not False,
            max_stay_days=or_none(one.max_stay_days),
            psm=bool(or_none(one.psm)),
            edrx=bool(or_none(one.edrx)),
        )
        for one in given
    ]
