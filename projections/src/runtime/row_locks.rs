//! Locks of rows that several streams touch. Batches of different partitions take turns at such a
//! row, from before it is loaded until it is committed, also where it is not there yet.
//!
//! A row's lock is one of a fixed number, by a hash of its table and key: PostgreSQL has room for
//! some 6,400 locks as it comes, and a batch touches any number of rows. They are taken in the order
//! of their numbers, those of all tables of a transaction by one statement, behind the watermarks.
//! So no two transactions wait for each other.

use event_store::RecordedEvent;
use serde::Serialize;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;

use super::projection::Registered;
use super::slot::Slot;

/// How many locks there are, for all tables of a database.
const COUNT: u32 = 2_048;

/// Takes locks, given in order, until the transaction ends. 4716 sets them apart from others.
pub(super) const LOCK: &str =
    "SELECT pg_advisory_xact_lock(4716, row_lock) FROM unnest($1::integer[]) AS row_lock";

/// The locks of the rows of `relation` that have these keys. A key that is no JSON has no row, and
/// is told of when it is loaded.
pub(super) fn of<'a, K: Serialize + 'a>(
    relation: &str,
    keys: impl IntoIterator<Item = &'a K>,
) -> Vec<i32> {
    let keys = keys.into_iter();
    let keys = keys.filter_map(|key| serde_json::to_string(key).ok());
    keys.map(|key| number(relation, &key)).collect()
}

/// The same in every process, whatever it was compiled with.
fn number(relation: &str, key: &str) -> i32 {
    let digest = Sha256::digest(format!("{relation} {key}"));
    let [a, b, c, d] = [digest[0], digest[1], digest[2], digest[3]];
    (u32::from_be_bytes([a, b, c, d]) % COUNT).cast_signed()
}

/// Locks as they are to be taken.
pub(super) fn in_order(locks: impl IntoIterator<Item = i32>) -> Vec<i32> {
    let mut locks: Vec<i32> = locks.into_iter().collect();
    locks.sort_unstable();
    locks.dedup();
    locks
}

/// Takes `locks` until the transaction ends.
pub(super) async fn take(
    connection: &mut PgConnection,
    locks: Vec<i32>,
) -> Result<(), sqlx::Error> {
    if locks.is_empty() {
        return Ok(());
    }
    let lock = sqlx::query(LOCK).bind(in_order(locks));
    lock.execute(connection).await?;
    Ok(())
}

impl Registered {
    /// The locks of the rows of its live table that `events` touch; none where each row belongs to
    /// one stream, whose partition is locked.
    pub(super) fn row_locks<'e>(
        &self,
        events: impl IntoIterator<Item = &'e RecordedEvent>,
    ) -> Vec<i32> {
        if !self.across_streams {
            return Vec::new();
        }
        let events = events.into_iter();
        let events: Vec<&RecordedEvent> = events
            .filter(|event| event.aggregate_type == self.aggregate_type)
            .collect();
        (self.begin)(&self.relation(Slot::Live), &events, None).row_locks()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever takes locks of the same rows, in whatever order it met them, takes them in one order.
    #[test]
    fn locks_of_several_tables_are_taken_in_one_order() {
        let (one, other) = (
            of("read.a", &["x", "y", "z"]),
            of("read.b", &["x", "y", "z"]),
        );
        assert_ne!(one, other);
        let there = in_order([one.clone(), other.clone()].concat());
        let back = [other, one.clone(), one];
        let back = in_order(back.concat().into_iter().rev());
        assert_eq!(there, back);
        assert!(there.is_sorted());
        assert_eq!(there.len(), 6);
    }
}
