//! The PostgreSQL that both sides are measured on: the one of `DATABASE_URL`, else one of our own.

use std::str::FromStr;

use anyhow::Context;
use reqwest::Url;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor, PgConnection};
use uuid::Uuid;

use super::Common;
use super::cpu::Cpu;
use super::machine::Machine;
use super::scratch::Scratch;
use crate::embedded::Lifetime;
use crate::embedded::postgres::Postgres;
use crate::services::migrate;
use crate::settings::Databases;

/// A PostgreSQL server, and the databases that were made in it.
pub(super) struct Server {
    own: Option<(Postgres, Scratch)>,
    url: Url,
    /// What the names of our databases begin with.
    prefix: String,
    /// The CPU time of the server, where it runs on this machine.
    pub(super) cpu: Cpu,
    /// Where all this is measured.
    pub(super) machine: Machine,
}

impl Server {
    pub(super) async fn start(common: &Common) -> anyhow::Result<Self> {
        let prefix = format!(
            "comptoir_bench_{}",
            &Uuid::new_v4().simple().to_string()[..8]
        );
        let (own, url) = match &common.database_url {
            Some(url) => (None, url.clone()),
            None => {
                let folder = Scratch::under(&common.data)?;
                let own = Postgres::start(folder.path(), Lifetime::Tied).await?;
                let url = own.url().to_owned();
                (Some((own, folder)), url)
            }
        };
        let mut connection = connect(&url).await.context("connecting to DATABASE_URL")?;
        let cpu = Cpu::of(&mut connection).await?;
        let machine = Machine::look(&mut connection).await?;
        connection.close().await?;
        Ok(Self {
            own,
            url: Url::parse(&url).context("DATABASE_URL is not a URL")?,
            prefix,
            cpu,
            machine,
        })
    }

    /// A new database with Comptoir's tables; gives its URL.
    pub(super) async fn database(&self, name: &str) -> anyhow::Result<String> {
        let name = format!("{}_{name}", self.prefix);
        let mut admin = connect(self.url.as_str()).await?;
        admin
            .execute(format!("CREATE DATABASE {name}").as_str())
            .await
            .with_context(|| format!("making the database {name}"))?;
        admin.close().await?;
        let mut url = self.url.clone();
        url.set_path(&name);
        let databases = Databases {
            database_url: url.to_string(),
            read_database_url: None,
        };
        migrate(&databases).await?;
        Ok(url.to_string())
    }

    /// Writes out what earlier runs left, so that no side pays for another's. A server that does
    /// not let us is measured as it is.
    pub(super) async fn settle(&self) -> anyhow::Result<()> {
        let mut admin = connect(self.url.as_str()).await?;
        if let Err(error) = admin.execute("CHECKPOINT").await {
            tracing::debug!(%error, "no checkpoint before this run");
        }
        Ok(admin.close().await?)
    }

    /// Takes away what it made.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        if let Some((own, _folder)) = self.own {
            return own.stop().await;
        }
        let mut admin = connect(self.url.as_str()).await?;
        let names: Vec<String> = sqlx::query_scalar(
            "SELECT datname::text FROM pg_database WHERE starts_with(datname, $1)",
        )
        .bind(&self.prefix)
        .fetch_all(&mut admin)
        .await?;
        for name in names {
            admin
                .execute(format!("DROP DATABASE {name} WITH (FORCE)").as_str())
                .await?;
        }
        Ok(admin.close().await?)
    }
}

/// A connection for statements that may take long.
pub(super) async fn connect(url: &str) -> Result<PgConnection, sqlx::Error> {
    let options = PgConnectOptions::from_str(url)?.disable_statement_logging();
    options.connect().await
}
