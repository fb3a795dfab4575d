//! Lists, by page and by cursor, over rows of any kind.

use std::collections::BTreeSet;

use axum::http::Uri;
use chrono::{DateTime, NaiveDate, Utc};
use domain::actor::Role::Admin;
use event_store::database;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use read_api::list::{Asked, List, Ordering, Page, Paging};
use read_api::query::{Sql, Tables};
use service_kit::problem::Problem;
use sqlx::PgPool;
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::support::{servers, shared};

static THINGS: List = List {
    table: "things",
    columns: "number, small, word",
    orderings: &[
        Ordering::number("small", "small"),
        Ordering::text("word", "word").or_null(),
        Ordering::day("day", "day").or_null(),
        Ordering::time("at", "at"),
        Ordering::number("amount", "amount").or_null(),
    ],
};
static OTHERS: List = List {
    table: "others",
    columns: "number, small, word",
    orderings: THINGS.orderings,
};

/// A row; many are alike in what they are ordered by.
#[derive(Debug, Clone)]
struct Thing {
    id: Uuid,
    small: i16,
    word: Option<String>,
    day: Option<NaiveDate>,
    at: DateTime<Utc>,
    amount: Option<i64>,
}

fn thing() -> impl Strategy<Value = Thing> {
    let word = proptest::option::of("[aAéz%\"\\\\ 字🦀]{0,2}");
    let day = proptest::option::of(-800_000..800_000_i32);
    let amount = proptest::option::of(select(vec![i64::MIN, -1, 0, 1, i64::MAX]));
    (any::<u128>(), -1..2_i16, word, day, 0..4_i64, amount).prop_map(
        |(id, small, word, day, micros, amount)| Thing {
            id: Uuid::from_u128(id),
            small,
            word,
            day: day.map(|days| NaiveDate::from_num_days_from_ce_opt(days).unwrap()),
            at: DateTime::from_timestamp_micros(1_700_000_000_999_998 + micros).unwrap(),
            amount,
        },
    )
}

fn ordering() -> impl Strategy<Value = String> {
    let names = vec!["small", "word", "day", "at", "amount"];
    (select(names), any::<bool>()).prop_map(|(name, turned)| match turned {
        true => format!("-{name}"),
        false => name.to_owned(),
    })
}

/// A database of one table.
struct Database {
    tables: Tables,
    pool: PgPool,
}

impl Database {
    async fn new() -> Self {
        let url = servers().empty_database().await;
        let pool = database::pool(&url, "public", 2).unwrap();
        let sql = "CREATE TABLE things (number bigint GENERATED ALWAYS AS IDENTITY, id uuid, \
             small smallint NOT NULL, word text, day date, at timestamptz NOT NULL, amount bigint)";
        sqlx::query(sql).execute(&pool).await.unwrap();
        let tables = Tables::of(&pool);
        Self { tables, pool }
    }

    async fn has(&self, things: &[Thing]) {
        let clear = sqlx::query("TRUNCATE things").execute(&self.pool).await;
        clear.unwrap();
        for thing in things {
            self.add(thing).await;
        }
    }

    async fn add(&self, thing: &Thing) {
        let sql = "INSERT INTO things (id, small, word, day, at, amount) \
             VALUES ($1, $2, $3, $4, $5, $6)";
        let query = sqlx::query(sql).bind(thing.id).bind(thing.small);
        let query = query.bind(&thing.word).bind(thing.day).bind(thing.at);
        let added = query.bind(thing.amount).execute(&self.pool).await;
        added.unwrap();
    }

    /// All rows, as PostgreSQL itself orders them.
    async fn ordered(&self, ordering: &str) -> Vec<i64> {
        let (name, direction) = match ordering.strip_prefix('-') {
            Some(name) => (name, "DESC"),
            None => (ordering, "ASC"),
        };
        let sql = format!("SELECT number FROM things ORDER BY {name} {direction}, id {direction}");
        let rows = sqlx::query_scalar(&sql);
        rows.fetch_all(&self.pool).await.unwrap()
    }

