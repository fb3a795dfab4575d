//! What a schema says of itself: which table it holds, of which log, as of when, and whether all of
//! it is there. It is the schema's comment, so it goes with the schema.

use chrono::{DateTime, Utc};
use event_store::Position;
use event_store::as_of::Moment;
use serde::{Deserialize, Serialize};
use sqlx::{Executor, PgConnection, PgPool, Row};
use uuid::Uuid;

use super::{Error, Schema};
use crate::runtime::Registered;

/// What the comment begins with.
const PREFIX: &str = "comptoir replay ";
/// The first half of the advisory locks of replays; the second is a hash of the schema's name.
pub(super) const LOCK: i32 = 4_717;

/// What a replay is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// Of this making, and of no other.
    pub id: Uuid,
    /// The projection, and the table.
    pub projection: String,
    /// The version of the projection.
    pub version: i32,
    /// The log.
    pub epoch: Uuid,
    /// As of which position.
    pub position: Position,
    /// The time that was asked for, or that at which the position was recorded.
    pub as_of: DateTime<Utc>,
    /// When it was begun.
    pub begun_at: DateTime<Utc>,
    /// Whether all of it is there.
    pub complete: bool,
    /// How many events could not be folded, or stand behind one of their stream that could not.
    pub left_out: u64,
}

/// How far a replay is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum State {
    /// All of it is there.
    Complete,
    /// Somebody is at it.
    Replaying,
    /// It was killed.
    Unfinished,
}

/// A replay that there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Its schema.
    pub schema: String,
    /// What it is.
    #[serde(flatten)]
    pub marker: Marker,
    /// How far it is.
    pub state: State,
    /// What it takes on the disk, in bytes.
    pub bytes: i64,
}

impl Marker {
    /// That of a replay that begins now.
    pub(super) fn begun(projection: &Registered, moment: &Moment) -> Self {
        Self {
            id: Uuid::new_v4(),
            projection: projection.name.to_owned(),
            version: projection.version,
            epoch: moment.epoch,
            position: moment.position,
            as_of: moment.time,
            begun_at: Utc::now(),
            complete: false,
            left_out: 0,
        }
    }

    /// Writes it to the schema.
    pub(super) async fn put(
        &self,
        connection: &mut PgConnection,
        schema: &Schema,
    ) -> Result<(), Error> {
        let json = serde_json::to_string(self).map_err(|why| sqlx::Error::Encode(why.into()))?;
        let text = format!("{PREFIX}{json}").replace('\'', "''");
        let comment = format!("COMMENT ON SCHEMA {schema} IS '{text}'");
        connection.execute(comment.as_str()).await?;
        Ok(())
    }

    fn read(comment: &str) -> Option<Self> {
        serde_json::from_str(comment.strip_prefix(PREFIX)?).ok()
    }

    /// What the schema of this name says of itself: none where there is no such schema, and none
    /// again where it is no replay.
    pub(super) async fn of(
        connection: &mut PgConnection,
        schema: &Schema,
    ) -> Result<Option<Option<Self>>, sqlx::Error> {
        let found: Option<Option<String>> = sqlx::query_scalar(
            "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = $1",
        )
        .bind(schema.name())
        .fetch_optional(connection)
        .await?;
        Ok(found.map(|comment| comment.as_deref().and_then(Self::read)))
    }
}

/// The replays in the database of the read tables, by position and table.
///
/// # Errors
/// When the database is away.
pub async fn list(read: &PgPool) -> Result<Vec<Listed>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT nspname::text AS schema, description, \
             (SELECT coalesce(sum(pg_total_relation_size(pg_class.oid)), 0)::bigint FROM pg_class \
                 WHERE relnamespace = pg_namespace.oid AND relkind = 'r') AS bytes, \
             EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted \
                 AND classid::bigint = $2 AND objsubid = 2 \
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
                 AND objid::bigint = hashtext(nspname)::bigint & 4294967295) AS held \
         FROM pg_namespace JOIN pg_description ON objoid = pg_namespace.oid AND objsubid = 0 \
             AND classoid = 'pg_namespace'::regclass \
         WHERE starts_with(description, $1)",
    )
    .bind(PREFIX)
    .bind(i64::from(LOCK))
    .fetch_all(read)
    .await?;
    let mut all = Vec::with_capacity(rows.len());
    for row in &rows {
        let Some(marker) = Marker::read(row.try_get("description")?) else {
            continue;
        };
        let state = match (marker.complete, row.try_get("held")?) {
            (true, _) => State::Complete,
            (false, true) => State::Replaying,
            (false, false) => State::Unfinished,
        };
        all.push(Listed {
            schema: row.try_get("schema")?,
            marker,
            state,
            bytes: row.try_get("bytes")?,
        });
    }
    all.sort_by(|one, other| {
        let key = |listed: &Listed| (listed.marker.position, listed.schema.clone());
        key(one).cmp(&key(other))
    });
    Ok(all)
}

/// The replays that are complete, and their schemas, as SQL takes them.
///
/// # Errors
/// When the database is away.
pub async fn complete(read: &PgPool) -> Result<Vec<(String, Marker)>, sqlx::Error> {
    let rows: Vec<(String, String)> = sqlx::query_as(
        "SELECT quote_ident(nspname), description \
         FROM pg_namespace JOIN pg_description ON objoid = pg_namespace.oid AND objsubid = 0 \
             AND classoid = 'pg_namespace'::regclass \
         WHERE starts_with(description, $1) ORDER BY nspname",
    )
    .bind(PREFIX)
    .fetch_all(read)
    .await?;
    let rows = rows.into_iter();
    let all = rows.filter_map(|(schema, comment)| Some((schema, Marker::read(&comment)?)));
    Ok(all.filter(|(_, marker)| marker.complete).collect())
}

/// The schemas that replays are in, as SQL takes them.
pub(crate) async fn schemas(connection: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT quote_ident(nspname) FROM pg_namespace \
         WHERE starts_with(obj_description(oid, 'pg_namespace'), $1)",
    )
    .bind(PREFIX)
    .fetch_all(connection)
    .await
}
