-- Roles that workspaces make themselves, and whom they bind to devices with certain tags.

-- permissions: codes of motet.access.principals.Permission. tags: of devices, and what belongs to them, only those with
-- one of these exist for who has the role; null: all. version counts the changes.
CREATE TABLE custom_role (
    workspace_id  bigint NOT NULL REFERENCES workspace (id),
    id            bigint NOT NULL,
    name          text NOT NULL,
    description   text NOT NULL DEFAULT '',
    permissions   text[] NOT NULL,
    tags          text[],
    version       integer NOT NULL DEFAULT 1,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, id),
    CONSTRAINT custom_role_name_taken UNIQUE (workspace_id, name),
    CHECK (tags IS NULL OR cardinality(tags) > 0)
);

-- A role that someone has stays.
ALTER TABLE membership
    ADD CONSTRAINT membership_role FOREIGN KEY (workspace_id, role_id) REFERENCES custom_role (workspace_id, id);
CREATE INDEX membership_role_of ON membership (workspace_id, role_id) WHERE role_id IS NOT NULL;

-- Whoever has the role: it holds from their next request on.
CREATE FUNCTION motet_tell_role() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    members bigint[] := ARRAY (SELECT user_id FROM membership WHERE workspace_id = NEW.workspace_id AND role_id = NEW.id
                                LIMIT 101);
BEGIN
    IF cardinality(members) > 100 THEN
        PERFORM pg_notify('motet_access', 'all');
    ELSE
        PERFORM pg_notify('motet_access', 'user ' || one) FROM unnest(members) AS one;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER custom_role_told AFTER UPDATE ON custom_role
    FOR EACH ROW WHEN ((OLD.permissions, OLD.tags, OLD.name) IS DISTINCT FROM (NEW.permissions, NEW.tags, NEW.name))
    EXECUTE FUNCTION motet_tell_role();

-- The tag scope of who asked for a job: it works on nothing outside it. Null: none.
ALTER TABLE job ADD COLUMN tags text[];
