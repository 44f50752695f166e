-- SAML 2.0 beside OpenID Connect.

-- The claim or attribute that holds the person's name.
ALTER TABLE identity_provider ADD COLUMN name_claim text NOT NULL DEFAULT 'name';

-- SAML: our key for this provider, with which requests to it are signed; null: they are not.
ALTER TABLE identity_provider ADD COLUMN own_key_encrypted bytea;
ALTER TABLE identity_provider ADD COLUMN own_certificate text;                 -- PEM
ALTER TABLE identity_provider ADD CONSTRAINT identity_provider_own_key
      CHECK ((own_key_encrypted IS NULL) = (own_certificate IS NULL));

-- OpenID Connect: the ID token by which a session began, sealed. The provider is shown it again when the person signs out.
ALTER TABLE sso_code ADD COLUMN id_token_encrypted bytea;
ALTER TABLE sso_session ADD COLUMN id_token_encrypted bytea;

CREATE OR REPLACE VIEW identity_provider_in_workspace AS
SELECT w.id AS workspace_id, p.id, p.organisation_id, p.kind, p.name, p.issuer, p.client_id,
       p.client_secret_encrypted IS NOT NULL AS has_client_secret, p.scopes, p.sign_in_url, p.certificates,
       ARRAY(SELECT d.domain FROM identity_provider_domain d WHERE d.provider_id = p.id ORDER BY d.domain) AS domains,
       p.trusts_unverified_mail, p.mail_claim, p.group_claim, p.group_roles, p.provisioning, p.default_workspace_id, p.default_role,
       p.enabled, p.created_at, p.last_sign_in_at, p.last_error, p.last_error_at, p.scim_token_hash IS NOT NULL AS has_scim_token,
       p.scim_used_at, p.name_claim, p.own_certificate IS NOT NULL AS signs_requests, p.own_certificate
  FROM workspace w
  JOIN identity_provider p ON p.organisation_id = w.organisation_id;
