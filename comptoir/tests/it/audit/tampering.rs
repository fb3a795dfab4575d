//! What a database administrator may do to the log, and what an auditor says of it.

use audit::verify::{Fault, Report, Trusted, verify};
use event_store::tree::{self, CheckpointKeys, Grower, checkpoints, sign};
use event_store::{Log, read};
use proofs::Hash;
use sqlx::{Executor, PgPool};

use super::{add, keys, log_of, signed, trusted};
use crate::log::open;
use crate::support::servers;

/// Enough for three tiles of leaves and one above.
const STREAMS: usize = 200;
const EVENTS: u64 = 600;

/// A log with a checkpoint of all but its last events, and one before that.
async fn signed_log() -> Log {
    let log = log_of(100).await;
    assert_eq!(signed(log.pool()).await, 300);
    add(&log, STREAMS - 100).await;
    assert_eq!(signed(log.pool()).await, EVENTS);
    log.pool()
        .execute(
            "CREATE TABLE kept AS TABLE events; CREATE TABLE kept_tiles AS TABLE tiles; \
             CREATE TABLE kept_checkpoints AS TABLE checkpoints",
        )
        .await
        .unwrap();
    log
}

/// As it was before it was altered.
async fn restore(log: &PgPool) {
    log.execute(
        "TRUNCATE events, tiles, checkpoints; INSERT INTO events TABLE kept; \
         INSERT INTO tiles TABLE kept_tiles; INSERT INTO checkpoints TABLE kept_checkpoints; \
         UPDATE tree SET size = 600",
    )
    .await
    .unwrap();
}

async fn verified(log: &PgPool, trusted: &Trusted) -> Report {
    verify(log, trusted, |_, _| ()).await.unwrap()
}

/// Gives each event the leaf hash that it has now.
async fn rehash(log: &PgPool) {
    for event in read::after(log, 0, 10_000).await.unwrap() {
        sqlx::query("UPDATE events SET leaf_hash = $1 WHERE position = $2")
            .bind(event_store::leaf_hash(&event).to_vec())
            .bind(event.position)
            .execute(log)
            .await
            .unwrap();
    }
}

/// Makes the tree anew from what is there now, and signs it at the sizes that were signed.
async fn remake(log: &PgPool, keys: &CheckpointKeys) {
    let sizes = checkpoints(log, 0, u64::MAX, None).await.unwrap();
    log.execute("TRUNCATE tiles, checkpoints; UPDATE tree SET size = 0")
        .await
        .unwrap();
    Grower::new(log.clone()).grow().await.unwrap();
    let size = tree::size(log).await.unwrap();
    for one in sizes {
        let sql = format!("UPDATE tree SET size = {}", one.size.min(size));
        log.execute(sql.as_str()).await.unwrap();
        sign(log, keys).await.unwrap();
    }
}

const ALTER: &str = "UPDATE events SET payload = replace(payload, '-', '+') WHERE position = 301";
/// Positions move by way of others, as they are unique.
const REMOVE: &str = "DELETE FROM events WHERE position = 302; \
    UPDATE events SET position = position + 10000 WHERE position > 302; \
    UPDATE events SET position = position - 10001 WHERE position > 10000";
const INSERT: &str = "UPDATE events SET position = position + 10000 WHERE position >= 302; \
    UPDATE events SET position = position - 9999 WHERE position > 10000; \
    INSERT INTO events SELECT aggregate_type, gen_random_uuid(), 1, event_type, event_version, \
        payload, metadata, 302, gen_random_uuid(), recorded_at, occurred_at, partition, leaf_hash \
        FROM events WHERE position = 301";
const SWAP: &str = "UPDATE events SET position = 10000 WHERE position = 301; \
    UPDATE events SET position = 301 WHERE position = 450; \
    UPDATE events SET position = 450 WHERE position = 10000";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_altered_is_told() {
    let log = signed_log().await;
    let log = log.pool();
    let trusted = trusted(log).await;
    let fine = verified(log, &trusted).await;
    assert!(fine.holds(), "{fine:?}");
    assert_eq!((fine.head, fine.tree, fine.honoured), (EVENTS, EVENTS, 2));
    assert_eq!(fine.unsigned, 0);

    let altered = Fault::Altered {
        position: 301,
        rehashed: false,
    };
    let rehashed = Fault::Altered {
        position: 301,
        rehashed: true,
    };
    let tile = |position, level, index| Fault::Tile {
        position,
        level,
        index,
    };
    // What is done with SQL, whether hashes are made anew, and what is told first.
    let cases: [(&str, bool, Fault); 13] = [
        (ALTER, false, altered),
        (ALTER, true, rehashed),
        (
            "UPDATE events SET metadata = '{\"a\":1}' WHERE position = 5",
            true,
            Fault::Altered {
                position: 5,
                rehashed: true,
            },
        ),
        (
            "UPDATE events SET leaf_hash = sha256('') WHERE position = 5",
            false,
            Fault::LeafHash { position: 5 },
        ),
        (
            "DELETE FROM events WHERE position = 302",
            false,
            Fault::Missing { position: 302 },
        ),
        (REMOVE, false, Fault::Removed { position: 302 }),
        (INSERT, true, Fault::Inserted { position: 302 }),
        (
            SWAP,
            false,
            Fault::Moved {
                position: 301,
                from: 450,
            },
        ),
        (
            "UPDATE events SET recorded_at = recorded_at - interval '1 year' WHERE position = 9",
            true,
            Fault::Time { position: 9 },
        ),
        (
            "UPDATE events SET sequence = 7 WHERE position = 600",
            true,
            Fault::Altered {
                position: 600,
                rehashed: true,
            },
        ),
        (
            "DELETE FROM events WHERE position > 590",
            false,
            Fault::Ends {
                position: 590,
                had: 600,
            },
        ),
        (
            "UPDATE tiles SET hashes = overlay(hashes placing sha256('') FROM 33) \
            WHERE level = 0 AND index = 1",
            false,
            tile(258, 0, 1),
        ),
        (
            "UPDATE tiles SET hashes = overlay(hashes placing sha256('') FROM 33) \
            WHERE level = 1",
            false,
            tile(257, 1, 0),
        ),
    ];
    for (sql, hashes, first) in cases {
        log.execute(sql).await.unwrap();
        if hashes {
            rehash(log).await;
        }
        let report = verified(log, &trusted).await;
        // At one position several things may be wrong.
        let at: Vec<&Fault> = report
            .faults
            .iter()
            .filter(|one| one.position() == first.position())
            .collect();
        assert!(at.contains(&&first), "{sql}: {report:?}");
        assert_eq!(
            report.faults[0].position(),
            first.position(),
            "{sql}: {report:?}"
        );
        restore(log).await;
    }
    assert!(verified(log, &trusted).await.holds());
}

