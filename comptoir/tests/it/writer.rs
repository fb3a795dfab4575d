//! The task that writes: hot streams, other processes, snapshots, back-pressure.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use domain::decider::{self, Decider, Verdict};
use domain::streams::{Halt, StreamId, StreamKind, Streams};
use event_store::append::{Accepted, AppendError, ExecuteError, Executed, Metadata, Request, Stop};
use event_store::idempotency::Key;
use event_store::{Log, read};
use serde::{Deserialize, Serialize};
use sqlx::{Connection, Executor, PgConnection, Row};
use uuid::Uuid;

use crate::log::open;
use crate::support::{servers, wait_for};

const SEATS: u64 = 100;

/// A concert: seats are taken until there are none.
struct Concert;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
enum Event {
    SeatTaken { by: u64 },
    Noted {},
}

impl decider::Event for Event {
    fn name(&self) -> &'static str {
        match self {
            Self::SeatTaken { .. } => "SeatTaken",
            Self::Noted {} => "Noted",
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Command {
    Take(u64),
    Note,
}

#[derive(Debug, thiserror::Error)]
#[error("no seat is free")]
struct SoldOut;

impl decider::Rejection for SoldOut {
    fn verdict(&self) -> Verdict {
        Verdict::refused("sold-out")
    }
}

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
struct State {
    taken: u64,
    last: u64,
    notes: u64,
}

impl Decider for Concert {
    const TYPE: &'static str = "hotels.concert";
    type State = State;
    type Command = Command;
    type Event = Event;
    type Rejection = SoldOut;

    fn decide(state: &State, command: Command) -> Result<Vec<Event>, SoldOut> {
        match command {
            Command::Note => Ok(vec![Event::Noted {}]),
            Command::Take(_) if state.taken == SEATS => Err(SoldOut),
            Command::Take(by) => Ok(vec![Event::SeatTaken { by }]),
        }
    }

    fn evolve(state: State, event: &Event) -> State {
        match event {
            Event::Noted {} => State {
                notes: state.notes + 1,
                ..state
            },
            Event::SeatTaken { by } => State {
                taken: state.taken + 1,
                last: *by,
                ..state
            },
        }
    }
}

/// Whether a seat was taken.
async fn send(
    log: &Log,
    id: Uuid,
    command: Command,
    key: Option<String>,
) -> Result<bool, AppendError> {
    let request = Request {
        metadata: Metadata::default(),
        key: key.map(|key| Key {
            scope: "tests".to_owned(),
            key,
            digest: [1; 32],
        }),
        ..Request::default()
    };
    match log.execute(request, decision(id, command)).await {
        Ok(Executed::Stored { .. }) => Ok(true),
        Ok(Executed::Replayed(_)) => Err(AppendError::KeyUsed),
        Err(ExecuteError::Refused(())) => Ok(false),
        Err(ExecuteError::Append(error)) => Err(error),
        Err(ExecuteError::Load(error)) => Err(AppendError::Away(error.to_string())),
    }
}

fn decision(
    id: Uuid,
    command: Command,
) -> impl FnMut(&mut Streams) -> Result<Accepted<()>, Stop<()>> + Send + 'static {
    move |streams| match streams.decide::<Concert>(id, command) {
        Ok(()) => Ok(Accepted {
            value: (),
            answer: "{}".to_owned(),
        }),
        Err(halt) => Err(missing(halt)),
    }
}

fn stream(id: Uuid) -> (StreamId, StreamKind) {
    (StreamId::of::<Concert>(id), StreamKind::of::<Concert>())
}

async fn state(log: &Log, id: Uuid) -> State {
    let (stream, kind) = stream(id);
    let mut streams = Streams::default();
    streams.insert(stream, log.load(stream, kind).await.unwrap().0);
    State::clone(&streams.state::<Concert>(id).unwrap())
}

/// A hundred seats, hundreds of people, two processes: a hundred get one, nobody an error, and
/// every other hears that it is sold out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hot_stream_is_decided_in_order_whoever_writes() {
    let url = servers().database().await.database_url;
    let logs = [open(&url).await, open(&url).await];
    let id = Uuid::now_v7();
    let people = (0..600).map(|by: usize| {
        let log = logs[by % 2].clone();
        async move { send(&log, id, Command::Take(by as u64), None).await }
    });
    let outcomes = futures::future::join_all(people).await;
    let seated = outcomes
        .iter()
        .filter(|one| matches!(one, Ok(true)))
        .count();
    let refused = outcomes
        .iter()
        .filter(|one| matches!(one, Ok(false)))
        .count();
    assert_eq!((seated, refused), (SEATS as usize, 600 - SEATS as usize));
    assert_eq!(logs[0].head().await.unwrap(), SEATS as i64);
    assert_eq!(state(&logs[1], id).await.taken, SEATS);
}

