"""Reference data of SIM cards."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry
from strawberry.scalars import JSON
from strawberry.types import Info

from motet.access.principals import Permission
from motet.domain.sim_compliance import SOFTWARE_FEATURES, STANDARDS, compliance_export
from motet.graphql import sim_cards
from motet.graphql.fields import query, raw
from motet.graphql.plain import answered, shaped
from motet.graphql.selection import selection_of
from motet.graphql.sim_cards import object_of
from motet.graphql.types.sim_card import (
    ComplianceStandard,
    FormFactor,
    QualityGrade,
    SimEnvironmentInput,
    SimPackage,
    SimPackageFit,
    SimSoftwareFeature,
)


@strawberry.type
class SimCardQueries:
    """The part of Query that is about cards as they are made."""

    @query(Permission.VIEWER_READ, "The form factors of SIM cards, largest first.")
    async def form_factors(self, info: Info) -> list[FormFactor] | None:
        return _answer(info, sim_cards.form_factors())

    @query(Permission.VIEWER_READ, "The packages in which SIM cards can be ordered.")
    async def sim_packages(self, info: Info) -> list[SimPackage] | None:
        return _answer(info, sim_cards.packages())

    @query(Permission.VIEWER_READ, "The grades in which SIM cards are made.")
    async def quality_grades(self, info: Info) -> list[QualityGrade] | None:
        return _answer(info, sim_cards.quality_grades())

    @query(Permission.VIEWER_READ, "The standards and rules that SIM cards of every grade comply with.")
    async def compliance_standards(self, info: Info) -> list[ComplianceStandard] | None:
        return _answer(info, [object_of("ComplianceStandard", one) for one in STANDARDS])

    @query(Permission.VIEWER_READ, "What the software on SIM cards of every grade can do.")
    async def sim_software_features(self, info: Info) -> list[SimSoftwareFeature] | None:
        return _answer(info, [object_of("SimSoftwareFeature", one) for one in SOFTWARE_FEATURES])

    @query(
        Permission.VIEWER_READ,
        "Standards, features, grades and packages as one document for machines; `format` names its layout.",
    )
    async def sim_compliance_export(self, info: Info) -> JSON | None:
        return _answer(info, compliance_export())

    @query(Permission.VIEWER_READ, "How well each package suits devices in this environment, the best first.")
    async def sim_package_fits(
        self,
        info: Info,
        environment: Annotated[SimEnvironmentInput, strawberry.argument(description="What the devices meet.")],
    ) -> list[SimPackageFit] | None:
        return _answer(info, sim_cards.fits(sim_cards.environment_of(environment, "environment")))


def _answer(info: Info, value: Any) -> Any:
    return answered(shaped(selection_of(raw(info)), value))
