//! Law 6: a projector that lost its partition can't commit.

use event_store::database;
use serde_json::json;
use sqlx::Executor;
use uuid::Uuid;

use super::{LIMIT, waiting};
use crate::support::{ADMIN_EMAIL, ADMIN_PASSWORD, Client, Deployment, servers, wait_for};

/// Notes which session moves a watermark.
const AUDIT: &str = "CREATE TABLE read.moves (pid integer);
    CREATE FUNCTION read.moved() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO read.moves VALUES (pg_backend_pid()); RETURN NEW; END $$;
    CREATE TRIGGER moved AFTER UPDATE ON read.watermarks FOR EACH ROW
        WHEN (OLD.position < NEW.position) EXECUTE FUNCTION read.moved()";

async fn signed_in(client: &Client) -> Client {
    let login = json!({ "email": ADMIN_EMAIL, "password": ADMIN_PASSWORD });
    let answer = client.post("/api/auth/login", login).await.expect(200);
    let token = answer.body["access_token"].as_str().unwrap().to_owned();
    client.clone().with_token(Uuid::nil(), token)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_projector_that_wakes_up_drops_its_batch() {
    let folder = tempfile::tempdir().unwrap();
    let databases = servers().database().await;
    let deployment = Deployment::new(databases.clone(), folder.path().join("log"));
    assert!(deployment.run(&["migrate"]).await.success());
    let commands = deployment.start("command-api").await;
    let _relay = deployment.start("relay").await;
    let frozen = deployment.start("projector").await;
    let hotelier = signed_in(&commands.client).await;
    let hotel = hotelier.hotel(4).await;
    let read = database::pool(databases.read_url(), "read", 4).unwrap();
    let shown =
        async |sql: &str| -> i64 { sqlx::query_scalar(sql).fetch_one(&read).await.unwrap() };
    wait_for("the hotel", LIMIT, || async {
        (shown("SELECT count(*) FROM hotels").await == 1).then_some(())
    })
    .await;
    read.execute(AUDIT).await.unwrap();

    // In the middle of its batch it is frozen, for longer than Kafka waits for it.
    let mut held = read.begin().await.unwrap();
    held.execute("SELECT FROM watermarks FOR UPDATE")
        .await
        .unwrap();
    hotelier.book(hotel, 3, 5).await.expect(201);
    wait_for("a batch", LIMIT, || async {
        (!waiting(&read).await.is_empty()).then_some(())
    })
    .await;
    frozen.signal("STOP");
    let zombies = waiting(&read).await;
    let claims = "SELECT min(claim) FROM claims WHERE context = 'hotels'";
    let before = shown(claims).await;
    let _other = deployment.start("projector").await;
    wait_for("the other one's claims", LIMIT, || async {
        (shown(claims).await > before).then_some(())
    })
    .await;
    wait_for("the other one's batch", LIMIT, || async {
        (waiting(&read).await.difference(&zombies).next().is_some()).then_some(())
    })
    .await;
    frozen.signal("CONT");
    held.rollback().await.unwrap();

    wait_for("the booking", LIMIT, || async {
        (shown("SELECT count(*) FROM nights").await == 2).then_some(())
    })
    .await;
    let moved: Vec<i32> = sqlx::query_scalar("SELECT DISTINCT pid FROM moves")
        .fetch_all(&read)
        .await
        .unwrap();
    assert!(!moved.is_empty());
    let by_zombies: Vec<_> = moved.iter().filter(|pid| zombies.contains(pid)).collect();
    assert!(
        by_zombies.is_empty(),
        "{by_zombies:?} of {moved:?} had lost their partitions"
    );
    wait_for("the end of its batch", LIMIT, || async {
        let told = "another projector has the partition: a batch is dropped";
        deployment.printed().contains(told).then_some(())
    })
    .await;
    assert_eq!(shown("SELECT max(reserved)::bigint FROM nights").await, 1);
}
