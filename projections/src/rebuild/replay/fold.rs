//! The fold of a replay: bare table, rows, indexes, as a rebuild makes its shadow.

use event_store::as_of::Moment;
use event_store::{FrozenLog, head};
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
    let into = (projection, relation);
    if projection.across_streams {
        return fill_in_order(databases, into, moment, teller).await;
    }
    match fill(databases, into, moment, workers, teller).await {
        Ok(parked) => {
            teller.begin(Step::Indexing, 0);
            shadow::index(&databases.read, projection, relation).await?;
            Ok(parked)
        }
        // As in a rebuild: COPY does not say whose row is refused.
        Err(Error::Rebuild(rebuild::Error::Database(error))) if ApplyError::is_of_a_row(&error) => {
            tracing::warn!(%error, projection = projection.name, "a row is refused: looking for it");
            let empty = format!("TRUNCATE {relation}");
            databases.read.execute(empty.as_str()).await?;
            fill_in_order(databases, into, moment, teller).await
        }
        failed => failed,
    }
}

/// Stream by stream.
async fn fill(
    databases: &Databases,
    into: (&Registered, &str),
    moment: &Moment,
    workers: usize,
    teller: &Teller,
) -> Result<Vec<Parked>, Error> {
    let mut log = FrozenLog::take_up_to(&databases.log, moment.position).await?;
    if (log.epoch(), log.head()) != (moment.epoch, moment.position) {
        return Err(Error::OtherLog);
    }
    Ok(fill::fill(databases, into, &mut log, workers, teller).await?)
}

async fn fill_in_order(
    databases: &Databases,
    (projection, relation): (&Registered, &str),
    moment: &Moment,
    teller: &Teller,
) -> Result<Vec<Parked>, Error> {
    let (epoch, end) = head(&databases.log).await?;
    if epoch != moment.epoch || end < moment.position {
        return Err(Error::OtherLog);
    }
    shadow::index(&databases.read, projection, relation).await?;
    teller.begin(Step::Filling, moment.position.unsigned_abs());
    let parked = in_order::fill(databases, (projection, relation), moment, teller).await?;
    shadow::analyze(&databases.read, relation).await?;
    Ok(parked)
}
