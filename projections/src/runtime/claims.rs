//! Claims: of the projectors of a consumer group, only the one that Kafka gave a partition last may
//! commit what it read from it (law 6).

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};
use sqlx::{PgConnection, PgPool, Row};

use super::checkpoint::contexts_and_partitions;
use super::delivered::{Batch, Place};
use super::projection::Registered;

/// A row for each claim that is the current one.
pub(super) const CURRENT: &str = "\
    SELECT FROM claims JOIN unnest($2::text[], $3::integer[], $4::bigint[]) \
        AS held (context, partition, claim) USING (context, partition, claim) \
    WHERE consumer_group = $1 FOR SHARE OF claims";

/// The claims that a projector holds.
pub(super) struct Claims {
    group: String,
    held: Mutex<HashMap<String, HashMap<i32, i64>>>,
}

impl Claims {
    /// None yet, in the consumer group `group`.
    pub(super) fn of(group: String) -> Self {
        let held = Mutex::default();
        Self { group, held }
    }

    pub(super) fn group(&self) -> &str {
        &self.group
    }

    fn held(&self) -> MutexGuard<'_, HashMap<String, HashMap<i32, i64>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The claim to `partition` of `context`, while it is held.
    pub(super) fn to(&self, context: &str, partition: i32) -> Option<i64> {
        self.held().get(context)?.get(&partition).copied()
    }

    /// Claims `places`: batches that others have under way there are waited for, and later ones are
    /// shut out.
    pub(super) async fn take(&self, pool: &PgPool, places: &[Place]) -> Result<(), sqlx::Error> {
        let (contexts, partitions) = contexts_and_partitions(places);
        let rows = sqlx::query(
            "INSERT INTO claims (consumer_group, context, partition) \
             SELECT $1, context, partition FROM unnest($2::text[], $3::integer[]) \
                 AS place (context, partition) ORDER BY context, partition \
             ON CONFLICT (consumer_group, context, partition) \
                 DO UPDATE SET claim = claims.claim + 1, claimed_at = now() \
             RETURNING context, partition, claim",
        )
        .bind(&self.group)
        .bind(contexts)
        .bind(partitions)
        .fetch_all(pool)
        .await?;
        for row in rows {
            let context: String = row.try_get("context")?;
            let (partition, claim) = (row.try_get("partition")?, row.try_get("claim")?);
            self.held()
                .entry(context)
                .or_default()
                .insert(partition, claim);
        }
        Ok(())
    }

    /// Gives all of them up.
    pub(super) fn drop_all(&self) {
        self.held().clear();
    }

    /// Whether the claims of `batches` are the current ones. They stay so until the transaction ends.
    pub(super) async fn are_current(
        &self,
        connection: &mut PgConnection,
        batches: &[Batch<'_>],
    ) -> Result<bool, sqlx::Error> {
        let claimed: Vec<Batch<'_>> = batches
            .iter()
            .filter(|batch| batch.claim.is_some())
            .copied()
            .collect();
        let places = claimed.iter().map(|batch| batch.place);
        let (contexts, partitions) = contexts_and_partitions(places);
        let claims: Vec<Option<i64>> = claimed.iter().map(|batch| batch.claim).collect();
        let current = sqlx::query(CURRENT)
            .bind(&self.group)
            .bind(contexts)
            .bind(partitions)
            .bind(claims)
            .fetch_all(connection)
            .await?;
        Ok(current.len() == claimed.len())
    }
}

/// The consumer group that projects `projections`. Its name says which versions those are: two
/// versions of the program that run side by side must not share out one group's partitions.
pub(super) fn group(prefix: &str, projections: &[Registered]) -> String {
    let versions = projections.iter().map(|one| (one.name, one.version));
    let mut versions: Vec<String> = versions
        .map(|(name, version)| format!("{name} {version}\n"))
        .collect();
    versions.sort_unstable();
    let digest = Sha256::digest(versions.concat());
    let short: String = digest[..4]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{prefix}-projector-{short}")
}
