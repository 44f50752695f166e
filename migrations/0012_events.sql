-- Events as a feed, how long they are kept, and alerts.

-- One NOTIFY per statement that writes events (more only for large ones: a payload holds 8,000 octets), whoever writes
-- them. Payload: `workspace_id id id …`.
CREATE FUNCTION motet_tell_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('motet_event', payload)
       FROM (SELECT workspace_id || ' ' || string_agg(id::text, ' ') AS payload
               FROM (SELECT workspace_id, id, row_number() OVER (PARTITION BY workspace_id ORDER BY id) / 350 AS piece
                       FROM written) AS numbered
              GROUP BY workspace_id, piece) AS pieces;
    RETURN NULL;
END $$;
CREATE TRIGGER event_told AFTER INSERT ON event
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION motet_tell_events();

ALTER TABLE workspace ADD COLUMN event_retention_days integer NOT NULL DEFAULT 365;

-- Which events raise an alert. Empty lists and nulls ask for nothing.
CREATE TABLE alert_rule (
    workspace_id      bigint NOT NULL REFERENCES workspace (id),
    id                bigint NOT NULL,
    name              text NOT NULL,
    enabled           boolean NOT NULL DEFAULT true,
    event_types       text[] NOT NULL,               -- tokens and `family.*`
    minimum_severity  smallint NOT NULL,
    device_tags       text[] NOT NULL DEFAULT '{}',  -- the event's device has all of them
    group_by          smallint NOT NULL,             -- motet.domain.alerts.AlertGrouping
    threshold         integer NOT NULL,              -- so many events …
    window_s          integer NOT NULL,              -- … in so many seconds raise it
    severity          smallint NOT NULL,             -- of the alert
    quiet_s           integer NOT NULL,              -- without an event for so long it is over
    resolved_by       text[] NOT NULL DEFAULT '{}',  -- event types that end it at once
    remind_s          integer,                       -- raised again while it lasts; null: told once
    created_at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, id)
);

-- What lasts, and what lasted. At most one that lasts by rule and group.
CREATE TABLE alert (
    workspace_id      bigint NOT NULL,
    id                bigint NOT NULL,
    rule_id           bigint NOT NULL,
    group_key         text NOT NULL,
    state             smallint NOT NULL,             -- motet.domain.alerts.AlertState
    severity          smallint NOT NULL,
    rule_name         text NOT NULL,
    event_count       bigint NOT NULL,
    first_event_at    timestamptz NOT NULL,
    last_event_at     timestamptz NOT NULL,
    last_event_id     bigint NOT NULL,
    told_at           timestamptz NOT NULL,
    device_id         bigint,
    sim_id            bigint,
    acknowledged_at   timestamptz,
    acknowledged_by   text,
    resolved_at       timestamptz,
    PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX alert_lasting ON alert (workspace_id, rule_id, group_key) WHERE state <> 2;
CREATE INDEX alert_rule_of ON alert (workspace_id, rule_id, id);
CREATE INDEX alert_device ON alert (workspace_id, device_id, id) WHERE device_id IS NOT NULL;
CREATE INDEX alert_quiet ON alert (last_event_at) WHERE state <> 2;

-- The events that matched a rule, so that each counts once however often it is looked at. Kept for the longest window.
CREATE TABLE alert_match (
    workspace_id  bigint NOT NULL,
    rule_id       bigint NOT NULL,
    event_id      bigint NOT NULL,
    group_key     text NOT NULL,
    PRIMARY KEY (workspace_id, rule_id, event_id)
);
CREATE INDEX alert_match_group ON alert_match (workspace_id, rule_id, group_key, event_id);
CREATE INDEX alert_match_age ON alert_match (event_id);

-- How far events have been looked at for alerts. One row.
CREATE TABLE alert_progress (
    one       boolean PRIMARY KEY DEFAULT true CHECK (one),
    event_id  bigint NOT NULL
);
