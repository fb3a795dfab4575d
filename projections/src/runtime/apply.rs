//! Applying events to one table: load the rows they touch, fold, write what changed.
//!
//! What is pure of it is a [`Work`], between whose steps rows come from the database and go there:
//! statement by statement as here, or many in one flight.

use event_store::RecordedEvent;
use sqlx::{PgConnection, Row};

use super::fold::{FoldError, Rows, Steps};
use super::lines::{self, Shape};
use super::projection::{Projection, Registered};
use super::row_locks;
use super::table::{self, Table};

/// Begins to apply events, oldest first in each stream, to a table, given with its schema. Where the
/// table's shape is given, rows of streams that begin among the events are taken for absent, and
/// rows that are absent are copied in, which the database refuses where they are there after all.
/// A row across streams may be there whatever begins, so for it the shape makes no difference.
pub(crate) type Begin =
    for<'a> fn(&'a str, &[&'a RecordedEvent], Option<&'a Shape>) -> Box<dyn Work + 'a>;

/// Events that are being applied to a table.
pub(crate) trait Work: Send {
    /// The locks to take before rows are loaded; none where each row belongs to one stream.
    fn row_locks(&self) -> Vec<i32>;

    /// What has to be loaded; none when no row can be there.
    fn load(&mut self) -> Result<Option<Statement>, ApplyError>;

    /// Folds the events over the rows that were loaded, each with its place among the keys, from 1.
    fn fold(self: Box<Self>, loaded: &[(i64, &str)]) -> Result<Changes, ApplyError>;
}

/// A statement of one parameter: keys or rows, as JSON.
pub(crate) struct Statement {
    pub(crate) sql: String,
    pub(crate) json: String,
}

/// What events change in a table.
pub(crate) struct Changes {
    /// How many rows.
    pub(crate) count: usize,
    /// The first event of each stream that can't be applied. Neither it nor the later ones of its
    /// stream were; everything else was.
    pub(crate) failed: Vec<Failed>,
    /// Rows to copy in: the statement, and its lines.
    pub(crate) copied: Option<(String, Vec<u8>)>,
    /// What else is to be executed.
    pub(crate) written: Vec<Statement>,
}

/// What became of events.
#[derive(Debug, Default)]
pub struct Applied {
    /// How many rows changed.
    pub changed: usize,
    /// The first event of each stream that can't be applied. Neither it nor the later ones of its
    /// stream were; everything else was.
    pub failed: Vec<Failed>,
}

/// An event that can't be applied.
#[derive(Debug)]
pub struct Failed {
    /// Its place among the events that were given.
    pub index: usize,
    /// Why.
    pub error: ApplyError,
}

/// Why events can't be applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The read database is away or refuses.
    #[error("the read database: {0}")]
    Database(#[from] sqlx::Error),
    /// An event can't be folded.
    #[error(transparent)]
    Fold(#[from] FoldError),
    /// Rows and table do not fit together.
    #[error("the rows of {table} do not fit its table: {source}")]
    Shape {
        /// The table.
        table: &'static str,
        /// What does not fit.
        source: serde_json::Error,
    },
}

impl ApplyError {
    /// Whether some event's rows are at fault, so that all goes well without that event.
    pub fn is_of_an_event(&self) -> bool {
        match self {
            Self::Fold(_) | Self::Shape { .. } => true,
            Self::Database(error) => Self::is_of_a_row(error),
        }
    }

    /// Whether the database refuses a row for what it is.
    pub(crate) fn is_of_a_row(error: &sqlx::Error) -> bool {
        match error {
            sqlx::Error::Encode(_) => true,
            sqlx::Error::Database(error) => error.code().is_some_and(|code| {
                // Cardinality, data, constraints, a view's check, a limit such as the size of an
                // index row, and what a trigger raises.
                let classes = ["21", "22", "23", "44", "54", "P0"];
                classes.iter().any(|class| code.starts_with(class))
            }),
            _ => false,
        }
    }
}

/// Events of `P` that are being applied.
struct Applying<'a, P: Projection> {
    relation: &'a str,
    shape: Option<&'a Shape>,
    steps: Steps<'a, P>,
    /// The keys of the rows that are loaded.
    asked: Vec<P::Key>,
}

