//! `query`: a reservation by its key and a filtered page of ten, by HTTP, against the same SQL by
//! pgbench.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use domain::actor::Role;
use sqlx::{Connection, Executor};
use uuid::Uuid;

use super::Common;
use super::callers::{Load, Until, drive};
use super::numbers::draw;
use super::pgbench::{Pgbench, Script};
use super::report::{Figure, Report, Target};
use super::server::{Server, connect};
use super::service::{CallCpu, Deployment, Service};
use super::standing::at_the_beginning;
use super::wire::Wire;

const PGBENCH: &str = "pgbench: the same SQL";
const TARGET: Target = Target::AtLeast(0.6);
/// Reservations of a hotel.
const OF_A_HOTEL: u64 = 100;
const WARM_UP: Duration = Duration::from_millis(500);

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(super) common: Common,
    /// Connections at once; pgbench has as many clients.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..))]
    connections: u64,
    /// Reservations in the table.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(OF_A_HOTEL..))]
    rows: u64,
}

/// One of the two queries.
struct Query {
    script: Script,
    /// The path for a number.
    path: fn(u64) -> String,
    /// Numbers are below it.
    numbers: u64,
    /// Values, one a run.
    ours: Vec<f64>,
    pgbench: Vec<f64>,
    p50: Vec<f64>,
    p99: Vec<f64>,
    cpu: CallCpu,
    pgbench_cpu: Vec<f64>,
}

pub(super) async fn measure(options: &Options, server: &Server) -> anyhow::Result<Report> {
    let url = server.database("query").await?;
    fill(&url, options.rows).await?;
    let pgbench = Pgbench::find(&url, server.cpu)?;
    let service = Deployment::of(&url)?.start("read-api").await?;
    let (clients, time) = (options.connections, options.common.seconds);
    let token = service.token_of(&[Role::Admin])?;
    let wire = Arc::new(Wire::connect(&service.address, &token, clients).await?);
    let mut queries = [by_key(options.rows), page(options.rows)];
    for query in &queries {
        query.ask(&wire, clients, WARM_UP).await?;
    }
    server.settle().await?;
    for _ in 0..options.common.runs {
        for query in &mut queries {
            query.run(&wire, &service, server, clients, time).await?;
            let theirs = pgbench.run(&query.script, clients, time).await?;
            query.pgbench.push(theirs.rate);
            query.pgbench_cpu.extend(theirs.cpu_micros);
        }
    }
    let memory: Vec<f64> = service.memory().into_iter().collect();
    service.stop().await?;
    Ok(report(&queries, &memory, server))
}

/// Reservations whose ids, and hotels whose ids, are numbers.
async fn fill(url: &str, rows: u64) -> anyhow::Result<()> {
    let hotels = rows / OF_A_HOTEL;
    let mut connection = connect(url).await?;
    let (id, hotel) = (uuid_of("n"), uuid_of(&format!("n % {hotels}")));
    let sql = format!(
        "INSERT INTO read.reservations (id, version, hotel_id, booked_by, status, room_type, \
             check_in, check_out, rooms, adults, children, price_amount, total_amount, \
             currency, booked_at) \
         SELECT {id}, 1, {hotel}, md5((n % 9973)::text)::uuid, 'confirmed', \
             'double', current_date + n::integer % 365, current_date + n::integer % 365 + 2, \
             1, 2, 0, 10000, 20000, 'EUR', now() \
         FROM generate_series(0::bigint, {rows} - 1) AS n"
    );
    connection.execute(sql.as_str()).await?;
    at_the_beginning(&mut connection, &projections::all()).await?;
    connection
        .execute("VACUUM (ANALYZE) read.reservations")
        .await?;
    Ok(connection.close().await?)
}

/// SQL for the id that is a number.
fn uuid_of(number: &str) -> String {
    format!("lpad(to_hex(({number})::bigint), 32, '0')::uuid")
}

fn by_key(rows: u64) -> Query {
    let sql = format!(
        "SELECT * FROM read.reservations WHERE id = {};\n",
        uuid_of(":n")
    );
    Query::of(&sql, |n| format!("/api/reservations/{}", id(n)), rows)
}

fn page(rows: u64) -> Query {
    let from = format!(
        "FROM read.reservations WHERE true AND hotel_id = {}",
        uuid_of(":n")
    );
    let sql = format!(
        "SELECT (SELECT count(*) {from}), * {from} ORDER BY check_in ASC, id ASC LIMIT 10;\n"
    );
    let path = |n| format!("/api/reservations?hotel_id={}", id(n));
    Query::of(&sql, path, rows / OF_A_HOTEL)
}

fn id(number: u64) -> Uuid {
    Uuid::from_u128(number.into())
}

impl Query {
    fn of(sql: &str, path: fn(u64) -> String, numbers: u64) -> Self {
        Self {
            script: Script {
                statement: format!("\\set n random(0, {})\n{sql}", numbers - 1),
                variables: Vec::new(),
            },
            path,
            numbers,
            ours: vec![],
            pgbench: vec![],
            p50: vec![],
            p99: vec![],
            cpu: CallCpu::default(),
            pgbench_cpu: vec![],
        }
    }

    async fn ask(&self, wire: &Arc<Wire>, clients: u64, time: Duration) -> anyhow::Result<Load> {
        let (wire, path, numbers) = (wire.clone(), self.path, self.numbers);
        drive(clients, Until::Over(time), move |turn| {
            let wire = wire.clone();
            async move {
                let path = path(draw(turn) % numbers);
                wire.get(turn, &path, None).await.map(drop)
            }
        })
        .await
    }

    async fn run(
        &mut self,
        wire: &Arc<Wire>,
        service: &Service,
        server: &Server,
        clients: u64,
        time: Duration,
    ) -> anyhow::Result<()> {
        let spending = service.spending(server.cpu);
        let mut load = self.ask(wire, clients, time).await?;
        spending.add_to(&mut self.cpu, load.done());
        self.ours.push(load.rate());
        self.p50.push(load.quantile_ms(50));
        self.p99.push(load.quantile_ms(99));
        Ok(())
    }
}

fn report([key, page]: &[Query; 2], memory: &[f64], server: &Server) -> Report {
    let mut report = Report::new("query", "queries/s", &key.ours, &server.machine)
        .against("by key", PGBENCH, &key.pgbench, Some(TARGET))
        .latencies(&key.p50, &key.p99);
    let listed = Figure::compared(
        "a filtered page of 10, and how many there are",
        "queries/s",
        &page.ours,
        PGBENCH,
        &page.pgbench,
    );
    report = report.figure(listed.target(TARGET));
    if !memory.is_empty() {
        let most = Figure::alone("most resident memory of the service", "MiB", memory);
        report = report.figure(most.target(Target::AtMost(200.0)));
    }
    if !key.cpu.all.is_empty() {
        report = report.cpu(&key.cpu.all);
    }
    for (name, query) in [("by key", key), ("a page", page)] {
        if query.cpu.all.is_empty() {
            continue;
        }
        let (all, theirs) = (&query.cpu.all, &query.pgbench_cpu);
        let title = format!("CPU of one query, {name}");
        report = report.figure(Figure::compared(title, "µs", all, PGBENCH, theirs));
        for (of, cpu) in [
            ("service", &query.cpu.service),
            ("client", &query.cpu.client),
        ] {
            let title = format!("of it the {of}'s, {name}");
            report = report.figure(Figure::alone(title, "µs", cpu));
        }
    }
    report
}
