//! Two versions of a projection, side by side.

use std::time::Duration;

use comptoir::contexts::Contexts;
use domain::actor::Role::Hotelier;
use domain::hotels::inventory::RoomInventory;
use projections::hotels::nights::{self, Nights};
use projections::runtime::{Happened, Projection, Registered};
use serde::{Deserialize, Serialize};
use sqlx::{Executor, PgPool};
use uuid::Uuid;

use crate::runtime::{history, tables};
use crate::support::{System, wait_for};

const LIMIT: Duration = Duration::from_secs(30);

/// `nights` with one more column.
struct NightsV2;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Row {
    #[serde(flatten)]
    night: nights::Row,
    changes: i64,
}

impl Projection for NightsV2 {
    const TABLE: &'static str = "nights";
    const VERSION: i32 = 2;
    type Of = RoomInventory;
    type Key = nights::Key;
    type Row = Row;

    fn keys(happened: &Happened<'_, RoomInventory>) -> Vec<nights::Key> {
        Nights::keys(happened)
    }

    fn apply(
        row: Option<Row>,
        key: &nights::Key,
        happened: &Happened<'_, RoomInventory>,
    ) -> Option<Row> {
        let changes = row.as_ref().map_or(0, |row| row.changes) + 1;
        let night = Nights::apply(row.map(|row| row.night), key, happened)?;
        Some(Row { night, changes })
    }
}

const MIGRATION: &str = "CREATE SCHEMA nights_v2; \
     CREATE TABLE nights_v2.nights (LIKE read.nights INCLUDING ALL); \
     ALTER TABLE nights_v2.nights ADD COLUMN changes bigint NOT NULL";

/// The program's next version.
fn next() -> Contexts {
    let mut contexts = Contexts::all();
    contexts.projections.retain(|one| one.name != "nights");
    contexts
        .projections
        .push(Registered::of::<NightsV2>("hotels"));
    contexts
}

/// The rows of a table without the column that only the new version has.
async fn nights_of(read: &PgPool, table: &str) -> Vec<String> {
    let sql = format!("SELECT (to_jsonb(row) - 'changes')::text FROM {table} AS row ORDER BY 1");
    sqlx::query_scalar(&sql).fetch_all(read).await.unwrap()
}

/// A deployment with a raised version builds its table beside the running one and follows; both
/// versions of the program serve their own, with their clients' tokens; the old one goes, and
/// nothing is stale or missing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_raised_version_is_built_beside_the_running_one_and_takes_over() {
    let old = System::start(Contexts::all()).await;
    history(&old).await;
    let account = Uuid::now_v7();
    let client = old.client_of(account, &[Hotelier]);
    let hotel = client.hotel(40).await;
    let booked = client.book(hotel, 5, 6).await.expect(201);
    assert_eq!(client.reserved(&booked, hotel, 5).await, 1);
    old.read.execute(MIGRATION).await.unwrap();
    let new = System::on(next(), old.databases.clone(), old.kafka.clone()).await;
    let ready = format!("http://{}/readyz", new.address);
    wait_for("the new version", LIMIT, || async {
        let answer = reqwest::get(&ready).await.ok()?;
        answer.status().is_success().then_some(())
    })
    .await;
    for round in 0..3 {
        for side in [&old, &new] {
            let client = side.client_of(account, &[Hotelier]);
            let booked = client.book(hotel, 5, 6).await.expect(201);
            // Whoever booked, both see it.
            for reader in [&old, &new] {
                let reader = reader.client_of(account, &[Hotelier]);
                let reserved = reader.reserved(&booked, hotel, 5).await;
                assert!(reserved >= 2 + 2 * round, "{reserved} in round {round}");
            }
        }
    }
    old.stop.cancel();
    let client = new.client_of(account, &[Hotelier]);
    let booked = client.book(hotel, 5, 6).await.expect(201);
    assert_eq!(client.reserved(&booked, hotel, 5).await, 8);
    let sql = "SELECT changes FROM nights ORDER BY changes DESC LIMIT 1";
    let changes: i64 = sqlx::query_scalar(sql).fetch_one(&new.read).await.unwrap();
    assert_eq!(changes, 8);
    assert!(!tables(&new.read).await.is_empty());
    // What the old version has is what it had; the new one has more.
    let (left, taken) = (
        nights_of(&new.read, "read.nights").await,
        nights_of(&new.read, "nights_v2.nights").await,
    );
    assert_eq!(left.len(), taken.len());
}
