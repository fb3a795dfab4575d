//! One reservation through every process: each service alone, as a deployment runs them.

use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use crate::support::{Deployment, servers, wait_for};

const LIMIT: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reservation_passes_through_every_process_though_they_are_killed() {
    let folder = tempfile::tempdir().unwrap();
    let databases = servers().database().await;
    let deployment = Deployment::new(databases, folder.path().join("log"));
    assert!(deployment.run(&["migrate"]).await.success());
    let commands = deployment.start("command-api").await;
    let mut relay = deployment.start("relay").await;
    let mut projector = deployment.start("projector").await;
    let queries = deployment.start("read-api").await;

    let token = commands.sign_in().await;
    let writer = commands
        .client
        .clone()
        .with_token(Uuid::nil(), token.clone());
    let reader = queries.client.clone().with_token(Uuid::nil(), token);
    // What is the other API's is not here.
    writer
        .get("/api/hotels")
        .await
        .problem(405, "method-not-allowed");
    reader
        .post("/api/hotels", json!({}))
        .await
        .problem(405, "method-not-allowed");

    let hotel = writer.hotel(40).await;
    for round in 0..3 {
        relay.kill();
        projector.kill();
        let mut last = writer.book(hotel, 5, 6).await.expect(201);
        for _ in 0..5 {
            last = writer.book(hotel, 5, 6).await.expect(201);
        }
        relay = deployment.start("relay").await;
        projector = deployment.start("projector").await;
        let path = format!("/api/reservations/{}", last.id());
        wait_for("the booking", LIMIT, || async {
            let shown = reader.get_after(&last, &path).await;
            (shown.status == 200).then_some(())
        })
        .await;
        assert_eq!(reader.reserved(&last, hotel, 5).await, 6 * (round + 1));
    }
    let stranger = commands.client.clone();
    stranger
        .post("/api/hotels", json!({}))
        .await
        .problem(401, "unauthorized");
}
