//! Reading one's own writes: a query that brings a consistency token waits until the tables it
//! reads contain that command, and is never answered stale in silence.

use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::HeaderName;
use axum::http::request::Parts;
use event_store::as_of::AsOf;
use projections::runtime::{Slot, names_and_versions};
use service_kit::conditional::single;
use service_kit::consistency::{CONSISTENCY_TOKEN, ConsistencyToken, Place};
use service_kit::problem::Problem;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use crate::standing::Sight;
use crate::{App, as_of, away, database};

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
    /// The past moment that is asked about instead.
    pub(crate) as_of: Option<AsOf>,
}

impl FromRequestParts<App> for Fresh {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
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
            as_of: as_of::asked(parts, app).await?,
        })
    }
}

/// The seconds of `Prefer: wait=N` (RFC 7240 §4.3).
fn preferred_wait(text: &str) -> Option<Duration> {
    let mut preferences = text.split([',', ';']).map(str::trim);
    let seconds = preferences.find_map(|preference| preference.strip_prefix("wait="))?;
    seconds.parse().ok().map(Duration::from_secs)
}

impl App {
    /// Returns once the live `tables` of `context` contain what `fresh` demands.
    ///
    /// # Errors
    /// `503` with `Retry-After` when they don't in time, and at once when what is demanded is parked
    /// there; `400` when the token is of another log, or a past moment is asked about.
    pub async fn contain(
        &self,
        fresh: &Fresh,
        context: &str,
        tables: &[&str],
    ) -> Result<(), Problem> {
        if fresh.as_of.is_some() {
            return Err(as_of::unanswerable());
        }
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
        let mut known = self.visibility.0.clone();
        loop {
            let parked = passed(&known.borrow_and_update(), token.epoch(), &places, tables)?;
            if let Some(parked) = parked {
                return self.check_parked(&places, parked).await;
            }
            // A closed channel means that the service stops.
            match timeout_at(deadline, known.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return Err(not_yet()),
            }
        }
    }

    /// Refuses when an event at one of `places` is parked in one of `tables`.
    async fn check_parked(&self, places: &[&Place], tables: Vec<&str>) -> Result<(), Problem> {
        if places.is_empty() || tables.is_empty() {
            return Ok(());
        }
        let contexts: Vec<&str> = places.iter().map(|place| place.context.as_str()).collect();
        let partitions: Vec<i32> = places.iter().map(|place| place.partition).collect();
        let positions: Vec<i64> = places.iter().map(|place| place.position).collect();
        let read = self.projections.iter();
        let read = read.filter(|one| tables.contains(&one.name));
        let (names, versions) = names_and_versions(read);
        let parked: Option<String> = sqlx::query_scalar(
            "SELECT min(projection) FROM parked \
                 JOIN unnest($1::text[], $2::integer[], $3::bigint[]) \
                     AS place (context, partition, position) USING (context, partition, position) \
                 JOIN unnest($4::text[], $5::integer[]) AS asked (projection, version) \
                     USING (projection, version) \
             WHERE slot = $6",
        )
        .bind(contexts)
        .bind(partitions)
        .bind(positions)
        .bind(names)
        .bind(versions)
        .bind(Slot::Live.name())
        .fetch_one(&self.read)
        .await
        .map_err(database)?;
        parked.map_or(Ok(()), |table| Err(parked_there(&table)))
    }
}

/// Whether `tables` have all of `places`, and then which of them have anything parked.
///
/// # Errors
/// `503` while their database is away.
fn passed<'t>(
    known: &Sight,
    epoch: Uuid,
    places: &[&Place],
    tables: &[&'t str],
) -> Result<Option<Vec<&'t str>>, Problem> {
    let standing = match known {
        Sight::Nothing => return Ok(None),
        Sight::Away => return Err(away()),
        Sight::Standing(standing) => standing,
    };
    let has_passed = |place: &&Place| {
        let mut tables = tables.iter();
        tables.all(|table| standing.has_passed(table, epoch, place))
    };
    if !places.iter().all(has_passed) {
        return Ok(None);
    }
    let parked = tables.iter().filter(|table| standing.has_parked(table));
    Ok(Some(parked.copied().collect()))
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
