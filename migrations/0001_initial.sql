-- The model of the first release. Ids are 64-bit, made by the application (milliseconds since 2025, node, counter).
-- workspace_id leads the key of every tenant table. Enumerations are smallint: their names are in motet.domain.states.

CREATE TABLE organisation (
    id          bigint PRIMARY KEY,
    parent_id   bigint REFERENCES organisation (id),   -- null: the operator, root of the tree
    name        text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX organisation_root ON organisation ((true)) WHERE parent_id IS NULL;

CREATE TABLE workspace (
    id               bigint PRIMARY KEY,
    organisation_id  bigint NOT NULL REFERENCES organisation (id),
    name             text NOT NULL CONSTRAINT workspace_name_taken UNIQUE,
    created_at       timestamptz NOT NULL DEFAULT now()
);

-- Small facts of this installation that must survive a restart (the JWT signing key, encrypted; the demo's markers).
CREATE TABLE setting (
    name   text PRIMARY KEY,
    value  bytea NOT NULL
);

-- Fleet ---------------------------------------------------------------------------------------------------------------

-- Who owns an identity, before the workspace is known. kind: iccid, imsi, msisdn, eid. Live SIMs only.
CREATE TABLE directory (
    kind          text NOT NULL,
    value         text NOT NULL,
    workspace_id  bigint NOT NULL,
    sim_id        bigint NOT NULL,
    CONSTRAINT directory_taken PRIMARY KEY (kind, value)
);
CREATE INDEX directory_sim ON directory (sim_id);

CREATE TABLE sim (
    workspace_id   bigint NOT NULL REFERENCES workspace (id),
    id             bigint NOT NULL,
    iccid          text NOT NULL,
    eid            text,
    imsi           text NOT NULL,
    msisdn         text NOT NULL,
    status         smallint NOT NULL,
    form_factor    text,
    quality_grade  text,
    device_id      bigint,
    created_at     timestamptz NOT NULL DEFAULT now(),
    activated_at   timestamptz,
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX sim_iccid ON sim (workspace_id, iccid);
CREATE INDEX sim_imsi ON sim (workspace_id, imsi);
CREATE INDEX sim_msisdn ON sim (workspace_id, msisdn);

CREATE TABLE device (
    workspace_id  bigint NOT NULL REFERENCES workspace (id),
    id            bigint NOT NULL,
    name          text NOT NULL,
    status        smallint NOT NULL,
    tags          text[] NOT NULL DEFAULT '{}',
    imei          text,
    imei_lock     boolean NOT NULL DEFAULT false,
    ip_address    inet,
    sim_id        bigint,
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, sim_id) REFERENCES sim (workspace_id, id)
);
CREATE UNIQUE INDEX device_sim_taken ON device (workspace_id, sim_id) WHERE sim_id IS NOT NULL;
CREATE INDEX device_name ON device (workspace_id, name, id);
CREATE INDEX device_imei ON device (workspace_id, imei) WHERE imei IS NOT NULL;

-- ESMEs ---------------------------------------------------------------------------------------------------------------

CREATE TABLE smpp_account (
    workspace_id      bigint NOT NULL REFERENCES workspace (id),
    id                bigint NOT NULL,
    system_id         text NOT NULL CONSTRAINT smpp_account_system_id_taken UNIQUE,
    password_hash     text NOT NULL,                     -- argon2id
    description       text NOT NULL DEFAULT '',
    default_alphabet  text NOT NULL DEFAULT 'GSM7',      -- what data_coding 0 means: GSM7, ASCII, LATIN1
    long_mo           text NOT NULL DEFAULT 'JOINED',    -- JOINED or PARTS
    window_size       integer NOT NULL DEFAULT 1000,     -- commands in work per session
    rate_per_s        integer,                           -- submits per second; null: no limit
    max_binds         integer NOT NULL DEFAULT 16,
    queue_limit       integer NOT NULL DEFAULT 1000000,  -- open messages before ESME_RMSGQFUL
    outbind_host      text,                              -- where to send outbind when MO or receipts wait for it
    outbind_port      integer,
    enabled           boolean NOT NULL DEFAULT true,
    created_at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, id)
);

CREATE TABLE short_code (
    workspace_id  bigint NOT NULL REFERENCES workspace (id),
    id            bigint NOT NULL,
    code          text NOT NULL,
    account_id    bigint,                                -- MO go to this account's binds; webhooks get them too
    description   text NOT NULL DEFAULT '',
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, id),
    CONSTRAINT short_code_taken UNIQUE (workspace_id, code),
    FOREIGN KEY (workspace_id, account_id) REFERENCES smpp_account (workspace_id, id)
);
CREATE INDEX short_code_account ON short_code (workspace_id, account_id);

