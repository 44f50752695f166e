-- SIMs: how cards are ordered and come into a workspace, what is to happen to SIMs later, and factory tests.

ALTER TABLE sim
    ADD COLUMN package      text,                       -- motet.domain.sim_cards.PACKAGES
    ADD COLUMN batch_id     bigint,                     -- the batch that it came with
    ADD COLUMN test_ends_at timestamptz,                -- of a factory test, also once it is over
    ADD COLUMN test_sms     integer NOT NULL DEFAULT 0, -- SMS of both directions in its factory test
    ADD COLUMN test_octets  bigint NOT NULL DEFAULT 0;  -- octets up and down in its factory test
CREATE INDEX sim_batch_of ON sim (workspace_id, batch_id, id) WHERE batch_id IS NOT NULL;
CREATE INDEX sim_in_test ON sim (test_ends_at) WHERE status = 1;

-- Orders of cards -----------------------------------------------------------------------------------------------------

CREATE TABLE sim_purchase_order (
    workspace_id   bigint NOT NULL REFERENCES workspace (id),
    id             bigint NOT NULL,
    status         smallint NOT NULL,                   -- motet.domain.sim_ordering.OrderStatus
    reference      text NOT NULL DEFAULT '',            -- the workspace's own words for it
    recipient      text NOT NULL,
    address_lines  text[] NOT NULL,
    postal_code    text NOT NULL DEFAULT '',
    city           text NOT NULL,
    country        text NOT NULL,                       -- ISO 3166-1 alpha-2
    carrier        text,                                -- who brings it
    tracking       text,
    reason         text,                                -- why it was cancelled
    batch_id       bigint,
    created_at     timestamptz NOT NULL,
    placed_at      timestamptz,
    produced_at    timestamptz,
    shipped_at     timestamptz,
    delivered_at   timestamptz,
    cancelled_at   timestamptz,
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX sim_purchase_order_status ON sim_purchase_order (status, id);   -- the operator's, over all workspaces

CREATE TABLE sim_purchase_order_item (
    workspace_id  bigint NOT NULL,
    id            bigint NOT NULL,
    order_id      bigint NOT NULL,
    package       text NOT NULL,
    quantity      integer NOT NULL,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, order_id) REFERENCES sim_purchase_order (workspace_id, id)
);
CREATE INDEX sim_purchase_order_item_order ON sim_purchase_order_item (workspace_id, order_id, id);

-- The cards of an order, known by the code on their box.
CREATE TABLE sim_batch (
    workspace_id   bigint NOT NULL REFERENCES workspace (id),
    id             bigint NOT NULL,
    order_id       bigint NOT NULL,
    bic            text NOT NULL CONSTRAINT sim_batch_bic_taken UNIQUE,
    status         smallint NOT NULL,                   -- motet.domain.sim_ordering.BatchStatus
    quantity       integer NOT NULL DEFAULT 0,
    created_at     timestamptz NOT NULL,
    delivered_at   timestamptz,
    registered_at  timestamptz,
    registered_by  text,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, order_id) REFERENCES sim_purchase_order (workspace_id, id)
);
CREATE UNIQUE INDEX sim_batch_order ON sim_batch (workspace_id, order_id);

-- Cards that are no SIMs yet: gone when their batch is registered. Their identities are in `directory` under their id.
CREATE TABLE sim_batch_card (
    workspace_id   bigint NOT NULL,
    id             bigint NOT NULL,
    batch_id       bigint NOT NULL,
    iccid          text NOT NULL,
    eid            text,
    imsi           text NOT NULL,
    msisdn         text NOT NULL,
    form_factor    text,
    quality_grade  text,
    package        text NOT NULL,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, batch_id) REFERENCES sim_batch (workspace_id, id)
);
CREATE INDEX sim_batch_card_batch ON sim_batch_card (workspace_id, batch_id, id);

-- What is to happen later ---------------------------------------------------------------------------------------------

CREATE TABLE sim_schedule (
    workspace_id  bigint NOT NULL,
    id            bigint NOT NULL,
    sim_id        bigint NOT NULL,
    trigger       smallint NOT NULL,                    -- motet.domain.sim_lifecycle.SimTrigger
    due           timestamptz NOT NULL,
    status        smallint NOT NULL DEFAULT 0,          -- motet.domain.sim_schedule.ScheduleStatus
    actor         text NOT NULL,                        -- who asked for it
    reason        text,                                 -- why it was refused when due
    created_at    timestamptz NOT NULL,
    done_at       timestamptz,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, sim_id) REFERENCES sim (workspace_id, id)
);
CREATE INDEX sim_schedule_due ON sim_schedule (due, id) WHERE status = 0;
CREATE INDEX sim_schedule_sim ON sim_schedule (workspace_id, sim_id, id);
