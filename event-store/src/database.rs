//! Connections to PostgreSQL, and which of its errors mean that it is away.

use std::str::FromStr;
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

/// How long a caller waits for a connection before it hears that the database is away.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
/// A connection idle for longer is tried before it is handed out.
const TRIED_AFTER_IDLE: Duration = Duration::from_secs(1);

/// A pool of at most `connections` to the database at `url`, whose unqualified names are looked up
/// in `schema`. It connects when it is first used.
///
/// # Errors
/// When `url` is not a PostgreSQL URL.
pub fn pool(url: &str, schema: &str, connections: u32) -> Result<PgPool, sqlx::Error> {
    let options = PgConnectOptions::from_str(url)?
        .application_name("comptoir")
        .options([("search_path", schema)]);
    let pool = PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // A ping at each acquire costs a round trip a command; only an idle connection may have
        // died unnoticed.
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for < TRIED_AFTER_IDLE {
                    return Ok(true);
                }
                Ok(sqlx::Connection::ping(connection).await.is_ok())
            })
        })
        .connect_lazy_with(options);
    Ok(pool)
}

/// Whether `error` means that the database can't be reached now, and may be later.
pub fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            // Connection exceptions, too many connections, shutdown, crash, starting up.
            code.starts_with("08") || code.starts_with("57P0") || code == "53300"
        }),
        // What a connection says whose server went away in the middle of a message.
        sqlx::Error::Protocol(_) => true,
        _ => false,
    }
}
