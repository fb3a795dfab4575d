//! One rebuild of a table, and one replay into a schema, at a time.

use sqlx::{Connection, PgConnection, PgPool};

use super::Error;
use crate::runtime::Registered;

/// The first half of the advisory locks of rebuilds; the second is a hash of the table's name.
pub(super) const LOCK: i32 = 4_715;

/// A right that one has at a time; it ends with its session, also when the process is killed.
pub(super) struct Lock(PgConnection);

impl Lock {
    /// The right to rebuild a table.
    pub(super) async fn of_rebuild(pool: &PgPool, projection: &Registered) -> Result<Self, Error> {
        let name = format!("{} {}", projection.name, projection.version);
        let lock = Self::take(pool, LOCK, &name).await?;
        lock.ok_or(Error::BeingRebuilt(projection.name))
    }

    /// The right that `name` stands for among those of `class`; none when somebody else has it.
    pub(super) async fn take(
        pool: &PgPool,
        class: i32,
        name: &str,
    ) -> Result<Option<Self>, sqlx::Error> {
        let mut session = PgConnection::connect_with(&pool.connect_options()).await?;
        let locked: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock($1, hashtext($2))")
            .bind(class)
            .bind(name)
            .fetch_one(&mut session)
            .await?;
        Ok(locked.then_some(Self(session)))
    }

    pub(super) async fn release(self) -> Result<(), sqlx::Error> {
        self.0.close().await
    }
}
