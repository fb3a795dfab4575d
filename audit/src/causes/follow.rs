//! Downwards: from what a request has stored to everything that followed.

use std::collections::BTreeSet;

use event_store::Position;
use futures::FutureExt;
use futures::future::BoxFuture;
use sqlx::PgPool;

use super::append::{COLUMNS, Row, together, told};
use super::reactions::{self, Done};
use super::tree::{Append, Event};
use super::{Bounds, Traced};
use crate::streams::Error;

/// The most events that an effect's answers are looked for among, behind the event in its stream.
const BEHIND: i64 = 100;

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
    let rows = together(pool, first).await?;
    let append = walk.grow(rows, 1).await?;
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
    /// The first positions of the commands that led to the event asked for.
    path: BTreeSet<Position>,
    policies: Vec<String>,
    /// The first positions of the commands that are in the tree.
    seen: BTreeSet<Position>,
    /// How many events the tree has so far.
    events: usize,
    cut: bool,
}

impl Walk<'_> {
    /// What was stored as `rows`, with what followed.
    fn grow(
        &mut self,
        rows: Vec<Row>,
        depth: usize,
    ) -> BoxFuture<'_, Result<Option<Append>, Error>> {
        async move {
            let Some(mut append) = told(&rows, self.asked)? else {
                return Ok(None);
            };
            self.events += append.events.len();
            self.seen.extend(rows.first().map(|row| row.position));
            let is_on_path = append
                .events
                .first()
                .is_some_and(|event| self.path.contains(&event.position));
            for event in &mut append.events {
                if (self.events >= self.bounds.events && !is_on_path) || depth >= self.bounds.depth
                {
                    event.more = true;
                    self.cut = true;
                    continue;
                }
                self.follow(event, depth).await?;
            }
            Ok(Some(append))
        }
        .boxed()
    }

    async fn follow(&mut self, event: &mut Event, depth: usize) -> Result<(), Error> {
        for done in reactions::to(self.pool, &self.policies, event).await? {
            let mut reaction = done.reaction.clone();
            for rows in self.stored_by(event, &done).await? {
                let is_on_path = rows
                    .first()
                    .is_some_and(|row| self.path.contains(&row.position));
                if self.events >= self.bounds.events && !is_on_path {
                    event.more = true;
                    self.cut = true;
                    continue;
                }
                reaction.led_to.extend(self.grow(rows, depth + 1).await?);
            }
            event.followed.push(reaction);
        }
        Ok(())
    }

    /// What a reaction to `event` has stored, command by command. A position that it touched may be
    /// that of a stream which it only read: what it stored says that it comes from the event.
    async fn stored_by(&self, event: &Event, done: &Done) -> Result<Vec<Vec<Row>>, Error> {
        let mut places: BTreeSet<Position> = done.touched.iter().copied().collect();
        if done.writes_behind {
            places.extend(self.written_behind(event, &done.reaction.by).await?);
        }
        let mut all: Vec<Vec<Row>> = Vec::new();
        for position in places.into_iter().filter(|one| *one > event.position) {
            let is_there = |rows: &Vec<Row>| rows.iter().any(|row| row.position == position);
            if all.iter().any(is_there) {
                continue;
            }
            let rows = together(self.pool, position).await?;
            let is_known = rows
                .first()
                .is_some_and(|row| self.seen.contains(&row.position));
            let is_from_it = match rows.first() {
                Some(row) => row.metadata()?.caused_by() == Some(event.id),
                None => false,
            };
            if is_from_it && !is_known {
                all.push(rows);
            }
        }
        Ok(all)
    }

    /// What the effect `by` has written about `event` to the stream of the event.
    async fn written_behind(&self, event: &Event, by: &str) -> Result<Vec<Position>, Error> {
        let sql = format!(
            "SELECT {COLUMNS} FROM events WHERE aggregate_id = $1 AND sequence > $2 \
             ORDER BY sequence LIMIT $3"
        );
        let behind: Vec<Row> = sqlx::query_as(&sql)
            .bind(event.stream.id)
            .bind(event.version)
            .bind(BEHIND)
            .fetch_all(self.pool)
            .await?;
        let mut places = Vec::new();
        for row in behind {
            let metadata = row.metadata()?;
            if metadata.policy() == Some(by) && metadata.caused_by() == Some(event.id) {
                places.push(row.position);
            }
        }
        Ok(places)
    }
}
