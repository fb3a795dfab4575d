//! `comptoir audit verify`: whether the log is what it was.

use std::path::{Path, PathBuf};

use anyhow::Context;
use audit::verify::{Report, Trusted, verify};
use clap::Args;

use super::Found;
use super::bar::bar;
use super::keys::{Signing, verifier_key};
use crate::projections::store::Store;

/// What is verified, and what is trusted.
#[derive(Args)]
pub(crate) struct Verify {
    /// A public key of the log, as text or as a file that has it; several may be given. Those of
    /// the checkpoint keys unless told otherwise.
    #[arg(long, env = "COMPTOIR_LOG_KEY", value_delimiter = ',')]
    key: Vec<String>,
    /// A folder of checkpoints that were published, or the file of one: kept elsewhere, they tell of
    /// a log that was made anew with all its checkpoints.
    #[arg(long)]
    published: Vec<PathBuf>,
    #[command(flatten)]
    signing: Signing,
    #[command(flatten)]
    store: Store,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(super) async fn run(self) -> anyhow::Result<Found> {
        let log = self.store.open().await?.log;
        let mut keys = Vec::new();
        for told in &self.key {
            keys.push(verifier_key(told)?);
        }
        if keys.is_empty() {
            keys = self.signing.verifiers(&self.store, &log).await?;
        }
        let mut published = Vec::new();
        for place in &self.published {
            published.extend(notes(place).with_context(|| place.display().to_string())?);
        }
        let bar = bar("verifying")?;
        let report = verify(&log, &Trusted { keys, published }, |done, all| {
            bar.set_length(all);
            bar.set_position(done);
        })
        .await?;
        bar.finish_and_clear();
        match self.json {
            true => println!("{}", serde_json::to_string(&report)?),
            false => tell(&report),
        }
        Ok(if report.holds() {
            Found::Right
        } else {
            Found::Wrong
        })
    }
}

fn tell(report: &Report) {
    println!(
        "The log {} has {} events; the tree has {} of them; {} checkpoints are honoured.",
        report.epoch, report.head, report.tree, report.honoured
    );
    if report.unsigned > 0 {
        println!(
            "The signatures of {} were not checked: no key of theirs was given.",
            report.unsigned
        );
    }
    if report.holds() {
        println!("Everything is as it was written.");
    }
    for fault in &report.faults {
        println!("WRONG: {fault}.");
    }
    if report.more > 0 {
        println!("… and {} more.", report.more);
    }
}

/// The note in a file, or all those in a folder.
fn notes(place: &Path) -> std::io::Result<Vec<String>> {
    if place.is_file() {
        return Ok(vec![std::fs::read_to_string(place)?]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(place)? {
        let file = entry?.path();
        if file.extension().is_some_and(|kind| kind == "checkpoint") {
            files.push(file);
        }
    }
    files.sort();
    files.iter().map(std::fs::read_to_string).collect()
}
