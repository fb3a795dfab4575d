//! `append`: events on new streams, everything on.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::Common;
use super::callers::{Load, Until, drive};
use super::insert;
use super::ours::Ours;
use super::pgbench::{Measured, Pgbench, Script};
use super::report::{Figure, Report, Target};
use super::server::Server;
use super::stock::{CONNECTIONS, STOCK, Stock};
use super::writers::{append, several};

/// The name of that side.
pub(super) const PGBENCH: &str = "pgbench: one INSERT a transaction";
const PGBENCH_ONE: &str = "pgbench: one INSERT, one client";
const SELF_ONE: &str = "self: one process, all callers";
const WARM_UP: Duration = Duration::from_millis(300);
const PROCESSES: u64 = 4;

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(super) common: Common,
    /// Callers at once; pgbench has as many clients.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..))]
    callers: u64,
    /// Connections of the stock side.
    #[arg(long, default_value_t = CONNECTIONS, value_parser = clap::value_parser!(u32).range(1..))]
    stock_connections: u32,
}

/// All that is measured, a value a run.
#[derive(Default)]
struct Values {
    ours: Vec<f64>,
    p50: Vec<f64>,
    p99: Vec<f64>,
    cpu: Vec<f64>,
    one: Vec<f64>,
    several: Vec<f64>,
    stock: Vec<f64>,
    stock_cpu: Vec<f64>,
    pgbench: Vec<f64>,
    pgbench_cpu: Vec<f64>,
    pgbench_one: Vec<f64>,
}

/// Both sides.
struct Sides<'a> {
    options: &'a Options,
    server: &'a Server,
    url: String,
    ours: Ours,
    stock: Arc<Stock>,
    pgbench: Pgbench,
    script: Script,
}

pub(super) async fn measure(options: &Options, server: &Server) -> anyhow::Result<Report> {
    let url = server.database("append").await?;
    let ours = Ours::open(&url).await?;
    append(&ours, options.callers, Until::Over(WARM_UP)).await?;
    let script = insert::prepare(&url).await?;
    let sides = Sides {
        options,
        server,
        stock: Arc::new(Stock::start(&url, options.stock_connections).await?),
        pgbench: Pgbench::find(&url, server.cpu)?,
        url,
        ours,
        script,
    };
    sides.stock(Until::Over(WARM_UP)).await?;
    let mut values = Values::default();
    let mut before = sides.pgbench(options.callers).await?;
    for _ in 0..options.common.runs {
        sides.run(&mut values).await?;
        // pgbench comes before and after, so that a machine that slows down slows both.
        let after = sides.pgbench(options.callers).await?;
        values.pgbench.push(f64::midpoint(before.rate, after.rate));
        values.pgbench_cpu.extend(after.cpu_micros);
        before = after;
    }
    sides.ours.close();
    Ok(report(&values, server))
}

impl Sides<'_> {
    async fn run(&self, values: &mut Values) -> anyhow::Result<()> {
        let (callers, time) = (self.options.callers, self.options.common.seconds);
        self.server.settle().await?;
        let meter = self.server.cpu.begin();
        let mut load = append(&self.ours, callers, Until::Over(time)).await?;
        let spent = meter.spent();
        values.ours.push(load.rate());
        values.p50.push(load.quantile_ms(50));
        values.p99.push(load.quantile_ms(99));
        let each = spent.map(|spent| (spent.server + spent.own) as f64 / load.done() as f64);
        values.cpu.extend(each);

        self.server.settle().await?;
        let meter = self.server.cpu.begin();
        let load = self.stock(Until::Over(time)).await?;
        let spent = meter.spent();
        values.stock.push(load.rate());
        let each = spent.map(|spent| (spent.server + spent.own) as f64 / load.done() as f64);
        values.stock_cpu.extend(each);

        let one = self.pgbench(1).await?;
        values.pgbench_one.extend(one.p50_ms);
        self.server.settle().await?;
        let mut load = append(&self.ours, 1, Until::Over(time)).await?;
        values.one.push(load.quantile_ms(50));

        self.server.settle().await?;
        let each = callers.div_ceil(PROCESSES);
        let together = several(&self.url, PROCESSES, each, time).await?;
        values.several.push(together);
        Ok(())
    }

    async fn stock(&self, until: Until) -> anyhow::Result<Load> {
        let stock = self.stock.clone();
        drive(self.options.callers, until, move |_| {
            let stock = stock.clone();
            async move { stock.append_new().await }
        })
        .await
    }

    async fn pgbench(&self, clients: u64) -> anyhow::Result<Measured> {
        self.server.settle().await?;
        let time = self.options.common.seconds;
        self.pgbench.run(&self.script, clients, time).await
    }
}

fn report(values: &Values, server: &Server) -> Report {
    let mut report = Report::new("append", "events/s", &values.ours, &server.machine)
        .against(
            "appended by all callers",
            PGBENCH,
            &values.pgbench,
            Some(Target::AtLeast(4.0)),
        )
        .against(
            "appended by all callers",
            STOCK,
            &values.stock,
            Some(Target::AtLeast(13.0)),
        )
        .latencies(&values.p50, &values.p99)
        .figure(
            Figure::compared(
                "appended by 4 processes",
                "events/s",
                &values.several,
                SELF_ONE,
                &values.ours,
            )
            .target(Target::AtLeast(0.6)),
        )
        .figure(
            Figure::compared(
                "one caller, p50",
                "ms",
                &values.one,
                PGBENCH_ONE,
                &values.pgbench_one,
            )
            .target(Target::AtMost(1.5)),
        );
    if !values.cpu.is_empty() {
        report = report
            .cpu(&values.cpu)
            .figure(
                Figure::compared(
                    "CPU of one append",
                    "µs",
                    &values.cpu,
                    PGBENCH,
                    &values.pgbench_cpu,
                )
                .target(Target::AtMost(0.3)),
            )
            .figure(Figure::compared(
                "CPU of one append",
                "µs",
                &values.cpu,
                STOCK,
                &values.stock_cpu,
            ));
    }
    report
}
