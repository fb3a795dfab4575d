//! `relay`: a filled log sent to Kafka by our relay, against a bare idempotent producer of the same
//! messages.

use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use clap::Args;
use event_store::relay;
use sqlx::{Executor, PgPool};
use tokio::time::interval;
use tokio_util::sync::CancellationToken;

use super::Common;
use super::bare_kafka::{messages, produce};
use super::broker::{Broker, Brokers};
use super::fill::{Filled, Streams};
use super::numbers::median;
use super::ours::Ours;
use super::report::{Report, Target};
use super::server::Server;
use super::window::Window;

const BARE: &str = "rdkafka: a bare idempotent producer";
const GLANCE: Duration = Duration::from_millis(2);

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(flatten)]
    brokers: Brokers,
    /// Events of the log.
    #[arg(long, default_value_t = 300_000, value_parser = clap::value_parser!(u64).range(10..))]
    events: u64,
}

pub(super) async fn measure(options: &Options, server: &Server) -> anyhow::Result<Report> {
    let broker = Broker::start(&options.brokers, &options.common).await?;
    let mut filled = Filled::begin(server.database("relay").await?, Streams::Both).await?;
    let ours = filled.up_to(options.events).await?;
    let topics = ours.log().topics();
    let relayed = broker.topics("relay", topics).await?;
    let bare = broker.topics("bare", topics).await?;
    let end = ours.end().await? as f64;
    let time = options.common.seconds;
    // A broker that has just started compiles what it runs while it runs it.
    pass(&ours, &relayed, end).await?;
    bare_pass(&ours, &bare).await?;
    let (mut mine, mut theirs, mut cpu) = (vec![], vec![], vec![]);
    for _ in 0..options.common.runs {
        server.settle().await?;
        let (begun, mut rates) = (Instant::now(), vec![]);
        while begun.elapsed() < time {
            let meter = server.cpu.begin();
            rates.push(pass(&ours, &relayed, end).await?);
            let spent = meter.spent();
            cpu.extend(spent.map(|spent| (spent.server + spent.own) as f64 / end));
        }
        mine.push(median(&rates));
        server.settle().await?;
        let (begun, mut rates) = (Instant::now(), vec![]);
        while begun.elapsed() < time {
            rates.push(bare_pass(&ours, &bare).await?);
        }
        theirs.push(median(&rates));
    }
    ours.close();
    broker.stop().await?;
    let report = Report::new("relay", "messages/s", &mine, &server.machine).against(
        "messages that Kafka acknowledged",
        BARE,
        &theirs,
        Some(Target::AtLeast(0.7)),
    );
    Ok(match cpu.is_empty() {
        true => report,
        false => report.cpu(&cpu),
    })
}

/// Relays the log anew; gives how many messages a second it wrote down as sent.
async fn pass(ours: &Ours, options: &relay::Options, end: f64) -> anyhow::Result<f64> {
    forget(ours.pool()).await?;
    let mut window = Window::of(end);
    let stop = CancellationToken::new();
    let (pool, topics) = (ours.pool().clone(), ours.log().topics().clone());
    let mut relay = tokio::spawn(relay::run(pool, topics, options.clone(), stop.clone()));
    let mut glances = interval(GLANCE);
    loop {
        tokio::select! {
            _ = glances.tick() => {}
            ended = &mut relay => {
                ended??;
                return Err(anyhow!("the relay ended by itself"));
            }
        }
        if let Some(rate) = window.look(sent(ours.pool()).await? as f64) {
            stop.cancel();
            relay.await??;
            return Ok(rate);
        }
    }
}

/// Sends what the relay would send; gives how many messages a second Kafka acknowledged.
async fn bare_pass(ours: &Ours, to: &relay::Options) -> anyhow::Result<f64> {
    let ready = messages(ours, to).await?;
    let brokers = to.brokers.clone();
    tokio::task::spawn_blocking(move || produce(&brokers, ready)).await?
}

/// Relays all of the log.
pub(super) async fn relay_all(ours: &Ours, options: &relay::Options) -> anyhow::Result<()> {
    let end = ours.end().await?;
    let stop = CancellationToken::new();
    let (pool, topics) = (ours.pool().clone(), ours.log().topics().clone());
    let relay = tokio::spawn(relay::run(pool, topics, options.clone(), stop.clone()));
    let mut glances = interval(GLANCE);
    while sent(ours.pool()).await? < end && !relay.is_finished() {
        glances.tick().await;
    }
    stop.cancel();
    relay.await?.context("relaying the log")
}

/// The position up to which the log is with Kafka.
async fn sent(log: &PgPool) -> anyhow::Result<i64> {
    let position = sqlx::query_scalar("SELECT position FROM relay");
    Ok(position.fetch_one(log).await?)
}

/// Lets a relay begin anew: what comes twice is a duplicate.
async fn forget(log: &PgPool) -> anyhow::Result<()> {
    log.execute("UPDATE relay SET position = 0").await?;
    log.execute("DELETE FROM relay_partitions").await?;
    Ok(())
}
