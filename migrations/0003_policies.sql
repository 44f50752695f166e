-- Service policies and coverage policies: what the devices of a workspace may do, and on which networks.

-- Every workspace has the policy "Default", whose id is the workspace's own; it cannot be deleted. RATs are the names in
-- motet.radio.rats, operators PLMN codes (MCC and MNC digits), countries ISO 3166 alpha-2.
CREATE TABLE service_policy (
    workspace_id                 bigint NOT NULL REFERENCES workspace (id),
    id                           bigint NOT NULL,
    version                      integer NOT NULL DEFAULT 1,      -- the number of service_policy_version that it is at
    created_at                   timestamptz NOT NULL DEFAULT now(),
    updated_at                   timestamptz NOT NULL DEFAULT now(),
    name                         text NOT NULL,
    description                  text NOT NULL DEFAULT '',
    data_enabled                 boolean NOT NULL DEFAULT true,
    sms_mt_enabled               boolean NOT NULL DEFAULT true,
    sms_mo_enabled               boolean NOT NULL DEFAULT true,
    p2p_inside                   boolean NOT NULL DEFAULT true,   -- between devices of the workspace
    p2p_outside                  boolean NOT NULL DEFAULT false,  -- from a device to numbers that are nobody's here
    p2p_limit_per_day            integer DEFAULT 5,               -- P2P from one device in 24 h; null: no limit
    allowed_rats                 text[],                          -- null: all; empty: none
    breakout_region              text NOT NULL DEFAULT 'auto',    -- the code of a region
    dns_config_id                bigint,
    apn                          text,
    internet_breakout            boolean NOT NULL DEFAULT true,
    inter_device                 boolean NOT NULL DEFAULT false,  -- data between devices of one address space
    imei_lock_mode               text NOT NULL DEFAULT 'ENFORCE', -- or ALERT
    imei_lock_applies_to_sms     boolean NOT NULL DEFAULT false,
    apply_sms_quota              boolean NOT NULL DEFAULT false,
    apply_data_quota             boolean NOT NULL DEFAULT false,
    sms_mt_limit_per_month       integer,
    sms_mo_limit_per_month       integer,
    data_limit_per_month_octets  bigint,
    limit_warning_percent        smallint,
    sms_on_nb_iot_refused        boolean NOT NULL DEFAULT false,
    PRIMARY KEY (workspace_id, id),
    CONSTRAINT service_policy_name_taken UNIQUE (workspace_id, name)
);

-- A null `allowed` list is everything that is not denied, an empty one nothing.
CREATE TABLE coverage_policy (
    workspace_id       bigint NOT NULL REFERENCES workspace (id),
    id                 bigint NOT NULL,
    version            integer NOT NULL DEFAULT 1,
    created_at         timestamptz NOT NULL DEFAULT now(),
    updated_at         timestamptz NOT NULL DEFAULT now(),
    name               text NOT NULL,
    description        text NOT NULL DEFAULT '',
    countries_allowed  text[],
    countries_denied   text[] NOT NULL DEFAULT '{}',
    operators_allowed  text[],
    operators_denied   text[] NOT NULL DEFAULT '{}',              -- 26201, or 26201:NB_IOT for one RAT of it
    rats_allowed       text[],
    rats_denied        text[] NOT NULL DEFAULT '{}',
    steering           text[] NOT NULL DEFAULT '{}',              -- 26201=70: an operator and its weight, best first
    PRIMARY KEY (workspace_id, id),
    CONSTRAINT coverage_policy_name_taken UNIQUE (workspace_id, name)
);

-- Every state that a policy was ever in. Append-only; they outlive the policy.
CREATE TABLE service_policy_version (
    workspace_id   bigint NOT NULL REFERENCES workspace (id),
    id             bigint NOT NULL,
    policy_id      bigint NOT NULL,
    number         integer NOT NULL,          -- 1, 2, …
    at             timestamptz NOT NULL DEFAULT now(),
    actor          text,                      -- the subject of the token; null: it came with the workspace
    restored_from  integer,                   -- the number that it repeats
    content        jsonb NOT NULL,            -- the whole policy
    changes        jsonb NOT NULL DEFAULT '[]', -- [{field, before, after}] against the one before
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, policy_id, number)
);
CREATE INDEX service_policy_version_policy ON service_policy_version (workspace_id, policy_id, id);

CREATE TABLE coverage_policy_version (
    workspace_id   bigint NOT NULL REFERENCES workspace (id),
    id             bigint NOT NULL,
    policy_id      bigint NOT NULL,
    number         integer NOT NULL,
    at             timestamptz NOT NULL DEFAULT now(),
    actor          text,
    restored_from  integer,
    content        jsonb NOT NULL,
    changes        jsonb NOT NULL DEFAULT '[]',
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, policy_id, number)
);
CREATE INDEX coverage_policy_version_policy ON coverage_policy_version (workspace_id, policy_id, id);

WITH made AS (
    INSERT INTO service_policy (workspace_id, id, name, description, p2p_limit_per_day)
    SELECT id, id, 'Default', 'What devices may do unless another policy is chosen.', NULL FROM workspace
    RETURNING *
)
INSERT INTO service_policy_version (workspace_id, id, policy_id, number, content)
SELECT workspace_id, id, id, 1, to_jsonb(made) - '{workspace_id,id,version,created_at,updated_at}'::text[] FROM made;

-- A device has a service policy for as long as it lives. A null coverage policy is every network.
ALTER TABLE device
    ADD COLUMN service_policy_id  bigint,
    ADD COLUMN coverage_policy_id bigint;
UPDATE device SET service_policy_id = workspace_id WHERE status <> 2;
ALTER TABLE device
    ADD CONSTRAINT device_service_policy_there CHECK (status = 2 OR service_policy_id IS NOT NULL),
    ADD CONSTRAINT device_service_policy
        FOREIGN KEY (workspace_id, service_policy_id) REFERENCES service_policy (workspace_id, id),
    ADD CONSTRAINT device_coverage_policy
        FOREIGN KEY (workspace_id, coverage_policy_id) REFERENCES coverage_policy (workspace_id, id);
CREATE INDEX device_by_service_policy ON device (workspace_id, service_policy_id, id);
CREATE INDEX device_by_coverage_policy ON device (workspace_id, coverage_policy_id, id)
    WHERE coverage_policy_id IS NOT NULL;

-- Operators that one device may not use, besides what its coverage policy says.
CREATE TABLE device_blocked_operator (
    workspace_id  bigint NOT NULL,
    device_id     bigint NOT NULL,
    operator      text NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, device_id, operator),
    FOREIGN KEY (workspace_id, device_id) REFERENCES device (workspace_id, id)
);

-- How many P2P messages a device has sent in the 24 h that began with the first of them. Only where there is a limit.
CREATE TABLE p2p_window (
    workspace_id  bigint NOT NULL,
    device_id     bigint NOT NULL,
    started_at    timestamptz NOT NULL,
    count         integer NOT NULL,
    PRIMARY KEY (workspace_id, device_id)
);
