//! Brings the read database's schema up to date.

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{Connection, Executor, PgConnection};

use crate::rebuild::replay;

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
    for schema in schemas(&mut connection).await? {
        let drop = format!("DROP SCHEMA IF EXISTS {schema} CASCADE");
        connection.execute(drop.as_str()).await?;
    }
    connection.close().await?;
    migrate_read(url).await
}

/// Every schema that the read tables are in, of whatever version, and those of replays.
async fn schemas(connection: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
    let migrated: bool = sqlx::query_scalar("SELECT to_regclass('read.watermarks') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await?;
    let replays = replay::schemas(&mut *connection).await?;
    let mut live = vec!["read".to_owned()];
    if migrated {
        let later: Vec<String> = sqlx::query_scalar(
            "SELECT DISTINCT projection || '_v' || version FROM read.watermarks WHERE version > 1",
        )
        .fetch_all(connection)
        .await?;
        live.extend(later);
    }
    let slots = ["", "_shadow", "_previous"];
    let all = live
        .iter()
        .flat_map(|live| slots.map(|slot| format!("{live}{slot}")));
    let mut all: Vec<String> = all.collect();
    all.extend(replays);
    Ok(all)
}