/// A position that two events have, which only a table without its index can hold.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_events_of_one_position_are_told() {
    let log = signed_log().await;
    let log = log.pool();
    let trusted = trusted(log).await;
    log.execute(
        "DROP INDEX events_by_position; CREATE INDEX ON events (position); \
         INSERT INTO events SELECT aggregate_type, gen_random_uuid(), 1, event_type, event_version, \
             payload, metadata, position, gen_random_uuid(), recorded_at, occurred_at, partition, \
             leaf_hash FROM events WHERE position = 400",
    )
    .await
    .unwrap();
    let report = verified(log, &trusted).await;
    assert!(
        report.faults.contains(&Fault::Several { position: 400 }),
        "{report:?}"
    );
    assert_eq!(report.faults[0].position(), 400);
}

/// Events, hashes, tiles and the log's own checkpoints are all made anew, so that they agree.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_made_anew_consistently_contradicts_what_was_signed() {
    let log = signed_log().await;
    let log = log.pool();
    let mut trusted = trusted(log).await;
    let all = checkpoints(log, 0, u64::MAX, None).await.unwrap();
    let contradicted = Fault::Checkpoint {
        position: 301,
        size: EVENTS,
        origin: all[0].origin.clone(),
    };
    // The checkpoints are left, since nobody without the key can sign others.
    log.execute(ALTER).await.unwrap();
    rehash(log).await;
    log.execute("TRUNCATE tiles; UPDATE tree SET size = 0")
        .await
        .unwrap();
    Grower::new(log.clone()).grow().await.unwrap();
    let report = verified(log, &trusted).await;
    assert_eq!(report.faults, std::slice::from_ref(&contradicted));
    assert_eq!(report.honoured, 1);
    // And whoever keeps the tree signs no more.
    let refused = sign(log, &keys()).await;
    assert!(
        matches!(
            refused,
            Err(tree::Error::Contradiction { size: EVENTS, .. })
        ),
        "{refused:?}"
    );

    // Signed anew with another key.
    let other: CheckpointKeys = CheckpointKeys::make("tests").unwrap().parse().unwrap();
    remake(log, &other).await;
    let report = verified(log, &trusted).await;
    let at: Vec<u64> = report.faults.iter().map(Fault::position).collect();
    assert_eq!(at, [300, 600], "{report:?}");
    assert!(
        report
            .faults
            .iter()
            .all(|one| matches!(one, Fault::Signature { .. }))
    );

    // Signed anew with the key itself: only those who kept what was published can tell.
    remake(log, &keys()).await;
    assert!(verified(log, &trusted).await.holds());
    trusted.published = all.iter().map(|one| one.note.clone()).collect();
    let report = verified(log, &trusted).await;
    assert!(report.faults.contains(&contradicted), "{report:?}");
    let withdrawn = Fault::Withdrawn { position: EVENTS };
    assert!(report.faults.contains(&withdrawn), "{report:?}");
}

/// The leaf hashes of a log that was cut and goes on otherwise.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_log_that_goes_on_contradicts_what_was_signed() {
    let url = servers().database().await.database_url;
    let log = open(&url).await;
    add(&log, 100).await;
    assert_eq!(signed(log.pool()).await, 300);
    let (pool, trusted) = (log.pool(), trusted(log.pool()).await);
    pool.execute("DELETE FROM events WHERE position > 270; UPDATE epoch SET term = term + 1")
        .await
        .unwrap();
    let report = verified(pool, &trusted).await;
    assert_eq!(
        report.faults,
        [Fault::Ends {
            position: 270,
            had: 300
        }]
    );
    let refused = Grower::new(pool.clone()).grow().await;
    let shorter = tree::Error::Shorter {
        size: 300,
        head: 270,
    };
    assert_eq!(refused.unwrap_err().to_string(), shorter.to_string());
    add(&open(&url).await, 20).await;
    let report = verified(pool, &trusted).await;
    assert_eq!(
        report.faults[0],
        Fault::Altered {
            position: 271,
            rehashed: true
        },
        "{report:?}"
    );
    assert_eq!(report.faults.len(), 30);
}

/// A leaf is never hashed again, so a root of leaves is that of RFC 9162.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tree_is_that_of_the_events() {
    let log = log_of(100).await;
    let size = signed(log.pool()).await;
    let mut frontier = proofs::Frontier::new();
    for event in read::after(log.pool(), 0, 1_000).await.unwrap() {
        frontier.push(Hash(event_store::leaf_hash(&event)));
    }
    let signed = tree::latest(log.pool()).await.unwrap().unwrap();
    assert_eq!(frontier.size(), size);
    assert!(signed.note.contains(&frontier.root().to_string()));
}
