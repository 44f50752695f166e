-- The audit log: who did what, from where, and what was changed by it; sealed into a chain of hashes for each workspace.
--
-- A transaction that someone asked for sets motet.audit to `on` for itself. Triggers on the tables of configuration then
-- gather what it changes, and its last statement, motet_audit_write, makes the entry: both are committed, or neither is.
-- Whatever does not set it (the hub, counters, networks' reports) pays for one look at a setting for each row.

CREATE SEQUENCE audit_entry_serial;

-- As ids of the application (motet.domain.ids): milliseconds since 2025, then what tells those of one millisecond apart.
CREATE FUNCTION motet_audit_id() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT ((extract(epoch FROM clock_timestamp()) * 1000)::bigint - 1735689600000) << 22
           | (nextval('audit_entry_serial') & 4194303)
$$;

-- workspace_id: whose log the entry is in; 0: the installation's own, which the operator reads. No reference: a log
-- outlives what it tells of. Rows are written once.
CREATE TABLE audit_entry (
    workspace_id   bigint NOT NULL,
    id             bigint NOT NULL DEFAULT motet_audit_id(),
    at             timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor_kind     text NOT NULL,                 -- motet.storage.acting.ActorKind
    actor          text NOT NULL,                 -- as the viewer's subject shows them
    user_id        bigint,
    api_key_id     bigint,
    session_id     bigint,
    token_id       text,
    edge           text NOT NULL,                 -- motet.storage.acting.Edge
    action         text NOT NULL,                 -- the mutation, `POST /path`, the command, the job's kind
    outcome        text NOT NULL,                 -- motet.storage.acting.Outcome
    code           text,                          -- of the error, if it was refused or failed
    path           text[],                        -- what of the input was at fault
    times          integer NOT NULL DEFAULT 1,    -- alike refusals within a minute are one entry
    address        inet,
    user_agent     text,
    request_id     text,
    input          jsonb NOT NULL,                -- without secrets and texts
    objects        bigint[] NOT NULL,             -- ids in the input and of what was changed, the first 200
    changes        jsonb NOT NULL,                -- the first 100: table, operation, id, before, after
    change_counts  jsonb NOT NULL,                -- all of them: {"device.UPDATE": 5000}
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX audit_entry_actor ON audit_entry (workspace_id, actor, id);
CREATE INDEX audit_entry_objects ON audit_entry USING gin (objects);

-- Entries that are not sealed yet.
CREATE TABLE audit_pending (
    entry_id      bigint PRIMARY KEY,
    workspace_id  bigint NOT NULL
);

-- The chain: hash = SHA-256 of the hash before it and the entry (motet.domain.audit_chain).
CREATE TABLE audit_seal (
    workspace_id  bigint NOT NULL,
    seq           bigint NOT NULL,
    entry_id      bigint NOT NULL,
    hash          bytea NOT NULL,
    PRIMARY KEY (workspace_id, seq),
    CONSTRAINT audit_seal_entry UNIQUE (workspace_id, entry_id)
);

-- Where each chain ends, and where it begins since old entries were removed.
CREATE TABLE audit_chain (
    workspace_id    bigint PRIMARY KEY,
    seq             bigint NOT NULL,
    hash            bytea NOT NULL,
    removed_seq     bigint NOT NULL DEFAULT 0,
    removed_hash    bytea NOT NULL DEFAULT '\x0000000000000000000000000000000000000000000000000000000000000000',
    retention_days  integer                        -- null: that of the installation's chain, and there: for ever
);

-- What is written stays as it is. Only the removal of old entries says that it is that, for its own transaction.
CREATE FUNCTION motet_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('motet.audit_removal', true) = 'on' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the audit log is not changed: % on %', TG_OP, TG_TABLE_NAME USING ERRCODE = 'MT002';
END $$;
CREATE TRIGGER audit_entry_stays BEFORE UPDATE OR DELETE ON audit_entry
    FOR EACH ROW EXECUTE FUNCTION motet_audit_refuse();
CREATE TRIGGER audit_seal_stays BEFORE UPDATE OR DELETE ON audit_seal
    FOR EACH ROW EXECUTE FUNCTION motet_audit_refuse();
CREATE TRIGGER audit_entry_stays_whole BEFORE TRUNCATE ON audit_entry EXECUTE FUNCTION motet_audit_refuse();
CREATE TRIGGER audit_seal_stays_whole BEFORE TRUNCATE ON audit_seal EXECUTE FUNCTION motet_audit_refuse();

-- Gathering changes ---------------------------------------------------------------------------------------------------

-- A column's value as the log may show it: no secret, no text of a message, nothing endless.
CREATE FUNCTION motet_audit_shown(name text, value jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN value IS NULL OR value = 'null' THEN value
        WHEN name ~ '(password|passphrase|secret|hash|encrypted|sealed|token|payload|credential|private|public_key'
                    '|recovery|matching_id|otp|assertion|verifier)'
          OR name ~ '(^|_)(text|udh|tlvs|nonce|cookie)(_|$)' THEN '"[redacted]"'
        WHEN jsonb_typeof(value) = 'string' THEN CASE
            WHEN value #>> '{}' LIKE '\\x%' THEN '"[redacted]"'             -- octets
            WHEN length(value #>> '{}') > 1000 THEN to_jsonb('[' || length(value #>> '{}') || ' characters]')
            WHEN value #>> '{}' LIKE '%://%' THEN                           -- credentials in URLs
                to_jsonb(regexp_replace(regexp_replace(value #>> '{}', '://[^/?#@]*@', '://[redacted]@'),
                                        '[?].*$', '?[redacted]'))
            ELSE value END
        WHEN jsonb_typeof(value) = 'number' AND abs((value #>> '{}')::numeric) > 9007199254740991
            THEN to_jsonb(value #>> '{}')                                   -- ids: JSON's readers have 53 bits
        WHEN length(value::text) > 4000 THEN to_jsonb('[' || length(value::text) || ' characters of JSON]')
        ELSE value END
$$;

-- Notes one row's change in the transaction's settings. Arguments: the key's columns, the columns that do not count.
CREATE FUNCTION motet_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    was       jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    becomes   jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
    row_      jsonb := coalesce(becomes, was);
    keys      text[] := string_to_array(TG_ARGV[0], ',');
    ignored   text[] := string_to_array(TG_ARGV[1], ',');
    space     text := coalesce(row_ ->> CASE WHEN TG_TABLE_NAME = 'workspace' THEN 'id' ELSE 'workspace_id' END, '0');
    counts    jsonb := coalesce(nullif(current_setting('motet.audit_counts', true), ''), '{}')::jsonb;
    held      integer := coalesce(nullif(current_setting('motet.audit_held', true), ''), '0')::integer;
    kind      text := TG_TABLE_NAME || '.' || TG_OP;
    changed   text[];
    noted     jsonb;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        SELECT array_agg(n.key) INTO changed
          FROM jsonb_each(becomes) AS n (key, value)
         WHERE n.value IS DISTINCT FROM was -> n.key AND n.key <> ALL (ignored);
        IF changed IS NULL THEN
            RETURN NULL;
        END IF;
        changed := changed || keys;
    END IF;
    PERFORM set_config('motet.audit_counts', jsonb_set(
        CASE WHEN counts ? space THEN counts ELSE jsonb_set(counts, ARRAY[space], '{}') END, ARRAY[space, kind],
        to_jsonb(coalesce((counts #>> ARRAY[space, kind])::integer, 0) + 1))::text, true);
    IF held >= 100 THEN
        RETURN NULL;
    END IF;
    noted := jsonb_build_object(
        'workspace', space, 'table', TG_TABLE_NAME, 'operation', TG_OP, 'id', row_ ->> 'id',
        'before', (SELECT jsonb_object_agg(n.key, motet_audit_shown(n.key, n.value)) FROM jsonb_each(was) AS n
                    WHERE n.value <> 'null' AND n.key <> ALL (ignored) AND (changed IS NULL OR n.key = ANY (changed))),
        'after', (SELECT jsonb_object_agg(n.key, motet_audit_shown(n.key, n.value)) FROM jsonb_each(becomes) AS n
                   WHERE n.value <> 'null' AND n.key <> ALL (ignored) AND (changed IS NULL OR n.key = ANY (changed))));
    PERFORM set_config('motet.audit_held', (held + 1)::text, true);
    PERFORM set_config('motet.audit_changes',
        concat_ws(',', nullif(current_setting('motet.audit_changes', true), ''), noted::text), true);
    RETURN NULL;
END $$;

-- Puts the trigger on a table, or puts it anew. `ignored`: columns whose change alone is none, such as progress.
CREATE FUNCTION motet_audit_table(table_ regclass, ignored text DEFAULT '') RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    keys text := (SELECT string_agg(a.attname, ',')
                    FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
                   WHERE i.indrelid = table_ AND i.indisprimary AND a.attname NOT IN ('workspace_id', 'id'));
    act  text := 'current_setting(''motet.audit'', true) = ''on''';
BEGIN
    EXECUTE format('DROP TRIGGER IF EXISTS audited ON %s', table_);
    EXECUTE format('DROP TRIGGER IF EXISTS audited_update ON %s', table_);
    EXECUTE format(
        'CREATE TRIGGER audited AFTER INSERT OR DELETE ON %s FOR EACH ROW WHEN (%s) '
        'EXECUTE FUNCTION motet_audit_change(%L, %L)', table_, act, coalesce(keys, ''), ignored);
    EXECUTE format(
        'CREATE TRIGGER audited_update AFTER UPDATE ON %s FOR EACH ROW WHEN (%s AND OLD.* IS DISTINCT FROM NEW.*) '
        'EXECUTE FUNCTION motet_audit_change(%L, %L)', table_, act, coalesce(keys, ''), ignored);
END $$;

-- Every table but these: what is added later is audited unless it is named. Gives the tables that were added.
CREATE FUNCTION motet_audit_cover(exempt text[]) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    found text;
BEGIN
    FOR found IN
        SELECT c.relname FROM pg_class c
         WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
           AND c.relname <> ALL (exempt)
           AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = 'audited')
         ORDER BY c.relname
    LOOP
        PERFORM motet_audit_table(format('%I', found)::regclass);
        RETURN NEXT found;
    END LOOP;
END $$;

-- Writing -------------------------------------------------------------------------------------------------------------

-- The entry of this transaction: in the log that `given` names, and in that of each workspace whose rows were changed,
-- with that workspace's changes alone. Unless `always`, only if there were any. Gives the logs that it was written to.
CREATE FUNCTION motet_audit_write(given jsonb, always boolean) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    home     bigint := coalesce((given ->> 'workspace_id')::bigint, 0);
    noted    jsonb := ('[' || coalesce(current_setting('motet.audit_changes', true), '') || ']')::jsonb;
    counts   jsonb := coalesce(nullif(current_setting('motet.audit_counts', true), ''), '{}')::jsonb;
    logs     bigint[];
    log_     bigint;
    own      jsonb;
    entry    bigint;
BEGIN
    PERFORM set_config('motet.audit', '', true), set_config('motet.audit_changes', '', true),
            set_config('motet.audit_counts', '', true), set_config('motet.audit_held', '', true);
    IF counts = '{}' AND NOT always THEN
        RETURN '{}';
    END IF;
    -- The first 20 others: one act that spans more is told in full in its own log.
    logs := home || array(SELECT k::bigint FROM jsonb_object_keys(counts) AS k
                           WHERE k NOT IN ('0', home::text) ORDER BY k LIMIT 20);
    FOREACH log_ IN ARRAY logs LOOP
        own := (SELECT coalesce(jsonb_agg(c - 'workspace'), '[]') FROM jsonb_array_elements(noted) AS c
                 WHERE log_ = 0 OR c ->> 'workspace' = log_::text OR (log_ = home AND c ->> 'workspace' = '0'));
        INSERT INTO audit_entry (workspace_id, actor_kind, actor, user_id, api_key_id, session_id, token_id, edge, action,
                                 outcome, code, path, times, address, user_agent, request_id, input, objects, changes,
                                 change_counts)
        SELECT log_, given ->> 'actor_kind', given ->> 'actor', (given ->> 'user_id')::bigint,
               (given ->> 'api_key_id')::bigint, (given ->> 'session_id')::bigint, given ->> 'token_id',
               given ->> 'edge', given ->> 'action', given ->> 'outcome', given ->> 'code',
               CASE WHEN jsonb_typeof(given -> 'path') = 'array'
                    THEN array(SELECT jsonb_array_elements_text(given -> 'path')) END,
               coalesce((given ->> 'times')::integer, 1), (given ->> 'address')::inet, given ->> 'user_agent',
               given ->> 'request_id', coalesce(given -> 'input', '{}'),
               array(SELECT o FROM (SELECT DISTINCT o::bigint AS o
                                      FROM (SELECT jsonb_array_elements_text(coalesce(given -> 'objects', '[]'))
                                            UNION ALL SELECT c ->> 'id' FROM jsonb_array_elements(own) AS c) AS u (o)
                                     WHERE o ~ '^([0-9]{1,18}|[0-8][0-9]{18})$') AS d ORDER BY o LIMIT 200),
               own,
               (SELECT coalesce(jsonb_object_agg(t.key, t.total), '{}')
                  FROM (SELECT k.key, sum(k.value::integer) AS total
                          FROM jsonb_each(counts) AS s, jsonb_each_text(s.value) AS k
                         WHERE log_ = 0 OR s.key = log_::text OR (log_ = home AND s.key = '0')
                         GROUP BY k.key) AS t)
        RETURNING id INTO entry;
        INSERT INTO audit_pending (entry_id, workspace_id) VALUES (entry, log_);
    END LOOP;
    RETURN logs;
END $$;

-- Whoever asked for a job is who its chunks act for.
ALTER TABLE job ADD COLUMN asked_by jsonb;
