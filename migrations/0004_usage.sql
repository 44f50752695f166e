-- Usage, quotas and data sessions.

-- How far each incarnation's messages are counted: every message of it up to this id is in the tables below, none above.
-- Not in `node`, whose row must not be locked while messages are counted. `finished`: it is dead, and all is counted.
CREATE TABLE usage_mark (
    incarnation  integer PRIMARY KEY,
    counted_to   bigint NOT NULL,
    finished     boolean NOT NULL DEFAULT false
);
CREATE INDEX usage_mark_unfinished ON usage_mark (incarnation) WHERE NOT finished;
INSERT INTO usage_mark (incarnation, counted_to)
SELECT incarnation, greatest(0, (extract(epoch FROM started_at) * 1000)::bigint - 1735689600000 - 3600000) << 22
  FROM node;

-- What a device and a SIM have used. granularity: motet.domain.usage.Granularity. SMS are counted when they are accepted,
-- in messages and in parts; octets by the network's session records.
CREATE TABLE device_usage (
    workspace_id   bigint NOT NULL,
    device_id      bigint NOT NULL,
    granularity    smallint NOT NULL,
    start          timestamptz NOT NULL,      -- of the hour, day or month, in UTC
    sim_id         bigint NOT NULL,
    id             bigint GENERATED ALWAYS AS IDENTITY,
    sms_mt         bigint NOT NULL DEFAULT 0,
    sms_mt_parts   bigint NOT NULL DEFAULT 0,
    sms_mo         bigint NOT NULL DEFAULT 0,
    sms_mo_parts   bigint NOT NULL DEFAULT 0,
    octets_up      bigint NOT NULL DEFAULT 0,
    octets_down    bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (workspace_id, device_id, granularity, start, sim_id)
) WITH (fillfactor = 80);                     -- counters change in place: no index on them
CREATE INDEX device_usage_age ON device_usage USING brin (start);    -- for what removes the old ones
CREATE UNIQUE INDEX device_usage_id ON device_usage (workspace_id, id);
CREATE INDEX device_usage_sim ON device_usage (workspace_id, sim_id, granularity, start);

-- The same for the whole workspace.
CREATE TABLE workspace_usage (
    workspace_id   bigint NOT NULL,
    granularity    smallint NOT NULL,
    start          timestamptz NOT NULL,
    id             bigint GENERATED ALWAYS AS IDENTITY,
    sms_mt         bigint NOT NULL DEFAULT 0,
    sms_mt_parts   bigint NOT NULL DEFAULT 0,
    sms_mo         bigint NOT NULL DEFAULT 0,
    sms_mo_parts   bigint NOT NULL DEFAULT 0,
    octets_up      bigint NOT NULL DEFAULT 0,
    octets_down    bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (workspace_id, granularity, start)
) WITH (fillfactor = 50);
CREATE UNIQUE INDEX workspace_usage_id ON workspace_usage (workspace_id, id);

-- Quotas -------------------------------------------------------------------------------------------------------------

-- All devices with the tag share the pool's quotas.
CREATE TABLE quota_pool (
    workspace_id  bigint NOT NULL REFERENCES workspace (id),
    id            bigint NOT NULL,
    name          text NOT NULL,
    tag           text NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, id),
    CONSTRAINT quota_pool_name_taken UNIQUE (workspace_id, name),
    CONSTRAINT quota_pool_tag_taken UNIQUE (workspace_id, tag)
);

-- Enumerations are in motet.domain.quota. Volumes are octets of data or parts of SMS.
CREATE TABLE quota (
    workspace_id       bigint NOT NULL REFERENCES workspace (id),
    id                 bigint NOT NULL,
    service            smallint NOT NULL,
    device_id          bigint,
    pool_id            bigint,
    status             smallint NOT NULL,
    status_changed_at  timestamptz NOT NULL,
    volume             bigint NOT NULL,
    used               bigint NOT NULL DEFAULT 0,
    refill_volume      bigint NOT NULL,
    refill             smallint NOT NULL,
    time_zone          text NOT NULL DEFAULT 'UTC',
    rollover           boolean NOT NULL DEFAULT false,
    thresholds         smallint[] NOT NULL DEFAULT '{}',
    told               smallint[] NOT NULL DEFAULT '{}',
    action             smallint NOT NULL,
    throttle_rate      integer,
    period_started_at  timestamptz NOT NULL,
    next_refill_at     timestamptz,
    expires_at         timestamptz,
    due_at             timestamptz,               -- when time alone changes it next
    created_at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, id),
    CONSTRAINT quota_of_one CHECK (num_nonnulls(device_id, pool_id) = 1),
    CONSTRAINT quota_device_taken UNIQUE (workspace_id, device_id, service),
    CONSTRAINT quota_pool_taken UNIQUE (workspace_id, pool_id, service),
    FOREIGN KEY (workspace_id, device_id) REFERENCES device (workspace_id, id),
    CONSTRAINT quota_pool_there FOREIGN KEY (workspace_id, pool_id) REFERENCES quota_pool (workspace_id, id)
) WITH (fillfactor = 80);
CREATE INDEX quota_due ON quota (due_at) WHERE due_at IS NOT NULL;

