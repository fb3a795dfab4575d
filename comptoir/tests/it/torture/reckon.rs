//! The reckoning: the whole log, event by event, against the laws and the journals.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use domain::streams::StreamId;
use event_store::idempotency::stored_as;
use event_store::partition::partition_of;
use event_store::{Log, Position, RecordedEvent, leaf_hash, read};
use sqlx::Row;
use uuid::Uuid;

use super::calls::{self, attempt_of};
use super::commands::{Command, key_of, payload};
use super::ledger::Ledger;
use super::reader::Seen;

const PAGE: i64 = 5_000;
/// Of how many stored answers every one is asked for as a service does; of more, so many.
const ASKED: usize = 3_000;

/// What the log holds of each command: how many events of which stream, and the last position.
type Stored = HashMap<Uuid, Vec<(Uuid, usize, Position)>>;

/// The log as it was walked.
#[derive(Default)]
pub struct Walk {
    pub position: Position,
    pub streams: HashMap<Uuid, i64>,
    recorded_at: DateTime<Utc>,
    /// The longest time in which nothing was recorded.
    pub silence: TimeDelta,
    stored: Stored,
}

/// Checks everything.
///
/// # Panics
/// When a law was broken.
pub async fn reckon(log: &Log, seed: u64, ledger: &Ledger, readers: &[Seen]) -> Walk {
    let mut walk = Walk::default();
    loop {
        let events = read::after(log.pool(), walk.position, PAGE).await.unwrap();
        if events.is_empty() {
            break;
        }
        let hashes = hashes(log, walk.position).await;
        for (event, hash) in events.iter().zip(&hashes) {
            walk.step(event);
            assert_eq!(leaf_hash(event).as_slice(), hash, "{event:?}");
            for seen in readers {
                let there = seen.events.get(event.position as usize - 1);
                assert_eq!(there, Some(&event.event_id), "a reader saw another");
            }
        }
    }
    let head = "SELECT position, recorded_at FROM head";
    let head = sqlx::query(head).fetch_one(log.pool()).await.unwrap();
    assert_eq!(head.get::<i64, _>("position"), walk.position, "the head");
    assert_eq!(
        head.get::<DateTime<Utc>, _>("recorded_at"),
        walk.recorded_at
    );
    compare(seed, ledger, &walk.stored);
    answers(log, ledger).await;
    walk
}

impl Walk {
    fn step(&mut self, event: &RecordedEvent) {
        assert_eq!(event.position, self.position + 1, "positions have a hole");
        let version = self.streams.entry(event.aggregate_id).or_default();
        assert_eq!(
            event.sequence,
            *version + 1,
            "versions have a hole: {event:?}"
        );
        assert!(event.recorded_at >= self.recorded_at, "{event:?} went back");
        let partition = partition_of(event.aggregate_id, 6).cast_signed();
        assert_eq!(event.partition, partition, "{event:?}");
        if self.position > 0 {
            self.silence = self.silence.max(event.recorded_at - self.recorded_at);
        }
        *version += 1;
        self.position = event.position;
        self.recorded_at = event.recorded_at;
        let key = key_of(&event.payload);
        assert_eq!(event.payload, payload(key), "not as it was sent");
        let parts = self.stored.entry(key).or_default();
        match parts.iter_mut().find(|part| part.0 == event.aggregate_id) {
            Some(part) => (part.1, part.2) = (part.1 + 1, event.position),
            None => parts.push((event.aggregate_id, 1, event.position)),
        }
    }
}

async fn hashes(log: &Log, after: Position) -> Vec<Vec<u8>> {
    let sql = "SELECT leaf_hash FROM events WHERE position > $1 ORDER BY position LIMIT $2";
    let query = sqlx::query_scalar(sql).bind(after).bind(PAGE);
    query.fetch_all(log.pool()).await.unwrap()
}

/// Laws 2 and 3: every command is there, whole and once, and nothing else is.
fn compare(seed: u64, ledger: &Ledger, stored: &Stored) {
    for key in stored.keys() {
        assert!(ledger.sent.contains(key), "nobody sent {key}");
    }
    for key in &ledger.sent {
        let command = Command::of(seed, *key);
        let told = ledger.told.get(key);
        let told = told.unwrap_or_else(|| panic!("{command:?} was never answered"));
        let found = stored.get(key);
        let found = found.unwrap_or_else(|| panic!("{command:?} was acknowledged and is lost"));
        let count = |(stream, events): &(StreamId, usize)| (stream.id, *events);
        let mut wanted: Vec<(Uuid, usize)> = command.parts.iter().map(count).collect();
        let mut there: Vec<(Uuid, usize)> = found.iter().map(|part| (part.0, part.1)).collect();
        wanted.sort_unstable();
        there.sort_unstable();
        assert_eq!(there, wanted, "not whole, or not once: {command:?}");
        let mut positions: Vec<Position> = found.iter().map(|part| part.2).collect();
        positions.sort_unstable();
        assert_eq!(positions, told.positions, "{command:?}");
        let attempt = attempt_of(&told.answer);
        let refused = ledger.refused.contains(&attempt);
        assert!(
            !refused,
            "stored, though it was said to be not: {command:?}"
        );
        if let Some(after) = ledger.after.get(key) {
            let told = "stands before one that was acknowledged before it was sent";
            assert!(positions[0] > *after, "{command:?} {told}");
        }
    }
}

/// Law 4: one record a command, and the stored answer is the one that was given, to the byte.
async fn answers(log: &Log, ledger: &Ledger) {
    let sql = "SELECT id, answer FROM idempotency \
         WHERE scope = $1 AND id > $2 ORDER BY id LIMIT $3";
    let every = ledger.told.len().div_ceil(ASKED);
    let names = ledger.told.keys().map(|key| {
        let (_, name) = stored_as(calls::SCOPE, &key.to_string());
        (name, *key)
    });
    let names: HashMap<Uuid, Uuid> = names.collect();
    let (scope, _) = stored_as(calls::SCOPE, "");
    let (mut last, mut count) = (Uuid::nil(), 0);
    loop {
        let query = sqlx::query(sql).bind(scope).bind(last).bind(PAGE);
        let rows = query.fetch_all(log.pool()).await.unwrap();
        let Some(end) = rows.last() else { break };
        last = end.get("id");
        for row in rows {
            let key = names[&row.get::<Uuid, _>("id")];
            let told = &ledger.told[&key];
            assert_eq!(row.get::<&str, _>("answer"), told.answer, "{key}");
            if count % every == 0 {
                let asked = calls::stored(log, key, 0).await.unwrap().unwrap();
                assert_eq!(asked.answer, told.answer, "{key}");
                assert_eq!(asked.positions, told.positions, "{key}");
            }
            count += 1;
        }
    }
    assert_eq!(count, ledger.told.len(), "records of keys");
}
