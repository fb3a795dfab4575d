//! What personal data is sealed and opened with, and where its keys are.

use anyhow::Context;
use clap::Args;
use event_store::database;
use event_store::personal::{Keyring, MasterKeys};
use sqlx::PgPool;

/// Connections of a process to the database of the persons' keys, when it is another.
const KEY_CONNECTIONS: u32 = 4;

/// What personal data is sealed and opened with.
#[derive(Args, Clone)]
pub struct Personal {
    /// The master keys that wrap the persons' keys: id:base64-of-32-bytes, the current one first,
    /// then older ones, separated by commas.
    #[arg(long, env = "COMPTOIR_PERSONAL_KEYS", hide_env_values = true)]
    pub personal_keys: String,
    /// Where the persons' keys are.
    #[command(flatten)]
    pub keys_database: KeysDatabase,
}

/// Where the persons' keys are.
#[derive(Args, Clone, Default)]
pub struct KeysDatabase {
    /// The PostgreSQL of the persons' keys, when it is another than the log's.
    #[arg(long, env = "COMPTOIR_KEYS_DATABASE_URL", hide_env_values = true)]
    pub keys_database_url: Option<String>,
}

impl KeysDatabase {
    /// Connections to it, when it is another than the log's.
    ///
    /// # Errors
    /// When the URL is wrong.
    pub fn pool(&self) -> anyhow::Result<Option<PgPool>> {
        let pool = |url: &String| database::pool(url, "log", KEY_CONNECTIONS);
        let pool = self.keys_database_url.as_ref().map(pool).transpose();
        pool.context("COMPTOIR_KEYS_DATABASE_URL")
    }
}

impl Personal {
    /// The master keys.
    ///
    /// # Errors
    /// When they are not of their form.
    pub fn masters(&self) -> anyhow::Result<MasterKeys> {
        self.personal_keys.parse().context("COMPTOIR_PERSONAL_KEYS")
    }

    /// The keyring of a process whose log is behind `log`.
    ///
    /// # Errors
    /// When a URL or the master keys are wrong.
    pub fn keyring(&self, log: &PgPool) -> anyhow::Result<Keyring> {
        let masters = self.masters()?;
        Ok(match self.keys_database.pool()? {
            Some(pool) => Keyring::apart(pool, masters),
            None => Keyring::beside_the_log(log.clone(), masters),
        })
    }
}