-- Upstream ------------------------------------------------------------------------------------------------------------

-- The operator's links to SMSCs. `id` is small: it is written with every submit.
CREATE TABLE smsc_link (
    id                  integer PRIMARY KEY,
    name                text NOT NULL CONSTRAINT smsc_link_name_taken UNIQUE,
    host                text NOT NULL,
    port                integer NOT NULL,
    system_id           text NOT NULL,
    password_encrypted  bytea NOT NULL,
    binds               integer NOT NULL DEFAULT 1,
    window_size         integer NOT NULL DEFAULT 100,
    enabled             boolean NOT NULL DEFAULT true,
    created_at          timestamptz NOT NULL DEFAULT now()
);

-- Nodes ---------------------------------------------------------------------------------------------------------------

-- Each start of a node is an incarnation. It owns what it accepted, until another succeeds it.
CREATE TABLE node (
    incarnation    integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number         smallint NOT NULL,              -- the node's place in ids, 0 to 1023
    started_at     timestamptz NOT NULL DEFAULT now(),
    ended_at       timestamptz,
    succeeded_by   integer REFERENCES node (incarnation),
    last_id        bigint NOT NULL DEFAULT 0,      -- given a few seconds ago: ids never go back, even if the clock does
    low_water      bigint NOT NULL DEFAULT 0       -- every message of this owner below it is final or in `waiting`
);
CREATE INDEX node_live ON node (number) WHERE succeeded_by IS NULL;

