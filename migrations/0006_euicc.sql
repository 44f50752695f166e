-- eUICCs and their profiles, SIMs with several IMSIs, activation codes of consumer eSIMs.

-- An eUICC is a SIM with an EID: it has that SIM's id.
CREATE TABLE euicc (
    workspace_id      bigint NOT NULL,
    id                bigint NOT NULL,
    eid               text NOT NULL,
    max_profiles      smallint NOT NULL DEFAULT 10,
    created_at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX euicc_eid ON euicc (workspace_id, eid);

CREATE TABLE euicc_profile (
    workspace_id  bigint NOT NULL,
    id            bigint NOT NULL,
    euicc_id      bigint NOT NULL,
    iccid         text NOT NULL,
    imsi          text NOT NULL,                -- the one that it starts with; all are in imsi
    msisdn        text NOT NULL,
    plmn          text,                         -- home operator; null: as the IMSI says
    state         smallint NOT NULL,            -- motet.domain.euicc.ProfileState
    is_fallback   boolean NOT NULL DEFAULT false,
    created_at    timestamptz NOT NULL DEFAULT now(),
    enabled_at    timestamptz,                  -- when it was last enabled
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX euicc_profile_euicc ON euicc_profile (workspace_id, euicc_id, id);
CREATE INDEX euicc_profile_iccid ON euicc_profile (workspace_id, iccid);
CREATE UNIQUE INDEX euicc_profile_one_enabled ON euicc_profile (workspace_id, euicc_id) WHERE state = 3;
CREATE UNIQUE INDEX euicc_profile_one_fallback ON euicc_profile (workspace_id, euicc_id) WHERE is_fallback;

CREATE TABLE euicc_operation (
    workspace_id      bigint NOT NULL,
    id                bigint NOT NULL,
    euicc_id          bigint NOT NULL,
    profile_id        bigint NOT NULL,
    type              smallint NOT NULL,        -- motet.domain.euicc.OperationType
    state             smallint NOT NULL,        -- motet.domain.euicc.OperationState
    order_id          bigint,                   -- what the network knows it by
    valid_until       timestamptz NOT NULL,
    rollback_after_s  integer,                  -- ENABLE: without an attach for so long, back to the profile before
    attach_by         timestamptz,              -- ENABLE that is OK: until when the SIM must have attached
    origin_id         bigint,                   -- ROLLBACK: the operation that it undoes
    error             text,
    actor             text,                     -- null: nobody in person
    created_at        timestamptz NOT NULL,
    sent_at           timestamptz,
    ended_at          timestamptz,
    ask_at            timestamptz,              -- when the network is next asked what became of it
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX euicc_operation_euicc ON euicc_operation (workspace_id, euicc_id, id);
CREATE INDEX euicc_operation_profile ON euicc_operation (workspace_id, profile_id, id);
CREATE UNIQUE INDEX euicc_operation_one_open ON euicc_operation (workspace_id, euicc_id) WHERE state IN (0, 1);
CREATE INDEX euicc_operation_order ON euicc_operation (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX euicc_operation_end ON euicc_operation (valid_until) WHERE state IN (0, 1);
CREATE INDEX euicc_operation_ask ON euicc_operation (ask_at) WHERE state = 1;
CREATE INDEX euicc_operation_attach ON euicc_operation (attach_by) WHERE attach_by IS NOT NULL;

-- Every step of an operation. Append-only.
CREATE TABLE euicc_operation_step (
    workspace_id  bigint NOT NULL,
    id            bigint NOT NULL,
    operation_id  bigint NOT NULL,
    state         smallint NOT NULL,
    words         text,
    at            timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX euicc_operation_step_operation ON euicc_operation_step (workspace_id, operation_id, id);

-- Whose IMSIs a card holds, and what they may do in which country.
CREATE TABLE roaming_partner (
    workspace_id  bigint NOT NULL REFERENCES workspace (id),
    id            bigint NOT NULL,
    name          text NOT NULL,
    plmn          text NOT NULL,                -- the home operator of its IMSIs
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, id),
    CONSTRAINT roaming_partner_name_taken UNIQUE (workspace_id, name)
);
CREATE INDEX roaming_partner_plmn ON roaming_partner (plmn);

CREATE TABLE roaming_term (
    workspace_id       bigint NOT NULL,
    id                 bigint NOT NULL,
    partner_id         bigint NOT NULL,
    country            text NOT NULL,           -- ISO 3166 alpha-2
    networks           text[] NOT NULL,         -- PLMNs
    rats               text[] NOT NULL,
    permanent_roaming  boolean NOT NULL,
    max_stay_days      integer,                 -- where permanent roaming is barred; null: not a day
    psm                boolean NOT NULL,
    edrx               boolean NOT NULL,
    PRIMARY KEY (workspace_id, id),
    CONSTRAINT roaming_term_country_taken UNIQUE (workspace_id, partner_id, country),
    FOREIGN KEY (workspace_id, partner_id) REFERENCES roaming_partner (workspace_id, id) ON DELETE CASCADE
);

-- The workspace's own order of partners in a country.
CREATE TABLE imsi_preference (
    workspace_id  bigint NOT NULL,
    id            bigint NOT NULL,
    country       text NOT NULL,
    position      smallint NOT NULL,            -- from 1 on
    partner_id    bigint NOT NULL,
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, country, position),
    UNIQUE (workspace_id, country, partner_id),
    FOREIGN KEY (workspace_id, partner_id) REFERENCES roaming_partner (workspace_id, id) ON DELETE CASCADE
);

-- The IMSIs of every SIM. Those of an eUICC belong to its profiles.
CREATE TABLE imsi (
    workspace_id     bigint NOT NULL,
    id               bigint NOT NULL,
    sim_id           bigint NOT NULL,
    profile_id       bigint,
    imsi             text NOT NULL,
    partner_id       bigint,
    active           boolean NOT NULL,
    attach_failures  smallint NOT NULL DEFAULT 0,   -- in a row
    stay_country     text,                          -- where it attached last
    stay_since       timestamptz,                   -- since when it is used in that country
    created_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, partner_id) REFERENCES roaming_partner (workspace_id, id)
);
CREATE INDEX imsi_sim ON imsi (workspace_id, sim_id, id);
CREATE INDEX imsi_value ON imsi (workspace_id, imsi);
CREATE INDEX imsi_profile ON imsi (workspace_id, profile_id, id) WHERE profile_id IS NOT NULL;
CREATE INDEX imsi_partner ON imsi (workspace_id, partner_id, sim_id) WHERE partner_id IS NOT NULL;
CREATE UNIQUE INDEX imsi_one_active ON imsi (workspace_id, sim_id) WHERE active;
CREATE INDEX imsi_stay ON imsi (stay_since) WHERE active AND partner_id IS NOT NULL AND stay_since IS NOT NULL;

CREATE TABLE imsi_switch (
    workspace_id  bigint NOT NULL,
    id            bigint NOT NULL,
    sim_id        bigint NOT NULL,
    old_imsi      text NOT NULL,
    new_imsi      text NOT NULL,
    reason        smallint NOT NULL,            -- motet.domain.imsi_selection.SwitchReason
    country       text,
    words         text NOT NULL,
    actor         text,                         -- null: nobody in person
    at            timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX imsi_switch_sim ON imsi_switch (workspace_id, sim_id, id);

CREATE TABLE activation_code (
    workspace_id          bigint NOT NULL REFERENCES workspace (id),
    id                    bigint NOT NULL,
    sim_id                bigint NOT NULL,
    smdp_address          text NOT NULL,
    matching_id           text NOT NULL,
    oid                   text,
    confirmation_hash     text,                 -- argon2id; null: no confirmation code
    confirmation_tries    smallint NOT NULL DEFAULT 0,
    state                 smallint NOT NULL,    -- motet.domain.activation_code.CodeState
    eid                   text,                 -- of the phone that downloaded it
    qr_svg                text NOT NULL,
    qr_png                bytea NOT NULL,
    expires_at            timestamptz NOT NULL, -- not downloaded by then: EXPIRED
    created_at            timestamptz NOT NULL,
    changed_at            timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id),
    CONSTRAINT activation_code_taken UNIQUE (smdp_address, matching_id)
);
CREATE INDEX activation_code_sim ON activation_code (workspace_id, sim_id, id);
CREATE UNIQUE INDEX activation_code_one_live ON activation_code (workspace_id, sim_id) WHERE state IN (0, 1, 2, 3);
CREATE INDEX activation_code_expiry ON activation_code (expires_at) WHERE state = 0;

CREATE TABLE activation_code_step (
    workspace_id  bigint NOT NULL,
    id            bigint NOT NULL,
    code_id       bigint NOT NULL,
    state         smallint NOT NULL,
    eid           text,
    actor         text,                         -- null: the phone, or time
    at            timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX activation_code_step_code ON activation_code_step (workspace_id, code_id, id);

-- By whatever way a SIM is added, it has its IMSI, and an eUICC its first profile: enabled, and the fallback. They have
-- the SIM's id, each among its own kind.
CREATE FUNCTION motet_add_imsi_and_profile() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO imsi (workspace_id, id, sim_id, profile_id, imsi, active, created_at)
    SELECT workspace_id, id, id, CASE WHEN eid IS NOT NULL THEN id END, imsi, true, created_at FROM made;
    IF EXISTS (SELECT FROM made WHERE eid IS NOT NULL) THEN
        INSERT INTO euicc (workspace_id, id, eid, created_at)
        SELECT workspace_id, id, eid, created_at FROM made WHERE eid IS NOT NULL;
        INSERT INTO euicc_profile
            (workspace_id, id, euicc_id, iccid, imsi, msisdn, state, is_fallback, created_at, enabled_at)
        SELECT workspace_id, id, id, iccid, imsi, msisdn, 3, true, created_at, created_at
          FROM made WHERE eid IS NOT NULL;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER sim_imsi_and_profile AFTER INSERT ON sim REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION motet_add_imsi_and_profile();

INSERT INTO imsi (workspace_id, id, sim_id, profile_id, imsi, active, created_at)
SELECT workspace_id, id, id, CASE WHEN eid IS NOT NULL THEN id END, imsi, true, created_at FROM sim;
INSERT INTO euicc (workspace_id, id, eid, created_at)
SELECT workspace_id, id, eid, created_at FROM sim WHERE eid IS NOT NULL;
INSERT INTO euicc_profile (workspace_id, id, euicc_id, iccid, imsi, msisdn, state, is_fallback, created_at, enabled_at)
SELECT workspace_id, id, id, iccid, imsi, msisdn, 3, true, created_at, created_at FROM sim WHERE eid IS NOT NULL;
