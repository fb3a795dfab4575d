//! Old events from end to end: rows as earlier versions of the code have stored them are loaded,
//! projected from either source, and read in a history, as events of today.

pub mod old_rows;
pub mod shop_aggregate;
mod shops;

use std::time::Duration;

use comptoir::contexts::Contexts;
use domain::actor::Role::Buyer;
use domain::streams::{StreamId, StreamKind};
use projections::runtime::{self, Registered, Source};
use serde_json::{Value, json};
use sqlx::Executor;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::{System, wait_for};
use shop_aggregate::{Shop, State};

const LIMIT: Duration = Duration::from_secs(30);

fn with_shops() -> Contexts {
    let mut contexts = Contexts::all();
    contexts.names.push("toys");
    contexts.projections.push(shops_projection());
    contexts.commands.push(shops::commands);
    contexts.queries.push(shops::queries);
    contexts
}

fn shops_projection() -> Registered {
    Registered::of::<shops::Shops>("toys")
}

/// One event that becomes one, one that becomes two by two steps, one that becomes none.
const OLD: [(&str, &str); 3] = [
    ("ShopOpened", r#"{"type":"ShopOpened"}"#),
    ("PeopleCame", r#"{"type":"PeopleCame","count":2}"#),
    ("DoorPainted", r#"{"type":"DoorPainted","colour":"red"}"#),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_rows_are_events_of_today_wherever_they_are_read() {
    let system = System::prepared(with_shops(), async |read| {
        read.execute(shops::TABLE).await.unwrap();
    })
    .await;
    let id = Uuid::now_v7();
    old_rows::insert(&system.log, StreamId::of::<Shop>(id), &OLD).await;

    // Loaded: the fold of what they stand for; the version counts what is stored.
    let (stream, kind) = (StreamId::of::<Shop>(id), StreamKind::of::<Shop>());
    let (loaded, _) = system.log.load(stream, kind).await.unwrap();
    let state = loaded.state.downcast::<State>().unwrap();
    assert_eq!((loaded.version, state.doors, state.visitors), (3, 1, 2));

    // A command goes on from there; it is stored as of today.
    let buyer = system.client(&[Buyer]);
    let path = format!("/api/shops/{id}");
    let came = buyer.order(&format!("{path}/visits")).await.expect(200);
    assert_eq!(came.version(), 4);

    // Projected: each event of today counts once.
    let shown = buyer.get_after(&came, &path).await.expect(200);
    assert_eq!(shown.body, json!({ "doors": 1, "visitors": 3 }));

    // A history tells them as of today, each with the version that the stored event made.
    let history = buyer.get(&format!("{path}/history")).await.expect(200);
    let told: Vec<(&Value, &Value)> = history.body["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| (&event["version"], &event["data"]))
        .collect();
    let visitor = |name: &str| json!({ "type": "PersonCame", "name": name });
    let expected = [
        (json!(1), json!({ "type": "ShopOpened", "doors": 1 })),
        (json!(2), visitor("visitor 1")),
        (json!(2), visitor("visitor 2")),
        (json!(4), visitor("somebody")),
    ];
    let expected: Vec<(&Value, &Value)> = expected.iter().map(|(v, data)| (v, data)).collect();
    assert_eq!(told, expected);

    // The same rows, once more from the log.
    let row = "SELECT to_jsonb(shops) FROM shops";
    let live: Value = sqlx::query_scalar(row)
        .fetch_one(&system.read)
        .await
        .unwrap();
    project_anew(&system).await;
    let anew: Value = sqlx::query_scalar(row)
        .fetch_one(&system.read)
        .await
        .unwrap();
    assert_eq!(anew, live);

    // What a newer program has written is an error, and is not skipped.
    let newer = [("ShopOpened", r#"{"type":"ShopOpened","doors":1}"#)];
    let stream = StreamId::of::<Shop>(Uuid::now_v7());
    old_rows::insert_version(&system.log, stream, "9", &newer).await;
    let error = system.log.load(stream, kind).await.unwrap_err().to_string();
    assert!(
        error.contains("version 9 and this program knows it up to version 2"),
        "{error}"
    );
}

/// Empties the table and projects it again, from the log.
async fn project_anew(system: &System) {
    system.stop.cancel();
    let reached = "SELECT sum(position)::bigint FROM watermarks WHERE projection = 'shops'";
    let read = &system.read;
    let position = || async {
        sqlx::query_scalar::<_, Option<i64>>(reached)
            .fetch_one(read)
            .await
    };
    let before = position().await.unwrap();
    let empty = "TRUNCATE shops; UPDATE watermarks SET position = 0, event_id = NULL, \
         next_offset = NULL WHERE projection = 'shops'";
    read.execute(empty).await.unwrap();
    let stop = CancellationToken::new();
    let running = tokio::spawn(runtime::run(
        system.log.clone(),
        read.clone(),
        vec![shops_projection()],
        Source::Log,
        stop.clone(),
    ));
    wait_for("the shops", LIMIT, || async {
        (position().await.unwrap() == before).then_some(())
    })
    .await;
    stop.cancel();
    running.await.unwrap().unwrap();
}
