//! The fold of a replay: bare table, rows, indexes, as a rebuild makes its shadow.

use event_store::FrozenLog;
use event_store::as_of::Moment;
use sqlx::Executor;

use super::{Error, in_order};
use crate::rebuild::fill::{self, Parked};
use crate::rebuild::progress::{Step, Teller};
use crate::rebuild::{self, Databases, shadow};
use crate::runtime::{ApplyError, Registered};

/// Folds the log up to `moment` into the table `relation`, given with its schema, which is bare;
/// gives what could not be folded.
pub(super) async fn fold(
    databases: &Databases,
    (projection, relation): (&Registered, &str),
    moment: &Moment,
    workers: usize,
    teller: &Teller,
) -> Result<Vec<Parked>, Error> {
    let read = &databases.read;
    let into = (projection, relation);
    let log = FrozenLog::take_up_to(&databases.log, moment.position).await;
    let mut log = log.map_err(rebuild::Error::from)?;
    if (log.epoch(), log.head()) != (moment.epoch, moment.position) {
        return Err(Error::OtherLog);
    }
    if projection.across_streams {
        return fill_in_order(databases, into, &log, teller).await;
    }
    match fill::fill(databases, into, &mut log, workers, teller).await {
        Ok(parked) => {
            teller.begin(Step::Indexing, 0);
            shadow::index(read, projection, relation).await?;
            Ok(parked)
        }
        // As in a rebuild: COPY does not say whose row is refused.
        Err(rebuild::Error::Database(error)) if ApplyError::is_of_a_row(&error) => {
            tracing::warn!(%error, projection = projection.name, "a row is refused: looking for it");
            let empty = format!("TRUNCATE {relation}");
            read.execute(empty.as_str()).await?;
            fill_in_order(databases, into, &log, teller).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn fill_in_order(
    databases: &Databases,
    (projection, relation): (&Registered, &str),
    log: &FrozenLog,
    teller: &Teller,
) -> Result<Vec<Parked>, Error> {
    shadow::index(&databases.read, projection, relation).await?;
    teller.begin(Step::Filling, log.head().unsigned_abs());
    let parked = in_order::fill(databases, (projection, relation), log, teller).await?;
    shadow::analyze(&databases.read, relation).await?;
    Ok(parked)
}
