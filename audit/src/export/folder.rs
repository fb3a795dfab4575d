//! An export into a folder: file after file, each whole or not there, so that one that was broken
//! off goes on where it was.

use std::fs;
use std::path::{Path, PathBuf};

use event_store::{Position, tree};
use sqlx::PgPool;
use tokio::sync::mpsc::Receiver;
use tokio::task::spawn_blocking;

use super::chunk::Selection;
use super::part::{Part, is_whole};
use super::pipe::{Received, read_ahead};
use super::{Error, Progress, Request, range, topics};
use crate::manifest::{Asked, FORMAT, Manifest};

/// So many positions have a file.
pub const FILE: Position = 250_000;

/// Exports what is asked for into `folder`, which is made, or has an export of the same that was
/// broken off; of that, whole files are kept. `file` positions have a file each.
///
/// # Errors
/// See [`Error`]. Called again it goes on.
pub async fn to_folder(
    pool: &PgPool,
    request: &Request,
    folder: &Path,
    file: Position,
    progress: Progress,
) -> Result<Manifest, Error> {
    let (epoch, head) = event_store::head(pool).await?;
    fs::create_dir_all(folder)?;
    let manifest = match Manifest::read(folder)? {
        Some(begun) => {
            let asked = Asked::from(request);
            if (begun.format, begun.epoch, &begun.asked) != (FORMAT, epoch, &asked) {
                return Err(Error::Another(folder.to_owned()));
            }
            if begun.last > head {
                return Err(Error::Another(folder.to_owned()));
            }
            begun
        }
        None if fs::read_dir(folder)?.next().is_some() => {
            return Err(Error::Occupied(folder.to_owned()));
        }
        None => {
            let range = range(pool, request.from, request.to).await?;
            let mut manifest = Manifest::new(epoch, request.into(), range);
            manifest.topics = topics(pool).await?;
            manifest
        }
    };
    let mut manifest = manifest;
    if !manifest.complete {
        manifest.checkpoints = checkpoints(pool, &manifest).await?;
    }
    let folder = folder.to_owned();
    let selection = Selection {
        epoch,
        first: manifest.first,
        last: manifest.last,
        contexts: request.contexts.clone(),
    };
    let kept = spawn_blocking(move || keep_whole(&folder, manifest));
    let (folder, manifest) = kept.await.map_err(|error| Error::broken(&error))??;
    let reached = manifest.files.last().map(|file| file.last);
    let rest = Selection {
        first: reached.map_or(selection.first, |last| last + 1),
        ..selection
    };
    progress(rest.first - 1, manifest.last);
    let received = read_ahead(pool, rest, file)?;
    let written = spawn_blocking(move || write(&folder, manifest, file, received, &progress));
    written.await.map_err(|error| Error::broken(&error))?
}

/// What was signed of the events of an export, if it begins with the first and has all of them.
async fn checkpoints(pool: &PgPool, manifest: &Manifest) -> Result<Vec<String>, sqlx::Error> {
    if !manifest.is_whole() {
        return Ok(Vec::new());
    }
    let last = manifest.last.unsigned_abs();
    let signed = tree::checkpoints(pool, 0, last, None).await?;
    Ok(signed.into_iter().map(|signed| signed.note).collect())
}

/// Keeps the files up to the first that is not as it was written, and writes that down.
fn keep_whole(folder: &Path, mut manifest: Manifest) -> Result<(PathBuf, Manifest), Error> {
    let mut whole = 0;
    for file in &manifest.files {
        if !is_whole(folder, file)? {
            tracing::warn!(file = file.name, "is missing or altered, and is made again");
            break;
        }
        whole += 1;
    }
    if whole < manifest.files.len() {
        manifest.files.truncate(whole);
        manifest.complete = false;
    }
    manifest.write(folder)?;
    Ok((folder.to_owned(), manifest))
}

fn write(
    folder: &Path,
    mut manifest: Manifest,
    file: Position,
    mut received: Receiver<Received>,
    progress: &Progress,
) -> Result<Manifest, Error> {
    let mut part: Option<Part> = None;
    while let Some(chunk) = received.blocking_recv() {
        let chunk = chunk?;
        let mut open = match part.take() {
            Some(open) => open,
            None => {
                let first = manifest
                    .files
                    .last()
                    .map_or(manifest.first, |file| file.last + 1);
                let end = (chunk.last + file - 1) / file * file;
                Part::begin(folder, first, end.min(manifest.last))?
            }
        };
        open.write(&chunk)?;
        progress(chunk.last, manifest.last);
        if chunk.last < open.last() {
            part = Some(open);
            continue;
        }
        manifest.files.push(open.finish()?);
        manifest.write(folder)?;
    }
    manifest.events = manifest.files.iter().map(|file| file.events).sum();
    manifest.complete = true;
    manifest.write(folder)?;
    Ok(manifest)
}
