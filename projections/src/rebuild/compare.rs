//! The live table and the rebuilt one, row by row, as of one moment.

use std::collections::HashSet;

use event_store::Position;
use futures::TryStreamExt;
use serde::Serialize;
use serde_json::Value;
use sqlx::{Connection, Executor, PgConnection, Row};

use super::explain::EventOf;
use super::follow::{self, Standing};
use super::progress::{Step, Teller};
use super::{Databases, Error, shadow};
use crate::runtime::{Registered, Slot};

/// A row that is not the same in both tables.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The columns of its key.
    pub key: Value,
    /// The live row; none when there is none.
    pub live: Option<Value>,
    /// What the log gives; none when there should be no such row.
    pub rebuilt: Option<Value>,
    /// The events that the rebuilt row is folded from, oldest first; of a row across streams the last
    /// 100. None explain a row that was made by hand.
    pub events: Vec<EventOf>,
}

/// The live table as it is at one moment, while projectors go on.
pub(super) struct FrozenTable {
    pub(super) session: PgConnection,
    pub(super) standing: Standing,
    /// The events that it does not have since they are parked.
    pub(super) parked: HashSet<Position>,
}

impl FrozenTable {
    /// The live table; none when it was never projected. Its projector waits only while this looks
    /// where it stands.
    pub(super) async fn take(
        databases: &Databases,
        projection: &Registered,
    ) -> Result<Option<Self>, Error> {
        let mut session = PgConnection::connect_with(&databases.read.connect_options()).await?;
        let mut connection = databases.read.acquire().await?;
        let mut tx = connection.begin().await?;
        let standing = follow::lock(&mut tx, projection, Slot::Live).await?;
        let Some(standing) = standing else {
            return Ok(None);
        };
        session
            .execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .await?;
        // The snapshot is taken by the first statement: under the lock, nobody has moved on.
        let parked: Vec<Position> = sqlx::query_scalar(
            "SELECT position FROM read.parked \
             WHERE projection = $1 AND version = $2 AND slot = $3",
        )
        .bind(projection.name)
        .bind(projection.version)
        .bind(Slot::Live.name())
        .fetch_all(&mut session)
        .await?;
        tx.rollback().await?;
        Ok(Some(Self {
            session,
            standing,
            parked: parked.into_iter().collect(),
        }))
    }

    /// Which rows differ since the live table does not have the events of a parked stream yet.
    pub(super) fn parked(&self) -> impl Fn(&Difference) -> bool + use<> {
        let parked = self.parked.clone();
        move |difference| {
            let mut events = difference.events.iter();
            events.any(|event| parked.contains(&event.position))
        }
    }

    /// Every row that differs from the shadow's, which stands where this table does.
    pub(super) async fn compare(
        &mut self,
        databases: &Databases,
        projection: &Registered,
        teller: &Teller,
    ) -> Result<Vec<Difference>, Error> {
        let key = shadow::key_columns(&databases.read, projection)
            .await?
            .join(", ");
        let sql = |slot| {
            format!(
                "SELECT ROW({key})::text AS place, to_jsonb(held)::text AS row FROM {} AS held \
                 ORDER BY ROW({key})::text COLLATE \"C\"",
                projection.relation(slot)
            )
        };
        let count = format!("SELECT count(*) FROM {}", projection.relation(Slot::Live));
        let rows: i64 = sqlx::query_scalar(&count)
            .fetch_one(&mut self.session)
            .await?;
        teller.begin(Step::Comparing, rows.unsigned_abs());
        let (live, rebuilt) = (sql(Slot::Live), sql(Slot::Shadow));
        let mut live = sqlx::query(&live).fetch(&mut self.session);
        let mut rebuilt = sqlx::query(&rebuilt).fetch(&databases.read);
        let mut differences = Vec::new();
        let (mut left, mut right) = (live.try_next().await?, rebuilt.try_next().await?);
        loop {
            let (old, new) = match (&left, &right) {
                (None, None) => return Ok(differences),
                (old, new) => (placed(old.as_ref())?, placed(new.as_ref())?),
            };
            let (old, new) = match (old, new) {
                (Some(old), Some(new)) if old.0 < new.0 => (Some(old), None),
                (Some(old), Some(new)) if old.0 > new.0 => (None, Some(new)),
                both => both,
            };
            let (has_old, has_new) = (old.is_some(), new.is_some());
            let (old, new) = (old.map(|old| old.1), new.map(|new| new.1));
            if old != new {
                differences.push(difference(projection, old, new)?);
            }
            if has_old {
                left = live.try_next().await?;
                teller.advance(1);
            }
            if has_new {
                right = rebuilt.try_next().await?;
            }
        }
    }
}

/// Where a row stands in the order of the keys, and the row.
fn placed(row: Option<&sqlx::postgres::PgRow>) -> Result<Option<(String, String)>, Error> {
    row.map(|row| Ok((row.try_get("place")?, row.try_get("row")?)))
        .transpose()
}

/// What differs, of a row in the live table and the one that the log gives; one of them is there.
pub(super) fn difference(
    projection: &Registered,
    live: Option<String>,
    rebuilt: Option<String>,
) -> Result<Difference, Error> {
    let any = live.as_ref().or(rebuilt.as_ref());
    let shape = |why: serde_json::Error| Error::shape(projection, why);
    let key = any.map(|row| (projection.key_of)(row)).transpose();
    let parse = |row: Option<String>| {
        let parsed = row.map(|row| serde_json::from_str(&row)).transpose();
        parsed.map_err(shape)
    };
    Ok(Difference {
        key: key.map_err(shape)?.unwrap_or(Value::Null),
        live: parse(live)?,
        rebuilt: parse(rebuilt)?,
        events: Vec::new(),
    })
}
