//! Applying events to one table: load the rows they touch, fold, write what changed.

use std::future::Future;
use std::pin::Pin;

use event_store::RecordedEvent;
use sqlx::PgConnection;

use super::fold::{FoldError, Rows, Steps};
use super::projection::Projection;
use super::table::Table;

/// [`apply`] of one projection, with its types erased: to a table, given with its schema.
pub(crate) type Apply =
    for<'a> fn(&'a mut PgConnection, &'a str, &'a [&'a RecordedEvent]) -> Applying<'a>;
pub(crate) type Applying<'a> =
    Pin<Box<dyn Future<Output = Result<Applied, ApplyError>> + Send + 'a>>;

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

pub(super) fn boxed<'a, P: Projection>(
    connection: &'a mut PgConnection,
    relation: &'a str,
    events: &'a [&'a RecordedEvent],
) -> Applying<'a> {
    Box::pin(apply::<P>(connection, relation, events))
}

async fn apply<P: Projection>(
    connection: &mut PgConnection,
    relation: &str,
    events: &[&RecordedEvent],
) -> Result<Applied, ApplyError> {
    let steps = Steps::<P>::of(events);
    let keys = steps.keys();
    let Some(first) = keys.first() else {
        let failed = steps.fold(&Rows::<P>::new()).failed.into_values();
        let failed = failed.map(failed_one).collect();
        return Ok(Applied { changed: 0, failed });
    };
    let table = Table::of::<P>(relation, first)?;
    let loaded = table.load::<P>(connection, &keys).await?;
    let folded = steps.fold(&loaded);
    let (mut written, mut removed) = (Vec::new(), Vec::new());
    for (key, row) in &folded.rows {
        match (loaded.get(key).and_then(Option::as_ref), row) {
            (old, Some(new)) if old != Some(new) => written.push(new),
            (Some(_), None) => removed.push(key),
            _ => {}
        }
    }
    table.upsert::<P>(connection, &written).await?;
    table.delete::<P>(connection, &removed).await?;
    Ok(Applied {
        changed: written.len() + removed.len(),
        failed: folded.failed.into_values().map(failed_one).collect(),
    })
}

fn failed_one(unfoldable: super::fold::Unfoldable) -> Failed {
    Failed {
        index: unfoldable.index,
        error: unfoldable.error.into(),
    }
}
