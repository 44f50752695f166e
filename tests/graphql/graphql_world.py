"""A GraphQL application on a real database with two tenants, and who is in it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from graphql_client import Client

from motet.access.passwords import PasswordChecker
from motet.access.principals import Role
from motet.access.secrets import SecretBox
from motet.access.tokens import TokenAuthority, generate_key
from motet.bootstrap.telling import JournalTeller
from motet.domain.errors import ConflictError, NotFoundError
from motet.domain.ids import IdGenerator
from motet.domain.jobs import JobKind
from motet.domain.states import MessageState
from motet.events.bus import Bus
from motet.events.feed import EventFeed
from motet.fleet.alerts.alert_rule import AlertRuleService
from motet.fleet.alerts.event_retention import EventRetention
from motet.fleet.cards.activation_code import ActivationCodeService
from motet.fleet.cards.euicc import EuiccService
from motet.fleet.cards.imsi import ImsiService
from motet.fleet.cards.imsi_watch import NoOutages
from motet.fleet.cards.roaming_partner import RoamingPartnerService
from motet.fleet.devices.connectivity_reset import ConnectivityResetService
from motet.fleet.devices.device import DeviceService
from motet.fleet.devices.device_bulk import DeviceBulkService
from motet.fleet.devices.device_workers import DeviceDeleteWorker, DeviceUpdateWorker
from motet.fleet.devices.diagnosis import DiagnosisService
from motet.fleet.devices.power_profile import PowerProfileService
from motet.fleet.devices.reset_worker import DeviceResetWorker
from motet.fleet.documents.trusted_document import TrustedDocumentService
from motet.fleet.ip.breakout import BreakoutService
from motet.fleet.ip.dns_config import DnsConfigService
from motet.fleet.ip.ip_address_space import IpAddressSpaceService
from motet.fleet.ip.ip_import import AddressImporter
from motet.fleet.jobs.jobs import JobService, Worker
from motet.fleet.jobs.runner import JobRunner
from motet.fleet.journal import Journal
from motet.fleet.messaging.short_code import ShortCodeService
from motet.fleet.messaging.smpp_account import SmppAccountService
from motet.fleet.messaging.smsc_link import SmscLinkService
from motet.fleet.orders import OrderQueue
from motet.fleet.policies.coverage import CoverageBook
from motet.fleet.policies.coverage_check import CoverageCheckService
from motet.fleet.policies.policies import COVERAGE, SERVICE, PolicyService
from motet.fleet.sims.sim import SimService
from motet.fleet.sims.sim_batch import SimBatchService
from motet.fleet.sims.sim_bulk import SimBulkService, SimWorker
from motet.fleet.sims.sim_many_steps import SimManySteps
from motet.fleet.sims.sim_move import SimMoveService
from motet.fleet.sims.sim_purchase_order import SimPurchaseOrderService
from motet.fleet.sims.sim_schedule import SimScheduleService
from motet.fleet.usage.quota import QuotaBook
from motet.graphql.app import Dependencies, GraphQLApp, build_graphql_app
from motet.graphql.context import Services
from motet.graphql.documents import document_check
from motet.graphql.limits import Limits
from motet.graphql.persisted import Sources
from motet.graphql.schema import SCHEMA
from motet.hub.explain import Explanation, explain
from motet.hub.requests import Allowed, SendRequest
from motet.identity.audit import AuditLog
from motet.identity.services import Ground, build_identity
from motet.outgoing.targets import TargetPolicy
from motet.reading.reader import Reader
from motet.storage.acting import Act, Edge
from motet.storage.database import Database
from motet.storage.scope import Scopes
from motet.storage.transaction import Keys
from motet.webhooks.node import Webhooks
from tenants import Tenant, Tenants, two_tenants


@dataclass
class StoringHub:
    """Stands in for the hub: what it is asked to send is stored as an open message, and no more."""

    tenants: Tenants
    by_id: dict[int, Tenant]
    requests: list[SendRequest] = field(default_factory=list)

    async def send(self, request: SendRequest) -> int:
        self.requests.append(request)
        tenant = self.by_id[request.workspace_id]
        if request.device_id is not None and request.device_id not in tenant.devices:
            raise NotFoundError("No such device.", path=("device_id",))
        payload = (request.text or "").encode("latin-1") if request.payload is None else request.payload
        return await self.tenants.message(
            tenant, request.device_id or tenant.devices[0], state=MessageState.OPEN, text=payload
        )

    async def cancel(self, workspace_id: int, message_id: int, allowed: Allowed) -> None:
        state = await self.tenants.database.pool.fetchval(
            "SELECT state FROM message WHERE workspace_id = $1 AND id = $2", workspace_id, message_id
        )
        if state is None:
            raise NotFoundError("No such message.")
        if state != MessageState.OPEN:
            raise ConflictError("The message is final.")
        async with allowed():
            await self.tenants.execute(
                "UPDATE message SET state = $3, final_at = now() WHERE workspace_id = $1 AND id = $2",
                workspace_id, message_id, int(MessageState.CANCELLED),
            )  # fmt: skip

    async def explain(self, workspace_id: int, **key: Any) -> Explanation | None:
        return await explain(self.tenants.database.pool, workspace_id, **key)


class NotingLog(AuditLog):
    """The audit log, which remembers what it was told of: whatever else a test looks at, each mutation in it has left
    exactly one entry, with what was changed."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._acts: list[tuple[Act, bool]] = []

    @asynccontextmanager
    async def doing(self, act: Act) -> AsyncIterator[Act]:
        act.request_id = f"act {len(self._acts)}"
        number = len(self._acts)
        self._acts.append((act, False))
        async with super().doing(act) as same:
            yield same
        self._acts[number] = (act, True)

    async def check(self, database: Database) -> None:
        """Refusals alike are folded from the sixth on: those are not looked for."""
        found: dict[tuple[str, int], list[Any]] = {}
        for row in await database.pool.fetch(
            "SELECT workspace_id, request_id, outcome, changes FROM audit_entry WHERE edge <> 'JOB'"
        ):
            found.setdefault((row["request_id"], row["workspace_id"]), []).append(row)
        for act, went_well in self._acts:
            entries = found.get((str(act.request_id), act.actor.workspace_id or 0), [])
            # Setting a password by a link and signing in by it are two changes, one after the other.
            several = act.edge is Edge.REST and {entry["outcome"] for entry in entries} == {"DONE"}
            assert several or len(entries) == 1 or (not entries and not went_well), (act.action, entries)
            if went_well:
                assert entries[0]["outcome"] == "DONE", act.action


