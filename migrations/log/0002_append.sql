-- The append without a row that is updated: what a batch may follow is the last event itself.

-- Which log this is. Its row is locked by every batch and changed by almost none, so that no dead
-- versions of it pile up behind a long transaction. A raised term shuts out batches that a broken
-- connection may have left behind.
CREATE TABLE epoch (
    one  boolean PRIMARY KEY DEFAULT true CHECK (one),
    id   uuid    NOT NULL,
    term bigint  NOT NULL DEFAULT 1
);
INSERT INTO epoch (id) SELECT epoch FROM head;
DROP TABLE head;

-- Where the log ends.
CREATE VIEW head AS
    SELECT epoch.id AS epoch, coalesce(last.position, 0) AS position,
           coalesce(last.recorded_at, 'epoch') AS recorded_at
    FROM epoch LEFT JOIN LATERAL
        (SELECT position, recorded_at FROM events ORDER BY position DESC LIMIT 1) AS last ON true;

-- Rows are only added: vacuum them while they are in memory, and freeze them at once.
ALTER TABLE events SET (autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_freeze_min_age = 0);

-- Ids are unique across aggregate types, so the type need not be in the index: 40 % smaller.
ALTER TABLE events DROP CONSTRAINT events_pkey, ADD PRIMARY KEY (aggregate_id, sequence);

-- Text is as good as json for bytes that only we write, and the server need not parse it.
DROP VIEW cqrs_events;
ALTER TABLE events ALTER payload TYPE text, ALTER metadata TYPE text;
CREATE VIEW cqrs_events AS
    SELECT aggregate_type, aggregate_id::text AS aggregate_id, sequence, event_type, event_version,
           payload::json AS payload, metadata::json AS metadata
    FROM events;

-- An answer's id is of 6 bytes of its scope (an account, say), by which a person's answers are
-- found, and 10 bytes of a hash of scope and key. Answers that were kept so far are let go: a
-- retry that is still under way is decided again.
DROP TABLE idempotency;
CREATE TABLE idempotency (
    id         uuid        PRIMARY KEY,
    scope      uuid        NOT NULL,
    digest     bytea       NOT NULL,
    answer     text        NOT NULL,
    positions  bigint[]    NOT NULL,
    created_at timestamptz NOT NULL
);
-- Rows come in the order of their age, so a few bytes a block find the old ones.
CREATE INDEX idempotency_by_age ON idempotency USING brin (created_at) WITH (pages_per_range = 32);

-- States of long streams, to be loaded instead of their first events.
CREATE TABLE snapshots (
    aggregate_id   uuid   NOT NULL PRIMARY KEY,
    aggregate_type text   NOT NULL,
    -- Of which code it is the state.
    shape          text   NOT NULL,
    -- The last event in it, and its id: a snapshot of another past is no snapshot.
    sequence       bigint NOT NULL CHECK (sequence > 0),
    event_id       uuid   NOT NULL,
    state          text   NOT NULL
);
