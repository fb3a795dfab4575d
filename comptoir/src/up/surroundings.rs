//! The PostgreSQL and the Kafka that `up` works with: those it is told of, else its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::embedded::Lifetime;
use crate::embedded::kafka::Kafka;
use crate::embedded::postgres::Postgres;

use super::Options;
use super::secrets::Secrets;

/// What the services stand on.
pub(super) struct Surroundings {
    data: PathBuf,
    database: Database,
    kafka: Broker,
}

enum Database {
    Given(String),
    Own(Box<Postgres>),
}

enum Broker {
    Given(String),
    Own(Box<Kafka>),
    None(String),
}

impl Surroundings {
    /// Finds or starts PostgreSQL and Kafka, both at once.
    pub(super) async fn start(options: &Options, data: &Path) -> anyhow::Result<Self> {
        let (database, kafka) = tokio::try_join!(database(options, data), broker(options, data))?;
        Ok(Self {
            data: data.to_owned(),
            database,
            kafka,
        })
    }

    pub(super) fn data(&self) -> &Path {
        &self.data
    }

    pub(super) fn database_url(&self) -> &str {
        match &self.database {
            Database::Given(url) => url,
            Database::Own(postgres) => postgres.url(),
        }
    }

    pub(super) fn brokers(&self) -> Option<&str> {
        match &self.kafka {
            Broker::Given(brokers) => Some(brokers),
            Broker::Own(kafka) => Some(kafka.brokers()),
            Broker::None(_) => None,
        }
    }

    /// Stops what it started.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        if let Broker::Own(kafka) = self.kafka {
            kafka.stop().await?;
        }
        if let Database::Own(postgres) = self.database {
            postgres.stop().await?;
        }
        Ok(())
    }

    /// What `up` says when it is up.
    pub(super) fn greeting(&self, address: SocketAddr, secrets: &Secrets, mail: &str) -> String {
        let database = match &self.database {
            Database::Given(_) => "the one of DATABASE_URL".to_owned(),
            Database::Own(own) => started(own.origin(), own.adopted()),
        };
        let kafka = match &self.kafka {
            Broker::Given(brokers) => brokers.clone(),
            Broker::Own(own) => started(own.origin(), own.adopted()),
            Broker::None(why) => format!("none ({why}); the log feeds the projectors directly"),
        };
        format!(
            "Comptoir is up.\n\
             \n  API and its page   http://{address}/docs/\
             \n  OpenAPI            http://{address}/openapi.json\
             \n  Health, metrics    http://{address}/readyz  http://{address}/metrics\
             \n  Administrator      {}  {}\
             \n  PostgreSQL         {database}\
             \n  Kafka              {kafka}\
             \n  E-mails            {mail}\
             \n  Data, secrets      {}  {}\n\
             \nCtrl-C stops it; started again it goes on where it was.\n",
            secrets.admin_email,
            secrets.shown_password(),
            self.data.display(),
            secrets.file.display(),
        )
    }
}

fn started(origin: &str, adopted: bool) -> String {
    match adopted {
        true => format!("{origin}, left running by the last start"),
        false => origin.to_owned(),
    }
}

async fn database(options: &Options, data: &Path) -> anyhow::Result<Database> {
    match &options.database_url {
        Some(url) => Ok(Database::Given(url.clone())),
        None => {
            let own = Postgres::start(&data.join("postgres"), Lifetime::Adoptable).await?;
            Ok(Database::Own(Box::new(own)))
        }
    }
}

async fn broker(options: &Options, data: &Path) -> anyhow::Result<Broker> {
    if options.no_kafka {
        return Ok(Broker::None("--no-kafka".to_owned()));
    }
    if let Some(brokers) = &options.kafka.kafka_brokers {
        return Ok(Broker::Given(brokers.clone()));
    }
    match Kafka::find_tools() {
        Err(missing) => Ok(Broker::None(missing)),
        Ok(tools) => {
            let own = Kafka::start(&tools, &data.join("kafka"), Lifetime::Adoptable).await?;
            Ok(Broker::Own(Box::new(own)))
        }
    }
}
