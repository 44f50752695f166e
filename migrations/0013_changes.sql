-- What decides over traffic is kept in every node's memory: whoever changes it, all nodes hear of it.
--
-- One NOTIFY per statement, on channel motet_change. Payloads: `numbers 4917… 4917…` (those numbers are to be looked up
-- again), `numbers` (all are), `short_code`, `smpp_account`. Past 500 numbers in a statement all are looked up again.

CREATE FUNCTION motet_tell_numbers(numbers text[]) RETURNS void LANGUAGE sql AS $$
    SELECT pg_notify('motet_change', CASE WHEN cardinality(numbers) > 500 THEN 'numbers'
                                          ELSE 'numbers ' || array_to_string(numbers, ' ') END)
     WHERE cardinality(numbers) > 0
$$;

CREATE FUNCTION motet_tell_sims() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM motet_tell_numbers(ARRAY (SELECT msisdn FROM was UNION SELECT msisdn FROM is_now LIMIT 501));
    RETURN NULL;
END $$;
CREATE TRIGGER sim_told AFTER UPDATE ON sim
    REFERENCING OLD TABLE AS was NEW TABLE AS is_now FOR EACH STATEMENT EXECUTE FUNCTION motet_tell_sims();

-- A device that is made, gets a SIM or loses it changes the SIM's row as well.
CREATE FUNCTION motet_tell_devices() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM motet_tell_numbers(ARRAY (
        SELECT s.msisdn FROM is_now d JOIN sim s ON s.workspace_id = d.workspace_id AND s.id = d.sim_id LIMIT 501));
    RETURN NULL;
END $$;
CREATE TRIGGER device_told AFTER UPDATE ON device
    REFERENCING NEW TABLE AS is_now FOR EACH STATEMENT EXECUTE FUNCTION motet_tell_devices();

-- Where a SIM is, and in what equipment.
CREATE FUNCTION motet_tell_attachments() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM motet_tell_numbers(ARRAY (
        SELECT s.msisdn FROM is_now a JOIN sim s ON s.workspace_id = a.workspace_id AND s.id = a.sim_id LIMIT 501));
    RETURN NULL;
END $$;
CREATE TRIGGER attachment_made AFTER INSERT ON attachment
    REFERENCING NEW TABLE AS is_now FOR EACH STATEMENT EXECUTE FUNCTION motet_tell_attachments();
CREATE TRIGGER attachment_told AFTER UPDATE ON attachment
    REFERENCING NEW TABLE AS is_now FOR EACH STATEMENT EXECUTE FUNCTION motet_tell_attachments();

-- What many numbers share.
CREATE FUNCTION motet_tell_kind() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('motet_change', TG_ARGV[0]);
    RETURN NULL;
END $$;
CREATE TRIGGER service_policy_told AFTER UPDATE ON service_policy
    FOR EACH STATEMENT EXECUTE FUNCTION motet_tell_kind('numbers');
CREATE TRIGGER coverage_policy_told AFTER UPDATE ON coverage_policy
    FOR EACH STATEMENT EXECUTE FUNCTION motet_tell_kind('numbers');
CREATE TRIGGER device_blocked_operator_told AFTER INSERT OR DELETE ON device_blocked_operator
    FOR EACH STATEMENT EXECUTE FUNCTION motet_tell_kind('numbers');
CREATE TRIGGER short_code_told AFTER INSERT OR UPDATE OR DELETE ON short_code
    FOR EACH STATEMENT EXECUTE FUNCTION motet_tell_kind('short_code');
CREATE TRIGGER smpp_account_told AFTER UPDATE OR DELETE ON smpp_account
    FOR EACH STATEMENT EXECUTE FUNCTION motet_tell_kind('smpp_account');
