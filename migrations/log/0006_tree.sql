-- The Merkle tree over the log (RFC 9162), kept beside the append and behind it, and what was signed
-- of it. Hashes in a tile never change; a tile grows at its end until it has 256 of 32 bytes.

-- How many leaves the tiles have. Whoever adds to them holds this row.
CREATE TABLE tree (
    one  boolean PRIMARY KEY DEFAULT true CHECK (one),
    size bigint  NOT NULL DEFAULT 0 CHECK (size >= 0)
) WITH (fillfactor = 10);
INSERT INTO tree DEFAULT VALUES;

-- Level 0 has leaf hashes, each further one the roots of full tiles of the one below.
CREATE TABLE tiles (
    level  smallint NOT NULL,
    index  bigint   NOT NULL,
    hashes bytea    NOT NULL,
    PRIMARY KEY (level, index)
);
-- Hashes can't be compressed.
ALTER TABLE tiles ALTER hashes SET STORAGE EXTERNAL;

-- Signed notes. The origin names the log and its epoch.
CREATE TABLE checkpoints (
    size         bigint      NOT NULL CHECK (size > 0),
    origin       text        NOT NULL,
    note         text        NOT NULL,
    signed_at    timestamptz NOT NULL DEFAULT now(),
    -- When all who are to have it had it.
    published_at timestamptz,
    PRIMARY KEY (size, origin)
);
CREATE INDEX checkpoints_unpublished ON checkpoints (size) WHERE published_at IS NULL;
