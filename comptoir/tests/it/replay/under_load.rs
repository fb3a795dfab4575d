//! Replays while customers book and tables are rebuilt.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use comptoir::contexts::Contexts;
use domain::actor::Role::Hotelier;
use event_store::as_of::AsOf;
use projections::rebuild::{self, Options};

use super::{registered, replayed, rows_of};
use crate::rebuild::{databases, unwatched};
use crate::runtime::{history, tables};
use crate::support::System;

const KEPT: Options = Options {
    workers: 2,
    accept: false,
};

/// A table replayed as of a position is the same while the log grows and the live one is swapped,
/// and neither disturbs the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_is_replayed_while_it_is_projected_and_rebuilt() {
    let system = System::start(Contexts::all()).await;
    history(&system).await;
    let then = system.log.head().await.unwrap();
    let before = tables(&system.read).await;
    let hotelier = system.client(&[Hotelier]);
    let hotel = hotelier.hotel(4_000).await;
    let done = Arc::new(AtomicBool::new(false));
    let customers = (0..2).map(|_| {
        let (client, done) = (hotelier.clone(), Arc::clone(&done));
        tokio::spawn(async move {
            while !done.load(Ordering::Relaxed) {
                client.book(hotel, 5, 6).await.expect(201);
            }
        })
    });
    let customers: Vec<_> = customers.collect();
    for name in ["nights", "reservations", "hotels", "room_inventories"] {
        let projection = registered(name);
        for _ in 0..3 {
            let databases = databases(&system);
            let rebuilt = rebuild::rebuild(&databases, &projection, KEPT, unwatched());
            let replayed = replayed(&system, &projection, AsOf::Position(then));
            let (rebuilt, outcome) = tokio::join!(rebuilt, replayed);
            let rebuilt = rebuilt.unwrap();
            assert_eq!((rebuilt.differences, rebuilt.swapped), (vec![], true));
            let outcome = outcome.unwrap();
            let rows = rows_of(&system, &outcome).await;
            let (_, as_it_was) = before.iter().find(|(table, _)| *table == name).unwrap();
            assert_eq!(rows.len(), as_it_was.len(), "{name}");
            let sql = format!(
                "SELECT to_jsonb(held)::text FROM {}.{name} AS held ORDER BY 1",
                outcome.schema
            );
            let rows: Vec<String> = sqlx::query_scalar(&sql)
                .fetch_all(&system.read)
                .await
                .unwrap();
            assert_eq!(&rows, as_it_was, "{name}");
        }
    }
    done.store(true, Ordering::Relaxed);
    for customer in customers {
        customer.await.unwrap();
    }
}
