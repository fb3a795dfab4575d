//! `command`: load, decide, append, on many streams of about ten events.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use uuid::Uuid;

use super::Common;
use super::callers::{Load, Until, drive};
use super::lengths::{self, Lengths};
use super::numbers::draw;
use super::ours::Ours;
use super::report::{Report, Target};
use super::server::Server;
use super::stock::{CONNECTIONS, STOCK, Stock};

/// Events of a stream before its first command.
const EVENTS: u64 = 10;
const WARM_UP: Duration = Duration::from_millis(300);
/// Streams made up at once.
const SEEDERS: u64 = 16;

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(super) common: Common,
    /// Callers at once.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..))]
    callers: u64,
    /// Streams that they work on, drawn by lot.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    streams: u64,
    /// Streams of each length, when a long stream is compared with a short one.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..))]
    samples: u64,
    /// Events of a long stream.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    long: u64,
}

pub(super) async fn measure(options: &Options, server: &Server) -> anyhow::Result<Report> {
    let url = server.database("command").await?;
    let ours = Ours::open(&url).await?;
    let stock = Arc::new(Stock::start(&url, CONNECTIONS).await?);
    let common = &options.common;
    let streams = seeded(&ours, &stock, options.streams, EVENTS).await?;
    by_us(&ours, &streams, options.callers, WARM_UP).await?;
    by_stock(&stock, &streams, options.callers, WARM_UP).await?;
    let (mut mine, mut theirs, mut p50, mut p99) = (vec![], vec![], vec![], vec![]);
    let mut lengths = Lengths::default();
    for _ in 0..common.runs {
        // New streams for each run, so that they have about ten events.
        let streams = seeded(&ours, &stock, options.streams, EVENTS).await?;
        server.settle().await?;
        let mut load = by_us(&ours, &streams, options.callers, common.seconds).await?;
        mine.push(load.rate());
        p50.push(load.quantile_ms(50));
        p99.push(load.quantile_ms(99));
        server.settle().await?;
        let load = by_stock(&stock, &streams, options.callers, common.seconds).await?;
        theirs.push(load.rate());
        let short = seeded(&ours, &stock, options.samples, EVENTS).await?;
        let long = seeded(&ours, &stock, options.samples, options.long).await?;
        server.settle().await?;
        lengths.run(&ours, &stock, &short, &long).await?;
    }
    ours.close();
    let report = Report::new("command", "commands/s", &mine, &server.machine)
        .against(
            "commands on streams of about 10 events",
            STOCK,
            &theirs,
            Some(Target::AtLeast(12.0)),
        )
        .latencies(&p50, &p99);
    Ok(lengths::figures(&lengths, report))
}

/// So many new streams with so many events each, the same on both sides.
pub(super) async fn seeded(
    ours: &Ours,
    stock: &Stock,
    count: u64,
    events: u64,
) -> anyhow::Result<Arc<Vec<Uuid>>> {
    let ids: Arc<Vec<Uuid>> = Arc::new((0..count).map(|_| Uuid::new_v4()).collect());
    let (log, streams) = (Arc::new(ours.clone()), ids.clone());
    drive(
        SEEDERS,
        Until::Calls(count.div_ceil(SEEDERS)),
        move |turn| {
            let (log, id) = (log.clone(), streams.get(turn as usize).copied());
            async move {
                match id {
                    Some(id) => log.seed(id, events).await,
                    None => Ok(()),
                }
            }
        },
    )
    .await?;
    stock.copy_inventories(&ids).await?;
    Ok(ids)
}

/// One of `ids`, drawn by lot.
fn drawn(ids: &[Uuid], turn: u64) -> Uuid {
    ids[(draw(turn) % ids.len() as u64) as usize]
}

/// Our callers' commands on `ids`.
pub(super) async fn by_us(
    ours: &Ours,
    ids: &Arc<Vec<Uuid>>,
    callers: u64,
    time: Duration,
) -> anyhow::Result<Load> {
    let (ours, ids) = (Arc::new(ours.clone()), ids.clone());
    drive(callers, Until::Over(time), move |turn| {
        let (ours, id) = (ours.clone(), drawn(&ids, turn));
        async move { ours.reserve(id, turn).await }
    })
    .await
}

/// The stock side's callers' commands on `ids`.
pub(super) async fn by_stock(
    stock: &Arc<Stock>,
    ids: &Arc<Vec<Uuid>>,
    callers: u64,
    time: Duration,
) -> anyhow::Result<Load> {
    let (stock, ids) = (stock.clone(), ids.clone());
    drive(callers, Until::Over(time), move |turn| {
        let (stock, id) = (stock.clone(), drawn(&ids, turn));
        async move { stock.reserve(id, turn).await }
    })
    .await
}
