//! Rebuilding tables while customers book and ask.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use comptoir::contexts::Contexts;
use domain::actor::Role::Hotelier;
use projections::rebuild::{self, Databases, Error, Extent, Options, Outcome, Progress, Step};
use projections::runtime::Registered;
use serde_json::Value;
use sqlx::{Connection, Executor, PgConnection, PgPool};
use tokio::sync::watch;

use crate::runtime::{history, tables};
use crate::support::{Deployment, System, servers};

const KEPT: Options = Options {
    workers: 2,
    accept: false,
};
const FULL: Extent = Extent::Full { workers: 2 };
const ACCEPTED: Options = Options {
    workers: 2,
    accept: true,
};

pub fn databases(system: &System) -> Databases {
    Databases {
        log: system.log.pool().clone(),
        read: system.read.clone(),
        keyring: system.log.keyring().clone(),
    }
}

fn registered(name: &str) -> Registered {
    projections::named(name).unwrap()
}

pub fn unwatched() -> watch::Sender<Progress> {
    Progress::channel().0
}

async fn rebuilt(system: &System, name: &str, options: Options) -> Result<Outcome, Error> {
    rebuild::rebuild(&databases(system), &registered(name), options, unwatched()).await
}

/// The tables that are not live, with their schemas.
async fn others(read: &PgPool) -> Vec<String> {
    let sql = "SELECT schemaname || '.' || tablename FROM pg_tables \
         WHERE schemaname LIKE 'read\\_%' ORDER BY 1";
    sqlx::query_scalar(sql).fetch_all(read).await.unwrap()
}

/// Customers book and ask all the while: no query fails, none shows less than the command whose
/// token it brings, and no row goes back in time. In the end every table is what the log gives.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_are_rebuilt_and_rolled_back_under_load() {
    let system = System::start(Contexts::all()).await;
    history(&system).await;
    let hotelier = system.client(&[Hotelier]);
    let hotel = hotelier.hotel(4_000).await;
    let (done, asked) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let customers = (0..3).map(|_| {
        let (client, done, asked) = (hotelier.clone(), Arc::clone(&done), Arc::clone(&asked));
        tokio::spawn(async move {
            let mut seen = 0;
            while done.load(Ordering::Relaxed) == 0 {
                let booked = client.book(hotel, 5, 6).await.expect(201);
                let path = format!("/api/reservations/{}", booked.id());
                client.get_after(&booked, &path).await.expect(200);
                let reserved = client.reserved(&booked, hotel, 5).await;
                assert!(reserved > seen, "{reserved} after {seen}");
                seen = reserved;
                asked.fetch_add(1, Ordering::Relaxed);
            }
        })
    });
    let customers: Vec<_> = customers.collect();
    for round in 0..2 {
        for projection in projections::all() {
            let before = asked.load(Ordering::Relaxed);
            let outcome = rebuilt(&system, projection.name, KEPT).await.unwrap();
            assert_eq!(outcome.differences, [], "{} {round}", projection.name);
            assert!(outcome.swapped);
            crate::support::wait_for("customers", Duration::from_secs(20), || async {
                (asked.load(Ordering::Relaxed) > before).then_some(())
            })
            .await;
        }
    }
    for projection in projections::all() {
        rebuild::rollback(&databases(&system), &projection, unwatched())
            .await
            .unwrap();
    }
    done.store(1, Ordering::Relaxed);
    for customer in customers {
        customer.await.unwrap();
    }
    let live = tables(&system.read).await;
    for projection in projections::all() {
        let drifted = rebuild::drift(&databases(&system), &projection, FULL, unwatched()).await;
        assert_eq!(drifted.unwrap(), [], "{}", projection.name);
    }
    assert_eq!(tables(&system.read).await, live);
    let all = projections::all();
    let mut previous: Vec<String> = all
        .iter()
        .map(|one| format!("read_previous.{}", one.name))
        .collect();
    previous.sort();
    assert_eq!(others(&system.read).await, previous);
}

