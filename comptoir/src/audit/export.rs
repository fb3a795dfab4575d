//! `comptoir audit export`: events in files, for whoever keeps or looks into them.

use std::path::PathBuf;
use std::sync::Arc;

use ::audit::export::{Bound, FILE, Progress, Request, to_folder, to_sink};
use anyhow::bail;
use clap::Args;
use domain::CONTEXTS;
use event_store::Position;
use serde_json::json;

use super::Found;
use super::bar::bar;
use crate::projections::store::Store;

#[derive(Args)]
pub(crate) struct Export {
    /// The folder, new or that of the same export when it was broken off; `-` writes the lines to
    /// the output.
    folder: PathBuf,
    /// Where it begins: a position, or a time of recording such as 2030-08-01T12:00:00Z.
    #[arg(long)]
    from: Option<Bound>,
    /// Where it ends, included; with the last event there is by now unless told otherwise.
    #[arg(long)]
    to: Option<Bound>,
    /// Only events of these contexts. Such an export can't be imported.
    #[arg(long = "context")]
    contexts: Vec<String>,
    /// Compresses what goes to the output.
    #[arg(long)]
    zstd: bool,
    /// How many positions have a file.
    #[arg(long, hide = true, default_value_t = FILE, value_parser = clap::value_parser!(i64).range(1..))]
    file: Position,
    /// Prints what came of it as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: Store,
}

impl Export {
    pub(super) async fn run(self) -> anyhow::Result<Found> {
        let unknown = self.contexts.iter();
        if let Some(unknown) = unknown.clone().find(|name| !CONTEXTS.contains(&&***name)) {
            bail!(
                "there is no context {unknown}; there are {}",
                CONTEXTS.join(", ")
            );
        }
        let log = self.store.log()?;
        let request = Request {
            from: self.from,
            to: self.to,
            contexts: self.contexts,
        };
        let bar = bar("exporting")?;
        let shown = bar.clone();
        let progress: Progress = Arc::new(move |position, last| {
            shown.set_length(last.unsigned_abs());
            shown.set_position(position.unsigned_abs());
        });
        if self.folder.as_os_str() == "-" {
            let output = std::io::stdout();
            to_sink(&log, &request, output, self.zstd, progress).await?;
            bar.finish_and_clear();
            return Ok(Found::Right);
        }
        let manifest = to_folder(&log, &request, &self.folder, self.file, progress).await?;
        bar.finish_and_clear();
        let bytes: u64 = manifest.files.iter().map(|file| file.bytes).sum();
        let (folder, files) = (self.folder.display().to_string(), manifest.files.len());
        let (first, last, events) = (manifest.first, manifest.last, manifest.events);
        match self.json {
            true => println!(
                "{}",
                json!({
                    "folder": folder, "epoch": manifest.epoch, "first": first, "last": last,
                    "events": events, "files": files, "bytes": bytes,
                    "left_out": manifest.left_out,
                })
            ),
            false => {
                println!(
                    "{events} events of the positions {first} to {last} are in {folder}: {files} files of {bytes} bytes, and manifest.json."
                );
                println!("Left out:");
                for what in &manifest.left_out {
                    println!("  {what}");
                }
            }
        }
        Ok(Found::Right)
    }
}
