-- The audit log: one rule for what is secret, for inputs and columns alike, also for what is inside their JSON.

-- As motet.domain.redaction.is_secret: a test compares the two.
CREATE FUNCTION motet_audit_secret(name text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT regexp_replace(lower(name), '[^a-z0-9]', '', 'g') ~
               ('password|passphrase|passwd|secret|payload|credential|assertion|otp|recovery|verifier|private|publickey'
                '|cookie|signature|authorization|bearer|encrypted|sealed|hash|samlresponse|logouttoken'
                '|confirmationcode|matchingid|^lpa$|(api|access|signing|shared|master|session)key$'
                '|^(sim)?(pin|puk|adm)[0-9]?$')
        OR coalesce(lower(substring(name FROM '([A-Z]?[a-z0-9]+|[A-Z]+)[^A-Za-z0-9]*$')) = ANY (
               '{token,tokens,text,texts,csv,udh,tlvs,hex,nonce,qr,svg,png,pin,puk,ki,opc,psk,seed,salt}'), false)
$$;

CREATE FUNCTION motet_audit_shown(name text, value jsonb, depth integer) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    words text := value #>> '{}';
BEGIN
    IF words IS NULL THEN
        RETURN value;
    ELSIF motet_audit_secret(name) THEN
        RETURN '"[redacted]"';
    END IF;
    CASE jsonb_typeof(value)
        WHEN 'string' THEN
            IF words LIKE '\\x%' THEN                                           -- octets
                RETURN '"[redacted]"';
            ELSIF length(words) > 1000 THEN
                RETURN to_jsonb('[' || length(words) || ' characters]');
            ELSIF words LIKE '%://%' THEN                                       -- credentials in URLs
                RETURN to_jsonb(regexp_replace(regexp_replace(words, '://[^/?#\s]*@', '://[redacted]@', 'g'),
                                               '[?#].*$', '?[redacted]'));
            END IF;
        WHEN 'number' THEN
            IF abs(words::numeric) > 9007199254740991 THEN                      -- ids: JSON's readers have 53 bits
                RETURN to_jsonb(words);
            END IF;
        WHEN 'boolean' THEN
            NULL;
        ELSE
            IF length(words) > 4000 THEN
                RETURN to_jsonb('[' || length(words) || ' characters of JSON]');
            ELSIF words IN ('{}', '[]') THEN
                RETURN value;
            ELSIF depth >= 6 THEN
                RETURN '"[nested]"';
            ELSIF jsonb_typeof(value) = 'array' THEN
                RETURN (SELECT jsonb_agg(motet_audit_shown(name, e, depth + 1)) FROM jsonb_array_elements(value) AS e);
            END IF;
            RETURN (SELECT jsonb_object_agg(n.key, motet_audit_shown(n.key, n.value, depth + 1))
                      FROM jsonb_each(value) AS n);
    END CASE;
    RETURN value;
END $$;

-- A column's value as the log may show it: no secret, no text of a message, nothing endless.
CREATE OR REPLACE FUNCTION motet_audit_shown(name text, value jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT motet_audit_shown(name, value, 0)
$$;

-- Gathering and writing, quicker: rows are looked at once, in one statement; what is known of a column is said when its
-- trigger is put; beyond the hundredth row they are only counted; the usual entry, of one log, is not taken apart.

-- As motet_audit_shown of a name that is no secret, without calling it for what is short and plain.
CREATE FUNCTION motet_audit_plain(value jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN length(value::text) < 16 AND jsonb_typeof(value) IN ('boolean', 'number') THEN value
        WHEN length(value::text) < 900 AND jsonb_typeof(value) = 'string' AND strpos(value::text, '\') = 0
             AND strpos(value::text, '://') = 0 THEN value
        WHEN jsonb_typeof(value) = 'number' AND value::text ~ '^-?[1-9][0-9]{16,}$' THEN to_jsonb(value::text)
        ELSE motet_audit_shown('', value, 0) END
$$;

-- Notes one row's change in the transaction's settings. Arguments: the key's columns, the columns that do not count, the
-- one that says whose row it is, and those that are no secrets by their names; another column's name is looked at.
CREATE OR REPLACE FUNCTION motet_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    kind     text := TG_TABLE_NAME || '.' || TG_OP;
    told     text := coalesce(current_setting('motet.audit_counts', true), '');
    held     integer := coalesce(nullif(current_setting('motet.audit_held', true), ''), '0')::integer;
    space    text := '0';
    keys     text[];
    ignored  text[];
    plain    text[];
    was      jsonb;
    becomes  jsonb;
    before   jsonb;
    after_   jsonb;
    differs  boolean := true;
    counts   jsonb;
BEGIN
    IF held < 100 OR (TG_OP = 'UPDATE' AND TG_ARGV[1] <> '') THEN
        keys := string_to_array(TG_ARGV[0], ',');
        ignored := string_to_array(TG_ARGV[1], ',');
        plain := string_to_array(TG_ARGV[3], ',');
        IF TG_OP = 'UPDATE' THEN
            was := to_jsonb(OLD);
            becomes := to_jsonb(NEW);
            SELECT jsonb_object_agg(n.key, CASE WHEN n.key = ANY (plain) THEN motet_audit_plain(was -> n.key)
                                                ELSE motet_audit_shown(n.key, was -> n.key) END)
                       FILTER (WHERE was -> n.key <> 'null'),
                   jsonb_object_agg(n.key, CASE WHEN n.key = ANY (plain) THEN motet_audit_plain(n.value)
                                                ELSE motet_audit_shown(n.key, n.value) END)
                       FILTER (WHERE n.value <> 'null'),
                   coalesce(bool_or(n.value IS DISTINCT FROM was -> n.key AND n.key <> ALL (ignored)), false)
              INTO before, after_, differs
              FROM jsonb_each(becomes) AS n (key, value)
             WHERE (n.value IS DISTINCT FROM was -> n.key AND n.key <> ALL (ignored)) OR n.key = ANY (keys);
        ELSE
            becomes := CASE TG_OP WHEN 'INSERT' THEN to_jsonb(NEW) ELSE to_jsonb(OLD) END;
            SELECT jsonb_object_agg(n.key, CASE WHEN n.key = ANY (plain) THEN motet_audit_plain(n.value)
                                                ELSE motet_audit_shown(n.key, n.value) END)
              INTO after_
              FROM jsonb_each(becomes) AS n (key, value)
             WHERE n.value <> 'null' AND n.key <> ALL (ignored);
            IF TG_OP = 'DELETE' THEN
                before := after_;
                after_ := NULL;
            END IF;
        END IF;
        IF NOT differs THEN
            RETURN NULL;
        END IF;
    END IF;
    IF TG_ARGV[2] = 'workspace_id' THEN
        space := coalesce(CASE TG_OP WHEN 'DELETE' THEN OLD.workspace_id ELSE NEW.workspace_id END, 0);
    ELSIF TG_ARGV[2] = 'id' THEN
        space := CASE TG_OP WHEN 'DELETE' THEN OLD.id ELSE NEW.id END;
    END IF;
    IF told = '' THEN
        counts := jsonb_build_object(space, jsonb_build_object(kind, 1));
    ELSE
        counts := told;
        IF NOT counts ? space THEN
            counts := counts || jsonb_build_object(space, jsonb_build_object(kind, 1));
        ELSE
            counts := jsonb_set(counts, ARRAY[space, kind],
                                to_jsonb(coalesce((counts -> space ->> kind)::integer, 0) + 1));
        END IF;
    END IF;
    PERFORM set_config('motet.audit_counts', counts::text, true);
    IF held < 100 THEN
        PERFORM set_config('motet.audit_held', (held + 1)::text, true),
                set_config('motet.audit_owners',
                           concat_ws(',', nullif(current_setting('motet.audit_owners', true), ''), space), true),
                set_config('motet.audit_changes',
                           concat_ws(',', nullif(current_setting('motet.audit_changes', true), ''),
                               jsonb_build_object('table', TG_TABLE_NAME, 'operation', TG_OP, 'id', becomes ->> 'id',
                                                  'before', before, 'after', after_)::text), true);
    END IF;
    RETURN NULL;
END $$;

-- Puts the trigger on a table, or puts it anew. `ignored`: columns whose change alone is none, such as progress.
CREATE OR REPLACE FUNCTION motet_audit_table(table_ regclass, ignored text DEFAULT '') RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    keys  text := (SELECT string_agg(a.attname, ',')
                     FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
                    WHERE i.indrelid = table_ AND i.indisprimary AND a.attname NOT IN ('workspace_id', 'id'));
    whose text := (SELECT a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                    WHERE a.attrelid = table_ AND NOT a.attisdropped
                      AND a.attname = CASE c.relname WHEN 'workspace' THEN 'id' ELSE 'workspace_id' END);
    plain text := (SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute
                    WHERE attrelid = table_ AND attnum > 0 AND NOT attisdropped AND NOT motet_audit_secret(attname));
    act   text := 'current_setting(''motet.audit'', true) = ''on''';
    args  text := format('%L, %L, %L, %L', coalesce(keys, ''), ignored, coalesce(whose, ''), coalesce(plain, ''));
BEGIN
    EXECUTE format('DROP TRIGGER IF EXISTS audited ON %s', table_);
    EXECUTE format('DROP TRIGGER IF EXISTS audited_update ON %s', table_);
    EXECUTE format('CREATE TRIGGER audited AFTER INSERT OR DELETE ON %s FOR EACH ROW WHEN (%s) '
                   'EXECUTE FUNCTION motet_audit_change(%s)', table_, act, args);
    EXECUTE format('CREATE TRIGGER audited_update AFTER UPDATE ON %s FOR EACH ROW '
                   'WHEN (%s AND OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION motet_audit_change(%s)',
                   table_, act, args);
END $$;

-- One entry in one log.
CREATE FUNCTION motet_audit_insert(log_ bigint, given jsonb, own jsonb, counts jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    entry bigint := motet_audit_id();
BEGIN
    INSERT INTO audit_entry (workspace_id, id, actor_kind, actor, user_id, api_key_id, session_id, token_id, edge, action,
                             outcome, code, path, times, address, user_agent, request_id, input, objects, changes,
                             change_counts)
    VALUES (log_, entry, given ->> 'actor_kind', given ->> 'actor', (given ->> 'user_id')::bigint,
            (given ->> 'api_key_id')::bigint, (given ->> 'session_id')::bigint, given ->> 'token_id',
            given ->> 'edge', given ->> 'action', given ->> 'outcome', given ->> 'code',
            CASE WHEN jsonb_typeof(given -> 'path') = 'array'
                 THEN array(SELECT jsonb_array_elements_text(given -> 'path')) END,
            coalesce((given ->> 'times')::integer, 1), (given ->> 'address')::inet, given ->> 'user_agent',
            given ->> 'request_id', coalesce(given -> 'input', '{}'),
            array(SELECT DISTINCT u.o::bigint AS o
                    FROM (SELECT jsonb_array_elements_text(coalesce(given -> 'objects', '[]'))
                          UNION ALL SELECT c ->> 'id' FROM jsonb_array_elements(own) AS c) AS u (o)
                   WHERE u.o ~ '^([0-9]{1,18}|[0-8][0-9]{18})$' ORDER BY o LIMIT 200),
            own, counts);
    INSERT INTO audit_pending (entry_id, workspace_id) VALUES (entry, log_);
END $$;

-- The entry of this transaction: in the log that `given` names, and in that of each workspace whose rows were changed,
-- with that workspace's changes alone. Unless `always`, only if there were any. Gives the logs that it was written to.
CREATE OR REPLACE FUNCTION motet_audit_write(given jsonb, always boolean) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    home     bigint := coalesce((given ->> 'workspace_id')::bigint, 0);
    told     text := coalesce(current_setting('motet.audit_counts', true), '');
    counts   jsonb;
    noted    jsonb;
    owners   text[];
    logs     bigint[];
    log_     bigint;
BEGIN
    PERFORM set_config('motet.audit', '', true);
    IF told = '' THEN
        IF NOT always THEN
            RETURN '{}';
        END IF;
        PERFORM motet_audit_insert(home, given, '[]', '{}');
        RETURN ARRAY[home];
    END IF;
    counts := told;
    noted := '[' || current_setting('motet.audit_changes') || ']';
    owners := string_to_array(current_setting('motet.audit_owners'), ',');
    PERFORM set_config('motet.audit_changes', '', true), set_config('motet.audit_counts', '', true),
            set_config('motet.audit_owners', '', true), set_config('motet.audit_held', '', true);
    IF counts - home::text = '{}' THEN
        PERFORM motet_audit_insert(home, given, noted, counts -> home::text);
        RETURN ARRAY[home];
    END IF;
    -- The first 200 others: one act that spans more is told in full in its own log. What Motet or a network does to rows
    -- of workspaces is told there alone.
    logs := CASE WHEN home = 0 AND given ->> 'edge' IN ('SYSTEM', 'NETWORK') AND NOT counts ? '0' THEN '{}'::bigint[]
                 ELSE ARRAY[home] END
            || array(SELECT k::bigint FROM jsonb_object_keys(counts) AS k
                      WHERE k NOT IN ('0', home::text) ORDER BY k LIMIT 200);
    FOREACH log_ IN ARRAY logs LOOP
        PERFORM motet_audit_insert(
            log_, given,
            (SELECT coalesce(jsonb_agg(c.one ORDER BY c.number), '[]')
               FROM jsonb_array_elements(noted) WITH ORDINALITY AS c (one, number)
              WHERE log_ = 0 OR owners[c.number] = log_::text OR (log_ = home AND owners[c.number] = '0')),
            (SELECT coalesce(jsonb_object_agg(t.key, t.total), '{}')
               FROM (SELECT k.key, sum(k.value::integer) AS total
                       FROM jsonb_each(counts) AS s, jsonb_each_text(s.value) AS k
                      WHERE log_ = 0 OR s.key = log_::text OR (log_ = home AND s.key = '0')
                      GROUP BY k.key) AS t));
    END LOOP;
    RETURN logs;
END $$;

-- Tables that have the triggers already get them with what they are told now.
DO $$
DECLARE
    found regclass;
BEGIN
    FOR found IN SELECT tgrelid FROM pg_trigger WHERE tgname = 'audited' LOOP
        PERFORM motet_audit_table(found, CASE found
            WHEN 'job'::regclass THEN 'done,changed,failed,position,breakdowns,started_at,due_at'
            WHEN 'alert'::regclass THEN 'event_count,last_event_at,last_event_id,told_at,device_id,sim_id' ELSE '' END);
    END LOOP;
END $$;
