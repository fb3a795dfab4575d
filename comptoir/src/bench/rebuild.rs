//! `rebuild`: a table built anew from the log, against COPY of the same events, and against stock
//! cqrs-es' replay.

use std::time::Instant;

use anyhow::{Context, ensure};
use clap::Args;
use event_store::database;
use event_store::personal::Keyring;
use projections::rebuild::{self, Databases, Outcome, Progress};
use projections::runtime::Registered;
use sqlx::Executor;

use super::Common;
use super::fill::{Filled, Streams};
use super::numbers::median;
use super::read_log::{COPY, copied, passes};
use super::report::{Figure, Report, Target};
use super::server::Server;
use super::stock_replay::{self, Replay};

/// The table: a row a reservation, each of ten events.
const TABLE: &str = "reservations";
const CONNECTIONS: u32 = 16;

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(super) common: Common,
    /// Events of the log.
    #[arg(long, default_value_t = 300_000, value_parser = clap::value_parser!(u64).range(10..))]
    events: u64,
    /// Events of the stock side, which it replays once a run; a rate is compared.
    #[arg(long, default_value_t = 3_000, value_parser = clap::value_parser!(u64).range(10..))]
    stock_events: u64,
    /// How many workers fold the log; one a CPU unless told otherwise.
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=8))]
    workers: Option<u8>,
}

/// The table, and how it is rebuilt.
struct Table {
    databases: Databases,
    projection: Registered,
    options: rebuild::Options,
}

pub(super) async fn measure(options: &Options, server: &Server) -> anyhow::Result<Report> {
    let url = server.database("rebuild").await?;
    let mut filled = Filled::begin(url.clone(), Streams::Reservations).await?;
    let ours = filled.up_to(options.events).await?;
    let events = ours.end().await?;
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let table = Table {
        databases: Databases {
            log: ours.pool().clone(),
            read: database::pool(&url, "read", CONNECTIONS)?,
            // What it holds is about nobody.
            keyring: Keyring::none(),
        },
        projection: projections::named(TABLE).with_context(|| format!("no projection {TABLE}"))?,
        options: rebuild::Options {
            workers: options.workers.map_or(cpus, usize::from),
            accept: false,
        },
    };
    let replay = Replay::start(&url, options.stock_events).await?;
    let (mut mine, mut copies, mut stock, mut compared) = (vec![], vec![], vec![], vec![]);
    for _ in 0..options.common.runs {
        server.settle().await?;
        let (begun, mut rates) = (Instant::now(), vec![]);
        while begun.elapsed() < options.common.seconds {
            table.forget().await?;
            rates.push(events as f64 / table.rebuild(events).await?);
        }
        mine.push(median(&rates));
        compared.push(events as f64 / table.rebuild(events).await?);
        server.settle().await?;
        let pool = ours.pool();
        copies.push(passes(options.common.seconds, || copied(pool)).await?.1);
        stock.push(replay.run().await?);
    }
    // Copies count messages of the protocol, two of which are no row.
    let rows = events as f64 / (events as f64 + 2.0);
    let copies: Vec<f64> = copies.iter().map(|rate| rate * rows).collect();
    ours.close();
    Ok(Report::new("rebuild", "events/s", &mine, &server.machine)
        .against(
            "events folded, written and swapped in",
            COPY,
            &copies,
            Some(Target::AtLeast(0.5)),
        )
        .against(
            "the same",
            stock_replay::STOCK,
            &stock,
            Some(Target::AtLeast(50.0)),
        )
        .figure(Figure::compared(
            "the same, and compared with the live table",
            "events/s",
            &compared,
            COPY,
            &copies,
        )))
}

impl Table {
    /// The table counts as one that was never projected: there is nothing to compare it with.
    async fn forget(&self) -> anyhow::Result<()> {
        let read = &self.databases.read;
        read.execute("TRUNCATE watermarks").await?;
        Ok(())
    }

    /// Rebuilds it; gives the seconds that took.
    async fn rebuild(&self, events: i64) -> anyhow::Result<f64> {
        let (sender, _) = Progress::channel();
        let begun = Instant::now();
        let outcome =
            rebuild::rebuild(&self.databases, &self.projection, self.options, sender).await?;
        let took = begun.elapsed().as_secs_f64();
        let Outcome {
            swapped,
            differences,
        } = outcome;
        ensure!(swapped && differences.is_empty(), "{differences:?}");
        let sql = format!("SELECT count(*) FROM {}", self.projection.name);
        let rows: i64 = sqlx::query_scalar(&sql)
            .fetch_one(&self.databases.read)
            .await?;
        ensure!(rows * 10 == events, "{rows} rows of {events} events");
        Ok(took)
    }
}