@dataclass
class World:
    """The application and who is in it."""

    app: GraphQLApp
    tenants: Tenants
    demo: Tenant
    other: Tenant
    authority: TokenAuthority
    bus: Bus
    event_bus: Bus
    hub: StoringHub
    changes: list[str]
    services: Services
    runner: JobRunner
    """Runs jobs when a test says so."""

    def token(self, tenant: Tenant, role: Role = Role.ADMINISTRATOR, ttl_s: int = 3600) -> str:
        return self.authority.issue(
            f"{role.value.lower()}@{tenant.name}",
            now=int(time.time()),
            ttl_s=ttl_s,
            workspace_id=tenant.workspace_id,
            workspace=tenant.name,
            role=role,
        )

    def client(self, tenant: Tenant, role: Role = Role.ADMINISTRATOR) -> Client:
        return Client(self.app, self.token(tenant, role))

    def operator(self) -> Client:
        return Client(self.app, self.authority.issue("operator", now=int(time.time()), ttl_s=3600))


@asynccontextmanager
async def make_world(database: Database, public_url: str = "http://localhost:8080") -> AsyncIterator[World]:
    tenants, demo, other = await two_tenants(database)
    box, ids, bus, event_bus, job_bus = SecretBox(bytes(32)), IdGenerator(2), Bus(), Bus(), Bus()
    changes: list[str] = []

    def noting(what: str) -> Callable[[], Awaitable[None]]:
        async def note() -> None:
            changes.append(what)

        return note

    async def quotas_changed(msisdns: Sequence[str] | None) -> None:
        changes.append("quota")

    passwords, authority = PasswordChecker(), TokenAuthority([generate_key()])
    audit = NotingLog(database)
    webhooks = Webhooks(database, box, ids, TargetPolicy.of(["127.0.0.0/8"]))
    hub = StoringHub(tenants, {demo.workspace_id: demo, other.workspace_id: other})
    journal = Journal(ids, webhooks.outbox)
    teller = JournalTeller(journal)
    identity = build_identity(
        Ground(database, ids, authority, passwords, box, public_url, sends_mail=True, audit=audit, teller=teller)
    )
    orders = OrderQueue(ids)
    resets = ConnectivityResetService(
        database, ids, journal, orders, has_network=True, on_change=noting("connectivity_reset")
    )
    sims = SimService(database, ids, journal, on_change=noting("sim"))
    steps = SimManySteps(ids, journal)
    workers: dict[JobKind, Worker] = {
        JobKind.DEVICE_UPDATE: DeviceUpdateWorker(journal, steps, noting("device")),
        JobKind.DEVICE_DELETE: DeviceDeleteWorker(journal, noting("device")),
        JobKind.DEVICE_RESET: DeviceResetWorker(resets),
        JobKind.SIM_UPDATE: SimWorker(steps, noting("sim")),
    }
    runner = JobRunner(database, workers)
    jobs = JobService(database, ids, workers, wake=runner.wake)
    trusted = TrustedDocumentService(database, ids, document_check(Limits(), SCHEMA, introspection=True))
    services = Services(
        identity=identity,
        reader=Reader(database.pool),
        keys=Keys(database),
        scopes=Scopes(database),
        bus=bus,
        event_bus=event_bus,
        job_bus=job_bus,
        messages=hub,
        webhooks=webhooks.service,
        sims=sims,
        sim_schedule=SimScheduleService(database, ids, journal, on_change=noting("sim")),
        sim_orders=SimPurchaseOrderService(database, ids, journal),
        sim_batches=SimBatchService(sims),
        sim_moves=SimMoveService(database, ids, journal, orders, on_change=noting("sim")),
        euiccs=EuiccService(database, ids, journal, orders),
        imsis=ImsiService(database, ids, journal, orders, NoOutages(), on_change=noting("imsi")),
        roaming_partners=RoamingPartnerService(database, ids),
        activation_codes=ActivationCodeService(database, ids, journal),
        devices=DeviceService(database, ids, journal, on_change=noting("device")),
        quotas=QuotaBook(database, ids, journal, on_change=quotas_changed),
        service_policies=PolicyService(SERVICE, database, ids, journal, on_change=noting("service_policy")),
        coverage_policies=PolicyService(COVERAGE, database, ids, journal, on_change=noting("coverage_policy")),
        coverage_checks=CoverageCheckService(database, journal, on_change=noting("coverage")),
        smpp_accounts=SmppAccountService(database, passwords, ids, on_change=noting("smpp_account")),
        short_codes=ShortCodeService(database, ids, on_change=noting("short_code")),
        smsc_links=SmscLinkService(database, box, on_change=noting("smsc_link")),
        resets=resets,
        event_retention=EventRetention(database),
        alert_rules=AlertRuleService(database, ids, journal),
        coverage=CoverageBook(database),
        power_profiles=PowerProfileService(database, journal),
        breakout=BreakoutService(database),
        ip_address_spaces=IpAddressSpaceService(database, ids, journal),
        address_importer=AddressImporter(database, journal),
        dns_configs=DnsConfigService(database, ids),
        jobs=jobs,
        device_bulk=DeviceBulkService(database, jobs),
        sim_bulk=SimBulkService(database, jobs),
        diagnosis=DiagnosisService(database),
        trusted_documents=trusted,
    )
    app = build_graphql_app(Dependencies(services, identity.authenticator, graphiql=True, sources=Sources(trusted)))
    feed = asyncio.create_task(EventFeed(database, event_bus).run())
    yield World(app, tenants, demo, other, authority, bus, event_bus, hub, changes, services, runner)
    bus.close()
    event_bus.close()
    feed.cancel()
    await asyncio.gather(feed, return_exceptions=True)
    await app.close()
    await audit.close()
    await audit.check(database)
    await webhooks.stop(0.1)
    passwords.close()
