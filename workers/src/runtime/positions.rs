//! How far each policy is, in the log's own database.

use event_store::seen::Seen;
use event_store::{Log, Position};
use sqlx::{PgPool, Row};
use uuid::Uuid;

use super::error::Error;
use super::registered::Registered;

/// How far a policy is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reached {
    pub(super) policy: String,
    pub(super) epoch: Uuid,
    /// Everything up to here was reacted to, or is parked.
    pub(super) position: Position,
    /// Where a replay is, and where it ends.
    pub(super) replay: Option<(Position, Position)>,
}

impl Reached {
    /// As what it has seen of the log.
    pub(super) fn seen(&self) -> Seen {
        Seen {
            by: format!("the policy {}", self.policy),
            epoch: self.epoch,
            position: self.position,
            event_id: None,
        }
    }
}

/// Writes down that policies begin, at the end of the log, where they are new to it: what happened
/// before is history, about which nobody is written to. From then on nothing is missed.
///
/// # Errors
/// When two have one name, or the database is away.
pub async fn register(log: &Log, all: &[Registered]) -> Result<(), Error> {
    let names: Vec<&str> = all.iter().map(|one| one.name).collect();
    for (index, one) in all.iter().enumerate() {
        if names[..index].contains(&one.name) {
            return Err(Error::Named(one.name));
        }
    }
    sqlx::query(
        "INSERT INTO policies (policy, epoch, position) \
         SELECT unnest($1::text[]), epoch, position FROM head ON CONFLICT DO NOTHING",
    )
    .bind(&names)
    .execute(log.pool())
    .await?;
    Ok(())
}

/// How far `names` are, in that order. One that is not registered is not there.
pub(super) async fn reached(pool: &PgPool, names: &[&str]) -> Result<Vec<Reached>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT policy, epoch, position, replayed_to, replay_until \
         FROM policies WHERE policy = ANY($1) ORDER BY array_position($1, policy)",
    )
    .bind(names)
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            let to: Option<Position> = row.try_get("replayed_to")?;
            Ok(Reached {
                policy: row.try_get("policy")?,
                epoch: row.try_get("epoch")?,
                position: row.try_get("position")?,
                replay: to.zip(row.try_get("replay_until")?),
            })
        })
        .collect()
}
