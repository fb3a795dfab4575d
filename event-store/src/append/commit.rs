//! One transaction for a batch of commands.
//!
//! The head row is locked first, so that batches of all processes follow one another and every
//! check below sees what was committed before. A conflict costs its own command alone.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use chrono::{DateTime, SubsecRound, Utc};
use domain::streams::StreamId;
use sqlx::{PgConnection, PgPool, Row};
use uuid::Uuid;

use super::queue::Waiting;
use super::{Append, AppendError, Appended, Mark, StreamAppend};
use crate::database::is_away;
use crate::leaf::leaf_hash;
use crate::log::Topics;
use crate::partition::{context_of, partition_of};
use crate::recorded::{Position, RecordedEvent};
use crate::wake;

/// How long a broken commit is looked into before its callers hear that nobody knows.
const RESOLVE_LIMIT: Duration = Duration::from_secs(20);
const RESOLVE_PAUSE: Duration = Duration::from_millis(200);

type Outcome = Result<Appended, AppendError>;

/// Commits batches, one after the other.
pub(super) struct Committer {
    pool: PgPool,
    topics: Topics,
}

/// The head of the log, locked.
struct Head {
    position: Position,
    recorded_at: DateTime<Utc>,
}

/// What a batch wrote, so that a broken commit can be looked up.
enum Trace {
    Event { position: Position, event_id: Uuid },
    Record { scope: String, key: String },
    Nothing,
}

/// How a batch failed.
enum Failure {
    /// Before its commit: nothing is stored.
    Before(sqlx::Error),
    /// During its commit.
    During(Vec<Outcome>, Trace),
}

impl Committer {
    pub(super) fn new(pool: PgPool, topics: Topics) -> Self {
        Self { pool, topics }
    }

    /// Commits the batch and answers each of its commands.
    pub(super) async fn commit(&self, batch: Vec<Waiting>) {
        let appends: Vec<&Append> = batch.iter().map(|waiting| &waiting.append).collect();
        let outcomes = match self.store(&appends).await {
            Ok(outcomes) => outcomes,
            Err(Failure::Before(error)) if is_away(&error) => {
                let away = AppendError::Away(error.to_string());
                vec![Err(away); batch.len()]
            }
            Err(Failure::Before(error)) => self.store_singly(&appends, error).await,
            Err(Failure::During(outcomes, trace)) => self.resolve(outcomes, trace).await,
        };
        for (waiting, outcome) in batch.into_iter().zip(outcomes) {
            // A caller that has gone does not undo what is stored.
            let _gone = waiting.answer.send(outcome);
        }
    }

    /// The database refused the batch: each command is tried alone, so that only the one at fault
    /// is answered so.
    async fn store_singly(&self, appends: &[&Append], error: sqlx::Error) -> Vec<Outcome> {
        tracing::error!(%error, commands = appends.len(), "a batch was refused");
        if appends.len() == 1 {
            return vec![Err(AppendError::Fault(error.to_string()))];
        }
        let mut outcomes = Vec::with_capacity(appends.len());
        for append in appends {
            let outcome = match self.store(&[append]).await {
                Ok(mut alone) => alone.swap_remove(0),
                Err(Failure::Before(error)) if is_away(&error) => {
                    Err(AppendError::Away(error.to_string()))
                }
                Err(Failure::Before(error)) => Err(AppendError::Fault(error.to_string())),
                Err(Failure::During(alone, trace)) => {
                    self.resolve(alone, trace).await.swap_remove(0)
                }
            };
            outcomes.push(outcome);
        }
        outcomes
    }

