-- Work on many things at once, gone through in chunks: each chunk's effects and the job's progress are one commit.

CREATE TABLE job (
    workspace_id  bigint NOT NULL REFERENCES workspace (id),
    id            bigint NOT NULL,
    kind          text NOT NULL,                  -- motet.domain.jobs.JobKind
    state         smallint NOT NULL,              -- motet.domain.jobs.JobState
    dry_run       boolean NOT NULL,
    input         jsonb NOT NULL,                 -- what is the same for all items
    undoes_id     bigint,                         -- the job whose changes this one takes back
    total         integer NOT NULL,
    done          integer NOT NULL DEFAULT 0,     -- items gone through, in the order of their ids
    changed       integer NOT NULL DEFAULT 0,
    failed        integer NOT NULL DEFAULT 0,
    position      bigint NOT NULL DEFAULT 0,      -- the last item gone through
    breakdowns    smallint NOT NULL DEFAULT 0,    -- times in a row that a chunk broke and was rolled back
    error         text,                           -- why the job FAILED
    actor         text NOT NULL,                  -- the subject of the token that asked for it
    created_at    timestamptz NOT NULL,
    started_at    timestamptz,
    finished_at   timestamptz,
    due_at        timestamptz,                    -- when its next chunk is due; null: it is over
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX job_due ON job (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE job_item (
    workspace_id  bigint NOT NULL,
    job_id        bigint NOT NULL,
    id            bigint NOT NULL,
    number        integer NOT NULL,               -- place in what was handed in, such as a line of a CSV text
    device_id     bigint,
    sim_id        bigint,
    data          jsonb,                          -- what the job's kind was given for this item
    outcome       smallint NOT NULL DEFAULT 0,    -- motet.domain.jobs.ItemOutcome
    code          text,                           -- of a domain error, if it failed
    message       text,
    path          text[],
    detail        jsonb,                          -- what was changed, as {"before": {…}, "after": {…}}
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX job_item_job ON job_item (workspace_id, job_id, id);
CREATE INDEX job_item_failed ON job_item (workspace_id, job_id, id) WHERE outcome = 3;

-- Attributes: what a workspace notes of its devices, key to text.
ALTER TABLE device ADD COLUMN attributes jsonb NOT NULL DEFAULT '{}';

-- What a device can be found by, each with its workspace before it, so that one workspace's labels cost no other a thing.
CREATE FUNCTION motet_device_terms(workspace_id bigint, tags text[], attributes jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT array(
        SELECT workspace_id || ':tag:' || tag FROM unnest(tags) AS t (tag)
        UNION ALL SELECT workspace_id || ':key:' || key FROM jsonb_object_keys(attributes) AS k (key)
        UNION ALL SELECT workspace_id || ':value:' || key || '=' || value FROM jsonb_each_text(attributes)
    )
$$;
CREATE INDEX device_terms ON device USING gin (motet_device_terms(workspace_id, tags, attributes));

-- Whoever follows a job hears of each step. Payload: `workspace_id id`.
CREATE FUNCTION motet_tell_job() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('motet_job', NEW.workspace_id || ' ' || NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER job_told AFTER INSERT OR UPDATE ON job FOR EACH ROW EXECUTE FUNCTION motet_tell_job();
