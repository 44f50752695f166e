-- Who may bind from where, who is bound now, and what was bound before; TLS to SMSCs.

ALTER TABLE smpp_account
    ADD COLUMN allowed_cidrs cidr[] NOT NULL DEFAULT '{}';   -- networks that may bind; empty: any

-- Sessions that are bound, of all nodes. A row goes with its session, with its account, and with its node.
CREATE TABLE smpp_session (
    workspace_id  bigint NOT NULL,
    id            bigint NOT NULL,
    account_id    bigint NOT NULL,
    node          integer NOT NULL,                -- the incarnation that has the connection
    bind_type     text NOT NULL,                   -- TRANSMITTER, RECEIVER, TRANSCEIVER
    address       inet NOT NULL,
    port          integer NOT NULL,
    tls           text,                            -- the protocol's version; null: plain
    bound_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, account_id) REFERENCES smpp_account (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX smpp_session_account ON smpp_session (workspace_id, account_id, id);
CREATE INDEX smpp_session_node ON smpp_session (node);

CREATE FUNCTION motet_end_sessions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM smpp_session WHERE node = NEW.incarnation;
    RETURN NULL;
END $$;
CREATE TRIGGER node_sessions AFTER UPDATE OF ended_at, succeeded_by ON node
    FOR EACH ROW WHEN (NEW.ended_at IS NOT NULL OR NEW.succeeded_by IS NOT NULL)
    EXECUTE FUNCTION motet_end_sessions();

-- From where an account has bound with its password: what strangers do elsewhere does not hold it up.
CREATE TABLE smpp_known_address (
    workspace_id  bigint NOT NULL,
    account_id    bigint NOT NULL,
    address       inet NOT NULL,                   -- an IPv4 address, or an IPv6 /64
    bound_at      timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, account_id, address),
    FOREIGN KEY (workspace_id, account_id) REFERENCES smpp_account (workspace_id, id) ON DELETE CASCADE
);

ALTER TABLE smsc_link
    ADD COLUMN tls boolean NOT NULL DEFAULT false,
    ADD COLUMN tls_name text;                      -- the name that the certificate must have; null: that of the host