    async fn store(&self, appends: &[&Append]) -> Result<Vec<Outcome>, Failure> {
        let before = Failure::Before;
        let mut tx = self.pool.begin().await.map_err(before)?;
        let head = lock_head(&mut tx).await.map_err(before)?;
        let used = used_keys(&mut tx, appends).await.map_err(before)?;
        let versions = versions(&mut tx, appends).await.map_err(before)?;
        let mut batch = Batch::new(head, used, versions);
        let outcomes: Vec<Outcome> = appends
            .iter()
            .map(|append| batch.add(append, &self.topics))
            .collect();
        batch.write(&mut tx).await.map_err(before)?;
        let trace = batch.trace();
        match tx.commit().await {
            Ok(()) => Ok(outcomes),
            Err(error) => {
                tracing::warn!(%error, "a commit broke");
                Err(Failure::During(outcomes, trace))
            }
        }
    }

    /// Finds out whether a commit that broke took place. The head row is locked first: the old
    /// transaction has it until it has ended one way or the other.
    async fn resolve(&self, outcomes: Vec<Outcome>, trace: Trace) -> Vec<Outcome> {
        let deadline = tokio::time::Instant::now() + RESOLVE_LIMIT;
        loop {
            match self.find(&trace).await {
                Ok(true) => return outcomes,
                Ok(false) => {
                    let away = AppendError::Away("the commit broke".to_owned());
                    return refuse_stored(outcomes, &away);
                }
                Err(error) if tokio::time::Instant::now() < deadline => {
                    tracing::warn!(%error, "waiting to learn how a broken commit ended");
                    tokio::time::sleep(RESOLVE_PAUSE).await;
                }
                Err(_) => return refuse_stored(outcomes, &AppendError::Unknown),
            }
        }
    }

    async fn find(&self, trace: &Trace) -> Result<bool, sqlx::Error> {
        let mut tx = self.pool.begin().await?;
        lock_head(&mut tx).await?;
        let query = match trace {
            Trace::Nothing => return Ok(true),
            Trace::Event { position, event_id } => {
                sqlx::query("SELECT 1 FROM events WHERE position = $1 AND event_id = $2")
                    .bind(*position)
                    .bind(*event_id)
            }
            Trace::Record { scope, key } => {
                sqlx::query("SELECT 1 FROM idempotency WHERE scope = $1 AND key = $2")
                    .bind(scope.clone())
                    .bind(key.clone())
            }
        };
        Ok(query.fetch_optional(&mut *tx).await?.is_some())
    }
}

/// Outcomes of a batch that was not committed: its refusals stand, its successes do not.
fn refuse_stored(outcomes: Vec<Outcome>, error: &AppendError) -> Vec<Outcome> {
    outcomes
        .into_iter()
        .map(|outcome| outcome.and(Err(error.clone())))
        .collect()
}

async fn lock_head(connection: &mut PgConnection) -> Result<Head, sqlx::Error> {
    let row = sqlx::query("SELECT position, recorded_at FROM head FOR UPDATE")
        .fetch_one(connection)
        .await?;
    Ok(Head {
        position: row.try_get("position")?,
        recorded_at: row.try_get("recorded_at")?,
    })
}

async fn used_keys(
    connection: &mut PgConnection,
    appends: &[&Append],
) -> Result<HashSet<(String, String)>, sqlx::Error> {
    let records = appends
        .iter()
        .filter_map(|append| append.idempotency.as_ref());
    let (scopes, keys): (Vec<&str>, Vec<&str>) = records
        .map(|record| (record.scope.as_str(), record.key.as_str()))
        .unzip();
    if keys.is_empty() {
        return Ok(HashSet::new());
    }
    let rows = sqlx::query(
        "SELECT scope, key FROM idempotency \
         JOIN unnest($1::text[], $2::text[]) AS asked (scope, key) USING (scope, key)",
    )
    .bind(scopes)
    .bind(keys)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| Ok((row.try_get("scope")?, row.try_get("key")?)))
        .collect()
}

