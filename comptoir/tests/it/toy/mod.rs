//! A second toy context, from write to read, in five files and four lines; nothing else is touched.

mod counter;
mod counters;
mod routes;
mod tables;

use comptoir::contexts::Contexts;
use domain::actor::Role::Buyer;
use projections::runtime::Registered;
use sqlx::Executor;

use crate::support::System;

const FILES: [(&str, &str); 5] = [
    ("domain/src/toys/counter.rs", include_str!("counter.rs")),
    ("command-api/src/toys/routes.rs", include_str!("routes.rs")),
    ("projections/src/toys/tables.rs", include_str!("tables.rs")),
    (
        "migrations/read/0007_toys_counters.sql",
        include_str!("counters.sql"),
    ),
    ("read-api/src/toys/counters.rs", include_str!("counters.rs")),
];

/// The registration: a line each for topic, commands, read table and queries.
fn with_toys() -> Contexts {
    let mut contexts = Contexts::all();
    contexts.names.push("toys");
    contexts.commands.push(routes::routes);
    contexts
        .projections
        .push(Registered::of::<tables::Counters>("toys"));
    contexts.queries.push(counters::routes);
    contexts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_toy_context_works_from_write_to_read() {
    // The table first, as a migration would be.
    let system = System::prepared(with_toys(), async |read| {
        read.execute(include_str!("counters.sql")).await.unwrap();
    })
    .await;
    let buyer = system.client(&[Buyer]);
    let first = buyer.order("/api/counters").await.expect(201);
    let path = format!("/api/counters/{}", first.id());
    for count in 2..=3 {
        let counted = buyer.order(&format!("{path}/count")).await.expect(200);
        assert_eq!(counted.version(), count);
        let shown = buyer.get_after(&counted, &path).await.expect(200);
        assert_eq!(shown.body["count"], count);
    }
    let full = buyer.order(&format!("{path}/count")).await;
    full.problem(409, "counter-full");
    let unknown = format!("/api/counters/{}/count", uuid::Uuid::nil());
    buyer.order(&unknown).await.problem(404, "counter-unknown");
    system
        .stranger()
        .order("/api/counters")
        .await
        .problem(401, "unauthorized");
    let document = buyer.get("/openapi.json").await.body;
    assert!(document["paths"]["/api/counters/{id}/count"]["post"].is_object());
}

#[test]
fn it_is_small() {
    let lines: usize = FILES.iter().map(|(_, text)| text.lines().count()).sum();
    println!(
        "a toy context: {} files, {lines} lines, 4 lines of registration",
        FILES.len()
    );
    assert!(lines <= 260, "{lines}");
}
