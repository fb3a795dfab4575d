//! `project`: live projecting of relayed messages, against a bare consumer of the same.

use std::time::{Duration, Instant};

use anyhow::anyhow;
use clap::Args;
use event_store::{database, relay};
use projections::runtime::{self, Registered, Source};
use sqlx::{Executor, PgPool};
use tokio::time::interval;
use tokio_util::sync::CancellationToken;

use super::Common;
use super::bare_kafka::consume;
use super::broker::{Broker, Brokers, consumed};
use super::fill::{Filled, Streams};
use super::numbers::median;
use super::ours::Ours;
use super::relay::relay_all;
use super::report::{Figure, Report, Target};
use super::server::Server;
use super::standing::at_the_beginning;

const BARE: &str = "rdkafka: a bare consumer";
const GLANCE: Duration = Duration::from_millis(10);
const CONNECTIONS: u32 = 16;

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(flatten)]
    brokers: Brokers,
    /// Events of the log, half of them of reservations and half of inventories.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(20..))]
    events: u64,
}

/// What is projected, from where and to where.
struct Projected<'a> {
    ours: &'a Ours,
    read: PgPool,
    from: relay::Options,
    /// All those of the context.
    projections: Vec<Registered>,
    end: f64,
}

pub(super) async fn measure(options: &Options, server: &Server) -> anyhow::Result<Report> {
    let broker = Broker::start(&options.brokers, &options.common).await?;
    let url = server.database("project").await?;
    let mut filled = Filled::begin(url.clone(), Streams::Both).await?;
    let ours = filled.up_to(options.events).await?;
    let from = broker.topics("project", ours.log().topics()).await?;
    relay_all(&ours, &from).await?;
    let projected = Projected {
        read: database::pool(&url, "read", CONNECTIONS)?,
        projections: projections::hotels::projections(),
        end: ours.end().await? as f64,
        ours: &ours,
        from,
    };
    let time = options.common.seconds;
    let (mut mine, mut theirs, mut cpu) = (vec![], vec![], vec![]);
    for _ in 0..options.common.runs {
        let (mut rates, begun) = (vec![], Instant::now());
        while begun.elapsed() < time {
            projected.forget().await?;
            server.settle().await?;
            let meter = server.cpu.begin();
            rates.push(projected.pass().await?);
            let spent = meter.spent();
            cpu.extend(spent.map(|spent| (spent.server + spent.own) as f64 / projected.end));
        }
        mine.push(median(&rates));
        let (mut rates, begun) = (vec![], Instant::now());
        while begun.elapsed() < time {
            let (ours, from) = (ours.clone(), projected.from.clone());
            let count = projected.end as u64;
            let read = tokio::task::spawn_blocking(move || consume(&ours, &from, count));
            rates.push(read.await??);
        }
        theirs.push(median(&rates));
    }
    let count = projected.projections.len();
    ours.close();
    broker.stop().await?;
    let folded: Vec<f64> = mine.iter().map(|rate| rate * count as f64).collect();
    let report = Report::new("project", "events/s", &mine, &server.machine)
        .against(
            &format!("events in all {count} tables of the context"),
            BARE,
            &theirs,
            Some(Target::AtLeast(0.3)),
        )
        .figure(Figure::alone("events × projections", "1/s", &folded));
    Ok(match cpu.is_empty() {
        true => report,
        false => report.cpu(&cpu),
    })
}

impl Projected<'_> {
    /// Empties the tables, and puts them back to the beginning of the log: without a watermark they
    /// would be built from it.
    async fn forget(&self) -> anyhow::Result<()> {
        for projection in &self.projections {
            let sql = format!("TRUNCATE {}", projection.name);
            self.read.execute(sql.as_str()).await?;
        }
        let mut connection = self.read.acquire().await?;
        at_the_beginning(&mut connection, &self.projections).await
    }

    /// Projects everything; gives how many events a second, from the first commit that is seen to
    /// the last.
    async fn pass(&self) -> anyhow::Result<f64> {
        let stop = CancellationToken::new();
        let (log, read) = (self.ours.log().clone(), self.read.clone());
        let source = Source::Kafka(consumed(&self.from));
        let projections = self.projections.clone();
        let run = runtime::run(log, read, projections, source, stop.clone());
        let mut running = tokio::spawn(run);
        let mut glances = interval(GLANCE);
        let mut first = None;
        loop {
            tokio::select! {
                _ = glances.tick() => {}
                ended = &mut running => {
                    ended??;
                    return Err(anyhow!("the projector ended by itself"));
                }
            }
            let (part, over) = self.reached().await?;
            if part > 0.0 {
                let (since, before): (Instant, f64) =
                    *first.get_or_insert_with(|| (Instant::now(), part));
                if over {
                    stop.cancel();
                    running.await??;
                    let took = since.elapsed().max(GLANCE);
                    return Ok(self.end * (part - before).max(0.1) / took.as_secs_f64());
                }
            }
        }
    }

    /// Which part of the log is in the tables, about, and whether they are at the end.
    async fn reached(&self) -> anyhow::Result<(f64, bool)> {
        let reached = sqlx::query_as(
            "SELECT coalesce(sum(watermarks.position) / sum(sent.position), 0)::float8, \
                 coalesce(bool_and(watermarks.position >= sent.position), false) \
             FROM log.relay_partitions AS sent JOIN read.watermarks USING (context, partition)",
        );
        Ok(reached.fetch_one(&self.read).await?)
    }
}
