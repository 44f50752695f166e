-- The life of SIMs, and events that can be listed by device and by SIM.

-- Every step of a SIM's life. Append-only.
CREATE TABLE sim_history (
    workspace_id  bigint NOT NULL,
    id            bigint NOT NULL,
    sim_id        bigint NOT NULL,
    from_status   smallint,                   -- null: it was registered
    to_status     smallint NOT NULL,
    trigger       smallint,                   -- motet.domain.sim_lifecycle.SimTrigger; null: it was registered
    actor_kind    smallint NOT NULL,          -- motet.domain.sim_lifecycle.SimActor
    actor         text,                       -- the subject of the token that asked for it
    at            timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, sim_id) REFERENCES sim (workspace_id, id)
);
CREATE INDEX sim_history_sim ON sim_history (workspace_id, sim_id, id);

ALTER TABLE event
    ADD COLUMN source smallint NOT NULL DEFAULT 1,   -- 0 network, 1 policy control, 2 API
    ADD COLUMN actor  text;                          -- the subject of the token, if someone did it through an API
CREATE INDEX event_device ON event (workspace_id, device_id, id);
CREATE INDEX event_sim ON event (workspace_id, sim_id, id);

-- Lists leave out what was deleted, however much of that there is.
CREATE INDEX sim_live ON sim (workspace_id, id) WHERE status <> 4;
CREATE INDEX device_live ON device (workspace_id, id) WHERE status <> 2;
