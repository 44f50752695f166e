"""The GraphQL edge of a node, over the hub, webhooks and fleet services."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import fields, replace

from starlette.responses import RedirectResponse

from motet.bootstrap.messaging import reload_links
from motet.bootstrap.node import Node
from motet.bootstrap.sims import sim_schedule, sim_service
from motet.config.errors import StartError
from motet.fleet.alerts.alert_rule import AlertRuleService
from motet.fleet.alerts.event_retention import EventRetention
from motet.fleet.devices.device import DeviceService
from motet.fleet.devices.device_bulk import DeviceBulkService
from motet.fleet.devices.diagnosis import DiagnosisService
from motet.fleet.devices.power_profile import PowerProfileService
from motet.fleet.documents.trusted_document import TrustedDocumentService
from motet.fleet.ip.breakout import BreakoutService
from motet.fleet.ip.dns_config import DnsConfigService
from motet.fleet.ip.ip_address_space import IpAddressSpaceService
from motet.fleet.ip.ip_import import AddressImporter
from motet.fleet.journal import Journal
from motet.fleet.messaging.short_code import ShortCodeService
from motet.fleet.messaging.smpp_account import SmppAccountService
from motet.fleet.messaging.smsc_link import SmscLinkService
from motet.fleet.policies.coverage import CoverageBook
from motet.fleet.policies.coverage_check import CoverageCheckService
from motet.fleet.policies.policies import COVERAGE, SERVICE, PolicyService
from motet.fleet.sims.sim_batch import SimBatchService
from motet.fleet.sims.sim_bulk import SimBulkService
from motet.fleet.sims.sim_move import SimMoveService
from motet.fleet.sims.sim_purchase_order import SimPurchaseOrderService
from motet.fleet.usage.quota import QuotaBook
from motet.graphql.app import Dependencies, build_graphql_app
from motet.graphql.context import Services
from motet.graphql.documents import document_check
from motet.graphql.limits import Limits
from motet.graphql.persisted import Sources
from motet.graphql.schema import SCHEMA
from motet.reading.reader import Reader
from motet.storage.scope import Scopes
from motet.storage.transaction import Keys

PATH = "/graphql"

DEMO_BUCKETS = 20
"""How much more a caller of the demo may ask for than one in service: it is alone there, and may want to measure."""


@asynccontextmanager
async def graphql(node: Node) -> AsyncIterator[None]:
    """Serves /graphql while it runs. Needs the identity, messaging, network, jobs and cards components before it."""
    messaging, network, jobs, cards = node.messaging, node.network, node.jobs, node.cards
    identity = node.identity
    assert messaging is not None and network is not None  # noqa: S101, PT018 - components start in order
    assert jobs is not None and cards is not None and identity is not None  # noqa: S101, PT018
    hub = messaging.hub

    async def fleet_changed() -> None:
        hub.fleet_changed()

    async def quotas_changed(msisdns: Sequence[str] | None) -> None:
        if msisdns is None:
            hub.fleet_changed()
        for msisdn in msisdns or ():
            hub.line_changed(msisdn)

    async def links_changed() -> None:
        await reload_links(node)

    journal = Journal(hub.ids, messaging.webhooks.outbox, followers=(network.follower,))
    sims = sim_service(node)
    limits = _limits(node.settings.graphql_limit, demo=node.demo)
    introspection = node.demo or node.settings.introspection
    trusted = TrustedDocumentService(
        node.database, hub.ids, document_check(limits, SCHEMA, introspection=introspection)
    )
    services = Services(
        identity=identity,
        reader=Reader(node.database.pool),
        keys=Keys(node.database),
        scopes=Scopes(node.database),
        bus=messaging.bus,
        event_bus=node.event_bus,
        job_bus=node.job_bus,
        messages=hub,
        webhooks=messaging.webhooks.service,
        sims=sims,
        sim_schedule=sim_schedule(node),
        sim_orders=SimPurchaseOrderService(node.database, hub.ids, journal),
        sim_batches=SimBatchService(sims),
        sim_moves=SimMoveService(node.database, hub.ids, journal, network.orders, on_change=fleet_changed),
        euiccs=cards.euiccs,
        imsis=cards.imsis,
        roaming_partners=cards.partners,
        activation_codes=cards.codes,
        devices=DeviceService(node.database, hub.ids, journal, on_change=fleet_changed),
        quotas=QuotaBook(node.database, hub.ids, journal, on_change=quotas_changed),
        service_policies=PolicyService(SERVICE, node.database, hub.ids, journal, on_change=fleet_changed),
        coverage_policies=PolicyService(COVERAGE, node.database, hub.ids, journal, on_change=fleet_changed),
        coverage_checks=CoverageCheckService(node.database, journal, on_change=fleet_changed),
        smpp_accounts=SmppAccountService(
            node.database, node.passwords, hub.ids, on_change=messaging.esmes.accounts_changed
        ),
        short_codes=ShortCodeService(node.database, hub.ids, on_change=fleet_changed),
        smsc_links=SmscLinkService(node.database, node.secret_box, on_change=links_changed),
        resets=network.resets,
        jobs=jobs,
        event_retention=EventRetention(node.database),
        alert_rules=AlertRuleService(node.database, hub.ids, journal),
        coverage=CoverageBook(node.database),
        power_profiles=PowerProfileService(node.database, journal),
        breakout=BreakoutService(node.database),
        ip_address_spaces=IpAddressSpaceService(node.database, hub.ids, journal),
        address_importer=AddressImporter(node.database, journal),
        dns_configs=DnsConfigService(node.database, hub.ids),
        device_bulk=DeviceBulkService(node.database, jobs),
        sim_bulk=SimBulkService(node.database, jobs),
        diagnosis=DiagnosisService(node.database),
        trusted_documents=trusted,
    )
    application = build_graphql_app(
        Dependencies(
            services,
            identity.authenticator,
            graphiql=node.demo,
            introspection=introspection,
            sources=Sources(trusted, trusted_only=node.settings.trusted_documents_only),
            limits=limits,
        )
    )
    node.paths[PATH] = application
    if node.demo:
        node.paths["/"] = RedirectResponse(PATH)

    async def farewell() -> None:
        """Subscriptions have no end of their own, and HTTP waits for what is open."""
        messaging.bus.close()
        node.event_bus.close()
        node.job_bus.close()
        await application.close()

    node.farewells.append(farewell)
    yield


def _limits(given: Sequence[tuple[str, int]], *, demo: bool) -> Limits:
    known = {field.name for field in fields(Limits)}
    for name, _ in given:
        if name not in known:
            raise StartError(f"--graphql-limit {name}: there are {', '.join(sorted(known))}")
    limits = Limits()
    if demo:
        limits = replace(limits, bucket=limits.bucket * DEMO_BUCKETS, restore_per_s=limits.restore_per_s * DEMO_BUCKETS)
    return replace(limits, **dict(given))
