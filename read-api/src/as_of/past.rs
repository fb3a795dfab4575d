//! Tables as they stood, under the names of the live ones, so that the same SQL reads them.
//!
//! They are replays as of exactly that moment, or rows that are folded for one query. Where there is
//! neither the query is refused: today's rows never stand in.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use event_store::as_of::Moment;
use event_store::read;
use projections::rebuild::replay;
use projections::runtime::Registered;
use service_kit::problem::Problem;
use sqlx::PgPool;
use uuid::Uuid;

use crate::query::Sql;
use crate::{App, closed, database};

/// The most events that are folded for a table that a query reads.
pub(crate) const MOST_EVENTS: i64 = 10_000;

/// A past moment, and the tables that show it.
#[derive(Debug)]
pub(crate) struct Past {
    read: PgPool,
    moment: Moment,
    tables: Vec<(String, Rows)>,
    replays: Vec<Uuid>,
}

/// Where the rows of a table are.
#[derive(Debug)]
enum Rows {
    /// In this schema.
    Replayed(String),
    /// Here, as JSON.
    Folded(String),
}

/// What there is of replays that a query needs.
pub(super) enum Replayed {
    /// All of them.
    All(Past),
    /// Not all: the problem that this is, unless the rows come from elsewhere.
    Missing(Problem),
}

impl Past {
    /// Replays of `tables`.
    pub(super) async fn replayed(
        app: &App,
        moment: Moment,
        tables: &[&str],
    ) -> Result<Replayed, Problem> {
        let complete = replay::complete(&app.read).await.map_err(database)?;
        let mut past = Self::of(app, moment);
        let mut missing = Vec::new();
        for table in tables {
            let version = registered(app, table)?.version;
            let found = complete.iter().find(|(_, marker)| {
                (marker.projection.as_str(), marker.version) == (*table, version)
                    && (marker.epoch, marker.position) == (moment.epoch, moment.position)
            });
            match found {
                Some((schema, marker)) => {
                    past.replays.push(marker.id);
                    let rows = Rows::Replayed(schema.clone());
                    past.tables.push(((*table).to_owned(), rows));
                }
                None => missing.push(*table),
            }
        }
        Ok(match missing.is_empty() {
            true => Replayed::All(past),
            false => Replayed::Missing(not_replayed(moment, &missing)),
        })
    }

    /// The rows that `streams` give of `tables`; none where that is too much, or not all of it.
    pub(super) async fn folded(
        app: &App,
        moment: Moment,
        tables: &[&str],
        streams: &[Uuid],
    ) -> Result<Option<Self>, Problem> {
        let mut past = Self::of(app, moment);
        for table in tables {
            let projection = registered(app, table)?;
            let (kind, up_to) = (projection.aggregate_type, moment.position);
            let events = read::streams_up_to(&app.log, kind, streams, up_to, MOST_EVENTS + 1);
            let mut events = events.await.map_err(database)?;
            if events.len() as i64 > MOST_EVENTS {
                return Ok(None);
            }
            app.keyring.open_events(&mut events).await.map_err(closed)?;
            let rows = replay::rows(projection, &events).and_then(|rows| {
                let json = |rows| serde_json::to_string(&rows);
                rows.map(json).transpose()
            });
            let rows = rows.map_err(|why| Problem::fault("rows can't be written", &why))?;
            let Some(rows) = rows else {
                return Ok(None);
            };
            past.tables.push(((*table).to_owned(), Rows::Folded(rows)));
        }
        Ok(Some(past))
    }

    fn of(app: &App, moment: Moment) -> Self {
        Self {
            read: app.read.clone(),
            moment,
            tables: Vec::new(),
            replays: Vec::new(),
        }
    }

    /// The time that counts as now.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.moment.time
    }

    /// `query`, of these tables.
    pub(crate) fn ask(&self, query: Sql) -> Sql {
        let mut with = Vec::with_capacity(self.tables.len());
        query.behind(|query| {
            for (table, rows) in &self.tables {
                with.push(match rows {
                    // Planned as if it stood where it is read, so that its indexes are of use.
                    Rows::Replayed(schema) => {
                        format!("{table} AS NOT MATERIALIZED (SELECT * FROM {schema}.{table})")
                    }
                    // The live table, of which no row is read, has the server plan it anew when
                    // that is swapped.
                    Rows::Folded(json) => {
                        let number = query.give(json.as_str());
                        format!(
                            "{table} AS (SELECT * FROM {table} WHERE false UNION ALL SELECT * \
                             FROM json_populate_recordset(NULL::{table}, ${number}::text::json))"
                        )
                    }
                });
            }
            format!("WITH {} ", with.join(", "))
        })
    }

    /// Whether the replays that were read are still the same: dropped and made anew between looking
    /// for them and reading, they may be of another moment, or not complete.
    pub(crate) async fn check(&self) -> Result<(), Problem> {
        if self.replays.is_empty() {
            return Ok(());
        }
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

/// The projection of a table that queries read.
fn registered<'a>(app: &'a App, table: &str) -> Result<&'a Registered, Problem> {
    let found = app.projections.iter().find(|one| one.name == table);
    found.ok_or_else(|| Problem::fault("a query reads a table of no projection", &table))
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
    let detail = format!("not replayed as of position {position}: {tables}; `{command}` does it");
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
