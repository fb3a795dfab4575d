//! How far the read tables are, kept in memory: told by the projectors, and looked up once for all
//! queries where that is not enough.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::sync::Arc;

use event_store::database::{is_away, passes};
use event_store::wake::{POLL, Wake};
use projections::runtime::{Moved, READ, Registered, Slot, names_and_versions};
use service_kit::consistency::Place;
use sqlx::{PgPool, Row};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A context and a partition of its topic.
type Partition = (String, i32);

/// How far the live tables are. What it says was true a moment ago; tables never go back.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    /// The log that they were made from, and the position, by table, context and partition.
    positions: HashMap<String, HashMap<Partition, (Uuid, i64)>>,
    /// The tables that have something parked.
    parked: HashSet<String>,
}

impl Standing {
    /// Whether `table` contains everything of the log `epoch` up to `place`, or has it parked.
    pub(crate) fn has_passed(&self, table: &str, epoch: Uuid, place: &Place) -> bool {
        let partition = (place.context.clone(), place.partition);
        let of_table = self.positions.get(table);
        let reached = of_table.and_then(|partitions| partitions.get(&partition));
        reached.is_some_and(|(of, position)| *of == epoch && *position >= place.position)
    }

    /// Goes on to what a projector says of `table`; of another log it says nothing here.
    fn go_on(&mut self, table: &str, epoch: Uuid, (context, partition, to): &(String, i32, i64)) {
        let partition = (context.clone(), *partition);
        let of_table = self.positions.get_mut(table);
        let reached = of_table.and_then(|partitions| partitions.get_mut(&partition));
        if let Some((of, position)) = reached
            && *of == epoch
        {
            *position = (*position).max(*to);
        }
    }

    /// Whether anything is parked in `table`.
    pub(crate) fn has_parked(&self, table: &str) -> bool {
        self.parked.contains(table)
    }
}

/// What is seen of the read tables.
#[derive(Debug, Default)]
pub(crate) enum Sight {
    /// Nothing yet.
    #[default]
    Nothing,
    /// Their database is away.
    Away,
    /// This.
    Standing(Standing),
}

/// Tells queries how far the read tables are.
#[derive(Debug, Clone)]
pub struct Visibility(pub(crate) watch::Receiver<Sight>);

/// Follows how far the live tables of projections are.
#[derive(Debug)]
pub struct Follower {
    read: PgPool,
    projections: Arc<[Registered]>,
    known: watch::Sender<Sight>,
}

impl Visibility {
    /// What tells how far the live tables of `projections` in the database of `read` are, while the
    /// follower runs.
    pub fn of(read: PgPool, projections: Arc<[Registered]>) -> (Self, Follower) {
        let (known, receiver) = watch::channel(Sight::Nothing);
        let follower = Follower {
            read,
            projections,
            known,
        };
        (Self(receiver), follower)
    }
}

impl Follower {
    /// Follows the projectors until `stop`.
    ///
    /// # Errors
    /// When the database refuses; while it is away, that is what is known.
    pub async fn run(self, stop: CancellationToken) -> Result<(), sqlx::Error> {
        let ended = stop.run_until_cancelled(self.follow()).await;
        ended.map_or(Ok(()), |refused| refused.map(|never| match never {}))
    }

    async fn follow(&self) -> Result<Infallible, sqlx::Error> {
        let mut wake = Wake::new(self.read.clone(), READ);
        loop {
            self.known.send_replace(match self.standing().await {
                Ok(standing) => Sight::Standing(standing),
                Err(error) if is_away(&error) || passes(&error) => {
                    tracing::warn!(%error, "can't learn how far the read tables are");
                    Sight::Away
                }
                Err(error) => return Err(error),
            });
            let looked = Instant::now();
            // What is told may be lost or garbled, so the tables are looked at now and then.
            while looked.elapsed() < POLL && self.is_told(&wake.wait().await) {}
        }
    }

    /// Goes on to what projectors said; false where that does not tell all.
    fn is_told(&self, said: &[String]) -> bool {
        let heard: Option<Vec<Moved>> = said.iter().map(|said| Moved::heard(said)).collect();
        let Some(heard) = heard.filter(|heard| !heard.is_empty()) else {
            return false;
        };
        let mut all = false;
        self.known.send_modify(|known| {
            if let Sight::Standing(standing) = known {
                heard.iter().for_each(|moved| self.go_on(standing, moved));
                all = true;
            }
        });
        all
    }

    fn go_on(&self, standing: &mut Standing, moved: &Moved) {
        let versions = |one: &Registered| (one.name.to_owned(), one.version);
        let ours = self.projections.iter();
        let ours = ours.filter(|one| moved.tables.contains(&versions(one)));
        for projection in ours {
            for reached in &moved.reached {
                standing.go_on(projection.name, moved.epoch, reached);
            }
        }
    }

    async fn standing(&self) -> Result<Standing, sqlx::Error> {
        let (names, versions) = names_and_versions(self.projections.iter());
        let rows = sqlx::query(
            "SELECT projection, context, partition, epoch, position, \
                 EXISTS (SELECT FROM parked WHERE parked.projection = watermarks.projection \
                     AND parked.version = watermarks.version AND parked.slot = watermarks.slot) AS parked \
             FROM watermarks JOIN unnest($1::text[], $2::integer[]) AS ours (projection, version) \
                 USING (projection, version) \
             WHERE slot = $3",
        )
        .bind(names)
        .bind(versions)
        .bind(Slot::Live.name())
        .fetch_all(&self.read)
        .await?;
        let mut standing = Standing::default();
        for row in rows {
            let table: String = row.try_get("projection")?;
            if row.try_get("parked")? {
                standing.parked.insert(table.clone());
            }
            let partition = (row.try_get("context")?, row.try_get("partition")?);
            let reached = (row.try_get("epoch")?, row.try_get("position")?);
            let partitions = standing.positions.entry(table).or_default();
            partitions.insert(partition, reached);
        }
        Ok(standing)
    }
}