/// Rows that somebody edited, removed and made up by hand are shown, those and no others, with the
/// events that tell what they should be. The table stays unless that was wanted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_were_edited_by_hand_are_shown_and_mended() {
    let system = System::start(Contexts::all()).await;
    history(&system).await;
    let right = tables(&system.read).await;
    for edit in [
        "UPDATE nights SET reserved = reserved + 7 \
         WHERE (inventory_id, night) = (SELECT inventory_id, night FROM nights ORDER BY 1, 2 LIMIT 1)",
        "DELETE FROM nights WHERE (inventory_id, night) = \
             (SELECT inventory_id, night FROM nights ORDER BY 1, 2 OFFSET 1 LIMIT 1)",
        "INSERT INTO nights VALUES (gen_random_uuid(), '2031-01-01', 1, 1)",
    ] {
        assert_eq!(system.read.execute(edit).await.unwrap().rows_affected(), 1);
    }
    let edited = tables(&system.read).await;
    let outcome = rebuilt(&system, "nights", KEPT).await.unwrap();
    assert!(!outcome.swapped);
    assert_eq!(outcome.differences.len(), 3, "{:?}", outcome.differences);
    let of = |live: bool, rebuilt: bool| {
        let mut all = outcome.differences.iter();
        let found = all.find(|one| (one.live.is_some(), one.rebuilt.is_some()) == (live, rebuilt));
        found.unwrap()
    };
    let changed = of(true, true);
    let number = |row: &Option<Value>| row.as_ref().unwrap()["reserved"].as_i64().unwrap();
    assert_eq!(number(&changed.live), number(&changed.rebuilt) + 7);
    assert_eq!(changed.events[0].event_type, "RoomsReserved");
    assert!(!of(false, true).events.is_empty());
    assert_eq!(of(true, false).events, []);
    assert_eq!(tables(&system.read).await, edited);
    assert_eq!(others(&system.read).await, Vec::<String>::new());
    let drifted = rebuild::drift(
        &databases(&system),
        &registered("nights"),
        FULL,
        unwatched(),
    )
    .await;
    assert_eq!(drifted.unwrap(), outcome.differences);

    // Every stream is drawn sooner or later; the row that nobody's event made is not found so.
    let some = Extent::Sample { streams: 1_000 };
    let drifted = rebuild::drift(
        &databases(&system),
        &registered("nights"),
        some,
        unwatched(),
    )
    .await;
    let explained = outcome.differences.iter();
    let explained = explained.filter(|one| !one.events.is_empty());
    let mut drifted = drifted.unwrap();
    drifted.sort_by_key(|one| one.key.to_string());
    let mut explained: Vec<_> = explained.cloned().collect();
    explained.sort_by_key(|one| one.key.to_string());
    assert_eq!(drifted, explained);

    let accepted = rebuilt(&system, "nights", ACCEPTED).await.unwrap();
    assert!(accepted.swapped);
    assert_eq!(tables(&system.read).await, right);
    rebuild::rollback(&databases(&system), &registered("nights"), unwatched())
        .await
        .unwrap();
    assert_eq!(tables(&system.read).await, edited);
    rebuild::rollback(&databases(&system), &registered("nights"), unwatched())
        .await
        .unwrap();
    assert_eq!(tables(&system.read).await, right);
}

/// The projector may be behind, or gone: what it has not seen is no difference.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_is_rebuilt_though_its_projector_is_gone() {
    let system = System::start(Contexts::all()).await;
    history(&system).await;
    let all = tables(&system.read).await;
    system.stop.cancel();
    let back = "TRUNCATE reservations; UPDATE watermarks SET position = 0, event_id = NULL \
         WHERE projection = 'reservations'";
    system.read.execute(back).await.unwrap();
    let outcome = rebuilt(&system, "reservations", KEPT).await.unwrap();
    assert_eq!(outcome.differences, []);
    assert_eq!(tables(&system.read).await, all);
}

/// Several tables at once, the first time that this database sees a rebuild.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_are_rebuilt_at_once() {
    let system = System::start(Contexts::all()).await;
    history(&system).await;
    let all = projections::all();
    let rebuilt = all.iter().map(|one| rebuilt(&system, one.name, KEPT));
    for outcome in futures::future::join_all(rebuilt).await {
        assert!(outcome.unwrap().swapped);
    }
}

