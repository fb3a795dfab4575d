//! `http`: reservations by HTTP with everything on, against the INSERT of pgbench.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use chrono::{Days, Utc};
use clap::Args;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::Common;
use super::append::PGBENCH;
use super::callers::{Load, Until, drive};
use super::insert;
use super::numbers::draw;
use super::ours::Ours;
use super::pgbench::{Pgbench, Script};
use super::report::{Figure, Report, Target};
use super::server::Server;
use super::service::{CallCpu, Deployment, Service};
use super::wire::Wire;

/// Nights on which guests arrive, from tomorrow on.
pub(super) const NIGHTS: u64 = 60;
/// Rooms of a hotel: more than are booked for any night.
const ROOMS: u32 = 10_000;
const WARM_UP: Duration = Duration::from_millis(500);

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(super) common: Common,
    /// Connections at once; pgbench has as many clients.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..))]
    connections: u64,
    /// Hotels that are booked, drawn by lot.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    hotels: u64,
}

/// All that is measured, a value a run.
#[derive(Default)]
struct Values {
    ours: Vec<f64>,
    p50: Vec<f64>,
    p99: Vec<f64>,
    cpu: CallCpu,
    pgbench: Vec<f64>,
    pgbench_cpu: Vec<f64>,
}

pub(super) async fn measure(options: &Options, server: &Server) -> anyhow::Result<Report> {
    let url = server.database("http").await?;
    let script = script(&url).await?;
    let pgbench = Pgbench::find(&url, server.cpu)?;
    let (clients, time) = (options.connections, options.common.seconds);
    let service = Deployment::of(&url)?.start("command-api").await?;
    let hotels = Arc::new(hotels(&service, options.hotels, options.connections).await?);
    book(
        &connect(&service, clients).await?,
        &hotels,
        clients,
        WARM_UP,
    )
    .await?;
    let mut values = Values::default();
    server.settle().await?;
    let mut before = pgbench.run(&script, clients, time).await?;
    for _ in 0..options.common.runs {
        server.settle().await?;
        run(&service, &hotels, options, server, &mut values).await?;
        server.settle().await?;
        let after = pgbench.run(&script, clients, time).await?;
        values.pgbench.push(f64::midpoint(before.rate, after.rate));
        values.pgbench_cpu.extend(after.cpu_micros);
        before = after;
    }
    let memory: Vec<f64> = service.memory().into_iter().collect();
    service.stop().await?;
    Ok(report(&values, &memory, server))
}

/// pgbench's transaction: the row of one event.
async fn script(url: &str) -> anyhow::Result<Script> {
    let ours = Ours::open(url).await?;
    ours.append_new().await?;
    ours.close();
    insert::prepare(url).await
}

pub(super) async fn connect(service: &Service, connections: u64) -> anyhow::Result<Arc<Wire>> {
    let token = service.token()?;
    let wire = Wire::connect(&service.address, &token, connections).await?;
    Ok(Arc::new(wire))
}

async fn run(
    service: &Service,
    hotels: &Arc<Vec<String>>,
    options: &Options,
    server: &Server,
    values: &mut Values,
) -> anyhow::Result<()> {
    let connections = options.connections;
    let wire = connect(service, connections).await?;
    let spending = service.spending(server.cpu);
    let mut load = book(&wire, hotels, connections, options.common.seconds).await?;
    spending.add_to(&mut values.cpu, load.done());
    values.ours.push(load.rate());
    values.p50.push(load.quantile_ms(50));
    values.p99.push(load.quantile_ms(99));
    Ok(())
}

/// What a command that makes something answers.
#[derive(Deserialize)]
pub(super) struct Created {
    pub(super) id: Uuid,
}

/// New hotels; gives the paths under which they are booked.
pub(super) async fn hotels(
    service: &Service,
    wanted: u64,
    connections: u64,
) -> anyhow::Result<Vec<String>> {
    let body = json!({
        "name": "Teranga", "city": "Dakar", "time_zone": "Africa/Dakar", "rating": 4,
        "is_active": true, "overbooking_allowance": 0,
        "room_types": [{
            "code": "double", "name": "Double", "capacity": 2, "count": ROOMS,
            "price_per_night": { "amount": 10_000, "currency": "EUR" },
        }],
    });
    let body = Bytes::from(body.to_string());
    let wire = connect(service, connections).await?;
    let paths = Arc::new(Mutex::new(Vec::new()));
    let made = paths.clone();
    let each = Until::Calls(wanted.div_ceil(connections));
    drive(connections, each, move |turn| {
        let (wire, body, made) = (wire.clone(), body.clone(), made.clone());
        async move {
            if turn >= wanted {
                return Ok(());
            }
            let answer = wire.post(turn, "/api/hotels", body).await?;
            let hotel: Created = serde_json::from_slice(&answer.body)?;
            let path = format!("/api/hotels/{}/reservations", hotel.id);
            made.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(path);
            Ok(())
        }
    })
    .await?;
    let mut paths = paths.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(std::mem::take(&mut *paths))
}

/// Books rooms in `hotels` over each connection, one after the other.
async fn book(
    wire: &Arc<Wire>,
    hotels: &Arc<Vec<String>>,
    connections: u64,
    time: Duration,
) -> anyhow::Result<Load> {
    let (wire, hotels) = (wire.clone(), hotels.clone());
    let bodies: Arc<Vec<Bytes>> = Arc::new((1..=NIGHTS).map(booking).collect());
    drive(connections, Until::Over(time), move |turn| {
        let (wire, hotels, bodies) = (wire.clone(), hotels.clone(), bodies.clone());
        async move {
            let lot = draw(turn);
            let path = &hotels[(lot % hotels.len() as u64) as usize];
            let body = bodies[((lot >> 32) % NIGHTS) as usize].clone();
            wire.post(turn, path, body).await.map(drop)
        }
    })
    .await
}

/// A room for two nights, so many days ahead.
pub(super) fn booking(ahead: u64) -> Bytes {
    let day = |ahead| Utc::now().date_naive() + Days::new(ahead);
    let body = json!({
        "room_type": "double", "check_in": day(ahead), "check_out": day(ahead + 2),
        "rooms": 1, "adults": 2, "children": 0,
    });
    Bytes::from(body.to_string())
}

fn report(values: &Values, memory: &[f64], server: &Server) -> Report {
    let mut report = Report::new("http", "commands/s", &values.ours, &server.machine)
        .against(
            "reservations by HTTP",
            PGBENCH,
            &values.pgbench,
            Some(Target::AtLeast(1.0)),
        )
        .latencies(&values.p50, &values.p99);
    if !memory.is_empty() {
        let most = Figure::alone("most resident memory of the service", "MiB", memory);
        report = report.figure(most.target(Target::AtMost(200.0)));
    }
    if !values.cpu.all.is_empty() {
        let (all, theirs) = (&values.cpu.all, &values.pgbench_cpu);
        report = report
            .cpu(all)
            .figure(Figure::compared(
                "CPU of one command",
                "µs",
                all,
                PGBENCH,
                theirs,
            ))
            .figure(Figure::alone(
                "of it the service's",
                "µs",
                &values.cpu.service,
            ))
            .figure(Figure::alone(
                "of it this client's",
                "µs",
                &values.cpu.client,
            ));
    }
    report
}
