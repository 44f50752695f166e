"""eUICCs, IMSIs and activation codes."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.graphql.fields import query
from motet.graphql.imsi_selection import select_imsi
from motet.graphql.lists import root_list
from motet.graphql.reads import read_one
from motet.graphql.types.activation_code import ActivationCode, ActivationCodeFilter
from motet.graphql.types.euicc import Euicc, EuiccFilter, EuiccOperation, EuiccOperationFilter
from motet.graphql.types.imsi import ImsiPreference, ImsiPreferenceFilter, ImsiSelection, RoamingPartner
from motet.graphql.types.radio import Rat


@strawberry.type
class EuiccQueries:
    """The part of Query that is about eUICCs, IMSIs and activation codes."""

    euiccs = root_list(Euicc, Permission.SIM_READ, "The eUICCs of the workspace.", filter_by=EuiccFilter)
    euicc_operations = root_list(
        EuiccOperation,
        Permission.SIM_READ,
        "The operations on eUICCs of the workspace, newest first.",
        filter_by=EuiccOperationFilter,
    )
    activation_codes = root_list(
        ActivationCode,
        Permission.SIM_READ,
        "The activation codes of the workspace, newest first.",
        filter_by=ActivationCodeFilter,
    )
    roaming_partners = root_list(RoamingPartner, Permission.SIM_READ, "The operators whose IMSIs your SIMs hold.")
    imsi_preferences = root_list(
        ImsiPreference,
        Permission.SIM_READ,
        "Your order of partners, by country. Of one country: in that order.",
        filter_by=ImsiPreferenceFilter,
    )

    @query(Permission.SIM_READ, "The eUICC with this id or EID: give exactly one.")
    async def euicc(
        self,
        info: Info,
        id: Annotated[  # noqa: A002
            strawberry.ID | None, strawberry.argument(description="The global id.")
        ] = strawberry.UNSET,
        eid: Annotated[str | None, strawberry.argument(description="The EID.")] = strawberry.UNSET,
    ) -> Euicc | None:
        return await read_one(info, "Euicc")

    @query(Permission.SIM_READ, "The activation code with this id.")
    async def activation_code(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The global id.")],  # noqa: A002
    ) -> ActivationCode | None:
        return await read_one(info, "ActivationCode")

    @query(
        Permission.SIM_READ,
        "Which IMSI would the SIM use in a country, while these operators are out: each candidate with what speaks for"
        " and against it. Nothing is changed. Null for a SIM that is not yours.",
    )
    async def imsi_selection(
        self,
        info: Info,
        sim_id: Annotated[strawberry.ID, strawberry.argument(description="The SIM.")],
        country: Annotated[
            str | None,
            strawberry.argument(description="ISO 3166 alpha-2; where the SIM attached last, if not given."),
        ] = strawberry.UNSET,
        rat: Annotated[Rat | None, strawberry.argument(description="The technology wanted.")] = strawberry.UNSET,
        outages: Annotated[
            list[str] | None,
            strawberry.argument(
                description="Operators (MCC and MNC) taken to be out besides those that are, up to 50."
            ),
        ] = strawberry.UNSET,
    ) -> ImsiSelection | None:
        return await select_imsi(info)
