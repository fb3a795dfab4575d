//! Watching for a lost tail: messages that the relay sent, and that Kafka has no more, after the
//! last one that came.

use std::sync::Arc;
use std::time::Duration;

use event_store::relay::topics;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;
use sqlx::Row;

use super::checkpoint;
use super::delivered::Place;
use super::from_kafka::{Consumer, KafkaOptions};
use super::holes::{self, Hole};
use super::run::{Error, Projector};

const EVERY: Duration = Duration::from_secs(5);
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// Compares, again and again, what the relay sent with what Kafka still has, in the partitions that
/// this projector was given.
pub(super) async fn watch(
    projector: &Projector,
    options: &KafkaOptions,
    consumer: &Consumer,
) -> Result<(), Error> {
    loop {
        tokio::time::sleep(EVERY).await;
        match check(projector, options, consumer).await {
            Err(Error::Kafka(error)) if topics::is_gone(&error) => {
                tracing::warn!(%error, "a topic is gone; it is made anew");
                topics::ensure(&options.topics(), projector.log.topics()).await?;
            }
            Err(error) if error.is_away() => {
                tracing::warn!(%error, "can't look for a lost tail now");
            }
            Err(Error::Kafka(error)) => {
                tracing::warn!(%error, "can't look for a lost tail now");
            }
            done => done?,
        }
    }
}

async fn check(
    projector: &Projector,
    options: &KafkaOptions,
    consumer: &Consumer,
) -> Result<(), Error> {
    // What the relay says is read first: Kafka has had it by then.
    let sent = sqlx::query(
        "SELECT context, generation, partition, relay_partitions.position \
         FROM relay_partitions JOIN topics USING (context, generation)",
    )
    .fetch_all(projector.log.pool())
    .await?;
    let progress = checkpoint::progress(&projector.read, &projector.projections).await?;
    for row in sent {
        let place = Place {
            context: row.try_get("context")?,
            partition: row.try_get("partition")?,
        };
        let claim = consumer.claims.to(&place.context, place.partition);
        let (Some(claim), Some(reached)) = (claim, progress.get(&place)) else {
            continue;
        };
        let (after, up_to) = (reached.watermark.position, row.try_get("position")?);
        if after >= up_to {
            continue;
        }
        let generation = row.try_get("generation")?;
        let topic = event_store::message::topic(&options.topic_prefix, &place.context, generation);
        let (kafka, partition) = (Arc::clone(&consumer.kafka), place.partition);
        let (low, end) = tokio::task::spawn_blocking(move || {
            kafka.fetch_watermarks(&topic, partition, ANSWER_LIMIT)
        })
        .await
        .map_err(|_| KafkaError::Canceled)??;
        let next = reached.next_offset.unwrap_or(0);
        if next.max(low) < end {
            continue;
        }
        if next > end {
            checkpoint::set_back(&projector.read, &place, (low, end)).await?;
        }
        let why = format!("the relay sent up to {up_to}, and Kafka has nothing after {after}");
        let hole = Hole { after, up_to, why };
        holes::fill(projector, &place, Some(claim), &hole).await?;
    }
    Ok(())
}