-- Raises unless the incarnation may still commit. Held shared to the end of the transaction; a successor takes it
-- exclusively before it reads what the incarnation left.
CREATE FUNCTION motet_fence(incarnation_ integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(1297044564, incarnation_);   -- 'MOTT'
    IF EXISTS (SELECT FROM node WHERE incarnation = incarnation_ AND succeeded_by IS NOT NULL) THEN
        RAISE EXCEPTION 'incarnation % has been succeeded', incarnation_ USING ERRCODE = 'MT001';
    END IF;
END $$;

-- Messages ------------------------------------------------------------------------------------------------------------
-- Partitioned by ranges of id, that is, of time; partitions are made ahead by the application. No index, nor any partial
-- index's predicate, on a column that changes: it would end HOT updates.

CREATE TABLE message (
    workspace_id         bigint NOT NULL,
    id                   bigint NOT NULL,
    device_id            bigint NOT NULL DEFAULT 0,     -- 0: none (an MO that we refused, from a SIM without a device)
    sim_id               bigint NOT NULL DEFAULT 0,
    submission_id        bigint NOT NULL,               -- what the submitter knows it by; shared by a submit_multi
    origin_id            bigint,                        -- P2P: the MO that this MT carries on
    account_id           bigint,                        -- the ESME that submitted it; null: GraphQL, P2P, MO
    owner                integer NOT NULL,              -- incarnation that accepted it, never rewritten
    submitted_at         timestamptz NOT NULL,
    scheduled_at         timestamptz,
    expires_at           timestamptz NOT NULL,
    direction            smallint NOT NULL,
    kind                 smallint NOT NULL,
    data_coding          smallint NOT NULL,
    esm_class            smallint NOT NULL DEFAULT 0,
    protocol_id          smallint NOT NULL DEFAULT 0,
    priority             smallint NOT NULL DEFAULT 0,
    registered_delivery  smallint NOT NULL DEFAULT 0,
    source_ton           smallint NOT NULL DEFAULT 0,
    source_npi           smallint NOT NULL DEFAULT 0,
    dest_ton             smallint NOT NULL DEFAULT 1,
    dest_npi             smallint NOT NULL DEFAULT 1,
    part_count           smallint NOT NULL DEFAULT 1,   -- parts upstream (MT) or received (MO)
    segment_ref          integer,                       -- this row is one part of a text that its ESME split
    segment_total        smallint,
    segment_number       smallint,
    source               text NOT NULL,
    destination          text NOT NULL,
    service_type         text NOT NULL DEFAULT '',
    payload              bytea NOT NULL,                -- user data without UDH; GSM 7-bit unpacked
    udh                  bytea,                         -- with its length octet, as the ESME or the phone made it
    tlvs                 bytea,                         -- optional parameters passed on, as on the wire
    -- What changes, once:
    state                smallint NOT NULL DEFAULT 0,
    attempts             smallint NOT NULL DEFAULT 0,
    error                text,                          -- the receipt's err, or the command_status upstream gave, by name
    final_at             timestamptz,
    error_detail         text,
    PRIMARY KEY (workspace_id, id)
) PARTITION BY RANGE (id);
CREATE INDEX message_device ON message (workspace_id, device_id, id);
CREATE INDEX message_id_range ON message USING brin (id) WITH (pages_per_range = 32);   -- recovery reads from a low-water mark on

-- A part of a message handed to an SMSC and accepted there. Append-only.
CREATE TABLE submit (
    message_id       bigint NOT NULL,
    workspace_id     bigint NOT NULL,
    at               timestamptz NOT NULL,
    link_id          integer NOT NULL,
    part             smallint NOT NULL,
    attempt          smallint NOT NULL,
    smsc_message_id  text NOT NULL
) PARTITION BY RANGE (message_id);
CREATE INDEX submit_message ON submit (message_id);
CREATE INDEX submit_smsc_message_id ON submit (smsc_message_id, link_id);

-- The final receipt of one part of a message with several parts, until the whole is final. Append-only.
CREATE TABLE part_receipt (
    message_id  bigint NOT NULL,
    part        smallint NOT NULL,
    at          timestamptz NOT NULL,
    state       smallint NOT NULL,
    error       text,
    PRIMARY KEY (message_id, part)
) PARTITION BY RANGE (message_id);

-- Messages that ended otherwise than DELIVERED or RECEIVED, for filters on status. Append-only.
CREATE TABLE outcome (
    workspace_id  bigint NOT NULL,
    state         smallint NOT NULL,
    message_id    bigint NOT NULL,
    PRIMARY KEY (workspace_id, state, message_id)
) PARTITION BY RANGE (message_id);

-- Accepted messages that no node holds in memory. Small.
CREATE TABLE waiting (
    message_id    bigint PRIMARY KEY,
    workspace_id  bigint NOT NULL,
    device_id     bigint NOT NULL,
    account_id    bigint,
    owner         integer NOT NULL,
    reason        smallint NOT NULL,
    due           timestamptz NOT NULL,
    ends_at       timestamptz NOT NULL,       -- without progress by then: EXPIRED, or UNKNOWN if upstream has it
    attempts      smallint NOT NULL DEFAULT 0
);
CREATE INDEX waiting_end ON waiting (owner, ends_at);
CREATE INDEX waiting_due ON waiting (owner, reason, due, message_id);
CREATE INDEX waiting_workspace ON waiting (workspace_id, reason, message_id);

-- What an ESME is owed: a receipt or an MO. Append-only, answered by a row in esme_answer.
CREATE TABLE esme_delivery (
    account_id    bigint NOT NULL,
    id            bigint NOT NULL,
    workspace_id  bigint NOT NULL,
    message_id    bigint NOT NULL,
    kind          smallint NOT NULL,          -- 0 final receipt, 1 intermediate notification, 2 MO
    state         smallint NOT NULL,          -- MessageState the receipt tells
    error         text,
    at            timestamptz NOT NULL,       -- done date
    expires_at    timestamptz NOT NULL,
    PRIMARY KEY (account_id, id)
) PARTITION BY RANGE (id);

CREATE TABLE esme_answer (
    account_id  bigint NOT NULL,
    id          bigint NOT NULL,
    PRIMARY KEY (account_id, id)
) PARTITION BY RANGE (id);

-- Every delivery of the account below `answered_below` is answered or expired. Written every few seconds.
CREATE TABLE esme_cursor (
    account_id      bigint PRIMARY KEY,
    answered_below  bigint NOT NULL
);

-- Parts of MO messages whose other parts have not come yet.
CREATE TABLE mo_part (
    source         text NOT NULL,
    destination    text NOT NULL,
    ref            integer NOT NULL,          -- 8-bit references as they are, 16-bit ones + 65536
    total          smallint NOT NULL,
    number         smallint NOT NULL,
    workspace_id   bigint NOT NULL,
    sim_id         bigint NOT NULL,
    device_id      bigint NOT NULL,
    received_at    timestamptz NOT NULL,
    data_coding    smallint NOT NULL,
    protocol_id    smallint NOT NULL DEFAULT 0,
    source_ton     smallint NOT NULL DEFAULT 0,
    source_npi     smallint NOT NULL DEFAULT 0,
    dest_ton       smallint NOT NULL DEFAULT 0,
    dest_npi       smallint NOT NULL DEFAULT 0,
    udh            bytea,
    payload        bytea NOT NULL,
    PRIMARY KEY (source, destination, ref, total, number)
);
CREATE INDEX mo_part_age ON mo_part (received_at);

CREATE TABLE idempotency (
    workspace_id  bigint NOT NULL,
    mutation      text NOT NULL,
    key           text NOT NULL,
    input_hash    bytea NOT NULL,
    object_id     bigint NOT NULL,
    expires_at    timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, mutation, key)
);
CREATE INDEX idempotency_expiry ON idempotency (expires_at);

