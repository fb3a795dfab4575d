//! `comptoir projections parked`: streams that a projection could not apply.

use std::io::{BufRead, Write};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use event_store::database;
use projections::runtime::parked::{self, Retried, Stream};
use projections::runtime::{Registered, search_path};
use serde::Serialize;
use sqlx::PgPool;
use uuid::Uuid;

use crate::contexts::Contexts;
use crate::settings::{Databases, Personal};

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
    personal: Personal,
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
    databases: Databases,
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

impl At {
    fn log(&self) -> anyhow::Result<PgPool> {
        database::pool(&self.databases.database_url, "log", 2).context("DATABASE_URL")
    }

    fn read(&self) -> anyhow::Result<PgPool> {
        let path = search_path(&Contexts::all().projections);
        database::pool(self.databases.read_url(), &path, 2).context("READ_DATABASE_URL")
    }

    /// Prints `all` as JSON or as lines of a table.
    fn print<T: Serialize, const N: usize>(
        &self,
        all: &[T],
        heads: [&str; N],
        line: impl Fn(&T) -> [String; N],
    ) -> anyhow::Result<()> {
        if self.json {
            println!("{}", serde_json::to_string_pretty(all)?);
            return Ok(());
        }
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED);
        table.set_header(heads);
        for one in all {
            table.add_row(line(one));
        }
        println!("{table}");
        Ok(())
    }
}

/// The registered projections, or the one of that name.
fn projections(name: Option<&str>) -> anyhow::Result<Vec<Registered>> {
    let mut all = Contexts::all().projections;
    all.retain(|one| name.is_none_or(|name| one.name == name));
    match (all.is_empty(), name) {
        (true, Some(name)) => bail!("there is no projection {name}"),
        _ => Ok(all),
    }
}

impl List {
    async fn run(self) -> anyhow::Result<()> {
        projections(self.projection.as_deref())?;
        let streams = parked::list(&self.at.read()?, self.projection.as_deref()).await?;
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
                match one.slot.as_str() {
                    "live" => format!("{} {}", one.projection, one.version),
                    slot => format!("{} {} ({slot})", one.projection, one.version),
                },
                one.aggregate_id.to_string(),
                one.events.to_string(),
                format!("{} {}", one.position, one.event_type),
                one.attempts.to_string(),
                one.error.clone(),
            ]
        };
        self.at.print(&streams, heads, line)
    }
}

impl Show {
    async fn run(self) -> anyhow::Result<()> {
        projections(Some(&self.projection))?;
        let (log, read) = (self.at.log()?, self.at.read()?);
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
        self.at.print(&events, heads, line)
    }
}

impl Retry {
    async fn run(self) -> anyhow::Result<()> {
        let projections = projections(self.projection.as_deref())?;
        let (log, read) = (self.at.log()?, self.at.read()?);
        let keyring = self.personal.keyring(&log)?;
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
        self.at.print(&retried, heads, line)
    }
}

impl Discard {
    async fn run(self) -> anyhow::Result<()> {
        projections(Some(&self.projection))?;
        if !self.yes && !self.confirmed()? {
            bail!("nothing was done");
        }
        let read = self.at.read()?;
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
