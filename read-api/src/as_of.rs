//! `?as_of=`: what a query would have answered at a past moment, for admins.
//!
//! Its tables are those of replays as of exactly that moment ([`replay`]), under the names of the
//! live ones, so that the same SQL reads them. Where one is missing the query is refused: today's
//! rows never stand in for it.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::http::{StatusCode, Uri};
use chrono::{DateTime, Utc};
use domain::actor::Role;
use event_store::as_of::{AsOf, Error, Moment};
use projections::rebuild::replay;
use service_kit::access::MaybeCaller;
use service_kit::problem::Problem;
use sqlx::PgPool;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::fresh::Fresh;
use crate::query::Tables;
use crate::{App, database};

/// The parameter of a query that has no others.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AsOfQuery {
    /// For admins: as of this position or time (RFC 3339), from replays as of then.
    pub as_of: Option<String>,
}

/// A past moment, and the replays that show it.
#[derive(Debug)]
pub(crate) struct Past {
    read: PgPool,
    moment: Moment,
    replays: Vec<Uuid>,
    /// What goes before a statement: the tables, each under the name of the live one.
    pub(crate) with: String,
}

/// Whether a past moment is asked about, which `If-None-Match` and entity tags heed.
pub(crate) fn is_asked(uri: &Uri) -> bool {
    !matches!(told(uri), Ok(None))
}

/// The `as_of` of a request.
fn told(uri: &Uri) -> Result<Option<String>, Problem> {
    if uri.query().is_none() {
        return Ok(None);
    }
    let pairs = Query::<Vec<(String, String)>>::try_from_uri(uri);
    let Query(pairs) = pairs.map_err(|error| Problem::malformed(error.body_text()))?;
    let mut told = pairs.into_iter().filter(|(name, _)| name == "as_of");
    match (told.next(), told.next()) {
        (Some(_), Some(_)) => Err(Problem::malformed("as_of may come once")),
        (first, _) => Ok(first.map(|(_, text)| text)),
    }
}

/// The moment that a request asks about.
///
/// # Errors
/// `403` when the caller is no admin, `400` when it is no moment.
pub(crate) async fn asked(parts: &mut Parts, app: &App) -> Result<Option<AsOf>, Problem> {
    let Some(text) = told(&parts.uri)? else {
        return Ok(None);
    };
    let MaybeCaller(caller) = MaybeCaller::from_request_parts(parts, app).await?;
    if !caller.is_some_and(|actor| actor.is(Role::Admin)) {
        return Err(Problem::forbidden("as_of is for admins"));
    }
    let moment = text.parse().map_err(problem)?;
    Ok(Some(moment))
}

/// The problem that a query is which can't be asked about the past.
pub(crate) fn unanswerable() -> Problem {
    let detail = "this query can't be answered as of a past moment";
    Problem::new(StatusCode::BAD_REQUEST, "unknown-parameter", detail)
}

impl App {
    /// The `tables` of `context` that a query reads: the live ones once they contain what `fresh`
    /// demands, or those of the moment that it asks about. They are all that the query reads.
    ///
    /// # Errors
    /// As [`App::contain`]; `400` when the moment has not come, `409` when a table was not replayed.
    pub async fn tables_for(
        &self,
        fresh: &Fresh,
        context: &str,
        tables: &[&str],
    ) -> Result<Tables, Problem> {
        let Some(as_of) = fresh.as_of else {
            self.contain(fresh, context, tables).await?;
            return Ok(self.tables.clone());
        };
        let moment = as_of.find(&self.log).await.map_err(problem)?;
        let past = self.past(moment, tables).await?;
        Ok(self.tables.as_of(Arc::new(past)))
    }

    async fn past(&self, moment: Moment, tables: &[&str]) -> Result<Past, Problem> {
        let complete = replay::complete(&self.read).await.map_err(database)?;
        let (mut replays, mut with, mut missing) = (Vec::new(), Vec::new(), Vec::new());
        for table in tables {
            let version = self.projections.iter().find(|one| one.name == *table);
            let version = version.map(|one| one.version);
            let found = complete.iter().find(|(_, marker)| {
                marker.projection == *table
                    && Some(marker.version) == version
                    && (marker.epoch, marker.position) == (moment.epoch, moment.position)
            });
            match found {
                Some((schema, marker)) => {
                    replays.push(marker.id);
                    // Planned as if it stood where it is read, so that its indexes are of use.
                    with.push(format!(
                        "{table} AS NOT MATERIALIZED (SELECT * FROM {schema}.{table})"
                    ));
                }
                None => missing.push(*table),
            }
        }
        match missing.is_empty() {
            true => Ok(Past {
                read: self.read.clone(),
                moment,
                replays,
                with: format!("WITH {} ", with.join(", ")),
            }),
            false => Err(not_replayed(moment, &missing)),
        }
    }
}

impl Past {
    /// The time that counts as now.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.moment.time
    }

    /// Whether the replays that were read are still the same: dropped and made anew between looking
    /// for them and reading, they may be of another moment, or not complete.
    pub(crate) async fn check(&self) -> Result<(), Problem> {
        let complete = replay::complete(&self.read).await.map_err(database)?;
        let there = |id: &Uuid| complete.iter().any(|(_, marker)| marker.id == *id);
        match self.replays.iter().all(there) {
            true => Ok(()),
            false => Err(self.gone()),
        }
    }

    /// The problem that a replay is which was dropped a moment ago.
    pub(crate) fn gone(&self) -> Problem {
        let detail = "a replay that this reads was dropped or made anew at this moment; ask again";
        refusal(self.moment, detail.to_owned())
    }
}

fn not_replayed(moment: Moment, missing: &[&str]) -> Problem {
    let Moment { position, .. } = moment;
    let projections: Vec<String> = missing
        .iter()
        .map(|table| format!("--projection {table}"))
        .collect();
    let command = format!(
        "comptoir audit replay --as-of {position} {}",
        projections.join(" ")
    );
    let tables = missing.join(", ");
    let detail = format!("{tables} is not replayed as of position {position}: `{command}` does it");
    let mut problem = refusal(moment, detail);
    let details = [("projections", missing.into()), ("command", command.into())];
    for (name, value) in details {
        problem.details.insert(name.to_owned(), value);
    }
    problem
}

fn refusal(moment: Moment, detail: String) -> Problem {
    let mut problem = Problem::new(StatusCode::CONFLICT, "not-replayed", detail);
    let position = moment.position.into();
    problem.details.insert("position".to_owned(), position);
    problem
}

fn problem(error: Error) -> Problem {
    match error {
        Error::Database(error) => database(error),
        error => Problem::malformed(format!("as_of: {error}")),
    }
}
