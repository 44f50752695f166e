"""Service policies and their versions."""

from __future__ import annotations

from motet.domain.errors import ConflictError, LimitReachedError, NotFoundError
from motet.domain.service_policy import SERVICE_POLICY_FIELDS, ServicePolicy
from motet.storage.policy import PolicyTable, Statements

_INSERT = """
INSERT INTO service_policy
       (workspace_id, id, name, description, data_enabled, sms_mt_enabled, sms_mo_enabled, p2p_inside, p2p_outside,
        p2p_limit_per_day, allowed_rats, breakout_region, dns_config_id, apn, internet_breakout, inter_device,
        imei_lock_mode, imei_lock_applies_to_sms, apply_sms_quota, apply_data_quota, sms_mt_limit_per_month,
        sms_mo_limit_per_month, data_limit_per_month_octets, limit_warning_percent, sms_on_nb_iot_refused)
SELECT $1, $2, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25,
       $26
 WHERE (SELECT count(*) FROM service_policy WHERE workspace_id = $1) < $3
RETURNING id
"""
_LOCK = """
SELECT version, name, description, data_enabled, sms_mt_enabled, sms_mo_enabled, p2p_inside, p2p_outside,
       p2p_limit_per_day, allowed_rats, breakout_region, dns_config_id, apn, internet_breakout, inter_device,
       imei_lock_mode, imei_lock_applies_to_sms, apply_sms_quota, apply_data_quota, sms_mt_limit_per_month,
       sms_mo_limit_per_month, data_limit_per_month_octets, limit_warning_percent, sms_on_nb_iot_refused
  FROM service_policy
 WHERE workspace_id = $1 AND id = $2
   FOR NO KEY UPDATE
"""
_UPDATE = """
UPDATE service_policy
   SET version = version + 1, updated_at = now(), name = $3, description = $4, data_enabled = $5, sms_mt_enabled = $6,
       sms_mo_enabled = $7, p2p_inside = $8, p2p_outside = $9, p2p_limit_per_day = $10, allowed_rats = $11,
       breakout_region = $12, dns_config_id = $13, apn = $14, internet_breakout = $15, inter_device = $16,
       imei_lock_mode = $17, imei_lock_applies_to_sms = $18, apply_sms_quota = $19, apply_data_quota = $20,
       sms_mt_limit_per_month = $21, sms_mo_limit_per_month = $22, data_limit_per_month_octets = $23,
       limit_warning_percent = $24, sms_on_nb_iot_refused = $25
 WHERE workspace_id = $1 AND id = $2
"""
_DELETE = "DELETE FROM service_policy WHERE workspace_id = $1 AND id = $2"
_INSERT_VERSION = """
INSERT INTO service_policy_version (workspace_id, id, policy_id, number, actor, restored_from, content, changes)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_VERSION = "SELECT content FROM service_policy_version WHERE workspace_id = $1 AND policy_id = $2 AND number = $3"

SERVICE_POLICIES = PolicyTable(
    Statements(_INSERT, _LOCK, _UPDATE, _DELETE, _INSERT_VERSION, _VERSION),
    columns=SERVICE_POLICY_FIELDS,
    read=ServicePolicy.of,
    refusals={
        "service_policy_name_taken": lambda: ConflictError(
            "The workspace has a service policy of this name.", path=("name",)
        ),
        "service_policy_dns_config": lambda: NotFoundError("No such DNS configuration.", path=("dns_config_id",)),
    },
    too_many=lambda limit: LimitReachedError("A workspace has at most {most} service policies.", most=limit),
)
