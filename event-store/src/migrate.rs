//! Brings a database's schema up to date.

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{Connection, Executor, PgConnection};

static LOG: Migrator = sqlx::migrate!("../migrations/log");

/// Creates or updates the log's tables, in the schema `log`.
///
/// # Errors
/// When the database is away, or a migration that ran before has been edited since.
pub async fn migrate_log(url: &str) -> Result<(), MigrateError> {
    migrate(url, "log", &LOG).await
}

/// Runs what `migrator` has and the database at `url` has not, inside `schema`.
///
/// # Errors
/// As [`migrate_log`].
pub async fn migrate(url: &str, schema: &str, migrator: &Migrator) -> Result<(), MigrateError> {
    let mut connection = PgConnection::connect(url).await?;
    // Two services that start at once take turns; CREATE SCHEMA IF NOT EXISTS alone can race.
    connection.execute("SELECT pg_advisory_lock(4713)").await?;
    let create = format!("CREATE SCHEMA IF NOT EXISTS {schema}; SET search_path = {schema}");
    connection.execute(create.as_str()).await?;
    migrator.run_direct(&mut connection).await?;
    connection.close().await?;
    Ok(())
}
