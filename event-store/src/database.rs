//! Connections to PostgreSQL, and which of its errors mean that it is away.

use std::collections::HashMap;
use std::str::FromStr;
use std::time::Duration;

use secrecy::SecretString;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use sqlx::{ConnectOptions, PgPool};

/// How long a caller waits for a connection before it hears that the database is away.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
/// A connection idle for longer is tried before it is handed out.
const TRIED_AFTER_IDLE: Duration = Duration::from_secs(1);

/// How the database at `url` is connected to.
///
/// # Errors
/// When `url` is not a PostgreSQL URL.
pub fn options(url: &str) -> Result<PgConnectOptions, sqlx::Error> {
    let options = PgConnectOptions::from_str(url)?;
    // A URL has IPv6 in brackets, and a certificate has it without.
    let host = options.get_host().trim_matches(['[', ']']).to_owned();
    let options = options.host(&host);
    // As libpq has it: who names a root wants it checked.
    let certificates = undisclosed(&options).certificates;
    let rooted = certificates.contains_key("sslrootcert");
    Ok(match options.get_ssl_mode() {
        PgSslMode::Require if rooted => options.ssl_mode(PgSslMode::VerifyCa),
        _ => options,
    })
}

/// What the getters of options keep to themselves.
pub(crate) struct Undisclosed {
    pub(crate) password: Option<SecretString>,
    /// `sslrootcert`, `sslcert` and `sslkey`: `file: ` and a path, or a PEM text.
    pub(crate) certificates: HashMap<String, String>,
}

/// Only a URL discloses it. The names in it are made up: sqlx panics, or leaves out the password,
/// where the names make no URL.
pub(crate) fn undisclosed(options: &PgConnectOptions) -> Undisclosed {
    let options = options.clone().host("host").username("user");
    let url = options.database("database").to_url_lossy();
    let password = url.password().map(|encoded| {
        let decoded = percent_encoding::percent_decode_str(encoded);
        SecretString::from(decoded.decode_utf8_lossy().into_owned())
    });
    let certificates = url.query_pairs().into_owned().collect();
    Undisclosed {
        password,
        certificates,
    }
}

/// A pool of at most `connections` to the database at `url`, whose unqualified names are looked up
/// in `schema`. It connects when it is first used.
///
/// # Errors
/// When `url` is not a PostgreSQL URL.
pub fn pool(url: &str, schema: &str, connections: u32) -> Result<PgPool, sqlx::Error> {
    let options = options(url)?
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

/// Whether `error` is one that the same statement need not meet again: a deadlock, a full disk, a
/// lock or time limit, a server that is a standby for now.
pub fn passes(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| {
        code.starts_with("40")
            || code.starts_with("53")
            || ["25006", "55P03", "57014"].contains(&&*code)
    })
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
