-- Webhook deliveries are written within the hub's commit. A webhook that another node has just deleted must not fail that
-- commit, so deliveries do not refer to it; the dispatcher removes those without a webhook. Due ones are found by webhook,
-- so that a slow target's backlog is not walked through on the way to another's.

ALTER TABLE webhook_delivery DROP CONSTRAINT webhook_delivery_workspace_id_webhook_id_fkey;

DROP INDEX webhook_delivery_due;
CREATE INDEX webhook_delivery_due ON webhook_delivery (workspace_id, webhook_id, next_attempt_at) WHERE status = 0;
CREATE INDEX webhook_delivery_dead ON webhook_delivery (workspace_id, webhook_id, id) WHERE status = 2;

-- A queue: what is behind its head must be vacuumed away soon.
ALTER TABLE webhook_delivery SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05);
