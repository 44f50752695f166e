-- What proves who asks, beside passwords: the keys that sign access tokens, API keys, and tokens that were taken back.

-- The keys of access tokens (Ed25519). One signs; the others check what they signed until the last of it has expired.
-- Public halves are open to all (/.well-known/jwks.json); the signing half is sealed, and wiped when another signs.
CREATE TABLE signing_key (
    kid          text PRIMARY KEY,
    public_key   bytea NOT NULL,
    sealed_key   bytea,
    created_at   timestamptz NOT NULL,
    retired_at   timestamptz,                    -- null: it signs
    last_expiry  timestamptz NOT NULL,           -- of tokens that last longer than the short ones; once retired, of all
    CHECK ((sealed_key IS NULL) = (retired_at IS NOT NULL))
);
CREATE UNIQUE INDEX signing_key_one_signs ON signing_key ((true)) WHERE retired_at IS NULL;

CREATE FUNCTION motet_tell_signing_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('motet_access', 'signing_key');
    RETURN NULL;
END $$;
CREATE TRIGGER signing_key_told AFTER INSERT OR DELETE OR UPDATE OF retired_at ON signing_key
    FOR EACH STATEMENT EXECUTE FUNCTION motet_tell_signing_keys();

-- Keys for programs. The key is shown once: only a hash of it is kept. A key belongs to its workspace, not to whoever
-- made it. Its permissions: those of its role, now, as far as `scopes` names them.
CREATE TABLE api_key (
    workspace_id       bigint NOT NULL REFERENCES workspace (id),
    id                 bigint NOT NULL,
    prefix             text NOT NULL CONSTRAINT api_key_prefix_taken UNIQUE,
    secret_hash        bytea NOT NULL,           -- SHA-256 of the whole key, of which 256 bits are random
    previous_hash      bytea,                    -- of the secret before the last rotation,
    previous_until     timestamptz,              -- which is good until then
    name               text NOT NULL,
    role               text NOT NULL,            -- a Role by name; CUSTOM: that of role_id
    role_id            bigint,
    scopes             text[],                   -- permissions; null: all of the role
    tags               text[],                   -- of devices that it sees; null: all that its role sees
    networks           cidr[] NOT NULL DEFAULT '{}',   -- where it may be used from; none: anywhere
    expires_at         timestamptz,
    created_at         timestamptz NOT NULL DEFAULT now(),
    created_by         bigint,                   -- the user, while there is one
    created_by_name    text NOT NULL,
    rotated_at         timestamptz,
    revoked_at         timestamptz,
    last_used_at       timestamptz,              -- written at most once a minute
    last_used_address  inet,
    PRIMARY KEY (workspace_id, id),
    CHECK ((role = 'CUSTOM') = (role_id IS NOT NULL)),
    CHECK ((previous_hash IS NULL) = (previous_until IS NULL))
);
CREATE INDEX api_key_live ON api_key (workspace_id) WHERE revoked_at IS NULL;

CREATE FUNCTION motet_tell_api_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('motet_access', 'api_key ' || OLD.id);
    RETURN NULL;
END $$;
-- Not for its name and its last use.
CREATE TRIGGER api_key_told
    AFTER DELETE OR UPDATE OF secret_hash, previous_hash, previous_until, role, role_id, scopes, tags, networks,
                              expires_at, revoked_at
    ON api_key FOR EACH ROW EXECUTE FUNCTION motet_tell_api_keys();

-- Single access tokens that were taken back before their time, by their `jti`. workspace_id: the token's; null: of the
-- operator or a network.
CREATE TABLE revoked_token (
    token_id      text NOT NULL,
    workspace_id  bigint REFERENCES workspace (id),
    revoked_at    timestamptz NOT NULL DEFAULT now(),
    expires_at    timestamptz NOT NULL,          -- when the token would have ended: the row may go then
    UNIQUE NULLS NOT DISTINCT (token_id, workspace_id)   -- a guess of one workspace says nothing of another's
);
CREATE INDEX revoked_token_workspace ON revoked_token (workspace_id);
CREATE INDEX revoked_token_expiry ON revoked_token (expires_at);

CREATE FUNCTION motet_tell_revoked_tokens() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('motet_access', 'token ' || NEW.token_id);
    RETURN NULL;
END $$;
CREATE TRIGGER revoked_token_told AFTER INSERT ON revoked_token
    FOR EACH ROW EXECUTE FUNCTION motet_tell_revoked_tokens();

-- The refresh token that one was exchanged for: while that is unused, a repeated request within seconds is a lost answer.
ALTER TABLE refresh_token ADD COLUMN replaced_by bytea;
