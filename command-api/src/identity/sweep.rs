//! Sweeping: rows of secrets that no event names, answers that are too old to be asked for, and
//! attempts to sign in that are forgotten.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use domain::identity::account::Account;
use domain::streams::{StreamId, StreamKind, Streams};
use event_store::load::LoadError;
use sqlx::Row;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::lockout::FORGOTTEN_AFTER;
use crate::App;

const EVERY: Duration = Duration::from_secs(10 * 60);
/// Answers are kept a day at least; half a day more leaves no doubt.
const ANSWERS_KEPT: TimeDelta = TimeDelta::hours(36);
/// By then the event that names a row has come, or never will.
const ORPHANED_AFTER: TimeDelta = TimeDelta::hours(1);

/// Sweeps every ten minutes until `stop`.
///
/// # Errors
/// When the database refuses, or a stream can't be read; it waits while the database is away.
pub async fn run(app: App, stop: CancellationToken) -> Result<(), LoadError> {
    loop {
        match sweep(&app).await {
            Err(LoadError::Away(error)) => {
                tracing::warn!(%error, "sweeping waits for the log's database");
            }
            done => done?,
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// Prunes old answers, and decides for every row of a secret that is old enough whether its
/// account names it.
///
/// # Errors
/// As [`run`], and when the database is away.
pub async fn sweep(app: &App) -> Result<(), LoadError> {
    app.log.prune_answers(Utc::now() - ANSWERS_KEPT).await?;
    let pool = app.log.pool();
    sqlx::query("DELETE FROM sign_in_failures WHERE last_at < $1")
        .bind(Utc::now() - FORGOTTEN_AFTER)
        .execute(pool)
        .await?;
    let unchecked = sqlx::query(
        // A row that was kept is let go when its account has another password since.
        "SELECT id, account_id FROM credentials AS c \
         WHERE NOT kept AND created_at < $1 OR kept AND EXISTS (SELECT 1 FROM credentials AS newer \
             WHERE newer.account_id = c.account_id AND newer.created_at > c.created_at) \
         LIMIT 1000",
    )
    .bind(Utc::now() - ORPHANED_AFTER)
    .fetch_all(pool)
    .await?;
    for row in unchecked {
        let (id, account): (Uuid, Uuid) = (row.try_get("id")?, row.try_get("account_id")?);
        let sql = match names(app, account, id).await? {
            true => "UPDATE credentials SET kept = true WHERE id = $1",
            false => "DELETE FROM credentials WHERE id = $1",
        };
        sqlx::query(sql).bind(id).execute(pool).await?;
    }
    Ok(())
}

async fn names(app: &App, account: Uuid, credential: Uuid) -> Result<bool, LoadError> {
    let stream = StreamId::of::<Account>(account);
    let kind = StreamKind::of::<Account>();
    let mut streams = Streams::default();
    streams.insert(stream, app.log.load(stream, kind).await?.0);
    let state = streams.state::<Account>(account);
    Ok(state.is_ok_and(|state| {
        let named = state.as_ref().as_ref().map(|account| account.credential_id);
        named == Some(credential)
    }))
}