/// One at a time; and what there is no previous table of has none to go back to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_is_rebuilt_by_one_at_a_time() {
    let system = System::start(Contexts::all()).await;
    history(&system).await;
    let back = rebuild::rollback(&databases(&system), &registered("hotels"), unwatched()).await;
    assert!(matches!(back, Err(Error::NoPrevious("hotels"))));
    // A query that holds the table keeps the first one from its swap.
    let mut query = system.read.begin().await.unwrap();
    query.execute("SELECT * FROM hotels").await.unwrap();
    let (sender, mut progress) = Progress::channel();
    let (databases, hotels) = (databases(&system), registered("hotels"));
    let first = tokio::spawn({
        let databases = databases.clone();
        async move { rebuild::rebuild(&databases, &hotels, KEPT, sender).await }
    });
    progress
        .wait_for(|now| now.step == Step::Swapping)
        .await
        .unwrap();
    let second = rebuild::rebuild(&databases, &hotels, KEPT, unwatched()).await;
    assert!(matches!(second, Err(Error::BeingRebuilt("hotels"))));
    // Queries go on meanwhile: the swap does not hold them up for long.
    let hotelier = system.client(&[Hotelier]);
    hotelier.get("/api/hotels").await.expect(200);
    query.rollback().await.unwrap();
    assert!(first.await.unwrap().unwrap().swapped);
}

/// Killed with `-9` at any step, a rebuild leaves the live table as it was, and the next one
/// succeeds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_rebuild_starts_clean_the_next_time() {
    let system = System::start(Contexts::all()).await;
    history(&system).await;
    let live = tables(&system.read).await;
    let folder = tempfile::tempdir().unwrap();
    let deployment = Deployment::new(system.databases.clone(), folder.path().join("log"));
    // Each of these holds the rebuild up at another step, where it is killed.
    let holds = [
        // Before the shadow is made.
        "BEGIN; LOCK nights IN ACCESS EXCLUSIVE MODE",
        // Before the live table is looked at.
        "BEGIN; SELECT * FROM watermarks WHERE projection = 'nights' FOR UPDATE",
        // Before the swap.
        "BEGIN; LOCK nights IN ACCESS SHARE MODE",
    ];
    for hold in holds {
        let mut holder = PgConnection::connect_with(&system.read.connect_options())
            .await
            .unwrap();
        holder.execute(hold).await.unwrap();
        let mut run = deployment.spawn(&["projections", "rebuild", "nights"]);
        crate::support::wait_for(
            "the rebuild to be held up",
            Duration::from_secs(30),
            || async {
                let waits = "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) \
                 WHERE NOT granted AND application_name = 'comptoir' \
                     AND datname = current_database()";
                let count: i64 = sqlx::query_scalar(waits)
                    .fetch_one(&system.read)
                    .await
                    .unwrap();
                (count > 0).then_some(())
            },
        )
        .await;
        run.kill();
        holder.close().await.unwrap();
        assert_eq!(tables(&system.read).await, live, "{hold}");
        let run = deployment.run(&["projections", "rebuild", "nights"]).await;
        assert!(run.success(), "{hold}: {}", deployment.printed());
        assert_eq!(tables(&system.read).await, live, "{hold}");
        assert_eq!(others(&system.read).await, ["read_previous.nights"]);
    }
    let status = deployment.run(&["projections", "status", "--json"]).await;
    assert!(status.success());
    assert!(deployment.printed().contains("\"projection\":\"nights\""));
}

/// What is asked wrongly is told in a sentence.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_known_is_refused() {
    let databases = servers().database().await;
    let folder = tempfile::tempdir().unwrap();
    let deployment = Deployment::new(databases, folder.path().join("log"));
    let run = deployment.run(&["projections", "rebuild", "nigths"]).await;
    assert!(!run.success());
    let printed = deployment.printed();
    assert!(
        printed.contains("there is no projection nigths"),
        "{printed}"
    );
}
