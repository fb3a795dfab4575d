//! Reading one's own writes: a query that brings a consistency token waits until the tables it
//! reads contain that command, and is never answered stale in silence.

use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::HeaderName;
use axum::http::request::Parts;
use event_store::wake::Wake;
use projections::runtime::{READ, Slot};
use service_kit::conditional::single;
use service_kit::consistency::{CONSISTENCY_TOKEN, ConsistencyToken, Place};
use service_kit::problem::Problem;
use sqlx::{PgPool, Row};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::{App, database};

const PREFER: HeaderName = HeaderName::from_static("prefer");
/// How long a query waits unless `Prefer: wait=N` says otherwise.
const WAIT: Duration = Duration::from_secs(2);
/// The longest that a query may ask to wait.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// What a query must contain, and how long it waits for that.
#[derive(Debug, Clone)]
pub struct Fresh {
    token: Option<ConsistencyToken>,
    wait: Duration,
}

impl FromRequestParts<App> for Fresh {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _app: &App) -> Result<Self, Problem> {
        let token = match single(&parts.headers, &CONSISTENCY_TOKEN)? {
            None => None,
            Some(text) => Some(
                text.parse()
                    .map_err(|error| Problem::malformed(format!("Consistency-Token: {error}")))?,
            ),
        };
        let wait = single(&parts.headers, &PREFER)?.and_then(preferred_wait);
        Ok(Self {
            token,
            wait: wait.unwrap_or(WAIT).min(LONGEST_WAIT),
        })
    }
}

/// The seconds of `Prefer: wait=N` (RFC 7240 §4.3).
fn preferred_wait(text: &str) -> Option<Duration> {
    let mut preferences = text.split([',', ';']).map(str::trim);
    let seconds = preferences.find_map(|preference| preference.strip_prefix("wait="))?;
    seconds.parse().ok().map(Duration::from_secs)
}

/// Tells waiting queries that the read tables have moved on.
#[derive(Debug, Clone)]
pub struct Visibility(watch::Receiver<u64>);

impl Visibility {
    /// Starts listening to the projectors of the database of `pool`, until `stop`.
    pub fn listen(pool: PgPool, stop: CancellationToken) -> Self {
        let (moved, receiver) = watch::channel(0);
        tokio::spawn(stop.run_until_cancelled_owned(async move {
            let mut wake = Wake::new(pool, READ);
            loop {
                wake.wait().await;
                moved.send_modify(|count| *count += 1);
            }
        }));
        Self(receiver)
    }
}

impl App {
    /// Returns once the `tables` of `context` contain what `fresh` demands.
    ///
    /// # Errors
    /// `503` with `Retry-After` when they don't in time, and at once when what is demanded is parked
    /// there; `400` when the token is of another log.
    pub async fn contain(
        &self,
        fresh: &Fresh,
        context: &str,
        tables: &[&str],
    ) -> Result<(), Problem> {
        let Some(token) = &fresh.token else {
            return Ok(());
        };
        if token.epoch() != self.epoch {
            let why = "the consistency token is of another log than this one";
            return Err(Problem::malformed(why));
        }
        let here = |place: &&Place| place.context == context;
        let places: Vec<&Place> = token.places().iter().filter(here).collect();
        let deadline = Instant::now() + fresh.wait;
        let mut moved = self.visibility.0.clone();
        loop {
            moved.mark_unchanged();
            if self.passed(&places, tables).await? {
                return Ok(());
            }
            // A closed channel means that the service stops.
            match timeout_at(deadline, moved.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return Err(not_yet()),
            }
        }
    }

    async fn passed(&self, places: &[&Place], tables: &[&str]) -> Result<bool, Problem> {
        if places.is_empty() {
            return Ok(true);
        }
        let contexts: Vec<&str> = places.iter().map(|place| place.context.as_str()).collect();
        let partitions: Vec<i32> = places.iter().map(|place| place.partition).collect();
        let positions: Vec<i64> = places.iter().map(|place| place.position).collect();
        let read = self
            .projections
            .iter()
            .filter(|one| tables.contains(&one.name));
        let (names, versions): (Vec<&str>, Vec<i32>) =
            read.map(|one| (one.name, one.version)).unzip();
        let row = sqlx::query(
            "WITH place AS (SELECT * FROM unnest($1::text[], $2::integer[], $3::bigint[]) \
                 AS place (context, partition, position)), \
             asked AS (SELECT * FROM unnest($4::text[], $6::integer[]) AS asked (projection, version)) \
             SELECT (SELECT count(*) FROM place JOIN watermarks USING (context, partition) \
                     JOIN asked USING (projection, version) \
                     WHERE slot = $7 AND epoch = $5 \
                         AND watermarks.position >= place.position) AS passed, \
                 (SELECT min(projection) FROM place JOIN parked USING (context, partition, position) \
                     JOIN asked USING (projection, version) WHERE slot = $7) AS parked",
        )
        .bind(contexts)
        .bind(partitions)
        .bind(positions)
        .bind(names)
        .bind(self.epoch)
        .bind(versions)
        .bind(Slot::Live.name())
        .fetch_one(&self.read)
        .await
        .map_err(database)?;
        let parked: Option<String> = row.try_get("parked").map_err(database)?;
        if let Some(table) = parked {
            return Err(parked_there(&table));
        }
        let passed: i64 = row.try_get("passed").map_err(database)?;
        Ok(passed.unsigned_abs() == (places.len() * tables.len()) as u64)
    }
}

fn parked_there(table: &str) -> Problem {
    let detail = format!(
        "what that command did could not be applied to the read table {table}; an operator has to look"
    );
    Problem::unavailable("projection-parked", detail, 60)
}

fn not_yet() -> Problem {
    let detail = "the read side does not contain that command yet";
    Problem::unavailable("not-yet-visible", detail, 1)
}
