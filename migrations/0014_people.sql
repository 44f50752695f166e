-- People: who they are, in which workspaces, and where they are signed in.
--
-- A user belongs to one organisation, whose rules (passwords, second factors, single sign-on) hold for them, and has a
-- role in each workspace that they are a member of. A super administrator of an organisation is one in every workspace
-- of it and of the organisations below it; of the root, they are the operator.

-- kind: OPERATOR (the root), SERVICE_PROVIDER, RESELLER, ENTERPRISE.
ALTER TABLE organisation ADD COLUMN kind text NOT NULL DEFAULT 'ENTERPRISE';
UPDATE organisation SET kind = 'OPERATOR' WHERE parent_id IS NULL;
CREATE INDEX organisation_parent ON organisation (parent_id);
CREATE INDEX workspace_organisation ON workspace (organisation_id);

-- status: 0 ACTIVATION_PENDING, 1 ACTIVE, 2 SUSPENDED. An erased user has no row.
CREATE TABLE user_account (
    id                    bigint PRIMARY KEY,
    organisation_id       bigint NOT NULL REFERENCES organisation (id),
    email                 text NOT NULL,                  -- as it was written
    email_key             text NOT NULL CONSTRAINT user_account_email_taken UNIQUE,   -- lower case, NFKC
    name                  text NOT NULL DEFAULT '',
    locale                text,                           -- BCP 47; null: the organisation's
    status                smallint NOT NULL DEFAULT 0,
    password_hash         text,                           -- argon2id; null: cannot sign in by password
    password_changed_at   timestamptz,
    default_workspace_id  bigint REFERENCES workspace (id),
    is_super_admin        boolean NOT NULL DEFAULT false, -- of its organisation
    break_glass           boolean NOT NULL DEFAULT false, -- may sign in by password where single sign-on is enforced
    created_at            timestamptz NOT NULL DEFAULT now(),
    activated_at          timestamptz,
    last_login_at         timestamptz
);
CREATE INDEX user_account_organisation ON user_account (organisation_id, id);

-- role: a Role by name; CUSTOM: that of role_id.
CREATE TABLE membership (
    workspace_id  bigint NOT NULL REFERENCES workspace (id),
    user_id       bigint NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    role          text NOT NULL,
    role_id       bigint,
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, user_id),
    CHECK ((role = 'CUSTOM') = (role_id IS NOT NULL))
);
CREATE INDEX membership_user ON membership (user_id);

-- Where someone is signed in: it ends when they end it, when it is not used for long, or with what it stands on.
CREATE TABLE login_session (
    id            bigint PRIMARY KEY,
    user_id       bigint NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    methods       text[] NOT NULL,               -- RFC 8176: pwd, otp, swk, fed …
    address       text,
    user_agent    text,
    created_at    timestamptz NOT NULL DEFAULT now(),
    last_used_at  timestamptz NOT NULL DEFAULT now(),
    expires_at    timestamptz NOT NULL,
    ended_at      timestamptz,
    end_reason    text
);
CREATE INDEX login_session_user ON login_session (user_id, id);
CREATE INDEX login_session_expiry ON login_session (expires_at);

-- Refresh tokens: each is good once. One that comes a second time ends its session: it was stolen.
CREATE TABLE refresh_token (
    token_hash    bytea PRIMARY KEY,             -- SHA-256 of 256 random bits
    session_id    bigint NOT NULL REFERENCES login_session (id) ON DELETE CASCADE,
    workspace_id  bigint,                        -- for which workspace access tokens are issued; null: the operator
    created_at    timestamptz NOT NULL DEFAULT now(),
    expires_at    timestamptz NOT NULL,
    used_at       timestamptz
);
CREATE INDEX refresh_token_session ON refresh_token (session_id);

-- Wrong passwords and codes in a row, by `user <email_key>` (whether or not there is such a user: answers must not tell)
-- and by `address <IP address>`. An attempt counts before it is judged, so that parallel guesses count too.
CREATE TABLE sign_in_attempt (
    key           text PRIMARY KEY,
    failures      integer NOT NULL,
    locked_until  timestamptz,
    updated_at    timestamptz NOT NULL
);
CREATE INDEX sign_in_attempt_age ON sign_in_attempt (updated_at);

