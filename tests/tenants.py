"""Rows for tests that read: two workspaces with SIMs, devices, messages and the rest, put in by plain SQL."""

from __future__ import annotations

import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from motet.domain.ids import IdGenerator, unix_ms_of
from motet.domain.sim_ordering import make_bic
from motet.domain.states import MessageState, WaitingReason
from motet.storage.database import Database

NOW = datetime.now(UTC).replace(microsecond=0)


@dataclass
class Tenant:
    """The ids of one workspace's rows, in the order in which they were made."""

    workspace_id: int
    name: str
    organisation_id: int = 0
    """Its own, directly below the operator."""
    sims: list[int] = field(default_factory=list)
    devices: list[int] = field(default_factory=list)
    messages: list[int] = field(default_factory=list)
    accounts: list[int] = field(default_factory=list)
    short_codes: list[int] = field(default_factory=list)
    webhooks: list[int] = field(default_factory=list)
    deliveries: list[int] = field(default_factory=list)
    events: list[int] = field(default_factory=list)
    alert_rules: list[int] = field(default_factory=list)
    alerts: list[int] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    """Of SIMs' lives."""
    plans: list[int] = field(default_factory=list)
    """Of what SIMs are to do later."""
    orders: list[int] = field(default_factory=list)
    order_items: list[int] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    jobs: list[int] = field(default_factory=list)
    job_items: list[int] = field(default_factory=list)


