//! The topics of the log's contexts in Kafka, as the log has them.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

use super::{Error, Options};
use crate::log::Topics;
use crate::message::topic;

const PAUSE: Duration = Duration::from_secs(1);
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// Makes the topics that are missing, and refuses one whose partition count is not the log's.
/// Waits while Kafka is away.
///
/// # Errors
/// When Kafka refuses, or a topic has another partition count.
pub async fn ensure(options: &Options, topics: &Topics) -> Result<(), Error> {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", &options.brokers)
        .create()?;
    loop {
        match create_and_check(&admin, options, topics).await {
            Err(Error::Kafka(error)) if is_away(&error) => {
                tracing::warn!(%error, "waiting for Kafka");
                tokio::time::sleep(PAUSE).await;
            }
            done => return done,
        }
    }
}

/// Whether `error` means that Kafka can't be reached now, and may be later.
pub fn is_away(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        error.rdkafka_error_code(),
        Some(
            Code::BrokerTransportFailure
                | Code::AllBrokersDown
                | Code::OperationTimedOut
                | Code::RequestTimedOut
                | Code::Resolve
                | Code::LeaderNotAvailable
                | Code::CoordinatorNotAvailable
                | Code::CoordinatorLoadInProgress
                | Code::NotCoordinator
                // A topic that was made a moment ago and is not yet known everywhere.
                | Code::UnknownTopicOrPartition
                | Code::UnknownTopic
                | Code::UnknownPartition
                | Code::NotLeaderForPartition
                | Code::ReplicaNotAvailable
                | Code::FencedLeaderEpoch
                | Code::UnknownLeaderEpoch
        )
    )
}

/// Whether `error` means that a topic, or a partition of it, is not there any more, or may be another
/// than the producer's messages were for.
pub fn is_gone(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        error.rdkafka_error_code(),
        Some(
            Code::UnknownTopicOrPartition
                | Code::UnknownTopic
                | Code::UnknownPartition
                | Code::UnknownTopicId
                | Code::OutOfOrderSequenceNumber
                | Code::UnknownProducerId
                | Code::Fatal
                | Code::MessageTimedOut
        )
    )
}

async fn create_and_check(
    admin: &AdminClient<DefaultClientContext>,
    options: &Options,
    topics: &Topics,
) -> Result<(), Error> {
    let wanted: Vec<(String, u32)> = topics
        .all()
        .into_iter()
        .map(|(context, of)| {
            let name = topic(&options.topic_prefix, &context, of.generation);
            (name, of.partitions)
        })
        .collect();
    let new: Vec<NewTopic<'_>> = wanted
        .iter()
        .map(|(name, partitions)| {
            let replication = TopicReplication::Fixed(options.replication);
            NewTopic::new(name, partitions.cast_signed(), replication)
        })
        .collect();
    let limits = AdminOptions::new().operation_timeout(Some(ANSWER_LIMIT));
    for made in admin.create_topics(&new, &limits).await? {
        match made {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((_, code)) => return Err(KafkaError::AdminOp(code).into()),
        }
    }
    for (topic, expected) in wanted {
        let actual = partition_count(admin, &topic)?;
        if u32::try_from(actual) != Ok(expected) {
            return Err(Error::Partitions {
                topic,
                expected,
                actual,
            });
        }
    }
    Ok(())
}

fn partition_count(
    admin: &AdminClient<DefaultClientContext>,
    topic: &str,
) -> Result<usize, KafkaError> {
    let metadata = admin.inner().fetch_metadata(Some(topic), ANSWER_LIMIT)?;
    let found = metadata.topics().iter().find(|of| of.name() == topic);
    match found {
        Some(found) if found.error().is_none() => Ok(found.partitions().len()),
        _ => Err(KafkaError::MetadataFetch(
            RDKafkaErrorCode::UnknownTopicOrPartition,
        )),
    }
}
