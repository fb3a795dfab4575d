//! How far read tables are behind, as it is measured.

use event_store::database;
use projections::rebuild::tables;
use projections::runtime::{Lag, Registered, lags};
use sqlx::{Executor, PgPool};

use crate::support::servers;

/// The log and the read side of one database, with a live table of reservations in six partitions.
struct Sides {
    log: PgPool,
    read: PgPool,
    projections: [Registered; 1],
}

impl Sides {
    async fn new() -> Self {
        let databases = servers().database().await;
        let log = database::pool(&databases.database_url, "log", 2).unwrap();
        let read = database::pool(databases.read_url(), "read", 2).unwrap();
        log.execute(
            "INSERT INTO topics (context, partitions) VALUES ('hotels', 6), ('identity', 6)",
        )
        .await
        .unwrap();
        let projections = [projections::named("reservations").unwrap()];
        sqlx::query(
            "INSERT INTO watermarks (projection, version, context, partition, epoch) \
             SELECT 'reservations', $1, 'hotels', partition, (SELECT epoch FROM log.head) \
             FROM generate_series(0, 5) AS partition",
        )
        .bind(projections[0].version)
        .execute(&read)
        .await
        .unwrap();
        Self {
            log,
            read,
            projections,
        }
    }

    /// Appends events that were recorded so many seconds ago; `partition` is SQL for that of the
    /// `n`th.
    async fn append(&self, count: i64, partition: &str, seconds_ago: i64) {
        let sql = format!(
            "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, \
                 payload, metadata, position, event_id, recorded_at, occurred_at, partition, leaf_hash) \
             SELECT 'hotels.reservation', gen_random_uuid(), 1, 'Counted', '1', '{{}}', '{{}}', \
                 head.position + n, gen_random_uuid(), now() - interval '{seconds_ago} seconds', \
                 now(), {partition}, '' FROM head, generate_series(1, {count}) AS n"
        );
        self.log.execute(sql.as_str()).await.unwrap();
    }

    /// The table has everything up to `position` of the partitions that fit.
    async fn applied(&self, position: i64, partitions: &str) {
        let sql =
            format!("UPDATE watermarks SET position = {position} WHERE partition {partitions}");
        self.read.execute(sql.as_str()).await.unwrap();
    }

    /// The relay has sent everything up to `position`, with the last of each partition.
    async fn relayed(&self, position: i64) {
        let sql = format!(
            "UPDATE relay SET position = {position}, fence = 1; \
             INSERT INTO relay_partitions (context, generation, partition, position) \
                 SELECT 'hotels', 1, partition, max(position) FROM events \
                 WHERE position <= {position} GROUP BY partition \
             ON CONFLICT (context, generation, partition) DO UPDATE SET position = excluded.position"
        );
        self.log.execute(sql.as_str()).await.unwrap();
    }

    async fn lag(&self, partition: i32) -> Lag {
        let all = lags(&self.log, &self.read, &self.projections)
            .await
            .unwrap();
        assert_eq!(all.len(), 6);
        all.into_iter()
            .find(|lag| lag.partition == partition)
            .unwrap()
    }

    /// Events and seconds behind, in one partition.
    async fn behind(&self, partition: i32) -> (i64, f64) {
        let lag = self.lag(partition).await;
        (lag.events, lag.seconds)
    }
}

fn about(seconds: f64, expected: f64) -> bool {
    (expected..expected + 30.0).contains(&seconds)
}

#[tokio::test]
async fn each_partition_is_behind_by_its_own_events() {
    let sides = Sides::new().await;
    assert_eq!(sides.behind(0).await, (0, 0.0));
    // Of 600 events each partition has a hundred; two partitions stop in the middle.
    sides.append(300, "n % 6", 100).await;
    sides.append(300, "n % 6", 50).await;
    sides.applied(600, "> 1").await;
    sides.applied(60, "= 0").await;
    sides.applied(540, "= 1").await;
    for relayed in [0, 500, 600] {
        sides.relayed(relayed).await;
        let (events, seconds) = sides.behind(0).await;
        assert!(events == 90 && about(seconds, 100.0), "{events} {seconds}");
        let (events, seconds) = sides.behind(1).await;
        assert!(events == 10 && about(seconds, 50.0), "{events} {seconds}");
        assert_eq!(sides.behind(2).await, (0, 0.0));
    }
    assert_eq!(sides.lag(0).await.position, 60);
}

/// A partition whose last event is long ago is up to date, though its watermark is far behind the
/// log's end; and when it gets another event, that one alone is missing.
#[tokio::test]
async fn a_quiet_partition_is_not_late() {
    let sides = Sides::new().await;
    sides.append(6, "n - 1", 9_000).await;
    sides.append(5_000, "n % 5", 600).await;
    sides.relayed(5_006).await;
    sides.applied(5_006, "< 5").await;
    sides.applied(6, "= 5").await;
    assert_eq!(sides.behind(5).await, (0, 0.0));
    sides.append(1, "5", 40).await;
    let (events, seconds) = sides.behind(5).await;
    assert!(events == 1 && about(seconds, 40.0), "{events} {seconds}");
    sides.append(3_000, "n % 5", 20).await;
    // By now it is beyond what is looked at from the log's end; the relay knows of it.
    sides.applied(8_007, "< 5").await;
    assert_eq!(sides.behind(0).await, (0, 0.0));
    sides.relayed(8_007).await;
    let (events, seconds) = sides.behind(5).await;
    assert!(events == 1 && about(seconds, 40.0), "{events} {seconds}");
}

/// Far behind, the seconds are exact where the partition is no rare one, and the events about right.
#[tokio::test]
async fn what_is_far_behind_is_reckoned() {
    let sides = Sides::new().await;
    sides.append(20_000, "n % 6", 300).await;
    sides.append(20_000, "n % 6", 30).await;
    sides.relayed(40_000).await;
    sides.applied(10_000, ">= 0").await;
    for partition in 0..6 {
        let (events, seconds) = sides.behind(partition).await;
        assert!(
            (4_900..5_100).contains(&events) && about(seconds, 300.0),
            "{events} {seconds}"
        );
    }
    // Another log's watermark says nothing of this one.
    let other = "UPDATE watermarks SET epoch = gen_random_uuid()";
    sides.read.execute(other).await.unwrap();
    let (events, _) = sides.behind(0).await;
    assert!((6_600..6_800).contains(&events), "{events}");
}

#[tokio::test]
async fn a_shadow_that_nobody_builds_is_told_from_one_that_is_built() {
    let sides = Sides::new().await;
    let told = async || {
        let tables = tables(&sides.read, &sides.projections).await.unwrap();
        (tables[0].built, tables[0].shadow, tables[0].rebuilding)
    };
    assert_eq!(told().await, (true, false, false));
    let shadow = "CREATE SCHEMA read_shadow; CREATE TABLE read_shadow.reservations (id uuid)";
    sides.read.execute(shadow).await.unwrap();
    let mut session = sides.read.acquire().await.unwrap();
    let lock = "SELECT pg_advisory_lock(4715, hashtext('reservations 1'))";
    session.execute(lock).await.unwrap();
    assert_eq!(told().await, (true, true, true));
    session
        .execute("SELECT pg_advisory_unlock_all()")
        .await
        .unwrap();
    assert_eq!(told().await, (true, true, false));
    let gone = "DELETE FROM watermarks";
    sides.read.execute(gone).await.unwrap();
    assert_eq!(told().await, (false, true, false));
}
