//! `audit`: verifying and exporting the log against COPY of the same rows, what the tree costs the
//! append, proofs of a long log, and a replay against a rebuild.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use audit::export::{Request, to_sink};
use audit::verify::{Trusted, verify};
use clap::Args;
use event_store::as_of::AsOf;
use event_store::personal::Keyring;
use event_store::tree::{self, CheckpointKeys, Grower};
use event_store::{Position, database};
use futures::TryStreamExt;
use projections::rebuild::replay::{self, Asked, Schema};
use projections::rebuild::{self, Databases, Progress};
use proofs::{Proof, check};
use sqlx::postgres::PgPoolCopyExt;
use sqlx::{Executor, PgPool};
use tokio_util::sync::CancellationToken;

use super::Common;
use super::callers::Until;
use super::fill::{Filled, Streams};
use super::numbers::{draw, quantile_ms};
use super::ours::Ours;
use super::read_log::{COPY, passes};
use super::report::{Figure, Report, Target};
use super::server::Server;
use super::writers::append;

/// The same rows with their leaf hashes, in order.
const STATEMENT: &str = "COPY (SELECT position, event_id, aggregate_type, aggregate_id, sequence, \
     event_type, event_version, payload, metadata, recorded_at, occurred_at, partition, leaf_hash \
     FROM log.events ORDER BY position) TO STDOUT (FORMAT binary)";
const WITHOUT: &str = "self: without the tree";
const REBUILD: &str = "self: a rebuild of the same table";
const TABLE: &str = "reservations";
/// Proofs that are made and checked.
const PROOFS: u64 = 1_000;
/// How often the tree is signed while events are appended.
const SIGNED: Duration = Duration::from_secs(1);

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(super) common: Common,
    /// Events of the log that is verified, exported and replayed.
    #[arg(long, default_value_t = 300_000, value_parser = clap::value_parser!(u64).range(10..))]
    events: u64,
    /// Events of the log that proofs are made of.
    #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u64).range(10..))]
    proved: u64,
    /// Callers at once that append.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..))]
    callers: u64,
}

/// All that is measured, a value a run.
#[derive(Default)]
struct Values {
    verified: Vec<f64>,
    exported: Vec<f64>,
    copied: Vec<f64>,
    replayed: Vec<f64>,
    rebuilt: Vec<f64>,
    with_tree: Vec<f64>,
    without_tree: Vec<f64>,
}

pub(super) async fn measure(options: &Options, server: &Server) -> anyhow::Result<Report> {
    let mut values = Values::default();
    whole_log(options, server, &mut values).await?;
    beside_the_append(options, server, &mut values).await?;
    let proved = long_log(options, server).await?;
    let at_least = |share| Some(Target::AtLeast(share));
    let report = Report::new("audit", "events/s", &values.verified, &server.machine)
        .against("verified", COPY, &values.copied, at_least(0.5))
        .figure(
            compared(
                "exported and compressed",
                &values.exported,
                COPY,
                &values.copied,
            )
            .target(Target::AtLeast(0.5)),
        )
        .figure(
            compared(
                "replayed as of a position",
                &values.replayed,
                REBUILD,
                &values.rebuilt,
            )
            .target(Target::AtLeast(1.0)),
        )
        .figure(
            compared(
                "appended while the tree is kept",
                &values.with_tree,
                WITHOUT,
                &values.without_tree,
            )
            .target(Target::AtLeast(0.98)),
        );
    Ok(proved.into_iter().fold(report, Report::figure))
}

fn compared(name: &str, ours: &[f64], against: &str, theirs: &[f64]) -> Figure {
    Figure::compared(name, "events/s", ours, against, theirs)
}

/// Verifying, exporting and replaying, and what each is measured against.
async fn whole_log(options: &Options, server: &Server, values: &mut Values) -> anyhow::Result<()> {
    let url = server.database("audit").await?;
    let mut filled = Filled::begin(url.clone(), Streams::Reservations).await?;
    let ours = filled.up_to(options.events).await?;
    let (pool, events) = (ours.pool(), ours.end().await?);
    let keys = keys()?;
    Grower::new(pool.clone()).grow().await?;
    let signed = tree::sign(pool, &keys)
        .await?
        .context("nothing is signed")?;
    let trusted = Trusted {
        keys: keys.verifiers(&signed.origin)?,
        published: Vec::new(),
    };
    let databases = Databases {
        log: pool.clone(),
        read: database::pool(&url, "read", 16)?,
        keyring: Keyring::none(),
    };
    let time = options.common.seconds;
    for _ in 0..options.common.runs {
        server.settle().await?;
        values
            .verified
            .push(passes(time, || verified(pool, &trusted)).await?.1);
        values
            .exported
            .push(passes(time, || exported(pool)).await?.1);
        values.copied.push(passes(time, || copied(pool)).await?.1);
        server.settle().await?;
        values
            .rebuilt
            .push(events as f64 / rebuilt(&databases).await?);
        server.settle().await?;
        values
            .replayed
            .push(events as f64 / replayed(&databases, events).await?);
    }
    ours.close();
    Ok(())
}

fn keys() -> anyhow::Result<CheckpointKeys> {
    Ok(CheckpointKeys::make("bench")?.parse()?)
}

async fn verified(pool: &PgPool, trusted: &Trusted) -> anyhow::Result<u64> {
    let report = verify(pool, trusted, |_, _| ()).await?;
    ensure!(report.holds() && report.honoured == 1, "{report:?}");
    Ok(report.head)
}