-- What the members of a workspace are, as it reads them.
CREATE VIEW workspace_user AS
SELECT m.workspace_id, u.id, u.email, u.name, u.locale, u.status, m.role, m.role_id, m.created_at AS joined_at,
       u.password_hash IS NOT NULL AS has_password, u.created_at, u.activated_at, u.last_login_at
  FROM membership m JOIN user_account u ON u.id = m.user_id;

-- Someone is asked to become a member. Whether they have an account already is not told: the link shows who they are.
CREATE TABLE invitation (
    workspace_id  bigint NOT NULL REFERENCES workspace (id),
    id            bigint NOT NULL,
    email         text NOT NULL,
    email_key     text NOT NULL,
    name          text NOT NULL DEFAULT '',
    locale        text,
    role          text NOT NULL,
    role_id       bigint,
    invited_by    text NOT NULL,
    token_hash    bytea NOT NULL CONSTRAINT invitation_token UNIQUE,   -- SHA-256 of 256 random bits
    created_at    timestamptz NOT NULL DEFAULT now(),
    expires_at    timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id),
    CONSTRAINT invitation_taken UNIQUE (workspace_id, email_key)
);
CREATE INDEX invitation_expiry ON invitation (expires_at);

-- What the link in a mail about a forgotten password holds: good once.
CREATE TABLE password_reset (
    token_hash  bytea PRIMARY KEY,               -- SHA-256 of 256 random bits
    user_id     bigint NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL
);
CREATE INDEX password_reset_user ON password_reset (user_id);
CREATE INDEX password_reset_expiry ON password_reset (expires_at);

-- Mails on their way out: sealed (they hold links that let someone in), gone once an SMTP server has taken them.
CREATE TABLE mail (
    id               bigint PRIMARY KEY,
    sealed           bytea NOT NULL,             -- recipient, subject and text, encrypted
    attempts         integer NOT NULL DEFAULT 0,
    next_attempt_at  timestamptz NOT NULL DEFAULT now(),
    expires_at       timestamptz NOT NULL,
    last_error       text,
    created_at       timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX mail_due ON mail (next_attempt_at);

-- Who may do what is remembered by every node: whoever changes it, all nodes hear of it on channel motet_access, as
-- `user <id>`, `session <id>`, or `all`.
CREATE FUNCTION motet_tell_users() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('motet_access', 'user ' || COALESCE(OLD.id, NEW.id));
    RETURN NULL;
END $$;
CREATE TRIGGER user_account_told AFTER DELETE OR UPDATE OF status, password_hash, is_super_admin, organisation_id
    ON user_account FOR EACH ROW EXECUTE FUNCTION motet_tell_users();

CREATE FUNCTION motet_tell_memberships() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('motet_access', 'user ' || COALESCE(OLD.user_id, NEW.user_id));
    RETURN NULL;
END $$;
CREATE TRIGGER membership_told AFTER UPDATE OR DELETE ON membership
    FOR EACH ROW EXECUTE FUNCTION motet_tell_memberships();

CREATE FUNCTION motet_tell_sessions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('motet_access', 'session ' || OLD.id);
    RETURN NULL;
END $$;
CREATE TRIGGER login_session_told AFTER DELETE OR UPDATE OF ended_at ON login_session
    FOR EACH ROW EXECUTE FUNCTION motet_tell_sessions();

CREATE FUNCTION motet_tell_access() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('motet_access', 'all');
    RETURN NULL;
END $$;
CREATE TRIGGER organisation_told AFTER UPDATE ON organisation
    FOR EACH STATEMENT EXECUTE FUNCTION motet_tell_access();
CREATE TRIGGER workspace_told AFTER UPDATE OF organisation_id, name ON workspace
    FOR EACH STATEMENT EXECUTE FUNCTION motet_tell_access();
