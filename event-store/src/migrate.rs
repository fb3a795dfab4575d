//! Brings a database's schema up to date.

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{Connection, Executor, PgConnection};

static LOG: Migrator = sqlx::migrate!("../migrations/log");
const PERSON_KEYS: &str = include_str!("../../migrations/log/0003_person_keys.sql");

/// Creates or updates the log's tables, in the schema `log`.
///
/// # Errors
/// When the database is away, or a migration that ran before has been edited since.
pub async fn migrate_log(url: &str) -> Result<(), MigrateError> {
    migrate(url, "log", &LOG).await
}

/// Creates the table of the persons' keys, in the schema `log` of a database of its own.
///
/// # Errors
/// When the database is away.
pub async fn migrate_keys(url: &str) -> Result<(), MigrateError> {
    let mut connection = lock_schema(url, "log").await?;
    let is_there: bool = sqlx::query_scalar("SELECT to_regclass('log.person_keys') IS NOT NULL")
        .fetch_one(&mut connection)
        .await?;
    if !is_there {
        connection.execute(PERSON_KEYS).await?;
    }
    connection.close().await?;
    Ok(())
}

/// Runs what `migrator` has and the database at `url` has not, inside `schema`.
///
/// # Errors
/// As [`migrate_log`].
pub async fn migrate(url: &str, schema: &str, migrator: &Migrator) -> Result<(), MigrateError> {
    let mut connection = lock_schema(url, schema).await?;
    migrator.run_direct(&mut connection).await?;
    connection.close().await?;
    Ok(())
}

/// A connection that alone migrates, with `schema` made and searched.
async fn lock_schema(url: &str, schema: &str) -> Result<PgConnection, sqlx::Error> {
    let mut connection = PgConnection::connect_with(&crate::database::options(url)?).await?;
    // Two services that start at once take turns; CREATE SCHEMA IF NOT EXISTS alone can race.
    connection.execute("SELECT pg_advisory_lock(4713)").await?;
    let create = format!("CREATE SCHEMA IF NOT EXISTS {schema}; SET search_path = {schema}");
    connection.execute(create.as_str()).await?;
    Ok(connection)
}
