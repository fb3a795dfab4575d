//! Stock cqrs-es with postgres-es, as their documentation sets them up, on tables of their own.

use std::str::FromStr;
use std::time::Duration;

use cqrs_es::AggregateError;
use domain::aggregate::Root;
use domain::decider::Decider;
use domain::hotels::inventory::{Command, RoomInventory};
use domain::hotels::reservation::Reservation;
use postgres_es::{PostgresCqrs, postgres_cqrs};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Executor, PgPool};
use uuid::Uuid;

use super::sample;

/// Its name among the sides.
pub(super) const STOCK: &str = "stock cqrs-es + postgres-es";
/// Connections with which it is about fastest on two CPUs.
pub(super) const CONNECTIONS: u32 = 32;
/// How long its callers wait for a connection: on one stream they wait long.
const PATIENCE: Duration = Duration::from_secs(120);

/// The tables of postgres-es 0.5 (its `db/init.sql`), in a schema of their own.
const TABLES: &str = "
    CREATE SCHEMA stock;
    CREATE TABLE stock.events (
        aggregate_type text                         NOT NULL,
        aggregate_id   text                         NOT NULL,
        sequence       bigint CHECK (sequence >= 0) NOT NULL,
        event_type     text                         NOT NULL,
        event_version  text                         NOT NULL,
        payload        json                         NOT NULL,
        metadata       json                         NOT NULL,
        PRIMARY KEY (aggregate_type, aggregate_id, sequence)
    );
    CREATE TABLE stock.snapshots (
        aggregate_type   text                                 NOT NULL,
        aggregate_id     text                                 NOT NULL,
        last_sequence    bigint CHECK (last_sequence >= 0)    NOT NULL,
        current_snapshot bigint CHECK (current_snapshot >= 0) NOT NULL,
        payload          json                                 NOT NULL,
        PRIMARY KEY (aggregate_type, aggregate_id, last_sequence)
    );";

/// Two frameworks over one event table.
pub(super) struct Stock {
    pool: PgPool,
    reservations: PostgresCqrs<Root<Reservation>>,
    inventories: PostgresCqrs<Root<RoomInventory>>,
}

impl Stock {
    /// Makes its tables in the database at `url`.
    pub(super) async fn start(url: &str, connections: u32) -> anyhow::Result<Self> {
        let options = PgConnectOptions::from_str(url)?
            .options([("search_path", "stock")])
            // Its slow statements are what is measured.
            .disable_statement_logging();
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_slow_threshold(PATIENCE)
            .acquire_timeout(PATIENCE)
            .connect_with(options)
            .await?;
        pool.execute(TABLES).await?;
        Ok(Self {
            reservations: postgres_cqrs(pool.clone(), vec![], ()),
            inventories: postgres_cqrs(pool.clone(), vec![], ()),
            pool,
        })
    }

    /// A booking on a new stream.
    pub(super) async fn append_new(&self) -> anyhow::Result<()> {
        let id = Uuid::now_v7().to_string();
        let framework = &self.reservations;
        framework
            .execute_with_metadata(&id, sample::booking(), sample::metadata())
            .await?;
        Ok(())
    }

    /// A command on an inventory; again when another one was faster.
    pub(super) async fn reserve(&self, id: Uuid, number: u64) -> anyhow::Result<()> {
        let id = id.to_string();
        loop {
            let command = Command::Reserve(sample::allocation(number));
            let framework = &self.inventories;
            match framework
                .execute_with_metadata(&id, command, sample::metadata())
                .await
            {
                Ok(()) => return Ok(()),
                Err(AggregateError::AggregateConflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Takes over the inventories of our log, so that both sides have the same.
    pub(super) async fn copy_inventories(&self, ids: &[Uuid]) -> anyhow::Result<()> {
        sqlx::query(
            "INSERT INTO events SELECT aggregate_type, aggregate_id::text, sequence, event_type, \
                 event_version, payload::json, metadata::json \
             FROM log.events WHERE aggregate_type = $1 AND aggregate_id = ANY($2)",
        )
        .bind(RoomInventory::TYPE)
        .bind(ids)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
