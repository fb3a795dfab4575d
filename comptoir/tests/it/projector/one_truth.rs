//! Law 8: whatever the interleaving of streams and wherever batches are cut, a table is the same.
//! Every registered projection is held to it, from its registration alone, and one whose rows go
//! across streams.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::actor::Role::{Admin, Buyer};
use event_store::RecordedEvent;
use projections::runtime::{Registered, Slot};
use serde_json::json;
use sqlx::{Connection, Executor, PgConnection};
use uuid::Uuid;

use super::stored;
use crate::across::busy_nights::{busy_nights, in_order_of_arrival};
use crate::across::{make_table, with_busy_nights};
use crate::runtime::history;
use crate::support::{ADMIN_EMAIL, ADMIN_PASSWORD, System, wait_for};
use crate::torture::dice::Dice;

const LIMIT: Duration = Duration::from_secs(60);

/// `events` with their streams in another interleaving, each in its own order.
fn shuffled<'e>(dice: &mut Dice, events: &[&'e RecordedEvent]) -> Vec<&'e RecordedEvent> {
    let mut streams: BTreeMap<Uuid, std::collections::VecDeque<&RecordedEvent>> = BTreeMap::new();
    for event in events {
        streams
            .entry(event.aggregate_id)
            .or_default()
            .push_back(event);
    }
    let mut turns: Vec<Uuid> = events.iter().map(|event| event.aggregate_id).collect();
    dice.shuffle(&mut turns);
    let next = |id: &Uuid| streams.get_mut(id).unwrap().pop_front().unwrap();
    turns.iter().map(next).collect()
}

/// Makes the table of `projection` anew and empty, applies `batches` and gives its rows.
pub async fn replayed(
    connection: &mut PgConnection,
    projection: &Registered,
    batches: &[&[&RecordedEvent]],
) -> Vec<String> {
    let (name, live) = (projection.name, projection.relation(Slot::Live));
    let make = format!(
        "DROP SCHEMA IF EXISTS replayed CASCADE; CREATE SCHEMA replayed; \
         CREATE TABLE replayed.{name} (LIKE {live} INCLUDING ALL)"
    );
    connection.execute(make.as_str()).await.unwrap();
    let relation = format!("replayed.{name}");
    for batch in batches {
        let applied = projection
            .apply(connection, &relation, batch)
            .await
            .unwrap();
        assert!(applied.failed.is_empty(), "{:?}", applied.failed);
    }
    let rows = format!("SELECT replayed::text FROM {relation} AS replayed ORDER BY 1");
    sqlx::query_scalar(&rows)
        .fetch_all(connection)
        .await
        .unwrap()
}

/// Whether `projection` gives the table `live`, however `events` are replayed: as one batch, twice;
/// event by event; and at random. Else tells of a way that gives another one.
async fn is_one_truth(
    connection: &mut PgConnection,
    projection: &Registered,
    events: &[&RecordedEvent],
    live: &[String],
) -> Result<(), String> {
    let seed = u64::from(std::process::id());
    let mut dice = Dice::new(seed);
    let singly: Vec<&[&RecordedEvent]> = events.chunks(1).collect();
    for batches in [&[events][..], &[events], &singly] {
        if replayed(connection, projection, batches).await != live {
            return Err(format!("in order, in {} batches", batches.len()));
        }
    }
    for _ in 0..10 {
        let other = shuffled(&mut dice, events);
        let mut batches = Vec::new();
        let mut rest = &other[..];
        while !rest.is_empty() {
            let (batch, others) = rest.split_at(1 + dice.below(rest.len().min(30)));
            batches.push(batch);
            rest = others;
        }
        if replayed(connection, projection, &batches).await != live {
            return Err(format!("in another order, by seed {seed}"));
        }
    }
    Ok(())
}

/// Some who want to sell and are written to, and who sign in and tell of themselves.
pub async fn people(system: &System) {
    let stranger = system.stranger();
    for _ in 0..3 {
        let email = format!("{}@example.com", Uuid::new_v4());
        let body = json!({
            "email": email, "password": "a long password", "name": "Awa", "role": "seller",
        });
        stranger.post("/api/auth/register", body).await.expect(201);
        let admin = json!({ "email": ADMIN_EMAIL, "password": ADMIN_PASSWORD });
        let signed_in = stranger.post("/api/auth/login", admin).await.expect(200);
        let token = signed_in.body["access_token"].as_str().unwrap().to_owned();
        let client = system.stranger().with_token(Uuid::nil(), token);
        let told = json!({ "first_name": email });
        client.put("/api/auth/me", told).await.expect(200);
    }
    // By then nothing happens any more by itself.
    wait_for("the mail", LIMIT, async || {
        let sql = "SELECT count(*) FROM emails WHERE status = 'sent'";
        let sent: i64 = sqlx::query_scalar(sql)
            .fetch_one(&system.read)
            .await
            .unwrap();
        (sent == 3).then_some(())
    })
    .await;
}

/// Whether a row of `projection` is touched by several streams.
fn goes_across_streams(projection: &Registered, events: &[&RecordedEvent]) -> bool {
    let mut streams: BTreeMap<String, BTreeSet<Uuid>> = BTreeMap::new();
    for event in events {
        if event.aggregate_type == projection.aggregate_type {
            for key in (projection.keys)(event).unwrap() {
                let of_it = streams.entry(key.to_string()).or_default();
                of_it.insert(event.aggregate_id);
            }
        }
    }
    streams.values().any(|streams| streams.len() > 1)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_projection_gives_the_same_table_in_any_order_and_any_batches() {
    let system = System::prepared(with_busy_nights(), async |read| make_table(read).await).await;
    let admin = system.client(&[Admin]);
    for _ in 0..3 {
        let (person, _) = admin.user(&[Buyer]).await;
        let path = format!("/api/admin/users/{person}/deactivate");
        admin.order(&path).await.expect(200);
    }
    history(&system).await;
    people(&system).await;
    crate::across::all_visible(&system).await;
    system.stop.cancel();
    let mut events = stored(&system).await;
    system
        .log
        .keyring()
        .open_events(events.iter_mut())
        .await
        .unwrap();
    let events: Vec<&RecordedEvent> = events.iter().collect();
    let url = system.read.connect_options();
    let mut connection = PgConnection::connect_with(&url).await.unwrap();
    for projection in with_busy_nights().projections {
        let name = projection.name;
        let live = format!("SELECT live::text FROM {name} AS live ORDER BY 1");
        let live: Vec<String> = sqlx::query_scalar(&live)
            .fetch_all(&system.read)
            .await
            .unwrap();
        assert!(!live.is_empty(), "the history says nothing of {name}");
        let truth = is_one_truth(&mut connection, &projection, &events, &live).await;
        assert_eq!(truth, Ok(()), "{name}");
        // What does not say so is loaded and rebuilt as if each row belonged to one stream.
        let across = goes_across_streams(&projection, &events);
        assert_eq!(across, projection.across_streams, "{name}");
        if name == busy_nights().name {
            let (by_arrival, connection) = (in_order_of_arrival(), &mut connection);
            let truth = is_one_truth(connection, &by_arrival, &events, &live).await;
            assert!(truth.is_err(), "a fold that does not commute");
        }
    }
}
