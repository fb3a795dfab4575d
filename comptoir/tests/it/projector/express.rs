//! The fast way of a batch, and that what it can't do goes the careful way.

use comptoir::contexts::Contexts;
use projections::runtime::Source;
use sqlx::Executor;

use super::{LIMIT, waiting};
use crate::runtime::{caught_up, emptied, history, project, tables};
use crate::support::{System, wait_for};

/// Notes the statements that insert hotels.
const NOTE: &str = "\
    CREATE TABLE noted (statement text NOT NULL); \
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
        INSERT INTO noted VALUES (current_query()); RETURN NULL; END $$; \
    CREATE TRIGGER noting AFTER INSERT ON hotels EXECUTE FUNCTION note()";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_events_go_the_fast_way_from_kafka_and_from_the_log() {
    let system = System::start(Contexts::all()).await;
    system.read.execute(NOTE).await.unwrap();
    let noted = async || {
        let sql = "SELECT DISTINCT left(statement, 15) FROM noted";
        let noted: Vec<String> = sqlx::query_scalar(sql)
            .fetch_all(&system.read)
            .await
            .unwrap();
        system.read.execute("TRUNCATE noted").await.unwrap();
        noted
    };
    history(&system).await;
    caught_up(&system.log, &system.read).await;
    assert_eq!(noted().await, ["COPY read.hotel"]);
    system.stop.cancel();
    emptied(&system.read).await;
    project(&system, Source::Log).await;
    assert_eq!(noted().await, ["COPY read.hotel"]);
}

/// A stream that begins has no rows yet, so they are not looked for; one that is there all the same
/// is refused, found and overwritten.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_are_there_before_their_stream_begins_are_overwritten() {
    let system = System::start(Contexts::all()).await;
    history(&system).await;
    caught_up(&system.log, &system.read).await;
    system.stop.cancel();
    let live = tables(&system.read).await;
    let keep = "CREATE TABLE kept AS SELECT * FROM hotels LIMIT 1";
    system.read.execute(keep).await.unwrap();
    emptied(&system.read).await;
    let by_hand = "INSERT INTO hotels SELECT * FROM kept; UPDATE hotels SET name = 'By hand'; \
         DROP TABLE kept";
    system.read.execute(by_hand).await.unwrap();
    project(&system, Source::Log).await;
    assert_eq!(tables(&system.read).await, live);
}

/// A connection that ends in the middle of a batch: the batch counts once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_whose_connection_ends_is_applied_once() {
    let system = System::start(Contexts::all()).await;
    history(&system).await;
    caught_up(&system.log, &system.read).await;
    system.stop.cancel();
    let live = tables(&system.read).await;
    emptied(&system.read).await;
    let mut held = system.read.begin().await.unwrap();
    held.execute("SELECT FROM watermarks FOR UPDATE")
        .await
        .unwrap();
    let running = super::Running::start(&system, Source::Log);
    let of_batch = wait_for("a batch that waits", LIMIT, || async {
        waiting(&system.read).await.pop_first()
    })
    .await;
    let end = sqlx::query("SELECT pg_terminate_backend($1)").bind(of_batch);
    end.execute(&system.read).await.unwrap();
    held.rollback().await.unwrap();
    caught_up(&system.log, &system.read).await;
    running.stop().await;
    assert_eq!(tables(&system.read).await, live);
}
