"""The query fields, put together from their areas."""

from __future__ import annotations

import strawberry

from motet.graphql.queries.access import AccessQueries
from motet.graphql.queries.audit import AuditQueries
from motet.graphql.queries.bands import BandQueries
from motet.graphql.queries.breakout import BreakoutQueries
from motet.graphql.queries.esme import EsmeQueries
from motet.graphql.queries.euicc import EuiccQueries
from motet.graphql.queries.event import EventQueries
from motet.graphql.queries.fleet import FleetQueries
from motet.graphql.queries.identity_provider import IdentityProviderQueries
from motet.graphql.queries.ip import IpQueries
from motet.graphql.queries.job import JobQueries
from motet.graphql.queries.node import NodeQueries
from motet.graphql.queries.operator import OperatorQueries
from motet.graphql.queries.organisation import OrganisationQueries
from motet.graphql.queries.policy import PolicyQueries
from motet.graphql.queries.power import PowerQueries
from motet.graphql.queries.reference import ReferenceQueries
from motet.graphql.queries.role import RoleQueries
from motet.graphql.queries.search import SearchQueries
from motet.graphql.queries.sim_card import SimCardQueries
from motet.graphql.queries.sim_order import SimOrderQueries
from motet.graphql.queries.sms import SmsQueries
from motet.graphql.queries.trusted_document import TrustedDocumentQueries
from motet.graphql.queries.usage import UsageQueries
from motet.graphql.queries.user import UserQueries


@strawberry.type(description="What can be read.")
class Query(
    NodeQueries,
    FleetQueries,
    SimCardQueries,
    SimOrderQueries,
    EuiccQueries,
    PolicyQueries,
    SmsQueries,
    UsageQueries,
    EventQueries,
    AuditQueries,
    EsmeQueries,
    UserQueries,
    AccessQueries,
    OperatorQueries,
    OrganisationQueries,
    SearchQueries,
    JobQueries,
    ReferenceQueries,
    PowerQueries,
    BandQueries,
    BreakoutQueries,
    IpQueries,
    IdentityProviderQueries,
    TrustedDocumentQueries,
    RoleQueries,
):
    """All query fields: each declares the permission that it takes."""
