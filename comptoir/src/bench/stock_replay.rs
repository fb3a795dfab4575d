//! Stock cqrs-es' replay: every event dispatched to a view of postgres-es.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::ensure;
use cqrs_es::persist::{GenericQuery, QueryReplay};
use cqrs_es::{EventEnvelope, View};
use domain::aggregate::Root;
use domain::decider::Decider;
use domain::hotels::reservation::{Event, Reservation};
use postgres_es::{PostgresEventRepository, PostgresViewRepository};
use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Executor, PgPool};

/// Its name among the sides.
pub(super) const STOCK: &str = "stock cqrs-es QueryReplay, postgres-es views";
const VIEW: &str = "reservation_view";
const CONNECTIONS: u32 = 4;

/// The tables of postgres-es 0.5 (its `db/init.sql`), in a schema of their own.
const TABLES: &str = "
    CREATE SCHEMA replayed;
    CREATE TABLE replayed.events (
        aggregate_type text                         NOT NULL,
        aggregate_id   text                         NOT NULL,
        sequence       bigint CHECK (sequence >= 0) NOT NULL,
        event_type     text                         NOT NULL,
        event_version  text                         NOT NULL,
        payload        json                         NOT NULL,
        metadata       json                         NOT NULL,
        PRIMARY KEY (aggregate_type, aggregate_id, sequence)
    );
    CREATE TABLE replayed.reservation_view (
        view_id text                        NOT NULL,
        version bigint CHECK (version >= 0) NOT NULL,
        payload json                        NOT NULL,
        PRIMARY KEY (view_id)
    );";

/// A row a reservation, as our table has it.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Row {
    version: usize,
    booked: Option<Event>,
    changed: Option<Event>,
    last: Option<Event>,
}

impl View<Root<Reservation>> for Row {
    fn update(&mut self, event: &EventEnvelope<Root<Reservation>>) {
        self.version = event.sequence;
        let place = match event.payload.0 {
            Event::ReservationBooked { .. } => &mut self.booked,
            Event::ReservationChanged { .. } => &mut self.changed,
            _ => &mut self.last,
        };
        *place = Some(event.payload.0.clone());
    }
}

/// Events to replay.
pub(super) struct Replay {
    pool: PgPool,
    events: u64,
}

impl Replay {
    /// Takes over about so many events of our log in the database at `url`.
    pub(super) async fn start(url: &str, events: u64) -> anyhow::Result<Self> {
        let options = PgConnectOptions::from_str(url)?
            .options([("search_path", "replayed")])
            .disable_statement_logging();
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .connect_with(options)
            .await?;
        pool.execute(TABLES).await?;
        let copied = sqlx::query(
            "INSERT INTO events SELECT aggregate_type, aggregate_id::text, sequence, event_type, \
                 event_version, payload::json, metadata::json \
             FROM log.events WHERE aggregate_type = $1 AND aggregate_id IN \
                 (SELECT aggregate_id FROM log.events WHERE sequence = 1 ORDER BY position LIMIT $2)",
        )
        .bind(Reservation::TYPE)
        .bind(events.div_ceil(10).cast_signed())
        .execute(&pool)
        .await?;
        Ok(Self {
            events: copied.rows_affected(),
            pool,
        })
    }

    /// Replays them into an empty view; gives how many a second.
    pub(super) async fn run(&self) -> anyhow::Result<f64> {
        self.pool.execute("TRUNCATE reservation_view").await?;
        let views = PostgresViewRepository::<Row, Root<Reservation>>::new(VIEW, self.pool.clone());
        let failed = Arc::new(AtomicU64::new(0));
        let mut query = GenericQuery::new(Arc::new(views));
        let mut replay_failed = Vec::new();
        for _ in 0..2 {
            let failed = Arc::clone(&failed);
            replay_failed.push(Box::new(move |_| {
                failed.fetch_add(1, Ordering::Relaxed);
            }));
        }
        if let Some(handler) = replay_failed.pop() {
            query.use_error_handler(handler);
        }
        let events = PostgresEventRepository::new(self.pool.clone());
        let mut replay = QueryReplay::new(events, query);
        if let Some(handler) = replay_failed.pop() {
            replay.use_error_handler(handler);
        }
        let begun = Instant::now();
        replay.replay_all().await?;
        let took = begun.elapsed().as_secs_f64();
        ensure!(failed.load(Ordering::Relaxed) == 0, "the stock side failed");
        Ok(self.events as f64 / took)
    }
}
