//! `lag`: from a command's answer to its being visible to queries, through the whole system, against
//! bare Kafka and two bare commits.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use bytes::Bytes;
use clap::Args;
use tokio::task::JoinSet;
use tokio::time::sleep_until;

use super::Common;
use super::bare_lag::Bare;
use super::broker::{Broker, Brokers};
use super::http::{Created, NIGHTS, booking, connect, hotels};
use super::numbers::{draw, quantile_ms};
use super::ours::Ours;
use super::report::{Figure, Report, Target};
use super::server::Server;
use super::service::{Deployment, Service};
use super::wire::Wire;

const BARE: &str = "bare: rdkafka from producer to consumer, between two commits";
const TARGET: Target = Target::AtMost(2.0);
const CONNECTIONS: u64 = 64;
/// Hotels that are booked.
const HOTELS: u64 = 200;
/// The broker's JVM takes so long to compile what it runs, on the CPU that is measured.
const WARM_UP: Duration = Duration::from_secs(30);

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(flatten)]
    brokers: Brokers,
    /// Commands a second, whether or not earlier ones are visible.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rate: u32,
}

/// The whole system, each service a process.
struct System {
    services: Vec<Service>,
    commands: Arc<Wire>,
    queries: Arc<Wire>,
    hotels: Arc<Vec<String>>,
}

pub(super) async fn measure(options: &Options, server: &Server) -> anyhow::Result<Report> {
    let broker = Broker::start(&options.brokers, &options.common).await?;
    let url = server.database("lag").await?;
    let topics = Ours::open(&url).await?;
    let through = broker.topics("lag", topics.log().topics()).await?;
    topics.close();
    let system = System::start(&Deployment::of(&url)?.through(&through)).await?;
    let bare = Bare::start(&url, &broker).await?;
    let (rate, time) = (options.rate, options.common.seconds);
    system.run(rate, WARM_UP.min(time)).await?;
    paced(rate, WARM_UP.min(time), |turn| bare.clone().pass(turn)).await?;
    let (mut mine, mut theirs) = ([vec![], vec![]], [vec![], vec![]]);
    for _ in 0..options.common.runs {
        server.settle().await?;
        let mut ours = system.run(rate, time).await?;
        server.settle().await?;
        let mut plain = paced(rate, time, |turn| bare.clone().pass(turn)).await?;
        for (place, hundredths) in [50, 99].into_iter().enumerate() {
            mine[place].push(quantile_ms(&mut ours, hundredths));
            theirs[place].push(quantile_ms(&mut plain, hundredths));
        }
    }
    let [p50, p99] = &mine;
    let names = ["command-api", "relay", "projector", "read-api"];
    let memory: Vec<_> = names.into_iter().zip(system.memory()).collect();
    system.stop().await?;
    broker.stop().await?;
    let report = Report::new("lag", "ms", p50, &server.machine)
        .against(
            "acknowledged to visible, p50",
            BARE,
            &theirs[0],
            Some(TARGET),
        )
        .figure(
            Figure::compared("acknowledged to visible, p99", "ms", p99, BARE, &theirs[1])
                .target(TARGET),
        )
        .latencies(p50, p99);
    Ok(memory.into_iter().fold(report, |report, (name, most)| {
        let figure = Figure::alone(format!("most resident memory of {name}"), "MiB", &[most]);
        report.figure(figure.target(Target::AtMost(200.0)))
    }))
}

impl System {
    async fn start(deployment: &Deployment) -> anyhow::Result<Self> {
        let commands = deployment.start("command-api").await?;
        let relay = deployment.start("relay").await?;
        let projector = deployment.start("projector").await?;
        // It is ready when the projector has begun every table.
        let queries = deployment.start("read-api").await?;
        Ok(Self {
            hotels: Arc::new(hotels(&commands, HOTELS, CONNECTIONS).await?),
            commands: connect(&commands, CONNECTIONS).await?,
            queries: Arc::new(
                Wire::connect(&queries.address, &commands.token()?, CONNECTIONS).await?,
            ),
            services: vec![commands, relay, projector, queries],
        })
    }

    /// Books rooms at this rate; gives for each the microseconds from its answer to its being
    /// shown.
    async fn run(&self, rate: u32, time: Duration) -> anyhow::Result<Vec<u32>> {
        let bodies: Arc<Vec<Bytes>> = Arc::new((1..=NIGHTS).map(booking).collect());
        paced(rate, time, |turn| {
            let (commands, queries) = (self.commands.clone(), self.queries.clone());
            let (hotels, bodies) = (self.hotels.clone(), bodies.clone());
            async move {
                let lot = draw(turn);
                let path = &hotels[(lot % hotels.len() as u64) as usize];
                let body = bodies[((lot >> 32) % NIGHTS) as usize].clone();
                let answer = commands.post(turn, path, body).await?;
                let answered = Instant::now();
                let made: Created = serde_json::from_slice(&answer.body)?;
                let token = answer.token.context("no consistency token")?;
                let path = format!("/api/reservations/{}", made.id);
                queries.get(turn, &path, Some(&token)).await?;
                Ok(answered.elapsed())
            }
        })
        .await
    }

    /// Of each service the most memory (MiB) that it has had resident.
    fn memory(&self) -> Vec<f64> {
        self.services.iter().filter_map(Service::memory).collect()
    }

    async fn stop(self) -> anyhow::Result<()> {
        for service in self.services {
            service.stop().await?;
        }
        Ok(())
    }
}

/// Calls at this rate, each when its time has come; gives the microseconds that each tells.
async fn paced<F, Called>(rate: u32, time: Duration, call: F) -> anyhow::Result<Vec<u32>>
where
    F: Fn(u64) -> Called,
    Called: Future<Output = anyhow::Result<Duration>> + Send + 'static,
{
    let begun = tokio::time::Instant::now();
    let calls = (f64::from(rate) * time.as_secs_f64()).ceil().max(1.0) as u64;
    let mut under_way = JoinSet::new();
    for turn in 0..calls {
        sleep_until(begun + Duration::from_secs_f64(turn as f64 / f64::from(rate))).await;
        under_way.spawn(call(turn));
    }
    let mut micros = Vec::new();
    while let Some(called) = under_way.join_next().await {
        micros.push(u32::try_from(called??.as_micros()).unwrap_or(u32::MAX));
    }
    Ok(micros)
}
