//! Watching for a lost tail: messages that the relay sent, and that Kafka has no more, after the
//! last one that came.

use std::time::Duration;

use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;
use sqlx::Row;

use super::checkpoint;
use super::from_kafka::{Consumer, KafkaOptions};
use super::run::{Error, Projector};

const EVERY: Duration = Duration::from_secs(5);
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// Compares, again and again, what the relay sent with what Kafka still has.
pub(super) async fn watch(
    projector: &Projector,
    options: &KafkaOptions,
    consumer: &Consumer,
) -> Result<(), Error> {
    loop {
        tokio::time::sleep(EVERY).await;
        match check(projector, options, consumer).await {
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
        let (context, partition): (String, i32) =
            (row.try_get("context")?, row.try_get("partition")?);
        let position: i64 = row.try_get("position")?;
        let place = (context, partition);
        let Some(reached) = progress.get(&place) else {
            continue;
        };
        if reached.watermark.position >= position {
            continue;
        }
        let generation = row.try_get("generation")?;
        let topic = event_store::message::topic(&options.topic_prefix, &place.0, generation);
        let kafka = std::sync::Arc::clone(&consumer.kafka);
        let end = tokio::task::spawn_blocking(move || {
            kafka.fetch_watermarks(&topic, partition, ANSWER_LIMIT)
        })
        .await
        .map_err(|_| KafkaError::Canceled)??
        .1;
        if reached.next_offset.unwrap_or(0) >= end {
            return Err(Error::Missing {
                context: place.0,
                partition,
                expected: position,
                found: "Kafka has nothing after what came".to_owned(),
            });
        }
    }
    Ok(())
}
