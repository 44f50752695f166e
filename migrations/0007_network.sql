-- What mobile networks tell of SIMs, and what is ordered of them.

-- Where a SIM is, as its network last said. A row once there was something to say.
CREATE TABLE attachment (
    workspace_id   bigint NOT NULL,
    sim_id         bigint NOT NULL,
    attached       boolean NOT NULL DEFAULT false,
    since          timestamptz,               -- attached, or not, since
    operator       text,                      -- PLMN of the last place known: MCC and MNC digits
    country        text,                      -- ISO 3166 alpha-2
    rat            text,                      -- a name of motet.radio.rats.Rat
    cell           text,                      -- cell global identity
    node           text,                      -- VLR, SGSN or MME
    location_id    bigint,                    -- its row in `location`
    imei           text,                      -- as the network saw it last: 14 to 16 digits
    imei_seen_at   timestamptz,
    refused        text,                      -- the rule that refused its last attempt; null: it passed
    refused_at     timestamptz,
    told_at        timestamptz,               -- the newest of what was told of where it is
    PRIMARY KEY (workspace_id, sim_id),
    FOREIGN KEY (workspace_id, sim_id) REFERENCES sim (workspace_id, id)
);
CREATE INDEX attachment_operator ON attachment (operator) WHERE attached;   -- whom an outage hits, over all workspaces

