-- API keys and tokens whose role is one of the workspace's own: what they may do follows the role, and ends with it.

-- A key whose role is removed is revoked, and names it no more.
ALTER TABLE api_key DROP CONSTRAINT api_key_check;
ALTER TABLE api_key
    ADD CONSTRAINT api_key_has_role CHECK (
        CASE WHEN role = 'CUSTOM' THEN role_id IS NOT NULL OR revoked_at IS NOT NULL ELSE role_id IS NULL END),
    ADD CONSTRAINT api_key_role FOREIGN KEY (workspace_id, role_id) REFERENCES custom_role (workspace_id, id)
        ON DELETE SET NULL (role_id);
CREATE INDEX api_key_role_of ON api_key (workspace_id, role_id) WHERE role_id IS NOT NULL;

-- Whoever has the role, by membership, key or token: it holds from their next request on.
DROP TRIGGER custom_role_told ON custom_role;
CREATE OR REPLACE FUNCTION motet_tell_role() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('motet_access', 'role ' || OLD.id);
    RETURN NULL;
END $$;
CREATE TRIGGER custom_role_told AFTER UPDATE ON custom_role
    FOR EACH ROW WHEN ((OLD.permissions, OLD.tags, OLD.name) IS DISTINCT FROM (NEW.permissions, NEW.tags, NEW.name))
    EXECUTE FUNCTION motet_tell_role();
CREATE TRIGGER custom_role_removed AFTER DELETE ON custom_role FOR EACH ROW EXECUTE FUNCTION motet_tell_role();

-- A workspace, or an organisation with all that is below it, that is suspended: nobody and nothing gets in by tokens,
-- keys, sessions or SMPP until it is restored. What is on its way goes on, and what comes for it is kept.
ALTER TABLE workspace ADD COLUMN suspended_at timestamptz;
ALTER TABLE organisation ADD COLUMN suspended_at timestamptz;

CREATE FUNCTION motet_open_organisation(one bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT NOT EXISTS (SELECT FROM organisation o JOIN organisation above ON above.id = ANY (o.path)
                        WHERE o.id = one AND above.suspended_at IS NOT NULL)
$$;
CREATE FUNCTION motet_open_workspace(one bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM workspace w WHERE w.id = one AND w.ended_at IS NULL AND w.suspended_at IS NULL
                                             AND motet_open_organisation(w.organisation_id))
$$;

CREATE TRIGGER workspace_suspended AFTER UPDATE OF suspended_at ON workspace
    FOR EACH STATEMENT EXECUTE FUNCTION motet_tell_access();
CREATE TRIGGER workspace_suspended_accounts AFTER UPDATE OF suspended_at, organisation_id ON workspace
    FOR EACH STATEMENT EXECUTE FUNCTION motet_tell_kind('smpp_account');
CREATE TRIGGER organisation_suspended_accounts AFTER UPDATE OF suspended_at, path ON organisation
    FOR EACH STATEMENT EXECUTE FUNCTION motet_tell_kind('smpp_account');
