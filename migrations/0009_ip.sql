-- Private address spaces, the addresses of devices in them, and name servers for their sessions.

-- Spaces of one workspace do not overlap: whoever adds one holds a lock. An address is free if it is at or above
-- `next_address` and no device has it, or if it is in `ip_address_freed`: so the lowest one is found without a search.
CREATE TABLE ip_address_space (
    workspace_id  bigint NOT NULL REFERENCES workspace (id),
    id            bigint NOT NULL,
    cidr          cidr NOT NULL,
    description   text NOT NULL DEFAULT '',
    next_address  inet NOT NULL,              -- all below it were given out once
    used          integer NOT NULL DEFAULT 0, -- addresses that devices have
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, id)
);

-- Addresses below `next_address` that came back, or were passed over.
CREATE TABLE ip_address_freed (
    workspace_id  bigint NOT NULL,
    space_id      bigint NOT NULL,
    address       inet NOT NULL,
    PRIMARY KEY (workspace_id, space_id, address),
    FOREIGN KEY (workspace_id, space_id) REFERENCES ip_address_space (workspace_id, id) ON DELETE CASCADE
);

ALTER TABLE device
    ADD COLUMN ip_address_space_id bigint,
    ADD CONSTRAINT device_ip_address_space
        FOREIGN KEY (workspace_id, ip_address_space_id) REFERENCES ip_address_space (workspace_id, id);
CREATE UNIQUE INDEX device_ip_address_taken ON device (workspace_id, ip_address)
    WHERE ip_address_space_id IS NOT NULL;
CREATE INDEX device_by_ip_address_space ON device (workspace_id, ip_address_space_id, id)
    WHERE ip_address_space_id IS NOT NULL;

-- Name servers for data sessions, by service policy.
CREATE TABLE dns_config (
    workspace_id  bigint NOT NULL REFERENCES workspace (id),
    id            bigint NOT NULL,
    name          text NOT NULL,
    first         inet NOT NULL,
    second        inet,
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, id),
    CONSTRAINT dns_config_name_taken UNIQUE (workspace_id, name)
);
ALTER TABLE service_policy
    ADD CONSTRAINT service_policy_dns_config
        FOREIGN KEY (workspace_id, dns_config_id) REFERENCES dns_config (workspace_id, id);
