//! `comptoir bench`: Comptoir and what it is measured against, in one run on one machine.
//!
//! `docs/benchmarks.md` says what each side is and how to read the figures.

mod append;
mod audit;
mod bare_kafka;
mod bare_lag;
mod broker;
mod callers;
mod command;
mod cpu;
mod fill;
mod growth;
mod hot;
mod http;
mod insert;
mod lag;
mod lengths;
mod log_times;
mod machine;
mod numbers;
mod ours;
mod pgbench;
mod project;
mod query;
mod read_log;
mod rebuild;
mod relay;
mod report;
mod sample;
mod scratch;
mod server;
mod service;
mod standing;
mod stock;
mod stock_replay;
mod table;
mod window;
mod wire;
mod writers;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::anyhow;
use clap::{Args, Subcommand};
use service_kit::supervise::stop_on_signal;
use tokio_util::sync::CancellationToken;

use report::Report;
use server::Server;
pub(crate) use writers::Writer;

/// What to measure.
#[derive(Subcommand)]
pub(crate) enum Bench {
    /// Events appended to new streams, against pgbench and stock cqrs-es with postgres-es.
    Append(append::Options),
    /// Commands that load, decide and append, against stock cqrs-es with postgres-es.
    Command(command::Options),
    /// Commands that all want one stream, against stock cqrs-es with postgres-es.
    Hot(hot::Options),
    /// Reservations by HTTP, against pgbench.
    Http(http::Options),
    /// The whole log read in order and decoded, against COPY.
    ReadLog(read_log::Options),
    /// A log sent to Kafka by the relay, against a bare rdkafka producer.
    Relay(relay::Options),
    /// Relayed messages projected into every table, against a bare rdkafka consumer.
    Project(project::Options),
    /// From a command's answer to its being visible, against bare Kafka and two commits.
    #[command(mut_arg("seconds", |seconds| seconds.default_value("60")))]
    Lag(lag::Options),
    /// Queries by HTTP, against the same SQL by pgbench.
    Query(query::Options),
    /// A table built anew from the log, against COPY and stock cqrs-es' replay.
    Rebuild(rebuild::Options),
    /// Append, load and query by key on a long log, against a short one.
    Growth(growth::Options),
    /// The log verified and exported against COPY, the tree's cost, proofs of a long log, and a
    /// replay against a rebuild.
    Audit(audit::Options),
}

/// What every bench is told.
#[derive(Args, Clone)]
pub(crate) struct Common {
    /// How long each side is measured in each run, in seconds (pgbench: whole ones).
    #[arg(long, default_value = "5", value_parser = seconds)]
    seconds: Duration,
    /// How often each side is measured; the median counts.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Where to write the figures as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// A PostgreSQL server to measure on, where the bench makes and drops databases of its own;
    /// else one of its own in a temporary folder.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// Where a PostgreSQL of its own keeps its data while it is measured; a real disk.
    #[arg(long, default_value_os_t = std::env::temp_dir())]
    data: PathBuf,
}

/// A length of time from a number of seconds.
fn seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    match Duration::try_from_secs_f64(number) {
        Ok(time) if !time.is_zero() => Ok(time),
        _ => Err("not a length of time".to_owned()),
    }
}

impl Bench {
    /// Measures, prints a table, and writes the JSON where that was asked for.
    ///
    /// # Errors
    /// When a side can't be started or fails.
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        if cfg!(debug_assertions) {
            eprintln!("This is a debug build: its figures say nothing.");
        }
        let common = self.common().clone();
        let stop = CancellationToken::new();
        tokio::spawn(stop_on_signal(stop.clone()));
        let server = Server::start(&common).await?;
        let outcome = tokio::select! {
            report = self.measure(&server) => report,
            () = stop.cancelled() => Err(anyhow!("stopped before its end")),
        };
        let removed = server.stop().await;
        let report = outcome?;
        println!("{}", report.table());
        if let Some(file) = &common.json {
            report.write(file)?;
        }
        removed
    }

    fn common(&self) -> &Common {
        match self {
            Self::Append(options) => &options.common,
            Self::Command(options) => &options.common,
            Self::Hot(options) => &options.common,
            Self::Http(options) => &options.common,
            Self::ReadLog(options) => &options.common,
            Self::Relay(options) => &options.common,
            Self::Project(options) => &options.common,
            Self::Lag(options) => &options.common,
            Self::Query(options) => &options.common,
            Self::Rebuild(options) => &options.common,
            Self::Growth(options) => &options.common,
            Self::Audit(options) => &options.common,
        }
    }

    async fn measure(&self, server: &Server) -> anyhow::Result<Report> {
        match self {
            Self::Append(options) => append::measure(options, server).await,
            Self::Command(options) => command::measure(options, server).await,
            Self::Hot(options) => hot::measure(options, server).await,
            Self::Http(options) => http::measure(options, server).await,
            Self::ReadLog(options) => read_log::measure(options, server).await,
            Self::Relay(options) => relay::measure(options, server).await,
            Self::Project(options) => project::measure(options, server).await,
            Self::Lag(options) => lag::measure(options, server).await,
            Self::Query(options) => query::measure(options, server).await,
            Self::Rebuild(options) => rebuild::measure(options, server).await,
            Self::Growth(options) => growth::measure(options, server).await,
            Self::Audit(options) => audit::measure(options, server).await,
        }
    }
}
