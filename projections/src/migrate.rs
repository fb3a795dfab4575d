//! Brings the read database's schema up to date.

use sqlx::migrate::{MigrateError, Migrator};

static READ: Migrator = sqlx::migrate!("../migrations/read");

/// Creates or updates the read tables, in the schema `read`.
///
/// # Errors
/// When the database is away, or a migration that ran before has been edited since.
pub async fn migrate_read(url: &str) -> Result<(), MigrateError> {
    event_store::migrate::migrate(url, "read", &READ).await
}
