-- Organisations as a tree that is asked by its branches, workspaces that end, SIMs that move from one to another.

-- path: the ids from the root down to the organisation itself. `path @> ARRAY[id]`: it is that one, or below it.
ALTER TABLE organisation ADD COLUMN path bigint[] NOT NULL DEFAULT '{}';
WITH RECURSIVE tree AS (
    SELECT id, ARRAY[id] AS path FROM organisation WHERE parent_id IS NULL
    UNION ALL
    SELECT o.id, t.path || o.id FROM organisation o JOIN tree t ON t.id = o.parent_id
)
UPDATE organisation o SET path = t.path FROM tree t WHERE t.id = o.id;
CREATE INDEX organisation_path ON organisation USING gin (path);
ALTER TABLE organisation
    ADD CONSTRAINT organisation_kind CHECK (kind IN ('OPERATOR', 'SERVICE_PROVIDER', 'RESELLER', 'ENTERPRISE')),
    ADD CONSTRAINT organisation_root_kind CHECK ((kind = 'OPERATOR') = (parent_id IS NULL));

-- Whoever adds an organisation need not know its path, nor that the root is the operator.
CREATE FUNCTION motet_organisation_path() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.path := coalesce((SELECT path FROM organisation WHERE id = NEW.parent_id), '{}') || NEW.id;
    NEW.kind := CASE WHEN NEW.parent_id IS NULL THEN 'OPERATOR' ELSE NEW.kind END;
    RETURN NEW;
END $$;
CREATE TRIGGER organisation_path BEFORE INSERT ON organisation
    FOR EACH ROW EXECUTE FUNCTION motet_organisation_path();

-- A workspace that has ended keeps its messages, usage and events; nobody can sign in to it, and its name is free.
ALTER TABLE workspace ADD COLUMN ended_at timestamptz;
ALTER TABLE workspace DROP CONSTRAINT workspace_name_taken;
CREATE UNIQUE INDEX workspace_name_taken ON workspace (name) WHERE ended_at IS NULL;
CREATE TRIGGER workspace_ended AFTER UPDATE OF ended_at ON workspace
    FOR EACH STATEMENT EXECUTE FUNCTION motet_tell_access();

-- What a SIM did and where it was stays in the workspace in which it was at the time, when the SIM itself moves on.
ALTER TABLE sim_history DROP CONSTRAINT sim_history_workspace_id_sim_id_fkey;
ALTER TABLE sim_schedule DROP CONSTRAINT sim_schedule_workspace_id_sim_id_fkey;

-- Every time that SIMs were moved, or it was tried how that would go; kept by the workspace that they left. results: by
-- SIM, as motet.domain.sim_move.Verdict has it.
CREATE TABLE sim_move (
    workspace_id  bigint NOT NULL REFERENCES workspace (id),
    id            bigint NOT NULL,
    target_id     bigint NOT NULL REFERENCES workspace (id),
    dry_run       boolean NOT NULL,
    moved         integer NOT NULL,
    refused       integer NOT NULL,
    results       jsonb NOT NULL,
    actor         text NOT NULL,
    at            timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX sim_move_tried ON sim_move (workspace_id, id) WHERE dry_run;