/// Two processes each book their own concert if the other has none booked. While they take turns,
/// what one of them reads may be old by the time it writes: never do both get theirs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_read_and_not_written_is_as_it_was_taken_to_be() {
    let url = servers().database().await.database_url;
    let logs = [open(&url).await, open(&url).await];
    let done = Arc::new(AtomicU32::new(0));
    // Others write all the while, so that both processes take turns.
    let crowd = logs.clone().map(|log| {
        let done = Arc::clone(&done);
        tokio::spawn(async move {
            while done.load(Ordering::Relaxed) == 0 {
                send(&log, Uuid::now_v7(), Command::Note, None)
                    .await
                    .unwrap();
            }
        })
    });
    for round in 0..60 {
        let concerts = [Uuid::now_v7(), Uuid::now_v7()];
        // Both are at hand on both sides, so that nothing is read before the decision.
        for (log, id) in logs.iter().flat_map(|log| concerts.map(|id| (log, id))) {
            send(log, id, Command::Note, None).await.unwrap();
        }
        let booked = futures::future::join_all((0..2).map(|side: usize| {
            let (own, other) = (concerts[side], concerts[1 - side]);
            let decide = move |streams: &mut Streams| {
                let taken = streams
                    .state::<Concert>(other)
                    .map(|state| state.taken)
                    .map_err(missing)?;
                if taken > 0 {
                    return Err(Stop::Refused(()));
                }
                decision(own, Command::Take(1))(streams)
            };
            logs[side].execute(Request::default(), decide)
        }));
        let booked = booked.await;
        let stored = booked
            .iter()
            .filter(|one| matches!(one, Ok(Executed::Stored { .. })));
        assert_eq!(stored.count(), 1, "round {round}: {booked:?}");
        let seats = (
            state(&logs[0], concerts[0]).await.taken,
            state(&logs[0], concerts[1]).await.taken,
        );
        assert_eq!(seats.0 + seats.1, 1, "round {round}");
    }
    done.store(1, Ordering::Relaxed);
    futures::future::try_join_all(crowd).await.unwrap();
}

fn missing(halt: Halt) -> Stop<()> {
    match halt {
        Halt::Missing(stream, kind) => Stop::Missing(stream, kind),
        _ => Stop::Refused(()),
    }
}

