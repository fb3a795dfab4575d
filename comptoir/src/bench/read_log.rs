//! `read-log`: the whole log, in order and decoded, against COPY of the same rows.

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Args;
use futures::TryStreamExt;
use sqlx::PgPool;
use sqlx::postgres::PgPoolCopyExt;

use super::Common;
use super::fill::{Filled, Streams};
use super::report::{Report, Target};
use super::server::Server;

pub(super) const COPY: &str = "copy: COPY … TO STDOUT (FORMAT binary)";
/// What our side reads of each event, in order.
const STATEMENT: &str = "COPY (SELECT position, event_id, aggregate_type, aggregate_id, sequence, \
     event_type, event_version, payload, metadata, recorded_at, occurred_at, partition \
     FROM log.events ORDER BY position) TO STDOUT (FORMAT binary)";

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(super) common: Common,
    /// Events of the log.
    #[arg(long, default_value_t = 300_000, value_parser = clap::value_parser!(u64).range(10..))]
    events: u64,
}

pub(super) async fn measure(options: &Options, server: &Server) -> anyhow::Result<Report> {
    let url = server.database("read").await?;
    let mut filled = Filled::begin(url, Streams::Inventories).await?;
    let ours = filled.up_to(options.events).await?;
    let pool = ours.pool();
    let all = ours.read_all().await?;
    // A message of the protocol is a row; the first and the last may be none.
    let messages = copied(pool).await?;
    ensure!(
        (all..=all + 2).contains(&messages),
        "{all} events were read and {messages} copied"
    );
    server.settle().await?;
    let time = options.common.seconds;
    let (mut mine, mut theirs, mut cpu) = (vec![], vec![], vec![]);
    for _ in 0..options.common.runs {
        let meter = server.cpu.begin();
        let (events, rate) = passes(time, || ours.read_all()).await?;
        mine.push(rate);
        let spent = meter.spent();
        cpu.extend(spent.map(|spent| (spent.server + spent.own) as f64 / events as f64));
        theirs.push(passes(time, || copied(pool)).await?.1);
    }
    ours.close();
    let report = Report::new("read-log", "events/s", &mine, &server.machine).against(
        "events read in order and decoded",
        COPY,
        &theirs,
        Some(Target::AtLeast(0.8)),
    );
    Ok(match cpu.is_empty() {
        true => report,
        false => report.cpu(&cpu),
    })
}

/// Passes over the whole log until the time is over: how many events, and how many a second.
pub(super) async fn passes<F, Pass>(time: Duration, pass: F) -> anyhow::Result<(u64, f64)>
where
    F: Fn() -> Pass,
    Pass: Future<Output = anyhow::Result<u64>>,
{
    let begun = Instant::now();
    let mut events = 0;
    while begun.elapsed() < time {
        events += pass().await?;
    }
    Ok((events, events as f64 / begun.elapsed().as_secs_f64()))
}

/// Drains the copy; gives how many messages it had.
pub(super) async fn copied(pool: &PgPool) -> anyhow::Result<u64> {
    let mut messages = pool.copy_out_raw(STATEMENT).await.context("COPY")?;
    let mut count = 0;
    while let Some(message) = messages.try_next().await? {
        std::hint::black_box(message);
        count += 1;
    }
    Ok(count)
}