-- The places of a SIM, the newest ones only. Append-only but for the oldest, which go.
CREATE TABLE location (
    workspace_id  bigint NOT NULL,
    id            bigint NOT NULL,
    sim_id        bigint NOT NULL,
    device_id     bigint NOT NULL DEFAULT 0,  -- the device that the SIM was in; 0: none
    at            timestamptz NOT NULL,       -- since when
    updated_at    timestamptz NOT NULL,       -- and when it was told last
    operator      text NOT NULL,
    country       text,
    rat           text,
    cell          text,
    node          text,
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX location_sim ON location (workspace_id, sim_id, id);
CREATE INDEX location_device ON location (workspace_id, device_id, id);

-- What networks have told, by their own ids, so that what is told again changes nothing. Kept for a week.
CREATE TABLE network_notification (
    source  text NOT NULL,                    -- the subject of the network's token
    id      text NOT NULL,
    at      timestamptz NOT NULL DEFAULT now(),
    result  jsonb NOT NULL,                   -- what was answered
    PRIMARY KEY (source, id)
);
CREATE INDEX network_notification_age ON network_notification (at);

-- What is ordered of a network, until it has answered, and for a week after that.
CREATE TABLE network_order (
    workspace_id  bigint NOT NULL,
    id            bigint NOT NULL,
    sim_id        bigint NOT NULL,
    kind          text NOT NULL,              -- motet.domain.network.OrderKind
    body          jsonb NOT NULL DEFAULT '{}',
    state         smallint NOT NULL DEFAULT 0, -- motet.domain.network.OrderState
    attempts      smallint NOT NULL DEFAULT 0,
    due           timestamptz NOT NULL,       -- to be sent, or given up as without a result
    ordered_at    timestamptz NOT NULL,
    ended_at      timestamptz,
    reason        text,                       -- the network's, of what did not go well
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX network_order_due ON network_order (due) WHERE state < 2;
CREATE INDEX network_order_sim ON network_order (workspace_id, sim_id, id) WHERE state < 2;
CREATE INDEX network_order_age ON network_order (ended_at) WHERE state >= 2;
CREATE INDEX network_order_id ON network_order (id);                        -- a result names no workspace

-- Visited networks that do not work now, as networks tell.
CREATE TABLE operator_outage (
    operator  text PRIMARY KEY,               -- PLMN
    since     timestamptz NOT NULL
);

-- Each time that somebody had a device's connectivity reset.
CREATE TABLE connectivity_reset (
    workspace_id   bigint NOT NULL,
    id             bigint NOT NULL,
    device_id      bigint NOT NULL,
    sim_id         bigint NOT NULL,
    at             timestamptz NOT NULL,
    actor          text NOT NULL,             -- the subject of the token that asked for it
    location       boolean NOT NULL,          -- whether the location was to be cancelled
    data           boolean NOT NULL,          -- whether data sessions were to be cut
    orders         bigint[] NOT NULL,         -- to the network
    open_orders    smallint NOT NULL,         -- those that it has not answered yet
    failed         text,                      -- why the network did not do it
    done_at        timestamptz,               -- when it had done all of it
    reattached_at  timestamptz,               -- when the SIM was back after it
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, device_id) REFERENCES device (workspace_id, id)
);
CREATE INDEX connectivity_reset_device ON connectivity_reset (workspace_id, device_id, id);
CREATE INDEX connectivity_reset_sim ON connectivity_reset (workspace_id, sim_id, id);

-- IMEI lock: equipment that may use the SIM besides `imei`.
ALTER TABLE device ADD COLUMN imei_allowed text[] NOT NULL DEFAULT '{}';    -- 14 digits of an IMEI, or the 8 of a TAC

-- Whether the equipment seen is one that the SIM is locked to; null: no lock, nothing to compare with, or nothing seen.
CREATE FUNCTION motet_imei_matches(locked boolean, imei text, allowed text[], seen text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN NOT locked OR seen IS NULL OR (imei IS NULL AND allowed = '{}') THEN NULL
                ELSE coalesce(left(imei, 14) = left(seen, 14), false)
                     OR left(seen, 14) = ANY (allowed) OR left(seen, 8) = ANY (allowed) END
$$;

-- Whether an open data session keeps a SIM online.
CREATE INDEX data_session_online ON data_session (workspace_id, sim_id) WHERE status = 0;

-- What a device's connectivity is, by the device's id. Its numbers are motet.domain.states.ConnectivityStatus; the joins
-- are by unique keys, so that what is not asked for is not read.
CREATE VIEW connectivity AS
SELECT c.*,
       CASE WHEN c.blocked_by IS NOT NULL THEN 3 WHEN c.open_sessions > 0 THEN 1 WHEN c.attached THEN 0 ELSE 2 END
           AS status
  FROM (
    SELECT v.workspace_id, v.id, coalesce(a.attached, false) AS attached, a.since, a.location_id, a.imei,
           a.imei_seen_at, motet_imei_matches(v.imei_lock, v.imei, v.imei_allowed, a.imei) AS imei_matches,
           a.refused, a.refused_at,
           NOT coalesce(a.attached, false) OR l.updated_at < now() - interval '24 hours' AS is_stale,
           (SELECT count(*) FROM data_session d
             WHERE d.workspace_id = v.workspace_id AND d.sim_id = v.sim_id AND d.status = 0) AS open_sessions,
           CASE WHEN p.imei_lock_mode = 'ENFORCE'
                     AND NOT motet_imei_matches(v.imei_lock, v.imei, v.imei_allowed, a.imei) THEN 'IMEI_MISMATCH'
                WHEN p.apply_data_quota AND (q.status = 2 OR q.status = 1 AND q.action = 0)
                     THEN CASE WHEN q.status = 1 THEN 'QUOTA_USED_UP' ELSE 'QUOTA_EXPIRED' END
                WHEN p.apply_data_quota AND EXISTS (
                     SELECT FROM quota_pool o
                       JOIN quota s ON s.workspace_id = o.workspace_id AND s.pool_id = o.id AND s.service = 0
                      WHERE o.workspace_id = v.workspace_id AND o.tag = ANY (v.tags)
                        AND s.status = 1 AND s.action = 0) THEN 'QUOTA_USED_UP'
                WHEN p.data_limit_per_month_octets IS NOT NULL AND EXISTS (
                     SELECT FROM month_limit m
                      WHERE m.workspace_id = v.workspace_id AND m.device_id = v.id AND m.kind = 2 AND m.reached
                        AND m.month = date_trunc('month', now(), 'UTC')) THEN 'MONTH_LIMIT_REACHED' END AS blocked_by,
           (SELECT max(r.id) FROM connectivity_reset r
             WHERE r.workspace_id = v.workspace_id AND r.device_id = v.id) AS reset_id
      FROM device v
      LEFT JOIN attachment a ON a.workspace_id = v.workspace_id AND a.sim_id = v.sim_id
      LEFT JOIN location l ON l.workspace_id = a.workspace_id AND l.id = a.location_id
      LEFT JOIN service_policy p ON p.workspace_id = v.workspace_id AND p.id = v.service_policy_id
      LEFT JOIN quota q ON q.workspace_id = v.workspace_id AND q.device_id = v.id AND q.service = 0
  ) c;
