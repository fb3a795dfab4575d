//! How far projections and policies are, and what they did about each event.

use std::collections::{BTreeMap, HashMap, HashSet};

use event_store::Position;
use event_store::seen::Seen;
use projections::runtime::{Registered, Slot};
use sqlx::PgPool;
use uuid::Uuid;

use super::Policy;
use super::report::{Did, Follower, Line};
use super::window::{Entry, Form, Window};

/// Up to where one has everything: by place where it is a projection.
#[derive(Debug)]
enum Reached {
    Of(HashMap<(String, i32), Position>),
    All(Position),
}

/// A projection or a policy.
#[derive(Debug)]
struct One {
    name: &'static str,
    version: i32,
    aggregate_type: &'static str,
    reached: Reached,
    /// Up to where, by the number of the place.
    by_place: Vec<Position>,
    kind: Option<usize>,
    tally: Follower,
    parked: HashSet<Position>,
}

/// All of them, as they are at the start.
#[derive(Debug)]
pub(super) struct Followers {
    projections: Vec<One>,
    policies: Vec<One>,
    read: PgPool,
    log: PgPool,
}

impl Followers {
    /// How far they are now.
    pub(super) async fn load(
        (log, read): (&PgPool, &PgPool),
        projections: &[Registered],
        policies: &[Policy],
    ) -> Result<Self, sqlx::Error> {
        let rows: Vec<(String, i32, String, i32, Position)> = sqlx::query_as(
            "SELECT projection, version, context, partition, position FROM watermarks \
             WHERE slot = $1",
        )
        .bind(Slot::Live.name())
        .fetch_all(read)
        .await?;
        let of = |one: &Registered| {
            let its = rows
                .iter()
                .filter(|(name, version, ..)| *name == one.name && *version == one.version);
            let reached = its.map(|(_, _, context, partition, position)| {
                ((context.clone(), *partition), *position)
            });
            One::new(
                one.name,
                one.version,
                one.aggregate_type,
                Reached::Of(reached.collect()),
            )
        };
        let positions: HashMap<String, Position> =
            sqlx::query_as("SELECT policy, position FROM policies")
                .fetch_all(log)
                .await?
                .into_iter()
                .collect();
        let of_policy = |one: &Policy| {
            let position = positions.get(one.name).copied().unwrap_or(0);
            One::new(one.name, 0, one.aggregate_type, Reached::All(position))
        };
        Ok(Self {
            projections: projections.iter().map(of).collect(),
            policies: policies.iter().map(of_policy).collect(),
            read: read.clone(),
            log: log.clone(),
        })
    }

    /// The aggregate types that they take.
    pub(super) fn kinds(&self) -> Vec<String> {
        let all = self.projections.iter().chain(&self.policies);
        let mut kinds: Vec<String> = all.map(|one| one.aggregate_type.to_owned()).collect();
        kinds.sort();
        kinds.dedup();
        kinds
    }

    /// Knows places and aggregate types by their numbers from now on.
    pub(super) fn number(&mut self, form: &Form) {
        for one in self.projections.iter_mut().chain(&mut self.policies) {
            one.kind = form
                .kinds
                .iter()
                .position(|kind| *kind == one.aggregate_type);
            let reached = form.places.all().iter().map(|place| match &one.reached {
                Reached::All(position) => *position,
                Reached::Of(all) => {
                    let place = (place.context.clone(), place.partition);
                    all.get(&place).copied().unwrap_or(0)
                }
            });
            one.by_place = reached.collect();
        }
    }

    /// Counts what they did about the events of `window`.
    pub(super) async fn count(&mut self, window: &Window) -> Result<(), sqlx::Error> {
        self.look_for_parked(window).await?;
        for one in self.projections.iter_mut().chain(&mut self.policies) {
            for (position, entry) in window.positions() {
                match one.did(position, entry) {
                    Did::Applied => one.tally.applied += 1,
                    Did::Skipped => one.tally.skipped += 1,
                    Did::Parked => one.tally.parked += 1,
                    Did::NotSeen => one.tally.not_seen += 1,
                }
            }
        }
        Ok(())
    }

