//! One rebuild of a table at a time.

use sqlx::{Connection, PgConnection, PgPool};

use super::Error;
use crate::runtime::Registered;

/// The first half of the advisory locks of rebuilds; the second is a hash of the table's name.
pub(super) const LOCK: i32 = 4_715;

/// The right to rebuild a table; it ends with its session, also when the process is killed.
pub(super) struct Lock(PgConnection);

impl Lock {
    pub(super) async fn take(pool: &PgPool, projection: &Registered) -> Result<Self, Error> {
        let mut session = PgConnection::connect_with(&pool.connect_options()).await?;
        let locked: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock($1, hashtext($2))")
            .bind(LOCK)
            .bind(format!("{} {}", projection.name, projection.version))
            .fetch_one(&mut session)
            .await?;
        match locked {
            true => Ok(Self(session)),
            false => Err(Error::BeingRebuilt(projection.name)),
        }
    }

    pub(super) async fn release(self) -> Result<(), Error> {
        Ok(self.0.close().await?)
    }
}
