//! What a projector tells those who wait for its tables: where they are, so that nobody has to look.

use event_store::Position;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::checkpoint::Reached;

/// PostgreSQL takes no longer notification.
const LONGEST: usize = 7_999;

/// Live tables that have moved on, with nothing parked: what a notification on [`READ`](super::READ)
/// says, as JSON. One that says nothing means that anything may have changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// The log that they are made from.
    pub epoch: Uuid,
    /// The projections and their versions.
    pub tables: Vec<(String, i32)>,
    /// Contexts, partitions, and the position up to where each of the tables has everything.
    pub reached: Vec<(String, i32, Position)>,
}

impl Moved {
    /// Tables of `epoch`, by name and version, have `reached` this.
    pub(super) fn to(
        epoch: Uuid,
        (names, versions): (&[&str], &[i32]),
        reached: &Reached<'_>,
    ) -> Self {
        let owned = |(name, number): (&&str, &i32)| ((*name).to_owned(), *number);
        let places = reached.contexts.iter().zip(&reached.partitions).map(owned);
        let places = places.zip(&reached.positions);
        Self {
            epoch,
            tables: names.iter().zip(versions).map(owned).collect(),
            reached: places
                .map(|((context, partition), position)| (context, partition, *position))
                .collect(),
        }
    }

    /// As a notification says it.
    pub(super) fn said(&self) -> String {
        let said = serde_json::to_string(self).unwrap_or_default();
        if said.len() > LONGEST {
            return String::new();
        }
        said
    }

    /// What a notification says; none when anything may have changed.
    pub fn heard(said: &str) -> Option<Self> {
        serde_json::from_str(said).ok()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn moved(partitions: i32) -> Moved {
        Moved {
            epoch: Uuid::from_u128(7),
            tables: vec![("nights".to_owned(), 2)],
            reached: (0..partitions)
                .map(|partition| ("hotels".to_owned(), partition, 9_000_000_000))
                .collect(),
        }
    }

    #[test]
    fn what_is_said_is_heard() {
        let moved = moved(12);
        assert_eq!(Moved::heard(&moved.said()), Some(moved));
    }

    #[test]
    fn what_is_too_long_for_a_notification_is_not_said_and_nothing_may_mean_anything() {
        assert_eq!(moved(1_000).said(), "");
        assert_eq!(Moved::heard(""), None);
    }
}