/// How many events each stream of the batch has.
async fn versions(
    connection: &mut PgConnection,
    appends: &[&Append],
) -> Result<HashMap<StreamId, u64>, sqlx::Error> {
    let distinct: HashSet<StreamId> = appends
        .iter()
        .flat_map(|append| append.streams.iter().map(|stream| stream.stream))
        .collect();
    if distinct.is_empty() {
        return Ok(HashMap::new());
    }
    let streams: Vec<StreamId> = distinct.into_iter().collect();
    let types: Vec<&str> = streams.iter().map(|stream| stream.aggregate_type).collect();
    let ids: Vec<Uuid> = streams.iter().map(|stream| stream.id).collect();
    // A correlated subselect with LIMIT keeps the plan an index probe a stream, whatever the
    // planner knows of the table.
    let rows = sqlx::query(
        "SELECT COALESCE((SELECT e.sequence FROM events e \
             WHERE e.aggregate_id = asked.id AND e.aggregate_type = asked.type \
             ORDER BY e.sequence DESC LIMIT 1), 0) AS version \
         FROM unnest($1::text[], $2::uuid[]) WITH ORDINALITY AS asked (type, id, place) \
         ORDER BY asked.place",
    )
    .bind(types)
    .bind(ids)
    .fetch_all(connection)
    .await?;
    streams
        .into_iter()
        .zip(&rows)
        .map(|(stream, row)| Ok((stream, row.try_get::<i64, _>("version")?.unsigned_abs())))
        .collect()
}

/// What the accepted commands of a batch write.
struct Batch<'a> {
    position: Position,
    recorded_at: DateTime<Utc>,
    used: HashSet<(String, String)>,
    versions: HashMap<StreamId, u64>,
    events: Vec<RecordedEvent>,
    records: Vec<(&'a Append, Vec<Position>)>,
}

impl<'a> Batch<'a> {
    fn new(head: Head, used: HashSet<(String, String)>, versions: HashMap<StreamId, u64>) -> Self {
        Self {
            position: head.position,
            // PostgreSQL keeps microseconds; the clock may have been set back.
            recorded_at: Utc::now().trunc_subsecs(6).max(head.recorded_at),
            used,
            versions,
            events: Vec::new(),
            records: Vec::new(),
        }
    }

    fn add(&mut self, append: &'a Append, topics: &Topics) -> Outcome {
        if let Some(record) = &append.idempotency {
            let key = (record.scope.clone(), record.key.clone());
            if self.used.contains(&key) {
                return Err(AppendError::KeyUsed);
            }
        }
        for stream in &append.streams {
            let actual = self.versions.get(&stream.stream).copied().unwrap_or(0);
            if actual != stream.expected_version {
                return Err(AppendError::Conflict {
                    stream: stream.stream,
                    expected: stream.expected_version,
                    actual,
                });
            }
        }
        let metadata = append.metadata.to_json();
        let mut marks = Vec::with_capacity(append.streams.len());
        for stream in &append.streams {
            marks.push(self.add_stream(append, stream, &metadata, topics)?);
        }
        if let Some(record) = &append.idempotency {
            let key = (record.scope.clone(), record.key.clone());
            self.used.insert(key);
            let read = record.positions.iter().copied();
            let written = marks.iter().map(|mark| mark.position);
            self.records.push((append, read.chain(written).collect()));
        }
        Ok(Appended { marks })
    }

    fn add_stream(
        &mut self,
        append: &Append,
        stream: &StreamAppend,
        metadata: &str,
        topics: &Topics,
    ) -> Result<Mark, AppendError> {
        let context = context_of(stream.stream.aggregate_type);
        let partitions = topics.partitions(context).ok_or_else(|| {
            AppendError::Fault(format!("the log has no topic for the context {context}"))
        })?;
        let partition = i32::try_from(partition_of(stream.stream.id, partitions))
            .map_err(|error| AppendError::Fault(error.to_string()))?;
        let mut version = stream.expected_version;
        for event in &stream.events {
            version += 1;
            self.position += 1;
            self.events.push(RecordedEvent {
                position: self.position,
                event_id: Uuid::now_v7(),
                aggregate_type: stream.stream.aggregate_type.to_owned(),
                aggregate_id: stream.stream.id,
                sequence: version.cast_signed(),
                event_type: event.event_type.to_owned(),
                event_version: event.event_version.to_string(),
                payload: event.payload.clone(),
                metadata: metadata.to_owned(),
                recorded_at: self.recorded_at,
                occurred_at: append
                    .occurred_at
                    .map_or(self.recorded_at, |time| time.trunc_subsecs(6)),
                partition,
            });
        }
        self.versions.insert(stream.stream, version);
        Ok(Mark {
            context: context.to_owned(),
            partition,
            position: self.position,
        })
    }

