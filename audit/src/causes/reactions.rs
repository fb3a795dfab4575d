//! What policies and effects did about events, as they have written it down.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use event_store::Position;
use event_store::idempotency::{OF_POLICIES, stored_as};
use serde::Deserialize;
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

use super::tree::{Event, Outcome, Reaction};

/// So many reactions of a policy to one event are looked for at once, and then so many more as long
/// as there is one: timers and cancellations have places between those that are carried out.
const PLACES: usize = 16;

/// A reaction, and the last positions of the streams that it touched.
pub(super) struct Done {
    pub(super) reaction: Reaction,
    pub(super) touched: Vec<Position>,
    /// It acts on the world outside, and writes what came of it to the stream of the event.
    pub(super) writes_behind: bool,
}

/// The reactions to one event.
pub(super) async fn to(
    pool: &PgPool,
    policies: &[String],
    event: &Event,
) -> Result<Vec<Done>, sqlx::Error> {
    let mut all = at_once(pool, policies, event.id).await?;
    all.extend(later(pool, event.id).await?);
    all.extend(parked(pool, policies, event.position).await?);
    Ok(all)
}

/// What is kept of a command that was carried out.
#[derive(FromRow)]
struct Record {
    id: Uuid,
    answer: String,
    positions: Vec<Position>,
    created_at: DateTime<Utc>,
}

/// What a policy keeps as the answer.
#[derive(Deserialize)]
struct Answer {
    refused: Option<String>,
}

impl Record {
    fn outcome(&self) -> Outcome {
        match serde_json::from_str(&self.answer) {
            Ok(Answer {
                refused: Some(code),
            }) => Outcome::Refused { code },
            Ok(Answer { refused: None }) | Err(_) => Outcome::Done,
        }
    }
}

async fn records(pool: &PgPool, ids: &[Uuid]) -> Result<HashMap<Uuid, Record>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = "SELECT id, answer, positions, created_at FROM idempotency WHERE id = ANY($1)";
    let found: Vec<Record> = sqlx::query_as(sql).bind(ids).fetch_all(pool).await?;
    Ok(found
        .into_iter()
        .map(|record| (record.id, record))
        .collect())
}

fn key(policy: &str, event: Uuid, rest: &str) -> Uuid {
    stored_as(OF_POLICIES, &format!("{policy}/{event}/{rest}")).1
}

/// Commands that policies gave at once.
async fn at_once(
    pool: &PgPool,
    policies: &[String],
    event: Uuid,
) -> Result<Vec<Done>, sqlx::Error> {
    let mut all = Vec::new();
    let mut asked: Vec<&String> = policies.iter().collect();
    let mut from = 0;
    while !asked.is_empty() {
        let places = from..from + PLACES;
        let keys_of = |policy: &str| -> Vec<Uuid> {
            let places = places.clone();
            places
                .map(|place| key(policy, event, &place.to_string()))
                .collect()
        };
        let ids: Vec<Uuid> = asked.iter().flat_map(|policy| keys_of(policy)).collect();
        let mut found = records(pool, &ids).await?;
        asked.retain(|policy| {
            let before = all.len();
            let of_policy = keys_of(policy).into_iter();
            all.extend(of_policy.filter_map(|id| Some(command(policy, found.remove(&id)?))));
            all.len() > before
        });
        from += PLACES;
    }
    Ok(all)
}

fn command(policy: &str, record: Record) -> Done {
    Done {
        reaction: Reaction {
            by: policy.to_owned(),
            timer: None,
            due_at: None,
            outcome: record.outcome(),
            at: Some(record.created_at),
            led_to: Vec::new(),
        },
        touched: record.positions,
        writes_behind: false,
    }
}

/// A timer or an effect.
#[derive(FromRow)]
struct Due {
    policy: String,
    key: String,
    due_at: DateTime<Utc>,
    state: String,
    error: Option<String>,
    settled_at: Option<DateTime<Utc>>,
}

/// What the event has set for later, and what effects did about it.
async fn later(pool: &PgPool, event: Uuid) -> Result<Vec<Done>, sqlx::Error> {
    let sql = "SELECT policy, key, due_at, state, error, settled_at FROM due \
         WHERE event_id = $1 ORDER BY due_at, policy, key";
    let set: Vec<Due> = sqlx::query_as(sql).bind(event).fetch_all(pool).await?;
    let key_of = |due: &Due| key(&due.policy, event, &format!("timer/{}", due.key));
    let ids: Vec<Uuid> = set.iter().map(key_of).collect();
    let mut found = records(pool, &ids).await?;
    let done = set.into_iter().zip(ids).map(|(due, id)| {
        let record = found.remove(&id);
        // What an effect does at once is kept under the event and a place, which say nothing.
        let is_timer = !due.key.starts_with(&format!("{event}/"));
        let outcome = match (due.state.as_str(), &record) {
            (_, Some(record)) => record.outcome(),
            ("done", None) => Outcome::Done,
            ("cancelled", None) => Outcome::Cancelled,
            ("failed", None) => Outcome::Failed {
                why: due.error.unwrap_or_default(),
            },
            (_, None) => Outcome::Pending,
        };
        Done {
            reaction: Reaction {
                by: due.policy,
                timer: is_timer.then_some(due.key),
                due_at: Some(due.due_at),
                outcome,
                at: due.settled_at,
                led_to: Vec::new(),
            },
            writes_behind: record.is_none(),
            touched: record.map(|record| record.positions).unwrap_or_default(),
        }
    });
    Ok(done.collect())
}

/// Policies that could not react to the event at `position`.
async fn parked(
    pool: &PgPool,
    policies: &[String],
    position: Position,
) -> Result<Vec<Done>, sqlx::Error> {
    let sql = "SELECT policy, error FROM policy_parked \
         WHERE policy = ANY($1) AND position = $2 ORDER BY policy";
    let query = sqlx::query_as(sql).bind(policies).bind(position);
    let parked: Vec<(String, Option<String>)> = query.fetch_all(pool).await?;
    let done = parked.into_iter().map(|(policy, why)| Done {
        reaction: Reaction {
            by: policy,
            timer: None,
            due_at: None,
            outcome: Outcome::Parked { why },
            at: None,
            led_to: Vec::new(),
        },
        touched: Vec::new(),
        writes_behind: false,
    });
    Ok(done.collect())
}