-- What happened, for people and applications.
CREATE TABLE event (
    workspace_id  bigint NOT NULL,
    id            bigint NOT NULL,
    type          text NOT NULL,              -- such as sms.refused
    severity      smallint NOT NULL,          -- 0 info, 1 warn, 2 critical
    device_id     bigint,
    sim_id        bigint,
    message_id    bigint,
    description   text NOT NULL,
    data          jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (workspace_id, id)
) PARTITION BY RANGE (id);

-- Webhooks ------------------------------------------------------------------------------------------------------------

CREATE TABLE webhook (
    workspace_id      bigint NOT NULL REFERENCES workspace (id),
    id                bigint NOT NULL,
    url               text NOT NULL,
    event_types       text[] NOT NULL,
    description       text NOT NULL DEFAULT '',
    secret_encrypted  bytea NOT NULL,
    status            smallint NOT NULL DEFAULT 0,
    disabled_reason   text,
    created_at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, id)
);

-- Written within the hub's commit. A webhook that another node has just deleted must not fail that commit, so deliveries do
-- not refer to it; the dispatcher removes those without a webhook.
CREATE TABLE webhook_delivery (
    workspace_id     bigint NOT NULL,
    id               bigint NOT NULL,         -- the webhook-id header: the same over retries
    webhook_id       bigint NOT NULL,
    event_type       text NOT NULL,
    body             bytea NOT NULL,          -- the signed octets, the same over retries
    status           smallint NOT NULL DEFAULT 0,
    attempts         integer NOT NULL DEFAULT 0,
    next_attempt_at  timestamptz NOT NULL,
    created_at       timestamptz NOT NULL,
    last_attempt_at  timestamptz,
    last_status      integer,                 -- HTTP status, null: no answer
    last_error       text,
    PRIMARY KEY (workspace_id, id)
);
-- Due ones are found by webhook, so that a slow target's backlog is not walked through on the way to another's.
CREATE INDEX webhook_delivery_due ON webhook_delivery (workspace_id, webhook_id, next_attempt_at) WHERE status = 0;
CREATE INDEX webhook_delivery_dead ON webhook_delivery (workspace_id, webhook_id, id) WHERE status = 2;
CREATE INDEX webhook_delivery_webhook ON webhook_delivery (workspace_id, webhook_id, id);

-- A queue: what is behind its head must be vacuumed away soon.
ALTER TABLE webhook_delivery SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05);