    async fn write(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        self.insert_records(connection).await?;
        if self.events.is_empty() {
            return Ok(());
        }
        self.insert_events(connection).await?;
        sqlx::query(
            "WITH moved AS (UPDATE head SET position = $1, recorded_at = $2 RETURNING position) \
             SELECT pg_notify($3, position::text) FROM moved",
        )
        .bind(self.position)
        .bind(self.recorded_at)
        .bind(wake::LOG)
        .execute(connection)
        .await?;
        Ok(())
    }

    async fn insert_events(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        fn column<'e, T>(
            events: &'e [RecordedEvent],
            of: impl Fn(&'e RecordedEvent) -> T,
        ) -> Vec<T> {
            events.iter().map(of).collect()
        }
        let events = &self.events;
        sqlx::query(
            "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, \
                 event_version, payload, metadata, position, event_id, recorded_at, occurred_at, \
                 partition, leaf_hash) \
             SELECT type, id, sequence, event_type, event_version, payload::json, metadata::json, \
                 position, event_id, $10, occurred_at, partition, leaf_hash \
             FROM unnest($1::text[], $2::uuid[], $3::bigint[], $4::text[], $5::text[], \
                 $6::text[], $7::text[], $8::bigint[], $9::uuid[], $11::timestamptz[], \
                 $12::integer[], $13::bytea[]) \
             AS new (type, id, sequence, event_type, event_version, payload, metadata, position, \
                 event_id, occurred_at, partition, leaf_hash)",
        )
        .bind(column(events, |event| event.aggregate_type.as_str()))
        .bind(column(events, |event| event.aggregate_id))
        .bind(column(events, |event| event.sequence))
        .bind(column(events, |event| event.event_type.as_str()))
        .bind(column(events, |event| event.event_version.as_str()))
        .bind(column(events, |event| event.payload.as_str()))
        .bind(column(events, |event| event.metadata.as_str()))
        .bind(column(events, |event| event.position))
        .bind(column(events, |event| event.event_id))
        .bind(self.recorded_at)
        .bind(column(events, |event| event.occurred_at))
        .bind(column(events, |event| event.partition))
        .bind(column(events, |event| leaf_hash(event).to_vec()))
        .execute(connection)
        .await?;
        Ok(())
    }

    async fn insert_records(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        for (append, positions) in &self.records {
            let Some(record) = &append.idempotency else {
                continue;
            };
            sqlx::query(
                "INSERT INTO idempotency (scope, key, digest, answer, positions, created_at) \
                 VALUES ($1, $2, $3, $4::json, $5, $6)",
            )
            .bind(&record.scope)
            .bind(&record.key)
            .bind(record.digest.as_slice())
            .bind(&record.answer)
            .bind(positions)
            .bind(self.recorded_at)
            .execute(&mut *connection)
            .await?;
        }
        Ok(())
    }

    fn trace(&self) -> Trace {
        if let Some(event) = self.events.first() {
            return Trace::Event {
                position: event.position,
                event_id: event.event_id,
            };
        }
        let record = self.records.first();
        match record.and_then(|(append, _)| append.idempotency.as_ref()) {
            Some(record) => Trace::Record {
                scope: record.scope.clone(),
                key: record.key.clone(),
            },
            None => Trace::Nothing,
        }
    }
}
