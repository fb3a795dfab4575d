//! Brings the read database's schema up to date.

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{Connection, Executor, PgConnection};

static READ: Migrator = sqlx::migrate!("../migrations/read");

/// Creates or updates the read tables, in the schema `read`.
///
/// # Errors
/// When the database is away, or a migration that ran before has been edited since.
pub async fn migrate_read(url: &str) -> Result<(), MigrateError> {
    event_store::migrate::migrate(url, "read", &READ).await
}

/// Takes the read tables away with all they hold, and makes them anew, empty.
///
/// # Errors
/// When the database is away.
pub async fn clear_read(url: &str) -> Result<(), MigrateError> {
    let mut connection = PgConnection::connect_with(&event_store::database::options(url)?).await?;
    connection
        .execute("DROP SCHEMA IF EXISTS read CASCADE")
        .await?;
    connection.close().await?;
    migrate_read(url).await
}