class Tenants:
    """Makes tenants in one database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._on: Any = database.pool
        self._ids = IdGenerator(1)
        self._serial = 0

    @asynccontextmanager
    async def at_once(self) -> AsyncIterator[None]:
        """What is made within is one transaction: that takes half the time."""
        async with self.database.pool.acquire() as connection, connection.transaction():
            self._on = connection
            yield
        self._on = self.database.pool

    def new_id(self, at: datetime | None = None) -> int:
        return self._ids.next(int((at or NOW).timestamp() * 1000))

    async def execute(self, statement: str, *parameters: Any) -> None:
        await self._on.execute(statement, *parameters)

    async def workspace(self, name: str) -> Tenant:
        organisation = await self._on.fetchval("SELECT id FROM organisation WHERE parent_id IS NULL")
        if organisation is None:
            organisation = self.new_id()
            await self.execute("INSERT INTO organisation (id, name) VALUES ($1, 'operator')", organisation)
        tenant = Tenant(self.new_id(), name, self.new_id())
        await self.execute(
            "INSERT INTO organisation (id, parent_id, name) VALUES ($1, $2, $3)",
            tenant.organisation_id, organisation, name,
        )  # fmt: skip
        await self.execute(
            "INSERT INTO workspace (id, organisation_id, name) VALUES ($1, $2, $3)",
            tenant.workspace_id, tenant.organisation_id, name,
        )  # fmt: skip
        await self.execute(
            "WITH made AS (INSERT INTO service_policy (workspace_id, id, name, p2p_limit_per_day)"
            " VALUES ($1, $1, 'Default', NULL) RETURNING *)"
            " INSERT INTO service_policy_version (workspace_id, id, policy_id, number, content)"
            " SELECT workspace_id, id, id, 1, to_jsonb(made) FROM made",
            tenant.workspace_id,
        )
        return tenant

    async def coverage_policy(self, tenant: Tenant, name: str = "Europe") -> int:
        """A coverage policy that was changed once."""
        policy_id = self.new_id()
        await self.execute(
            "INSERT INTO coverage_policy (workspace_id, id, version, name, operators_denied, steering)"
            " VALUES ($1, $2, 2, $3, '{26207,26202:NB_IOT}', '{26203=10}')",
            tenant.workspace_id, policy_id, name,
        )  # fmt: skip
        for number, steering in ((1, []), (2, ["26203=10"])):
            content = {"name": name, "operators_denied": ["26207", "26202:NB_IOT"], "steering": steering}
            await self.execute(
                "INSERT INTO coverage_policy_version (workspace_id, id, policy_id, number, actor, content, changes)"
                " VALUES ($1, $2, $3, $4, 'someone', $5, $6)",
                tenant.workspace_id, self.new_id(), policy_id, number, content,
                [{"field": "steering", "before": [], "after": steering}] if steering else [],
            )  # fmt: skip
        return policy_id

    async def device(
        self, tenant: Tenant, name: str = "", *, status: int = 0, tags: list[str] | None = None, with_sim: bool = True
    ) -> int:
        """A device and, unless told otherwise, the SIM in it."""
        device_id = self.new_id()
        sim_id = None
        if with_sim:
            sim_id = await self.sim(tenant, device_id=device_id)
        await self.execute(
            "INSERT INTO device (workspace_id, id, name, status, tags, sim_id, ip_address, service_policy_id)"
            " VALUES ($1, $2, $3, $4, $5, $6, '10.0.0.1', $1)",
            tenant.workspace_id, device_id, name or f"device {len(tenant.devices)}", status, tags or [], sim_id,
        )  # fmt: skip
        tenant.devices.append(device_id)
        return device_id

    async def sim(self, tenant: Tenant, *, device_id: int | None = None, status: int = 2) -> int:
        self._serial += 1
        sim_id = self.new_id()
        await self.execute(
            "INSERT INTO sim (workspace_id, id, iccid, imsi, msisdn, status, device_id, created_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            tenant.workspace_id, sim_id, f"8999900000000{self._serial:06}", f"00101{self._serial:010}",
            f"999{self._serial:08}", status, device_id, NOW,
        )  # fmt: skip
        if status != 4:
            await self.execute(
                "INSERT INTO directory (kind, value, workspace_id, sim_id)"
                " SELECT u.kind, u.value, $1, $2 FROM sim s,"
                " LATERAL (VALUES ('iccid', s.iccid), ('imsi', s.imsi), ('msisdn', s.msisdn)) u (kind, value)"
                " WHERE s.id = $2",
                tenant.workspace_id, sim_id,
            )  # fmt: skip
        tenant.sims.append(sim_id)
        return sim_id

    async def whereabouts(self, tenant: Tenant, device_id: int) -> None:
        """Where the device's SIM is, and a reset of its connectivity that has worked."""
        sim_id = await self._on.fetchval("SELECT sim_id FROM device WHERE id = $1", device_id)
        location_id, reset_id = self.new_id(), self.new_id()
        await self.execute(
            "INSERT INTO location (workspace_id, id, sim_id, device_id, at, updated_at, operator, country, rat, cell,"
            " node) VALUES ($1, $2, $3, $4, $5, $5, '26201', 'DE', 'LTE_M', '262-01-1A2B-0001', 'mme1')",
            tenant.workspace_id, location_id, sim_id, device_id, NOW,
        )  # fmt: skip
        await self.execute(
            "INSERT INTO attachment (workspace_id, sim_id, attached, since, operator, country, rat, cell, node,"
            " location_id, imei, imei_seen_at, told_at) VALUES ($1, $2, true, $3, '26201', 'DE', 'LTE_M',"
            " '262-01-1A2B-0001', 'mme1', $4, '490154203237518', $3, $3)",
            tenant.workspace_id, sim_id, NOW, location_id,
        )  # fmt: skip
        await self.execute(
            "INSERT INTO connectivity_reset (workspace_id, id, device_id, sim_id, at, actor, location, data, orders,"
            " open_orders, done_at, reattached_at) VALUES ($1, $2, $3, $4, $5, 'someone', true, true, '{}', 0, $5, $5)",
            tenant.workspace_id, reset_id, device_id, sim_id, NOW,
        )  # fmt: skip

    async def message(
        self,
        tenant: Tenant,
        device_id: int = 0,
        *,
        state: MessageState = MessageState.DELIVERED,
        at: datetime | None = None,
        waiting: WaitingReason | None = None,
        submitted: bool = False,
        text: bytes = b"hello",
        data_coding: int = 0,
        direction: int = 0,
        kind: int = 0,
        source: str = "12345",
        destination: str = "99900000001",
        account_id: int | None = None,
        sim_id: int = 0,
    ) -> int:
        """A message with the facts beside it that the hub would have written."""
        at = at or NOW
        message_id = self.new_id(at)
        await self.execute(
            "INSERT INTO message (workspace_id, id, device_id, sim_id, submission_id, account_id, owner, submitted_at,"
            " expires_at, direction, kind, data_coding, source, destination, payload, state, final_at)"
            " VALUES ($1, $2, $3, $4, $2, $5, 1, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
            tenant.workspace_id, message_id, device_id, sim_id, account_id, at, at + timedelta(days=1), direction, kind,
            data_coding, source, destination, text, int(state), at if state else None,
        )  # fmt: skip
        if state not in (MessageState.OPEN, MessageState.DELIVERED, MessageState.RECEIVED):
            await self.execute(
                "INSERT INTO outcome (workspace_id, state, message_id) VALUES ($1, $2, $3)",
                tenant.workspace_id, int(state), message_id,
            )  # fmt: skip
        if waiting is not None:
            await self.execute(
                "INSERT INTO waiting (message_id, workspace_id, device_id, owner, reason, due, ends_at)"
                " VALUES ($1, $2, $3, 1, $4, $5, $5)",
                message_id, tenant.workspace_id, device_id, int(waiting), at,
            )  # fmt: skip
        if submitted:
            await self.submit(tenant, message_id)
        tenant.messages.append(message_id)
        return message_id

    async def submit(self, tenant: Tenant, message_id: int) -> None:
        """The message is accepted upstream."""
        at = datetime.fromtimestamp(unix_ms_of(message_id) / 1000, UTC)
        await self.execute(
            "INSERT INTO submit (message_id, workspace_id, at, link_id, part, attempt, smsc_message_id)"
            " VALUES ($1, $2, $3, 1, 1, 1, 'x')",
            message_id, tenant.workspace_id, at,
        )  # fmt: skip

    async def account(self, tenant: Tenant, system_id: str) -> int:
        account_id = self.new_id()
        await self.execute(
            "INSERT INTO smpp_account (workspace_id, id, system_id, password_hash) VALUES ($1, $2, $3, '-')",
            tenant.workspace_id, account_id, system_id,
        )  # fmt: skip
        tenant.accounts.append(account_id)
        return account_id

    async def smpp_session(self, tenant: Tenant, account_id: int) -> int:
        """A session of the account that is bound on some node."""
        session_id = self.new_id()
        await self.execute(
            "INSERT INTO smpp_session (workspace_id, id, account_id, node, bind_type, address, port, tls, bound_at)"
            " VALUES ($1, $2, $3, 1, 'TRANSCEIVER', '192.0.2.7', 40000, 'TLSv1.3', $4)",
            tenant.workspace_id, session_id, account_id, NOW,
        )  # fmt: skip
        return session_id

    async def api_key(self, tenant: Tenant) -> int:
        """A key that nobody has: its hash is of nothing."""
        api_key_id = self.new_id()
        await self.execute(
            "INSERT INTO api_key (workspace_id, id, prefix, secret_hash, name, role, networks, created_by_name,"
            " last_used_at, last_used_address)"
            " VALUES ($1, $2, $3, '', 'a key', 'USER', '{192.0.2.0/24}', 'someone', $4, '192.0.2.7')",
            tenant.workspace_id, api_key_id, f"{tenant.name:0<12}"[:12], NOW,
        )  # fmt: skip
        return api_key_id

    async def user(self, tenant: Tenant, email: str, role: str = "USER") -> int:
        """A member who belongs to the workspace's organisation."""
        user_id = self.new_id()
        await self.execute(
            "INSERT INTO user_account (id, organisation_id, email, email_key, status)"
            " SELECT $1, organisation_id, $2, $2, 1 FROM workspace WHERE id = $3",
            user_id, email, tenant.workspace_id,
        )  # fmt: skip
        await self.execute(
            "INSERT INTO membership (workspace_id, user_id, role) VALUES ($1, $2, $3)",
            tenant.workspace_id, user_id, role,
        )  # fmt: skip
        return user_id

    async def invitation(self, tenant: Tenant, email: str) -> int:
        invitation_id = self.new_id()
        await self.execute(
            "INSERT INTO invitation (workspace_id, id, email, email_key, role, invited_by, token_hash, expires_at)"
            " VALUES ($1, $2, $3, $3, 'USER', 'someone', $4, now() + interval '1 day')",
            tenant.workspace_id, invitation_id, email, str(invitation_id).encode(),
        )  # fmt: skip
        return invitation_id

    async def short_code(self, tenant: Tenant, code: str, account_id: int | None = None) -> int:
        short_code_id = self.new_id()
        await self.execute(
            "INSERT INTO short_code (workspace_id, id, code, account_id) VALUES ($1, $2, $3, $4)",
            tenant.workspace_id, short_code_id, code, account_id,
        )  # fmt: skip
        tenant.short_codes.append(short_code_id)
        return short_code_id

    async def webhook(self, tenant: Tenant, deliveries: int = 0) -> int:
        webhook_id = self.new_id()
        await self.execute(
            "INSERT INTO webhook (workspace_id, id, url, event_types, secret_encrypted)"
            " VALUES ($1, $2, 'https://example.org/hook', '{sms.received}', '')",
            tenant.workspace_id, webhook_id,
        )  # fmt: skip
        tenant.webhooks.append(webhook_id)
        for _ in range(deliveries):
            delivery_id = self.new_id()
            await self.execute(
                "INSERT INTO webhook_delivery (workspace_id, id, webhook_id, event_type, body, next_attempt_at,"
                " created_at) VALUES ($1, $2, $3, 'sms.received', '', $4, $4)",
                tenant.workspace_id, delivery_id, webhook_id, NOW,
            )  # fmt: skip
            tenant.deliveries.append(delivery_id)
        return webhook_id

    async def event(
        self,
        tenant: Tenant,
        event_type: str = "sms.refused",
        *,
        severity: int = 1,
        device_id: int | None = None,
        sim_id: int | None = None,
        at: datetime | None = None,
    ) -> int:
        event_id = self.new_id(at)
        await self.execute(
            "INSERT INTO event (workspace_id, id, type, severity, device_id, sim_id, description, data)"
            " VALUES ($1, $2, $3, $4, $5, $6, 'why', $7)",
            tenant.workspace_id, event_id, event_type, severity, device_id, sim_id, {"reason": "because"},
        )  # fmt: skip
        tenant.events.append(event_id)
        return event_id

    async def alert(self, tenant: Tenant, event_id: int, device_id: int | None = None) -> int:
        """A rule and the alert that it raised by the event."""
        rule_id, alert_id = self.new_id(), self.new_id()
        await self.execute(
            "INSERT INTO alert_rule (workspace_id, id, name, event_types, minimum_severity, group_by, threshold,"
            " window_s, severity, quiet_s) VALUES ($1, $2, 'refusals', '{sms.refused}', 0, 1, 1, 60, 2, 3600)",
            tenant.workspace_id, rule_id,
        )  # fmt: skip
        await self.execute(
            "INSERT INTO alert (workspace_id, id, rule_id, group_key, state, severity, rule_name, event_count,"
            " first_event_at, last_event_at, last_event_id, told_at, device_id)"
            " VALUES ($1, $2, $3, 'group', 0, 2, 'refusals', 1, $4, $4, $5, $4, $6)",
            tenant.workspace_id, alert_id, rule_id, NOW, event_id, device_id,
        )  # fmt: skip
        tenant.alert_rules.append(rule_id)
        tenant.alerts.append(alert_id)
        return alert_id

    async def step(self, tenant: Tenant, sim_id: int, from_status: int | None = 0, to_status: int = 2) -> int:
        """A step of a SIM's life."""
        step_id = self.new_id()
        await self.execute(
            "INSERT INTO sim_history (workspace_id, id, sim_id, from_status, to_status, trigger, actor_kind, actor,"
            " at) VALUES ($1, $2, $3, $4, $5, 1, 0, 'someone', $6)",
            tenant.workspace_id, step_id, sim_id, from_status, to_status, NOW,
        )  # fmt: skip
        tenant.steps.append(step_id)
        return step_id

    async def job(self, tenant: Tenant, device_ids: list[int]) -> int:
        """A job that is over, with an item for each device: the first changed, the second failed, and so on."""
        job_id = self.new_id()
        await self.execute(
            "INSERT INTO job (workspace_id, id, kind, state, dry_run, input, total, done, changed, failed, actor,"
            " created_at, started_at, finished_at)"
            " VALUES ($1, $2, 'DEVICE_UPDATE', 2, false, $3, $4, $4, $4, 0, 'someone', $5, $5, $5)",
            tenant.workspace_id, job_id, {"enabled": True}, len(device_ids), NOW,
        )  # fmt: skip
        for number, device_id in enumerate(device_ids, 1):
            item_id = self.new_id()
            await self.execute(
                "INSERT INTO job_item (workspace_id, job_id, id, number, device_id, outcome, code, message, path)"
                " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                tenant.workspace_id, job_id, item_id, number, device_id,
                *((1, None, None, None) if number % 2 else (3, "DENIED", "No.", ["id"])),
            )  # fmt: skip
            tenant.job_items.append(item_id)
        tenant.jobs.append(job_id)
        return job_id

    async def plan(self, tenant: Tenant, sim_id: int, trigger: int = 2) -> int:
        """Something that a SIM is to do tomorrow."""
        plan_id = self.new_id()
        await self.execute(
            "INSERT INTO sim_schedule (workspace_id, id, sim_id, trigger, due, actor, created_at)"
            " VALUES ($1, $2, $3, $4, $5, 'someone', $6)",
            tenant.workspace_id, plan_id, sim_id, trigger, NOW + timedelta(days=1), NOW,
        )  # fmt: skip
        tenant.plans.append(plan_id)
        return plan_id

    async def order(self, tenant: Tenant, bic: str) -> int:
        """A delivered order with an item and a batch, of which nothing is registered."""
        order_id, item_id, batch_id = self.new_id(), self.new_id(), self.new_id()
        await self.execute(
            "INSERT INTO sim_purchase_order (workspace_id, id, status, recipient, address_lines, city, country,"
            " batch_id, created_at) VALUES ($1, $2, 4, 'Someone', '{Street 1}', 'Lyon', 'FR', $3, $4)",
            tenant.workspace_id, order_id, batch_id, NOW,
        )  # fmt: skip
        await self.execute(
            "INSERT INTO sim_purchase_order_item (workspace_id, id, order_id, package, quantity)"
            " VALUES ($1, $2, $3, 'MFF2', 1)",
            tenant.workspace_id, item_id, order_id,
        )  # fmt: skip
        await self.execute(
            "INSERT INTO sim_batch (workspace_id, id, order_id, bic, status, created_at)"
            " VALUES ($1, $2, $3, $4, 1, $5)",
            tenant.workspace_id, batch_id, order_id, bic, NOW,
        )  # fmt: skip
        tenant.orders.append(order_id)
        tenant.order_items.append(item_id)
        tenant.batches.append(batch_id)
        return order_id

    async def card(self, tenant: Tenant, sim_id: int) -> None:
        """Makes an eUICC of a SIM, with an operation; gives it a partner's IMSI, a switch and an activation code."""
        self._serial += 1
        space, serial, partner_id = tenant.workspace_id, self._serial, self.new_id()
        await self.execute("UPDATE sim SET eid = $2 WHERE id = $1", sim_id, f"{serial:032}")
        await self.execute(
            "INSERT INTO euicc (workspace_id, id, eid) VALUES ($1, $2, $3)", space, sim_id, f"{serial:032}"
        )
        await self.execute(
            "INSERT INTO euicc_profile"
            " (workspace_id, id, euicc_id, iccid, imsi, msisdn, state, is_fallback, enabled_at)"
            " SELECT workspace_id, id, id, iccid, imsi, msisdn, 3, true, now() FROM sim WHERE id = $1",
            sim_id,
        )
        operation_id, code_id = self.new_id(), self.new_id()
        await self.execute(
            "INSERT INTO euicc_operation (workspace_id, id, euicc_id, profile_id, type, state, valid_until, created_at)"
            " VALUES ($1, $2, $3, $3, 1, 2, $4, $4)",
            space, operation_id, sim_id, NOW,
        )  # fmt: skip
        await self.execute(
            "INSERT INTO euicc_operation_step (workspace_id, id, operation_id, state, at) VALUES ($1, $2, $3, 2, $4)",
            space, self.new_id(), operation_id, NOW,
        )  # fmt: skip
        await self.execute(
            "INSERT INTO roaming_partner (workspace_id, id, name, plmn) VALUES ($1, $2, 'partner', '00101')",
            space, partner_id,
        )  # fmt: skip
        await self.execute(
            "INSERT INTO roaming_term VALUES ($1, $2, $3, 'DE', '{26201}', '{LTE}', false, 90, true, true)",
            space, self.new_id(), partner_id,
        )  # fmt: skip
        await self.execute("INSERT INTO imsi_preference VALUES ($1, $2, 'DE', 1, $3)", space, self.new_id(), partner_id)
        await self.execute("UPDATE imsi SET partner_id = $2, profile_id = $1 WHERE sim_id = $1", sim_id, partner_id)
        await self.execute(
            "INSERT INTO imsi_switch VALUES ($1, $2, $3, '001', '002', 0, 'DE', 'why', 'someone', $4)",
            space, self.new_id(), sim_id, NOW,
        )  # fmt: skip
        await self.execute(
            "INSERT INTO activation_code (workspace_id, id, sim_id, smdp_address, matching_id, state, qr_svg, qr_png,"
            " expires_at, created_at, changed_at) VALUES ($1, $2, $3, 'smdp.example.com', $4, 0, '', 'x', $5, $5, $5)",
            space, code_id, sim_id, f"CODE-{serial}", NOW,
        )  # fmt: skip
        await self.execute(
            "INSERT INTO activation_code_step VALUES ($1, $2, $3, 0, NULL, 'someone', $4)",
            space, self.new_id(), code_id, NOW,
        )  # fmt: skip

    async def ip_address_space(self, tenant: Tenant, cidr: str) -> int:
        space_id = self.new_id()
        await self.execute(
            "INSERT INTO ip_address_space (workspace_id, id, cidr, next_address)"
            " VALUES ($1, $2, $3::text::cidr, host($3::text::cidr)::inet + 1)",
            tenant.workspace_id, space_id, cidr,
        )  # fmt: skip
        return space_id

    async def dns_config(self, tenant: Tenant, name: str, server: str) -> int:
        config_id = self.new_id()
        await self.execute(
            "INSERT INTO dns_config (workspace_id, id, name, first) VALUES ($1, $2, $3, $4::text::inet)",
            tenant.workspace_id, config_id, name, server,
        )  # fmt: skip
        return config_id

    async def custom_role(self, tenant: Tenant, name: str = "Fitters") -> int:
        """A role of the workspace's own, which nobody has."""
        role_id = self.new_id()
        await self.execute(
            "INSERT INTO custom_role (workspace_id, id, name, permissions, tags) VALUES ($1, $2, $3, $4, '{van}')",
            tenant.workspace_id, role_id, name, ["device:read", "sim:read"],
        )  # fmt: skip
        return role_id

    async def metering(self, tenant: Tenant) -> None:
        """Usage of the last device, a session of it, and its quotas: one of its own, one of a pool."""
        space, device_id, sim_id = tenant.workspace_id, tenant.devices[-1], tenant.sims[-1]
        pool_id, quota_id = self.new_id(), self.new_id()
        for granularity, unit in enumerate(("hour", "day", "month")):
            await self.execute(
                "INSERT INTO device_usage (workspace_id, device_id, sim_id, granularity, start, sms_mt, sms_mt_parts,"
                " octets_up) VALUES ($1, $2, $3, $4, date_trunc($5, $6::timestamptz), 1, 1, 5000000000)",
                space, device_id, sim_id, granularity, unit, NOW,
            )  # fmt: skip
            await self.execute(
                "INSERT INTO workspace_usage (workspace_id, granularity, start, sms_mt, sms_mt_parts)"
                " VALUES ($1, $2, date_trunc($3, $4::timestamptz), 1, 1)",
                space, granularity, unit, NOW,
            )  # fmt: skip
        await self.execute(
            "INSERT INTO data_session (workspace_id, id, sim_id, device_id, session_id, status, ip_address,"
            " last_sequence, opened_at, updated_at) VALUES ($1, $2, $3, $4, 's', 1, '10.0.0.1', 0, $5, $5)",
            space, self.new_id(), sim_id, device_id, NOW,
        )  # fmt: skip
        await self.execute(
            "INSERT INTO quota_pool (workspace_id, id, name, tag) VALUES ($1, $2, 'Shared', 'shared')", space, pool_id
        )
        for row_id, owner, of_pool in ((quota_id, device_id, None), (self.new_id(), None, pool_id)):
            await self.execute(
                "INSERT INTO quota (workspace_id, id, service, device_id, pool_id, status, status_changed_at, volume,"
                " refill_volume, refill, action, period_started_at, thresholds)"
                " VALUES ($1, $2, 1, $3, $4, 0, $5, 100, 100, 0, 0, $5, '{80}')",
                space, row_id, owner, of_pool, NOW,
            )  # fmt: skip
        await self.execute(
            "INSERT INTO quota_top_up (workspace_id, id, quota_id, amount, actor, at)"
            " VALUES ($1, $2, $3, 10, 'someone', $4)",
            space, self.new_id(), quota_id, NOW,
        )  # fmt: skip

    async def identity_provider(self, tenant: Tenant) -> int:
        """Of the tenant's organisation; by no test is it asked for anything."""
        provider_id = self.new_id()
        await self.execute(
            "INSERT INTO identity_provider (organisation_id, id, name, issuer, client_id, group_roles)"
            " SELECT organisation_id, $2, 'Ours', 'https://idp.example.org', 'motet', $3 FROM workspace WHERE id = $1",
            tenant.workspace_id, provider_id, [{"group": "ops", "workspace_id": tenant.workspace_id, "role": "USER"}],
        )  # fmt: skip
        await self.execute("INSERT INTO identity_provider_domain VALUES ($1, $2)", f"{tenant.name}.test", provider_id)
        return provider_id

    async def trusted_document(self, tenant: Tenant, document_id: str, text: str) -> int:
        row_id = self.new_id()
        await self.execute(
            "INSERT INTO trusted_document (workspace_id, id, document_id, sha256, source) VALUES ($1, $2, $3, $4, $5)",
            tenant.workspace_id, row_id, document_id, hashlib.sha256(text.encode()).hexdigest(), text,
        )  # fmt: skip
        return row_id

    async def audit_entry(self, tenant: Tenant) -> None:
        """Of a change to the first device."""
        await self.execute(
            "INSERT INTO audit_entry (workspace_id, actor_kind, actor, user_id, api_key_id, edge, action, outcome,"
            " code, path, address, user_agent, request_id, input, objects, changes, change_counts)"
            " VALUES ($1, 'USER', 'anna@example.org', 1, 2, 'GRAPHQL', 'deviceUpdate', 'DONE', 'INVALID', '{id}',"
            " '192.0.2.7', 'a browser', 'r', '{}', ARRAY[$2::bigint], $3, '{}')",
            tenant.workspace_id, tenant.devices[0],
            [{"table": "device", "operation": "UPDATE", "id": str(tenant.devices[0]), "before": None, "after": {}}],
        )  # fmt: skip

    async def move(self, tenant: Tenant, target: Tenant) -> None:
        """A dry run of a move of the first SIM to another workspace."""
        results = [{"sim_id": tenant.sims[0], "iccid": "x", "from": "ACTIVATED", "to": "SUSPENDED"}]
        await self.execute(
            "INSERT INTO sim_move (workspace_id, id, target_id, dry_run, moved, refused, results, actor, at)"
            " VALUES ($1, $2, $3, true, 1, 0, $4, 'someone', $5)",
            tenant.workspace_id, self.new_id(), target.workspace_id, results, NOW,
        )  # fmt: skip

    async def link(self, name: str) -> int:
        link_id = int(time.time()) % 100_000 + len(name)
        await self.execute(
            "INSERT INTO smsc_link (id, name, host, port, system_id, password_encrypted)"
            " VALUES ($1, $2, 'localhost', 2775, 'x', '')",
            link_id, name,
        )  # fmt: skip
        return link_id


