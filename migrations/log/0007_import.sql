-- The import of another log's export into this one, which was empty: while it is not finished, no
-- service opens the log. The row stays, and says where the log's history comes from.
CREATE TABLE imports (
    one           boolean     PRIMARY KEY DEFAULT true CHECK (one),
    -- SHA-256 of the manifest; an import that was broken off goes on with the same export only.
    manifest      bytea       NOT NULL,
    last_position bigint      NOT NULL,
    begun_at      timestamptz NOT NULL DEFAULT now(),
    finished_at   timestamptz
);
