//! `comptoir projections parked`: streams that a projection could not apply.

use std::io::{BufRead, Write};

use anyhow::bail;
use clap::{Args, Subcommand};
use projections::rebuild::Databases;
use projections::runtime::parked::{self, Retried, Stream};
use uuid::Uuid;

use super::store::{Store, named};
use crate::table;

#[derive(Subcommand)]
pub(crate) enum Parked {
    /// Lists the parked streams, and why they are.
    List(List),
    /// Shows the parked events of one stream.
    Show(Show),
    /// Tries parked streams again, each in order until one of its events fails still.
    Retry(Retry),
    /// Gives up the parked events of one stream: they are never applied. Later ones are again.
    Discard(Discard),
}

#[derive(Args)]
pub(crate) struct List {
    /// Only of this projection.
    projection: Option<String>,
    #[command(flatten)]
    at: At,
}

#[derive(Args)]
pub(crate) struct Show {
    /// The projection.
    projection: String,
    /// The stream: the id of its aggregate.
    #[arg(long)]
    stream: Uuid,
    #[command(flatten)]
    at: At,
}

#[derive(Args)]
pub(crate) struct Retry {
    /// Only of this projection.
    projection: Option<String>,
    /// Only this stream.
    #[arg(long)]
    stream: Option<Uuid>,
    #[command(flatten)]
    at: At,
}

#[derive(Args)]
pub(crate) struct Discard {
    /// The projection.
    projection: String,
    /// The stream: the id of its aggregate.
    #[arg(long)]
    stream: Uuid,
    /// Does not ask.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    at: At,
}

/// Where the streams are, and how they are told.
#[derive(Args)]
struct At {
    #[command(flatten)]
    store: Store,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

impl Parked {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List(list) => list.run().await,
            Self::Show(show) => show.run().await,
            Self::Retry(retry) => retry.run().await,
            Self::Discard(discard) => discard.run().await,
        }
    }
}

impl List {
    async fn run(self) -> anyhow::Result<()> {
        named(self.projection.as_slice())?;
        let read = self.at.store.open().await?.read;
        let streams = parked::list(&read, self.projection.as_deref()).await?;
        let heads = [
            "projection",
            "stream",
            "events",
            "failed at",
            "tried",
            "why",
        ];
        let line = |one: &Stream| {
            [
                format!("{} {}", one.projection, one.version),
                one.aggregate_id.to_string(),
                one.events.to_string(),
                format!("{} {}", one.position, one.event_type),
                one.attempts.to_string(),
                one.error.clone(),
            ]
        };
        table::print(self.at.json, &streams, heads, line)
    }
}

impl Show {
    async fn run(self) -> anyhow::Result<()> {
        named(std::slice::from_ref(&self.projection))?;
        let Databases { log, read, .. } = self.at.store.open().await?;
        let events = parked::show(&log, &read, &self.projection, self.stream).await?;
        let heads = ["position", "event", "tried", "why", "payload"];
        let line = |one: &parked::Event| {
            [
                one.position.to_string(),
                one.event_type.clone(),
                one.attempts.to_string(),
                one.error.clone().unwrap_or_else(|| "it waits".to_owned()),
                one.payload.clone().unwrap_or_default(),
            ]
        };
        table::print(self.at.json, &events, heads, line)
    }
}

impl Retry {
    async fn run(self) -> anyhow::Result<()> {
        let projections = named(self.projection.as_slice())?;
        let Databases { log, read, keyring } = self.at.store.open_to_project().await?;
        let retried = parked::retry((&log, &read, &keyring), &projections, self.stream).await?;
        let heads = ["projection", "stream", "applied", "still fails"];
        let line = |one: &Retried| {
            [
                one.projection.clone(),
                one.aggregate_id.to_string(),
                one.applied.to_string(),
                one.error.clone().unwrap_or_default(),
            ]
        };
        table::print(self.at.json, &retried, heads, line)
    }
}

impl Discard {
    async fn run(self) -> anyhow::Result<()> {
        named(std::slice::from_ref(&self.projection))?;
        if !self.yes && !self.confirmed()? {
            bail!("nothing was done");
        }
        let read = self.at.store.open().await?.read;
        let discarded = parked::discard(&read, &self.projection, self.stream).await?;
        match self.at.json {
            true => println!("{}", serde_json::json!({ "discarded": discarded })),
            false => println!(
                "{discarded} events of {} are given up for {}; its later events are applied again",
                self.stream, self.projection
            ),
        }
        Ok(())
    }

    fn confirmed(&self) -> anyhow::Result<bool> {
        print!(
            "What is parked of {} will never be applied to {}. Type the stream's id again to go on: ",
            self.stream, self.projection
        );
        std::io::stdout().flush()?;
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer)?;
        Ok(answer.trim() == self.stream.to_string())
    }
}
