-- What lists are filtered and sorted by, and what the search finds, by index. No contrib extension: prefixes by
-- text_pattern_ops, which holds under any collation, and parts of names by the trigrams of our own below.

-- The trigrams of a text within a workspace, as hashes: what holds a part holds all the part's trigrams.
CREATE FUNCTION motet_trigrams(workspace_id bigint, value text) RETURNS bigint[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(array_agg(DISTINCT hashtextextended(substr(lower(value), n, 3), workspace_id)), '{}')
      FROM generate_series(1, length(value) - 2) n
$$;

DROP INDEX sim_iccid, sim_imsi, sim_msisdn, device_imei;
CREATE INDEX sim_iccid ON sim (workspace_id, iccid, id);
CREATE INDEX sim_iccid_prefix ON sim (workspace_id, iccid text_pattern_ops);
CREATE INDEX sim_imsi ON sim (workspace_id, imsi, id);
CREATE INDEX sim_imsi_prefix ON sim (workspace_id, imsi text_pattern_ops);
CREATE INDEX sim_msisdn ON sim (workspace_id, msisdn, id);
CREATE INDEX sim_msisdn_prefix ON sim (workspace_id, msisdn text_pattern_ops);
CREATE INDEX sim_eid ON sim (workspace_id, eid text_pattern_ops) WHERE eid IS NOT NULL;
CREATE INDEX sim_status ON sim (workspace_id, status, id);
CREATE INDEX sim_unassigned ON sim (workspace_id, id) WHERE device_id IS NULL;
CREATE INDEX sim_activated ON sim (workspace_id, activated_at, id);

CREATE INDEX device_imei ON device (workspace_id, imei text_pattern_ops) WHERE imei IS NOT NULL;
CREATE INDEX device_ip_address ON device (workspace_id, ip_address) WHERE ip_address IS NOT NULL;
CREATE INDEX device_status ON device (workspace_id, status, id);
CREATE INDEX device_tags ON device USING gin (tags) WITH (gin_pending_list_limit = 512);
CREATE INDEX device_name_prefix ON device (workspace_id, lower(name) text_pattern_ops);
CREATE INDEX device_name_trigrams ON device USING gin (motet_trigrams(workspace_id, name))
    WITH (gin_pending_list_limit = 512);
