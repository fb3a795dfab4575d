//! The least that lies between a command and its being visible: a commit, a message from a producer
//! to a consumer, and another commit.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use event_store::message::topic;
use event_store::{Topics, database};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, ThreadedProducer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use sqlx::{Executor, PgPool};
use tokio::sync::oneshot;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::broker::Broker;
use super::sample::ANSWER;

const CONNECTIONS: u32 = 16;
const POLL: Duration = Duration::from_millis(100);
const CONTEXT: &str = "hotels";
const TABLE: &str = "CREATE SCHEMA bare; CREATE TABLE bare.kept (\
     id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, what text NOT NULL)";

/// Who waits for which message.
type Waiting = Arc<Mutex<HashMap<u64, oneshot::Sender<()>>>>;

/// A producer, a consumer, and a table.
pub(super) struct Bare {
    pool: PgPool,
    topic: String,
    partitions: u32,
    producer: ThreadedProducer<DefaultProducerContext>,
    waiting: Waiting,
    _stop: DropGuard,
}

impl Bare {
    /// One in the database at `url`, with settings as relay and projector have them.
    pub(super) async fn start(url: &str, broker: &Broker) -> anyhow::Result<Arc<Self>> {
        let pool = database::pool(url, "log", CONNECTIONS)?;
        pool.execute(TABLE).await?;
        let topics = Topics::ensure(&pool, &[CONTEXT], 1).await?;
        let partitions = topics.partitions(CONTEXT).context("no topic")?;
        let options = broker.topics("bare", &topics).await?;
        let topic = topic(&options.topic_prefix, CONTEXT, 1);
        let producer = ClientConfig::new()
            .set("bootstrap.servers", &broker.brokers)
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("linger.ms", "1")
            .create()?;
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &broker.brokers)
            .set("group.id", &options.topic_prefix)
            .set("enable.auto.commit", "false")
            .set("fetch.wait.max.ms", "100")
            .set("fetch.queue.backoff.ms", "5")
            .create()?;
        let mut places = TopicPartitionList::new();
        for partition in 0..partitions.cast_signed() {
            places.add_partition_offset(&topic, partition, Offset::Beginning)?;
        }
        consumer.assign(&places)?;
        let (waiting, stop) = (Waiting::default(), CancellationToken::new());
        let (told, stopped) = (waiting.clone(), stop.clone());
        tokio::task::spawn_blocking(move || {
            while !stopped.is_cancelled() {
                if let Some(Ok(message)) = consumer.poll(POLL)
                    && let Some(Ok(turn)) = message.key().map(<[u8; 8]>::try_from)
                {
                    let mut waiting = told.lock().unwrap_or_else(PoisonError::into_inner);
                    if let Some(waiter) = waiting.remove(&u64::from_be_bytes(turn)) {
                        // Who waited may have given up.
                        let _told = waiter.send(());
                    }
                }
            }
        });
        Ok(Arc::new(Self {
            pool,
            topic,
            partitions,
            producer,
            waiting,
            _stop: stop.drop_guard(),
        }))
    }

    /// One pass; gives how long it took.
    pub(super) async fn pass(self: Arc<Self>, turn: u64) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        self.commit().await?;
        let came = self.wait_for(turn);
        let key = turn.to_be_bytes();
        let partition = (turn % u64::from(self.partitions)) as i32;
        let record = BaseRecord::to(&self.topic)
            .partition(partition)
            .key(&key)
            .payload(ANSWER);
        self.producer.send(record).map_err(|(error, _)| error)?;
        came.await.context("the consumer ended")?;
        self.commit().await?;
        Ok(begun.elapsed())
    }

    fn wait_for(&self, turn: u64) -> oneshot::Receiver<()> {
        let (told, came) = oneshot::channel();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.insert(turn, told);
        came
    }

    async fn commit(&self) -> anyhow::Result<()> {
        let insert = sqlx::query("INSERT INTO bare.kept (what) VALUES ($1)").bind(ANSWER);
        insert.execute(&self.pool).await?;
        Ok(())
    }
}
