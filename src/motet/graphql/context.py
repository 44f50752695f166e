"""What resolvers reach: the principal of the request and the rooms below."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from motet.access.clients import Client
from motet.access.principals import Principal
from motet.access.voices import Voice
from motet.domain.coverage_policy import CoveragePolicy
from motet.domain.service_policy import ServicePolicy
from motet.domain.traffic_rules import Traffic
from motet.events.bus import Bus
from motet.fleet.alerts.alert_rule import AlertRuleService
from motet.fleet.alerts.event_retention import EventRetention
from motet.fleet.cards.activation_code import ActivationCodeService
from motet.fleet.cards.euicc import EuiccService
from motet.fleet.cards.imsi import ImsiService
from motet.fleet.cards.roaming_partner import RoamingPartnerService
from motet.fleet.devices.connectivity_reset import ConnectivityResetService
from motet.fleet.devices.device import DeviceService
from motet.fleet.devices.device_bulk import DeviceBulkService
from motet.fleet.devices.diagnosis import DiagnosisService
from motet.fleet.devices.power_profile import PowerProfileService
from motet.fleet.documents.trusted_document import TrustedDocumentService
from motet.fleet.ip.breakout import BreakoutService
from motet.fleet.ip.dns_config import DnsConfigService
from motet.fleet.ip.ip_address_space import IpAddressSpaceService
from motet.fleet.ip.ip_import import AddressImporter
from motet.fleet.jobs.jobs import JobService
from motet.fleet.messaging.short_code import ShortCodeService
from motet.fleet.messaging.smpp_account import SmppAccountService
from motet.fleet.messaging.smsc_link import SmscLinkService
from motet.fleet.policies.coverage import CoverageBook
from motet.fleet.policies.coverage_check import CoverageCheckService
from motet.fleet.policies.policies import PolicyService
from motet.fleet.sims.sim import SimService
from motet.fleet.sims.sim_batch import SimBatchService
from motet.fleet.sims.sim_bulk import SimBulkService
from motet.fleet.sims.sim_move import SimMoveService
from motet.fleet.sims.sim_purchase_order import SimPurchaseOrderService
from motet.fleet.sims.sim_schedule import SimScheduleService
from motet.fleet.usage.quota import QuotaBook
from motet.graphql.meter import Meter
from motet.graphql.selection import Selections
from motet.hub.explain import Explanation
from motet.hub.requests import Allowed, SendRequest
from motet.identity.services import Identity
from motet.reading.reader import Reader
from motet.storage.scope import Scopes
from motet.storage.transaction import Keys

PARALLEL_READS = 3
"""Database connections that one operation may hold at once: its root fields beyond that wait their turn."""


class Messages(Protocol):
    """What the edge asks of the hub."""

    async def send(self, request: SendRequest) -> int: ...

    async def cancel(self, workspace_id: int, message_id: int, allowed: Allowed) -> None: ...

    async def explain(
        self,
        workspace_id: int,
        *,
        device_id: int | None = None,
        msisdn: str | None = None,
        iccid: str | None = None,
        kind: Traffic = Traffic.SMS_MT,
    ) -> Explanation | None: ...


class Webhooks(Protocol):
    """What the edge asks of the webhook service."""

    async def create(
        self, workspace_id: int, *, url: str, event_types: Sequence[str], description: str | None = None
    ) -> tuple[int, str]: ...

    async def update(
        self,
        workspace_id: int,
        webhook_id: int,
        *,
        url: str | None = None,
        event_types: Sequence[str] | None = None,
        description: str | None = None,
        enabled: bool | None = None,
    ) -> None: ...

    async def delete(self, workspace_id: int, webhook_id: int) -> None: ...

    async def test(self, workspace_id: int, webhook_id: int) -> int: ...

    async def replay(self, workspace_id: int, webhook_id: int, *, delivery_id: int | None = None) -> int: ...


@dataclass(frozen=True, slots=True)
class Services:
    """The rooms that GraphQL speaks to."""

    identity: Identity
    reader: Reader
    keys: Keys
    scopes: Scopes
    bus: Bus
    """Of messages."""
    event_bus: Bus
    job_bus: Bus
    messages: Messages
    webhooks: Webhooks
    sims: SimService
    sim_schedule: SimScheduleService
    sim_orders: SimPurchaseOrderService
    sim_batches: SimBatchService
    sim_moves: SimMoveService
    euiccs: EuiccService
    imsis: ImsiService
    roaming_partners: RoamingPartnerService
    activation_codes: ActivationCodeService
    devices: DeviceService
    quotas: QuotaBook
    service_policies: PolicyService[ServicePolicy]
    coverage_policies: PolicyService[CoveragePolicy]
    coverage_checks: CoverageCheckService
    smpp_accounts: SmppAccountService
    short_codes: ShortCodeService
    smsc_links: SmscLinkService
    resets: ConnectivityResetService
    jobs: JobService
    event_retention: EventRetention
    alert_rules: AlertRuleService
    coverage: CoverageBook
    power_profiles: PowerProfileService
    breakout: BreakoutService
    ip_address_spaces: IpAddressSpaceService
    address_importer: AddressImporter
    dns_configs: DnsConfigService
    device_bulk: DeviceBulkService
    sim_bulk: SimBulkService
    diagnosis: DiagnosisService
    trusted_documents: TrustedDocumentService


@dataclass(frozen=True, slots=True)
class Context:
    """One operation's surroundings."""

    principal: Principal
    services: Services
    client: Client = field(default_factory=Client)
    """Where the request comes from."""
    voice: Voice = field(default_factory=lambda: Voice(Client()))
    """In which language errors are told."""
    selections: Selections = field(default_factory=dict)
    """What the document's root fields select, as far as it was asked for before."""
    read_slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(PARALLEL_READS))
    ends_at: float | None = None
    """The loop's time from which on the operation begins nothing more."""
    meter: Meter | None = None
    """Of a subscription."""

    @property
    def workspace_id(self) -> int:
        """The principal's workspace; mutations that need one demand a permission that only its members have."""
        if self.principal.workspace_id is None:
            raise PermissionError("This principal is in no workspace.")
        return self.principal.workspace_id
