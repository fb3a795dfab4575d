//! Downwards: from what a request has stored to everything that followed.

use std::collections::BTreeSet;

use event_store::Position;
use futures::FutureExt;
use futures::future::BoxFuture;
use sqlx::PgPool;

use super::append::{Together, together, told};
use super::reactions::{self, Done};
use super::tree::{Append, Event};
use super::{Bounds, Traced};
use crate::streams::{Error, Metadata};

/// The most events that an effect's answers are looked for among, behind the event in its stream.
const BEHIND: i64 = 1_000;

/// The tree, and whether there was more of it.
pub(super) struct Grown {
    pub(super) append: Append,
    pub(super) cut: bool,
}

/// Everything that followed from the first command of `traced`.
pub(super) async fn all(
    pool: &PgPool,
    traced: &Traced,
    asked: Position,
    bounds: Bounds,
) -> Result<Grown, Error> {
    let mut walk = Walk {
        pool,
        bounds,
        asked,
        path: traced.path.iter().copied().collect(),
        policies: policies(pool).await?,
        seen: BTreeSet::new(),
        events: 0,
        cut: false,
    };
    let first = traced.path.first().copied().unwrap_or(asked);
    let together = together(pool, first).await?;
    let append = walk.grow(together, 1).await?;
    let append = append.ok_or(sqlx::Error::RowNotFound)?;
    let cut = walk.cut;
    Ok(Grown { append, cut })
}

/// Everybody who ever reacted to anything: they are known by name for ever.
async fn policies(pool: &PgPool) -> Result<Vec<String>, sqlx::Error> {
    let sql = "SELECT policy FROM policies ORDER BY policy";
    sqlx::query_scalar(sql).fetch_all(pool).await
}

struct Walk<'a> {
    pool: &'a PgPool,
    bounds: Bounds,
    asked: Position,
    /// The events that led to the one asked for, and that one.
    path: BTreeSet<Position>,
    policies: Vec<String>,
    /// The first positions of the commands that are in the tree.
    seen: BTreeSet<Position>,
    /// How many events the tree has so far.
    events: usize,
    cut: bool,
}

impl Walk<'_> {
    /// What was stored at once, with what followed.
    fn grow(
        &mut self,
        together: Together,
        depth: usize,
    ) -> BoxFuture<'_, Result<Option<Append>, Error>> {
        async move {
            let Some(mut append) = told(&together.rows, self.asked)? else {
                return Ok(None);
            };
            self.cut |= together.cut;
            self.events += append.events.len();
            self.seen
                .extend(together.rows.first().map(|row| row.position));
            for event in &mut append.events {
                let is_full = self.is_full() && !self.path.contains(&event.position);
                match is_full || depth >= self.bounds.depth {
                    true => self.cut_behind(event),
                    false => self.follow(event, depth).await?,
                }
            }
            Ok(Some(append))
        }
        .boxed()
    }

    fn is_full(&self) -> bool {
        self.events >= self.bounds.events
    }

    fn cut_behind(&mut self, event: &mut Event) {
        event.more = true;
        self.cut = true;
    }

    async fn follow(&mut self, event: &mut Event, depth: usize) -> Result<(), Error> {
        for done in reactions::to(self.pool, &self.policies, event).await? {
            let mut reaction = done.reaction.clone();
            for together in self.stored_by(event, &done).await? {
                let mut rows = together.rows.iter();
                match self.is_full() && !rows.any(|row| self.path.contains(&row.position)) {
                    true => self.cut_behind(event),
                    false => reaction
                        .led_to
                        .extend(self.grow(together, depth + 1).await?),
                }
            }
            event.followed.push(reaction);
        }
        Ok(())
    }

    /// What a reaction to `event` has stored, command by command. A position that it touched may be
    /// that of a stream which it only read: what it stored says that it comes from the event.
    async fn stored_by(&self, event: &Event, done: &Done) -> Result<Vec<Together>, Error> {
        let mut places: BTreeSet<Position> = done.touched.iter().copied().collect();
        if done.writes_behind {
            places.extend(self.written_behind(event, &done.reaction.by).await?);
        }
        let mut all: Vec<Together> = Vec::new();
        for position in places.into_iter().filter(|one| *one > event.position) {
            let has_it = |one: &Together| one.rows.iter().any(|row| row.position == position);
            if all.iter().any(has_it) {
                continue;
            }
            let together = together(self.pool, position).await?;
            let Some(first) = together.rows.first() else {
                continue;
            };
            let is_known = self.seen.contains(&first.position);
            if first.metadata()?.caused_by() == Some(event.id) && !is_known {
                all.push(together);
            }
        }
        Ok(all)
    }

    /// Where the effect `by` has written about `event` to the stream of the event.
    async fn written_behind(&self, event: &Event, by: &str) -> Result<Vec<Position>, Error> {
        let sql = "SELECT position, metadata FROM (SELECT position, sequence, metadata \
                 FROM events WHERE aggregate_id = $1 AND sequence > $2 \
                 ORDER BY sequence LIMIT $3) AS behind \
             WHERE strpos(metadata, $4) > 0 ORDER BY sequence";
        let behind: Vec<(Position, String)> = sqlx::query_as(sql)
            .bind(event.stream.id)
            .bind(event.version)
            .bind(BEHIND)
            .bind(event.id.to_string())
            .fetch_all(self.pool)
            .await?;
        let mut places = Vec::new();
        for (position, metadata) in behind {
            let malformed = |source| Error::Malformed { position, source };
            let metadata: Metadata = serde_json::from_str(&metadata).map_err(malformed)?;
            if metadata.policy() == Some(by) && metadata.caused_by() == Some(event.id) {
                places.push(position);
            }
        }
        Ok(places)
    }
}