pub(super) fn begin<'a, P: Projection>(
    relation: &'a str,
    events: &[&'a RecordedEvent],
    shape: Option<&'a Shape>,
) -> Box<dyn Work + 'a> {
    Box::new(Applying::<P> {
        relation,
        shape: shape.filter(|_| !P::ACROSS_STREAMS),
        steps: Steps::of(events),
        asked: Vec::new(),
    })
}

impl<P: Projection> Work for Applying<'_, P> {
    fn row_locks(&self) -> Vec<i32> {
        match P::ACROSS_STREAMS {
            true => row_locks::of(self.relation, self.steps.keys()),
            false => Vec::new(),
        }
    }

    fn load(&mut self) -> Result<Option<Statement>, ApplyError> {
        let keys = match self.shape {
            Some(_) => self.steps.older_keys(),
            None => self.steps.keys(),
        };
        self.asked = keys.into_iter().cloned().collect();
        let Some(first) = self.asked.first() else {
            return Ok(None);
        };
        Ok(Some(Statement {
            sql: Table::of::<P>(self.relation, first)?.load(),
            json: table::json::<P, _>(&self.asked)?,
        }))
    }

    fn fold(self: Box<Self>, loaded: &[(i64, &str)]) -> Result<Changes, ApplyError> {
        let Self {
            relation,
            shape,
            steps,
            asked,
        } = *self;
        let mut held = Rows::<P>::new();
        for (place, text) in loaded {
            let index = usize::try_from(place - 1).ok();
            let key = index.and_then(|index| asked.get(index));
            let key = key.ok_or(sqlx::Error::RowNotFound)?;
            let row: P::Row = serde_json::from_str(text).map_err(table::shape::<P>)?;
            held.insert(key.clone(), Some(row));
        }
        let folded = steps.fold(&held);
        let (mut new, mut changed, mut removed) = (Vec::new(), Vec::new(), Vec::new());
        for (key, row) in &folded.rows {
            match (held.get(key).and_then(Option::as_ref), row) {
                (None, Some(row)) => new.push(row),
                (Some(old), Some(row)) if old != row => changed.push(row),
                (Some(_), None) => removed.push(key),
                _ => {}
            }
        }
        let mut changes = Changes {
            count: new.len() + changed.len() + removed.len(),
            failed: folded.failed.into_values().map(failed_one).collect(),
            copied: None,
            written: Vec::new(),
        };
        let Some(key) = folded.rows.keys().next() else {
            return Ok(changes);
        };
        let table = Table::of::<P>(relation, key)?;
        match shape {
            Some(shape) if !new.is_empty() => {
                let lines = lines::of(shape, &new).map_err(table::shape::<P>)?;
                changes.copied = Some((lines::copy(relation, shape), lines));
            }
            _ => changed.append(&mut new),
        }
        if let Some(first) = changed.first() {
            let columns = table::columns::<P, _>(first)?;
            changes.written.push(Statement {
                sql: table.upsert(&columns),
                json: table::json::<P, _>(&changed)?,
            });
        }
        if !removed.is_empty() {
            changes.written.push(Statement {
                sql: table.delete(),
                json: table::json::<P, _>(&removed)?,
            });
        }
        Ok(changes)
    }
}

fn failed_one(unfoldable: super::fold::Unfoldable) -> Failed {
    Failed {
        index: unfoldable.index,
        error: unfoldable.error.into(),
    }
}

impl Registered {
    /// Applies `events`, oldest first in each stream, to the table `relation`, given with its schema,
    /// statement by statement.
    ///
    /// # Errors
    /// When the database refuses; the transaction is of no more use then.
    pub(super) async fn apply_at_once(
        &self,
        connection: &mut PgConnection,
        relation: &str,
        events: &[&RecordedEvent],
    ) -> Result<Applied, ApplyError> {
        let mut work = (self.begin)(relation, events, None);
        let rows = match work.load()? {
            None => Vec::new(),
            Some(load) => {
                let query = sqlx::query(&load.sql).bind(&load.json);
                query.fetch_all(&mut *connection).await?
            }
        };
        let loaded = rows
            .iter()
            .map(|row| Ok((row.try_get("ordinality")?, row.try_get("row")?)));
        let loaded: Vec<(i64, &str)> = loaded.collect::<Result<_, sqlx::Error>>()?;
        let changes = work.fold(&loaded)?;
        for Statement { sql, json } in &changes.written {
            let statement = sqlx::query(sql).bind(json);
            statement.execute(&mut *connection).await?;
        }
        Ok(Applied {
            changed: changes.count,
            failed: changes.failed,
        })
    }
}
