//! Finding the events whose rows the database refuses, among many whose rows it takes.

use std::collections::{BTreeMap, BTreeSet};

use event_store::RecordedEvent;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::apply::{Applied, ApplyError, Failed};
use super::projection::Registered;

impl Registered {
    /// Applies `events`, oldest first in each stream, to the table `relation`, given with its schema.
    /// What is refused is halved until the events at fault are found, stream by stream and then
    /// event by event: one among a thousand costs some twenty attempts. An event that fails ends
    /// its stream.
    ///
    /// # Errors
    /// When the database is away, or refuses for a reason that no single event has.
    pub async fn apply(
        &self,
        connection: &mut PgConnection,
        relation: &str,
        events: &[&RecordedEvent],
    ) -> Result<Applied, ApplyError> {
        let (mut changed, mut failed) = (0, BTreeMap::<Uuid, Failed>::new());
        let mut parts = vec![(0..events.len()).collect::<Vec<usize>>()];
        while let Some(mut part) = parts.pop() {
            part.retain(|index| !failed.contains_key(&events[*index].aggregate_id));
            if part.is_empty() {
                continue;
            }
            let chosen: Vec<&RecordedEvent> = part.iter().map(|index| events[*index]).collect();
            let mut savepoint = connection.begin().await?;
            match self.apply_at_once(&mut savepoint, relation, &chosen).await {
                Ok(applied) => {
                    savepoint.commit().await?;
                    changed += applied.changed;
                    failed.extend(applied.failed.into_iter().map(|one| {
                        let index = part[one.index];
                        (events[index].aggregate_id, Failed { index, ..one })
                    }));
                }
                Err(error) if error.is_of_an_event() => {
                    savepoint.rollback().await?;
                    if let [index] = part[..] {
                        failed.insert(events[index].aggregate_id, Failed { index, error });
                    } else {
                        let (first, second) = halves(part, events);
                        parts.extend([second, first]);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        let failed = failed.into_values().collect();
        Ok(Applied { changed, failed })
    }
}

/// Half of the streams of `part` and the other half; of a single stream, its first events and its
/// last.
fn halves(part: Vec<usize>, events: &[&RecordedEvent]) -> (Vec<usize>, Vec<usize>) {
    let streams: BTreeSet<Uuid> = part.iter().map(|one| events[*one].aggregate_id).collect();
    if streams.len() == 1 {
        let (first, second) = part.split_at(part.len() / 2);
        return (first.to_vec(), second.to_vec());
    }
    let first: BTreeSet<Uuid> = streams.iter().take(streams.len() / 2).copied().collect();
    part.into_iter()
        .partition(|one| first.contains(&events[*one].aggregate_id))
}
