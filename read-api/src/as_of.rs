//! `?as_of=`: what a query would have answered at a past moment, for admins.

mod past;

use std::sync::Arc;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::http::{StatusCode, Uri};
use domain::actor::Role;
use event_store::as_of::{AsOf, Error, Moment};
use service_kit::access::MaybeCaller;
use service_kit::problem::Problem;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::fresh::Fresh;
use crate::query::Tables;
use crate::{App, database};

use past::Replayed;
pub(crate) use past::{MOST_EVENTS, Past};

/// The parameter of a query that has no others.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AsOfQuery {
    /// For admins: as of this position or time (RFC 3339).
    pub as_of: Option<String>,
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
    /// demands, or replays as of the moment that it asks about. They are all that the query reads.
    ///
    /// # Errors
    /// As [`App::contain`]; `400` when the moment has not come, `409` when a table was not replayed.
    pub async fn tables_for(
        &self,
        fresh: &Fresh,
        context: &str,
        tables: &[&str],
    ) -> Result<Tables, Problem> {
        match self.moment(fresh, context, tables).await? {
            None => Ok(self.tables.clone()),
            Some(moment) => match Past::replayed(self, moment, tables).await? {
                Replayed::All(past) => Ok(self.tables.as_of(Arc::new(past))),
                Replayed::Missing(problem) => Err(problem),
            },
        }
    }

    /// The same for a query that reads the rows of some streams alone, which `streams` names: what
    /// is not replayed is folded from these.
    ///
    /// # Errors
    /// As [`App::tables_for`]; `409` only where the streams are too long to be folded for a query.
    pub async fn tables_for_streams(
        &self,
        fresh: &Fresh,
        context: &str,
        tables: &[&str],
        streams: impl AsyncFnOnce(Moment) -> Result<Vec<Uuid>, Problem>,
    ) -> Result<Tables, Problem> {
        let Some(moment) = self.moment(fresh, context, tables).await? else {
            return Ok(self.tables.clone());
        };
        let past = match Past::replayed(self, moment, tables).await? {
            Replayed::All(past) => past,
            Replayed::Missing(problem) => {
                let streams = streams(moment).await?;
                let folded = Past::folded(self, moment, tables, &streams).await?;
                folded.ok_or(problem)?
            }
        };
        Ok(self.tables.as_of(Arc::new(past)))
    }

    /// The past moment that is asked about; none once the live tables contain what `fresh` demands.
    async fn moment(
        &self,
        fresh: &Fresh,
        context: &str,
        tables: &[&str],
    ) -> Result<Option<Moment>, Problem> {
        match fresh.as_of {
            None => {
                self.contain(fresh, context, tables).await?;
                Ok(None)
            }
            Some(as_of) => as_of.find(&self.log).await.map(Some).map_err(problem),
        }
    }
}

fn problem(error: Error) -> Problem {
    match error {
        Error::Database(error) => database(error),
        error => Problem::malformed(format!("as_of: {error}")),
    }
}
