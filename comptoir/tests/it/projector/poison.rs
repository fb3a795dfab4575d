//! Law 9: an event that fails parks its own stream for its projection, in order; all else goes on.

use domain::actor::Role::{Admin, Buyer, Hotelier};
use event_store::personal::Keyring;
use projections::rebuild;
use projections::runtime::{self, Source, parked};
use sqlx::{Executor, PgPool};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::names::{POISON, cure, make_table, with_names};
use super::{LIMIT, parked_for, rename, stored};
use crate::runtime::{caught_up, emptied, project, tables};
use crate::support::{System, wait_for};

/// Both sides of a hotel's row in `names`.
async fn names(system: &System, hotel: Uuid) -> Vec<String> {
    let sql = "SELECT name || ' ' || changes FROM names WHERE id = $1 ORDER BY side";
    let rows = sqlx::query_scalar(sql).bind(hotel);
    rows.fetch_all(&system.read).await.unwrap()
}

async fn hotel_name(system: &System, hotel: Uuid) -> String {
    let sql = "SELECT name FROM hotels WHERE id = $1";
    let row = sqlx::query_scalar(sql).bind(hotel);
    row.fetch_one(&system.read).await.unwrap()
}

async fn retry(system: &System) -> Vec<parked::Retried> {
    let at = (system.log.pool(), &system.read, system.log.keyring());
    let projections = with_names().projections;
    parked::retry(at, &projections, None).await.unwrap()
}

/// Waits until every projection, `names` too, has taken every event.
async fn all_visible(system: &System) {
    let projections = with_names().projections;
    wait_for("the read side", LIMIT, || async {
        let (log, read) = (system.log.pool(), &system.read);
        let known = "SELECT count(*) FROM watermarks WHERE projection = 'names'";
        let known: i64 = sqlx::query_scalar(known).fetch_one(read).await.unwrap();
        let behind = read_api::lag::events_behind(log, read, &projections).await;
        (known > 0 && behind.unwrap() == 0).then_some(())
    })
    .await;
}

