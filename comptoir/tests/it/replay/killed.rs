//! Replays that are killed with `-9`, and two of one name.

use comptoir::contexts::Contexts;
use event_store::as_of::AsOf;
use projections::rebuild::replay::{Error, Schema, State, drop, list};
use projections::runtime::Slot;
use sqlx::{Connection, Executor, PgConnection, PgPool};
use tokio::time::timeout;

use super::{LIMIT, registered, replayed, rows, rows_of};
use crate::runtime::{history, tables};
use crate::support::{Deployment, System, wait_for};

/// A replay has the checks of the live table; this one holds up whoever writes a row while somebody
/// has lock 78.
const CHECK: &str = "\
    CREATE FUNCTION read.held() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN \
        PERFORM pg_advisory_xact_lock_shared(78); RETURN true; END $$; \
    ALTER TABLE nights ADD CHECK (read.held())";

/// Somebody who holds replays of `nights` up.
async fn holder(system: &System) -> PgConnection {
    let url = system.read.connect_options();
    let mut holder = PgConnection::connect_with(&url).await.unwrap();
    holder.execute("SELECT pg_advisory_lock(78)").await.unwrap();
    holder
}

async fn states(read: &PgPool) -> Vec<State> {
    let all = list(read).await.unwrap();
    all.iter().map(|one| one.state).collect()
}

async fn wait_for_state(read: &PgPool, state: State) {
    wait_for("the state of a replay", LIMIT, async || {
        (states(read).await == [state]).then_some(())
    })
    .await;
}

async fn wait_until_held_up(read: &PgPool) {
    wait_for("a replay that is held up", LIMIT, async || {
        let sql = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' \
             AND objid = 78 AND NOT granted \
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))";
        let held: bool = sqlx::query_scalar(sql).fetch_one(read).await.unwrap();
        held.then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_replay_is_told_of_and_begun_anew() {
    let system = System::start(Contexts::all()).await;
    history(&system).await;
    let live = tables(&system.read).await;
    system.read.execute(CHECK).await.unwrap();
    let head = system.log.head().await.unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let deployment = Deployment::new(system.databases.clone(), folder.path().join("log"));
    let replay = [
        "audit",
        "replay",
        "--projection",
        "nights",
        "--as-of",
        &head,
    ];
    let holder = holder(&system).await;
    let mut run = deployment.spawn(&replay);
    wait_until_held_up(&system.read).await;
    assert_eq!(states(&system.read).await, [State::Replaying]);
    run.kill();
    holder.close().await.unwrap();
    wait_for_state(&system.read, State::Unfinished).await;

    let run = deployment.run(&replay).await;
    assert!(run.success(), "{}", deployment.printed());
    assert_eq!(states(&system.read).await, [State::Complete]);
    let replayed = rows(&system.read, &format!("as_of_{head}_nights.nights")).await;
    let nights = registered("nights").relation(Slot::Live);
    assert_eq!(replayed, rows(&system.read, &nights).await);
    assert!(!replayed.is_empty());
    assert_eq!(tables(&system.read).await, live);
}

/// The second of two at once is refused, and so is dropping what somebody is at.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_replay_of_a_name_is_made_at_a_time() {
    let system = System::start(Contexts::all()).await;
    history(&system).await;
    system.read.execute(CHECK).await.unwrap();
    let nights = registered("nights");
    let as_of = AsOf::Position(system.log.head().await.unwrap());
    let holder = holder(&system).await;
    let (first, ()) = tokio::join!(replayed(&system, &nights, as_of), async {
        wait_until_held_up(&system.read).await;
        let at_once = "who comes second does not wait";
        let second = timeout(LIMIT, replayed(&system, &nights, as_of));
        let second = second.await.expect(at_once);
        assert!(matches!(second, Err(Error::Held(_))), "{second:?}");
        let schema = Schema::usual(&nights, system.log.head().await.unwrap());
        let dropped = timeout(LIMIT, drop(&system.read, &schema));
        let dropped = dropped.await.expect(at_once);
        assert!(matches!(dropped, Err(Error::Held(_))), "{dropped:?}");
        // One of another name goes on.
        let hotels = replayed(&system, &registered("hotels"), as_of).await;
        assert!(hotels.unwrap().rows > 0);
        holder.close().await.unwrap();
    });
    let first = first.unwrap();
    assert!(!rows_of(&system, &first).await.is_empty());
    let again = replayed(&system, &nights, as_of).await.unwrap();
    assert_ne!(again.marker.id, first.marker.id);
}
