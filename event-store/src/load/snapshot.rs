//! Snapshots: states of long streams, written behind the appends and never trusted blindly.
//!
//! A snapshot counts for the code that made it ([`domain::SHAPE`]) and for a past that ends with
//! the very event it names. Any other is written anew when its stream next passes a hundred.

use std::borrow::Cow;

use domain::streams::{StreamId, StreamKind};
use sqlx::PgPool;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::{LoadError, Point};
use crate::personal::{
    self, Keyring, Place, open_with, persons_to_open, persons_to_seal, seal_with,
};
use crate::wire::Row;

/// A snapshot is written whenever a stream passes a multiple of so many events.
const EVERY: u64 = 100;
/// What a snapshot is named where personal data in it is bound to its place.
const PLACE: &str = "snapshot";
/// The most snapshots that wait to be written; beyond, one is left out until the next hundred.
const MOST_WAITING: usize = 64;

/// Of which code the states are.
pub(crate) fn shape() -> &'static str {
    domain::SHAPE
}

/// A snapshot as it was stored.
pub(crate) struct Snapshot<'a> {
    version: u64,
    event_id: Uuid,
    state: &'a str,
}

impl<'a> Snapshot<'a> {
    pub(crate) fn read(row: &'a Row) -> Result<Self, LoadError> {
        Ok(Self {
            version: row.bigint(0)?.unsigned_abs(),
            event_id: row.uuid(1)?,
            state: row.text(2)?,
        })
    }

    /// The stream as the snapshot has it, or why it is of no use; the first of `rows` has to be
    /// its last event.
    pub(crate) async fn restore(
        self,
        stream: StreamId,
        kind: &StreamKind,
        rows: &[Row],
        keyring: &Keyring,
    ) -> Result<Result<Point, String>, LoadError> {
        let Some(last) = rows.first() else {
            return Ok(Err("its last event is not there".to_owned()));
        };
        if last.bigint(0)?.unsigned_abs() != self.version || last.uuid(5)? != self.event_id {
            return Ok(Err("its last event is another".to_owned()));
        }
        let mut point = Point::empty(kind);
        point.version = self.version;
        point.weight = self.state.len();
        point.stand_at(stream, last)?;
        if kind.opaque {
            return Ok(Ok(point));
        }
        let keys = keyring.for_opening(&persons_to_open(self.state)?).await?;
        let place = Place::in_stream(stream, PLACE);
        let state = match open_with(&keys, &place, self.state) {
            Ok(state) => state,
            Err(error) => return Ok(Err(error.to_string())),
        };
        if let Cow::Owned(_) = &state {
            point.held = point.held.and_now();
        }
        match (kind.restore)(&state) {
            Ok(state) => point.state = Some(state),
            Err(error) => return Ok(Err(error.to_string())),
        }
        Ok(Ok(point))
    }
}

/// A state to be written.
struct Due {
    stream: StreamId,
    kind: StreamKind,
    point: Point,
}

/// The way to the task that writes snapshots.
#[derive(Clone)]
pub(crate) struct Snapshots(mpsc::Sender<Due>);

impl Snapshots {
    /// Offers the state of a stream that grew from `before` events; it is written when it is due.
    pub(crate) fn grown(&self, stream: StreamId, kind: StreamKind, before: u64, point: &Point) {
        if before / EVERY != point.version / EVERY {
            self.offer(stream, kind, point);
        }
    }

    /// Offers the state of a stream that took so many events to load; it is written when they
    /// were many.
    pub(crate) fn loaded(&self, stream: StreamId, kind: StreamKind, folded: usize, point: &Point) {
        if folded as u64 >= EVERY {
            self.offer(stream, kind, point);
        }
    }

    fn offer(&self, stream: StreamId, kind: StreamKind, point: &Point) {
        if point.state.is_some() {
            let point = point.clone();
            // A full queue means that the database is busy: the next hundred will do.
            let _skipped = self.0.try_send(Due {
                stream,
                kind,
                point,
            });
        }
    }
}

/// Starts the task that writes snapshots; it ends when every [`Snapshots`] is gone.
pub(crate) fn start(pool: PgPool, keyring: Keyring) -> Snapshots {
    let (sender, mut receiver) = mpsc::channel(MOST_WAITING);
    tokio::spawn(async move {
        while let Some(due) = receiver.recv().await {
            if let Err(error) = write(&pool, &keyring, &due).await {
                // Without it the stream is loaded from its events: slower, and no less right.
                tracing::warn!(%error, stream = ?due.stream, "a snapshot was not written");
            }
        }
    });
    Snapshots(sender)
}

/// Why a snapshot was not written.
#[derive(Debug, thiserror::Error)]
enum WriteError {
    #[error(transparent)]
    State(#[from] domain::streams::FoldError),
    #[error(transparent)]
    Personal(#[from] personal::Error),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

async fn write(pool: &PgPool, keyring: &Keyring, due: &Due) -> Result<(), WriteError> {
    let Some(state) = &due.point.state else {
        return Ok(());
    };
    let Some(json) = (due.kind.save)(state)? else {
        return Ok(());
    };
    let keys = keyring.for_sealing(&persons_to_seal(&json)?).await?;
    let json = seal_with(&keys, &Place::in_stream(due.stream, PLACE), &json)?;
    sqlx::query(
        "INSERT INTO snapshots (aggregate_id, aggregate_type, shape, sequence, event_id, state) \
         VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (aggregate_id) DO UPDATE SET aggregate_type = excluded.aggregate_type, \
             shape = excluded.shape, sequence = excluded.sequence, \
             event_id = excluded.event_id, state = excluded.state \
         WHERE snapshots.shape <> excluded.shape OR snapshots.sequence < excluded.sequence",
    )
    .bind(due.stream.id)
    .bind(due.stream.aggregate_type)
    .bind(shape())
    .bind(due.point.version.cast_signed())
    .bind(due.point.last_event)
    .bind(json)
    .execute(pool)
    .await?;
    metrics::counter!("comptoir_snapshots_written_total").increment(1);
    Ok(())
}