async def two_tenants(database: Database) -> tuple[Tenants, Tenant, Tenant]:
    """`demo` with 5 devices, 2 messages each, and one of everything else; `other` with the same kinds of rows."""
    tenants = Tenants(database)
    async with tenants.at_once():
        demo, other = await _fill(tenants)
    return tenants, demo, other


async def _fill(tenants: Tenants) -> list[Tenant]:
    both: list[Tenant] = []
    for name in ("demo", "other"):
        tenant = await tenants.workspace(name)
        account = await tenants.account(tenant, name)
        await tenants.api_key(tenant)
        await tenants.short_code(tenant, "12345", account)
        await tenants.smpp_session(tenant, account)
        await tenants.webhook(tenant, deliveries=2)
        coverage_policy = await tenants.coverage_policy(tenant)
        for number in range(5):
            device_id = await tenants.device(tenant, f"{name} {number}")
            await tenants.execute("UPDATE device SET coverage_policy_id = $2 WHERE id = $1", device_id, coverage_policy)
            await tenants.message(tenant, device_id, account_id=account, sim_id=tenant.sims[-1])
            await tenants.message(tenant, device_id, state=MessageState.RECEIVED, direction=1)
            await tenants.step(tenant, tenant.sims[-1])
            await tenants.event(tenant, device_id=device_id, sim_id=tenant.sims[-1])
            await tenants.whereabouts(tenant, device_id)
            await tenants.plan(tenant, tenant.sims[-1])
        await tenants.order(tenant, make_bic(len(both)))
        await tenants.execute(
            "UPDATE sim SET batch_id = $2 WHERE workspace_id = $1", tenant.workspace_id, tenant.batches[0]
        )
        await tenants.job(tenant, tenant.devices[:2])
        await tenants.ip_address_space(tenant, "192.168.99.0/24")
        await tenants.dns_config(tenant, "Ours", "192.168.99.53")
        await tenants.execute(
            "UPDATE device SET power_at = now(), power_learned = true, psm_tau_s = 3600, psm_active_s = 60"
            " WHERE id = $1",
            tenant.devices[0],
        )
        await tenants.alert(tenant, tenant.events[-1], tenant.devices[-1])
        await tenants.card(tenant, tenant.sims[-1])
        await tenants.metering(tenant)
        await tenants.user(tenant, f"anna@{name}.example")
        await tenants.invitation(tenant, "bert@example.org")
        await tenants.identity_provider(tenant)
        await tenants.trusted_document(tenant, "viewer", "{ viewer { role } }")
        await tenants.custom_role(tenant)
        await tenants.audit_entry(tenant)
        both.append(tenant)
        await tenants.move(tenant, both[0])
    await tenants.link("upstream")
    return both
