//! Law 8 in the past: whatever moment a table is replayed as of, it is the fold of the events up to
//! there. Every registered projection is held to it, from its registration alone, and one whose rows
//! go across streams.

use chrono::TimeDelta;
use domain::actor::Role::{Admin, Buyer};
use event_store::RecordedEvent;
use event_store::as_of::AsOf;
use projections::rebuild::replay::{Outcome, State, list};
use projections::runtime::{Registered, Slot};
use sqlx::{Connection, PgConnection, PgPool};

use super::{replayed, rows, rows_of};
use crate::across::{all_visible, make_table, with_busy_nights};
use crate::projector::one_truth::{people, replayed as folded};
use crate::projector::stored;
use crate::runtime::history;
use crate::support::System;

/// Everything that a replay leaves as it is: the live tables, where they stand, and what is parked.
async fn live(read: &PgPool) -> Vec<Vec<String>> {
    let projections = with_busy_nights().projections;
    let tables = projections.iter().map(|one| one.relation(Slot::Live));
    let mut all = Vec::new();
    for table in tables.chain(["read.watermarks".to_owned(), "read.parked".to_owned()]) {
        all.push(rows(read, &table).await);
    }
    all
}

/// What makes the indexes of a table, but for its schema.
async fn indexes(read: &PgPool, schema: &str, table: &str) -> Vec<String> {
    let sql = "SELECT replace(indexdef, schemaname || '.', '') FROM pg_indexes \
         WHERE schemaname = $1 AND tablename = $2 ORDER BY 1";
    let query = sqlx::query_scalar(sql).bind(schema).bind(table);
    query.fetch_all(read).await.unwrap()
}

/// The moments that are looked at: positions, and times between two of them.
fn moments(events: &[RecordedEvent]) -> Vec<AsOf> {
    let last = events.len();
    let positions = [0, last / 3, last];
    let mut moments: Vec<AsOf> = positions
        .iter()
        .map(|position| AsOf::Position(i64::try_from(*position).unwrap()))
        .collect();
    let recorded_at = events[3 * last / 4].recorded_at;
    moments.push(AsOf::Time(recorded_at));
    moments.push(AsOf::Time(recorded_at - TimeDelta::microseconds(1)));
    moments
}

/// The events that a moment has.
fn until(events: &[RecordedEvent], as_of: AsOf) -> Vec<&RecordedEvent> {
    let has = |event: &&RecordedEvent| match as_of {
        AsOf::Position(position) => event.position <= position,
        AsOf::Time(time) => event.recorded_at <= time,
    };
    events.iter().filter(has).collect()
}

async fn is_the_fold(
    system: &System,
    connection: &mut PgConnection,
    projection: &Registered,
    events: &[RecordedEvent],
    as_of: AsOf,
) -> Outcome {
    let outcome = replayed(system, projection, as_of).await.unwrap();
    let (name, until) = (projection.name, until(events, as_of));
    let position = until.last().map_or(0, |event| event.position);
    assert_eq!(outcome.marker.position, position, "{name} as of {as_of}");
    assert_eq!(outcome.not_folded, [], "{name} as of {as_of}");
    let replayed = rows_of(system, &outcome).await;
    assert_eq!(outcome.rows, i64::try_from(replayed.len()).unwrap());
    let fold = folded(connection, projection, &[&until]).await;
    assert_eq!(replayed, fold, "{name} as of {as_of}");
    let live = projection.schema(Slot::Live);
    assert_eq!(
        indexes(&system.read, &outcome.schema, name).await,
        indexes(&system.read, &live, name).await
    );
    outcome
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_table_is_replayed_as_the_fold_of_the_events_up_to_there() {
    let system = System::prepared(with_busy_nights(), async |read| make_table(read).await).await;
    let admin = system.client(&[Admin]);
    admin.user(&[Buyer]).await;
    people(&system).await;
    history(&system).await;
    all_visible(&system).await;
    system.stop.cancel();
    let mut events = stored(&system).await;
    let keyring = system.log.keyring();
    keyring.open_events(events.iter_mut()).await.unwrap();
    let before = live(&system.read).await;
    let url = system.read.connect_options();
    let mut connection = PgConnection::connect_with(&url).await.unwrap();
    let mut made = std::collections::BTreeSet::new();
    for projection in with_busy_nights().projections {
        let mut last = 0;
        for as_of in moments(&events) {
            let outcome = is_the_fold(&system, &mut connection, &projection, &events, as_of);
            let outcome = outcome.await;
            last = last.max(outcome.rows);
            made.insert(outcome.schema);
        }
        assert!(last > 0, "the history says nothing of {}", projection.name);
    }
    assert_eq!(live(&system.read).await, before);
    let listed = list(&system.read).await.unwrap();
    assert!(listed.iter().all(|one| one.state == State::Complete));
    let listed: std::collections::BTreeSet<_> = listed.into_iter().map(|one| one.schema).collect();
    assert_eq!(listed, made);
}
