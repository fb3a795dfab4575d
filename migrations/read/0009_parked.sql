-- What the live projector keeps beside its watermarks.

-- Events that a projection could not apply, and those of the same streams that wait behind them, in
-- order. The events themselves stay in the log.
CREATE TABLE parked (
    projection     text        NOT NULL,
    version        integer     NOT NULL,
    slot           text        NOT NULL DEFAULT 'live' CHECK (slot IN ('live', 'shadow', 'previous')),
    context        text        NOT NULL,
    partition      integer     NOT NULL,
    position       bigint      NOT NULL,
    event_id       uuid        NOT NULL,
    aggregate_type text        NOT NULL,
    aggregate_id   uuid        NOT NULL,
    sequence       bigint      NOT NULL,
    event_type     text        NOT NULL,
    -- Why it failed; null when it waits behind one that did.
    error          text,
    -- How often it was tried.
    attempts       integer     NOT NULL,
    parked_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (projection, version, slot, position)
);
CREATE INDEX parked_by_stream ON parked (projection, version, slot, aggregate_id);
CREATE INDEX parked_among ON parked (aggregate_id);

-- Messages that never came, and that were read from the log instead.
CREATE TABLE holes (
    context        text        NOT NULL,
    partition      integer     NOT NULL,
    -- What had come before them, and the last of them.
    after_position bigint      NOT NULL,
    up_to_position bigint      NOT NULL,
    events         bigint      NOT NULL,
    noticed_at     timestamptz NOT NULL DEFAULT now(),
    why            text        NOT NULL,
    PRIMARY KEY (context, partition, after_position, up_to_position)
);

-- Who may commit what Kafka brings: of the projectors of a consumer group, the one that was given
-- the partition last.
CREATE TABLE claims (
    consumer_group text        NOT NULL,
    context        text        NOT NULL,
    partition      integer     NOT NULL,
    claim          bigint      NOT NULL DEFAULT 1,
    claimed_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer_group, context, partition)
) WITH (fillfactor = 50);
