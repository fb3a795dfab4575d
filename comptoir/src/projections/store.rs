//! Where the tables are, and where what they are made of.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use event_store::database;
use event_store::personal::Keyring;
use event_store::tree::CheckpointKeys;
use projections::rebuild::Databases;
use projections::runtime::{Registered, search_path};
use sqlx::PgPool;

use crate::settings::checkpoints::keys;
use crate::settings::{self, KeysDatabase, Personal};
use crate::up;

/// Connections to each database.
const CONNECTIONS: u32 = 16;

/// The databases of a system.
#[derive(Args, Clone)]
pub(crate) struct Store {
    /// The log's PostgreSQL; that of a running `comptoir up` unless told otherwise.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// The read tables' PostgreSQL, when it is another.
    #[arg(long, env = "READ_DATABASE_URL", hide_env_values = true)]
    read_database_url: Option<String>,
    /// Where `comptoir up` keeps everything; `.comptoir` here unless told otherwise.
    #[arg(long, env = "COMPTOIR_DATA")]
    data: Option<PathBuf>,
    /// The master keys of personal data, as the projector has them.
    #[arg(long, env = "COMPTOIR_PERSONAL_KEYS", hide_env_values = true)]
    personal_keys: Option<String>,
    #[command(flatten)]
    keys_database: KeysDatabase,
}

impl Store {
    /// Connections to them.
    pub(crate) async fn open(&self) -> anyhow::Result<Databases> {
        let (databases, personal) = match &self.database_url {
            Some(url) => (self.given(url), self.personal()),
            None => {
                let found = up::running(self.data.clone())?;
                (
                    self.given(&found.databases.database_url),
                    Some(found.personal),
                )
            }
        };
        let log =
            database::pool(&databases.database_url, "log", CONNECTIONS).context("DATABASE_URL")?;
        let path = search_path(&projections::all());
        let read = database::pool(databases.read_url(), &path, CONNECTIONS)
            .context("READ_DATABASE_URL")?;
        let keyring = match personal {
            Some(personal) => {
                let keyring = personal.keyring(&log)?;
                let checked = keyring.check().await;
                checked.context("the persons' keys (has `comptoir migrate` run?)")?;
                keyring
            }
            // Nothing personal is opened then.
            None => Keyring::none(),
        };
        Ok(Databases { log, read, keyring })
    }

    /// What signs the checkpoints of a running `up`; none where the databases are told.
    pub(crate) fn checkpoint_keys(&self) -> anyhow::Result<Option<CheckpointKeys>> {
        match self.database_url {
            Some(_) => Ok(None),
            None => Ok(Some(keys(
                &up::running(self.data.clone())?.checkpoint_keys,
            )?)),
        }
    }

    /// The same; without the keys, rows of persons would be made without their data.
    pub(crate) async fn open_to_project(&self) -> anyhow::Result<Databases> {
        if self.has_no_keys() {
            bail!("projecting needs the projector's COMPTOIR_PERSONAL_KEYS");
        }
        self.open().await
    }

    /// The same; where personal data is to be revealed, with the keys.
    pub(crate) async fn open_to_tell(&self, reveal: bool) -> anyhow::Result<Databases> {
        if reveal && self.has_no_keys() {
            bail!("revealing personal data needs COMPTOIR_PERSONAL_KEYS");
        }
        self.open().await
    }

    fn has_no_keys(&self) -> bool {
        self.database_url.is_some() && self.personal_keys.is_none()
    }

    /// Connections to the log alone.
    pub(crate) fn log(&self) -> anyhow::Result<PgPool> {
        let url = match &self.database_url {
            Some(url) => url.clone(),
            None => up::running(self.data.clone())?.databases.database_url,
        };
        database::pool(&url, "log", CONNECTIONS).context("DATABASE_URL")
    }

    /// Connections to the persons' keys, when they are in another database than the log's.
    pub(crate) fn keys(&self) -> anyhow::Result<Option<PgPool>> {
        self.keys_database.pool()
    }

    fn given(&self, url: &str) -> settings::Databases {
        settings::Databases {
            database_url: url.to_owned(),
            read_database_url: self.read_database_url.clone(),
        }
    }

    fn personal(&self) -> Option<Personal> {
        Some(Personal {
            personal_keys: self.personal_keys.clone()?,
            keys_database: self.keys_database.clone(),
        })
    }
}

/// The projections of these names; all of them when none is named.
pub(crate) fn named(names: &[String]) -> anyhow::Result<Vec<Registered>> {
    let all = projections::all();
    if names.is_empty() {
        return Ok(all);
    }
    let find = |name: &String| {
        projections::named(name).with_context(|| {
            let known: Vec<&str> = all.iter().map(|one| one.name).collect();
            format!(
                "there is no projection {name}; there are {}",
                known.join(", ")
            )
        })
    };
    names.iter().map(find).collect()
}
