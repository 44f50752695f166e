-- What a user shows besides a password: codes of an authenticator app, recovery codes, passkeys; and the devices on
-- which they need not show it again.

-- Whether the users of the organisation, and of those below it, must have a second factor.
ALTER TABLE organisation ADD COLUMN mfa_required boolean NOT NULL DEFAULT false;

-- status: 0 PENDING (the secret was shown, no code has come yet), 1 ACTIVE. A new one can be tried beside the active one.
CREATE TABLE totp (
    user_id           bigint NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    status            smallint NOT NULL CHECK (status IN (0, 1)),
    secret_encrypted  bytea NOT NULL,
    last_step         bigint NOT NULL DEFAULT 0,       -- the newest step (Unix time / 30) whose code was taken
    created_at        timestamptz NOT NULL,
    activated_at      timestamptz,
    PRIMARY KEY (user_id, status)
);

-- A code that was used has no row.
CREATE TABLE recovery_code (
    user_id     bigint NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    code_hash   bytea NOT NULL,                        -- SHA-256 of 80 random bits
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (user_id, code_hash)
);

CREATE TABLE passkey (
    id             bigint PRIMARY KEY,
    user_id        bigint NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    credential_id  bytea NOT NULL CONSTRAINT passkey_credential_taken UNIQUE,
    public_key     bytea NOT NULL,                     -- COSE
    sign_count     bigint NOT NULL,
    name           text NOT NULL,
    transports     text[] NOT NULL DEFAULT '{}',
    backed_up      boolean NOT NULL,                   -- synchronised between devices
    created_at     timestamptz NOT NULL,
    last_used_at   timestamptz
);
CREATE INDEX passkey_user ON passkey (user_id, id);

-- Good while it is younger than the password: who changes that, trusts no device any more.
CREATE TABLE trusted_device (
    id            bigint PRIMARY KEY,
    user_id       bigint NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    token_hash    bytea NOT NULL CONSTRAINT trusted_device_token_taken UNIQUE,   -- SHA-256 of 256 random bits
    user_agent    text,
    address       text,
    created_at    timestamptz NOT NULL,
    last_used_at  timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL
);
CREATE INDEX trusted_device_user ON trusted_device (user_id, id);
CREATE INDEX trusted_device_expiry ON trusted_device (expires_at);

-- Challenges and sign-in steps that were answered: each is good once. Those not answered leave nothing behind.
CREATE TABLE used_challenge (
    challenge_hash  bytea PRIMARY KEY,                 -- SHA-256
    expires_at      timestamptz NOT NULL
);
CREATE INDEX used_challenge_expiry ON used_challenge (expires_at);

-- A session that has shown a second factor may do more than one that has not.
DROP TRIGGER login_session_told ON login_session;
CREATE TRIGGER login_session_told AFTER DELETE OR UPDATE OF ended_at, methods
    ON login_session FOR EACH ROW EXECUTE FUNCTION motet_tell_sessions();

-- Whether the users of an organisation must have a second factor: if it, or one above it, says so.
CREATE FUNCTION motet_mfa_required(of_organisation bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    WITH RECURSIVE up (parent_id, mfa_required) AS (
        SELECT parent_id, mfa_required FROM organisation WHERE id = of_organisation
        UNION ALL
        SELECT o.parent_id, o.mfa_required FROM organisation o JOIN up ON o.id = up.parent_id
    )
    SELECT COALESCE(bool_or(mfa_required), false) FROM up
$$;
