-- What is known of the world's networks, in versions, and how devices save power.

-- Version 0 comes with Motet and is not here. The newest counts.
CREATE TABLE coverage_version (
    number      integer PRIMARY KEY CHECK (number > 0),
    name        text NOT NULL,
    source      text NOT NULL,
    as_of       date NOT NULL,
    networks    integer NOT NULL,
    actor       text NOT NULL,                -- the subject of the token that imported it
    created_at  timestamptz NOT NULL
);

-- Shared by all workspaces. Null: not known.
CREATE TABLE coverage_network (
    version         integer NOT NULL REFERENCES coverage_version (number) ON DELETE CASCADE,
    plmn            text NOT NULL,
    rat             smallint NOT NULL,        -- motet.radio.rats.Rat
    bands           smallint[] NOT NULL,
    possible_bands  smallint[] NOT NULL,
    psm             boolean,
    edrx            boolean,
    sms             boolean,
    roaming         text,                     -- motet.radio.coverage.Roaming
    sunset_on       date,
    sunset_source   text,
    as_of           date,
    PRIMARY KEY (version, plmn, rat)
);

-- Breakout regions that are out of service at the moment, as the operator says.
CREATE TABLE breakout_outage (
    region  text PRIMARY KEY,                 -- motet.radio.breakout.REGIONS
    since   timestamptz NOT NULL,
    actor   text NOT NULL
);

-- How a device saves power, as its owner says or its modem told: null where it does not, or nobody said.
ALTER TABLE device
    ADD COLUMN power_rat        text,         -- a name of motet.radio.rats.Rat
    ADD COLUMN psm_tau_s        integer,      -- T3412 extended
    ADD COLUMN psm_active_s     integer,      -- T3324; null: no power saving mode
    ADD COLUMN edrx_cycle_ms    integer,      -- null: no eDRX
    ADD COLUMN edrx_window_ms   integer,
    ADD COLUMN power_learned    boolean,      -- told by the modem
    ADD COLUMN power_at         timestamptz;  -- when it was said; null: never

-- Whom the end of a network hits.
CREATE INDEX attachment_network ON attachment (workspace_id, operator, rat, sim_id);
