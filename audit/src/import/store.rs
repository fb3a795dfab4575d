//! The second pass: what was checked is stored, some thousand events a transaction.

use std::io;
use std::path::{Path, PathBuf};

use event_store::Position;
use event_store::import::{Import, Imported, Rows};
use tokio::sync::mpsc::{self, Sender};
use tokio::task::spawn_blocking;

use super::check::Found;
use super::line::parse;
use super::lines::Lines;
use super::{Databases, Error, erase};
use crate::manifest::Manifest;

/// About so many bytes are stored in a transaction.
const STORED: usize = 4 << 20;
/// How many transactions' rows may wait.
const WAITING: usize = 2;

/// Rows, and where they end.
type Batch = Result<(Rows, Position), Error>;

/// Stores the export in `folder`, from where an import of it was broken off, and gives it to the
/// services.
///
/// # Errors
/// See [`Error`]; what is stored by then stays, and no service opens the log.
pub(super) async fn store(
    databases: &Databases,
    folder: &Path,
    (manifest, imported): (&Manifest, &Imported),
    found: &Found,
    progress: &(dyn Fn(Position) + Send + Sync),
) -> Result<(), Error> {
    let mut import = Import::begin(&databases.log, imported).await?;
    // Before any service can open what the keys of these persons seal.
    for person in &found.erased {
        erase(databases, *person).await.map_err(Error::Keys)?;
    }
    let head = import.head();
    progress(head);
    let (sender, mut batches) = mpsc::channel(WAITING);
    let (folder, manifest) = (PathBuf::from(folder), manifest.clone());
    let read = spawn_blocking(move || {
        if let Err(error) = read(&folder, &manifest, head, &sender) {
            // Who receives has failed and gone, or hears of it.
            let _gone = sender.blocking_send(Err(error));
        }
    });
    while let Some(batch) = batches.recv().await {
        let (rows, last) = batch?;
        import.store(rows).await?;
        progress(last);
    }
    read.await
        .map_err(|error| Error::Broken(error.to_string()))?;
    Ok(import.finish().await?)
}

/// Reads what follows `head`. Every file is held against the manifest once more: it may have been
/// altered since it was checked.
fn read(
    folder: &Path,
    manifest: &Manifest,
    head: Position,
    sender: &Sender<Batch>,
) -> Result<(), Error> {
    for of in manifest.files.iter().filter(|of| of.last > head) {
        let altered = || Error::Altered(of.name.clone());
        let mut lines = Lines::open(folder, of)?;
        let (mut rows, mut last) = (Rows::default(), head);
        while let Some(line) = lines.next()? {
            let parsed = parse(line, manifest.epoch).map_err(|_| altered())?;
            if parsed.fault.is_some() {
                return Err(altered());
            }
            if parsed.event.position <= head {
                continue;
            }
            rows.push(&parsed.event);
            last = parsed.event.position;
            if rows.bytes() >= STORED && !send(sender, std::mem::take(&mut rows), last) {
                return Ok(());
            }
        }
        if !lines.matches(of)? {
            return Err(altered());
        }
        if !send(sender, rows, last) {
            return Ok(());
        }
    }
    Ok(())
}

/// Whether there is somebody who stores them.
fn send(sender: &Sender<Batch>, rows: Rows, last: Position) -> bool {
    sender.blocking_send(Ok((rows, last))).is_ok()
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
