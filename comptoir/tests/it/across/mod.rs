//! A projection whose rows go across streams: whatever projects at the same time, wherever it is
//! killed, and rebuilt from the log alone, each row is the fold of all events that touch it.

pub mod busy_nights;
mod live;
mod parked;
mod processes;
mod rebuilt;

use std::time::Duration;

use comptoir::contexts::Contexts;
use domain::hotels::inventory::inventory_id;
use event_store::partition::partition_of;
use event_store::read;
use projections::runtime::fold_events;
use sqlx::{Executor, PgPool};
use uuid::Uuid;

use crate::support::{Client, System, wait_for};
use busy_nights::{BusyNights, Row, TABLE, busy_nights};

const LIMIT: Duration = Duration::from_secs(60);

/// All contexts, and this table.
pub fn with_busy_nights() -> Contexts {
    let mut contexts = Contexts::all();
    contexts.projections.push(busy_nights());
    contexts
}

pub async fn make_table(read: &PgPool) {
    read.execute(TABLE).await.unwrap();
}

async fn start() -> System {
    System::prepared(with_busy_nights(), async |read: &PgPool| {
        make_table(read).await;
    })
    .await
}

/// Waits until the table has all events, or has parked them.
pub async fn all_visible(system: &System) {
    wait_for("the busy nights", LIMIT, || async {
        let (log, read) = (system.log.pool(), &system.read);
        let known = "SELECT count(*) FROM watermarks WHERE projection = 'busy_nights'";
        let known: i64 = sqlx::query_scalar(known).fetch_one(read).await.unwrap();
        let projections = with_busy_nights().projections;
        let behind = read_api::lag::events_behind(log, read, &projections).await;
        (known > 0 && behind.unwrap() == 0).then_some(())
    })
    .await;
}

async fn rows(system: &System) -> Vec<Row> {
    let sql = "SELECT to_jsonb(held)::text FROM busy_nights AS held ORDER BY night";
    let rows: Vec<String> = sqlx::query_scalar(sql)
        .fetch_all(&system.read)
        .await
        .unwrap();
    let rows = rows.iter().map(|row| serde_json::from_str(row).unwrap());
    rows.collect()
}

/// Every row is what the events of the log give, but those of these streams from these on.
async fn is_the_fold_of_the_log_without(system: &System, without: &[(Uuid, i64)]) {
    all_visible(system).await;
    let mut events = read::after(system.log.pool(), 0, 100_000).await.unwrap();
    events.retain(|event| {
        let mut without = without.iter();
        without.all(|(stream, from)| event.aggregate_id != *stream || event.sequence < *from)
    });
    let folded = fold_events::<BusyNights<true>>(&events).unwrap();
    assert!(!folded.is_empty());
    assert_eq!(rows(system).await, folded);
}

async fn is_the_fold_of_the_log(system: &System) {
    is_the_fold_of_the_log_without(system, &[]).await;
}

fn inventory(hotel: Uuid) -> Uuid {
    inventory_id(hotel, "double")
}

/// A hotel whose inventory is in this partition.
async fn hotel_in(client: &Client, partition: u32) -> Uuid {
    loop {
        let hotel = client.hotel(10_000).await;
        if partition_of(inventory(hotel), 3) == partition {
            return hotel;
        }
    }
}

/// A hotel in each partition.
async fn hotels(client: &Client) -> Vec<Uuid> {
    let mut hotels = Vec::new();
    for partition in 0..3 {
        hotels.push(hotel_in(client, partition).await);
    }
    hotels
}

/// How many there were: what a deadlock ends is tried again, so rows do not tell of it.
async fn deadlocks(read: &PgPool) -> i64 {
    let sql = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    sqlx::query_scalar(sql).fetch_one(read).await.unwrap()
}