/// A cold stream is not kept waiting by a hot one: commands are taken in the order they came.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cold_stream_goes_between_the_commands_of_a_hot_one() {
    let log = open(&servers().database().await.database_url).await;
    let (hot, done) = (Uuid::now_v7(), Arc::new(AtomicU32::new(0)));
    let crowd = (0..64).map(|_| {
        let (log, done) = (log.clone(), Arc::clone(&done));
        async move {
            for _ in 0..50 {
                assert!(send(&log, hot, Command::Note, None).await.unwrap());
                done.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    let crowd = tokio::spawn(futures::future::join_all(crowd));
    wait_for("the crowd", Duration::from_secs(20), || async {
        (done.load(Ordering::Relaxed) > 0).then_some(())
    })
    .await;
    for _ in 0..3 {
        let cold = Uuid::now_v7();
        assert!(send(&log, cold, Command::Note, None).await.unwrap());
    }
    let before = done.load(Ordering::Relaxed);
    crowd.await.unwrap();
    assert!(before < 64 * 50, "the cold streams came last");
}

/// A refusal that rests on a command which then fails is not given: it is decided again.
#[tokio::test]
async fn a_refusal_rests_on_what_is_committed() {
    let url = servers().database().await.database_url;
    let log = open(&url).await;
    let id = Uuid::now_v7();
    for by in 0..SEATS - 1 {
        assert!(send(&log, id, Command::Take(by), None).await.unwrap());
    }
    let mut other = PgConnection::connect(&url).await.unwrap();
    let mut held = other.begin().await.unwrap();
    held.execute("SELECT 1 FROM log.epoch FOR UPDATE")
        .await
        .unwrap();
    // Takes the last seat, and can't be stored.
    let poison = log.execute(
        Request::default(),
        move |streams: &mut Streams| match streams.decide::<Concert>(id, Command::Take(1_000)) {
            Err(Halt::Missing(stream, kind)) => Err(Stop::Missing(stream, kind)),
            _ => {
                let mut bad = event_store_draft(streams);
                // No text of PostgreSQL may hold this.
                bad.payload = "\0".to_owned();
                let _known = streams.append(StreamId::of::<Concert>(id), &[bad]);
                Ok(Accepted {
                    value: (),
                    answer: String::new(),
                })
            }
        },
    );
    let last = send(&log, id, Command::Take(7), None);
    let free = async {
        tokio::task::yield_now().await;
        held.rollback().await.unwrap();
    };
    let (poison, last, ()) = tokio::join!(poison, last, free);
    let poison: Result<Executed<()>, ExecuteError<()>> = poison;
    assert!(
        matches!(poison, Err(ExecuteError::Append(AppendError::Fault(_)))),
        "{poison:?}"
    );
    assert!(last.unwrap(), "it was refused for a seat that nobody took");
    assert_eq!(
        state(&log, id).await,
        State {
            taken: SEATS,
            last: 7,
            notes: 0
        }
    );
}

fn event_store_draft(streams: &Streams) -> domain::streams::DecidedEvent {
    streams.drafts()[0].events[0].clone()
}

/// A decision that panics is one command's failure.
#[tokio::test]
async fn a_decision_that_panics_fails_alone() {
    let log = open(&servers().database().await.database_url).await;
    let broken = log.execute(
        Request::default(),
        |_: &mut Streams| -> Result<Accepted<()>, Stop<()>> {
            panic!("a fault of this decision, made for the test")
        },
    );
    let (broken, whole) = tokio::join!(broken, send(&log, Uuid::now_v7(), Command::Note, None));
    assert!(matches!(
        broken,
        Err(ExecuteError::Append(AppendError::Fault(_)))
    ));
    assert!(whole.unwrap());
}

/// More commands than may wait: the rest hears so at once, those that wait are carried out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_too_many_is_told_so_at_once() {
    let url = servers().database().await.database_url;
    let log = open(&url).await;
    let id = Uuid::now_v7();
    assert!(send(&log, id, Command::Note, None).await.unwrap());
    let mut other = PgConnection::connect(&url).await.unwrap();
    let mut held = other.begin().await.unwrap();
    held.execute("SELECT 1 FROM log.epoch FOR UPDATE")
        .await
        .unwrap();
    let busy = Arc::new(AtomicU32::new(0));
    let crowd = (0..5_000).map(|_| {
        let (log, busy) = (log.clone(), Arc::clone(&busy));
        async move {
            match send(&log, id, Command::Note, None).await {
                Err(AppendError::Busy) => drop(busy.fetch_add(1, Ordering::Relaxed)),
                outcome => assert!(outcome.unwrap()),
            }
        }
    });
    let crowd = tokio::spawn(futures::future::join_all(crowd));
    wait_for("the refusals", Duration::from_secs(20), || async {
        (busy.load(Ordering::Relaxed) == 5_000 - 4_096).then_some(())
    })
    .await;
    held.rollback().await.unwrap();
    crowd.await.unwrap();
    assert_eq!(state(&log, id).await.notes, 1 + 4_096);
}

/// Under the lock, too, a stream that can't be read is a failure of its own commands alone.
#[tokio::test]
async fn a_stream_that_cannot_be_read_fails_its_own_commands_alone() {
    let url = servers().database().await.database_url;
    let log = open(&url).await;
    let ids: Vec<Uuid> = (0..21).map(|_| Uuid::now_v7()).collect();
    for id in &ids {
        assert!(send(&log, *id, Command::Note, None).await.unwrap());
    }
    // A newer version of the program has written to the first of them meanwhile.
    let newer = "INSERT INTO events (position, aggregate_type, aggregate_id, sequence, event_type, \
             event_version, payload, metadata, event_id, recorded_at, occurred_at, partition, \
             leaf_hash) \
         SELECT 22, aggregate_type, aggregate_id, 2, event_type, '99', payload, metadata, \
             gen_random_uuid(), recorded_at, occurred_at, partition, leaf_hash \
         FROM events WHERE position = 1";
    log.pool().execute(newer).await.unwrap();
    // What is sent over a broken connection is decided again under the lock.
    let mut admin = PgConnection::connect(&url).await.unwrap();
    let broken = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid()";
    admin.execute(broken).await.unwrap();
    let mates = ids[1..].iter().enumerate().map(|(mate, id)| {
        let key = (mate % 2 == 0).then(|| format!("mate {mate}"));
        send(&log, *id, Command::Note, key)
    });
    let mates = futures::future::join_all(mates);
    let (refused, mates) = tokio::join!(send(&log, ids[0], Command::Note, None), mates);
    let why = refused.unwrap_err().to_string();
    assert!(why.contains("version 99"), "{why}");
    assert!(
        mates.iter().all(|mate| matches!(mate, Ok(true))),
        "{mates:?}"
    );
    assert_eq!(open(&url).await.head().await.unwrap(), 42);
}

/// A long stream is loaded from its snapshot, and one that is of no use is passed over and
/// written anew.
#[tokio::test]
async fn a_snapshot_is_used_and_never_trusted_blindly() {
    let url = servers().database().await.database_url;
    let log = open(&url).await;
    let id = Uuid::now_v7();
    for by in 0..SEATS {
        assert!(send(&log, id, Command::Take(by), None).await.unwrap());
    }
    for _ in 0..50 {
        assert!(send(&log, id, Command::Note, None).await.unwrap());
    }
    let snapshot = || async {
        let row = sqlx::query("SELECT sequence, shape, state::text AS state FROM snapshots");
        let row = row.fetch_optional(log.pool()).await.unwrap()?;
        let sequence: i64 = row.get("sequence");
        (sequence >= 100).then(|| row.get::<String, _>("shape"))
    };
    let shape = wait_for("the snapshot", Duration::from_secs(10), snapshot).await;
    assert_eq!(shape, domain::SHAPE);
    let whole = State {
        taken: SEATS,
        last: SEATS - 1,
        notes: 50,
    };
    // That it is used at all: a falsified state shows.
    let lie = "UPDATE snapshots SET state = '{\"taken\":7,\"last\":7,\"notes\":0}'";
    log.pool().execute(lie).await.unwrap();
    assert_eq!(state(&log, id).await.taken, 7);
    for of_no_use in [
        "UPDATE snapshots SET event_id = gen_random_uuid()",
        "UPDATE snapshots SET state = '{}'",
        "UPDATE snapshots SET sequence = 1000000",
        "UPDATE snapshots SET shape = 'of another code'",
    ] {
        log.pool().execute(of_no_use).await.unwrap();
        assert_eq!(state(&log, id).await, whole, "{of_no_use}");
    }
    // A writer that had to fold so many events leaves a snapshot behind.
    let fresh = open(&url).await;
    assert!(send(&fresh, id, Command::Note, None).await.unwrap());
    wait_for("the new snapshot", Duration::from_secs(10), || async {
        (snapshot().await? == domain::SHAPE).then_some(())
    })
    .await;
    assert_eq!(state(&log, id).await.notes, 51);
}

/// A transaction that is open all the while makes nothing pile up in the row that every batch
/// locks.
#[tokio::test]
async fn a_long_transaction_leaves_the_log_as_fast_as_it_was() {
    let url = servers().database().await.database_url;
    let log = open(&url).await;
    let mut other = PgConnection::connect(&url).await.unwrap();
    let mut long = other.begin().await.unwrap();
    long.execute("CREATE TABLE elsewhere (); SELECT txid_current()")
        .await
        .unwrap();
    for _ in 0..300 {
        assert!(
            send(&log, Uuid::now_v7(), Command::Note, None)
                .await
                .unwrap()
        );
    }
    let size: i64 = sqlx::query("SELECT pg_relation_size('log.epoch') AS size")
        .fetch_one(log.pool())
        .await
        .unwrap()
        .get("size");
    assert_eq!(size, 8_192, "the row has dead versions");
    long.rollback().await.unwrap();
}

/// Two processes, one key: whichever is second gets the first one's answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_counts_across_processes() {
    let url = servers().database().await.database_url;
    let logs = [open(&url).await, open(&url).await];
    for round in 0..30 {
        let id = Uuid::now_v7();
        let key = || Some(format!("round {round}"));
        let (one, other) = tokio::join!(
            send(&logs[0], id, Command::Note, key()),
            send(&logs[1], id, Command::Note, key())
        );
        let stored = [&one, &other].iter().filter(|one| one.is_ok()).count();
        assert_eq!(stored, 1, "{one:?} {other:?}");
    }
    let events = read::after(logs[0].pool(), 0, 100).await.unwrap();
    assert_eq!(events.len(), 30);
}

/// Another log under the same address ends the writer, with a reason.
#[tokio::test]
async fn another_epoch_ends_the_writer() {
    let url = servers().database().await.database_url;
    let log = open(&url).await;
    assert!(
        send(&log, Uuid::now_v7(), Command::Note, None)
            .await
            .unwrap()
    );
    let other = "UPDATE epoch SET id = gen_random_uuid(), term = term + 1";
    log.pool().execute(other).await.unwrap();
    let refused = send(&log, Uuid::now_v7(), Command::Note, None).await;
    assert!(matches!(refused, Err(AppendError::Away(_))), "{refused:?}");
    let why = log.written().await.unwrap_err().to_string();
    assert!(
        why.contains("epoch") && why.contains("Start the process again"),
        "{why}"
    );
}

/// A log that has lost events that this process committed ends it, with a reason.
#[tokio::test]
async fn a_log_that_lost_events_ends_the_writer() {
    let url = servers().database().await.database_url;
    let log = open(&url).await;
    for _ in 0..3 {
        assert!(
            send(&log, Uuid::now_v7(), Command::Note, None)
                .await
                .unwrap()
        );
    }
    log.pool()
        .execute("DELETE FROM events WHERE position > 1")
        .await
        .unwrap();
    let refused = send(&log, Uuid::now_v7(), Command::Note, None).await;
    assert!(matches!(refused, Err(AppendError::Away(_))), "{refused:?}");
    let why = log.written().await.unwrap_err().to_string();
    assert!(why.contains("restored from an older backup"), "{why}");
}