    /// What is parked now, of a window that has been passed by the start or not: an event is applied
    /// at one moment or another when it was parked by then and is not any more.
    async fn look_for_parked(&mut self, window: &Window) -> Result<(), sqlx::Error> {
        let parked: Vec<(String, i32, Position)> = sqlx::query_as(
            "SELECT projection, version, position FROM parked \
             WHERE slot = $1 AND position BETWEEN $2 AND $3",
        )
        .bind(Slot::Live.name())
        .bind(window.first)
        .bind(window.last())
        .fetch_all(&self.read)
        .await?;
        let of_policies: Vec<(String, Position)> = sqlx::query_as(
            "SELECT policy, position FROM policy_parked WHERE position BETWEEN $1 AND $2",
        )
        .bind(window.first)
        .bind(window.last())
        .fetch_all(&self.log)
        .await?;
        for one in self.projections.iter_mut().chain(&mut self.policies) {
            one.parked.clear();
        }
        for (name, version, position) in parked {
            let mut all = self.projections.iter_mut();
            if let Some(one) = all.find(|one| one.name == name && one.version == version) {
                one.parked.insert(position);
            }
        }
        for (name, position) in of_policies {
            if let Some(one) = self.policies.iter_mut().find(|one| one.name == name) {
                one.parked.insert(position);
            }
        }
        Ok(())
    }

    /// Writes what they did about an event of the last window that was counted to `line`.
    pub(super) fn tell(&self, entry: &Entry, line: &mut Line) {
        let position = line.position;
        let did = |one: &One| (one.name, one.did(position, entry));
        line.projections = self.projections.iter().map(did).collect();
        line.policies = self.policies.iter().map(did).collect();
    }

    /// What they did, and what policies have to do yet.
    pub(super) async fn finish(self) -> Result<(Vec<Follower>, Vec<Follower>), sqlx::Error> {
        let due: Vec<(String, i64, i64)> = sqlx::query_as(
            "SELECT policy, count(*) FILTER (WHERE state = 'pending'), \
                 count(*) FILTER (WHERE state = 'failed') \
             FROM due WHERE state IN ('pending', 'failed') GROUP BY policy",
        )
        .fetch_all(&self.log)
        .await?;
        let due: BTreeMap<String, (u64, u64)> = due
            .into_iter()
            .map(|(name, due, failed)| (name, (due.unsigned_abs(), failed.unsigned_abs())))
            .collect();
        let projections = self.projections.into_iter().map(|one| one.tally);
        let policies = self.policies.into_iter().map(|one| {
            let (due, failed) = due.get(one.name).copied().unwrap_or_default();
            Follower {
                due: Some(due),
                failed: Some(failed),
                ..one.tally
            }
        });
        Ok((projections.collect(), policies.collect()))
    }
}

impl One {
    fn new(
        name: &'static str,
        version: i32,
        aggregate_type: &'static str,
        reached: Reached,
    ) -> Self {
        Self {
            name,
            version,
            aggregate_type,
            reached,
            by_place: Vec::new(),
            kind: None,
            tally: Follower {
                name,
                ..Follower::default()
            },
            parked: HashSet::new(),
        }
    }

    fn did(&self, position: Position, entry: &Entry) -> Did {
        if self.kind != entry.kind {
            return Did::Skipped;
        }
        if self.parked.contains(&position) {
            return Did::Parked;
        }
        let reached = self.by_place.get(entry.place).copied().unwrap_or(0);
        let is_policy = matches!(self.reached, Reached::All(_));
        match position <= reached {
            // About history that is imported a policy does nothing.
            true if is_policy && entry.imported => Did::Skipped,
            true => Did::Applied,
            false => Did::NotSeen,
        }
    }
}

/// What policies and the relay have seen of the log, as they say.
pub(super) async fn seen_beside(log: &PgPool) -> Result<Vec<Seen>, sqlx::Error> {
    let policies: Vec<(String, Uuid, Position)> =
        sqlx::query_as("SELECT policy, epoch, position FROM policies ORDER BY policy")
            .fetch_all(log)
            .await?;
    let relay: Vec<(Uuid, Position)> =
        sqlx::query_as("SELECT epoch, position FROM relay WHERE fence > 0")
            .fetch_all(log)
            .await?;
    let seen = |by: String, epoch, position| Seen {
        by,
        epoch,
        position,
        event_id: None,
    };
    let policies = policies.into_iter();
    let policies =
        policies.map(|(name, epoch, position)| seen(format!("the policy {name}"), epoch, position));
    let relay = relay.into_iter();
    let relay = relay.map(|(epoch, position)| seen("the relay".to_owned(), epoch, position));
    Ok(relay.chain(policies).collect())
}
