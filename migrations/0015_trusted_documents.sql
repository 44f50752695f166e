-- GraphQL documents that clients may name instead of sending.

-- A workspace's own, or with no workspace the installation's, which every workspace may name. Texts do not change: under
-- another id another text. At most 10,000 of each.
CREATE TABLE trusted_document (
    id            bigint PRIMARY KEY,
    workspace_id  bigint REFERENCES workspace (id),
    document_id   text NOT NULL,              -- as the client's build named it
    sha256        text NOT NULL,              -- of the text, hex
    source        text NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT trusted_document_taken UNIQUE NULLS NOT DISTINCT (workspace_id, document_id)
);
CREATE INDEX trusted_document_by_sha256 ON trusted_document (sha256);
CREATE INDEX trusted_document_by_workspace ON trusted_document (workspace_id, id);
