//! Queries that share connections: each gets its own answer, whatever becomes of the others.

use std::time::Duration;

use chrono::NaiveDate;
use event_store::database;
use futures::future::{join_all, try_join_all};
use read_api::query::{Sql, Tables};
use service_kit::problem::Problem;
use sqlx::{Executor, PgPool, Postgres, Transaction};
use tokio::task::JoinHandle;

use crate::support::{servers, wait_for};

/// The most connections that there may be.
const CONNECTIONS: i64 = 16;

/// A database that only the queries of one test use, and the way around them to it.
async fn tables() -> (Tables, PgPool) {
    let url = servers().empty_database().await;
    let pool = database::pool(&url, "public", 4).unwrap();
    (Tables::of(&pool), pool)
}

/// The number that comes back.
async fn echo(tables: &Tables, number: i64) -> Result<i64, Problem> {
    let query = Sql::new("SELECT $1").bind(number);
    query.fetch_one(tables).await.map(|(number,)| number)
}

/// A list of one number.
async fn list(tables: &Tables) -> Vec<(i64,)> {
    let query = Sql::new("SELECT 1::bigint");
    query.fetch_all(tables).await.unwrap()
}

/// Who has the lock of the number 7.
async fn hold(pool: &PgPool) -> Transaction<'static, Postgres> {
    let mut holder = pool.begin().await.unwrap();
    let lock = "SELECT pg_advisory_xact_lock(7)";
    holder.execute(lock).await.unwrap();
    holder
}

/// A list that lasts until the lock of the number 7 is free.
fn held(tables: &Tables) -> JoinHandle<Result<Vec<(i64,)>, Problem>> {
    let tables = tables.clone();
    let sql = "SELECT 7::bigint FROM pg_advisory_xact_lock_shared(7)";
    tokio::spawn(async move { Sql::new(sql).fetch_all(&tables).await })
}

/// Waits until so many lists are at the lock, so that nothing asked now shares their flights.
async fn at_the_lock(pool: &PgPool, count: i64) {
    let sql = "SELECT count(*) = $1 FROM pg_stat_activity \
         WHERE datname = current_database() AND wait_event_type = 'Lock'";
    wait_for("lists at the lock", Duration::from_secs(5), async || {
        let there: bool = sqlx::query_scalar(sql)
            .bind(count)
            .fetch_one(pool)
            .await
            .unwrap();
        there.then_some(())
    })
    .await;
}

/// How many sessions the queries have.
async fn sessions(pool: &PgPool) -> i64 {
    let sql = "SELECT count(*) - 1 FROM pg_stat_activity \
         WHERE datname = current_database() AND backend_type = 'client backend'";
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_at_once_each_gets_its_own_answer_or_refusal() {
    let (tables, pool) = tables().await;
    let asked = (0..1_000).map(|number| {
        let tables = &tables;
        async move {
            let (number, divisor) = (number, number % 7);
            // Some are look-ups, others lists, and one in seven has no answer.
            let query = Sql::new("SELECT $1, 7 / $2").bind(number).bind(divisor);
            let answer: Result<Vec<(i64, i64)>, _> = match number % 2 {
                0 => query.fetch_all(tables).await,
                _ => query.fetch_one(tables).await.map(|row| vec![row]),
            };
            match answer {
                Ok(rows) => assert_eq!(rows, [(number, 7 / divisor)]),
                Err(problem) => assert_eq!((problem.status, divisor), (400, 0)),
            }
        }
    });
    join_all(asked).await;
    let connections = sessions(&pool).await;
    assert!((1..=CONNECTIONS).contains(&connections), "{connections}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_that_take_long_hold_up_neither_look_ups_nor_all_other_lists() {
    let (tables, pool) = tables().await;
    let holder = hold(&pool).await;
    let mut slow = Vec::new();
    for number in 0..3 {
        slow.push(held(&tables));
        at_the_lock(&pool, number + 1).await;
        assert_eq!(echo(&tables, number).await.unwrap(), number);
        assert_eq!(list(&tables).await, [(1,)]);
    }
    holder.rollback().await.unwrap();
    for answer in try_join_all(slow).await.unwrap() {
        assert_eq!(answer.unwrap(), [(7,)]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_every_connection_is_held_up_the_rest_hears_so() {
    let (tables, pool) = tables().await;
    let holder = hold(&pool).await;
    let mut all: Vec<_> = (0..500).map(|_| held(&tables)).collect();
    let last = all.pop().unwrap().await.unwrap();
    assert_eq!(last.unwrap_err().code(), "read-side-away");
    let connections = sessions(&pool).await;
    assert!((1..=CONNECTIONS).contains(&connections), "{connections}");
    holder.rollback().await.unwrap();
    let answers = try_join_all(all).await.unwrap();
    let answered = answers.iter().filter(|answer| answer.is_ok()).count();
    assert!((1..200).contains(&answered), "{answered}");
    assert_eq!(list(&tables).await, [(1,)]);
}

/// What is prepared outlives the table that it was prepared for: the next one may have another
/// place, other columns behind those that are read, or other types.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_is_changed_under_its_queries() {
    let (tables, pool) = tables().await;
    let count = || async {
        let query = Sql::new("SELECT * FROM things WHERE count >= $1").bind(0_i64);
        query.fetch_optional::<(Option<i64>,)>(&tables).await
    };
    for change in [
        "CREATE TABLE things (count bigint)",
        "INSERT INTO things VALUES (1)",
        "ALTER TABLE things ADD COLUMN name text",
        "BEGIN; CREATE SCHEMA previous; ALTER TABLE things SET SCHEMA previous; \
         CREATE TABLE things AS SELECT count, now() AS at FROM previous.things; \
         DROP TABLE previous.things; COMMIT",
    ] {
        pool.execute(change).await.unwrap();
        let (found, again) = (count().await.unwrap(), count().await.unwrap());
        assert_eq!(found, again, "{change}");
    }
    assert_eq!(count().await.unwrap(), Some((Some(1),)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_died_is_made_anew() {
    let (tables, pool) = tables().await;
    for number in 0..3 {
        assert_eq!(echo(&tables, number).await.unwrap(), number);
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid()";
        pool.execute(end).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_that_is_broken_off_fails_alone() {
    let (tables, pool) = tables().await;
    let _holder = hold(&pool).await;
    let slow = held(&tables);
    at_the_lock(&pool, 1).await;
    // As its time limit would.
    let cancel = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND wait_event_type = 'Lock'";
    pool.execute(cancel).await.unwrap();
    assert_eq!(slow.await.unwrap().unwrap_err().code(), "timed-out");
    assert_eq!(echo(&tables, 1).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_that_postgresql_has_no_room_for_are_400() {
    let (tables, _) = tables().await;
    let long_ago = Sql::new("SELECT $1::text").bind(NaiveDate::MIN);
    let nul = Sql::new("SELECT $1").bind("a\0b");
    for query in [long_ago, nul] {
        let answer = query.fetch_one::<(String,)>(&tables).await;
        assert_eq!(answer.unwrap_err().code(), "malformed");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_so_many_statements_are_kept_prepared() {
    let (tables, _) = tables().await;
    for round in 0..2 {
        for number in 0..450_i64 {
            let query = Sql::new(format!("SELECT $1 + {number}")).bind(round);
            let (sum,): (i64,) = query.fetch_one(&tables).await.unwrap();
            assert_eq!(sum, round + number);
        }
    }
    let kept = Sql::new("SELECT count(*) FROM pg_prepared_statements");
    let (kept,): (i64,) = kept.fetch_one(&tables).await.unwrap();
    assert!((1..=200).contains(&kept), "{kept}");
}
