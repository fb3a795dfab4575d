//! How a stream is named, and which one that is.

use std::fmt;
use std::str::FromStr;

use sqlx::PgPool;
use uuid::Uuid;

use super::Error;

/// The longest name of an aggregate type that is taken.
const LONGEST_TYPE: usize = 100;

/// A stream as it is asked for: `<id>`, or `<type>/<id>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamName {
    /// `<context>.<aggregate>`, when it is told.
    pub aggregate_type: Option<String>,
    /// The id of the aggregate.
    pub id: Uuid,
}

/// What is asked for is no name of a stream.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a stream is named by its id, or by its type and id, as in hotels.reservation/<id>")]
pub struct Malformed;

impl FromStr for StreamName {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let (aggregate_type, id) = match text.rsplit_once('/') {
            Some((aggregate_type, id)) => (Some(aggregate_type), id),
            None => (None, text),
        };
        let fits = |name: &str| {
            let parts = name.split_once('.');
            parts.is_some_and(|(context, rest)| !context.is_empty() && !rest.is_empty())
                && name.len() <= LONGEST_TYPE
                && name.bytes().all(|b| b.is_ascii_graphic())
        };
        if !aggregate_type.is_none_or(fits) {
            return Err(Malformed);
        }
        Ok(Self {
            aggregate_type: aggregate_type.map(str::to_owned),
            id: id.parse().map_err(|_| Malformed)?,
        })
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.aggregate_type {
            Some(aggregate_type) => write!(f, "{aggregate_type}/{}", self.id),
            None => write!(f, "{}", self.id),
        }
    }
}

/// A stream that is there.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Stream {
    /// `<context>.<aggregate>`.
    #[serde(rename = "type")]
    pub aggregate_type: String,
    /// The id of the aggregate.
    pub id: Uuid,
}

impl Stream {
    /// The stream of this name. The log gives an id to one aggregate only; should events of several
    /// have one, as in a log that was tampered with, the name has to say the type.
    ///
    /// # Errors
    /// [`Error::Unknown`], [`Error::Ambiguous`], or the database is away.
    pub async fn find(pool: &PgPool, name: &StreamName) -> Result<Self, Error> {
        let id = name.id;
        let sql = "SELECT (SELECT aggregate_type FROM events WHERE aggregate_id = $1 \
                 ORDER BY sequence LIMIT 1), \
             (SELECT aggregate_type FROM events WHERE aggregate_id = $1 \
                 ORDER BY sequence DESC LIMIT 1)";
        let ends: (Option<String>, Option<String>) =
            sqlx::query_as(sql).bind(id).fetch_one(pool).await?;
        let unknown = || Error::Unknown(name.clone());
        let (Some(first), Some(last)) = ends else {
            return Err(unknown());
        };
        let aggregate_type = match &name.aggregate_type {
            None if first == last => first,
            None => return Err(Error::Ambiguous { id, first, last }),
            Some(told) if *told == first || *told == last => told.clone(),
            Some(_) => return Err(unknown()),
        };
        Ok(Self { aggregate_type, id })
    }
}
