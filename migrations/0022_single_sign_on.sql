-- Single sign-on: an organisation's identity providers, whom they know, and what is good once on the way in.

-- Passwords are no longer good for the organisation's users, but for those with break_glass.
ALTER TABLE organisation ADD COLUMN sso_required boolean NOT NULL DEFAULT false;

-- kind: 0 OIDC, 1 SAML. provisioning: 0 INVITED_ONLY, 1 JUST_IN_TIME.
CREATE TABLE identity_provider (
    id                       bigint PRIMARY KEY,
    organisation_id          bigint NOT NULL REFERENCES organisation (id) ON DELETE CASCADE,
    kind                     smallint NOT NULL DEFAULT 0,
    name                     text NOT NULL,
    issuer                   text NOT NULL,                 -- SAML: the provider's entity id
    client_id                text NOT NULL DEFAULT '',
    client_secret_encrypted  bytea,                         -- null: a public client
    scopes                   text[] NOT NULL DEFAULT '{openid,email,profile}',
    sign_in_url              text,                          -- SAML
    certificates             text[] NOT NULL DEFAULT '{}',  -- SAML: PEM
    trusts_unverified_mail   boolean NOT NULL DEFAULT false,
    mail_claim               text NOT NULL DEFAULT 'email',
    group_claim              text,
    group_roles              jsonb NOT NULL DEFAULT '[]',   -- of {group, workspace_id, role}; these workspaces' roles
                                                            -- come from groups alone
    provisioning             smallint NOT NULL DEFAULT 0,
    default_workspace_id     bigint REFERENCES workspace (id),
    default_role             text NOT NULL DEFAULT 'OBSERVER',
    enabled                  boolean NOT NULL DEFAULT true,
    created_at               timestamptz NOT NULL DEFAULT now(),
    last_sign_in_at          timestamptz,
    last_error               text,                          -- for the organisation's administrators
    last_error_at            timestamptz
);
CREATE INDEX identity_provider_organisation ON identity_provider (organisation_id, id);
CREATE INDEX identity_provider_workspace ON identity_provider (default_workspace_id);

-- Which provider a mail domain leads to: one on the platform, so that nobody leads another's people to their own.
CREATE TABLE identity_provider_domain (
    domain       text CONSTRAINT identity_provider_domain_taken PRIMARY KEY,
    provider_id  bigint NOT NULL REFERENCES identity_provider (id) ON DELETE CASCADE
);
CREATE INDEX identity_provider_domain_provider ON identity_provider_domain (provider_id);

-- Who a provider's subject is here.
CREATE TABLE federated_identity (
    provider_id   bigint NOT NULL REFERENCES identity_provider (id) ON DELETE CASCADE,
    issuer        text NOT NULL,
    subject       text NOT NULL,
    user_id       bigint NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    linked_at     timestamptz NOT NULL DEFAULT now(),
    last_used_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (provider_id, issuer, subject)
);
CREATE UNIQUE INDEX federated_identity_user ON federated_identity (user_id, provider_id);

-- What has come once and must not come again: states of sign-ins, SAML assertions and requests, logout tokens.
CREATE TABLE sso_once (
    key_hash    bytea PRIMARY KEY,
    expires_at  timestamptz NOT NULL
);
CREATE INDEX sso_once_expiry ON sso_once (expires_at);

-- Someone has signed in at their provider; the page in their browser turns this code into a session.
CREATE TABLE sso_code (
    code_hash     bytea PRIMARY KEY,
    browser_hash  bytea NOT NULL,                           -- of the cookie that must come with it
    user_id       bigint NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    provider_id   bigint NOT NULL REFERENCES identity_provider (id) ON DELETE CASCADE,
    provider_sid  text,
    expires_at    timestamptz NOT NULL
);
CREATE INDEX sso_code_expiry ON sso_code (expires_at);
CREATE INDEX sso_code_user ON sso_code (user_id);
CREATE INDEX sso_code_provider ON sso_code (provider_id);

-- Sessions that a provider began, so that it can end them.
CREATE TABLE sso_session (
    session_id    bigint PRIMARY KEY REFERENCES login_session (id) ON DELETE CASCADE,
    provider_id   bigint NOT NULL REFERENCES identity_provider (id) ON DELETE CASCADE,
    user_id       bigint NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    provider_sid  text
);
CREATE INDEX sso_session_provider ON sso_session (provider_id, user_id);
CREATE INDEX sso_session_sid ON sso_session (provider_id, provider_sid);
CREATE INDEX sso_session_user ON sso_session (user_id);

-- SCIM: the provider's directory keeps people here up to date, by a token of its own. 256 random bits: no slow hash.
ALTER TABLE identity_provider ADD COLUMN scim_token_hash bytea CONSTRAINT identity_provider_scim_token UNIQUE;
ALTER TABLE identity_provider ADD COLUMN scim_used_at timestamptz;

-- The users that a directory looks after.
CREATE TABLE scim_user (
    provider_id   bigint NOT NULL REFERENCES identity_provider (id) ON DELETE CASCADE,
    user_id       bigint NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    user_name     text NOT NULL,
    user_name_key text NOT NULL,                            -- lower case
    external_id   text,
    given_name    text,
    family_name   text,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    PRIMARY KEY (provider_id, user_id),
    CONSTRAINT scim_user_name_taken UNIQUE (provider_id, user_name_key)
);
CREATE INDEX scim_user_external ON scim_user (provider_id, external_id);
CREATE INDEX scim_user_user ON scim_user (user_id);

CREATE TABLE scim_group (
    provider_id       bigint NOT NULL REFERENCES identity_provider (id) ON DELETE CASCADE,
    id                bigint PRIMARY KEY,
    display_name      text NOT NULL,
    display_name_key  text NOT NULL,
    external_id       text,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    CONSTRAINT scim_group_name_taken UNIQUE (provider_id, display_name_key)
);
CREATE INDEX scim_group_external ON scim_group (provider_id, external_id);

CREATE TABLE scim_group_member (
    group_id     bigint NOT NULL REFERENCES scim_group (id) ON DELETE CASCADE,
    provider_id  bigint NOT NULL,
    user_id      bigint NOT NULL,
    PRIMARY KEY (group_id, user_id),
    FOREIGN KEY (provider_id, user_id) REFERENCES scim_user (provider_id, user_id) ON DELETE CASCADE
);
CREATE INDEX scim_group_member_user ON scim_group_member (provider_id, user_id);

-- A provider belongs to an organisation and is read in each of its workspaces.
CREATE VIEW identity_provider_in_workspace AS
SELECT w.id AS workspace_id, p.id, p.organisation_id, p.kind, p.name, p.issuer, p.client_id,
       p.client_secret_encrypted IS NOT NULL AS has_client_secret, p.scopes, p.sign_in_url, p.certificates,
       ARRAY(SELECT d.domain FROM identity_provider_domain d WHERE d.provider_id = p.id ORDER BY d.domain) AS domains,
       p.trusts_unverified_mail, p.mail_claim, p.group_claim, p.group_roles, p.provisioning, p.default_workspace_id, p.default_role,
       p.enabled, p.created_at, p.last_sign_in_at, p.last_error, p.last_error_at, p.scim_token_hash IS NOT NULL AS has_scim_token,
       p.scim_used_at
  FROM workspace w
  JOIN identity_provider p ON p.organisation_id = w.organisation_id;
