-- What workers keep: how far each policy is, what is due, and what could not be done. It is of one
-- database with the log, so it is backed up and restored with it.

-- Everything up to position was reacted to, or is parked. While a policy is replayed, it has also
-- reacted again to everything up to replayed_to, on the way to replay_until.
CREATE TABLE policies (
    policy       text   PRIMARY KEY,
    epoch        uuid   NOT NULL,
    position     bigint NOT NULL,
    replayed_to  bigint,
    replay_until bigint,
    CHECK ((replayed_to IS NULL) = (replay_until IS NULL))
) WITH (fillfactor = 50);

-- Timers and effects: what is to be done at a time. A row stays when it is settled, so that a
-- replay of the event that set it sets nothing.
CREATE TABLE due (
    policy         text        NOT NULL,
    key            text        NOT NULL,
    -- The event that set it, and where that is.
    event_id       uuid        NOT NULL,
    position       bigint      NOT NULL,
    due_at         timestamptz NOT NULL,
    -- As JSON; none when it is settled.
    command        text,
    correlation_id text        NOT NULL,
    traceparent    text,
    state          text        NOT NULL DEFAULT 'pending'
                               CHECK (state IN ('pending', 'done', 'cancelled', 'failed')),
    attempts       integer     NOT NULL DEFAULT 0,
    -- What the last attempt came to, when it failed.
    error          text,
    settled_at     timestamptz,
    PRIMARY KEY (policy, key, event_id)
);
CREATE INDEX due_next ON due (policy, due_at) WHERE state = 'pending';
CREATE INDEX due_failed ON due (policy) WHERE state = 'failed';

-- Events that a policy could not react to, and later ones of the same streams that wait behind them.
CREATE TABLE policy_parked (
    policy         text        NOT NULL,
    position       bigint      NOT NULL,
    aggregate_type text        NOT NULL,
    aggregate_id   uuid        NOT NULL,
    event_type     text        NOT NULL,
    -- Why it failed; none when it waits behind another, or is to be tried again.
    error          text,
    attempts       integer     NOT NULL,
    parked_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (policy, position)
);
CREATE INDEX policy_parked_by_stream ON policy_parked (policy, aggregate_id, position);

-- What policies have carried out is kept for ever (scope "policy" in its last six bytes), and stays
-- out of the index of what is pruned by its age.
DROP INDEX idempotency_by_age;
CREATE INDEX idempotency_by_age ON idempotency USING brin (created_at) WITH (pages_per_range = 32)
    WHERE scope <> '00000000-0000-0000-0000-706f6c696379'::uuid;