/// As a folder gets it, but that nothing is written to a disk.
async fn exported(pool: &PgPool) -> anyhow::Result<u64> {
    let request = Request::default();
    Ok(to_sink(pool, &request, std::io::sink(), true, Arc::new(|_, _| ())).await?)
}

/// Drains the copy; gives how many rows it had.
async fn copied(pool: &PgPool) -> anyhow::Result<u64> {
    let mut messages = pool.copy_out_raw(STATEMENT).await.context("COPY")?;
    let mut count = 0_u64;
    while let Some(message) = messages.try_next().await? {
        std::hint::black_box(message);
        count += 1;
    }
    // The first and the last message are no rows.
    Ok(count.saturating_sub(2))
}

/// The seconds of a rebuild of a table that was never projected.
async fn rebuilt(databases: &Databases) -> anyhow::Result<f64> {
    databases.read.execute("TRUNCATE watermarks").await?;
    let projection = projections::named(TABLE).context(TABLE)?;
    let options = rebuild::Options {
        workers: workers(),
        accept: false,
    };
    let (sender, _) = Progress::channel();
    let begun = Instant::now();
    rebuild::rebuild(databases, &projection, options, sender).await?;
    Ok(begun.elapsed().as_secs_f64())
}

/// The seconds of a replay of the same table and events.
async fn replayed(databases: &Databases, position: Position) -> anyhow::Result<f64> {
    let projection = projections::named(TABLE).context(TABLE)?;
    let asked = Asked {
        moment: AsOf::Position(position).find(&databases.log).await?,
        schema: Schema::usual(&projection, position),
        workers: workers(),
    };
    let (sender, _) = Progress::channel();
    let begun = Instant::now();
    let outcome = replay::replay(databases, &projection, &asked, sender).await?;
    let took = begun.elapsed().as_secs_f64();
    ensure!(outcome.not_folded.is_empty(), "{outcome:?}");
    replay::drop(&databases.read, &asked.schema).await?;
    Ok(took)
}

fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Appending while the tree is kept as a worker keeps it, and without, in turns.
async fn beside_the_append(
    options: &Options,
    server: &Server,
    values: &mut Values,
) -> anyhow::Result<()> {
    let url = server.database("tree").await?;
    let ours = Ours::open(&url).await?;
    let time = Until::Over(options.common.seconds);
    append(&ours, options.callers, time).await?;
    // What was appended without it is added before it is measured.
    let mut grower = Grower::new(ours.pool().clone());
    let mut before = appended(&ours, options).await?;
    for _ in 0..options.common.runs {
        grower.grow().await?;
        server.settle().await?;
        let stop = CancellationToken::new();
        let kept = tree::Options {
            keys: keys()?,
            every: SIGNED,
            sinks: Vec::new(),
        };
        let kept = tokio::spawn(tree::run(ours.pool().clone(), kept, stop.clone()));
        values.with_tree.push(appended(&ours, options).await?);
        stop.cancel();
        kept.await??;
        server.settle().await?;
        let after = appended(&ours, options).await?;
        values.without_tree.push(f64::midpoint(before, after));
        before = after;
    }
    ours.close();
    Ok(())
}

async fn appended(ours: &Ours, options: &Options) -> anyhow::Result<f64> {
    let time = Until::Over(options.common.seconds);
    Ok(append(ours, options.callers, time).await?.rate())
}

/// The tree of a long log, and proofs from it.
async fn long_log(options: &Options, server: &Server) -> anyhow::Result<Vec<Figure>> {
    let mut filled = Filled::begin(server.database("proved").await?, Streams::Inventories).await?;
    tracing::info!(events = options.proved, "filling");
    let ours = filled.up_to(options.proved).await?;
    let (pool, events) = (ours.pool(), ours.end().await?);
    server.settle().await?;
    let begun = Instant::now();
    Grower::new(pool.clone()).grow().await?;
    let grown = events as f64 / begun.elapsed().as_secs_f64();
    let keys = keys()?;
    let signed = tree::sign(pool, &keys)
        .await?
        .context("nothing is signed")?;
    let key = keys.verifiers(&signed.origin)?.remove(0);
    let (mut made, mut checked) = (Vec::new(), Vec::new());
    for number in 0..PROOFS {
        let position = 1 + (draw(number) % events.unsigned_abs()).cast_signed();
        let begun = Instant::now();
        let proof = Proof::Inclusion(tree::inclusion(pool, position, true).await?);
        made.push(micros(begun));
        let begun = Instant::now();
        check(&proof, &key)?;
        checked.push(micros(begun));
    }
    ours.close();
    let of = format!("of {events} events");
    Ok(vec![
        Figure::alone(
            format!("proof {of}, made, p50"),
            "ms",
            &[quantile_ms(&mut made, 50)],
        ),
        Figure::alone(
            format!("proof {of}, made, p99"),
            "ms",
            &[quantile_ms(&mut made, 99)],
        )
        .target(Target::AtMost(10.0)),
        Figure::alone(
            format!("proof {of}, checked, p99"),
            "ms",
            &[quantile_ms(&mut checked, 99)],
        )
        .target(Target::AtMost(10.0)),
        Figure::alone("added to the tree", "events/s", &[grown]),
    ])
}

fn micros(begun: Instant) -> u32 {
    u32::try_from(begun.elapsed().as_micros()).unwrap_or(u32::MAX)
}
