//! Whether the log, Kafka, the read tables and the policies agree, position by position.
//!
//! It looks while everything runs. What others say of the log is asked first, then which offsets
//! Kafka has, then where the log ends: so the log has every event that is met, and what comes later
//! is not looked at. The log is read in windows of positions, and each partition until it has
//! passed the window; nothing grows with the log but the stretches of what is missing.

mod consume;
mod error;
mod extent;
mod followers;
mod kafka;
mod ledger;
mod lost;
mod places;
mod print;
mod report;
mod run;
mod window;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use event_store::seen::{self, Seen};
use event_store::{Position, relay};
use projections::runtime::{Registered, seen_by_read_tables};
use sqlx::PgPool;

pub use error::Error;
pub use report::{Did, Finding, Follower, InKafka, Line, Partition, Summary, Told};

use followers::{Followers, seen_beside};
use kafka::Kafka;
use places::Places;
use print::Printer;
use window::Form;

/// How many positions are looked at together, unless told otherwise: some 30 MB.
const WINDOW: usize = 200_000;
/// How far the clocks of the log and of Kafka may be apart.
const CLOCKS: TimeDelta = TimeDelta::minutes(10);

/// A policy or an effect, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Its name.
    pub name: &'static str,
    /// Whose events it takes.
    pub aggregate_type: &'static str,
}

/// What is compared.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The log's database.
    pub log: PgPool,
    /// The read tables' database.
    pub read: PgPool,
    /// Where Kafka is; without it, Kafka is not looked at.
    pub kafka: Option<relay::Options>,
    /// The projections.
    pub projections: Arc<[Registered]>,
    /// The policies.
    pub policies: Arc<[Policy]>,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// From this position on; from the first unless told otherwise.
    pub from: Option<Position>,
    /// Up to this position; up to the last unless told otherwise.
    pub to: Option<Position>,
    /// Whether every position is told.
    pub all: bool,
    /// How many positions are looked at together.
    pub window: usize,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            from: None,
            to: None,
            all: false,
            window: WINDOW,
        }
    }
}

/// A reconciliation that is about to run.
pub struct Reconciliation {
    sources: Sources,
    asked: Asked,
    form: Form,
    /// The first position, the last, and the log's.
    range: (Position, Position),
    head: Position,
    relayed: Position,
    kafka: Option<Kafka>,
    followers: Followers,
    beyond: Vec<Finding>,
}

impl Reconciliation {
    /// Looks how far everybody is, which is the bound of what is looked at.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn begin(sources: Sources, asked: Asked) -> Result<Self, Error> {
        let (log, read) = (&sources.log, &sources.read);
        let mut seen = seen_by_read_tables(read).await?;
        seen.extend(seen_beside(log).await?);
        let mut followers =
            Followers::load((log, read), &sources.projections, &sources.policies).await?;
        let relayed: Position = sqlx::query_scalar("SELECT position FROM relay")
            .fetch_one(log)
            .await?;
        let from = asked.from.unwrap_or(1);
        let prefix = sources.kafka.as_ref().map(|kafka| &*kafka.topic_prefix);
        let places = Places::load(log, prefix.unwrap_or_default()).await?;
        let kafka = match &sources.kafka {
            None => None,
            Some(options) => {
                let since = since(log, from).await?;
                Some(Kafka::open(options.clone(), places.clone(), since).await?)
            }
        };
        if let Some(kafka) = &kafka
            && relayed > 0
            && kafka.has_no_topic()
        {
            let first = places.all().first().map(|place| place.topic.clone());
            return Err(Error::NoTopics {
                first: first.unwrap_or_default(),
            });
        }
        let (epoch, head) = event_store::head(log).await?;
        let to = asked.to.unwrap_or(head).min(head);
        let is_asked = asked.from.is_some() || asked.to.is_some();
        // An empty log has no positions, which nobody has to ask for.
        if from < 1 || (from > to && is_asked) {
            let to = asked.to.unwrap_or(head);
            return Err(Error::Range { from, to, head });
        }
        let form = Form {
            places,
            epoch,
            printer: Printer::default(),
            kinds: followers.kinds(),
        };
        followers.number(&form);
        let beyond = beyond(log, &seen).await?;
        Ok(Self {
            sources,
            asked,
            form,
            range: (from, to),
            head,
            relayed,
            kafka,
            followers,
            beyond,
        })
    }

    /// The first position that is looked at, and the last.
    pub fn range(&self) -> (Position, Position) {
        self.range
    }
}

/// When whatever has the messages from `from` on was not yet sent; none for all of them.
async fn since(log: &PgPool, from: Position) -> Result<Option<i64>, sqlx::Error> {
    if from <= 1 {
        return Ok(None);
    }
    let recorded: Option<DateTime<Utc>> =
        sqlx::query_scalar("SELECT recorded_at FROM events WHERE position = $1")
            .bind(from)
            .fetch_optional(log)
            .await?;
    Ok(recorded.map(|at| (at - CLOCKS).timestamp_millis().max(0)))
}

/// Who has seen what the log does not have.
async fn beyond(log: &PgPool, seen: &[Seen]) -> Result<Vec<Finding>, sqlx::Error> {
    let mut findings = Vec::new();
    match seen::check(log, seen).await {
        Ok(()) => return Ok(findings),
        Err(seen::Error::Database(error)) => return Err(error),
        // The first only is told of all.
        Err(_) => {}
    }
    for one in seen {
        match seen::check(log, std::slice::from_ref(one)).await {
            Ok(()) => {}
            Err(seen::Error::Database(error)) => return Err(error),
            Err(error) => findings.push(Finding::Beyond {
                detail: error.to_string(),
            }),
        }
    }
    Ok(findings)
}