/// Every event anew, all of them in one batch a partition.
async fn project_names(system: &System) {
    emptied(&system.read).await;
    system.read.execute("TRUNCATE names").await.unwrap();
    let stop = CancellationToken::new();
    let (log, read) = (system.log.clone(), system.read.clone());
    let projections = with_names().projections;
    let run = runtime::run(log, read, projections.clone(), Source::Log, stop.clone());
    let running = tokio::spawn(run);
    all_visible(system).await;
    stop.cancel();
    running.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn poison_of_each_kind_parks_its_stream_and_nothing_else() {
    let system = System::prepared(with_names(), async |read: &PgPool| make_table(read).await).await;
    let hotelier = system.client(&[Hotelier]);
    let mut poisoned = Vec::new();
    for (poison, why) in POISON {
        let hotel = hotelier.hotel(4).await;
        poisoned.push((hotel, why));
        rename(&hotelier, hotel, poison).await;
        rename(&hotelier, hotel, "Later").await;
    }
    let mut others = Vec::new();
    for _ in 0..20 {
        others.push(hotelier.hotel(4).await);
    }
    for hotel in &others {
        rename(&hotelier, *hotel, "Better").await;
    }
    let all_is_parked = async |waiting: i64, attempts: i32| {
        let parked = parked_for(&system, "names").await;
        assert_eq!(parked.len(), POISON.len(), "{parked:#?}");
        for (hotel, why) in &poisoned {
            let of_it = parked.iter().find(|one| one.aggregate_id == *hotel);
            let of_it = of_it.unwrap();
            assert!(of_it.error.contains(why), "{of_it:?}");
            assert_eq!((of_it.events, of_it.attempts), (waiting, attempts));
            assert_eq!(names(&system, *hotel).await, ["Teranga 0", "Teranga 0"]);
            assert_ne!(
                hotel_name(&system, *hotel).await,
                "Teranga",
                "another table"
            );
        }
        for hotel in &others {
            assert_eq!(names(&system, *hotel).await, ["Better 1", "Better 1"]);
        }
        assert!(parked_for(&system, "hotels").await.is_empty());
    };
    all_visible(&system).await;
    all_is_parked(2, 1).await;
    // What comes later waits behind it.
    for (hotel, _) in &poisoned {
        rename(&hotelier, *hotel, "Last").await;
    }
    all_visible(&system).await;
    all_is_parked(3, 1).await;
    // Tried too early, each fails where it did.
    assert!(
        retry(&system)
            .await
            .iter()
            .all(|one| one.applied == 0 && one.error.is_some())
    );
    all_is_parked(3, 2).await;
    // One poison among all events of a batch is found as well.
    system.stop.cancel();
    project_names(&system).await;
    all_is_parked(3, 1).await;
    // A rebuild parks what the live table parks, and finds no difference.
    let rebuilt = rebuild_names(&system).await;
    assert_eq!((rebuilt.differences.len(), rebuilt.swapped), (0, true));
    all_is_parked(3, 1).await;
    // Cured, each is drained in order.
    poisoned.iter().for_each(|(hotel, _)| cure(*hotel, true));
    let retried = retry(&system).await;
    assert!(
        retried
            .iter()
            .all(|one| one.applied == 3 && one.error.is_none()),
        "{retried:?}"
    );
    assert!(parked_for(&system, "names").await.is_empty());
    let drained = names_of_all(&system).await;
    for (hotel, _) in &poisoned {
        assert_eq!(names(&system, *hotel).await, ["Last 3", "Last 3"]);
    }
    project_names(&system).await;
    assert_eq!(names_of_all(&system).await, drained);
    poisoned.iter().for_each(|(hotel, _)| cure(*hotel, false));
}

async fn rebuild_names(system: &System) -> rebuild::Outcome {
    let databases = rebuild::Databases {
        log: system.log.pool().clone(),
        read: system.read.clone(),
        keyring: system.log.keyring().clone(),
    };
    let projections = with_names().projections;
    let names = projections.iter().find(|one| one.name == "names");
    let options = rebuild::Options {
        workers: 2,
        accept: false,
    };
    let (unwatched, _) = rebuild::Progress::channel();
    let rebuilt = rebuild::rebuild(&databases, names.unwrap(), options, unwatched).await;
    rebuilt.unwrap()
}

async fn names_of_all(system: &System) -> Vec<String> {
    let sql = "SELECT to_jsonb(names)::text FROM names ORDER BY 1";
    sqlx::query_scalar(sql)
        .fetch_all(&system.read)
        .await
        .unwrap()
}

/// An event that can't be read, and one whose personal data can't be opened.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_can_not_be_read_or_opened_is_parked_until_it_can() {
    let system = System::start(comptoir::contexts::Contexts::all()).await;
    let (hotelier, admin) = (system.client(&[Hotelier]), system.client(&[Admin]));
    let hotel = hotelier.hotel(4).await;
    rename(&hotelier, hotel, "Later").await;
    let other = hotelier.hotel(4).await;
    let (person, email) = admin.user(&[Buyer]).await;
    caught_up(&system.log, &system.read).await;
    system.stop.cancel();
    let whole = tables(&system.read).await;
    let events = stored(&system).await;
    let broken = |id: Uuid| {
        let first = events.iter().find(|event| event.aggregate_id == id);
        first.unwrap()
    };
    let forged = broken(person)
        .payload
        .replace("\"sealed\":\"", "\"sealed\":\"AAAA");
    assert_ne!(forged, broken(person).payload);
    set_payload(
        &system,
        broken(hotel).position,
        r#"{"type":"HotelCreated"}"#,
    )
    .await;
    set_payload(&system, broken(person).position, &forged).await;
    emptied(&system.read).await;
    project(&system, Source::Log).await;

    let hotels = parked_for(&system, "hotels").await;
    let [parked] = &hotels[..] else {
        panic!("{hotels:?}")
    };
    assert_eq!((parked.aggregate_id, parked.events), (hotel, 2));
    assert!(
        parked.error.starts_with("it can't be read: event"),
        "{parked:?}"
    );
    let accounts = parked_for(&system, "accounts").await;
    let [parked] = &accounts[..] else {
        panic!("{accounts:?}")
    };
    assert_eq!(parked.aggregate_id, person);
    assert!(
        parked.error.contains("can't be opened: it was changed"),
        "{parked:?}"
    );
    assert!(!parked.error.contains(&email));
    assert_eq!(hotel_name(&system, other).await, "Teranga");

    set_payload(&system, broken(hotel).position, &broken(hotel).payload).await;
    set_payload(&system, broken(person).position, &broken(person).payload).await;
    // Keys that can't be had are no fault of an event.
    let at = (system.log.pool(), &system.read, &Keyring::none());
    let keyless = parked::retry(at, &projections::all(), Some(person)).await;
    assert!(
        matches!(keyless, Err(parked::Error::Personal(_))),
        "{keyless:?}"
    );
    let at = (system.log.pool(), &system.read, system.log.keyring());
    parked::retry(at, &projections::all(), None).await.unwrap();
    assert_eq!(tables(&system.read).await, whole);
}

async fn set_payload(system: &System, position: i64, payload: &str) {
    sqlx::query("UPDATE events SET payload = $2 WHERE position = $1")
        .bind(position)
        .bind(payload)
        .execute(system.log.pool())
        .await
        .unwrap();
}