-- Every top-up. Append-only.
CREATE TABLE quota_top_up (
    workspace_id  bigint NOT NULL,
    id            bigint NOT NULL,
    quota_id      bigint NOT NULL,
    amount        bigint NOT NULL,
    actor         text NOT NULL,
    at            timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX quota_top_up_quota ON quota_top_up (workspace_id, quota_id, id);

-- What is known of a device's monthly limits besides its usage: what it was granted beyond them, and what was told.
CREATE TABLE month_limit (
    workspace_id  bigint NOT NULL,
    device_id     bigint NOT NULL,
    month         timestamptz NOT NULL,
    kind          smallint NOT NULL,               -- motet.domain.quota.MonthLimit
    extension     bigint NOT NULL DEFAULT 0,
    warned        boolean NOT NULL DEFAULT false,
    reached       boolean NOT NULL DEFAULT false,
    PRIMARY KEY (workspace_id, device_id, month, kind)
);

-- Data sessions ------------------------------------------------------------------------------------------------------

CREATE TABLE data_session (
    workspace_id   bigint NOT NULL REFERENCES workspace (id),
    id             bigint NOT NULL,
    sim_id         bigint NOT NULL,
    device_id      bigint,
    session_id     text NOT NULL,                 -- its name in the network
    status         smallint NOT NULL,             -- motet.domain.data_session.SessionStatus
    apn            text,
    ip_address     inet,
    region         text,
    operator       text,
    rat            text,
    imei           text,
    cause          text,                          -- why it ended, in the network's words
    reason         text,                          -- why it was refused or cut: a name of motet.domain.refusals.Refusal
    octets_up      bigint NOT NULL DEFAULT 0,
    octets_down    bigint NOT NULL DEFAULT 0,
    record_count   integer NOT NULL DEFAULT 0,
    last_sequence  integer NOT NULL,
    opened_at      timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    closed_at      timestamptz,
    PRIMARY KEY (workspace_id, id),
    CONSTRAINT data_session_named UNIQUE (workspace_id, sim_id, session_id)
) WITH (fillfactor = 80);
CREATE INDEX data_session_age ON data_session USING brin (id);
CREATE INDEX data_session_device ON data_session (workspace_id, device_id, id);
CREATE INDEX data_session_sim ON data_session (workspace_id, sim_id, id);
CREATE INDEX data_session_open ON data_session (id) WHERE status = 0;
CREATE INDEX data_session_open_sim ON data_session (workspace_id, sim_id) WHERE status = 0;
CREATE INDEX data_session_open_of ON data_session (workspace_id, id) WHERE status = 0;

-- What the network told of a session, each record once. Append-only.
CREATE TABLE session_record (
    data_session_id  bigint NOT NULL,
    sequence         integer NOT NULL,
    workspace_id     bigint NOT NULL,
    device_id        bigint NOT NULL,             -- 0: the SIM was in none
    sim_id           bigint NOT NULL,
    at               timestamptz NOT NULL,
    octets_up        bigint NOT NULL,
    octets_down      bigint NOT NULL,
    PRIMARY KEY (data_session_id, sequence)
) PARTITION BY RANGE (data_session_id);

-- What nodes keep in memory of quotas and limits: those who change it tell it, as 0013_changes.sql has it for the rest.
-- Not what was used, which every node counts for itself, nor what time does, which each one knows.
CREATE FUNCTION motet_tell_quota() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    one quota := coalesce(NEW, OLD);
BEGIN
    PERFORM pg_notify('motet_change', 'numbers' || CASE WHEN one.device_id IS NULL THEN '' ELSE
        coalesce((SELECT ' ' || s.msisdn FROM sim s WHERE s.workspace_id = one.workspace_id
                                                      AND s.device_id = one.device_id LIMIT 1), ' 0') END);
    RETURN NULL;
END $$;
CREATE TRIGGER quota_made AFTER INSERT OR DELETE ON quota FOR EACH ROW EXECUTE FUNCTION motet_tell_quota();
CREATE TRIGGER quota_changed AFTER UPDATE ON quota FOR EACH ROW
    WHEN (OLD.period_started_at = NEW.period_started_at
          AND ((OLD.status = 3) <> (NEW.status = 3)
               OR (OLD.volume, OLD.refill_volume, OLD.refill, OLD.time_zone, OLD.action, OLD.rollover)
                  <> (NEW.volume, NEW.refill_volume, NEW.refill, NEW.time_zone, NEW.action, NEW.rollover)
               OR OLD.expires_at IS DISTINCT FROM NEW.expires_at
               OR OLD.throttle_rate IS DISTINCT FROM NEW.throttle_rate))
    EXECUTE FUNCTION motet_tell_quota();

CREATE FUNCTION motet_tell_all_numbers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('motet_change', 'numbers');
    RETURN NULL;
END $$;
CREATE TRIGGER quota_pool_changed AFTER UPDATE OR DELETE ON quota_pool
    FOR EACH STATEMENT EXECUTE FUNCTION motet_tell_all_numbers();

CREATE FUNCTION motet_tell_month_limit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('motet_change', 'numbers ' || s.msisdn)
       FROM sim s WHERE s.workspace_id = NEW.workspace_id AND s.device_id = NEW.device_id;
    RETURN NULL;
END $$;
CREATE TRIGGER month_limit_made AFTER INSERT ON month_limit FOR EACH ROW
    WHEN (NEW.extension > 0) EXECUTE FUNCTION motet_tell_month_limit();
CREATE TRIGGER month_limit_extended AFTER UPDATE ON month_limit FOR EACH ROW
    WHEN (OLD.extension <> NEW.extension) EXECUTE FUNCTION motet_tell_month_limit();
