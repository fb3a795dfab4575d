//! Importing a whole export into an empty log, as it was: positions, times and hashes. Everything is
//! checked first; then it is stored, and until all is there no service opens the log.

mod check;
mod fault;
mod folder;
mod line;
mod lines;
mod signed;
mod store;

use std::io;
use std::path::Path;
use std::sync::Arc;

use event_store::Position;
use event_store::import::{self, Standing};
use event_store::personal;
use sqlx::PgPool;
use tokio::task::spawn_blocking;
use uuid::Uuid;

pub use fault::{Fault, Faults};

/// Is told the step, the position that it has reached, and the one where it ends.
pub type Progress = Arc<dyn Fn(Step, Position, Position) + Send + Sync>;

/// What an import is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Everything is read and checked.
    Checking,
    /// It is stored.
    Storing,
}

/// Where it is imported to.
#[derive(Debug, Clone)]
pub struct Databases {
    /// The log.
    pub log: PgPool,
    /// The persons' keys, where they are in another database.
    pub keys: Option<PgPool>,
}

/// What came of an import.
#[derive(Debug)]
pub enum Outcome {
    /// Something is wrong with the export, and nothing was written.
    Refused(Faults),
    /// It is there.
    Imported(Summary),
}

/// What was imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// The epoch of the log, which is that of the export.
    pub epoch: Uuid,
    /// How many events it has.
    pub events: u64,
    /// How many persons in it were erased; their keys are destroyed here as well.
    pub erased: usize,
    /// Whether all of it had been imported before.
    pub before: bool,
}

/// Why an import can't be begun, or gone on with.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The log does not take it, or its database is away.
    #[error(transparent)]
    Log(#[from] import::Error),
    /// The database of the persons' keys is away or refuses.
    #[error("the persons' keys: {0}")]
    Keys(sqlx::Error),
    /// The export can't be read.
    #[error("reading the export: {0}")]
    Io(io::Error),
    /// A file was altered while the import ran.
    #[error(
        "{0} was altered since it was checked: what is stored is of no use; take a new database, and an export that nobody writes to"
    )]
    Altered(String),
    /// A task of this process broke.
    #[error("{0}")]
    Broken(String),
}

/// Imports the export in `folder`. At most so many faults are told one by one.
///
/// # Errors
/// See [`Error`]; called again it goes on.
pub async fn run(
    databases: &Databases,
    folder: &Path,
    most_faults: usize,
    progress: Progress,
) -> Result<Outcome, Error> {
    let mut faults = Faults::at_most(most_faults);
    let Some((manifest, imported)) = folder::manifest(folder, &mut faults)? else {
        return Ok(Outcome::Refused(faults));
    };
    if faults.count > 0 {
        return Ok(Outcome::Refused(faults));
    }
    let standing = import::standing(&databases.log, imported.manifest).await?;
    let mut summary = Summary {
        epoch: manifest.epoch,
        events: manifest.events,
        erased: 0,
        before: standing == Standing::Finished,
    };
    if summary.before {
        return Ok(Outcome::Imported(summary));
    }
    let (checked, told) = (folder.to_owned(), Arc::clone(&progress));
    let checking = spawn_blocking(move || {
        let last = manifest.last;
        let told = |position| told(Step::Checking, position, last);
        let found = check::check(&checked, &manifest, &mut faults, &told);
        found.map(|found| (manifest, faults, found))
    });
    let checked = checking.await;
    let (manifest, faults, found) = checked.map_err(|error| Error::Broken(error.to_string()))??;
    if faults.count > 0 {
        return Ok(Outcome::Refused(faults));
    }
    let told = |position| progress(Step::Storing, position, manifest.last);
    let whole = (&manifest, &imported);
    store::store(databases, folder, whole, &found, &told).await?;
    summary.erased = found.erased.len();
    Ok(Outcome::Imported(summary))
}

/// Destroys the key of `person`, as it was where the export comes from.
async fn erase(databases: &Databases, person: Uuid) -> Result<(), sqlx::Error> {
    let Databases { log, keys } = databases;
    let apart = keys.as_ref().map(|_| log);
    personal::erase(keys.as_ref().unwrap_or(log), apart, person).await?;
    Ok(())
}
