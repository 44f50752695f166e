"""What can be read: one declaration per type, the only place that says which column a field is."""

from motet.reading.entities.activation_code import ACTIVATION_CODE, ACTIVATION_CODE_STEP
from motet.reading.entities.alert import ALERT, ALERT_RULE
from motet.reading.entities.api_key import API_KEY
from motet.reading.entities.audit import AUDIT_ENTRY
from motet.reading.entities.connectivity import CONNECTIVITY, CONNECTIVITY_RESET, LOCATION
from motet.reading.entities.coverage_policy import COVERAGE_POLICY, COVERAGE_POLICY_VERSION
from motet.reading.entities.custom_role import CUSTOM_ROLE
from motet.reading.entities.device import DEVICE
from motet.reading.entities.euicc import EUICC, EUICC_OPERATION, EUICC_OPERATION_STEP, EUICC_PROFILE
from motet.reading.entities.event import EVENT
from motet.reading.entities.identity_provider import IDENTITY_PROVIDER
from motet.reading.entities.imsi import IMSI, IMSI_PREFERENCE, IMSI_SWITCH, ROAMING_PARTNER, ROAMING_TERM
from motet.reading.entities.ip import DNS_CONFIG, IP_ADDRESS_SPACE
from motet.reading.entities.job import JOB, JOB_ITEM
from motet.reading.entities.message import SMS_MESSAGE
from motet.reading.entities.organisation import ORGANISATION
from motet.reading.entities.quota import QUOTA, QUOTA_POOL, QUOTA_TOP_UP
from motet.reading.entities.service_policy import SERVICE_POLICY, SERVICE_POLICY_VERSION
from motet.reading.entities.short_code import SHORT_CODE
from motet.reading.entities.sim import SIM, SIM_SCHEDULED_TRANSITION, SIM_STATUS_CHANGE
from motet.reading.entities.sim_move import SIM_MOVE
from motet.reading.entities.sim_order import SIM_BATCH, SIM_PURCHASE_ORDER, SIM_PURCHASE_ORDER_ITEM
from motet.reading.entities.smpp_account import SMPP_ACCOUNT, SMPP_SESSION
from motet.reading.entities.smsc_link import SMSC_LINK
from motet.reading.entities.trusted_document import TRUSTED_DOCUMENT
from motet.reading.entities.usage import DATA_SESSION, USAGE, WORKSPACE_USAGE
from motet.reading.entities.user import INVITATION, USER
from motet.reading.entities.webhook import WEBHOOK, WEBHOOK_DELIVERY
from motet.reading.entities.workspace import WORKSPACE
from motet.reading.model import Entity

ENTITIES: dict[str, Entity] = {
    entity.name: entity
    for entity in (
        SIM,
        SIM_STATUS_CHANGE,
        SIM_SCHEDULED_TRANSITION,
        SIM_PURCHASE_ORDER,
        SIM_PURCHASE_ORDER_ITEM,
        SIM_BATCH,
        SIM_MOVE,
        EUICC,
        EUICC_PROFILE,
        EUICC_OPERATION,
        EUICC_OPERATION_STEP,
        IMSI,
        IMSI_SWITCH,
        IMSI_PREFERENCE,
        ROAMING_PARTNER,
        ROAMING_TERM,
        ACTIVATION_CODE,
        ACTIVATION_CODE_STEP,
        DEVICE,
        CONNECTIVITY,
        LOCATION,
        CONNECTIVITY_RESET,
        USAGE,
        WORKSPACE_USAGE,
        DATA_SESSION,
        QUOTA,
        QUOTA_POOL,
        QUOTA_TOP_UP,
        SERVICE_POLICY,
        SERVICE_POLICY_VERSION,
        COVERAGE_POLICY,
        COVERAGE_POLICY_VERSION,
        EVENT,
        TRUSTED_DOCUMENT,
        AUDIT_ENTRY,
        ALERT_RULE,
        ALERT,
        SMS_MESSAGE,
        SMPP_ACCOUNT,
        SMPP_SESSION,
        API_KEY,
        SHORT_CODE,
        WEBHOOK,
        WEBHOOK_DELIVERY,
        USER,
        INVITATION,
        SMSC_LINK,
        WORKSPACE,
        CUSTOM_ROLE,
        ORGANISATION,
        IP_ADDRESS_SPACE,
        DNS_CONFIG,
        JOB,
        JOB_ITEM,
        IDENTITY_PROVIDER,
    )
}
"""By the name of the GraphQL type, which is also the type in global ids."""
