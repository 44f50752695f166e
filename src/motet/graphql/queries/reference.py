"""Countries, operators, networks and the versions of what is known of them."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.fleet.policies.coverage import CoverageBook
from motet.graphql.fields import context_of, query, raw
from motet.graphql.lists import plain_list
from motet.graphql.network_view import ReferenceView, network_key
from motet.graphql.plain import answered, plain_connection, shaped
from motet.graphql.selection import selection_of
from motet.graphql.types.reference import (
    Country,
    CountryFilter,
    CoverageVersion,
    Network,
    NetworkChange,
    NetworkFilter,
    Operator,
    OperatorFilter,
)
from motet.graphql.types.relay import After, Before, Connection, First, Last
from motet.radio import reference
from motet.radio.coverage import PACKAGED, packaged_coverage
from motet.reading.selection import Selected
from motet.storage.coverage import StoredVersion


async def _countries(info: Info, selected: Selected) -> Any:
    view = await _view(info)
    found = view.countries(_filter(selected))
    return plain_connection(selected, "Country", found, lambda one: one.code, view.country)


async def _operators(info: Info, selected: Selected) -> Any:
    view = await _view(info)
    found = view.operators(_filter(selected))
    return plain_connection(selected, "Operator", found, lambda one: one.plmn, view.operator)


async def _networks(info: Info, selected: Selected) -> Any:
    view = await _view(info)
    return plain_connection(selected, "Network", view.networks(_filter(selected)), network_key, view.network)


def _filter(selected: Selected) -> dict[str, Any]:
    return selected.arguments.get("filter") or {}


def _book(info: Info) -> CoverageBook:
    return context_of(info).services.coverage


async def _view(info: Info) -> ReferenceView:
    book = _book(info)
    return ReferenceView(await book.current(), book.today())


@strawberry.type
class ReferenceQueries:
    """The part of Query that is about what all workspaces share."""

    countries = plain_list(
        Country,
        Permission.REFERENCE_READ,
        "The countries of ISO 3166-1, by code.",
        filter_by=CountryFilter,
        page=_countries,
    )

    @query(Permission.REFERENCE_READ, "The country of this code; null if there is none.")
    async def country(
        self, info: Info, code: Annotated[str, strawberry.argument(description="ISO 3166-1 alpha-2.")]
    ) -> Country | None:
        found = reference.countries().get(code.upper())
        view = await _view(info)
        return answered(None if found is None else shaped(selection_of(raw(info)), view.country(found)))

    operators = plain_list(
        Operator,
        Permission.REFERENCE_READ,
        "Who has which PLMN code, by code.",
        filter_by=OperatorFilter,
        page=_operators,
    )

    @query(Permission.REFERENCE_READ, "Who has this PLMN code; null if nobody is known to.")
    async def operator(
        self, info: Info, code: Annotated[str, strawberry.argument(description="The PLMN code, such as 26201.")]
    ) -> Operator | None:
        found = reference.operators().get(code.replace("-", ""))
        view = await _view(info)
        return answered(None if found is None else shaped(selection_of(raw(info)), view.operator(found)))

    networks = plain_list(
        Network,
        Permission.REFERENCE_READ,
        "Which operator offers which RAT, in which bands, with what: by code and RAT.",
        filter_by=NetworkFilter,
        page=_networks,
    )

    @query(Permission.REFERENCE_READ, "The versions of what is known of networks, the newest, which counts, first.")
    async def coverage_versions(self, info: Info) -> list[CoverageVersion] | None:
        versions = [coverage_version(one) for one in (*await _book(info).versions(), None)]
        return answered(shaped(selection_of(raw(info)), versions))

    @query(Permission.REFERENCE_READ, "One version, the current one if no number is given; null if there is none.")
    async def coverage_version(
        self,
        info: Info,
        number: Annotated[int | None, strawberry.argument(description="Its number.")] = strawberry.UNSET,
    ) -> CoverageVersion | None:
        book, selected = _book(info), selection_of(raw(info))
        wanted = selected.arguments.get("number")
        found = await book.current() if wanted is None else await book.version(wanted)
        if found is None:
            return answered(None)
        stored = {one.number: one for one in await book.versions()}.get(found.version)
        shown = coverage_version(stored)
        if any(child.name == "csv" for child in selected.children):
            shown["csv"] = await book.export_csv(found.version)
        return answered(shaped(selected, shown))

    @query(Permission.REFERENCE_READ, "What is different of networks from one version to another, by code and RAT.")
    async def coverage_changes(
        self,
        info: Info,
        from_version: Annotated[int, strawberry.argument(name="from", description="The earlier version.")],
        to: Annotated[int, strawberry.argument(description="The later version.")],
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
    ) -> Connection[NetworkChange] | None:
        book, selected = _book(info), selection_of(raw(info))
        changes = await book.compare(from_version, to)
        if changes is None:
            return answered(None)
        context, view = context_of(info), await _view(info)
        devices = None
        principal = context.principal
        if principal.workspace_id is not None and principal.allows(Permission.DEVICE_READ):
            keys = [(one.network.plmn, one.network.rat) for one in changes]
            devices = await context.services.power_profiles.devices_on(
                context.workspace_id, keys, context.principal.tags
            )
        return answered(
            plain_connection(
                selected,
                "NetworkChange",
                changes,
                lambda one: network_key(one.network),
                lambda one: view.change(one, devices),
            )
        )


def coverage_version(stored: StoredVersion | None) -> dict[str, Any]:
    """A CoverageVersion; None stands for the one that comes with Motet."""
    packaged = packaged_coverage()
    return {
        "__typename": "CoverageVersion",
        "number": PACKAGED if stored is None else stored.number,
        "name": packaged.name if stored is None else stored.name,
        "source": packaged.source if stored is None else stored.source,
        "asOf": packaged.as_of if stored is None else stored.as_of,
        "networkCount": len(packaged.networks) if stored is None else stored.networks,
        "importedBy": None if stored is None else stored.actor,
        "createdAt": None if stored is None else stored.created_at,
        "csv": None,
    }
