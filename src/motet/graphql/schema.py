"""The schema: what GraphQL offers, in one place, and its SDL."""

from __future__ import annotations

from datetime import UTC, datetime

import strawberry
from graphql import GraphQLSchema
from strawberry.schema.config import StrawberryConfig

from motet.graphql.mutations.access import AccessMutations
from motet.graphql.mutations.activation_code import ActivationCodeMutations
from motet.graphql.mutations.alert import AlertMutations
from motet.graphql.mutations.breakout import BreakoutMutations
from motet.graphql.mutations.bulk import BulkMutations
from motet.graphql.mutations.connectivity import ConnectivityMutations
from motet.graphql.mutations.coverage import CoverageMutations
from motet.graphql.mutations.coverage_policy import CoveragePolicyMutations
from motet.graphql.mutations.device import DeviceMutations
from motet.graphql.mutations.esme import EsmeMutations
from motet.graphql.mutations.euicc import EuiccMutations
from motet.graphql.mutations.identity_provider import IdentityProviderMutations
from motet.graphql.mutations.imsi import ImsiMutations
from motet.graphql.mutations.ip import IpMutations
from motet.graphql.mutations.job import JobMutations
from motet.graphql.mutations.organisation import OrganisationMutations
from motet.graphql.mutations.own_workspace import OwnWorkspaceMutations
from motet.graphql.mutations.power import PowerMutations
from motet.graphql.mutations.quota import QuotaMutations
from motet.graphql.mutations.role import RoleMutations
from motet.graphql.mutations.second_factor import SecondFactorMutations
from motet.graphql.mutations.service_policy import ServicePolicyMutations
from motet.graphql.mutations.sim import SimMutations
from motet.graphql.mutations.sim_idle import SimIdleMutations
from motet.graphql.mutations.sim_import import SimImportMutations
from motet.graphql.mutations.sim_move import SimMoveMutations
from motet.graphql.mutations.sim_order import SimOrderMutations
from motet.graphql.mutations.sim_production import SimProductionMutations
from motet.graphql.mutations.sms import SmsMutations
from motet.graphql.mutations.smsc_link import SmscLinkMutations
from motet.graphql.mutations.suspension import SuspensionMutations
from motet.graphql.mutations.trusted_document import TrustedDocumentMutations
from motet.graphql.mutations.user import UserMutations
from motet.graphql.mutations.viewer import ViewerMutations
from motet.graphql.mutations.webhook import WebhookMutations
from motet.graphql.query import Query
from motet.graphql.subscription import Subscription
from motet.graphql.types.activation_code import ActivationCode, ActivationCodeStep
from motet.graphql.types.alert import Alert, AlertRule
from motet.graphql.types.api_key import ApiKey
from motet.graphql.types.audit import AuditEntry
from motet.graphql.types.connectivity import Connectivity, ConnectivityReset, Location
from motet.graphql.types.coverage_policy import CoveragePolicy, CoveragePolicyVersion
from motet.graphql.types.device import Device
from motet.graphql.types.esme import ShortCode, SmppAccount, SmppSession
from motet.graphql.types.euicc import Euicc, EuiccOperation, EuiccOperationStep, EuiccProfile
from motet.graphql.types.event import Event
from motet.graphql.types.identity_provider import IdentityProvider
from motet.graphql.types.imsi import Imsi, ImsiPreference, ImsiSwitch, RoamingPartner, RoamingTerm
from motet.graphql.types.ip import DnsConfig, IpAddressSpace
from motet.graphql.types.job import Job, JobItem
from motet.graphql.types.message import SmsMessage
from motet.graphql.types.operator import SmscLink, Workspace
from motet.graphql.types.organisation import Organisation
from motet.graphql.types.quota import Quota, QuotaPool, QuotaTopUp
from motet.graphql.types.relay import parse_date_time
from motet.graphql.types.role import CustomRole
from motet.graphql.types.service_policy import ServicePolicy, ServicePolicyVersion
from motet.graphql.types.sim import Sim, SimScheduledTransition, SimStatusChange
from motet.graphql.types.sim_move import SimMove
from motet.graphql.types.sim_order import SimBatch, SimPurchaseOrder, SimPurchaseOrderItem
from motet.graphql.types.trusted_document import TrustedDocument
from motet.graphql.types.usage import DataSession, Usage, WorkspaceUsage
from motet.graphql.types.user import Invitation, User
from motet.graphql.types.webhook import Webhook, WebhookDelivery


@strawberry.type(description="What can be done.")
class Mutation(
    ServicePolicyMutations,
    CoveragePolicyMutations,
    SmsMutations,
    DeviceMutations,
    ConnectivityMutations,
    SimMutations,
    SimImportMutations,
    SimIdleMutations,
    SimOrderMutations,
    SimMoveMutations,
    SimProductionMutations,
    EuiccMutations,
    ImsiMutations,
    ActivationCodeMutations,
    JobMutations,
    AlertMutations,
    QuotaMutations,
    WebhookMutations,
    EsmeMutations,
    UserMutations,
    ViewerMutations,
    AccessMutations,
    SmscLinkMutations,
    IdentityProviderMutations,
    OrganisationMutations,
    SuspensionMutations,
    OwnWorkspaceMutations,
    CoverageMutations,
    PowerMutations,
    BreakoutMutations,
    IpMutations,
    BulkMutations,
    SecondFactorMutations,
    TrustedDocumentMutations,
    RoleMutations,
):
    """All mutations: each takes one `input` and tells in `userErrors` why it did not do it."""


DATE_TIME = strawberry.scalar(
    name="DateTime",
    description="A moment, as ISO 8601 with an offset; answers are in UTC, such as 2026-11-30T12:00:00Z.",
    specified_by_url="https://scalars.graphql.org/andimarek/date-time.html",
    serialize=lambda moment: moment.astimezone(UTC).isoformat().replace("+00:00", "Z"),
    parse_value=parse_date_time,
)

STRAWBERRY_SCHEMA = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[
        Sim,
        SimStatusChange,
        SimScheduledTransition,
        SimPurchaseOrder,
        SimPurchaseOrderItem,
        SimBatch,
        SimMove,
        Euicc,
        EuiccProfile,
        EuiccOperation,
        EuiccOperationStep,
        Imsi,
        ImsiSwitch,
        ImsiPreference,
        RoamingPartner,
        RoamingTerm,
        ActivationCode,
        ActivationCodeStep,
        Device,
        Connectivity,
        Location,
        ConnectivityReset,
        ServicePolicy,
        ServicePolicyVersion,
        CoveragePolicy,
        CoveragePolicyVersion,
        SmsMessage,
        Usage,
        WorkspaceUsage,
        DataSession,
        Quota,
        QuotaPool,
        QuotaTopUp,
        Event,
        AuditEntry,
        AlertRule,
        Alert,
        SmppAccount,
        SmppSession,
        ApiKey,
        ShortCode,
        Webhook,
        WebhookDelivery,
        User,
        Invitation,
        SmscLink,
        Workspace,
        CustomRole,
        Organisation,
        IpAddressSpace,
        DnsConfig,
        TrustedDocument,
        Job,
        JobItem,
        IdentityProvider,
    ],
    config=StrawberryConfig(scalar_map={datetime: DATE_TIME}),
)

SCHEMA: GraphQLSchema = STRAWBERRY_SCHEMA._schema
"""The same for graphql-core, which executes it."""


def print_sdl() -> str:
    """The schema in the schema definition language, as schema.graphql holds it."""
    return STRAWBERRY_SCHEMA.as_str() + "\n"
