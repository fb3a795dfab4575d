//! The Kafka that both sides are measured on: the one of `KAFKA_BROKERS`, else one of our own.

use std::sync::Mutex;

use anyhow::{Context, anyhow};
use clap::Args;
use event_store::Topics;
use event_store::message::topic;
use event_store::relay;
use projections::runtime::KafkaOptions;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use uuid::Uuid;

use super::Common;
use super::scratch::Scratch;
use crate::embedded::Lifetime;
use crate::embedded::kafka::Kafka;

/// Which Kafka.
#[derive(Args, Clone)]
pub(super) struct Brokers {
    /// Kafka's bootstrap servers, where the bench makes and deletes topics of its own; else a Kafka
    /// of its own in a temporary folder.
    #[arg(long, env = "KAFKA_BROKERS")]
    kafka_brokers: Option<String>,
}

/// A Kafka, and the topics that were made in it.
pub(super) struct Broker {
    own: Option<(Kafka, Scratch)>,
    pub(super) brokers: String,
    /// What the names of our topics begin with.
    prefix: String,
    made: Mutex<Vec<String>>,
}

impl Broker {
    pub(super) async fn start(brokers: &Brokers, common: &Common) -> anyhow::Result<Self> {
        let (own, brokers) = match &brokers.kafka_brokers {
            Some(brokers) => (None, brokers.clone()),
            None => {
                let tools = Kafka::find_tools().map_err(|missing| anyhow!(missing))?;
                let folder = Scratch::under(&common.data)?;
                let own = Kafka::start(&tools, folder.path(), Lifetime::Tied).await?;
                let brokers = own.brokers().to_owned();
                (Some((own, folder)), brokers)
            }
        };
        let id = Uuid::new_v4().simple().to_string();
        Ok(Self {
            own,
            brokers,
            prefix: format!("comptoir_bench_{}", &id[..8]),
            made: Mutex::default(),
        })
    }

    /// What the names of the topics called `name` begin with, and of their consumers' groups.
    pub(super) fn prefix(&self, name: &str) -> String {
        format!("{}_{name}", self.prefix)
    }

    /// How a relay reaches new topics called `name`, one for each context.
    pub(super) async fn topics(
        &self,
        name: &str,
        topics: &Topics,
    ) -> anyhow::Result<relay::Options> {
        let options = relay::Options {
            brokers: self.brokers.clone(),
            topic_prefix: self.prefix(name),
            replication: 1,
        };
        relay::topics::ensure(&options, topics).await?;
        if let Ok(mut made) = self.made.lock() {
            let all = topics.all().into_iter();
            made.extend(
                all.map(|(context, of)| topic(&options.topic_prefix, &context, of.generation)),
            );
        }
        Ok(options)
    }

    /// Takes away what it made.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        if let Some((own, _folder)) = self.own {
            return own.stop().await;
        }
        let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
            .set("bootstrap.servers", &self.brokers)
            .create()?;
        let made = self.made.into_inner().unwrap_or_default();
        let names: Vec<&str> = made.iter().map(String::as_str).collect();
        let deleted = admin.delete_topics(&names, &AdminOptions::new()).await;
        deleted
            .map(drop)
            .context("deleting the topics of the bench")
    }
}

/// How a projector reaches what a relay with these options sends.
pub(super) fn consumed(options: &relay::Options) -> KafkaOptions {
    KafkaOptions {
        brokers: options.brokers.clone(),
        topic_prefix: options.topic_prefix.clone(),
        replication: options.replication,
    }
}
