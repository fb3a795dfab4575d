-- The log. Runs with search_path = log, so that a stock postgres-es repository and the read side
-- can live in the same database.

-- The row that every append locks: it hands out positions, so that they are dense and their order
-- is the order of commits.
CREATE TABLE head (
    one         boolean     PRIMARY KEY DEFAULT true CHECK (one),
    epoch       uuid        NOT NULL DEFAULT gen_random_uuid(),
    position    bigint      NOT NULL DEFAULT 0,
    recorded_at timestamptz NOT NULL DEFAULT 'epoch'
) WITH (fillfactor = 10);
INSERT INTO head DEFAULT VALUES;

-- How many partitions a context's topic has. Another count is another generation of the topic.
CREATE TABLE topics (
    context    text     PRIMARY KEY,
    generation integer  NOT NULL DEFAULT 1,
    partitions integer  NOT NULL CHECK (partitions > 0)
);

-- payload and metadata are json, not jsonb: the leaf hash covers their very bytes.
CREATE TABLE events (
    aggregate_type text        NOT NULL,
    aggregate_id   uuid        NOT NULL,
    sequence       bigint      NOT NULL CHECK (sequence > 0),
    event_type     text        NOT NULL,
    event_version  text        NOT NULL,
    payload        json        NOT NULL,
    metadata       json        NOT NULL,
    position       bigint      NOT NULL CHECK (position > 0),
    event_id       uuid        NOT NULL,
    recorded_at    timestamptz NOT NULL,
    occurred_at    timestamptz NOT NULL,
    partition      integer     NOT NULL CHECK (partition >= 0),
    leaf_hash      bytea       NOT NULL,
    PRIMARY KEY (aggregate_id, aggregate_type, sequence)
);
CREATE UNIQUE INDEX events_by_position ON events (position);

-- The same as a stock postgres-es repository expects it.
CREATE VIEW cqrs_events AS
    SELECT aggregate_type, aggregate_id::text AS aggregate_id, sequence, event_type, event_version,
           payload, metadata
    FROM events;
CREATE VIEW cqrs_snapshots AS
    SELECT ''::text AS aggregate_type, ''::text AS aggregate_id, 0::bigint AS last_sequence,
           0::bigint AS current_snapshot, 'null'::json AS payload
    WHERE false;

-- The first successful answer to a command that came with an Idempotency-Key.
CREATE TABLE idempotency (
    scope      text        NOT NULL,
    key        text        NOT NULL,
    digest     bytea       NOT NULL,
    answer     json        NOT NULL,
    positions  bigint[]    NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX idempotency_by_age ON idempotency (created_at);

-- Secrets are rows of their own: an event names them by id and never holds them.
CREATE TABLE credentials (
    id            uuid        PRIMARY KEY,
    account_id    uuid        NOT NULL,
    password_hash text        NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    kept          boolean     NOT NULL DEFAULT false
);
CREATE INDEX credentials_unchecked ON credentials (created_at) WHERE NOT kept;

-- How far the relay is. The fence lets one relay write here at a time.
CREATE TABLE relay (
    one      boolean PRIMARY KEY DEFAULT true CHECK (one),
    fence    bigint  NOT NULL DEFAULT 0,
    epoch    uuid    NOT NULL,
    position bigint  NOT NULL DEFAULT 0
) WITH (fillfactor = 10);
INSERT INTO relay (epoch) SELECT epoch FROM head;

-- The last position that was relayed to each partition of a topic.
CREATE TABLE relay_partitions (
    context    text    NOT NULL,
    generation integer NOT NULL,
    partition  integer NOT NULL,
    position   bigint  NOT NULL,
    PRIMARY KEY (context, generation, partition)
);
