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
pub(crate) const NOTIFY: &str = "notify";
pub(crate) const BEGIN: &str = "begin";
pub(crate) const COMMIT: &str = "commit";
pub(crate) const ROLLBACK: &str = "rollback";
pub(crate) const LOCK: &str = "lock";
pub(crate) const RAISE_TERM: &str = "raise_term";
pub(crate) const HEAD: &str = "head";
pub(crate) const EVENT_OF: &str = "event_of";
pub(crate) const TAKE: &str = "take";
pub(crate) const STAND: &str = "stand";
pub(crate) const COUNTED_EVENTS: &str = "counted_events";
pub(crate) const COUNTED_RECORDS: &str = "counted_records";
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
    // Division by zero where the batch may not follow: see the fence in `append/batch.rs`.
    (
        FENCE,
        "SELECT 1 / CASE WHEN term = $1::bigint AND $2::bigint = coalesce( \
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
    (NOTIFY, "SELECT pg_notify('comptoir_log', '')"),
    (LOCK, "SELECT id, term FROM epoch FOR NO KEY UPDATE"),
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
    (
        TAKE,
        "SELECT 1 / CASE WHEN term = $1::bigint THEN 1 ELSE 0 END FROM epoch \
         FOR NO KEY UPDATE OF epoch",
    ),
    // Where the log ends, if the streams are as they were taken to be; and the time of what is
    // stored now, by the server's clock, since batches that wait for the lock may overtake each
    // other.
    (
        STAND,
        "SELECT epoch, position, recorded_at, \
             set_config('comptoir.recorded_at', recorded_at::text, true), \
             1 / CASE WHEN EXISTS ( \
                 SELECT 1 FROM unnest($1::uuid[], $2::bigint[]) AS known (id, version) \
                 WHERE known.version <> coalesce((SELECT e.sequence FROM events e \
                     WHERE e.aggregate_id = known.id ORDER BY e.sequence DESC LIMIT 1), 0)) \
             THEN 0 ELSE 1 END \
         FROM (SELECT epoch, position, greatest(head.recorded_at, clock_timestamp()) \
                   AS recorded_at FROM head) AS standing",
    ),
    // Positions come as -1, -2, …, and count from the end of the log.
    (
        COUNTED_RECORDS,
        "INSERT INTO idempotency (id, scope, digest, answer, positions, created_at) \
         SELECT new.id, new.scope, new.digest, new.answer, \
             coalesce((SELECT array_agg(CASE WHEN p < 0 THEN head.position - p ELSE p END) \
              FROM unnest(new.positions::bigint[]) AS p), '{}'), \
             current_setting('comptoir.recorded_at')::timestamptz \
         FROM head, unnest($1::uuid[], $2::uuid[], $3::bytea[], $4::text[], $5::text[], \
             $6::timestamptz[]) AS new (id, scope, digest, answer, positions, created_at)",
    ),
    (COUNTED_EVENTS, COUNTED_EVENTS_SQL),
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

/// Inserts events whose time and leaf hash the server fills in: what [`crate::leaf_hash`] says,
/// in SQL. An event that happened earlier brings its own time; else it happened now.
const COUNTED_EVENTS_SQL: &str = "\
    INSERT INTO events (position, aggregate_type, aggregate_id, sequence, event_type, \
        event_version, payload, metadata, event_id, recorded_at, occurred_at, partition, \
        leaf_hash) \
    SELECT base.position - new.position, new.type, new.id, new.sequence, new.event_type, \
        new.event_version, new.payload, new.metadata, new.event_id, base.recorded_at, \
        times.occurred_at, new.partition, \
        sha256('\\x00'::bytea \
            || int8send(octet_length(new.type)) || convert_to(new.type, 'UTF8') \
            || uuid_send(new.id) || int8send(new.sequence) \
            || int8send(octet_length(new.event_type)) || convert_to(new.event_type, 'UTF8') \
            || int8send(octet_length(new.event_version)) || convert_to(new.event_version, 'UTF8') \
            || int8send(octet_length(new.payload)) || convert_to(new.payload, 'UTF8') \
            || int8send(octet_length(new.metadata)) || convert_to(new.metadata, 'UTF8') \
            || uuid_send(new.event_id) \
            || int8send((extract(epoch FROM base.recorded_at) * 1000000)::bigint) \
            || int8send((extract(epoch FROM times.occurred_at) * 1000000)::bigint)) \
    FROM (SELECT position, current_setting('comptoir.recorded_at')::timestamptz AS recorded_at \
              FROM head OFFSET 0) AS base, \
        unnest($1::bigint[], $2::text[], $3::uuid[], $4::bigint[], $5::text[], $6::text[], \
            $7::text[], $8::text[], $9::uuid[], $10::timestamptz[], $11::timestamptz[], \
            $12::integer[], $13::bytea[]) \
            AS new (position, type, id, sequence, event_type, event_version, payload, metadata, \
                event_id, unrecorded, occurred_at, partition, unhashed), \
        LATERAL (SELECT coalesce(new.occurred_at, base.recorded_at) AS occurred_at) AS times";
