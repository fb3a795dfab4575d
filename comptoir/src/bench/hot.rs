//! `hot`: every caller wants the same stream.

use std::sync::Arc;

use clap::Args;

use super::Common;
use super::command::{by_stock, by_us, seeded};
use super::ours::Ours;
use super::report::{Report, Target};
use super::server::Server;
use super::stock::{CONNECTIONS, Stock};

const STOCK: &str = "stock cqrs-es + postgres-es, again at each conflict";

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(super) common: Common,
    /// Callers at once.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..))]
    callers: u64,
}

pub(super) async fn measure(options: &Options, server: &Server) -> anyhow::Result<Report> {
    let url = server.database("hot").await?;
    let ours = Ours::open(&url).await?;
    let stock = Arc::new(Stock::start(&url, CONNECTIONS).await?);
    let (callers, time) = (options.callers, options.common.seconds);
    let (mut mine, mut theirs, mut p50, mut p99) = (vec![], vec![], vec![], vec![]);
    for _ in 0..options.common.runs {
        // A new stream for each run, which begins with one event.
        let stream = seeded(&ours, &stock, 1, 1).await?;
        server.settle().await?;
        let mut load = by_us(&ours, &stream, callers, time).await?;
        mine.push(load.rate());
        p50.push(load.quantile_ms(50));
        p99.push(load.quantile_ms(99));
        server.settle().await?;
        let load = by_stock(&stock, &stream, callers, time).await?;
        theirs.push(load.rate());
    }
    ours.close();
    Ok(Report::new("hot", "commands/s", &mine, &server.machine)
        .against(
            "commands on one stream",
            STOCK,
            &theirs,
            Some(Target::AtLeast(30.0)),
        )
        .latencies(&p50, &p99))
}
