//! How the tree over the log is signed, and who gets what was signed.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use event_store::tree::{self, CheckpointKeys, Sink};

/// How the tree over the log is signed, and who gets what was signed.
#[derive(Args, Clone)]
pub struct Checkpoints {
    /// The name of the log and what its checkpoints are signed with: name:base64-of-32-bytes, the
    /// current one first, then older ones, separated by commas.
    #[arg(long, env = "COMPTOIR_CHECKPOINT_KEYS", hide_env_values = true)]
    pub checkpoint_keys: String,
    /// When, and who gets them.
    #[command(flatten)]
    pub schedule: Schedule,
}

/// When checkpoints are signed, and who gets them.
#[derive(Args, Clone)]
pub struct Schedule {
    /// How often a log that has grown is signed, in seconds.
    #[arg(long, env = "COMPTOIR_CHECKPOINT_SECONDS", default_value_t = 60,
        value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub checkpoint_seconds: u64,
    /// Who gets them.
    #[command(flatten)]
    pub publishing: Publishing,
}

/// Who gets checkpoints.
#[derive(Args, Clone)]
pub struct Publishing {
    /// A folder that gets a file for each checkpoint.
    #[arg(long, env = "COMPTOIR_CHECKPOINT_FOLDER")]
    pub checkpoint_folder: Option<PathBuf>,
    /// A topic of Kafka that gets each checkpoint; it is there already.
    #[arg(long, env = "COMPTOIR_CHECKPOINT_TOPIC")]
    pub checkpoint_topic: Option<String>,
}

impl Checkpoints {
    /// How the tree is kept.
    ///
    /// # Errors
    /// When a key is no good, or a topic is named and no Kafka.
    pub fn open(&self, brokers: Option<&str>) -> anyhow::Result<tree::Options> {
        Ok(tree::Options {
            keys: keys(&self.checkpoint_keys)?,
            every: Duration::from_secs(self.schedule.checkpoint_seconds),
            sinks: self.schedule.publishing.sinks(brokers)?,
        })
    }
}

impl Publishing {
    /// Who gets checkpoints.
    ///
    /// # Errors
    /// When a topic is named and no Kafka.
    pub fn sinks(&self, brokers: Option<&str>) -> anyhow::Result<Vec<Sink>> {
        let mut sinks = Vec::new();
        if let Some(folder) = &self.checkpoint_folder {
            sinks.push(Sink::Folder(folder.clone()));
        }
        match (&self.checkpoint_topic, brokers) {
            (Some(topic), Some(brokers)) => sinks.push(Sink::topic(brokers, topic)?),
            (Some(_), None) => bail!("COMPTOIR_CHECKPOINT_TOPIC needs KAFKA_BROKERS"),
            (None, _) => {}
        }
        Ok(sinks)
    }
}

/// The keys of checkpoints.
///
/// # Errors
/// When they are not of their form.
pub fn keys(text: &str) -> anyhow::Result<CheckpointKeys> {
    text.parse().context("COMPTOIR_CHECKPOINT_KEYS")
}
