//! The first table of a projection that is new, or whose version was raised: built from the log
//! before this process projects anything, while processes of the version before go on with theirs.

use std::time::Duration;

use super::projection::Registered;
use super::run::{Error, Projector};
use crate::rebuild::{self, Databases, Options, Progress};

/// How many workers fold the log. The other half of the machine is for those who serve meanwhile.
const WORKERS: usize = 2;
const PAUSE: Duration = Duration::from_millis(500);

/// Builds every table that was never projected.
pub(super) async fn build(projector: &Projector) -> Result<(), Error> {
    let databases = Databases {
        log: projector.log.pool().clone(),
        read: projector.read.clone(),
        keyring: projector.log.keyring().clone(),
    };
    for projection in projector.projections.iter() {
        while !is_built(&databases, projection).await? {
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok(())
}

/// Whether the table is there, after trying to build it where it is not.
async fn is_built(databases: &Databases, projection: &Registered) -> Result<bool, Error> {
    let outcome = match rebuild::is_built(&databases.read, projection).await {
        Ok(true) => return Ok(true),
        Ok(false) => {
            let Registered { name, version, .. } = projection;
            tracing::info!(projection = name, version, "building its first table");
            let options = Options {
                workers: WORKERS,
                accept: true,
            };
            let (unwatched, _) = Progress::channel();
            rebuild::rebuild(databases, projection, options, unwatched)
                .await
                .map(|outcome| outcome.swapped)
        }
        Err(error) => Err(error),
    };
    match outcome {
        Err(rebuild::Error::BeingRebuilt(_)) => Ok(false),
        Err(error) if error.is_away() => {
            tracing::warn!(%error, "the projector waits to build a table");
            Ok(false)
        }
        done => Ok(done?),
    }
}