    async fn page(&self, asked: Asked<'_>) -> Result<Page<i64>, Problem> {
        let paging = Paging::parse(&THINGS, asked)?;
        let filter = Sql::new("WHERE true");
        let (around, rows) = paging.fetch::<(i64,)>(&self.tables, filter).await?;
        let rows = rows.into_iter().map(|(number,)| number).collect();
        Ok(paging.page(&Uri::from_static("/api/things"), around, rows))
    }
}

fn part<'a>(ordering: &'a str, size: u32) -> Asked<'a> {
    Asked {
        size: Some(size),
        ordering: Some(ordering),
        ..Asked::default()
    }
}

/// Tries `law` on any things, orderings and sizes of pages, on real PostgreSQL.
fn always(law: impl AsyncFn(&Database, Vec<Thing>, &str, u32)) {
    let runtime = Runtime::new().unwrap();
    let database = runtime.block_on(Database::new());
    let any = (
        proptest::collection::vec(thing(), 0..20),
        ordering(),
        1..6_u32,
    );
    let config = Config {
        cases: 24,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&any, |(things, ordering, size)| {
            runtime.block_on(law(&database, things, &ordering, size));
            Ok(())
        })
        .unwrap();
}

#[test]
fn walking_by_cursor_gives_each_row_once_in_order() {
    always(async |database, things, ordering, size| {
        database.has(&things).await;
        let (mut walked, mut cursor) = (Vec::new(), String::new());
        loop {
            let asked = Asked {
                cursor: Some(&cursor),
                ..part(ordering, size)
            };
            let page = database.page(asked).await.unwrap();
            assert_eq!((page.count, page.previous), (None, None));
            assert!(page.next_cursor.is_none() || page.results.len() == size as usize);
            walked.extend(page.results);
            let Some(next) = page.next_cursor else { break };
            assert_eq!(page.next.unwrap(), format!("/api/things?cursor={next}"));
            cursor = next;
        }
        assert_eq!(walked, database.ordered(ordering).await);
    });
}

#[test]
fn walking_by_page_gives_each_row_once_in_order_and_a_cursor_for_the_rest() {
    always(async |database, things, ordering, size| {
        database.has(&things).await;
        let all = database.ordered(ordering).await;
        let mut walked = Vec::new();
        for number in 1.. {
            let asked = Asked {
                page: Some(number),
                ..part(ordering, size)
            };
            let page = database.page(asked).await.unwrap();
            assert_eq!(page.count, Some(all.len() as i64));
            walked.extend(page.results);
            assert_eq!(page.next.is_some(), page.next_cursor.is_some());
            let Some(next) = page.next_cursor else { break };
            let rest = Asked {
                cursor: Some(&next),
                ..part(ordering, 100)
            };
            let rest = database.page(rest).await.unwrap().results;
            assert_eq!(rest, all[walked.len()..]);
        }
        assert_eq!(walked, all);
    });
}

#[test]
fn what_is_added_meanwhile_moves_no_other_row() {
    always(async |database, mut things, ordering, size| {
        let later = things.split_off(things.len() / 2);
        database.has(&things).await;
        let there: BTreeSet<i64> = database.ordered(ordering).await.into_iter().collect();
        let (mut walked, mut cursor, mut later) = (Vec::new(), String::new(), later.iter());
        loop {
            let asked = Asked {
                cursor: Some(&cursor),
                ..part(ordering, size)
            };
            let page = database.page(asked).await.unwrap();
            walked.extend(page.results);
            let Some(next) = page.next_cursor else { break };
            cursor = next;
            if let Some(thing) = later.next() {
                database.add(thing).await;
            }
        }
        let all = database.ordered(ordering).await;
        let known = |numbers: Vec<i64>| -> Vec<i64> {
            numbers
                .into_iter()
                .filter(|number| there.contains(number))
                .collect()
        };
        assert_eq!(known(walked), known(all));
    });
}

