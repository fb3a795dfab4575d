//! What services are told: where things are, and their keys.

pub mod checkpoints;
mod door;
mod mail;
mod personal;

use std::net::SocketAddr;

use anyhow::Context;
use clap::Args;
use projections::runtime::{KafkaOptions, Source};
use service_kit::keys::MasterKey;
use service_kit::token::Tokens;

pub use checkpoints::Checkpoints;
pub use door::Door;
pub use mail::Mail;
pub use personal::{KeysDatabase, Personal};

/// Partitions of the topic of a context that is new to the log.
const PARTITIONS: u32 = 6;

/// Where the databases are.
#[derive(Args, Clone, Debug)]
pub struct Databases {
    /// The log's PostgreSQL: postgres://user:password@host:port/database.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: String,
    /// The read tables' PostgreSQL, when it is another.
    #[arg(long, env = "READ_DATABASE_URL", hide_env_values = true)]
    pub read_database_url: Option<String>,
}

impl Databases {
    /// The URL of the read tables' database.
    pub fn read_url(&self) -> &str {
        self.read_database_url
            .as_deref()
            .unwrap_or(&self.database_url)
    }
}

/// Where Kafka is.
#[derive(Args, Clone, Debug)]
pub struct Kafka {
    /// Kafka's bootstrap servers: host:port,host:port.
    #[arg(long, env = "KAFKA_BROKERS")]
    pub kafka_brokers: Option<String>,
    /// What topic names and consumer groups begin with.
    #[arg(long, env = "COMPTOIR_TOPIC_PREFIX", default_value = "comptoir")]
    pub topic_prefix: String,
    /// How many copies Kafka keeps of each topic.
    #[arg(long, env = "COMPTOIR_REPLICATION", default_value_t = 1)]
    pub replication: i32,
}

impl Kafka {
    /// Where projectors read: Kafka when it is known, else the log itself.
    pub fn source(&self) -> Source {
        match &self.kafka_brokers {
            None => Source::Log,
            Some(brokers) => Source::Kafka(KafkaOptions {
                brokers: brokers.clone(),
                topic_prefix: self.topic_prefix.clone(),
                replication: self.replication,
            }),
        }
    }

    /// How the relay reaches Kafka, when it is known.
    pub fn relay(&self) -> Option<event_store::relay::Options> {
        Some(event_store::relay::Options {
            brokers: self.kafka_brokers.clone()?,
            topic_prefix: self.topic_prefix.clone(),
            replication: self.replication,
        })
    }
}

/// The topics that a new log has.
#[derive(Args, Clone, Copy, Debug)]
pub struct Topics {
    /// Partitions of the topic of a context that is new to the log; never changed afterwards.
    #[arg(long, env = "COMPTOIR_PARTITIONS", default_value_t = PARTITIONS,
        value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub partitions: u32,
}

/// The secrets of the services.
#[derive(Args, Clone)]
pub struct Keys {
    /// What names e-mail claims and digests requests: 32 bytes or more. It never changes.
    #[arg(long, env = "COMPTOIR_MASTER_KEY", hide_env_values = true)]
    pub master_key: String,
    /// What signs access tokens: 32 bytes or more.
    #[arg(long, env = "COMPTOIR_TOKEN_KEY", hide_env_values = true)]
    pub token_key: String,
}

impl Keys {
    /// The master key.
    ///
    /// # Errors
    /// When it is too short.
    pub fn master(&self) -> anyhow::Result<MasterKey> {
        MasterKey::new(self.master_key.as_bytes()).context("COMPTOIR_MASTER_KEY")
    }

    /// What signs and verifies access tokens.
    ///
    /// # Errors
    /// When the key is too short.
    pub fn tokens(&self) -> anyhow::Result<Tokens> {
        Tokens::parse(&self.token_key).context("COMPTOIR_TOKEN_KEY")
    }
}

/// Where a service listens.
#[derive(Args, Clone, Copy, Debug)]
pub struct Listen {
    /// The address of its HTTP port.
    #[arg(long, env = "COMPTOIR_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
}
