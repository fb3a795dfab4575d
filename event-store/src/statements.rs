//! The SQL of the append path: prepared once a connection, known by name afterwards.

/// What a session of the append path is set to. Plans are made once, maybe while a table is
/// empty, so that scans that would later read all of it are ruled out. A frozen writer must not
/// hold the lock of the log for ever.
pub(crate) const SETTINGS: &[(&str, &str)] = &[
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_seqscan", "off"),
    ("enable_bitmapscan", "off"),
    ("jit", "off"),
    // Times go through text once, in one form.
    ("datestyle", "ISO"),
    ("timezone", "UTC"),
    ("idle_in_transaction_session_timeout", "3000"),
];

pub(crate) const FENCE: &str = "fence";
pub(crate) const CHECK: &str = "check";
pub(crate) const EVENTS: &str = "events";
pub(crate) const RECORDS: &str = "records";
pub(crate) const EVENT: &str = "event";
pub(crate) const RECORD: &str = "record";
pub(crate) const BEGIN: &str = "begin";
pub(crate) const COMMIT: &str = "commit";
pub(crate) const ROLLBACK: &str = "rollback";
pub(crate) const LOCK: &str = "lock";
pub(crate) const RAISE_TERM: &str = "raise_term";
pub(crate) const HEAD: &str = "head";
pub(crate) const EVENT_OF: &str = "event_of";
pub(crate) const STREAMS: &str = "streams";
pub(crate) const DURABLE: &str = "durable";
pub(crate) const TAIL: &str = "tail";
pub(crate) const KEY: &str = "key";
pub(crate) const BEGIN_READ: &str = "begin_read";
pub(crate) const SNAPSHOT: &str = "snapshot";
pub(crate) const SINCE_SNAPSHOT: &str = "since_snapshot";

/// What a writer prepares.
pub(crate) const WRITER: &[(&str, &str)] = &[
    (BEGIN, "BEGIN"),
    (COMMIT, "COMMIT"),
    (ROLLBACK, "ROLLBACK"),
    // Division by zero where the batch may not follow: see the fence in `append/batch.rs`. What is
    // written is told to who listens, after the commit.
    (
        FENCE,
        "SELECT pg_notify('comptoir_log', ''), 1 / CASE WHEN term = $1::bigint AND $2::bigint = coalesce( \
             (SELECT e.position FROM events e ORDER BY e.position DESC LIMIT 1), 0) \
             THEN 1 ELSE 0 END \
         FROM epoch FOR NO KEY UPDATE OF epoch",
    ),
    (
        CHECK,
        "SELECT 1 / CASE WHEN $1::bigint = coalesce( \
             (SELECT e.position FROM events e ORDER BY e.position DESC LIMIT 1), 0) \
             THEN 1 ELSE 0 END",
    ),
    (
        EVENTS,
        "COPY events (position, aggregate_type, aggregate_id, sequence, event_type, \
             event_version, payload, metadata, event_id, recorded_at, occurred_at, partition, \
             leaf_hash) FROM STDIN (FORMAT binary)",
    ),
    (
        RECORDS,
        "COPY idempotency (id, scope, digest, answer, positions, created_at) \
         FROM STDIN (FORMAT binary)",
    ),
    // For a row or two, cheaper than COPY: that has the server answer before it takes data.
    (
        EVENT,
        "INSERT INTO events (position, aggregate_type, aggregate_id, sequence, event_type, \
             event_version, payload, metadata, event_id, recorded_at, occurred_at, partition, \
             leaf_hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    ),
    (
        RECORD,
        "INSERT INTO idempotency (id, scope, digest, answer, positions, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    ),
    (
        LOCK,
        "SELECT pg_notify('comptoir_log', '') FROM epoch FOR NO KEY UPDATE",
    ),
    (RAISE_TERM, "UPDATE epoch SET term = term + 1"),
    (HEAD, HEAD_SQL),
    (
        EVENT_OF,
        "SELECT event_id, position, recorded_at FROM events \
         WHERE aggregate_id = $1::uuid AND sequence = $2::bigint",
    ),
    // An answer means that the events are on disk.
    (
        DURABLE,
        "SELECT set_config('synchronous_commit', 'on', false) \
         WHERE current_setting('synchronous_commit') = 'off'",
    ),
    // Division by zero where a stream is not as it was taken to be.
    (
        STREAMS,
        "SELECT 1 / CASE WHEN EXISTS ( \
             SELECT 1 FROM unnest($1::uuid[], $2::bigint[]) AS known (id, version) \
             WHERE known.version <> coalesce((SELECT e.sequence FROM events e \
                 WHERE e.aggregate_id = known.id ORDER BY e.sequence DESC LIMIT 1), 0)) \
         THEN 0 ELSE 1 END",
    ),
    (TAIL, TAIL_SQL),
    (KEY, KEY_SQL),
];

/// What a reader prepares.
pub(crate) const READER: &[(&str, &str)] = &[
    // Everything in a flight is of one moment.
    (
        BEGIN_READ,
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    ),
    (COMMIT, "COMMIT"),
    (HEAD, HEAD_SQL),
    (TAIL, TAIL_SQL),
    (KEY, KEY_SQL),
    (
        SNAPSHOT,
        "SELECT sequence, event_id, state FROM snapshots \
         WHERE aggregate_id = $1::uuid AND aggregate_type = $2::text AND shape = $3::text",
    ),
    // From the last event of the snapshot on, which shows whether it is of this very past.
    (
        SINCE_SNAPSHOT,
        "SELECT sequence, payload, position, partition, occurred_at, event_id, aggregate_type, \
             event_type, event_version \
         FROM events WHERE aggregate_id = $1::uuid AND sequence >= coalesce( \
             (SELECT s.sequence FROM snapshots s WHERE s.aggregate_id = $1::uuid \
                  AND s.aggregate_type = $2::text AND s.shape = $3::text), 0) \
         ORDER BY sequence",
    ),
];

const HEAD_SQL: &str = "SELECT epoch.id, epoch.term, coalesce(last.position, 0), \
         coalesce(last.recorded_at, 'epoch') \
     FROM epoch LEFT JOIN LATERAL \
         (SELECT e.position, e.recorded_at FROM events e ORDER BY e.position DESC LIMIT 1) \
         AS last ON true";

const TAIL_SQL: &str = "SELECT sequence, payload, position, partition, occurred_at, event_id, \
         aggregate_type, event_type, event_version \
     FROM events WHERE aggregate_id = $1::uuid AND sequence > $2::bigint ORDER BY sequence";

const KEY_SQL: &str = "SELECT digest, answer, positions FROM idempotency WHERE id = $1::uuid";