#[test]
fn a_cursor_is_good_for_its_own_list_and_order_only() {
    always(async |database, mut things, ordering, size| {
        things.extend(things.clone());
        database.has(&things).await;
        let first = database.page(part(ordering, size)).await.unwrap();
        let Some(cursor) = &first.next_cursor else {
            return;
        };
        let asked = Asked {
            cursor: Some(cursor),
            ..part(ordering, size)
        };
        Paging::parse(&THINGS, asked).unwrap();
        Paging::parse(&OTHERS, asked).unwrap_err();
        let turned = match ordering.strip_prefix('-') {
            Some(name) => name.to_owned(),
            None => format!("-{ordering}"),
        };
        for other in [turned.as_str(), "small", "word", "day", "at", "amount"] {
            let asked = Asked {
                ordering: Some(other),
                ..asked
            };
            let refused = Paging::parse(&THINGS, asked);
            assert_eq!(refused.is_ok(), other == ordering, "{other}");
        }
    });
}

#[test]
fn garbage_for_a_cursor_is_a_clients_mistake() {
    let runtime = Runtime::new().unwrap();
    let database = runtime.block_on(Database::new());
    let thing =
        r#"{"list":"things","ordering":"at","after":[KEY,"00000000-0000-0000-0000-000000000000"]}"#;
    let keys = [
        r#""Null""#,
        r#"{"Time":"+262142-12-31T23:59:59Z"}"#,
        r#"{"Time":"-262143-01-01T00:00:00Z"}"#,
        r#"{"Time":"1970-01-01T00:00:00Z"}"#,
        r#"{"Text":"x"}"#,
        r#"{"Number":7}"#,
        "7",
    ];
    let forged = keys.map(|key| encoded(thing.replace("KEY", key).as_bytes()));
    let bytes = proptest::collection::vec(any::<u8>(), 1..40).prop_map(|bytes| encoded(&bytes));
    let any = prop_oneof![".{1,40}", bytes, select(forged.to_vec())];
    let config = Config {
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&any, |cursor| {
            let asked = Asked {
                cursor: Some(&cursor),
                ..part("at", 1)
            };
            if let Err(problem) = runtime.block_on(database.page(asked)) {
                prop_assert_eq!(problem.status, 400);
            }
            Ok(())
        })
        .unwrap();
}

fn encoded(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

#[tokio::test]
async fn every_list_goes_on_by_cursor_in_each_of_its_orders() {
    let admin = shared().client(&[Admin]);
    let hotel = admin.hotel(9).await;
    for _ in 0..2 {
        admin.user(&[Admin]).await;
        admin.hotel(1).await;
        let booked = admin.book(hotel, 1, 2).await.expect(201);
        admin.get_after(&booked, "/api/hotels").await.expect(200);
    }
    let lists = [
        ("/api/hotels", "name city price rating created_at"),
        ("/api/reservations", "check_in check_out booked_at total"),
        ("/api/admin/users", "registered_at email name"),
        ("/api/admin/seller-requests", "requested_at"),
        ("/api/emails", "queued_at"),
    ];
    for (list, orderings) in lists {
        for ordering in orderings.split(' ') {
            let path = format!("{list}?page_size=1&ordering=-{ordering}");
            let first = admin.get(&path).await.expect(200).body;
            let Some(cursor) = first["next_cursor"].as_str() else {
                assert!(["/api/admin/seller-requests", "/api/emails"].contains(&list));
                continue;
            };
            let path_on = format!("{path}&cursor={cursor}");
            let second = admin.get(&path_on).await.expect(200).body;
            assert!(second["count"].is_null(), "{second}");
            assert_eq!(second["results"].as_array().unwrap().len(), 1);
            assert_ne!(first["results"][0]["id"], second["results"][0]["id"]);
            let turned = format!("{list}?ordering={ordering}&cursor={cursor}");
            admin.get(&turned).await.problem(400, "unknown-cursor");
            let both = format!("{path_on}&page=2");
            admin.get(&both).await.problem(400, "malformed");
        }
        let empty = admin.get(&format!("{list}?cursor=")).await.expect(200).body;
        assert!(empty["count"].is_null(), "{empty}");
        let garbage = admin.get(&format!("{list}?cursor=nonsense")).await;
        garbage.problem(400, "unknown-cursor");
    }
}
