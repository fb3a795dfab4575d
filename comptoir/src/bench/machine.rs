//! Where figures were measured, without which they say little.

use serde::Serialize;
use sqlx::{PgConnection, Row};

/// The machine and its PostgreSQL.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Machine {
    /// CPUs that this process may use.
    pub(super) cpus: usize,
    /// The version of the server.
    pub(super) postgresql: String,
    fsync: String,
    synchronous_commit: String,
    shared_buffers: String,
    /// Whether Comptoir was built with optimisation.
    release: bool,
}

impl Machine {
    pub(super) async fn look(connection: &mut PgConnection) -> anyhow::Result<Self> {
        let row = sqlx::query(
            "SELECT current_setting('server_version') AS version, \
                 current_setting('fsync') AS fsync, \
                 current_setting('synchronous_commit') AS synchronous_commit, \
                 current_setting('shared_buffers') AS shared_buffers",
        )
        .fetch_one(connection)
        .await?;
        Ok(Self {
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
            postgresql: row.try_get("version")?,
            fsync: row.try_get("fsync")?,
            synchronous_commit: row.try_get("synchronous_commit")?,
            shared_buffers: row.try_get("shared_buffers")?,
            release: !cfg!(debug_assertions),
        })
    }

    /// One line for people.
    pub(super) fn line(&self) -> String {
        format!(
            "{} CPUs, PostgreSQL {}, fsync {}, synchronous_commit {}, shared_buffers {}{}",
            self.cpus,
            self.postgresql,
            self.fsync,
            self.synchronous_commit,
            self.shared_buffers,
            if self.release { "" } else { "; A DEBUG BUILD" },
        )
    }
}
